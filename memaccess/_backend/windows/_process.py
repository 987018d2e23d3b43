"""One opened program, through kernel32 and ntdll.

A view's handle asks for the least: VM_READ to read, VM_WRITE and VM_OPERATION to write, and the two
rights that every view needs: QUERY_LIMITED_INFORMATION (how wide is it, what is its name) and
SYNCHRONIZE (does it still live). What the memory is (VirtualQueryEx) is asked with the same handle
where that is enough, as it has been since Windows 8; Wine 8 wants QUERY_INFORMATION, and gets it
with a second handle, opened when it is first needed.
"""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import contextlib
import ctypes
from typing import TYPE_CHECKING, Any, TypeVar

from memaccess._arguments import byte_count
from memaccess._backend import _pages, _places
from memaccess._backend.windows import (
    _facts,
    _forcing,
    _modules,
    _paths,
    _protection,
    _threads,
)
from memaccess._backend.windows._mapping import mapped_file_at, query
from memaccess._backend.windows._opening import OWN_MODEL, image_path, open_process
from memaccess._backend.windows._suspending import ProcessHold
from memaccess._batch import one_by_one
from memaccess._errors import Cause, SystemFailure
from memaccess._records import Access, AddressSpace
from memaccess._win32 import kernel32, ntdll
from memaccess._win32._codes import (
    ERROR_ACCESS_DENIED,
    ERROR_INVALID_ADDRESS,
    ERROR_NOT_ENOUGH_MEMORY,
    ERROR_PARTIAL_COPY,
    failure_from,
    failure_with,
)
from memaccess._win32._constants import Allocation, ProcessAccess, Wait
from memaccess._win32._declare import failure, last_failure
from memaccess._win32._types import DWORD, HANDLE, ULONG64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Self

    from memaccess._backend._interface import DebugInfo, Hold, Process
    from memaccess._records import Module, Region
    from memaccess._types import DataModel
    from memaccess._win32._handles import OwnedHandle

T = TypeVar("T")

_IS_WINE = ntdll.wine_get_version is not None

# A bound name in this module, and no attribute look-up per call: typed reads are measured in
# fractions of a microsecond.
_read_memory = kernel32.ReadProcessMemory
_write_memory = kernel32.WriteProcessMemory


