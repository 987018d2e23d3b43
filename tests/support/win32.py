"""Windows functions that only tests ask, declared apart from memaccess' own: what is checked must not check itself."""

from __future__ import annotations

import ctypes
import sys

if sys.platform == "win32":  # else every test that asks is skipped
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _ntdll = ctypes.WinDLL("ntdll")

    _kernel32.CreateEventW.restype = ctypes.c_void_p
    _kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    _kernel32.CloseHandle.argtypes = (ctypes.c_void_p,)
    _kernel32.GetHandleInformation.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    _kernel32.GetProcessHandleCount.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    _kernel32.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    _ntdll.NtQueryObject.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
    )
    _ntdll.NtQueryObject.restype = ctypes.c_int32

_OBJECT_BASIC_INFORMATION = 0


class _ObjectBasicInformation(ctypes.Structure):
    _fields_ = [
        ("Attributes", ctypes.c_uint32),
        ("GrantedAccess", ctypes.c_uint32),
        ("HandleCount", ctypes.c_uint32),
        ("PointerCount", ctypes.c_uint32),
        ("Reserved", ctypes.c_uint32 * 10),
    ]


class _ProcessMemoryCounters(ctypes.Structure):
    _fields_ = [
        ("cb", ctypes.c_uint32),
        ("PageFaultCount", ctypes.c_uint32),
        ("PeakWorkingSetSize", ctypes.c_size_t),
        ("WorkingSetSize", ctypes.c_size_t),
        ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
        ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
        ("PagefileUsage", ctypes.c_size_t),
        ("PeakPagefileUsage", ctypes.c_size_t),
    ]


def rights(handle: int) -> int:
    """What a handle is allowed to do."""
    information = _ObjectBasicInformation()
    status = _ntdll.NtQueryObject(
        handle, _OBJECT_BASIC_INFORMATION, ctypes.byref(information), ctypes.sizeof(information), None
    )
    assert status >= 0, hex(status & 0xFFFF_FFFF)
    return information.GrantedAccess


def is_open(handle: int) -> bool:
    """Whether a handle value means anything."""
    return bool(_kernel32.GetHandleInformation(handle, ctypes.byref(ctypes.c_uint32())))


def handle_count() -> int:
    """How many handles this process has open, as GetProcessHandleCount says."""
    count = ctypes.c_uint32()
    assert _kernel32.GetProcessHandleCount(_kernel32.GetCurrentProcess(), ctypes.byref(count))
    return count.value


def create_event() -> int:
    """A new handle of an event."""
    handle: int = _kernel32.CreateEventW(None, True, False, None)
    assert handle
    return handle


def close(handle: int) -> None:
    """Close a handle, which has to be open."""
    assert _kernel32.CloseHandle(handle), f"handle {handle} was not open"


def memory_in_use() -> int:
    """Bytes of the machine's memory that this process takes."""
    return _memory().WorkingSetSize


def memory_committed() -> int:
    """Bytes of memory that this process has of its own."""
    return _memory().PagefileUsage


def _memory() -> _ProcessMemoryCounters:
    counters = _ProcessMemoryCounters()
    counters.cb = ctypes.sizeof(counters)
    assert _kernel32.K32GetProcessMemoryInfo(
        _kernel32.GetCurrentProcess(), ctypes.byref(counters), counters.cb
    )
    return counters


class _ModuleEntry(ctypes.Structure):
    _fields_ = [
        ("dwSize", ctypes.c_uint32),
        ("th32ModuleID", ctypes.c_uint32),
        ("th32ProcessID", ctypes.c_uint32),
        ("GlblcntUsage", ctypes.c_uint32),
        ("ProccntUsage", ctypes.c_uint32),
        ("modBaseAddr", ctypes.c_size_t),
        ("modBaseSize", ctypes.c_uint32),
        ("hModule", ctypes.c_void_p),
        ("szModule", ctypes.c_wchar * 256),
        ("szExePath", ctypes.c_wchar * 260),
    ]


def toolhelp_modules(pid: int) -> set[tuple[str, int, int]]:
    """The modules of a program of this Python's width as toolhelp lists them: name, base and size."""
    _kernel32.CreateToolhelp32Snapshot.restype = ctypes.c_void_p
    snapshot = ctypes.c_void_p(_kernel32.CreateToolhelp32Snapshot(0x8, pid))
    entry = _ModuleEntry(dwSize=ctypes.sizeof(_ModuleEntry))
    found = set()
    try:
        more = _kernel32.Module32FirstW(snapshot, ctypes.byref(entry))
        while more:
            found.add((entry.szModule.lower(), entry.modBaseAddr, entry.modBaseSize))
            more = _kernel32.Module32NextW(snapshot, ctypes.byref(entry))
    finally:
        _kernel32.CloseHandle(snapshot)
    return found
