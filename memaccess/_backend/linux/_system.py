"""The Linux that this Python runs on, through ``/proc``."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import errno
import os
import time
from typing import TYPE_CHECKING

from memaccess._backend.linux import _facts
from memaccess._backend.linux._codes import EXHAUSTED, failure_from, failure_of, failure_with
from memaccess._backend.linux._proc import Folder, number_in, pids
from memaccess._backend.linux._process import LinuxProcess, WineProcess
from memaccess._backend.linux._programs import native_program, program_of
from memaccess._errors import Cause, SystemFailure
from memaccess._libc._descriptors import OwnedDescriptor
from memaccess._libc.libc import shares_memory
from memaccess._libc.pidfd import pidfd_open
from memaccess._records import Access, ProcessInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memaccess._backend.linux._proc import Status
    from memaccess._backend.linux._programs import Program
    from memaccess._records import WindowInfo

_FLAGS = {
    Access.READ: os.O_RDONLY,
    Access.WRITE: os.O_RDWR,  # an access for writing alone would be judged by the same rules
    Access.READ | Access.WRITE: os.O_RDWR,
}
_CAP_SYS_PTRACE = 19
_REFUSALS = (errno.EPERM, errno.EACCES)
_SERVICES = ("explorer.exe", "plugplay.exe", "rpcss.exe", "services.exe", "svchost.exe", "winedevice.exe")
_PATIENCE_SECONDS = 2.0
"""For how long Wine may be loading a program."""
_PAUSE_SECONDS = 0.01
_PTRACE_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
_NO_LIBRARY = (
    "The windows are listed through X11, and its library libxcb can't be loaded ({}). Install it for this Python: "
    "the package is called libxcb1 on Debian and Ubuntu, libxcb elsewhere."
)


class Linux:
    """The Linux that this Python runs on."""

    def open(self, pid: int, access: Access, /) -> LinuxProcess:
        folder, status = _running(pid)
        if status.is_of_kernel:
            raise failure_with("open", errno.EACCES, cause=Cause.PROTECTED)
        _wait_for_own_memory(pid, status.parent_pid)
        try:
            memory = folder.open_shared("mem", _FLAGS[access])
        except OSError as error:
            if not folder.is_alive():
                raise _gone() from None
            raise failure_of("open", error) from None
        watch = _watch(pid, folder)
        try:
            program = _once_started(folder, status, memory)
        except OSError as error:
            if folder.is_alive():
                raise failure_of("open", error) from None
            program = None
        if program is None or not folder.is_alive():
            raise _gone()
        if program.model is None:
            raise failure_with("open", errno.ENOEXEC)
        of_its_kind = WineProcess if program.is_windows else LinuxProcess
        return of_its_kind(pid, program, program.model, folder, memory, watch, status.start_time)

    def current_pid(self) -> int:
        return os.getpid()

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        _require_own_proc()
        described = (_described(pid, wanted) for pid in pids())
        return [each for each in described if each is not None]

    def process(self, pid: int, /) -> ProcessInfo | None:
        _require_own_proc()
        return _described(pid)

    def windows(self) -> list[WindowInfo]:
        try:
            from memaccess._backend.linux import _windows  # the library of X11 is not everywhere
        except OSError as error:
            raise failure_from(Cause.OTHER, "dlopen", _NO_LIBRARY.format(error)) from None
        return _windows.windows()

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        facts = _facts.Facts(pid, own_user=os.geteuid(), ptrace_scope=number_in(_PTRACE_SCOPE, 0))
        if cause is Cause.NO_PROCESS:
            with contextlib.suppress(SystemFailure):  # the failure to open is the one to report
                facts = facts._replace(windows_programs=tuple(_windows_programs()))
        elif cause is Cause.DENIED:
            facts = facts._replace(is_hidden=_is_hidden(pid))
        with contextlib.suppress(OSError):
            folder = Folder(pid)
            status, leader = folder.status(), folder.leader()
            facts = facts._replace(
                name=_program_if_shown(folder, status).name,
                user=os.stat(f"/proc/{pid}").st_uid,
                leader=leader if leader != pid else None,
                is_kernel_thread=status.is_of_kernel,
                may_trace=_may_trace(),
                is_dumpable=_is_dumpable(pid),
            )
        return _facts.why_not_opened(facts, cause)

    def refusal(self, cause: Cause, /) -> SystemFailure:
        return failure_from(cause)


def _running(pid: int) -> tuple[Folder, Status]:
    """The process with that pid, and how it is.

    :raises SystemFailure: there is none.
    """
    _require_own_proc()
    try:
        found = _found(pid)
    except OSError as error:
        if error.errno in _REFUSALS or _is_hidden(pid):
            raise failure_with("open", errno.EACCES) from None
        raise failure_with("open", error.errno or errno.ENOENT, cause=Cause.NO_PROCESS) from None
    if found is None:
        raise _gone()
    return found


def _found(pid: int) -> tuple[Folder, Status] | None:
    """A process that runs, and how it is; None where it has ended, or is a mere thread.

    :raises OSError: there is none, or it is not shown.
    :raises SystemFailure: this Python can open no more files.
    """
    try:
        folder = Folder(pid)
        status = folder.status()
        return (folder, status) if folder.runs_on(status) and folder.leader() == pid else None
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise failure_of("open", error) from None
        raise


def _require_own_proc() -> None:
    """Refuse where /proc is not that of the processes that this Python counts: a pid there is another program."""
    try:
        own = os.readlink("/proc/self")
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise failure_of("readlink", error) from None
        raise failure_from(Cause.OTHER, "readlink", _NO_PROC) from None
    if own != str(os.getpid()):
        raise failure_from(Cause.OTHER, "readlink", _OTHER_PROC)


_NO_PROC = "There is no /proc, through which Linux shows processes: it is not mounted here."
_OTHER_PROC = (
    "The processes that /proc shows are those of another pid namespace than this Python's, so that their pids mean "
    "other programs. Mount the right one: unshare has the option --mount-proc for it."
)


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process, which /proc does not show to this user."""
    if os.path.exists(f"/proc/{pid}/stat"):
        return False
    try:
        os.kill(pid, 0)  # sends nothing
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _watch(pid: int, folder: Folder) -> OwnedDescriptor | None:
    """What can be asked whether a process has ended; None before Linux 5.3."""
    try:
        watch = OwnedDescriptor(pidfd_open(pid))
        folder.status()  # else the pid may have passed to another process before
    except OSError:
        return None
    return watch


