"""Windows, through kernel32, user32 and ntdll; the same under Wine.

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
import string
from typing import TYPE_CHECKING, Any, TypeVar

from memaccess._arguments import byte_count
from memaccess._backend import (
    _windows_facts,
    _windows_forcing,
    _windows_modules,
    _windows_pages,
    _windows_paths,
    _windows_places,
    _windows_protection,
    _windows_threads,
    _windows_toolhelp,
)
from memaccess._errors import Cause, SystemFailure
from memaccess._records import Access, AddressSpace, ProcessInfo, WindowInfo
from memaccess._types import WINDOWS_32, WINDOWS_64, DataModel
from memaccess._win32 import kernel32, ntdll, user32
from memaccess._win32._codes import (
    ERROR_ACCESS_DENIED,
    ERROR_FILE_INVALID,
    ERROR_INSUFFICIENT_BUFFER,
    ERROR_INVALID_ADDRESS,
    ERROR_INVALID_PARAMETER,
    ERROR_NOT_ENOUGH_MEMORY,
    ERROR_PARTIAL_COPY,
    ERROR_UNEXP_NET_ERR,
    failure_from,
    failure_with,
)
from memaccess._win32._constants import (
    PROCESS_PROTECTION_LEVEL_INFO,
    PROTECTION_LEVEL_NONE,
    Allocation,
    ProcessAccess,
    Wait,
)
from memaccess._win32._declare import failure, last_failure
from memaccess._win32._structures import MEMORY_BASIC_INFORMATION
from memaccess._win32._types import BOOL, DWORD, HANDLE, ULONG64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from memaccess._backend._interface import DebugInfo, Process
    from memaccess._records import Module, Region
    from memaccess._win32._handles import OwnedHandle

T = TypeVar("T")

_OWN_MODEL = {4: WINDOWS_32, 8: WINDOWS_64}[ctypes.sizeof(ctypes.c_void_p)]
_EVERY_VIEW = ProcessAccess.QUERY_LIMITED_INFORMATION | ProcessAccess.SYNCHRONIZE
_RIGHTS = {
    Access.READ: ProcessAccess.VM_READ,
    Access.WRITE: ProcessAccess.VM_WRITE | ProcessAccess.VM_OPERATION,
}
_IS_WINE = ntdll.wine_get_version is not None
_NO_FILE = (ERROR_UNEXP_NET_ERR, ERROR_INVALID_ADDRESS, ERROR_FILE_INVALID)
"""What GetMappedFileNameW gives for memory that is no file's: the first stands for STATUS_INVALID_ADDRESS."""

# A bound name in this module, and no attribute look-up per call: typed reads are measured in
# fractions of a microsecond.
_read_memory = kernel32.ReadProcessMemory
_write_memory = kernel32.WriteProcessMemory


class Windows:
    """The Windows that this Python runs on."""

    def open(self, pid: int, access: Access, /) -> WindowsProcess:
        rights = _EVERY_VIEW
        for right, bits in _RIGHTS.items():
            if right in access:
                rights |= bits
        try:
            handle = _open_process(pid, rights)
        except SystemFailure as trouble:
            if trouble.cause is Cause.DENIED and _is_protected(pid):
                trouble.cause = Cause.PROTECTED
            raise
        model = _model(handle)
        if model.pointer_size > _OWN_MODEL.pointer_size:
            return WideProcess(handle, pid, model)
        return WindowsProcess(handle, pid, model)

    def current_pid(self) -> int:
        return int(kernel32.GetCurrentProcessId())

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        return [
            _describe(pid, name, parent_pid)
            for pid, name, parent_pid in _windows_toolhelp.processes()
            if wanted is None or wanted(name)
        ]

    def process(self, pid: int, /) -> ProcessInfo | None:
        for each, name, parent_pid in _windows_toolhelp.processes():
            if each == pid:
                return _describe(pid, name, parent_pid)
        return None

    def windows(self) -> list[WindowInfo]:
        handles: list[Any] = []

        def collect(window: Any, _: int) -> int:
            handles.append(window)
            return 1

        user32.EnumWindows(user32.WNDENUMPROC(collect), 0)
        return [info for info in map(_describe_window, handles) if info.title]

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        name = ""
        if cause in (Cause.DENIED, Cause.PROTECTED):
            with contextlib.suppress(SystemFailure):  # the failure to open is the one to report
                name = next((name for each, name, _ in _windows_toolhelp.processes() if each == pid), "")
        return _windows_facts.why_not_opened(pid, name, cause)

    def refusal(self, cause: Cause, /) -> SystemFailure:
        return failure_from(cause)


