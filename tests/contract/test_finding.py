"""Searching the fake and real programs: what is found, where is looked, and what never is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from known_wine import expected
from support.subjects import CODE, PAGE, is_wide, require_changes, require_reach

from memaccess import (
    AmbiguousPatternError,
    ClosedViewError,
    MissingRightError,
    PatternNotFoundError,
    SymbolNotFoundError,
    TargetExitedError,
    WrongBitnessError,
)

if TYPE_CHECKING:
    from support.subjects import Subject

    from memaccess import MemoryView

CLOSED = ["noaccess", "guard", "reserved", "free", "null", "kernel"]
TEXT = b"read and write"


def page_of(subject: Subject, page: str) -> tuple[int, int]:
    """A page as a place to look."""
    require_reach(subject, page)
    return subject.address(page), PAGE


# -- what is found


@pytest.mark.parametrize("pattern", [TEXT, "72 65 61 64 20", "7? ?5 61 ?? 20", "?? ?? 61 64", "?? ?5 ?? ?4"])
def test_bytes_are_found_where_they_are(subject: Subject, pattern: str) -> None:
    address = subject.address("readwrite")
    with subject.open("r") as view:
        assert view.find(pattern, (address, PAGE)).one() == address


def test_a_hit_across_pages_of_different_protection_is_found_once(subject: Subject) -> None:
    address = subject.address("run")
    with subject.open("r") as view:
        found = list(view.find("61 62", (address, 3 * PAGE)))
        both = view.find_regex(rb"ab+c", (address, 3 * PAGE), longest=2 * PAGE).one()
    assert found == [address + PAGE - 1]
    assert (both.address, both.end) == (address + PAGE - 1, address + 2 * PAGE + 1)


def test_hits_that_overlap_are_all_found_in_order(subject: Subject) -> None:
    address = subject.address("run")
    with subject.open("r") as view:
        found = list(view.find(b"aa", (address, 2 * PAGE)))
        apart = [each.address for each in view.find_regex(rb"aa", (address, 2 * PAGE))]
        aligned = list(view.find(b"aa", (address, 2 * PAGE), alignment=64))
    assert found == list(range(address, address + PAGE - 1))
    assert apart == list(range(address, address + PAGE, 2))
    assert aligned == list(range(address, address + PAGE, 64))


def test_a_hit_at_the_very_end_of_memory_is_found(subject: Subject) -> None:
    require_reach(subject, "lonely")
    end = subject.address("lonely") + PAGE
    with subject.open("rw") as view:
        view.write(b"finis", end - 5)
        assert view.find(b"finis", (end - PAGE, PAGE)).one() == end - 5
        assert view.find(b"finis", (end - PAGE, 2 * PAGE)).one() == end - 5
        assert list(view.find("66 69 6E 69 73 ??", (end - PAGE, 2 * PAGE))) == []
        assert view.find_regex(rb"f\w+", (end - PAGE, 2 * PAGE)).one().data == b"finis"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "cp1252", "utf-16-be"])
def test_a_text_is_found_in_any_encoding(subject: Subject, encoding: str) -> None:
    address = subject.address("readwrite") + 0x100
    text = "Zoë reads"
    with subject.open("rw") as view:
        view.write(
            text.encode({"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)), address
        )
        place = address & -PAGE, PAGE
        assert view.find_text(text, place, encoding=encoding).one() == address
        assert view.find_text("zoË READS", place, encoding=encoding, ignore_case=True).one() == address
        assert list(view.find_text("zoË READS", place, encoding=encoding)) == []


def test_a_match_has_its_groups(subject: Subject) -> None:
    address = subject.address("readwrite")
    with subject.open("r") as view:
        match = view.find_regex(rb"(r\w+) (?:and|(or)) (w\w+)", (address, PAGE)).one()
        compiled = view.find_regex(re.compile(rb"READ", re.IGNORECASE), (address, PAGE)).one()
    assert match == (address, TEXT, (b"read", None, b"write"))
    assert compiled.data == b"read"


def test_one_insists_on_one(subject: Subject) -> None:
    place = page_of(subject, "run")
    with subject.open("r") as view:
        with pytest.raises(AmbiguousPatternError, match=f"at {PAGE} places in the {PAGE} bytes") as caught:
            view.find("61", place).one()
        with pytest.raises(PatternNotFoundError, match=f"nowhere in the {PAGE} bytes"):
            view.find("62", place).one()
    assert (caught.value.count, caught.value.addresses[0]) == (PAGE, place[0])


def test_a_relative_operand_is_resolved(subject: Subject) -> None:
    address = subject.address("readwrite") + 0x200
    with subject.open("rw") as view:
        view.write(bytes.fromhex("488b05 00f0ffff e8 10000000"), address)
        assert view.resolve_relative(address, 3, 7) == address + 7 - 0x1000
        assert view.resolve_relative(address + 7, 1, 5) == address + 12 + 0x10
        view.write_int(-(2**31), address + 8)
        assert view.resolve_relative(address + 7, 1, 5) == (address + 12 - 2**31) % (1 << subject.bitness)


# -- where is looked


def test_without_a_place_it_is_looked_everywhere(subject: Subject) -> None:
    with subject.open("r") as view:
        if is_wide(subject):
            with pytest.raises(WrongBitnessError, match=r"^Can't query the memory map"):
                view.find(TEXT)
            return
        found = list(view.find(TEXT))
    assert subject.address("readwrite") in found
    assert found == sorted(set(found))


def test_memory_of_another_protection_or_kind_is_left_out(subject: Subject) -> None:
    code, text = page_of(subject, "execute_read"), page_of(subject, "readonly")
    with subject.open("r") as view:
        assert view.find(CODE, code, executable=True, writable=False, kind="private").one() == code[0]
        for filters in ({"executable": False}, {"writable": True}, {"kind": "image"}):
            search = view.find(CODE, code, **filters)
            assert (list(search), search.total, search.left_out) == ([], 0, PAGE)
        both = [code, text]
        assert view.find(b"\0", both, executable=True).total == PAGE
        assert view.find_text("read only", both, executable=False).one() == text[0]
        assert view.find_regex(rb"read \w+", both, writable=False).one().address == text[0]


def test_filters_need_the_map_of_the_memory(subject: Subject) -> None:
    place = range(1 << 32, (1 << 32) + 2 * PAGE)
    with subject.open("r") as view:
        if is_wide(subject):
            with pytest.raises(WrongBitnessError, match=r"^Can't query the memory map"):
                view.find(TEXT, place, writable=True)
        elif subject.bitness == 32:
            with pytest.raises(OverflowError):
                view.find(TEXT, place, writable=True)
        else:
            search = view.find(TEXT, place, writable=True)
            assert (list(search), search.total + search.left_out) == ([], 2 * PAGE)


def test_it_is_looked_where_a_place_is(subject: Subject) -> None:
    start, size = page_of(subject, "readwrite")
    others = page_of(subject, "run")
    with subject.open("r") as view:
        snapshot = view.snapshot([(start, size)])
        places = [range(start, start + size), [others, (start, size)], ((start, size), others), snapshot]
        places += [[range(start, start + size), [others]], iter([(start, size)])]
        if not is_wide(subject):
            places += [region := view.region_at(start), [region], (region, others)]
        for place in places:
            search = view.find(TEXT, place)
            assert list(search) == [start], place
            assert search.left_out == 0


def test_a_module_is_searched_by_its_name(subject: Subject) -> None:
    with subject.open("r") as view:
        if is_wide(subject):
            with pytest.raises(WrongBitnessError):
                view.find("4D 5A", "kernel32")
            return
        program = view.modules()[0]
        head = view.read(4, program.base)
        for place in (program, program.name, [program.name, program]):
            search = view.find(head, place)
            assert search.first() == program.base
            assert search.total + search.left_out == program.size
        with pytest.raises(SymbolNotFoundError, match=r"no module is called 'nosuch\.dll'"):
            view.find(head, "nosuch.dll")


def test_memory_that_was_allocated_is_a_place(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("rw") as view, view.allocate(2 * PAGE) as memory:
        address = memory.address + PAGE - 3
        view.write(b"planted", address)
        assert view.find(b"planted", memory).one() == address


@pytest.mark.parametrize("page", CLOSED)
def test_what_can_not_be_read_is_counted(subject: Subject, page: str) -> None:
    address, _ = page_of(subject, page)
    with subject.open("r") as view:
        search = view.find("?? 0?", (address, 16))
        assert list(search) == []
        assert search.left_out + search.skipped == 16


def test_a_guard_is_still_there(subject: Subject) -> None:
    place = page_of(subject, "guard")
    before = subject.protection("guard")
    with subject.open("r") as view:
        list(view.find(b"guarded", place))
        if not is_wide(subject):
            assert place[0] not in list(view.find(b"guarded"))
            list(view.find_regex(rb"guarde\w", range(place[0] - 16, place[0] + 16)))
    assert subject.protection("guard") == before


# -- when it is not to be


def test_a_view_that_may_not_read_may_not_search(subject: Subject) -> None:
    place = page_of(subject, "readwrite")
    with subject.open("w") as view:
        for find in (
            lambda: view.find(TEXT, place),
            lambda: view.find_text("read"),
            lambda: view.find_regex(b"r"),
        ):
            with pytest.raises(MissingRightError, match=r"^Can't search the memory of process"):
                find()
        with pytest.raises(MissingRightError):
            view.resolve_relative(place[0], 1, 5)


def test_a_closed_view_is_not_searched(subject: Subject) -> None:
    place = page_of(subject, "run")
    view = subject.open("r")
    before, between = view.find("61", place), view.find("61", (place[0], 2 * PAGE))
    assert between.first() == place[0]
    view.close()
    with pytest.raises(ClosedViewError, match=r"^Can't search the memory"):
        view.find("61", place)
    with pytest.raises(ClosedViewError):
        before.first()


def all_of(view: MemoryView, subject: Subject) -> list[tuple[int, int]]:
    """The page of a's, and much before and after it where there is more to be seen."""
    page = subject.address("run"), PAGE
    return (
        [page] if is_wide(subject) else [(each.base, each.size) for each in view.regions(state="committed")]
    )


def test_a_program_that_ended_is_not_searched(subject: Subject) -> None:
    place = page_of(subject, "run")
    with subject.open("r") as view:
        before, everywhere = view.find("61", place), view.find("61 62", all_of(view, subject))
        subject.end(5)
        with pytest.raises(TargetExitedError):
            before.first()
        with pytest.raises(TargetExitedError):
            everywhere.one()
        with pytest.raises(TargetExitedError):
            view.find("61", place)
        with pytest.raises(TargetExitedError):
            view.find("61").first()


def test_memory_that_goes_away_is_skipped_and_counted(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("rw") as view:
        memory = view.allocate(4 * PAGE)
        view.write(b"b" * PAGE + b"a" * PAGE, memory.address + PAGE)
        search = view.find("61", [(memory.address, 4 * PAGE), page_of(subject, "run")])
        memory.free()
        assert list(search) == list(range(subject.address("run"), subject.address("run") + PAGE))
        is_missing = expected("skip memory that was freed", True) or not subject.is_real
        assert search.skipped == 4 * PAGE * is_missing
        assert search.done == search.total == 5 * PAGE
