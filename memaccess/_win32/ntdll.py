"""Functions of ntdll.dll.

The NtWow64 family is not documented by Microsoft and exists in the 32-bit ntdll of a 64-bit Windows
alone. Wine has it too and tests it on real Windows (dlls/ntdll/tests/wow64.c).
"""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING

from memaccess._win32._declare import declare, declare_optional, failure, load
from memaccess._win32._types import HANDLE, LPCSTR, NTSTATUS, PVOID, ULONG, ULONG64

if TYPE_CHECKING:
    from memaccess._errors import SystemFailure

_dll = load("ntdll")

# https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-rtlntstatustodoserror
RtlNtStatusToDosError = declare(_dll, "RtlNtStatusToDosError", ULONG, NTSTATUS)

# https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntqueryinformationprocess
NtQueryInformationProcess = declare(
    _dll, "NtQueryInformationProcess", NTSTATUS, HANDLE, ULONG, PVOID, ULONG, PVOID
)

# https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntqueryinformationthread
NtQueryInformationThread = declare(
    _dll, "NtQueryInformationThread", NTSTATUS, HANDLE, ULONG, PVOID, ULONG, PVOID
)

# Windows Vista and later; Microsoft does not document it, phnt does (ntpsapi.h).
NtGetNextThread = declare(
    _dll, "NtGetNextThread", NTSTATUS, HANDLE, HANDLE, ULONG, ULONG, ULONG, ctypes.POINTER(HANDLE)
)

# Microsoft does not document these two, phnt does (ntpsapi.h). Each process counts its suspensions.
NtSuspendProcess = declare(_dll, "NtSuspendProcess", NTSTATUS, HANDLE)
NtResumeProcess = declare(_dll, "NtResumeProcess", NTSTATUS, HANDLE)

# Wine alone has it (dlls/ntdll/ntdll.spec): its presence tells that this is no Windows.
wine_get_version = declare_optional(_dll, "wine_get_version", LPCSTR)

NtWow64ReadVirtualMemory64 = declare_optional(
    _dll, "NtWow64ReadVirtualMemory64", NTSTATUS, HANDLE, ULONG64, PVOID, ULONG64, PVOID
)
NtWow64WriteVirtualMemory64 = declare_optional(
    _dll, "NtWow64WriteVirtualMemory64", NTSTATUS, HANDLE, ULONG64, PVOID, ULONG64, PVOID
)


def failure_of(api: str, status: int) -> SystemFailure:
    """The failure of a function that returned that status, a negative one."""
    return failure(api, RtlNtStatusToDosError(status))
