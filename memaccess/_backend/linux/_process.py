"""One opened program, through its folder in ``/proc``.

A view holds three files of its process: its folder in ``/proc``, its memory, and where the kernel has it
a descriptor that tells when it ends. None of them ever means another process, whoever has the pid then.
The folder and the descriptor stay with the process when it replaces its program (execve), and the file of
the memory with the program.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import errno
import fcntl
import itertools
import os
import select
from typing import TYPE_CHECKING, TypeVar

from memaccess._arguments import byte_count
from memaccess._backend.linux import _maps, _modules, _wine
from memaccess._backend.linux._calls import ask_threads
from memaccess._backend.linux._changing import ChangingMemory
from memaccess._backend.linux._codes import failure_from, failure_of, failure_with
from memaccess._backend.linux._proc import NO_LONGER, Folder, boot_number, number_in
from memaccess._errors import Cause, SystemFailure
from memaccess._libc.libc import place_of
from memaccess._libc.pidfd import PIDFD_GET_INFO, PIDFD_INFO_EXIT, PidfdInfo
from memaccess._records import Access, AddressSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._backend._interface import DebugInfo
    from memaccess._backend.linux._maps import Mapping, Span
    from memaccess._backend.linux._programs import Program
    from memaccess._backend.linux._wine import Image
    from memaccess._libc._descriptors import OwnedDescriptor
    from memaccess._libc.ptrace import Registers
    from memaccess._records import Module, Region
    from memaccess._types import DataModel

T = TypeVar("T")

_END_OF_64 = {"aarch64": 1 << 48}
"""Where programs' addresses end on machines other than x86-64."""
_ATTEMPTS = 3
_LOWEST = "/proc/sys/vm/mmap_min_addr"
_USUAL_LOWEST = 0x10000


