"""The error tree, what the errors know, and the explanation of every cause."""

from __future__ import annotations

import copy
import errno
import pickle
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from support.stubs import StubSystem, answering, failing

import memaccess
from memaccess import (
    AmbiguousProcessError,
    ClosedViewError,
    MemoryAccessError,
    MemoryView,
    MissingRightError,
    NotReadableError,
    NotWritableError,
    PartialReadError,
    PartialWriteError,
    ProcessDeniedError,
    ProcessNotFoundError,
    ProcessOpenError,
    ProcessProtectedError,
    Region,
    TargetExitedError,
    UnterminatedStringError,
    WrongBitnessError,
    _errors,
)
from memaccess._errors import Cause, SystemFailure
from memaccess._win32._codes import failure_from, failure_with
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Callable

PID = 5556
USABLE, READONLY, GUARDED, CLOSED, RESERVED, EXECUTABLE = range(0x40_0000, 0x46_0000, 0x1_0000)
FREE = 0x1_5000_0000
KERNEL = 0xFFFF_8000_0000_0000
KERNEL_32 = 0xFFFF_F000
PAGE = 0x1000

ALL = [
    error
    for error in vars(memaccess).values()
    if isinstance(error, type) and issubclass(error, BaseException)
]
OF_THE_SYSTEM = [error for error in ALL if issubclass(error, MemoryAccessError)]

every_error = pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
every_system_error = pytest.mark.parametrize("error", OF_THE_SYSTEM, ids=lambda error: error.__name__)
copies = pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(6))],
    ids=["copy", "deepcopy", *(f"pickle{protocol}" for protocol in range(6))],
)


def make_game(bitness: int = 64) -> FakeProcess:
    """A program with a page of every kind."""
    game = FakeProcess(PID, "game.exe", bitness=bitness)
    game.map(USABLE, PAGE)
    game.map(READONLY, PAGE, "r--")
    game.map(GUARDED, PAGE, guard=True)
    game.map(CLOSED, PAGE, "---")
    game.map(EXECUTABLE, PAGE, "--x")
    game.reserve(RESERVED, PAGE)
    return game


@pytest.fixture
def game() -> FakeProcess:
    return make_game()


def error_of(action: Callable[[], object]) -> Any:
    """The error that the action ends in."""
    try:
        action()
    except Exception as error:
        return error
    return None


def error_of_reading(game: FakeProcess, size: int, address: int) -> Any:
    with game.open("r") as view:
        return error_of(lambda: view.read(size, address))


def error_of_writing(game: FakeProcess, size: int, address: int) -> Any:
    with game.open("w") as view:
        return error_of(lambda: view.write(bytes(size), address))


def error_of_opening(pid: int, *processes: FakeProcess) -> Any:
    return error_of(lambda: MemoryView(pid, system=FakeSystem(*processes)))


# -- the tree


def documented_tree() -> dict[str, tuple[str, ...]]:
    """Each class of the drawing in the module's docstring, with what it is directly below and beside."""
    tree: dict[str, tuple[str, ...]] = {}
    above: list[tuple[int, tuple[str, ...]]] = []
    for line in _errors.__doc__.partition("::\n")[2].partition("\n\n\n")[0].splitlines():
        found = re.match(r"    ((?:[ │]*[├└]── )?)(\w+(?:, \w+)*)", line)
        if not found:
            continue
        names = tuple(found[2].split(", "))
        above = [each for each in above if each[0] < len(found[1])]
        if found[1]:
            tree[names[0]] = (*above[-1][1], *re.findall(r"also a (\w+)", line))
        above.append((len(found[1]), names))
    return tree


def test_the_docstring_draws_every_error():
    assert set(documented_tree()) == {error.__name__ for error in ALL}


@every_error
def test_an_error_has_the_bases_that_the_docstring_draws(error):
    assert tuple(base.__name__ for base in error.__bases__) == documented_tree()[error.__name__]


