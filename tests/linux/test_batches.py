"""Batches from programs of Linux: as many places in one call as the kernel takes, and what it stops at."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import sys
from array import array
from typing import TYPE_CHECKING, Any

import pytest
from support import targets
from support.subjects import PAGE

from memaccess import ClosedViewError, MemoryView, NotReadableError, TargetExitedError
from memaccess._batch import one_by_one

if TYPE_CHECKING or sys.platform == "linux":
    from memaccess._backend.linux import _memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.targets import Target

APART = 2 * PAGE
"""So far from each other, places are not read as one."""
NOTHING = 0x1000
"""Where no program has memory."""


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("pages", request.param) as target:
        yield target


@pytest.fixture
def view(target: Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid) as view:
        yield view


def require_calls(target: Target) -> None:
    """Skip where the memory lies above what an iovec of this Python can name: it is read through the file."""
    if 8 * target.facts["pointer_size"] > targets.OWN_BITNESS:
        pytest.skip("a 32-bit Python makes no such calls for 64-bit programs")


@pytest.fixture
def calls(target: Target, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many places each call to the kernel was about."""
    require_calls(target)
    counts: list[int] = []
    real = _memory.process_vm_readv

    def counted(*arguments: Any) -> int:
        counts.append(arguments[4])
        return real(*arguments)

    monkeypatch.setattr(_memory, "process_vm_readv", counted)
    return counts


def instead(target: Target, monkeypatch: pytest.MonkeyPatch, function: Callable[..., int]) -> None:
    """Call *function* in place of the kernel's; it gets that one first."""
    require_calls(target)
    real = _memory.process_vm_readv
    monkeypatch.setattr(_memory, "process_vm_readv", lambda *arguments: function(real, *arguments))


def numbers(target: Target, count: int) -> list[tuple[str, int]]:
    """Requests for so many numbers, each on a page apart; the values are :func:`values_of` them."""
    base = target.ask(f"count {count * APART // 4}")["base"]
    return [("int", base + index * APART) for index in range(count)]


def values_of(requests: list[tuple[str, int]]) -> list[int]:
    return [index * APART // 4 for index in range(len(requests))]


def page(target: Target, name: str) -> int:
    return target.facts["pages"][name]["base"]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (9, []),
        (10, [10]),
        (1023, [1023]),
        (1024, [1024]),
        (1025, [1024]),
        (1034, [1024, 10]),
        (2500, [1024, 1024, 452]),
    ],
)
def test_one_call_reads_as_many_places_as_the_kernel_takes(target, view, calls, count, expected) -> None:
    requests = numbers(target, count)
    assert view.read_many(requests) == values_of(requests)
    assert calls == expected


def test_the_kernel_takes_no_more_than_that() -> None:
    assert os.sysconf("SC_IOV_MAX") == _memory._MANY


def test_the_order_is_that_of_the_requests(target, view, calls) -> None:
    requests = numbers(target, 200)
    order = random.Random(1).sample(range(200), 200)
    assert view.read_many([requests[index] for index in order]) == [values_of(requests)[i] for i in order]
    assert calls == [200]


def test_what_the_kernel_refuses_is_read_through_the_file_and_the_rest_in_one_go(target, view, calls) -> None:
    requests = numbers(target, 100)
    border = page(target, "border_ansi") + PAGE
    closed = [(9, page(target, "noaccess")), (8, border - 4), (4, border + 8)]
    values = [b"no access", b"age\0" + bytes(4), bytes(4)]
    places = [(4, address) for _, address in requests]
    found = list(view._process.read_each([*places[:50], *closed, *places[50:]]))
    assert found[50:53] == values
    assert found[:50] + found[53:] == [value.to_bytes(4, "little") for value in values_of(requests)]
    assert calls == [103, 52, 51, 50]
    assert view.read_many(closed) == values
    assert view.read_many([*closed, *requests]) == values + values_of(requests)


def test_many_stops_end_the_patience(target, view, calls) -> None:
    requests = numbers(target, 300)
    wrong = [("int", NOTHING)] * 300
    process = view._process
    places = [(4, address) for pair in zip(requests, wrong, strict=True) for _, address in pair]
    found = list(process.read_each(places))
    assert found[1::2] == [None] * 300
    assert [int.from_bytes(data, "little") for data in found[::2]] == values_of(requests)
    assert 3 < calls.index(1, 3) < 20  # from there on, they are single reads that are refused