class LinuxProcess(ChangingMemory):
    """A program, of whatever width."""

    def __init__(
        self,
        pid: int,
        program: Program,
        model: DataModel,
        folder: Folder,
        memory: OwnedDescriptor,
        watch: OwnedDescriptor | None,
        start_time: int,
    ) -> None:
        super().__init__(pid, memory)
        self._start_time = start_time
        self._folder = folder
        self._watch = watch
        self.model = model
        self.space = _space(model)
        self.name = program.name
        self._base = program.base
        self._bitness = program.native_bitness or model.bitness

    def write(self, data: bytes | memoryview, address: int, /) -> None:
        self._following(self._write, _Source(data), byte_count(data), address)

    def _write(self, source: _Source, size: int, address: int) -> None:
        done = self._copy_out(source.place, address, size)
        if done == size:
            return
        while done < size:
            # Beyond this Python's pointers, or where the call is refused, the file serves, which asks for no
            # protection. As on Windows, code can be written to as it is.
            region = self.region_at(address + done) if address + done < self.space.end else None
            if region is None or not (region.writable or region.executable):
                raise self._stopped("process_vm_writev", -errno.EFAULT, done)
            part = min(region.end - address, size) - done
            try:
                self._copy_out_through_file(source.place + done, address + done, part)
            except SystemFailure as trouble:
                raise trouble.after(done + trouble.transferred) from None
            done += part
            done += self._copy_out(source.place + done, address + done, size - done)
        if not self._is_there():  # else a part of it may be in the one program, and the rest in the next one
            raise self._stopped("process_vm_writev", 0, 0)

    def write_forced(self, data: bytes | memoryview, address: int, /) -> None:
        self._following(self._write_forced, _Source(data), byte_count(data), address)

    def _write_forced(self, source: _Source, size: int, address: int) -> None:
        if size and not self._has_memory(address, address + size):
            raise self._stopped("pwrite", -errno.EIO, 0)  # before a part of it is written
        self._copy_out_through_file(source.place, address, size)

    def _has_memory(self, address: int, stop: int) -> bool:
        """Whether there is memory in the whole range."""
        for region in self.regions_from(address):
            if region.state != "committed" or region.end >= stop:
                return region.state == "committed"
        return False

    def regions_from(self, address: int, /) -> Iterator[Region]:
        mappings = self._mappings()
        return _maps.regions(mappings, address, self.space.end, self._spans(mappings))

    def _spans(self, _mappings: list[Mapping]) -> list[Span]:
        """What is an image, and does not show it by itself."""
        return []

    def region_at(self, address: int, /) -> Region | None:
        return next(self.regions_from(address), None)

    def mapped_file(self, address: int, /) -> str | None:
        mappings = self._mappings()
        span = _maps.found_at(self._spans(mappings), address)
        found = _maps.found_at(mappings, address) if span is None else span.first
        return None if found is None else found.file

    def _mappings(self) -> list[Mapping]:
        for _ in range(_ATTEMPTS):
            if not self._is_there():
                self._follow()
            try:
                text = self._folder.maps()
            except OSError as error:
                raise self._failure("read", error) from None
            if text and self._is_there():
                return _maps.parse(text)
            # Else what was read ends where the memory of the program did, which was replaced, or ends.
        if self._ends():
            raise failure_with("read", errno.ESRCH)
        raise failure_from(
            Cause.REPLACED, "read", f"Process {self.pid} replaces its program again and again."
        )

    def _failure(self, api: str, error: OSError) -> SystemFailure:
        """Why a file of the process could not be read; a view that was closed meanwhile is the first reason."""
        if self._file is None:
            return failure_from(Cause.CLOSED, api)
        return failure_of(api, error)

    def modules(self) -> list[Module]:
        return _modules.modules(self.read, self._mappings(), self._folder.program())

    def api_sets(self) -> int | None:
        return None

    def stack_base(self, _thread: int, /) -> int | None:
        return None

    @property
    def started(self) -> int:
        # Counted from the start of the system, in hundredths of a second; so which start it was belongs to it.
        if self._file is None:
            raise failure_from(Cause.CLOSED, "read")
        return boot_number() << 64 | self._start_time

    def debug_info(self, _search_path: str | None, /) -> DebugInfo:
        raise failure_from(Cause.OTHER, "SymInitialize", "Debug symbols are read on Windows only.")

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

    def _follow(self) -> bool:
        if not self.is_alive():
            return False
        if self._is_there():  # another thread was faster
            return True
        model, trouble = None, None
        try:
            model = self._open_anew()
        except OSError as error:
            trouble = failure_of("open", error)
        except TypeError:
            return True  # closed by another thread, as the next attempt finds out
        if model not in (None, self.model) or (trouble and trouble.cause is Cause.DENIED):
            raise self._replaced(model)
        if trouble and trouble.errno not in NO_LONGER:
            raise trouble
        return True  # or, if nothing was opened, it is being replaced or ends at this very moment

    def _open_anew(self) -> DataModel | None:
        """Open the memory of the program that the process runs now, if its types are as before; how they are.

        :raises OSError: the system refuses, or the process has ended. TypeError: the view was closed.
        """
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL) & os.O_ACCMODE  # type: ignore[arg-type]
        memory = self._folder.open_shared("mem", flags)
        model = self._folder.model()
        if model == self.model:
            self._generation.number += 1  # before anybody can see the new memory
            # In the place of the old one, under its number: a view that was closed meanwhile stays so.
            os.dup2(memory, self._file, inheritable=False)  # type: ignore[arg-type]
        return model

    def _replaced(self, model: DataModel | None) -> SystemFailure:
        """The failure where the process runs a program of another model now; None where that is not known."""
        name = f" ({self.name})" if self.name else ""
        how = "which may not be opened" if model is None else f"a {model.bitness}-bit one of Linux"
        return failure_from(
            Cause.REPLACED,
            "execve",
            f"Process {self.pid}{name} runs another program now, {how}; the memory of the one that was opened is "
            "gone. Open it again with a new MemoryView.",
        )

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


class WineProcess(LinuxProcess):
    """A program of Windows, under Wine."""

    def modules(self) -> list[Module]:
        found = self._images(self._mappings())
        return _wine.modules(found, self._base)

    def api_sets(self) -> int | None:
        return _wine.api_sets(self.read, self._mappings())

    def stack_base(self, thread: int, /) -> int | None:
        def base(registers: Registers) -> int | None:
            block = registers.gs_base if self._bitness == 64 else registers.fs_base
            return _wine.stack_base(held.read, block, self.model.bitness, self._bitness)

        with self._held() as held:
            found = next(itertools.islice(ask_threads(held._place(), base), thread, None), None)
            if found is None and not held.is_alive():
                raise failure_with("ptrace", errno.ESRCH)
            return found

    def _spans(self, mappings: list[Mapping]) -> list[Span]:
        return _wine.spans(self._images(mappings))

    def _images(self, mappings: list[Mapping]) -> list[Image]:
        return list(_wine.images(self.read, mappings))


class _Source:
    """Bytes to write, and where they lie in this Python."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = bytes(data) if isinstance(data, memoryview) and data.readonly else data
        if isinstance(self._data, bytes):
            self.place = place_of(self._data)
        else:
            self._whole = (ctypes.c_char * self._data.nbytes).from_buffer(self._data)
            self.place = ctypes.addressof(self._whole)


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


def _space(model: DataModel) -> AddressSpace:
    end = _END_OF_64.get(os.uname().machine, 0x8000_0000_0000) - 4096
    return AddressSpace(
        number_in(_LOWEST, _USUAL_LOWEST) or _USUAL_LOWEST, 0xFFFF_E000 if model.bitness == 32 else end
    )