@every_error
def test_an_error_is_known_by_its_public_name_and_says_what_it_is(error):
    assert error.__module__ == "memaccess"
    assert getattr(memaccess, error.__name__) is error
    assert error.__doc__


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (MemoryAccessError, OSError),
        (MemoryAccessError, RuntimeError),
        (ProcessNotFoundError, ProcessLookupError),
        (ProcessDeniedError, PermissionError),
        (ProcessProtectedError, PermissionError),
        (MissingRightError, PermissionError),
        (TargetExitedError, ProcessLookupError),
        (AmbiguousProcessError, LookupError),
        (UnterminatedStringError, ValueError),
    ],
)
def test_an_error_is_caught_where_python_users_expect_it(error, builtin):
    with pytest.raises(builtin):
        raise error("message")


# -- what errors know

REGION = Region(0x1000, 0x1000, "committed", "private", True, False, False, False, 2)


def full(error: type[MemoryAccessError]) -> MemoryAccessError:
    """An error with every fact that it can have."""
    failure = failure_with("ReadProcessMemory", 299, text="part", transferred=2, data=b"ab")
    return error("the message", failure, pid=4, address=0x1000, size=8, region=REGION, explanation="why")


FACTS = {
    "args": ("the message",),
    "errno": errno.EFAULT,
    "winerror": 299,
    "api": "ReadProcessMemory",
    "pid": 4,
    "address": 0x1000,
    "size": 8,
    "transferred": 2,
    "data": b"ab",
    "region": REGION,
    "explanation": "why",
    "__notes__": ["why"],
}


def facts_of(error: BaseException) -> dict[str, object]:
    return {name: getattr(error, name) for name in FACTS}


@every_system_error
def test_an_error_has_the_facts_that_it_was_given(error):
    assert facts_of(full(error)) == FACTS
    assert str(full(error)) == "the message"


@copies
@every_system_error
def test_a_copy_of_an_error_keeps_every_fact(error, duplicate):
    again = duplicate(full(error))
    assert type(again) is error
    assert facts_of(again) == FACTS
    assert str(again) == "the message"


@copies
def test_a_copy_keeps_the_pids_that_were_ambiguous(duplicate):
    again = duplicate(AmbiguousProcessError("two", (4, 8)))
    assert (type(again), str(again), again.pids) == (AmbiguousProcessError, "two", (4, 8))


@copies
def test_a_copy_keeps_the_data_of_an_unterminated_string(duplicate):
    again = duplicate(UnterminatedStringError("no end", 0x1000, b"abc"))
    assert (type(again), str(again)) == (UnterminatedStringError, "no end")
    assert (again.address, again.data) == (0x1000, b"abc")


@every_system_error
def test_an_error_without_a_failure_of_the_system_says_so_by_its_facts(error):
    bare = error("the message")
    assert (bare.errno, bare.winerror, bare.api, bare.transferred, bare.data) == (None, None, "", 0, b"")
    assert not hasattr(bare, "__notes__")


@pytest.mark.parametrize(
    ("winerror", "number"),
    [
        (5, errno.EACCES),
        (87, errno.EINVAL),
        (299, errno.EFAULT),
        (487, errno.EFAULT),
        (998, errno.EFAULT),
        (1234, errno.EINVAL),
    ],
)
def test_a_windows_code_has_the_errno_that_means_the_same(winerror, number):
    failure = failure_with("api", winerror)
    assert failure.errno == number
    assert failure.code == winerror


def test_a_failure_of_another_system_has_its_errno_as_code():
    failure = SystemFailure("process_vm_readv", errno=errno.EPERM, text="no")
    assert (failure.winerror, failure.errno, failure.code) == (None, errno.EPERM, errno.EPERM)
    assert str(failure) == f"process_vm_readv failed with code {errno.EPERM}: no"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tracebacks show notes since Python 3.11")
def test_a_traceback_shows_the_explanation_below_the_message(game):
    error = error_of_reading(game, 4, 0x10)
    lines = "".join(traceback.format_exception(error)).splitlines()
    message = f"memaccess.NotReadableError: {error}"
    assert lines[lines.index(message) + 1].startswith("0x10 lies in the first 64 KiB")


