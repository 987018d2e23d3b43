"""Having a thread of another process stand still for a moment, and make system calls.

What Linux lets nobody do from outside, a program has to do itself: one of its threads is stopped wherever it is,
given other registers, led through the call, and given its own back. A call that it was waiting in goes on
waiting: the kernel restarts most by itself, and those that it ends with EINTR are restarted here. No signal reaches
the thread meanwhile, and nothing is written to the program's memory.

https://man7.org/linux/man-pages/man2/ptrace.2.html
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _thread
import atexit
import contextlib
import ctypes
import errno
import math
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from memaccess._backend.linux._proc import NO_LONGER
from memaccess._backend.linux._restarting import RESTARTED
from memaccess._errors import SystemFailure
from memaccess._libc.ptrace import (
    PTRACE_CONT,
    PTRACE_DETACH,
    PTRACE_EVENT_STOP,
    PTRACE_GET_RSEQ_CONFIGURATION,
    PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG,
    PTRACE_GETREGS,
    PTRACE_GETSIGINFO,
    PTRACE_GETSIGMASK,
    PTRACE_INTERRUPT,
    PTRACE_O_TRACESYSGOOD,
    PTRACE_SEIZE,
    PTRACE_SETREGS,
    PTRACE_SETSIGMASK,
    PTRACE_SYSCALL,
    SYSCALL_STOP,
    WALL,
    Registers,
    RseqConfiguration,
    SignalInfo,
    SyscallUserDispatch,
    ptrace,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from memaccess._backend.linux._proc import Folder
    from memaccess._image import Read

T = TypeVar("T")

CAN_TRACE = os.uname().machine == "x86_64" and ctypes.sizeof(ctypes.c_void_p) == 8
"""Whether this Python knows the registers of the machine."""

_PATIENCE_SECONDS = 1.0
"""For how long a thread may be where the kernel does not interrupt it, such as waiting for a disk."""
_AT_ONCE = 200
"""So often it is asked without a pause whether a thread stands still: most do within 0.1 ms."""
_PAUSE_SECONDS = 0.0002
_LOOK_SECONDS = 0.05
"""How often a thread that waits for an errand looks around."""
_ENDS = (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED)
_NO_CALL = (1 << 64) - 1
"""In orig_rax: the kernel has no system call to restart."""
_ALL_SIGNALS = (1 << 64) - 1 & ~(1 << signal.SIGSYS - 1)
"""But for the one that a filter of calls (seccomp) sends: it ends a program that blocks it."""
_MASK_BYTES = 8
_LARGEST_ERROR = 4095
_CODE_64, _CODE_32, _STACK = 0x33, 0x23, 0x2B
"""Selectors: __USER_CS, __USER32_CS and __USER_DS of the kernel's arch/x86/include/asm/segment.h."""
_RSEQ_SECTION = 8
"""Where ``struct rseq`` has the address of the section that the thread is in."""
_LOW_32 = (1 << 32) - 1
_INTERRUPTED = (1 << 32) - errno.EINTR
_CALL_BYTES = 2
"""So long are the instructions that call the kernel: syscall, sysenter, int 0x80."""
_ARGUMENTS = {64: ("rdi", "rsi", "rdx", "r10", "r8", "r9"), 32: ("rbx", "rcx", "rdx", "rsi", "rdi", "rbp")}


class _Errands:
    """Those that are under way. The end of this Python waits for them: a program must get its registers back."""

    def __init__(self) -> None:
        self.under_way: set[threading.Event] = set()
        self.are_over = False

    def wait(self) -> None:
        """Wait for them, and have later ones done where they are asked for: a new thread would not run any more."""
        self.are_over = True
        for done in list(self.under_way):
            done.wait()


_errands = _Errands()
atexit.register(_errands.wait)
os.register_at_fork(after_in_child=_errands.under_way.clear)  # their threads are not there