class WindowsProcess:
    """A program that this Python's own pointers can reach: of its own width, or narrower."""

    def __init__(self, handle: OwnedHandle, pid: int, model: DataModel) -> None:
        # None once it is closed. Calls name the attribute and keep no local reference: a traceback
        # would hold that, and with it the handle, for as long as the error lives.
        self._handle: OwnedHandle | None = handle
        self._query_handle: OwnedHandle | None = None
        self.pid = pid
        self.model = model
        self.space = _facts.SPACES[model.bitness]
        self.name = _paths.file_name(image_path(handle) or "")

    def read(self, size: int, address: int, /) -> bytes:
        # A fresh bytes object that nobody else has seen yet, filled in place: no second copy.
        data = bytes(size)
        if not _read_memory(self._handle, address, data, size, None):
            return self._read_again(data, address)
        return data

    def _read_again(self, data: bytes, address: int) -> bytes:
        """Repeat a read that failed, now asking how much of it arrives."""
        if data:
            try:
                self._copy_in(address, data, len(data))
            except SystemFailure as trouble:
                trouble.data = data[: trouble.transferred]
                raise
        return data

    def read_into(self, buffer: memoryview, address: int, /) -> None:
        if buffer.nbytes:
            try:
                self._copy_in(address, _start_of(buffer), buffer.nbytes)
            except SystemFailure as trouble:
                trouble.data = ctypes.string_at(_start_of(buffer), trouble.transferred)
                raise

    def read_each(self, places: Sequence[tuple[int, int]], /) -> Iterator[bytes | None]:
        return one_by_one(self.read, places)

    def write(self, data: bytes | memoryview, address: int, /) -> None:
        if byte_count(data):  # WriteProcessMemory of Wine 8 refuses size 0 with 87
            self._copy_out(address, _start_of(data), byte_count(data))

    def _copy_in(self, address: int, target: Any, size: int) -> None:
        """Copy from the process; a failure says how many bytes arrived."""
        done = ctypes.c_size_t()
        worked = _read_memory(self._handle, address, target, size, ctypes.byref(done))
        if not worked or done.value != size:
            raise self._failure("ReadProcessMemory", worked).after(done.value)

    def _copy_out(self, address: int, source: Any, size: int) -> None:
        """Copy into the process; a failure says how many bytes were written."""
        done = ctypes.c_size_t()
        worked = _write_memory(self._handle, address, source, size, ctypes.byref(done))
        if not worked or done.value != size:
            raise self._failure("WriteProcessMemory", worked).after(done.value)

    def _failure(self, api: str, claims_success: bool) -> SystemFailure:
        """Why the last call did not copy all; a handle that was closed meanwhile is the first reason."""
        if claims_success:
            return _incomplete(api)
        trouble = last_failure(api)
        return trouble if self._handle is not None else failure_from(Cause.CLOSED, api, trouble.text)

    def _ask(self, function: Any, *arguments: Any) -> Any:
        """Call a checked function with the handle; a failure after :meth:`close` is due to that."""
        try:
            return function(self._handle, *arguments)
        except SystemFailure as trouble:
            if self._handle is None:
                raise failure_from(Cause.CLOSED, trouble.api) from None
            raise

    def write_forced(self, data: bytes | memoryview, address: int, /) -> None:
        size = byte_count(data)
        if size and address >= self.space.end:
            self.write(data, address)  # nothing there can be lifted; this says so
        elif size:
            self._require_reach(address, size, "VirtualProtectEx")
            with self._held() as held:
                _forcing.write_forced(held, data, address)

    @contextlib.contextmanager
    def _held(self) -> Iterator[Self]:
        """The same process once more, whose handle stays open for the block, whoever closes this one.

        So nothing is left half done, and the pid can't pass to another process.
        """
        held = object.__new__(type(self))
        vars(held).update(vars(self))
        try:
            yield held
        finally:
            held.close()

    def region_at(self, address: int, /) -> Region | None:
        if address >= self.space.end and self._handle is not None:
            return None  # no Python can see it; a 32-bit one could not even ask
        self._require_reach(address, 1, "VirtualQueryEx")
        region: Region | None = self._ask_about(query, address)
        return region

    def regions_from(self, address: int, /) -> list[Region]:
        region = self.region_at(address)
        return [] if region is None else [region]

    def _ask_about(self, question: Callable[[HANDLE | None, int], Any], address: int) -> Any:
        """Ask what the memory is, with the view's own handle where that may ask."""
        if self._query_handle is None:
            try:
                return self._ask(question, address)
            except SystemFailure as trouble:
                if trouble.cause is not Cause.DENIED:
                    raise
        return question(self._information_handle(), address)

    def _information_handle(self) -> OwnedHandle | None:
        """A handle that may ask what the memory is, on systems where the view's own may not."""
        if self._query_handle is None:
            with self._held() as held:
                self._query_handle = held._opened_again(ProcessAccess.QUERY_INFORMATION)
            if self._handle is None:  # closed meanwhile, and nobody closes again
                self._query_handle = None
                raise failure_from(Cause.CLOSED, "OpenProcess")
        return self._query_handle

    def _opened_again(self, rights: ProcessAccess) -> OwnedHandle:
        """Another handle of the process, which is held open."""
        if self._handle is None:
            raise failure_from(Cause.CLOSED, "OpenProcess")
        return open_process(self.pid, rights)

    def modules(self) -> list[Module]:
        return self._ask_loader(_modules.modules)

    def api_sets(self) -> int | None:
        return self._ask_loader(_modules.api_sets)

    def stack_base(self, thread: int, /) -> int | None:
        return self._ask_loader(lambda handles, held: _threads.stack_base(handles, held, thread))

    @property
    def started(self) -> int:
        # A FILETIME, in tenths of a microsecond. Windows gives no pid twice so fast.
        times = [ULONG64() for _ in range(4)]
        self._ask(kernel32.GetProcessTimes, *map(ctypes.byref, times))
        return times[0].value

    def hold(self) -> Hold:
        if self._handle is None:
            raise failure_from(Cause.CLOSED, "OpenProcess")
        if self.pid == kernel32.GetCurrentProcessId():
            raise failure_from(Cause.ITSELF, "NtSuspendProcess")
        return ProcessHold(self._opened_to_hold)

    def _opened_to_hold(self, rights: ProcessAccess) -> OwnedHandle:
        """A handle of the process, which runs."""
        with self._held() as held:
            handle = held._opened_again(rights)
            if not held.is_alive():  # Wine 8 claims to suspend those too
                del handle  # the traceback would keep it open
                raise failure("NtSuspendProcess", ERROR_ACCESS_DENIED)
            return handle

    def debug_info(self, search_path: str | None, /) -> DebugInfo:
        if self._handle is None:
            raise failure_from(Cause.CLOSED, "SymInitialize")
        try:
            from memaccess._backend.windows._dbghelp import Dbghelp
        except OSError as missing:
            raise failure("LoadLibrary", missing.winerror or 0) from None
        return Dbghelp(search_path)

    def _ask_loader(self, question: Callable[[list[OwnedHandle], Process], T]) -> T:
        """Ask what takes more rights than the view has."""
        with self._held() as held:
            handles = [held._opened_again(ProcessAccess.QUERY_INFORMATION | ProcessAccess.VM_READ)]
            try:
                return question(handles, held)
            finally:
                handles.clear()  # the frames of a traceback would keep a handle of their own open

    def mapped_file(self, address: int, /) -> str | None:
        if address >= self.space.end and self._handle is not None:
            return None
        self._require_reach(address, 1, "GetMappedFileNameW")
        path: str | None = self._ask_about(mapped_file_at, address)
        if path is None and not self.is_alive():
            raise failure("GetMappedFileNameW", ERROR_ACCESS_DENIED)  # else it would be no file's
        return path

    def protect(self, rights: str, size: int, address: int, /) -> tuple[Region, ...]:
        self._require_reach(address, size, "VirtualProtectEx")
        with self._held() as held:
            return _pages.protect(held, rights, size, address)

    def put_back(self, changed: tuple[Region, ...], /) -> None:
        with self._held() as held:
            _pages.put_back(held, changed)

    def allocate(self, size: int, rights: str, near: int | None, /) -> int:
        if near is None:
            return self._allocate_at(None, size, rights)
        self._require_reach(near, 1, "VirtualAllocEx")
        space = AddressSpace(self.space.lowest, min(self.space.end, OWN_MODEL.address_limit))
        for place in _places.places_near(near, size, space, self.regions_from):
            try:
                return self._allocate_at(place, size, rights)
            except SystemFailure as trouble:
                if trouble.winerror != ERROR_INVALID_ADDRESS:
                    raise  # else the program itself has taken it meanwhile
        raise failure("VirtualAllocEx", ERROR_NOT_ENOUGH_MEMORY)

    def _allocate_at(self, place: int | None, size: int, rights: str) -> int:
        how = Allocation.COMMIT | Allocation.RESERVE
        address: int = self._ask(kernel32.VirtualAllocEx, place, size, how, _protection.RIGHTS[rights])
        return address

    def free(self, address: int, /) -> None:
        self._require_reach(address, 1, "VirtualFreeEx")
        self._ask(kernel32.VirtualFreeEx, address, 0, Allocation.RELEASE)

    def set_protection(self, address: int, size: int, protection: int, /) -> None:
        self._require_reach(address, size, "VirtualProtectEx")
        previous = DWORD()
        self._ask(kernel32.VirtualProtectEx, address, size, protection, ctypes.byref(previous))

    def protections(self, rights: str, piece: Region, /) -> tuple[int, int]:
        return _protection.forms(rights, piece)

    def nothing_there(self) -> SystemFailure:
        return _protection.nothing_there()

    def flush_code(self, address: int, size: int, /) -> None:
        self._require_reach(address, size, "FlushInstructionCache")
        self._ask(kernel32.FlushInstructionCache, address, size)

    def _require_reach(self, address: int, size: int, api: str) -> None:
        """Refuse what this Python's pointers can't name; ctypes would cut the address, without a word."""
        if address + size > OWN_MODEL.address_limit:
            raise _out_of_reach(api)

    def refuses(self, region: Region, access: Access, /) -> bool:
        if _IS_WINE:
            # Wine 8 copies through /proc/PID/mem, which asks for no protection (server/ptrace.c).
            return region.state != "committed"
        return _protection.refuses(region, access)

    def is_alive(self) -> bool:
        return bool(self._ask(kernel32.WaitForSingleObject, 0) == Wait.TIMEOUT)

    def exit_code(self) -> int | None:
        if self.is_alive():
            return None
        code = DWORD()
        self._ask(kernel32.GetExitCodeProcess, ctypes.byref(code))
        return code.value

    def close(self) -> None:
        self._handle = self._query_handle = None