def test_a_traceback_does_not_show_the_report_of_the_system(game):
    error = error_of_reading(game, 4, FREE)
    assert "SystemFailure" not in "".join(traceback.format_exception(type(error), error, error.__traceback__))


# -- the texts of the original


@pytest.mark.parametrize("pid", [0, 4, 5555])
def test_opening_fails_in_the_words_of_the_original(pid):
    assert str(error_of_opening(pid)) == f"Can't open process with pid {pid}, error code 87"


def test_a_second_close_fails_in_the_words_of_the_original(game):
    view = game.open()
    view.close()
    assert str(error_of(view.close)) == "Can't close process handle, error code 6"


def test_reading_fails_in_the_words_of_the_original(game):
    message = "Can't read 4 bytes of process memory at address 0x150000000, error code 299"
    assert str(error_of_reading(game, 4, FREE)) == message


def test_writing_fails_in_the_words_of_the_original(game):
    message = "Can't write 4 bytes to address 0x410000 of process memory, error code 998"
    assert str(error_of_writing(game, 4, READONLY)) == message


@pytest.mark.parametrize("mode", ["rwx", "x", ""])
def test_a_wrong_mode_is_refused_in_the_words_of_the_original(game, mode):
    error = error_of(lambda: game.open(mode))
    assert (type(error), str(error)) == (ValueError, f"Invalid access mode: {mode}")


# -- causes: which class, and an explanation that names the cause


@pytest.mark.parametrize(
    ("address", "explanation"),
    [
        (0, "0x0 lies in the first 64 KiB.* null pointer.*pointer chain"),
        (0xFFFC, "0xfffc lies in the first 64 KiB.* null pointer"),
        (FREE, "Nothing is at 0x150000000: .*free.* stale, or the offset is wrong"),
        (0x50_0000, "Nothing is at 0x500000: .*free.* read_pointer"),
        (RESERVED + 8, r"0x440008 is reserved and has no memory yet: .*reserved private"),
        (
            GUARDED + 8,
            r"0x420008 is a guard page, usually the end of a stack: .*committed rw- guarded private",
        ),
        (CLOSED + 8, r"0x430008 is closed to readers: .*committed --- private"),
        (EXECUTABLE, r"0x450000 is closed to readers: .*committed --x private"),
        (KERNEL, "0xffff800000000000 is no address of a 64-bit program.*0x7ffffffeffff.*something else"),
        (0x8000_0000_0000, "0x800000000000 is no address of a 64-bit program"),
    ],
)
def test_memory_that_cannot_be_read_is_explained(game, address, explanation):
    error = error_of_reading(game, 4, address)
    assert type(error) is NotReadableError
    assert re.match(explanation, error.explanation)


@pytest.mark.parametrize(
    ("address", "explanation"),
    [
        (0, "0x0 lies in the first 64 KiB.* null pointer"),
        (FREE, "Nothing is at 0x150000000: .*free.* stale"),
        (RESERVED, "0x440000 is reserved and has no memory yet: .*reserved private"),
        (GUARDED, "0x420000 is a guard page, usually the end of a stack: .*guarded"),
        (CLOSED, "0x430000 is write-protected: .*committed ---.* force=True"),
        (READONLY, r"0x410000 is write-protected: .*committed r--.* force=True"),
        (KERNEL, "0xffff800000000000 is no address of a 64-bit program"),
    ],
)
def test_memory_that_cannot_be_written_is_explained(game, address, explanation):
    error = error_of_writing(game, 4, address)
    assert type(error) is NotWritableError
    assert re.match(explanation, error.explanation)


def test_an_address_of_the_kernel_of_a_32_bit_program_is_no_address_of_it():
    error = error_of_reading(make_game(32), 4, KERNEL_32)
    assert type(error) is NotReadableError
    assert error.explanation.startswith(
        "0xfffff000 is no address of a 32-bit program (those end at 0xfffeffff). "
    )


@pytest.mark.parametrize(("bitness", "advice"), [(64, True), (32, False)])
def test_only_in_a_wide_program_may_a_low_address_be_half_a_pointer(bitness, advice):
    error = error_of_reading(make_game(bitness), 4, 0x50_0000)
    assert ("read_pointer()" in error.explanation) is advice


