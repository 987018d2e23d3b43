"""Searching a program that says what is planted in it, and whose memory comes and goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from known_wine import expected
from support import targets
from support.leaks import handle_count
from support.subjects import PAGE

from memaccess import ClosedViewError, MemoryView, TargetExitedError, WrongBitnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.everywhere

SIZE = 5 * PAGE
REGION = 0x10000
MANY = 1024
"""Regions that the target maps: 64 MiB, so that not all is read before the first result is there."""


def mark(first: int) -> bytes:
    """What the target plants, by its first byte."""
    return bytes((first + 7 * index) % 256 for index in range(16))


COMING = mark(0xC3)
BUSY = mark(0xD4)


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("finding", request.param) as started:
        yield started


def is_wide(target: targets.Target) -> bool:
    """Whether a 32-bit Python looks at a 64-bit program, whose map it can't see."""
    return bool(target.facts["pointer_size"] * 8 > targets.OWN_BITNESS)


def planted(target: targets.Target) -> tuple[int, int]:
    """Where the target has planted all that stays."""
    return target.facts["base"], SIZE


def places_of(target: targets.Target, bases: list[int]) -> Any:
    """Where regions are that come and go: somewhere in all the memory, where that can be seen."""
    return [(base, REGION) for base in bases] if is_wide(target) else None


def test_a_pattern_is_found_wherever_it_lies(target: targets.Target) -> None:
    base = target.facts["base"]
    pattern = bytes.fromhex(target.facts["mark"])
    expected = [base + 0x40, base + PAGE - 5, base + 2 * PAGE - 9, base + SIZE - 16]
    with MemoryView(target.pid) as view:
        assert list(view.find(pattern, planted(target))) == expected
        assert [each.address for each in view.find_regex(rb"\xa1\xa8..\xbd", planted(target))] == expected
        assert list(view.find("A1 A? ?? B6 BD", planted(target))) == expected
        if not is_wide(target):
            everywhere = list(view.find(pattern))
            assert [each for each in everywhere if base <= each < base + SIZE] == expected
            assert list(view.find(pattern, planted(target), writable=True)) == expected[:2]
            assert list(view.find(pattern, planted(target), executable=True)) == expected[3:]
            assert list(view.find(pattern, planted(target), writable=False)) == expected[3:]


def test_hits_that_overlap_are_found(target: targets.Target) -> None:
    base = target.facts["base"]
    with MemoryView(target.pid) as view:
        assert list(view.find("B2 B2 B2", planted(target))) == list(range(base + 0x100, base + 0x107))
        found = list(view.find_regex(rb"\xb2{3}", planted(target)))
    assert [each.address for each in found] == [base + 0x100, base + 0x103, base + 0x106]


def test_a_wide_text_is_found_at_an_odd_address(target: targets.Target) -> None:
    address = target.facts["base"] + 0x203
    with MemoryView(target.pid) as view:
        assert view.find_text("Grüße € 🐍", planted(target), encoding="utf-16").one() == address
        assert view.find_text("GRÜßE", planted(target), encoding="utf-16", ignore_case=True).one() == address
        assert list(view.find_text("Grüße", planted(target), encoding="utf-16", alignment=2)) == []


def test_the_operand_of_an_instruction_leads_to_what_it_reads(target: targets.Target) -> None:
    if target.facts["pointer_size"] == 4:
        pytest.skip("only in 64-bit code operands are relative")
    filters: dict[str, Any] = {} if is_wide(target) else {"executable": True}
    with MemoryView(target.pid) as view:
        place = view.find("8B 05 ?? ?? ?? ?? C3", planted(target), **filters).one()
        assert place == target.facts["code"]
        number = view.resolve_relative(place, 2, 6)
        assert number == target.facts["number"]
        assert view.read_int(number) == target.ask("call")["result"]


def test_a_call_leads_to_what_it_calls(target: targets.Target) -> None:
    with MemoryView(target.pid) as view:
        place = view.find("CC E8 ?? ?? ?? ??", planted(target)).one() + 1
        called = view.resolve_relative(place, 1, 5)
        assert (place, called) == (target.facts["code"] + 8, target.facts["code"] + 14)
        assert view.read(1, called) == b"\xc3"


def test_regions_that_came_are_found_and_those_that_went_are_counted(target: targets.Target) -> None:
    bases = sorted(target.ask(f"map {MANY}")["bases"])
    assert len(bases) == MANY
    with MemoryView(target.pid) as view:
        search = view.find(COMING, places_of(target, bases))
        assert [each for each in search if each in set(bases)] == bases
        assert search.done == search.total
        again = view.find(COMING, places_of(target, bases))
        handles = handle_count()
        target.ask("unmap")
        found = list(again)
        assert set(found).isdisjoint(bases)
        assert (again.skipped >= MANY * REGION) == expected("skip memory that was freed", True)
        assert again.done == again.total
        assert handle_count() <= handles


def test_a_program_whose_memory_comes_and_goes_is_searched(target: targets.Target) -> None:
    if is_wide(target):
        pytest.skip("without its map there is nothing to be surprised by")
    with MemoryView(target.pid) as view:
        list(view.find(BUSY))  # what is loaded with the first search
        handles = handle_count()
        target.ask("busy")
        for _ in range(10):
            search = view.find(BUSY)
            found = list(search)
            assert found == sorted(set(found))
            assert search.done == search.total
            assert 0 <= search.skipped <= search.total
            assert len(list(view.find(bytes.fromhex(target.facts["mark"]), planted(target)))) == 4
        assert target.ask("rest")["rounds"] > 0
        assert handle_count() <= handles


def test_a_program_that_is_killed_meanwhile_ends_it(target: targets.Target) -> None:
    bases = target.ask(f"map {MANY}")["bases"]
    with MemoryView(target.pid) as view:
        search = view.find(
            COMING, [(base, REGION) for base in bases], progress=lambda _done, _total: target.kill()
        )
        with pytest.raises(TargetExitedError, match=r"^Can't read") as caught:
            list(search)
    assert "has ended" in caught.value.explanation
    assert search.done < search.total


def test_a_view_that_is_closed_meanwhile_ends_it(target: targets.Target) -> None:
    bases = target.ask(f"map {MANY}")["bases"]
    handles = handle_count()
    with MemoryView(target.pid) as view:
        search = view.find(
            COMING, [(base, REGION) for base in bases], progress=lambda _done, _total: view._close()
        )
        with pytest.raises(ClosedViewError):
            list(search)
    assert handle_count() <= handles


def test_without_ranges_a_32_bit_python_says_what_it_can_not_do(target: targets.Target) -> None:
    if not is_wide(target):
        pytest.skip("a 32-bit Python and a 64-bit program are what it is about")
    with MemoryView(target.pid) as view:
        for places in ((), ("ntdll",), (range(1 << 32, 1 << 33),)):
            with pytest.raises(WrongBitnessError):
                view.find(COMING, *places, writable=True)
