"""Snapshots and hex dumps of the fake and of real programs: what is read, and what never is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.subjects import PAGE, is_wide, require_changes, require_reach

from memaccess import TargetExitedError, WrongBitnessError

if TYPE_CHECKING:
    from support.subjects import Subject

READABLE = ["readwrite", "readonly", "execute_read"]
CLOSED = ["noaccess", "guard", "reserved", "free", "null", "kernel"]


@pytest.mark.parametrize("page", READABLE)
def test_a_page_that_can_be_read_is_taken(subject: Subject, page: str) -> None:
    address = subject.address(page)
    with subject.open("r") as view:
        taken = view.snapshot([(address, PAGE)])
    assert taken.ranges == ((address, PAGE),)
    assert taken.missing == ()
    assert taken.read(16, address) == subject.peek(page, 0, 16)


@pytest.mark.parametrize("page", CLOSED)
def test_a_page_that_can_not_be_read_is_missing(subject: Subject, page: str) -> None:
    require_reach(subject, page)
    address = subject.address(page)
    with subject.open("r") as view:
        taken = view.snapshot([(address, 16)])
    assert taken.ranges == ()
    assert taken.missing == ((address, 16),)


def test_a_guard_is_still_there(subject: Subject) -> None:
    require_reach(subject, "guard")
    before = subject.protection("guard")
    with subject.open("r") as view:
        view.snapshot([(subject.address("guard"), PAGE)])
        view.hexdump(16, subject.address("guard"))
    assert subject.protection("guard") == before


def test_without_ranges_all_is_taken_that_the_program_can_write_to(subject: Subject) -> None:
    with subject.open("r") as view:
        if is_wide(subject):
            with pytest.raises(WrongBitnessError, match=r"^Can't query the memory map"):
                view.snapshot()
            return
        taken = view.snapshot()
    for page in ("readwrite", "border_ansi", "lonely"):
        assert taken.read(PAGE, subject.address(page)) == subject.peek(page, 0, PAGE)
    for page in ("readonly", "execute_read", "noaccess", "guard", "reserved"):
        with pytest.raises(LookupError):
            taken.read(1, subject.address(page))


def test_a_run_of_different_pages_is_one_range(subject: Subject) -> None:
    address = subject.address("run")
    with subject.open("r") as view:
        taken = view.snapshot([(address + 2 * PAGE, PAGE), (address, 2 * PAGE), (address + PAGE, 5)])
    assert taken.ranges == ((address, 3 * PAGE),)
    assert taken.read(3 * PAGE, address) == b"a" * PAGE + b"b" * PAGE + b"c" * PAGE


def test_what_is_written_in_between_is_the_change(subject: Subject) -> None:
    address = subject.address("readwrite")
    with subject.open("rw") as view:
        before = view.snapshot([(address, PAGE)])
        view.write_int(-2, address + 0x100)
        view.write_double(0.1, address + 0x108)
        after = view.snapshot(before)
    assert next(before.changes(after)) == (address + 0x100, bytes(4), b"\xfe\xff\xff\xff")
    changed = list(before.changed_values(after, "int"))
    assert changed[0] == (address + 0x100, 0, -2)
    assert [(each.before, each.after) for each in before.changed_values(after, "double")][-1] == (0.0, 0.1)
    assert list(after.changes(after)) == []


def test_a_pointer_is_as_wide_as_the_program(subject: Subject) -> None:
    address, size = subject.address("readwrite") + 0x100, subject.bitness // 8
    with subject.open("rw") as view:
        before = view.snapshot([(address, 16)])
        view.write(b"\1" * 16, address)
        after = view.snapshot(before)
    changed = list(before.changed_values(after, "pointer"))
    assert [each.address for each in changed] == list(range(address, address + 16, size))
    assert changed[0].after == int.from_bytes(b"\1" * size, "little")


def test_memory_that_was_allocated_is_gained_and_then_lost(subject: Subject) -> None:
    require_changes(subject)
    if is_wide(subject):
        pytest.skip("a 32-bit Python has no map of a 64-bit program above 4 GiB")
    with subject.open("rw") as view:
        before = view.snapshot()
        with view.allocate(2 * PAGE) as memory:
            between = view.snapshot()
        after = view.snapshot(between)
    gained = before.gained(between)
    assert any(start <= memory.address and memory.end <= start + size for start, size in gained)
    lost = between.lost(after)
    assert (memory.address, 2 * PAGE) in lost
    assert set(lost) == set(after.missing)


def test_of_a_program_that_ended_no_snapshot_is_taken(subject: Subject) -> None:
    address = subject.address("readwrite")
    with subject.open("r") as view:
        before = view.snapshot([(address, PAGE)])
        subject.end(5)
        for ranges in (None, before, [(address, 4)], [(0, 4)]):
            with pytest.raises(TargetExitedError):
                view.snapshot(ranges)
        with pytest.raises(TargetExitedError):
            view.hexdump(16, address)


def test_a_dump_has_a_line_for_each_sixteen_bytes(subject: Subject) -> None:
    address = subject.address("readwrite")
    with subject.open("r") as view:
        first, second = view.hexdump(32, address)
    digits = subject.bitness // 4
    assert first == (
        f"{address:0{digits}X}  72 65 61 64 20 61 6E 64  20 77 72 69 74 65 00 00  read and write.."
    )
    assert second == f"{address + 16:0{digits}X}  {' '.join(['00'] * 8)}  {' '.join(['00'] * 8)}  {'.' * 16}"


def test_a_dump_shows_where_the_memory_ends(subject: Subject) -> None:
    require_reach(subject, "lonely")
    address = subject.address("lonely") + PAGE - 2
    with subject.open("r") as view:
        dump = view.hexdump(4, address, width=4)
    assert dump.lines == [f"{address:0{subject.bitness // 4}X}  00 00 ?? ??  ..??"]
    assert dump.missing == ((address + 2, 2),)


def test_a_dump_marks_what_changed(subject: Subject) -> None:
    address = subject.address("readwrite")
    with subject.open("rw") as view:
        before = view.hexdump(8, address, width=8)
        view.write(b"W", address + 5)
        [line] = view.hexdump(8, address, width=8, since=before)
    assert line == f"{address:0{subject.bitness // 4}X}  72 65 61 64 20*57 6E 64  read Wnd"