def test_errors_are_in_the_places_of_values(target, view) -> None:
    requests = numbers(target, 40)
    requests.insert(20, ("int", NOTHING))
    values = view.read_many(requests, return_errors=True)
    assert isinstance(values.pop(20), NotReadableError)
    assert values == values_of(requests[1:])
    with pytest.raises(NotReadableError) as caught:
        view.read_many(requests)
    assert caught.value.address == NOTHING


@pytest.mark.parametrize("seed", range(20))
def test_many_places_are_what_single_ones_are(target, view, seed) -> None:
    pages = target.facts["pages"].values()
    choice = random.Random(seed)
    borders = [place for each in pages for place in (each["base"], each["base"] + each["size"])]
    sizes = [0, 1, 4, 9, PAGE, PAGE + 1, 3 * PAGE, _memory._LARGE, _memory._LARGE + 1]
    places = [(choice.choice(sizes), choice.choice(borders) + choice.randrange(-20, 20)) for _ in range(60)]
    process = view._process
    assert list(process.read_each(places)) == list(one_by_one(process.read, places))


def test_large_places_among_small_ones_are_read_alone(target, view, calls) -> None:
    requests = numbers(target, 60)
    start = requests[0][1]
    large = [(1 << 17, start), (_memory._LARGE + 1, start)]
    places = [(4, address) for _, address in requests]
    found = list(view._process.read_each([*places[:30], *large, *places[30:]]))
    whole = view.read(60 * APART, start)
    assert found[30:32] == [whole[: 1 << 17], whole[: _memory._LARGE + 1]]
    assert found[:30] + found[32:] == [whole[at : at + 4] for at in range(0, 60 * APART, APART)]
    assert calls[0] == 62
    assert list(view._process.read_each([large[1]] * 12)) == [whole[: _memory._LARGE + 1]] * 12


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.ENOMEM])
def test_where_the_call_is_refused_the_file_serves(target, view, monkeypatch, code) -> None:
    requests = numbers(target, 50)
    calls = []

    def refuse(real, *arguments):
        calls.append(arguments)
        ctypes.set_errno(code)
        return -1

    instead(target, monkeypatch, refuse)
    assert view.read_many(requests) == values_of(requests)
    assert len(calls) == 1


def test_a_program_that_ends_between_two_calls_is_an_error_for_every_value(target, view, monkeypatch) -> None:
    requests = numbers(target, 1100)

    def die_first(real, *arguments):
        target.kill()
        return real(*arguments)

    instead(target, monkeypatch, die_first)
    values = view.read_many(requests, return_errors=True)
    assert {type(value) for value in values} == {TargetExitedError}
    with pytest.raises(TargetExitedError):
        view.read_many(requests)


def test_what_another_process_has_under_that_pid_is_never_a_value(target, view, monkeypatch) -> None:
    requests = numbers(target, 30)

    def read_another(real, _pid, own, *_) -> int:
        if view.is_alive():
            target.kill()
        # All arrives, from whoever has the pid now.
        return array("L", ctypes.string_at(own, 2 * ctypes.sizeof(ctypes.c_size_t)))[1]

    instead(target, monkeypatch, read_another)
    values = view.read_many(requests, return_errors=True)
    assert {type(value) for value in values} == {TargetExitedError}


def test_a_view_that_is_closed_meanwhile_says_so(target, monkeypatch) -> None:
    require_calls(target)
    view = MemoryView(target.pid)
    requests = numbers(target, 30)

    def close_first(real, *arguments):
        if not view.closed:
            view.close()
        return real(*arguments)

    instead(target, monkeypatch, close_first)
    values = view.read_many(requests, return_errors=True)
    assert {type(value) for value in values} == {ClosedViewError}


def test_places_beyond_this_python_s_pointers_are_read_through_the_file(
    target, view, monkeypatch, calls
) -> None:
    requests = numbers(target, 30)
    # As in a 32-bit Python, whose iovecs have 32 bits.
    monkeypatch.setattr(_memory, "array", lambda _, items: array("I", items))
    assert view.read_many(requests) == values_of(requests)
    is_beyond = requests[-1][1] >= 1 << 32
    assert calls == ([] if is_beyond else calls)


def test_addresses_that_nothing_has_are_no_values(target, view) -> None:
    places = [(4, 1 << 64), (4, (1 << 64) - 2), (4, (1 << 63) + 8), (0, 1 << 64)] * 5
    assert list(view._process.read_each(places)) == [None, None, None, b""] * 5
