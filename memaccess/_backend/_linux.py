"""Linux, through /proc and the C library.

A view holds three files of its process: its folder in ``/proc``, its memory, and where the kernel has it
a descriptor that tells when it ends. None of them ever means another process, whoever has the pid then.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import ctypes
import errno
import fcntl
import os
import select
from typing import TYPE_CHECKING

from memaccess._arguments import byte_count
from memaccess._backend import _linux_facts, _linux_maps, _linux_modules
from memaccess._backend._linux_codes import failure_from, failure_of, failure_with
from memaccess._backend._linux_memory import Memory
from memaccess._backend._linux_proc import Folder, pids
from memaccess._errors import Cause, SystemFailure
from memaccess._libc._descriptors import OwnedDescriptor
from memaccess._libc.libc import place_of
from memaccess._libc.pidfd import PIDFD_GET_INFO, PIDFD_INFO_EXIT, PidfdInfo
from memaccess._records import Access, AddressSpace, ProcessInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memaccess._backend._interface import DebugInfo
    from memaccess._backend._linux_maps import Mapping
    from memaccess._records import Module, Region, WindowInfo
    from memaccess._types import DataModel

_FLAGS = {
    Access.READ: os.O_RDONLY,
    Access.WRITE: os.O_RDWR,  # an access for writing alone would be judged by the same rules
    Access.READ | Access.WRITE: os.O_RDWR,
}
_END_OF_64 = {"aarch64": 1 << 48}
"""Where programs' addresses end on machines other than x86-64."""
_CAP_SYS_PTRACE = 19
_PTRACE_SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
_LOWEST = "/proc/sys/vm/mmap_min_addr"
_USUAL_LOWEST = 0x10000


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
        raise _not_yet("XQueryTree", "list windows")

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        facts = _linux_facts.Facts(pid, own_user=os.geteuid(), ptrace_scope=_number_in(_PTRACE_SCOPE, 0))
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
        return _linux_facts.why_not_opened(facts, cause)

    def refusal(self, cause: Cause, /) -> SystemFailure:
        return failure_from(cause)


class LinuxProcess(Memory):
    """A program, of whatever width."""

    def __init__(
        self,
        pid: int,
        name: str,
        folder: Folder,
        memory: OwnedDescriptor,
        watch: OwnedDescriptor | None,
        model: DataModel,
    ) -> None:
        super().__init__(pid, memory)
        self._folder = folder
        self._watch = watch
        self.model = model
        self.space = _space(model)
        self.name = name

    def write(self, data: bytes | memoryview, address: int, /) -> None:
        size, done = byte_count(data), 0
        source = _Source(data)
        while done < size:
            done += self._copy_out(source.place + done, address + done, size - done)
            if done == size:
                return
            # As on Windows, code can be written to as it is.
            region = self.region_at(address + done) if address + done < self.space.end else None
            if region is None or not region.executable:
                raise self._stopped("process_vm_writev", -errno.EFAULT, done)
            part = min(region.end - address, size) - done
            try:
                self._copy_out_through_file(source.place + done, address + done, part)
            except SystemFailure as trouble:
                raise trouble.after(done + trouble.transferred) from None
            done += part

    def write_forced(self, data: bytes | memoryview, address: int, /) -> None:
        size = byte_count(data)
        if size and not self._has_memory(address, address + size):
            raise self._stopped("pwrite", -errno.EIO, 0)  # before a part of it is written
        source = _Source(data)
        self._copy_out_through_file(source.place, address, size)

    def _has_memory(self, address: int, stop: int) -> bool:
        """Whether there is memory in the whole range."""
        for region in self.regions_from(address):
            if region.state != "committed" or region.end >= stop:
                return region.state == "committed"
        return False

    def regions_from(self, address: int, /) -> Iterator[Region]:
        return _linux_maps.regions(self._mappings(), address, self.space.end)

    def region_at(self, address: int, /) -> Region | None:
        return next(self.regions_from(address), None)

    def mapped_file(self, address: int, /) -> str | None:
        found = _linux_maps.mapping_at(self._mappings(), address)
        return None if found is None else found.file

    def _mappings(self) -> list[Mapping]:
        try:
            return _linux_maps.parse(self._folder.maps())
        except OSError as error:
            raise self._failure("read", error) from None

    def _failure(self, api: str, error: OSError) -> SystemFailure:
        """Why a file of the process could not be read; a view that was closed meanwhile is the first reason."""
        if self._file is None:
            return failure_from(Cause.CLOSED, api)
        return failure_of(api, error)

    def modules(self) -> list[Module]:
        return _linux_modules.modules(self.read, self._mappings(), self._folder.program())

    def api_sets(self) -> int | None:
        return None

    def stack_base(self, _thread: int, /) -> int | None:
        return None

    def debug_info(self, _search_path: str | None, /) -> DebugInfo:
        raise failure_from(Cause.OTHER, "SymInitialize", "Debug symbols are read on Windows only.")

    def protect(self, _rights: str, _size: int, _address: int, /) -> tuple[Region, ...]:
        raise _not_yet("mprotect", "change the protection of memory")

    def put_back(self, _changed: tuple[Region, ...], /) -> None:
        raise _not_yet("mprotect", "change the protection of memory")

    def allocate(self, _size: int, _rights: str, _near: int | None, /) -> int:
        raise _not_yet("mmap", "allocate memory in a program")

    def free(self, _address: int, /) -> None:
        raise _not_yet("munmap", "free memory of a program")

    def refuses(self, region: Region, access: Access, /) -> bool:
        if access is Access.READ:
            return region.state != "committed"
        return not (region.writable or region.executable)

    def is_alive(self) -> bool:
        watch = self._watch
        is_there = self._folder.is_alive() if watch is None else not _is_readable(watch)
        if self._file is None:
            raise failure_from(Cause.CLOSED, "poll")
        return is_there

    def exit_code(self) -> int | None:
        if self.is_alive():
            return None
        status = self._exit_status()
        if status is None:
            return None
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def _exit_status(self) -> int | None:
        """As from ``waitpid``; None where the kernel has forgotten it."""
        watch = self._watch
        try:
            return self._folder.status().exit_status  # as long as its parent has not asked
        except OSError:
            return None if watch is None else _told_exit_status(watch)

    def close(self) -> None:
        self._file = self._watch = None
        self._folder.close()