def test_an_error_knows_the_region_that_refused(game):
    error = error_of_reading(game, 4, GUARDED + 8)
    assert (error.region.base, error.region.size, error.region.guarded) == (GUARDED, PAGE, True)


def test_an_error_knows_what_was_tried(game):
    error = error_of_reading(game, 12, FREE)
    assert (error.pid, error.address, error.size) == (PID, FREE, 12)
    assert (error.api, error.winerror, error.errno) == ("ReadProcessMemory", 299, errno.EFAULT)
    assert (error.transferred, error.data) == (0, b"")


def test_a_read_that_got_some_way_says_how_far_and_what_stopped_it(game):
    error = error_of_reading(game, 8, USABLE + PAGE - 3)
    assert type(error) is PartialReadError
    assert (error.transferred, error.data) == (3, b"\0\0\0")
    assert error.region.base == USABLE + PAGE
    assert "Nothing is at 0x401000: " in error.explanation
    assert "Only the 3 bytes before it can be read." in error.explanation


def test_a_write_that_got_some_way_says_how_far_and_what_stopped_it(game):
    game.map(USABLE + PAGE, PAGE, "r--")
    error = error_of_writing(game, 8, USABLE + PAGE - 3)
    assert type(error) is PartialWriteError
    assert error.transferred == 3
    assert "0x401000 is write-protected: " in error.explanation
    assert "Only the 3 bytes before it can be written." in error.explanation


def test_a_program_that_has_ended_is_named_with_its_exit_code(game):
    with game.open("rw") as view:
        game.exit(3)
        for action in (lambda: view.read(4, USABLE), lambda: view.write(b"a", USABLE)):
            error = error_of(action)
            assert type(error) is TargetExitedError
            assert error.explanation == (
                f"Process {PID} (game.exe) has ended, with exit code 3; its memory is gone."
            )


def test_a_program_that_has_ended_has_no_map(game):
    with game.open() as view:
        game.exit(3)
        error = error_of(lambda: view.region_at(USABLE))
    assert type(error) is TargetExitedError
    assert error.explanation.endswith("has ended, with exit code 3; its memory is gone.")


@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_right_that_the_mode_lacks_is_named_with_the_mode_to_use(game, mode):
    with game.open(mode) as view:
        refused, action = {
            "r": ("write", lambda: view.write(b"a", USABLE)),
            "w": ("read", lambda: view.read(1, USABLE)),
        }[mode]
        error = error_of(action)
    assert type(error) is MissingRightError
    assert error.explanation.startswith(f"The view was opened with mode {mode!r}, which can't {refused}. ")
    assert (error.winerror, error.api) == (5, "")  # said before the system is asked


def test_a_right_that_the_system_took_away_is_no_matter_of_the_memory(game):
    failure = failure_with("ReadProcessMemory", 5, text="Access denied.")
    with MemoryView(PID, system=StubSystem(game, read=failing(failure))) as view:
        error = error_of(lambda: view.read(4, USABLE))
    assert type(error) is MissingRightError
    assert error.explanation == "The system does not let this view read there: Access denied."


def test_code_5_for_memory_that_refuses_is_a_matter_of_the_memory(game):
    failure = failure_with("WriteProcessMemory", 5, text="Access denied.")
    with MemoryView(PID, "w", system=StubSystem(game, write=failing(failure))) as view:
        error = error_of(lambda: view.write(b"a", READONLY))
    assert type(error) is NotWritableError
    assert "write-protected" in error.explanation


def test_a_program_too_wide_for_this_python_asks_for_a_wider_one(game):
    failure = failure_from(Cause.OUT_OF_REACH, "VirtualProtectEx")
    with MemoryView(PID, system=StubSystem(game, read=failing(failure))) as view:
        error = error_of(lambda: view.read(4, FREE))
    assert (type(error), error.winerror, error.errno) == (WrongBitnessError, 50, errno.ENOTSUP)
    assert error.explanation.startswith(
        f"Process {PID} is a 64-bit program, and a 32-bit Python can't do this at 0x150000000."
    )
    assert error.explanation.endswith("Use a 64-bit Python.")


