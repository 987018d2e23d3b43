"""Reading memory of every kind, on the fake and on real programs."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import known_wine
import pytest
from support.outcomes import ANY_CODE, WORKS, Outcome, outcome_of
from support.subjects import PAGE, is_wide

from memaccess import MemoryAccessError, NotReadableError, PartialReadError, TargetExitedError

if TYPE_CHECKING:
    from support.subjects import Subject

SIZE = 16
UNREADABLE = Outcome(NotReadableError, 299)
WINDOWS = {
    "readwrite": WORKS,
    "readonly": WORKS,
    "execute_read": WORKS,
    "noaccess": UNREADABLE,
    "guard": UNREADABLE,
    "reserved": UNREADABLE,
    "free": UNREADABLE,
    "null": UNREADABLE,
    "kernel": Outcome(NotReadableError, ANY_CODE),
}
READABLE = [page for page, outcome in WINDOWS.items() if outcome == WORKS]


def expected(subject: Subject, case: str, windows: Outcome) -> Outcome:
    return known_wine.expected(f"read {case}", windows) if subject.is_real else windows


@pytest.mark.parametrize("page", WINDOWS)
def test_a_page_can_be_read_or_not(subject: Subject, page: str) -> None:
    with subject.open("r") as view:
        outcome = outcome_of(lambda: view.read(SIZE, subject.address(page)))
    assert outcome == expected(subject, page, WINDOWS[page])


@pytest.mark.parametrize("page", WINDOWS)
def test_reading_into_a_buffer_fares_as_reading(subject: Subject, page: str) -> None:
    with subject.open("r") as view:
        outcome = outcome_of(lambda: view.read_into(bytearray(SIZE), subject.address(page)))
    assert outcome == expected(subject, page, WINDOWS[page])


@pytest.mark.parametrize("page", READABLE)
def test_what_is_read_is_what_the_program_sees(subject: Subject, page: str) -> None:
    with subject.open("r") as view:
        data = view.read(SIZE, subject.address(page))
    assert data == subject.peek(page, 0, SIZE)
    assert data.strip(b"\0")


@pytest.mark.parametrize("page", READABLE)
def test_a_buffer_gets_what_the_program_sees(subject: Subject, page: str) -> None:
    buffer = bytearray(SIZE)
    with subject.open("r") as view:
        view.read_into(buffer, subject.address(page))
    assert buffer == subject.peek(page, 0, SIZE)


def test_a_run_of_different_pages_is_read_whole(subject: Subject) -> None:
    with subject.open("r") as view:
        data = view.read(3 * PAGE, subject.address("run"))
    assert data == b"a" * PAGE + b"b" * PAGE + b"c" * PAGE


def test_a_read_that_crosses_a_border_inside_a_run_is_whole(subject: Subject) -> None:
    with subject.open("r") as view:
        assert view.read(4, subject.address("run") + PAGE - 2) == b"aabb"


def test_reading_on_into_a_closed_page_brings_what_lies_before_it(subject: Subject) -> None:
    address = subject.address("border_ansi") + PAGE - SIZE
    with subject.open("r") as view:
        outcome = outcome_of(lambda: view.read(2 * SIZE, address))
    assert outcome == expected(subject, "across border", Outcome(PartialReadError, 299, SIZE))


def test_reading_on_into_nothing_brings_what_lies_before_it(subject: Subject) -> None:
    address = subject.address("lonely") + PAGE - SIZE
    with subject.open("r") as view:
        outcome = outcome_of(lambda: view.read(2 * SIZE, address))
    assert outcome == expected(subject, "across lonely", Outcome(PartialReadError, 299, SIZE))


def test_what_did_arrive_is_the_beginning(subject: Subject) -> None:
    address = subject.address("lonely") + PAGE - SIZE
    with subject.open("rw") as view:
        view.write(b"the end of a pag", address)
        with pytest.raises(NotReadableError) as caught:
            view.read(2 * SIZE, address)
    assert caught.value.data == b"the end of a pag"[: caught.value.transferred]


def test_a_buffer_holds_no_more_than_what_did_arrive(subject: Subject) -> None:
    buffer = bytearray(b"." * 2 * SIZE)
    with subject.open("r") as view, pytest.raises(NotReadableError) as caught:
        view.read_into(buffer, subject.address("lonely") + PAGE - SIZE)
    assert buffer[caught.value.transferred :] == b"." * (2 * SIZE - caught.value.transferred)


def test_behind_a_lonely_page_is_nothing_to_read(subject: Subject) -> None:
    with subject.open("r") as view:
        outcome = outcome_of(lambda: view.read(1, subject.address("lonely") + PAGE))
    assert outcome == expected(subject, "behind lonely", UNREADABLE)


def test_what_is_available_comes_with_what_is_missing(subject: Subject) -> None:
    address = subject.address("lonely") + PAGE - SIZE
    with subject.open("rw") as view:
        view.write(b"the end of a pag", address)
        found = view.read_available(2 * SIZE, address)
    assert found.data == b"the end of a pag" + bytes(SIZE)
    assert found.missing == ((address + SIZE, SIZE),)


def test_of_a_null_pointer_all_is_missing(subject: Subject) -> None:
    with subject.open("r") as view:
        assert view.read_available(SIZE, 0).missing == ((0, SIZE),)


def test_nothing_can_be_read_from_anywhere(subject: Subject) -> None:
    with subject.open("r") as view:
        for page in filter(subject.has, WINDOWS):
            assert view.read(0, subject.address(page)) == b""
            view.read_into(bytearray(), subject.address(page))


def test_the_error_knows_the_range(subject: Subject) -> None:
    with subject.open("r") as view, pytest.raises(NotReadableError) as caught:
        view.read(SIZE, 0x10)
    assert (caught.value.pid, caught.value.address, caught.value.size) == (view.pid, 0x10, SIZE)


def test_the_error_names_the_region_that_refused(subject: Subject) -> None:
    end = subject.address("lonely") + PAGE
    with subject.open("r") as view, pytest.raises(NotReadableError) as caught:
        view.read(2 * SIZE, end - SIZE)
    if is_wide(subject) and end >= 1 << 32:
        assert caught.value.region is None
    else:
        assert caught.value.region is not None
        assert caught.value.region.base == end
        assert caught.value.region.state != "committed"


# -- batches

PLACES = (
    "null",
    "kernel",
    "free",
    *READABLE,
    "noaccess",
    "guard",
    "reserved",
    "border_ansi",
    "run",
    "lonely",
)


def batch(subject: Subject) -> list[tuple[str | int, int]]:
    """Requests of every size in every kind of memory, and over its end; what can be read lies in between."""
    requests: list[tuple[str | int, int]] = []
    for page in filter(subject.has, PLACES):
        address = subject.address(page)
        requests += [(0, address), ("int", address), (SIZE, address + PAGE - SIZE), ("int", address + 1)]
        if page not in ("null", "kernel"):
            requests += [(SIZE, address + PAGE - 8), (3 * PAGE, address), (PAGE, address)]
    return requests[::2] + requests[1::2]


def test_a_batch_brings_what_single_reads_bring(subject: Subject) -> None:
    requests = batch(subject)
    with subject.open("r") as view:
        values = view.read_many(requests, return_errors=True)
        for (what, address), value in zip(requests, values, strict=True):
            read = view.read_int if what == "int" else functools.partial(view.read, what)
            try:
                assert value == read(address)
            except MemoryAccessError as error:
                facts = [
                    (type(each), str(each), each.code, each.address, each.size, each.transferred, each.data)
                    for each in (value, error)
                ]
                assert facts[0] == facts[1]
    assert {type(value) for value in values} >= {int, bytes, NotReadableError}


def test_of_a_batch_the_first_request_that_fails_is_the_error(subject: Subject) -> None:
    requests = batch(subject)
    with subject.open("r") as view:
        values = view.read_many(requests, return_errors=True)
        first = next(value for value in values if isinstance(value, MemoryAccessError))
        with pytest.raises(type(first)) as caught:
            view.read_many(requests)
        good = [each for each, value in zip(requests, values, strict=True) if isinstance(value, (int, bytes))]
        assert view.read_many(good) == [value for value in values if isinstance(value, (int, bytes))]
    assert (caught.value.address, caught.value.size) == (first.address, first.size)


def test_a_batch_from_a_program_that_has_ended_is_all_errors(subject: Subject) -> None:
    requests = batch(subject)
    with subject.open("r") as view:
        subject.end(0)
        values = view.read_many(requests, return_errors=True)
    # Nothing is read of no bytes.
    assert {type(each) for each in values if each != b""} == {TargetExitedError}
    assert sum(each == b"" for each in values) == sum(what == 0 for what, _ in requests)
