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
from memaccess._regions import walk

if TYPE_CHECKING:
    from memaccess._backend._interface import Process, System
    from memaccess._records import Region

_MOST_REGIONS = 4096
"""How many regions of a failed range are looked at, at the most."""


class Operation(NamedTuple):
    """Reading or writing: its words, and its errors."""

    access: Access
    verb: str
    participle: str
    mode: str
    sentence: str
    incomplete: str
    refused: type[MemoryAccessError]
    partial: type[MemoryAccessError]


READ = Operation(
    Access.READ,
    "read",
    "read",
    "r",
    "Can't read {size} bytes of process memory at address 0x{address:x}, error code {code}",
    "Memory read incomplete",
    NotReadableError,
    PartialReadError,
)
WRITE = Operation(
    Access.WRITE,
    "write",
    "written",
    "w",
    "Can't write {size} bytes to address 0x{address:x} of process memory, error code {code}",
    "Memory write incomplete",
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
        return asking_error(failure, process.pid, "query the memory map")
    reason = _reason_of_process(process, failure, address)
    kind, explanation, _ = reason or (MemoryAccessError, failure.text, None)
    message = f"Can't query the memory map of process {process.pid} at address 0x{address:x}, error code {failure.code}"
    return kind(message, failure, pid=process.pid, address=address, explanation=explanation)


_CLOSED = "The view was closed; open the process again with a new MemoryView."


class Attempt(NamedTuple):
    """A read or a write that failed."""

    process: Process | None
    """None where the view is closed."""
    granted: Access
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

    @property
    def stop(self) -> int:
        """The first address that was not copied."""
        return self.address + self.failure.transferred


class _Memory(NamedTuple):
    """What the system says of the memory in which an access stopped."""

    address: int
    """Where it stopped, as far as is known."""
    region: Region | None = None
    """What is there, where it is known to refuse the access."""
    is_beyond: bool = False
    """Whether there is none because no program has memory so far up."""
    unseen: Cause | None = None
    """Why the system could not be asked, where it could not."""


def access_error(attempt: Attempt, pid: int) -> MemoryAccessError:
    """The error of a read or a write that failed."""
    failure, size, address = attempt.failure, attempt.size, attempt.address
    kind, explanation, region = _reason(attempt)
    if failure.unrestored and kind is not TargetExitedError:
        where = ", ".join(map(str, failure.unrestored))
        explanation = f"{explanation} The protection was lifted and could not be put back; it was: {where}."
    if failure.cause is Cause.INCOMPLETE:
        message = attempt.operation.incomplete
    else:
        message = attempt.operation.sentence.format(size=size, address=address, code=failure.code)
    return kind(message, failure, pid=pid, address=address, size=size, region=region, explanation=explanation)


_Reason = tuple[type[MemoryAccessError], str, "Region | None"]
_OF_CLOSED: _Reason = (ClosedViewError, _CLOSED, None)


def _reason(attempt: Attempt) -> _Reason:
    """Which error it is, its explanation, and the region in which the access failed."""
    process, failure = attempt.process, attempt.failure
    if process is None:
        return _OF_CLOSED
    refused = _reason_of_state(process, attempt)
    if refused is not None:
        return refused
    if failure.transferred == attempt.size:
        return _reason_after_all(attempt)
    if failure.shielded is not None:
        return attempt.operation.refused, _of_shield(failure, failure.shielded, "lifted"), failure.shielded
    return _reason_of_memory(process, attempt)


def _reason_of_state(process: Process, attempt: Attempt) -> _Reason | None:
    """As :func:`_reason`, where the view or the program is the reason, whatever the memory is."""
    if attempt.failure.cause is Cause.CLOSED:
        return _OF_CLOSED
    if attempt.tried not in attempt.granted:
        return MissingRightError, _missing_mode(attempt.operation), None
    return _reason_of_process(process, attempt.failure, attempt.address if attempt.size else None)


def _reason_of_process(process: Process, failure: SystemFailure, address: int | None) -> _Reason | None:
    """As :func:`_reason`, where the program is the reason."""
    ended = _ended(process)
    if ended:
        return TargetExitedError, ended, None
    if failure.cause is Cause.REPLACED:
        return TargetExitedError, failure.text, None
    if failure.cause is Cause.OUT_OF_REACH:
        return WrongBitnessError, _too_wide(process, address), None
    if failure.cause is Cause.ITSELF:
        return MemoryAccessError, _of_itself(process), None
    return None


def _reason_after_all(attempt: Attempt) -> _Reason:
    """As :func:`_reason`, where all bytes were written, and what had to follow failed."""
    failure = attempt.failure
    region = failure.unrestored[0] if failure.unrestored else None
    explanation = f"All bytes were written, but then {failure.api} failed{_said(failure)}"
    return attempt.operation.refused, explanation, region


def _of_shield(failure: SystemFailure, region: Region, done: str) -> str:
    """What is said where a protection could not be changed."""
    return f"The protection of {region} could not be {done}{_said(failure)}"


def _said(failure: SystemFailure) -> str:
    """The end of a sentence, with the words of the system where it has some."""
    return f": {failure.text}" if failure.text else "."


def _reason_of_memory(process: Process, attempt: Attempt) -> _Reason:
    """As :func:`_reason`, where the program lives and the view may: so it is the memory."""
    failure, operation = attempt.failure, attempt.operation
    memory = _look(process, attempt)
    region = memory.region
    kind = operation.partial if failure.transferred else operation.refused
    if memory.unseen is Cause.CLOSED:
        return _OF_CLOSED
    ended = _ended(process) if memory.unseen else ""
    if ended:
        return TargetExitedError, ended, None
    if failure.cause is Cause.DENIED and not (region or memory.is_beyond or memory.unseen):
        explanation = f"The system does not let this view {operation.verb} there: {failure.text}"
        return MissingRightError, explanation, None
    if failure.cause not in (Cause.INACCESSIBLE, Cause.INCOMPLETE, Cause.DENIED):
        return kind, failure.text, region
    return kind, _describe(process, attempt, memory), region


def _look(process: Process, attempt: Attempt) -> _Memory:
    """Ask the system for the memory in which the access stopped."""
    position, end = attempt.stop, attempt.address + attempt.size
    regions = walk(process.regions_from, position, end)
    try:
        for _ in range(_MOST_REGIONS):
            if position >= end:
                break
            region = next(regions, None)
            if region is None:
                return _Memory(position, is_beyond=True)
            if _stops(process, region, attempt):
                return _Memory(position, region)
            position = region.end
    except SystemFailure as failure:
        return _Memory(position, unseen=failure.cause)
    return _Memory(attempt.stop)


def _stops(process: Process, region: Region, attempt: Attempt) -> bool:
    """Whether an access of that kind stops at that region; a forced one stops where there is no memory."""
    if attempt.force:
        return region.state != "committed"
    return process.refuses(region, attempt.tried)


def performing_error(attempt: Attempt, pid: int, what: str) -> MemoryAccessError:
    """The error of what reads or writes in the system's own way: changing the map, listing modules.

    :param what: what was tried, as it follows "Can't".
    """
    failure = attempt.failure
    kind, explanation, region = _reason_to_perform(attempt)
    if failure.unrestored and kind is not TargetExitedError:
        where = ", ".join(map(str, failure.unrestored))
        explanation = f"{explanation} The protection could not be put back; it was: {where}."
    message = f"Can't {what} of process {pid}, error code {failure.code}"
    address = attempt.address if attempt.size else None
    return kind(message, failure, pid=pid, address=address, region=region, explanation=explanation)


def _reason_to_perform(attempt: Attempt) -> _Reason:
    """As :func:`_reason`, where something else than reading or writing was tried."""
    process, failure = attempt.process, attempt.failure
    if process is None:
        return _OF_CLOSED
    refused = _reason_of_state(process, attempt)
    if refused is not None:
        return refused
    if failure.shielded is not None:
        return MemoryAccessError, _of_shield(failure, failure.shielded, "changed"), failure.shielded
    if failure.cause is Cause.INACCESSIBLE:
        memory = _look(process, attempt._replace(force=True))
        if memory.region is not None:
            explanation = _what_it_is(memory.region, attempt.operation, f"0x{memory.address:x}")
            return MemoryAccessError, explanation, memory.region
    return MemoryAccessError, failure.text, None


def _missing_mode(operation: Operation) -> str:
    other = {"r": "w", "w": "r"}[operation.mode]
    return (
        f"The view was opened with mode {other!r}, which can't {operation.verb}. "
        f"Open it with mode 'rw', or {operation.mode!r}."
    )


def _too_wide(process: Process, address: int | None) -> str:
    where = "" if address is None else f" at 0x{address:x}"
    return (
        f"Process {process.pid} is a {process.model.bitness}-bit program, and a 32-bit Python can't do this"
        f"{where}. Use a 64-bit Python."
    )


def _of_itself(process: Process) -> str:
    return f"Process {process.pid} is this Python itself, which would stand still with all others, and could not go on."


def _ended(process: Process) -> str:
    """A sentence that the program has ended; empty where it has not."""
    try:
        if process.is_alive():
            return ""
        code = process.exit_code()
    except SystemFailure:
        return ""
    name = f" ({process.name})" if process.name else ""
    how = "" if code is None else f", with exit code {code}"
    return f"Process {process.pid}{name} has ended{how}; its memory is gone."


def _describe(process: Process, attempt: Attempt, memory: _Memory) -> str:
    """Why the access stopped there, and what to do about it."""
    operation, space, region, where = attempt.operation, process.space, memory.region, f"0x{memory.address:x}"
    if memory.address < space.lowest:
        return (
            f"{where} lies in the first {space.lowest // 1024} KiB, which are always free: it is a null "
            "pointer, or one plus an offset. Check the link of the pointer chain before this one."
        )
    if memory.is_beyond:
        end = f" (those end at 0x{space.end - 1:x})" if memory.address >= space.end else ""
        if memory.address > attempt.address:
            advice = _only(memory.address - attempt.address, operation)
        else:
            advice = "What was read as a pointer is probably something else."
        return f"{where} is no address of a {process.model.bitness}-bit program{end}. {advice}"
    if memory.unseen is Cause.OUT_OF_REACH:
        return (
            f"Nothing is known of {where}: a 32-bit Python can't see the memory map of a 64-bit program above "
            "4 GiB. A 64-bit Python can."
        )
    if region is None:
        return (
            f"The system does not say why {where} can't be {operation.participle}. The program may "
            "have changed its map meanwhile. Try again."
        )
    sentences = [_what_it_is(region, operation, where)]
    if memory.address > attempt.address:
        sentences.append(_only(memory.address - attempt.address, operation))
    elif region.state == "free" and process.model.bitness == 64 and memory.address < 1 << 32:
        sentences.append(
            "In a 64-bit program so low an address is often a pointer read as 4 bytes: use read_pointer()."
        )
    return " ".join(sentences)


def _only(count: int, operation: Operation) -> str:
    """How much can be accessed."""
    what = "the one byte" if count == 1 else f"the {count} bytes"
    return f"Only {what} before it can be {operation.participle}."


def _what_it_is(region: Region, operation: Operation, where: str) -> str:
    """What is in the way, and the advice for it."""
    writing = operation.access is Access.WRITE
    if region.state == "free":
        return f"Nothing is at {where}: {region}. The pointer is stale, or the offset is wrong."
    if region.state == "reserved":
        return f"{where} is reserved and has no memory yet: {region}. The program has to use it first."
    if region.guarded:
        advice = "write(..., force=True) writes to it." if writing else "read_available() leaves it out."
        return f"{where} is a guard page, usually the end of a stack: {region}. {advice}"
    if writing:
        return f"{where} is write-protected: {region}. write(..., force=True) lifts the protection for the write."
    return f"{where} is closed to readers: {region}. read_available() leaves it out."