def begin_in_own_thread(attempt: Callable[[], bool]) -> None:
    """Make an attempt at an errand in a new thread."""
    # Not threading's: Ctrl+C in its start() or join() leaves nothing to wait for (Python 3.11).
    _thread.start_new_thread(attempt, ())


class _Errand(Generic[T]):
    """Something to be done in another thread, where no Ctrl+C comes between.

    :param begin: has that thread make an attempt at it, which tells whether it was the first one.
    :param meanwhile: what the thread that waits for it does every now and then.
    """

    def __init__(
        self,
        work: Callable[[], T],
        begin: Callable[[Callable[[], bool]], None],
        meanwhile: Callable[[], None],
    ) -> None:
        self._work = work
        self._begin = begin
        self._meanwhile = meanwhile
        self._begun, self._done = threading.Lock(), threading.Event()
        self.outcome: list[T] = []
        self.trouble: BaseException | None = None

    def run(self) -> BaseException | None:
        """Have it done; what has interrupted the wait for it."""
        interrupt: BaseException | None = None
        _errands.under_way.add(self._done)
        while not self._done.is_set():
            try:
                self._begin(self._attempt)
                while not self._done.wait(_LOOK_SECONDS):
                    self._meanwhile()
            except (RuntimeError, MemoryError):
                if not self._begun.locked():
                    _errands.under_way.discard(self._done)
                    raise  # no thread could be started
            except BaseException as error:
                interrupt = error
        return interrupt

    def _attempt(self) -> bool:
        if not self._begun.acquire(blocking=False):
            return False
        try:
            self.outcome.append(self._work())
        except BaseException as error:
            self.trouble = error
        finally:
            self._done.set()
            _errands.under_way.discard(self._done)
        return True


def in_own_thread(
    work: Callable[[], T],
    begin: Callable[[Callable[[], bool]], None] = begin_in_own_thread,
    meanwhile: Callable[[], None] = lambda: None,
) -> T:
    """Do it in a thread of its own: no Ctrl+C comes between, and when it ends nothing is traced any more.

    :param begin: as in :class:`_Errand`, where it is to be another thread.
    :raises RuntimeError: this Python ends, and no other thread would run any more.
    """
    if _errands.are_over:
        if begin is begin_in_own_thread:
            return work()
        raise RuntimeError("Python is ending")
    errand = _Errand(work, begin, meanwhile)
    stop = errand.run()
    stop, errand.trouble = stop or errand.trouble, None
    try:
        if stop is not None:
            raise stop
        return errand.outcome[0]
    finally:
        del stop  # it keeps this frame


def take_away(thread: int) -> bool:
    """Take away what is left of a thread of another process that ended while it was traced; whether it had.

    Not of the first one of a process: how that ended is for its parent to ask.
    """
    try:
        return os.waitid(os.P_PID, thread, os.WEXITED | os.WNOHANG | WALL) is not None
    except ChildProcessError:
        return True