@pytest.mark.parametrize(
    ("cause", "code", "error", "explanation"),
    [
        (
            Cause.OUT_OF_REACH,
            50,
            WrongBitnessError,
            f"Process {PID} is a 64-bit program, .* Use a 64-bit Python.$",
        ),
        (Cause.DENIED, 5, MemoryAccessError, "^Access denied.$"),
        (Cause.CLOSED, 6, ClosedViewError, "^The view was closed;"),
    ],
)
def test_a_map_that_the_system_refuses_to_tell_is_explained(game, cause, code, error, explanation):
    failure = failure_from(cause, "VirtualQueryEx", "Access denied.")
    with MemoryView(PID, system=StubSystem(game, region_at=failing(failure))) as view:
        found = error_of(lambda: view.region_at(FREE))
    assert (type(found), found.winerror) == (error, code)
    assert re.search(explanation, found.explanation)


@pytest.mark.parametrize(
    "action",
    [
        lambda view: view.read(1, USABLE),
        lambda view: view.write(b"a", USABLE),
        lambda view: view.region_at(USABLE),
        lambda view: view.is_alive(),
    ],
)
def test_a_closed_view_says_that_it_is_closed(game, action):
    view = game.open("rw")
    view.close()
    error = error_of(lambda: action(view))
    assert type(error) is ClosedViewError
    assert error.explanation == "The view was closed; open the process again with a new MemoryView."
    assert (error.winerror, error.pid) == (6, PID)


def test_a_closed_view_comes_before_a_missing_right(game):
    view = game.open("r")
    view.close()
    assert type(error_of(lambda: view.write(b"a", USABLE))) is ClosedViewError


def test_a_view_that_was_closed_during_the_call_is_a_closed_one(game):
    failure = failure_from(Cause.CLOSED, "ReadProcessMemory")
    with MemoryView(PID, system=StubSystem(game, read=failing(failure))) as view:
        error = error_of(lambda: view.read(1, USABLE))
    assert (type(error), error.winerror, error.errno) == (ClosedViewError, 6, errno.EBADF)


def test_a_view_that_is_closed_during_the_explanation_is_a_closed_one(game):
    system = StubSystem(
        game,
        write=failing(failure_from(Cause.DENIED, "WriteProcessMemory")),
        region_at=failing(failure_from(Cause.CLOSED, "VirtualQueryEx")),
    )
    with MemoryView(PID, "w", system=system) as view:
        assert type(error_of(lambda: view.write(b"a", FREE))) is ClosedViewError


@pytest.mark.parametrize("code", [6, 50])
def test_a_code_that_is_no_matter_of_the_view_keeps_the_words_of_the_system(game, code):
    failure = failure_with("ReadProcessMemory", code, "Not so.")
    with MemoryView(PID, system=StubSystem(game, read=failing(failure))) as view:
        error = error_of(lambda: view.read(1, USABLE))
    assert (type(error), error.winerror, error.explanation) == (NotReadableError, code, "Not so.")


@pytest.mark.parametrize(
    ("action", "message", "kind"),
    [
        (lambda view: view.read(4, USABLE), "Memory read incomplete", PartialReadError),
        (lambda view: view.write(b"abcd", USABLE), "Memory write incomplete", PartialWriteError),
    ],
)
def test_a_success_that_is_none_has_the_words_of_the_original(game, action, message, kind):
    failure = failure_with("SomeMemory", 299, "Less.", cause=Cause.INCOMPLETE, transferred=2)
    system = StubSystem(game, read=failing(failure), write=failing(failure))
    with MemoryView(PID, "rw", system=system) as view:
        error = error_of(lambda: action(view))
    assert (str(error), type(error), error.transferred) == (message, kind, 2)


def test_a_write_stops_where_it_stopped_and_not_where_a_protection_would_be(game):
    game.map(0x70_0000, PAGE, "r-x")
    error = error_of_writing(game, 16, 0x70_0000 + PAGE - 8)
    assert (type(error), error.transferred) == (PartialWriteError, 8)
    assert error.region.state == "free"
    assert re.match(
        r"Nothing is at 0x701000: .*\. Only the 8 bytes before it can be written\.$", error.explanation
    )