class WideProcess(WindowsProcess):
    """A 64-bit program, seen from a 32-bit Python, whose own pointers end at 4 GiB."""

    def read(self, size: int, address: int, /) -> bytes:
        return self._read_again(bytes(size), address)

    def modules(self) -> list[Module]:
        raise _out_of_reach("EnumProcessModulesEx")  # which fails with 299

    def api_sets(self) -> int | None:
        raise _out_of_reach("NtQueryInformationProcess")

    def stack_base(self, _thread: int, /) -> int | None:
        raise _out_of_reach("NtQueryInformationThread")

    def allocate(self, size: int, rights: str, near: int | None, /) -> int:
        # Left to itself the system may take a place above 4 GiB, and VirtualAllocEx would return half
        # of its address.
        return super().allocate(size, rights, self.space.lowest if near is None else near)

    def _copy_in(self, address: int, target: Any, size: int) -> None:
        self._copy_wide("NtWow64ReadVirtualMemory64", address, target, size)

    def _copy_out(self, address: int, source: Any, size: int) -> None:
        self._copy_wide("NtWow64WriteVirtualMemory64", address, source, size)

    def _copy_wide(self, api: str, address: int, memory: Any, size: int) -> None:
        copy = getattr(ntdll, api)
        if copy is None:
            raise _out_of_reach(api)
        done = ULONG64()
        status = copy(self._handle, address, memory, size, ctypes.byref(done))
        if status < 0 and self._handle is None:
            raise failure_from(Cause.CLOSED, api).after(done.value)
        if status < 0:
            raise ntdll.failure_of(api, status).after(done.value)
        if done.value != size:
            raise _incomplete(api).after(done.value)


def _incomplete(api: str) -> SystemFailure:
    """The failure of a call that claims success and copied less than all.

    WriteProcessMemory of Windows 2003 returned a status code, not FALSE, on read-only memory
    (ReactOS keeps that: dll/win32/kernel32/client/proc.c).
    """
    return failure_with(api, ERROR_PARTIAL_COPY, "It copied less than all.", cause=Cause.INCOMPLETE)


def _out_of_reach(api: str) -> SystemFailure:
    return failure_from(Cause.OUT_OF_REACH, api, "Its addresses end at 4 GiB in this Python.")


def _start_of(data: bytes | memoryview) -> Any:
    """*data* as an argument of a foreign function, without a copy where Python allows it."""
    if isinstance(data, bytes):
        return data
    if data.readonly:
        return bytes(data)
    return ctypes.byref(ctypes.c_char.from_buffer(data))
