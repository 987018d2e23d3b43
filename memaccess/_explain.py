"""Turning a failure of the system into an error that says what was tried and why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess._errors import (
    Cause,
    ClosedViewError,
    MemoryAccessError,
    MissingRightError,
    NotReadableError,
    NotWritableError,
    PartialReadError,
    PartialWriteError,
    ProcessDeniedError,
    ProcessNotFoundError,
    ProcessOpenError,
    ProcessProtectedError,
    SystemFailure,
    TargetExitedError,
    WrongBitnessError,
)
from memaccess._records import Access

if TYPE_CHECKING:
    from memaccess._backend._interface import Process, System
    from memaccess._records import Region

_MOST_REGIONS = 256
"""How many regions of a failed range are looked at, at the most."""


class Operation(NamedTuple):
    """Reading or writing: its words, and its errors."""

    access: Access
    verb: str
    participle: str
    mode: str
    sentence: str
    refused: type[MemoryAccessError]
    partial: type[MemoryAccessError]


READ = Operation(
    Access.READ,
    "read",
    "read",
    "r",
    "Can't read {size} bytes of process memory at address 0x{address:x}, error code {code}",
    NotReadableError,
    PartialReadError,
)
WRITE = Operation(
    Access.WRITE,
    "write",
    "written",
    "w",
    "Can't write {size} bytes to address 0x{address:x} of process memory, error code {code}",
    NotWritableError,
    PartialWriteError,
)

_OPERATIONS = {each.access: each for each in (READ, WRITE)}


_OPENING: dict[Cause, type[ProcessOpenError]] = {
    Cause.NO_PROCESS: ProcessNotFoundError,
    Cause.DENIED: ProcessDeniedError,
    Cause.PROTECTED: ProcessProtectedError,
}


def opening_error(system: System, failure: SystemFailure, pid: int) -> ProcessOpenError:
    """The error of a process that could not be opened."""
    kind = _OPENING.get(failure.cause, ProcessOpenError)
    explanation = system.why_not_opened(pid, failure.cause) or failure.text
    message = f"Can't open process with pid {pid}, error code {failure.code}"
    return kind(message, failure, pid=pid, explanation=explanation)


def closing_error(failure: SystemFailure, pid: int) -> ClosedViewError:
    """The error of closing a view a second time."""
    return ClosedViewError(
        f"Can't close process handle, error code {failure.code}",
        failure,
        pid=pid,
        explanation="The view was closed before. Use it in a with block, which closes it once.",
    )


def asking_error(failure: SystemFailure, pid: int, what: str) -> MemoryAccessError:
    """The error of doing something with a process that is neither reading nor writing."""
    closed = failure.cause is Cause.CLOSED
    kind, explanation = (ClosedViewError, _CLOSED) if closed else (MemoryAccessError, failure.text)
    message = f"Can't {what} of process {pid}, error code {failure.code}"
    return kind(message, failure, pid=pid, explanation=explanation)


def query_error(process: Process, failure: SystemFailure, address: int) -> MemoryAccessError:
    """The error where the system can't be asked what the memory at an address is."""
    if failure.cause is Cause.CLOSED:
        return asking_error(failure, process.pid, "tell the memory")
    kind, explanation = MemoryAccessError, failure.text
    ended = _ended(process)
    if ended:
        kind, explanation = TargetExitedError, ended
    elif failure.cause is Cause.OUT_OF_REACH:
        kind, explanation = WrongBitnessError, _too_wide(process, address)
    message = (
        f"Can't tell the memory of process {process.pid} at address 0x{address:x}, error code {failure.code}"
    )
    return kind(message, failure, pid=process.pid, address=address, explanation=explanation)


_CLOSED = "The view was closed; open the process again with a new MemoryView."


class Attempt(NamedTuple):
    """A read or a write that failed."""

    process: Process | None
    """None where the view is closed."""
    access: Access
    """What the view may do."""
    failure: SystemFailure
    tried: Access
    size: int
    address: int
    force: bool = False

    @property
    def operation(self) -> Operation:
        """The words and errors of what was tried."""
        return _OPERATIONS[self.tried]


def access_error(attempt: Attempt, pid: int) -> MemoryAccessError:
    """The error of a read or a write that failed."""
    failure, size, address = attempt.failure, attempt.size, attempt.address
    kind, explanation, region = _reason(attempt)
    if failure.unrestored and kind is not TargetExitedError:
        explanation = f"{explanation} {_unrestored(failure)}"
    message = attempt.operation.sentence.format(size=size, address=address, code=failure.code)
    return kind(message, failure, pid=pid, address=address, size=size, region=region, explanation=explanation)


_Reason = tuple[type[MemoryAccessError], str, "Region | None"]


def _reason(attempt: Attempt) -> _Reason:
    """Which error it is, its explanation, and the region in which the access failed."""
    process, failure, operation = attempt.process, attempt.failure, attempt.operation
    if process is None or failure.cause is Cause.CLOSED:
        return ClosedViewError, _CLOSED, None
    if operation.access not in attempt.access:
        return MissingRightError, _missing_mode(operation), None
    if failure.cause is Cause.OUT_OF_REACH:
        return WrongBitnessError, _too_wide(process, attempt.address), None
    ended = _ended(process)
    if ended:
        return TargetExitedError, ended, None
    return _reason_of_memory(process, attempt)


