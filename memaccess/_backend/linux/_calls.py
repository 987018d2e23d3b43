"""System calls that a program is made to make: those that change its own memory map."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import ctypes
import errno
import functools
import os
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from memaccess._backend._pages import turn_of
from memaccess._backend.linux._codes import failure_of, failure_with
from memaccess._backend.linux._holding import holder_of, once_free
from memaccess._backend.linux._maps import VDSO
from memaccess._backend.linux._proc import Folder
from memaccess._backend.linux._tracing import (
    CAN_TRACE,
    Caller,
    StoppedThread,
    begin_in_own_thread,
    in_own_thread,
)
from memaccess._errors import SystemFailure
from memaccess._libc.libc import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from memaccess._backend.linux._maps import Mapping
    from memaccess._image import Read
    from memaccess._libc.ptrace import Registers

    Stopped: TypeAlias = Callable[[int], AbstractContextManager[StoppedThread]]
    """Gives a thread of the process, by its number, which stands still in the block."""
    Call: TypeAlias = Callable[..., int]
    """Makes a system call, by its name: what it gives; a negative number is that of the error."""

T = TypeVar("T")

_NUMBERS = {
    64: {"mmap": 9, "mprotect": 10, "munmap": 11},
    32: {"mmap": 192, "mprotect": 125, "munmap": 91},  # mmap2: the same for memory that is no file's
}
"""The kernel's arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl."""
_GATES = {64: b"\x0f\x05", 32: b"\xcd\x80"}
"""The instructions syscall and int 0x80."""
_SEARCHED = 1 << 22
"""Bytes of a mapping that are looked through for one."""
_MOST_THREADS = 8
"""So many are tried where the kernel does not stop the first ones."""
_IS_X86 = os.uname().machine in ("x86_64", "i686", "i586", "i386")
_SECCOMP_STRICT = 1
_DISPATCHED = 1
"""PR_SYS_DISPATCH_ON."""


class Place(NamedTuple):
    """Where calls are made."""

    pid: int
    folder: Folder
    read: Read
    mappings: list[Mapping]
    bitness: int
    """How wide the process is for Linux, whatever program it runs."""


class Calls:
    """Makes the calls of one stop, by their names."""

    def __init__(self, caller: Caller, bitness: int) -> None:
        self._caller = caller
        self._numbers = _NUMBERS[bitness]

    def __call__(self, name: str, *arguments: int) -> int:
        """What the system call gives; a negative number is that of the error.

        :raises OSError: the program has ended.
        """
        return self._caller.call(self._numbers[name], *arguments)


def make_calls(place: Place, work: Callable[[Call], T]) -> T:
    """Stop a thread of the process, and let *work* have it make system calls.

    :raises SystemFailure: the process has ended, or none of its threads can be stopped, or made to call.
    """
    if place.pid == os.getpid() and _IS_X86:
        return work(own_call)
    require_registers()
    _require_calls(place.folder)
    try:
        with turn_of(("trace", place.pid)):  # a program has one debugger at a time
            return _traced(place, lambda stopped: _in_one_of_its_threads(place, stopped, work))
    except OSError as error:
        raise explained(place.folder, error) from None


def _traced(place: Place, work: Callable[[Stopped], T]) -> T:
    """Do it in a thread that can stop those of the process: in the one that has them stopped, where one has."""
    holder = holder_of(place.pid, place.folder)

    def attempt() -> T:
        if holder is not None and holder.is_here():
            return work(holder.thread)
        return once_free(
            place.folder, lambda: work(lambda each: StoppedThread(each, place.folder, place.read))
        )

    return in_own_thread(attempt, begin_in_own_thread if holder is None else holder.begin)


def own_call(name: str, *arguments: int) -> int:
    """As :class:`Calls`, of this Python itself."""
    words = [ctypes.c_long(each) for each in (_NUMBERS[8 * ctypes.sizeof(ctypes.c_long)][name], *arguments)]
    result: int = library.syscall(*words)
    return -ctypes.get_errno() if result == -1 else result