class _Source:
    """Bytes to write, and where they lie in this Python."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = bytes(data) if isinstance(data, memoryview) and data.readonly else data
        if isinstance(self._data, bytes):
            self.place = place_of(self._data)
        else:
            self._whole = (ctypes.c_char * self._data.nbytes).from_buffer(self._data)
            self.place = ctypes.addressof(self._whole)


def _watch(pid: int, folder: Folder) -> OwnedDescriptor | None:
    """What can be asked whether a process has ended; None before Linux 5.3."""
    try:
        watch = OwnedDescriptor(os.pidfd_open(pid))
        folder.status()  # else the pid may have passed to another process before
    except OSError:
        return None
    return watch


def _is_readable(descriptor: OwnedDescriptor) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _told_exit_status(watch: OwnedDescriptor) -> int | None:
    """What the kernel keeps as long as somebody watches; None before Linux 6.15."""
    info = PidfdInfo(mask=PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(watch, PIDFD_GET_INFO, info)
    except OSError:
        return None
    return info.exit_code if info.mask & PIDFD_INFO_EXIT else None


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


def _not_yet(api: str, what: str) -> SystemFailure:
    failure = failure_with(api, errno.ENOTSUP)
    failure.text = f"memaccess can't {what} on Linux yet."
    return failure


def _name(path: str | None, told: str) -> str:
    """File name of a program; what it calls itself where its file is not known."""
    return told if path is None else os.path.basename(path)


def _space(model: DataModel) -> AddressSpace:
    end = _END_OF_64.get(os.uname().machine, 0x8000_0000_0000) - 4096
    return AddressSpace(
        _number_in(_LOWEST, _USUAL_LOWEST) or _USUAL_LOWEST, 0xFFFF_E000 if model.bitness == 32 else end
    )


def _may_trace() -> bool:
    """Whether this Python has the capability to look into the programs of others."""
    with (
        contextlib.suppress(OSError, KeyError, ValueError),
        open("/proc/self/status", encoding="utf-8") as file,
    ):
        lines = dict(line.partition(":\t")[::2] for line in file)
        return bool(int(lines["CapEff"], 16) >> _CAP_SYS_PTRACE & 1)
    return False


def _number_in(path: str, otherwise: int) -> int:
    """The number that a file has; *otherwise* where there is none."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return otherwise