class WindowsProcess:
    """A program that this Python's own pointers can reach: of its own width, or narrower."""

    def __init__(self, handle: OwnedHandle, pid: int, model: DataModel) -> None:
        # None once it is closed. Calls name the attribute and keep no local reference: a traceback
        # would hold that, and with it the handle, for as long as the error lives.
        self._handle: OwnedHandle | None = handle
        self._query_handle: OwnedHandle | None = None
        self.pid = pid
        self.model = model
        self.space = _windows_facts.SPACES[model.bitness]
        self.name = _windows_paths.file_name(_image_path(handle) or "")

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
                _windows_forcing.write_forced(held, data, address)

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
        region: Region | None = self._ask_about(_query, address)
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
        return _open_process(self.pid, rights)

    def modules(self) -> list[Module]:
        return self._ask_loader(_windows_modules.modules)

    def api_sets(self) -> int | None:
        return self._ask_loader(_windows_modules.api_sets)

    def stack_base(self, thread: int, /) -> int | None:
        return self._ask_loader(lambda handles, held: _windows_threads.stack_base(handles, held, thread))

    def debug_info(self, search_path: str | None, /) -> DebugInfo:
        if self._handle is None:
            raise failure_from(Cause.CLOSED, "SymInitialize")
        try:
            from memaccess._backend._windows_dbghelp import Dbghelp
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
        path: str | None = self._ask_about(_mapped_file, address)
        if path is None and not self.is_alive():
            raise failure("GetMappedFileNameW", ERROR_ACCESS_DENIED)  # else it would be no file's
        return path

    def protect(self, rights: str, size: int, address: int, /) -> tuple[Region, ...]:
        self._require_reach(address, size, "VirtualProtectEx")
        with self._held() as held:
            return _windows_pages.protect(held, rights, size, address)

    def put_back(self, changed: tuple[Region, ...], /) -> None:
        with self._held() as held:
            _windows_pages.put_back(held, changed)

    def allocate(self, size: int, rights: str, near: int | None, /) -> int:
        if near is None:
            return self._allocate_at(None, size, rights)
        self._require_reach(near, 1, "VirtualAllocEx")
        space = AddressSpace(self.space.lowest, min(self.space.end, _OWN_MODEL.address_limit))
        for place in _windows_places.places_near(near, size, space, self.region_at):
            try:
                return self._allocate_at(place, size, rights)
            except SystemFailure as trouble:
                if trouble.winerror != ERROR_INVALID_ADDRESS:
                    raise  # else the program itself has taken it meanwhile
        raise failure("VirtualAllocEx", ERROR_NOT_ENOUGH_MEMORY)

    def _allocate_at(self, place: int | None, size: int, rights: str) -> int:
        how = Allocation.COMMIT | Allocation.RESERVE
        address: int = self._ask(
            kernel32.VirtualAllocEx, place, size, how, _windows_protection.RIGHTS[rights]
        )
        return address

    def free(self, address: int, /) -> None:
        self._require_reach(address, 1, "VirtualFreeEx")
        self._ask(kernel32.VirtualFreeEx, address, 0, Allocation.RELEASE)

    def set_protection(self, address: int, size: int, protection: int, /) -> None:
        self._require_reach(address, size, "VirtualProtectEx")
        previous = DWORD()
        self._ask(kernel32.VirtualProtectEx, address, size, protection, ctypes.byref(previous))

    def flush_code(self, address: int, size: int, /) -> None:
        self._require_reach(address, size, "FlushInstructionCache")
        self._ask(kernel32.FlushInstructionCache, address, size)

    def _require_reach(self, address: int, size: int, api: str) -> None:
        """Refuse what this Python's pointers can't name; ctypes would cut the address, without a word."""
        if address + size > _OWN_MODEL.address_limit:
            raise _out_of_reach(api)

    def refuses(self, region: Region, access: Access, /) -> bool:
        if _IS_WINE:
            # Wine 8 copies through /proc/PID/mem, which asks for no protection (server/ptrace.c).
            return region.state != "committed"
        return _windows_protection.refuses(region, access)

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