def _require_calls(folder: Folder) -> None:
    """Refuse where the kernel would end the program for any call but a few."""
    try:
        is_strict = folder.seccomp() == _SECCOMP_STRICT
    except OSError as error:
        raise failure_of("read", error) from None
    if is_strict:
        text = "The program has given up all calls of the kernel but a few (seccomp), and would be ended for another."
        raise failure_with("ptrace", errno.EPERM, text=text)


def ask_threads(place: Place, question: Callable[[Registers], T | None]) -> Iterator[T]:
    """What is found in the registers of its threads, in the order in which those were made.

    :raises SystemFailure: the process has ended, or its threads can't be stopped.
    """
    require_registers()
    try:
        for number in place.folder.threads_by_age():
            with turn_of(("trace", place.pid)):
                answer = _traced(place, functools.partial(_asked, place, number, question))
            if answer is not None:
                yield answer
    except OSError as error:
        raise explained(place.folder, error) from None


def _asked(
    place: Place, number: int, question: Callable[[Registers], T | None], stopped: Stopped
) -> T | None:
    try:
        with stopped(number) as thread:
            return question(thread.registers()) if number in place.folder.threads() else None
    except (ProcessLookupError, ChildProcessError):
        return None  # it has ended meanwhile


def require_registers() -> None:
    """Refuse where this Python does not know the registers of the machine."""
    if not CAN_TRACE:
        text = "memaccess can stop programs of Linux only from a 64-bit Python on x86-64."
        raise failure_with("ptrace", errno.ENOSYS, text=text)


def _in_one_of_its_threads(place: Place, stopped: Stopped, work: Callable[[Call], T]) -> T:
    trouble = OSError(errno.ESRCH, os.strerror(errno.ESRCH))
    for number in place.folder.threads()[:_MOST_THREADS]:
        try:
            with stopped(number) as thread:
                gate = _gate(place, thread)
                if number not in place.folder.threads():
                    continue  # another process has the number now
                if gate is not None:
                    with Caller(thread, gate, place.bitness) as caller:
                        return work(Calls(caller, place.bitness))
                trouble = OSError(errno.EPERM, "dispatched")
        except (PermissionError, ProcessLookupError, ChildProcessError, TimeoutError) as error:
            trouble = error
    raise trouble


def _gate(place: Place, thread: StoppedThread) -> int | None:
    """Where the thread can call the kernel; None where it may not, wherever there is such an instruction."""
    dispatch = thread.dispatch()
    for address in _gates(place):
        if dispatch is None or dispatch.mode != _DISPATCHED:
            return address
        if (address - dispatch.offset) % (1 << 64) < dispatch.length:  # as the kernel compares
            return address
    return None


def _gates(place: Place) -> Iterator[int]:
    """Where the program has instructions that call the kernel: in the kernel's own library first."""
    instruction = _GATES[place.bitness]
    code = [each for each in place.mappings if each.is_executable]
    for each in sorted(code, key=lambda mapping: mapping.path != VDSO):
        try:
            data = place.read(min(each.end - each.start, _SEARCHED), each.start)
        except SystemFailure:
            continue
        offset = data.find(instruction)
        if offset >= 0:
            yield each.start + offset


def explained(folder: Folder, error: OSError) -> SystemFailure:
    """The failure of stopping threads of a process, in words."""
    number = error.errno or errno.EPERM
    if number == errno.ETIMEDOUT:
        text = "Its threads could not be stopped: the kernel is busy for them, with a disk for example. Try again."
        return failure_with("ptrace", number, text=text)
    if number == errno.EPERM:
        return failure_with("ptrace", number, text=_why_refused(folder))
    return failure_of("ptrace", error)


def _why_refused(folder: Folder) -> str:
    """Why its threads can't be stopped, or not be made to call, as sentences."""
    try:
        tracer = folder.tracer()
    except OSError:
        tracer = 0
    if tracer:
        with contextlib.suppress(OSError):
            tracer = Folder(tracer).leader()  # the kernel tells the thread that does it
        return f"Process {tracer} debugs the program, and a program can have only one debugger. End that one first."
    return "The system lets this Python not debug the program, or the program lets calls come only from its own places."