def test_a_range_that_runs_over_the_end_is_no_wrong_pointer(game):
    end = 0x7FFF_FFFF_0000
    game.map(end - PAGE, PAGE)
    error = error_of_reading(game, 0x20, end - 1)
    assert (type(error), error.transferred) == (PartialReadError, 1)
    assert error.explanation == (
        "0x7fffffff0000 is no address of a 64-bit program (those end at 0x7ffffffeffff). "
        "Only the one byte before it can be read."
    )


def test_a_map_that_the_system_does_not_tell_is_admitted(game):
    told = failing(failure_with("VirtualQueryEx", 5))
    with MemoryView(PID, system=StubSystem(game, region_at=told)) as view:
        error = error_of(lambda: view.read(4, FREE))
    assert type(error) is NotReadableError
    assert error.explanation.startswith("The system does not say why 0x150000000 can't be read.")
    assert error.region is None


def test_where_the_map_ends_no_program_has_addresses(game):
    with MemoryView(PID, system=StubSystem(game, region_at=answering(None))) as view:
        error = error_of(lambda: view.read(4, FREE))
    assert error.explanation.startswith("0x150000000 is no address of a 64-bit program. ")


def test_a_code_that_nobody_knows_keeps_the_words_of_the_system(game):
    failure = failure_with("ReadProcessMemory", 1450, text="Insufficient resources.")
    with MemoryView(PID, system=StubSystem(game, read=failing(failure))) as view:
        error = error_of(lambda: view.read(4, USABLE))
    assert (type(error), error.winerror) == (NotReadableError, 1450)
    assert error.explanation == "Insufficient resources."


@pytest.mark.parametrize("code", [299, 487, 998])
def test_the_codes_of_memory_that_is_not_there_are_one_kind(game, code):
    failure = failure_with("ReadProcessMemory", code)
    with MemoryView(PID, system=StubSystem(game, read=failing(failure))) as view:
        error = error_of(lambda: view.read(4, FREE))
    assert (type(error), error.winerror) == (NotReadableError, code)
    assert error.explanation.startswith("Nothing is at 0x150000000: ")


# -- causes: opening


@pytest.mark.parametrize(
    ("pid", "explanation"),
    [
        (0, "Pid 0 is Windows' idle process"),
        (5555, "No process has the pid 5555; .*multiples of four"),
        (5560, r"No process with pid 5560 is running; it may have ended.*list_processes\(\)"),
    ],
)
def test_a_pid_that_no_process_has_is_explained(game, pid, explanation):
    error = error_of_opening(pid, game)
    assert type(error) is ProcessNotFoundError
    assert (error.pid, error.winerror, error.api) == (pid, 87, "OpenProcess")
    assert (error.code, error.errno) == (87, errno.ESRCH)
    assert re.match(explanation, error.explanation)


def test_a_process_of_somebody_else_is_explained(game):
    game.denied = True
    error = error_of_opening(PID, game)
    assert (type(error), error.winerror) == (ProcessDeniedError, 5)
    assert error.explanation.startswith(f"Process {PID} (game.exe) belongs to another user")
    assert "as administrator" in error.explanation


def test_a_protected_process_is_explained(game):
    game.protected = True
    error = error_of_opening(PID, game)
    assert (type(error), error.winerror) == (ProcessProtectedError, 5)
    assert error.explanation.startswith(f"Process {PID} (game.exe) is protected: ")


def test_an_open_that_fails_for_another_reason_keeps_the_words_of_the_system(game, monkeypatch):
    system = FakeSystem(game)
    monkeypatch.setattr(
        system, "open", failing(failure_with("OpenProcess", 1450, text="Insufficient resources."))
    )
    error = error_of(lambda: MemoryView(PID, system=system))
    assert (type(error), error.winerror) == (ProcessOpenError, 1450)
    assert error.explanation == "Insufficient resources."
