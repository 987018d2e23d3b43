"""Every cause of an error on a real program, and what the error says about it; and what a handle may do."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import known_wine
import pytest
from support import targets, win32
from support.subjects import NOWHERE, PAGE

from memaccess import (
    ClosedViewError,
    MemoryAccessError,
    MemoryView,
    MissingRightError,
    NotReadableError,
    NotWritableError,
    ProcessDeniedError,
    ProcessNotFoundError,
    TargetExitedError,
)
from memaccess._win32._codes import failure_with

if sys.platform == "win32":
    from memaccess._backend.windows import _toolhelp

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_VIOLATION = 0xC0000005
SYSTEM_PID = 4

VM_OPERATION, VM_READ, VM_WRITE = 0x8, 0x10, 0x20
QUERY_INFORMATION, QUERY_LIMITED_INFORMATION, SYNCHRONIZE = 0x400, 0x1000, 0x100000
EVERY_VIEW = QUERY_LIMITED_INFORMATION | SYNCHRONIZE
RIGHTS = {
    "r": EVERY_VIEW | VM_READ,
    "w": EVERY_VIEW | VM_WRITE | VM_OPERATION,
    "rw": EVERY_VIEW | VM_READ | VM_WRITE | VM_OPERATION,
}


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("exit", request.param) as started:
        yield started


@pytest.fixture(params=targets.BITNESSES)
def pages(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("pages", request.param) as started:
        yield started


# -- the program has ended


@pytest.mark.parametrize("code", [0, 3, 259])
def test_the_memory_of_a_program_that_exited_is_gone(target, code: int) -> None:
    with MemoryView(target.pid) as view:
        target.tell(f"exit {code}")
        with pytest.raises(TargetExitedError) as caught:
            view.read(4, 0x10000)
    name = f"exit-{view.bitness}.exe"
    assert caught.value.explanation == (
        f"Process {target.pid} ({name}) has ended, with exit code {code}; its memory is gone."
    )


def test_the_memory_of_a_program_that_crashed_is_gone(target) -> None:
    with MemoryView(target.pid, "w") as view:
        assert target.tell("crash") == ACCESS_VIOLATION
        with pytest.raises(TargetExitedError) as caught:
            view.write(b"1234", 0x10000)
    assert f"exit code {ACCESS_VIOLATION};" in caught.value.explanation


def test_the_memory_of_a_program_that_was_killed_is_gone(target) -> None:
    with MemoryView(target.pid, "rw") as view:
        target.kill()
        with pytest.raises(TargetExitedError, match="has ended, with exit code 1"):
            view.write(b"1234", 0x10000, force=True)


def test_the_map_of_a_program_that_ended_is_gone(target) -> None:
    with MemoryView(target.pid) as view:
        target.tell("exit 5")
        with pytest.raises(TargetExitedError, match="exit code 5"):
            view.region_at(0x10000)


# -- there is no memory


@pytest.mark.parametrize("address", [0, 8, 0xFFFC])
def test_a_null_pointer_is_called_one(pages, address: int) -> None:
    with MemoryView(pages.pid) as view, pytest.raises(NotReadableError, match="null pointer") as caught:
        view.read_int(address)
    assert caught.value.region is not None
    assert caught.value.region.state == "free"


def test_a_null_pointer_is_called_one_when_it_is_written_to(pages) -> None:
    with MemoryView(pages.pid, "w") as view, pytest.raises(NotWritableError, match="null pointer"):
        view.write_int(1, 8)


def test_an_address_of_the_kernel_is_called_none(pages) -> None:
    bitness = 8 * pages.facts["pointer_size"]
    address = NOWHERE[bitness]["kernel"]
    message = f"0x{address:x} is no address of a {bitness}-bit program"
    with MemoryView(pages.pid, "rw") as view:
        with pytest.raises(NotReadableError, match=message):
            view.read(4, address)
        with pytest.raises(NotWritableError, match=message):
            view.write(b"1234", address)


@pytest.mark.parametrize("shift", [48, 55, 63])
def test_a_wild_pointer_is_called_none(shift: int) -> None:
    address = 0x1234 | 1 << shift
    with (
        targets.start("pages", 64) as target,
        MemoryView(target.pid) as view,
        pytest.raises(NotReadableError, match=f"0x{address:x} is no address") as caught,
    ):
        view.read(8, address)
    assert caught.value.address == address


@pytest.mark.parametrize(("page", "words"), [("reserved", "is reserved"), ("free", "Nothing is at")])
def test_memory_that_is_not_there_is_said_to_be_so(pages, page: str, words: str) -> None:
    address = pages.facts["pages"][page]["base"] + 16
    with MemoryView(pages.pid, "w") as view, pytest.raises(NotWritableError, match=words) as caught:
        view.write(b"1234", address, force=True)
    assert caught.value.region is not None
    assert caught.value.region.base == address - 16
    assert caught.value.region.state == page


def test_the_part_that_is_not_there_is_told(pages) -> None:
    end = pages.facts["pages"]["lonely"]["base"] + PAGE
    with (
        MemoryView(pages.pid) as view,
        pytest.raises(NotReadableError, match="Only the 12 bytes before it can be read") as caught,
    ):
        view.read(100, end - 12)
    assert caught.value.region is not None
    assert caught.value.region.base == end


# -- there is no such program


def test_a_pid_of_nobody_is_not_found() -> None:
    with pytest.raises(ProcessNotFoundError, match="error code 87") as caught:
        MemoryView(0xFFFF_FFFC)
    assert caught.value.pid == 0xFFFF_FFFC
    assert "may have ended" in caught.value.explanation


@pytest.mark.parametrize("off", [1, 2, 3])
def test_a_pid_that_is_off_by_one_opens_nobody(target, off: int) -> None:
    with pytest.raises(ProcessNotFoundError, match="multiples of four"):
        MemoryView(target.pid + off)


def test_a_program_that_ended_opens_while_somebody_holds_it_and_is_not_alive(target) -> None:
    target.tell("exit 6")
    with MemoryView(target.pid) as view:
        assert not view.is_alive()
        assert view.exit_code() == 6


def test_the_system_itself_does_not_open() -> None:
    with pytest.raises(known_wine.expected("open the system process", ProcessDeniedError)):
        MemoryView(SYSTEM_PID, "rw")


# -- the view may not


@pytest.mark.parametrize("mode", RIGHTS)
def test_a_handle_may_do_what_its_mode_needs_and_no_more(target, mode: str) -> None:
    with MemoryView(target.pid, mode) as view:
        assert win32.rights(view._process._handle.value) == RIGHTS[mode]


def test_asking_what_the_memory_is_adds_at_most_the_right_to_ask(target) -> None:
    with MemoryView(target.pid) as view:
        view.region_at(0x10000)
        second = view._process._query_handle
        rights = None if second is None else win32.rights(second.value) & ~QUERY_LIMITED_INFORMATION
        assert rights == known_wine.expected("handle to ask what the memory is", None)


def test_a_view_that_reads_can_not_write_and_says_how_to(pages) -> None:
    address = pages.facts["pages"]["readwrite"]["base"]
    with MemoryView(pages.pid, "r") as view, pytest.raises(MissingRightError, match="mode 'rw', or 'w'"):
        view.write(b"1234", address)


def test_a_view_that_writes_can_not_read_and_says_how_to(pages) -> None:
    address = pages.facts["pages"]["readwrite"]["base"]
    with MemoryView(pages.pid, "w") as view, pytest.raises(MissingRightError, match="mode 'rw', or 'r'"):
        view.read(4, address)


def test_a_missing_right_is_told_even_where_there_is_no_memory(pages) -> None:
    with MemoryView(pages.pid, "w") as view, pytest.raises(MissingRightError):
        view.read(4, 0)


def test_the_system_s_own_refusal_is_an_error_of_rights_too(pages) -> None:
    """A handle with less than its mode says, as some protections against cheating leave it."""
    address = pages.facts["pages"]["readwrite"]["base"]
    with MemoryView(pages.pid, "r") as weak, MemoryView(pages.pid, "rw") as view:
        view._process._handle = weak._process._handle
        with pytest.raises(MissingRightError, match="does not let this view write"):
            view.write(b"1234", address)


# -- all alike


def test_errors_of_the_system_are_errors_of_python_s_families() -> None:
    with pytest.raises(ProcessLookupError):
        MemoryView(0)
    for family in (OSError, RuntimeError, MemoryAccessError):
        with pytest.raises(family, match="pid 0"):
            MemoryView(0)


def test_an_error_of_opening_needs_no_list_of_processes(monkeypatch) -> None:
    def refuse() -> Any:
        raise failure_with("CreateToolhelp32Snapshot", 8)

    monkeypatch.setattr(_toolhelp, "processes", refuse)
    with pytest.raises(ProcessNotFoundError):
        MemoryView(0xFFFF_FFF0)


def ask_for_ever(view: MemoryView) -> None:
    while True:
        view.region_at(0x10000)


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_asking_while_another_thread_closes_says_that_the_view_is_closed(bitness) -> None:
    with targets.start("values", bitness) as target:
        for _ in range(20):
            view = MemoryView(target.pid)
            closer = threading.Thread(target=view.close)
            closer.start()
            with pytest.raises(ClosedViewError) as caught:
                ask_for_ever(view)
            closer.join()
            assert caught.value.winerror == 6
