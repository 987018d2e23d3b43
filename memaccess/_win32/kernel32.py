"""Functions of kernel32.dll."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes

from memaccess._win32._declare import (
    declare,
    declare_optional,
    given,
    handle,
    load,
    nonzero,
    valid_handle,
    waited,
)
from memaccess._win32._handles import OwnedHandle
from memaccess._win32._structures import MEMORY_BASIC_INFORMATION, MODULEINFO, PROCESSENTRY32W
from memaccess._win32._types import BOOL, DWORD, HANDLE, LPWSTR, PVOID, SIZE_T, ULONG64

_dll = load("kernel32")
_pointer = ctypes.POINTER

# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocess
OpenProcess = declare(_dll, "OpenProcess", OwnedHandle, DWORD, BOOL, DWORD, check=handle)

# The two that everything else waits for have no check of their own: it would double their cost.
# https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-readprocessmemory
ReadProcessMemory = declare(_dll, "ReadProcessMemory", BOOL, HANDLE, PVOID, PVOID, SIZE_T, PVOID)
# https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-writeprocessmemory
WriteProcessMemory = declare(_dll, "WriteProcessMemory", BOOL, HANDLE, PVOID, PVOID, SIZE_T, PVOID)

# https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualqueryex
VirtualQueryEx = declare(
    _dll, "VirtualQueryEx", SIZE_T, HANDLE, PVOID, _pointer(MEMORY_BASIC_INFORMATION), SIZE_T, check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-enumprocessmodulesex
K32EnumProcessModulesEx = declare(
    _dll, "K32EnumProcessModulesEx", BOOL, HANDLE, PVOID, DWORD, _pointer(DWORD), DWORD, check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-getmoduleinformation
K32GetModuleInformation = declare(
    _dll, "K32GetModuleInformation", BOOL, HANDLE, PVOID, _pointer(MODULEINFO), DWORD, check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-getmodulefilenameexw
K32GetModuleFileNameExW = declare(
    _dll, "K32GetModuleFileNameExW", DWORD, HANDLE, PVOID, LPWSTR, DWORD, check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-getmappedfilenamew
K32GetMappedFileNameW = declare(
    _dll, "K32GetMappedFileNameW", DWORD, HANDLE, PVOID, LPWSTR, DWORD, check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-querydosdevicew
QueryDosDeviceW = declare(_dll, "QueryDosDeviceW", DWORD, LPWSTR, LPWSTR, DWORD, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualprotectex
VirtualProtectEx = declare(
    _dll, "VirtualProtectEx", BOOL, HANDLE, PVOID, SIZE_T, DWORD, _pointer(DWORD), check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualallocex
VirtualAllocEx = declare(_dll, "VirtualAllocEx", PVOID, HANDLE, PVOID, SIZE_T, DWORD, DWORD, check=given)
# https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualfreeex
VirtualFreeEx = declare(_dll, "VirtualFreeEx", BOOL, HANDLE, PVOID, SIZE_T, DWORD, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-flushinstructioncache
FlushInstructionCache = declare(_dll, "FlushInstructionCache", BOOL, HANDLE, PVOID, SIZE_T, check=nonzero)

# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getcurrentprocess
GetCurrentProcess = declare(_dll, "GetCurrentProcess", HANDLE)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getcurrentprocessid
GetCurrentProcessId = declare(_dll, "GetCurrentProcessId", DWORD)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocessid
GetProcessId = declare(_dll, "GetProcessId", DWORD, HANDLE, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/wow64apiset/nf-wow64apiset-iswow64process
IsWow64Process = declare(_dll, "IsWow64Process", BOOL, HANDLE, _pointer(BOOL), check=nonzero)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getexitcodeprocess
GetExitCodeProcess = declare(_dll, "GetExitCodeProcess", BOOL, HANDLE, _pointer(DWORD), check=nonzero)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesstimes
GetProcessTimes = declare(
    _dll,
    "GetProcessTimes",
    BOOL,
    HANDLE,
    _pointer(ULONG64),
    _pointer(ULONG64),
    _pointer(ULONG64),
    _pointer(ULONG64),
    check=nonzero,
)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getthreadcontext
GetThreadContext = declare(_dll, "GetThreadContext", BOOL, HANDLE, PVOID)
# https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-waitforsingleobject
WaitForSingleObject = declare(_dll, "WaitForSingleObject", DWORD, HANDLE, DWORD, check=waited)
# https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-queryfullprocessimagenamew
QueryFullProcessImageNameW = declare(
    _dll, "QueryFullProcessImageNameW", BOOL, HANDLE, DWORD, LPWSTR, _pointer(DWORD), check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocessinformation
# Windows 8 and later; Wine 8 does not have it.
GetProcessInformation = declare_optional(
    _dll, "GetProcessInformation", BOOL, HANDLE, DWORD, PVOID, DWORD, check=nonzero
)

# https://learn.microsoft.com/windows/win32/api/tlhelp32/nf-tlhelp32-createtoolhelp32snapshot
CreateToolhelp32Snapshot = declare(
    _dll, "CreateToolhelp32Snapshot", OwnedHandle, DWORD, DWORD, check=valid_handle
)
# https://learn.microsoft.com/windows/win32/api/tlhelp32/nf-tlhelp32-process32firstw
Process32FirstW = declare(_dll, "Process32FirstW", BOOL, HANDLE, _pointer(PROCESSENTRY32W), check=nonzero)
# https://learn.microsoft.com/windows/win32/api/tlhelp32/nf-tlhelp32-process32nextw
Process32NextW = declare(_dll, "Process32NextW", BOOL, HANDLE, _pointer(PROCESSENTRY32W), check=nonzero)
