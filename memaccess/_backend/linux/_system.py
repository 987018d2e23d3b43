"""The Linux that this Python runs on, through ``/proc``."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from memaccess._backend.linux import _facts
from memaccess._backend.linux._codes import failure_from, failure_of, failure_with
from memaccess._backend.linux._proc import Folder, number_in, pids
from memaccess._backend.linux._process import LinuxProcess
from memaccess._errors import Cause, SystemFailure
from memaccess._libc._descriptors import OwnedDescriptor
from memaccess._records import Access, ProcessInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._records import WindowInfo

_FLAGS = {
    Access.READ: os.O_RDONLY,
    Access.WRITE: os.O_RDWR,  # an access for writing alone would be judged by the same rules
    Access.READ | Access.WRITE: os.O_RDWR,
}
_CAP_SYS_PTRACE = 19
_PTRACE_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
_NO_LIBRARY = (
    "The windows are listed through X11, and its library libxcb can't be loaded ({}). Install it for this Python: "
    "the package is called libxcb1 on Debian and Ubuntu, libxcb elsewhere."
)


class Linux:
    """The Linux that this Python runs on."""

    def open(self, pid: int, access: Access, /) -> LinuxProcess:
        try:
            folder = Folder(pid)
            status = folder.status()
            is_there = folder.leader() == pid and folder.runs_on(status)
        except OSError as error:
            raise failure_with("open", error.errno or errno.ENOENT, cause=Cause.NO_PROCESS) from None
        if not is_there:
            raise _gone()
        if status.is_of_kernel:
            raise failure_with("open", errno.EACCES, cause=Cause.PROTECTED)
        try:
            memory = folder.open_shared("mem", _FLAGS[access])
        except OSError as error:
            if not folder.is_alive():
                raise _gone() from None
            raise failure_of("open", error) from None
        watch, model, name = _watch(pid, folder), folder.model(), _name(folder.program(), status.name)
        if not folder.is_alive():
            raise _gone()
        if model is None:
            raise failure_with("open", errno.ENOEXEC)
        return LinuxProcess(pid, name, folder, memory, watch, model)

    def current_pid(self) -> int:
        return os.getpid()

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        described = (_described(pid, wanted) for pid in pids())
        return [each for each in described if each is not None]

    def process(self, pid: int, /) -> ProcessInfo | None:
        return _described(pid)

    def windows(self) -> list[WindowInfo]:
        try:
            from memaccess._backend.linux import _windows  # the library of X11 is not everywhere
        except OSError as error:
            raise failure_from(Cause.OTHER, "dlopen", _NO_LIBRARY.format(error)) from None
        return _windows.windows()

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        facts = _facts.Facts(pid, own_user=os.geteuid(), ptrace_scope=number_in(_PTRACE_SCOPE, 0))
        with contextlib.suppress(OSError):
            folder = Folder(pid)
            status, leader = folder.status(), folder.leader()
            facts = facts._replace(
                name=_name(folder.program(), status.name),
                user=os.stat(f"/proc/{pid}").st_uid,
                leader=leader if leader != pid else None,
                is_kernel_thread=status.is_of_kernel,
                may_trace=_may_trace(),
            )
        return _facts.why_not_opened(facts, cause)

    def refusal(self, cause: Cause, /) -> SystemFailure:
        return failure_from(cause)


def _watch(pid: int, folder: Folder) -> OwnedDescriptor | None:
    """What can be asked whether a process has ended; None before Linux 5.3."""
    try:
        watch = OwnedDescriptor(os.pidfd_open(pid))
        folder.status()  # else the pid may have passed to another process before
    except OSError:
        return None
    return watch


def _described(pid: int, wanted: Callable[[str], bool] | None = None) -> ProcessInfo | None:
    """A running program; None where there is none with that pid, or its name is not *wanted*."""
    try:
        folder = Folder(pid)
        status = folder.status()
        if not folder.runs_on(status) or folder.leader() != pid:
            return None
    except OSError:
        return None  # it has ended meanwhile
    path = folder.program()
    name = _name(path, status.name)
    if wanted is not None and not wanted(name):
        return None
    model = folder.model()
    return ProcessInfo(pid, name, path, status.parent_pid, None if model is None else model.bitness)


def _gone() -> SystemFailure:
    return failure_with("open", errno.ESRCH, cause=Cause.NO_PROCESS)


def _name(path: str | None, told: str) -> str:
    """File name of a program; what it calls itself where its file is not known."""
    return told if path is None else os.path.basename(path)


def _may_trace() -> bool:
    """Whether this Python has the capability to look into the programs of others."""
    with (
        contextlib.suppress(OSError, KeyError, ValueError),
        open("/proc/self/status", encoding="utf-8") as file,
    ):
        lines = dict(line.partition(":\t")[::2] for line in file)
        return bool(int(lines["CapEff"], 16) >> _CAP_SYS_PTRACE & 1)
    return False