class StoppedThread:
    """A thread that stands still. Use it in a ``with`` block, all of it in one thread of this process.

    :raises TimeoutError: the kernel does not stop it in time.
    :raises OSError: it has ended, or may not be traced, or another debugger traces it.
    """

    def __init__(self, number: int, folder: Folder, read: Read) -> None:
        self._number = number
        self._folder = folder
        self._read = read
        self._patience = _PATIENCE_SECONDS
        self._interrupted: Registers | None = None
        """Those after a call that the stop has ended, where it is restarted."""

    def __enter__(self) -> Self:
        self.seize()
        try:
            self.settle()
        except BaseException:
            self.let_go()
            raise
        return self

    def seize(self) -> None:
        """Trace it, and have it stop soon."""
        ptrace(PTRACE_SEIZE, self._number, data=PTRACE_O_TRACESYSGOOD)
        try:
            self.interrupt()
        except BaseException:
            self.let_go()
            raise

    def interrupt(self) -> None:
        """Have it stop soon, which is traced."""
        ptrace(PTRACE_INTERRUPT, self._number)

    def settle(self) -> None:
        """Wait until it stands still, which was seized."""
        self._wait_for_stop()
        self._patience = math.inf  # from now on it has to be brought back to where it was
        self._restart_interrupted_call()
        self._abort_critical_section()

    def _restart_interrupted_call(self) -> None:
        """Undo what the stop has done to a call that waits; not where a signal of the program's own did it."""
        registers = self.registers()
        restarted = RESTARTED[32 if registers.cs == _CODE_32 else 64]
        is_ended = registers.rax & _LOW_32 == _INTERRUPTED and registers.orig_rax in restarted
        if is_ended and not self._folder.has_signal(self._number):
            self._interrupted = self.registers()
            registers.rip -= _CALL_BYTES
            registers.rax, registers.orig_rax = registers.orig_rax, _NO_CALL
            self.set_registers(registers)

    def _end_interrupted_call(self) -> None:
        """Have such a call end with EINTR all the same, where a signal has come since: programs wait for one so."""
        if self._interrupted is not None and self._folder.has_signal(self._number):
            self.set_registers(self._interrupted)

    def _abort_critical_section(self) -> None:
        """What must not be interrupted has to begin anew; the kernel sees to that only where the thread is in it.

        https://man7.org/linux/man-pages/man2/rseq.2.html, and the kernel's include/uapi/linux/rseq.h
        """
        found = RseqConfiguration()
        size = ctypes.sizeof(found)
        try:
            ptrace(PTRACE_GET_RSEQ_CONFIGURATION, self._number, size, ctypes.addressof(found))
        except OSError as error:
            if error.errno == errno.EIO:
                return  # before Linux 5.13
            raise
        if not found.address:
            return
        with contextlib.suppress(SystemFailure):  # nothing is there
            section = self._word_at(found.address + _RSEQ_SECTION)
            if not section:
                return
            start, length, abort = (self._word_at(section + offset) for offset in (8, 16, 24))
            registers = self.registers()
            if (registers.rip - start) % (1 << 64) < length:
                registers.rip = abort
                self.set_registers(registers)

    def _word_at(self, address: int) -> int:
        return int.from_bytes(self._read(8, address), "little")

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Let it go on where it was."""
        with contextlib.suppress(OSError):  # it has ended
            self._end_interrupted_call()
        with contextlib.suppress(OSError):
            ptrace(PTRACE_DETACH, self._number)

    def stands(self) -> bool:
        """Whether it stands still: only its end changes that."""
        return self._stopped() is not None

    def leave_system_call(self) -> None:
        """Let it run from where it enters or leaves a system call, to where :meth:`settle` finds it."""
        self.interrupt()
        ptrace(PTRACE_CONT, self._number)
        self._wait_for_stop()

    def _wait_for_stop(self) -> None:
        while (code := self._wait()) >> 8 != PTRACE_EVENT_STOP:
            # A signal came first, and the program shall have it.
            ptrace(PTRACE_CONT, self._number, data=0 if code == SYSCALL_STOP else code)
            self.interrupt()

    def _wait(self) -> int:
        """Why it stopped: SYSCALL_STOP, PTRACE_EVENT_STOP in the second byte, or the number of a signal."""
        deadline = time.monotonic() + self._patience
        asked = 0
        while (found := self._stopped()) is None:
            asked += 1
            if asked > _AT_ONCE:
                if self._has_ended():
                    raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
                time.sleep(_PAUSE_SECONDS)
        code: int = found.code
        with contextlib.suppress(ChildProcessError):
            # Told here, another thread can't take it for the end of a child; and a signal can't claim to be it.
            told = os.waitid(os.P_PID, self._number, os.WSTOPPED | os.WNOHANG | WALL)
            code = code if told is None else told.si_status
        return code if code == SYSCALL_STOP or code >> 8 == PTRACE_EVENT_STOP else int(found.signal)

    def _stopped(self) -> SignalInfo | None:
        """Why it stands still; None where it does not."""
        # waitid() would tell as well, but only the first thread of this process that asks.
        found = SignalInfo()
        try:
            ptrace(PTRACE_GETSIGINFO, self._number, data=ctypes.addressof(found))
        except ProcessLookupError:
            return None
        return found

    def _has_ended(self) -> bool:
        # WNOWAIT: how a child of this process ended is for others to ask. Stops are told unasked.
        told = os.waitid(os.P_PID, self._number, os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL)
        if told is not None and told.si_code in _ENDS:
            return True
        # Of the first thread nothing is told before the others have ended, and one that replaces the program
        # (execve) may have its number by now.
        try:
            return not self._folder.tracer(f"task/{self._number}/")
        except OSError as error:
            if error.errno not in NO_LONGER:
                raise
            return True

    def registers(self) -> Registers:
        registers = Registers()
        ptrace(PTRACE_GETREGS, self._number, data=ctypes.addressof(registers))
        return registers

    def set_registers(self, registers: Registers) -> None:
        ptrace(PTRACE_SETREGS, self._number, data=ctypes.addressof(registers))

    def signal_mask(self) -> int:
        mask = ctypes.c_uint64()
        ptrace(PTRACE_GETSIGMASK, self._number, _MASK_BYTES, ctypes.addressof(mask))
        return mask.value

    def set_signal_mask(self, mask: int) -> None:
        value = ctypes.c_uint64(mask)
        ptrace(PTRACE_SETSIGMASK, self._number, _MASK_BYTES, ctypes.addressof(value))

    def dispatch(self) -> SyscallUserDispatch | None:
        """From where it may call the kernel; None before Linux 6.4."""
        found = SyscallUserDispatch()
        try:
            ptrace(
                PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG,
                self._number,
                ctypes.sizeof(found),
                ctypes.addressof(found),
            )
        except OSError as error:
            if error.errno == errno.EIO:
                return None
            raise
        return found

    def run_to_system_call(self) -> None:
        """Let it run until it enters a system call, or leaves it."""
        passed_on = 0
        while True:
            ptrace(PTRACE_SYSCALL, self._number, data=passed_on)
            code = self._wait()
            if code == SYSCALL_STOP:
                return
            # SIGSTOP can't be held up; it stops the program when the thread is let go.
            passed_on = 0 if code >> 8 == PTRACE_EVENT_STOP else code


class Caller:
    """Makes system calls in a thread that stands still. Use it in a ``with`` block.

    :param gate: where in the program the instruction is that calls the kernel.
    :param bitness: how wide the process is for Linux.
    """

    def __init__(self, thread: StoppedThread, gate: int, bitness: int) -> None:
        self._thread = thread
        self._gate = gate
        self._bitness = bitness

    def __enter__(self) -> Self:
        self._registers = self._thread.registers()
        self._mask = self._thread.signal_mask()
        self._thread.set_signal_mask(_ALL_SIGNALS)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it has ended
            self._thread.leave_system_call()  # where that ends, the kernel would restart no other
            self._thread.set_registers(self._registers)
            self._thread.set_signal_mask(self._mask)

    def call(self, number: int, *arguments: int) -> int:
        """What the system call gives; a negative number is that of the error.

        :raises OSError: the program has ended.
        """
        registers = Registers.from_buffer_copy(self._registers)
        registers.rip, registers.rax, registers.orig_rax = self._gate, number, _NO_CALL
        if self._bitness == 64:
            # The thread may be in 32-bit code of Windows.
            registers.cs, registers.ss = _CODE_64, _STACK
        else:
            # Or in 16-bit code, or in that of a segment of its own.
            registers.cs, registers.ss = _CODE_32, _STACK
        for name, value in zip(_ARGUMENTS[self._bitness], arguments, strict=False):
            setattr(registers, name, value)
        self._thread.set_registers(registers)
        self._thread.run_to_system_call()
        self._thread.run_to_system_call()
        result: int = self._thread.registers().rax & (1 << self._bitness) - 1
        is_error = result >= (1 << self._bitness) - _LARGEST_ERROR
        return result - (1 << self._bitness) if is_error else result