def _wait_for_own_memory(pid: int, parent_pid: int) -> None:
    """Wait while a process has its parent's memory, as one has that was just made to run another program (vfork)."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while shares_memory(pid, parent_pid) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _once_started(folder: Folder, status: Status, memory: OwnedDescriptor) -> Program:
    """The program of a process; waits while Wine is only loading it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        program = program_of(folder, status, lambda: memory)
        if not program.is_starting or time.monotonic() > deadline:
            return program
        time.sleep(_PAUSE_SECONDS)


def _described(pid: int, wanted: Callable[[str], bool] | None = None) -> ProcessInfo | None:
    """A running program; None where there is none with that pid, or its name is not *wanted*."""
    try:
        found = _found(pid)
    except OSError:
        return None  # it has ended meanwhile
    if found is None:
        return None
    folder, status = found
    program = _program_if_shown(folder, status)
    if wanted is not None and not wanted(program.name):
        return None
    model = program.model
    return ProcessInfo(
        pid, program.name, program.path, status.parent_pid, None if model is None else model.bitness
    )


def _program_if_shown(folder: Folder, status: Status) -> Program:
    """The program of a process, as far as this user may see."""
    with contextlib.suppress(OSError):
        return program_of(folder, status, lambda: folder.open_shared("mem"))
    return native_program(folder, status)


def _windows_programs() -> Iterator[tuple[str, int]]:
    """The names and pids of those that run under Wine; Wine's own services last."""
    found = []
    for pid in pids():
        with contextlib.suppress(OSError):
            folder = Folder(pid)
            program = _program_if_shown(folder, folder.status())
            if program.is_windows:
                found.append((program.name in _SERVICES, program.name, pid))
    for _, name, pid in sorted(found):
        yield name, pid


def _gone() -> SystemFailure:
    return failure_with("open", errno.ESRCH, cause=Cause.NO_PROCESS)


def _is_dumpable(pid: int) -> bool:
    """Whether the files of a process are its user's: those of others are root's, but for the folder itself."""
    return os.stat(f"/proc/{pid}/mem").st_uid == os.stat(f"/proc/{pid}").st_uid


def _may_trace() -> bool:
    """Whether this Python has the capability to look into the programs of others."""
    with contextlib.suppress(OSError, KeyError, ValueError):
        return bool(Folder(os.getpid()).capabilities() >> _CAP_SYS_PTRACE & 1)
    return False
