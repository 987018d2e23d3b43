"""Other rights to memory, and new memory, on the fake and on real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.subjects import PAGE, code_of, is_linux, is_wide, require_changes, require_reach

from memaccess import (
    ClosedViewError,
    MemoryAccessError,
    MissingRightError,
    TargetExitedError,
    WrongBitnessError,
)

if TYPE_CHECKING:
    from support.subjects import Subject

    from memaccess import MemoryView

RIGHTS = ["---", "r--", "rw-", "--x", "r-x", "rwx"]
PAGES = ["readwrite", "readonly", "execute_read", "noaccess", "guard"]
GIB_2 = 1 << 31


def rights_at(view: MemoryView, address: int) -> str:
    region = view.region_at(address)
    assert region is not None
    return region.rights


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("rights", RIGHTS)
def test_pages_get_rights_and_their_protection_back(subject: Subject, page: str, rights: str) -> None:
    require_changes(subject)
    require_reach(subject, page)
    address, before = subject.address(page), subject.protection(page)
    with subject.open("w") as view:
        with view.protect(rights, 8, address + 4):
            assert rights_at(view, address) == rights
            assert subject.protection(page) == view.region_at(address).protection
        assert subject.protection(page) == before


def test_what_is_changed_by_a_call_stays_until_it_is_restored(subject: Subject) -> None:
    require_changes(subject)
    require_reach(subject, "readonly")
    address = subject.address("readonly")
    with subject.open("w") as view:
        change = view.protect("rw-", 1, address)
        assert rights_at(view, address) == "rw-"
        assert "changed" in repr(change)
        change.restore()
        change.restore()
        assert rights_at(view, address) == "r--"
        assert "restored" in repr(change)


def test_every_part_of_a_range_gets_its_own_protection_back(subject: Subject) -> None:
    require_changes(subject)
    require_reach(subject, "run")
    start = subject.address("run")
    with subject.open("w") as view:
        with view.protect("---", 2 * PAGE, start + PAGE // 2) as change:
            assert [rights_at(view, start + number * PAGE) for number in range(3)] == ["---"] * 3
            assert [each.rights for each in change.before] == ["rw-", "r--", "rw-"]
        assert [rights_at(view, start + number * PAGE) for number in range(3)] == ["rw-", "r--", "rw-"]


def test_a_block_that_fails_puts_the_protection_back(subject: Subject) -> None:
    require_changes(subject)
    require_reach(subject, "readonly")
    before = subject.protection("readonly")
    with subject.open("w") as view:
        with pytest.raises(ZeroDivisionError), view.protect("rwx", 1, subject.address("readonly")):
            raise ZeroDivisionError
        assert subject.protection("readonly") == before


@pytest.mark.parametrize("page", ["free", "reserved", "null"])
def test_where_nothing_is_nothing_is_protected(subject: Subject, page: str) -> None:
    require_reach(subject, page)
    with (
        subject.open("w") as view,
        pytest.raises(MemoryAccessError, match=r"^Can't protect 8 bytes") as caught,
    ):
        view.protect("rw-", 8, subject.address(page))
    assert caught.value.explanation
    assert caught.value.address == subject.address(page)


def test_a_range_that_runs_into_nothing_is_not_changed_at_all(subject: Subject) -> None:
    require_reach(subject, "lonely")
    address = subject.address("lonely")
    with subject.open("w") as view:
        with pytest.raises(MemoryAccessError):
            view.protect("r--", 2 * PAGE, address)
        assert rights_at(view, address) == "rw-"


@pytest.mark.parametrize("rights", RIGHTS)
def test_new_memory_has_the_rights_that_were_asked_for(subject: Subject, rights: str) -> None:
    require_changes(subject)
    with subject.open("w") as view, view.allocate(5, rights) as memory:
        require_low(subject, memory.address)
        assert rights_at(view, memory.address) == rights
        assert memory.size == PAGE


def test_only_the_beginning_of_a_page_can_be_freed(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("rw") as view, view.allocate(2 * PAGE) as memory:
        with pytest.raises(ValueError, match="lies inside one"):
            view.free(memory.address + 1)
        assert view.read(1, memory) == b"\0"


def test_memory_that_is_freed_by_the_view_is_not_freed_again(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("rw") as view:
        with view.allocate(1) as memory:
            view.free(memory)
            assert "freed" in repr(memory)
        with pytest.raises(OverflowError):
            view.allocate(1, near=1 << subject.bitness)


def require_low(subject: Subject, address: int) -> None:
    if is_wide(subject) and address >= 1 << 32:
        pytest.skip("the system put the memory above 4 GiB, where a 32-bit Python can't ask about it")


def test_new_memory_is_zeros_and_can_be_written(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("rw") as view, view.allocate(2 * PAGE) as memory:
        assert view.read(memory.size, memory) == bytes(2 * PAGE)
        view.write(b"abc", memory.address + memory.size - 3)
        assert view.read(3, memory.end - 3) == b"abc"


def test_memory_is_gone_after_the_block(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("rw") as view:
        with view.allocate(1) as memory:
            view.write(b"a", memory)
            require_low(subject, memory.address)
        region = view.region_at(memory.address)
        assert region is not None
        assert region.state == "free"
        assert "freed" in repr(memory)


def test_memory_that_was_allocated_by_a_call_stays(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("w") as view:
        memory = view.allocate(1)
    with subject.open("rw") as view:
        assert view.read(1, memory) == b"\0"
        view.free(memory)


@pytest.mark.parametrize("page", ["readwrite", "lonely"])
def test_memory_is_allocated_near_a_place(subject: Subject, page: str) -> None:
    require_changes(subject)
    require_reach(subject, page)
    near = subject.address(page)
    with subject.open("w") as view, view.allocate(3 * PAGE, "r-x", near=near) as memory:
        assert abs(memory.address - near) < GIB_2
        assert abs(memory.end - near) < GIB_2
        assert rights_at(view, memory.address) == "r-x"


def test_only_a_whole_allocation_is_freed(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("w") as view, view.allocate(2 * PAGE) as memory:
        with pytest.raises(MemoryAccessError, match=r"^Can't free the memory at address") as caught:
            view.free(memory.address + PAGE)
        assert (caught.value.errno if is_linux(subject) else caught.value.winerror) is not None
        assert caught.value.explanation


def test_there_may_be_no_room(subject: Subject) -> None:
    with subject.open("w") as view, pytest.raises(MemoryAccessError, match=r"^Can't allocate") as caught:
        view.allocate(GIB_2 - PAGE, near=0x10000)
    assert caught.value.explanation


@pytest.mark.parametrize(
    "change",
    [
        lambda view: view.protect("r--", 1, 0x10000),
        lambda view: view.allocate(1),
        lambda view: view.free(0x10000),
    ],
    ids=["protect", "allocate", "free"],
)
def test_who_may_not_write_may_not_change_the_map(subject: Subject, change) -> None:
    with (
        subject.open("r") as view,
        pytest.raises(MissingRightError, match=rf"error code {code_of(subject, 5)}\b") as caught,
    ):
        change(view)
    assert caught.value.api == ""  # said before the system is asked
    view = subject.open("rw")
    view.close()
    with pytest.raises(ClosedViewError, match=rf"error code {code_of(subject, 6)}\b"):
        change(view)


def test_a_program_that_ended_takes_its_changes_with_it(subject: Subject) -> None:
    require_changes(subject)
    require_reach(subject, "readwrite")
    address = subject.address("readwrite")
    with subject.open("rw") as view:
        with view.protect("r--", 1, address) as change, view.allocate(1) as memory:
            subject.end(3)
            with pytest.raises(TargetExitedError):
                change.restore()
            with pytest.raises(TargetExitedError):
                memory.free()
        with pytest.raises(TargetExitedError):
            view.allocate(1)


def test_the_kernel_is_not_protected(subject: Subject) -> None:
    error = WrongBitnessError if is_wide(subject) else MemoryAccessError
    with subject.open("w") as view, pytest.raises(error):
        view.protect("rw-", 1, subject.address("kernel"))


def test_what_was_taken_back_is_no_block_again(subject: Subject) -> None:
    require_changes(subject)
    require_reach(subject, "readonly")
    with subject.open("rw") as view:
        change = view.protect("rw-", PAGE, subject.address("readonly"))
        change.restore()
        with pytest.raises(ValueError, match="was taken back before"), change:
            pass
        if not is_wide(subject):
            memory = view.allocate(1)
            memory.free()
            with pytest.raises(ValueError, match="was taken back before"), memory:
                pass