def _unrestored(failure: SystemFailure) -> str:
    """What a forced write has left behind."""
    where = ", ".join(map(str, failure.unrestored))
    return f"The protection was lifted and could not be put back; it was: {where}."


def _reason_of_memory(process: Process, attempt: Attempt) -> _Reason:
    """As :func:`_reason`, where the program lives and the view may: so it is the memory."""
    failure, operation = attempt.failure, attempt.operation
    if failure.transferred == attempt.size and failure.unrestored:
        return operation.refused, f"All {attempt.size} bytes were written.", failure.unrestored[0]
    region = _refusing_region(process, attempt)
    mapped = _is_mapped(process, attempt.address)
    if failure.cause is Cause.DENIED and region is None and mapped:
        explanation = f"The system does not let this view {operation.verb} there: {failure.text}"
        return MissingRightError, explanation, None
    if failure.cause not in (Cause.INACCESSIBLE, Cause.DENIED):
        return operation.refused, failure.text, region
    kind = operation.partial if failure.transferred else operation.refused
    return kind, _describe(process, operation, attempt.address, region), region


def _is_mapped(process: Process, address: int) -> bool:
    """Whether the system knows of memory there. Wine 8 refuses to write to none with code 5."""
    try:
        return process.region_at(address) is not None
    except SystemFailure:
        return False


def _is_beyond_programs(process: Process, address: int) -> bool:
    """Whether the program can't have memory there."""
    if address >= process.space.end:
        return True
    try:
        return process.region_at(address) is None
    except SystemFailure:
        return False


def _missing_mode(operation: Operation) -> str:
    other = {"r": "w", "w": "r"}[operation.mode]
    return (
        f"The view was opened with mode {other!r}, which can't {operation.verb}. "
        f"Open it with mode 'rw', or {operation.mode!r}."
    )


def _too_wide(process: Process, address: int) -> str:
    return (
        f"Process {process.pid} is a {process.model.bitness}-bit program, and 0x{address:x} is out of reach of a "
        "32-bit Python for this. Use a 64-bit Python."
    )


def _ended(process: Process) -> str:
    """A sentence that the program has ended; empty where it has not."""
    try:
        code = process.exit_code()
    except SystemFailure:
        return ""
    if code is None:
        return ""
    name = f" ({process.name})" if process.name else ""
    return f"Process {process.pid}{name} has ended, with exit code {code}; its memory is gone."


def _refusing_region(process: Process, attempt: Attempt) -> Region | None:
    """The first region of the range that refuses the operation, as far as the system says."""
    position = attempt.address
    try:
        for _ in range(_MOST_REGIONS):
            region = process.region_at(position)
            if region is None or position >= attempt.address + attempt.size:
                return None
            if _refuses(region, attempt):
                return region
            position = region.end
    except SystemFailure:
        pass  # the system can't be asked; the error says so
    return None


def _refuses(region: Region, attempt: Attempt) -> bool:
    allowed = region.readable if attempt.tried is Access.READ else region.writable
    closed = region.guarded or not allowed
    return region.state != "committed" or (closed and not attempt.force)


def _describe(process: Process, operation: Operation, address: int, region: Region | None) -> str:
    """Why there is no access at that address, and what to do about it."""
    space = process.space
    if address < space.lowest:
        return (
            f"0x{address:x} lies in the first {space.lowest // 1024} KiB, which are always free: it is a null "
            "pointer, or one plus an offset. Check the link of the pointer chain before this one."
        )
    if _is_beyond_programs(process, address):
        end = f" (those end at 0x{space.end - 1:x})" if address >= space.end else ""
        return (
            f"0x{address:x} is no address of a {process.model.bitness}-bit program{end}. "
            "What was read as a pointer is probably something else."
        )
    if region is None:
        return (
            f"The system does not say why 0x{address:x} can't be {operation.participle}. The program may "
            "have changed its map meanwhile; or the address is wrong, and a 32-bit Python can't see the map "
            "so far up."
        )
    sentences = [_what_it_is(region, operation, address)]
    if region.base > address:
        sentences.append(f"Only the {region.base - address} bytes before it can be {operation.participle}.")
    elif region.state == "free" and process.model.bitness == 64 and address < 1 << 32:
        sentences.append(
            "In a 64-bit program so low an address is often a pointer read as 4 bytes: use read_pointer()."
        )
    return " ".join(sentences)


def _what_it_is(region: Region, operation: Operation, address: int) -> str:
    """What is in the way, and the advice for it."""
    where = f"0x{max(region.base, address):x}"
    if region.state == "free":
        return f"Nothing is at {where}: {region}. The pointer is stale, or the offset is wrong."
    if region.state == "reserved":
        return f"{where} is reserved and has no memory yet: {region}. The program has to use it first."
    if region.guarded:
        return f"{where} is a guard page: {region}. It marks the end of a stack, and opens to its own program alone."
    if operation.access is Access.WRITE:
        return f"{where} is write-protected: {region}. write(..., force=True) lifts the protection for the write."
    return f"{where} is closed to readers: {region}. The program keeps it so."