def _open_process(pid: int, rights: ProcessAccess) -> OwnedHandle:
    try:
        handle: OwnedHandle = kernel32.OpenProcess(rights, False, pid)
        if kernel32.GetProcessId(handle) != pid:
            # Windows and Wine ignore the low two bits: pid + 1 opens the same process.
            del handle  # the traceback would keep it open
            raise failure("OpenProcess", ERROR_INVALID_PARAMETER)
    except SystemFailure as trouble:
        if trouble.winerror == ERROR_INVALID_PARAMETER:
            trouble.cause = Cause.NO_PROCESS  # after this function the code means nothing else
        raise
    return handle


def _is_protected(pid: int) -> bool:
    """Whether Windows protects the process from everybody, administrators included."""
    if kernel32.GetProcessInformation is None:
        return False
    level = DWORD()
    try:
        handle = _open_process(pid, ProcessAccess.QUERY_LIMITED_INFORMATION)
        kernel32.GetProcessInformation(
            handle, PROCESS_PROTECTION_LEVEL_INFO, ctypes.byref(level), ctypes.sizeof(level)
        )
    except SystemFailure:
        return False  # whoever asks has a failure to report already
    return level.value != PROTECTION_LEVEL_NONE


def _model(handle: HANDLE) -> DataModel:
    """The data model of an opened process; a 32-bit one on 64-bit Windows runs under WoW64."""
    if _OWN_MODEL is WINDOWS_32 and not _is_wow64(kernel32.GetCurrentProcess()):
        return WINDOWS_32
    return WINDOWS_32 if _is_wow64(handle) else WINDOWS_64


def _is_wow64(handle: HANDLE) -> bool:
    answer = BOOL()
    kernel32.IsWow64Process(handle, ctypes.byref(answer))
    return bool(answer.value)


def _image_path(handle: HANDLE) -> str | None:
    """The program's file; None where the system does not tell."""
    for length in (260, _windows_paths.LONGEST):
        buffer = ctypes.create_unicode_buffer(length)
        size = DWORD(length)
        try:
            kernel32.QueryFullProcessImageNameW(handle, 0, buffer, ctypes.byref(size))
        except SystemFailure as trouble:
            if trouble.winerror != ERROR_INSUFFICIENT_BUFFER:
                return None
        else:
            return buffer.value
    return None


def _query(handle: HANDLE | None, address: int) -> Region | None:
    """The region from the page of *address* on; None above the highest address of programs."""
    info = MEMORY_BASIC_INFORMATION()
    try:
        kernel32.VirtualQueryEx(handle, address, ctypes.byref(info), ctypes.sizeof(info))
    except SystemFailure as trouble:
        del handle  # the traceback would keep it open
        if trouble.winerror == ERROR_INVALID_PARAMETER:
            return None
        raise
    return _windows_protection.region(
        info.BaseAddress,
        info.RegionSize,
        info.State,
        info.Protect,
        info.Type,
        info.AllocationBase,
        info.AllocationProtect,
    )


def _mapped_file(handle: HANDLE | None, address: int) -> str | None:
    """The file that is mapped there, with its drive; None where the memory is no file's."""
    buffer = ctypes.create_unicode_buffer(_windows_paths.LONGEST)
    try:
        kernel32.K32GetMappedFileNameW(handle, address, buffer, len(buffer))
    except SystemFailure as trouble:
        del handle  # the traceback would keep it open
        if trouble.winerror in _NO_FILE:
            return None
        raise
    return _windows_paths.dos_path(buffer.value, _drives())


def _drives() -> Iterator[tuple[str, str]]:
    """The drives, such as ``C:``, and the device that each of them stands for."""
    buffer = ctypes.create_unicode_buffer(_windows_paths.LONGEST)
    for letter in string.ascii_uppercase:
        with contextlib.suppress(SystemFailure):  # most letters are no drive
            kernel32.QueryDosDeviceW(f"{letter}:", buffer, len(buffer))
            yield f"{letter}:", buffer.value


def _describe(pid: int, name: str, parent_pid: int) -> ProcessInfo:
    try:
        handle = _open_process(pid, ProcessAccess.QUERY_LIMITED_INFORMATION)
        return ProcessInfo(pid, name, _image_path(handle), parent_pid, _model(handle).bitness)
    except SystemFailure:
        return ProcessInfo(pid, name, None, parent_pid, None)


def _describe_window(window: Any) -> WindowInfo:
    pid = DWORD()
    user32.GetWindowThreadProcessId(window, ctypes.byref(pid))
    # The kernel keeps the titles of other programs' windows: this never waits for a program.
    buffer = ctypes.create_unicode_buffer(user32.GetWindowTextLengthW(window) + 1)
    user32.GetWindowTextW(window, buffer, len(buffer))
    return WindowInfo(buffer.value, pid.value)
