"""Structures of Windows, with both widths written out where they differ.

The width that counts is the caller's: a 64-bit program gets the 64-bit form for every target.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from memaccess._win32._types import DWORD, LONG, ULONG64, WCHAR

MAX_PATH = 260


class MEMORY_BASIC_INFORMATION32(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-memory_basic_information"""

    if TYPE_CHECKING:
        BaseAddress: int
        AllocationBase: int
        AllocationProtect: int
        RegionSize: int
        State: int
        Protect: int
        Type: int

    _fields_ = [
        ("BaseAddress", DWORD),
        ("AllocationBase", DWORD),
        ("AllocationProtect", DWORD),
        ("RegionSize", DWORD),
        ("State", DWORD),
        ("Protect", DWORD),
        ("Type", DWORD),
    ]


class MEMORY_BASIC_INFORMATION64(ctypes.Structure):
    """As above, for 64-bit callers. winnt.h aligns it to 16 bytes, which changes no offset."""

    if TYPE_CHECKING:
        BaseAddress: int
        AllocationBase: int
        AllocationProtect: int
        RegionSize: int
        State: int
        Protect: int
        Type: int

    _fields_ = [
        ("BaseAddress", ULONG64),
        ("AllocationBase", ULONG64),
        ("AllocationProtect", DWORD),
        ("_alignment1", DWORD),
        ("RegionSize", ULONG64),
        ("State", DWORD),
        ("Protect", DWORD),
        ("Type", DWORD),
        ("_alignment2", DWORD),
    ]


class PROCESSENTRY32W32(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/tlhelp32/ns-tlhelp32-processentry32w"""

    if TYPE_CHECKING:
        dwSize: int
        cntUsage: int
        th32ProcessID: int
        th32DefaultHeapID: int
        th32ModuleID: int
        cntThreads: int
        th32ParentProcessID: int
        pcPriClassBase: int
        dwFlags: int
        szExeFile: ctypes.Array[WCHAR]

    _fields_ = [
        ("dwSize", DWORD),
        ("cntUsage", DWORD),
        ("th32ProcessID", DWORD),
        ("th32DefaultHeapID", DWORD),
        ("th32ModuleID", DWORD),
        ("cntThreads", DWORD),
        ("th32ParentProcessID", DWORD),
        ("pcPriClassBase", LONG),
        ("dwFlags", DWORD),
        ("szExeFile", WCHAR * MAX_PATH),
    ]


class PROCESSENTRY32W64(ctypes.Structure):
    """As above, for 64-bit callers."""

    if TYPE_CHECKING:
        dwSize: int
        cntUsage: int
        th32ProcessID: int
        th32DefaultHeapID: int
        th32ModuleID: int
        cntThreads: int
        th32ParentProcessID: int
        pcPriClassBase: int
        dwFlags: int
        szExeFile: ctypes.Array[WCHAR]

    _fields_ = [
        ("dwSize", DWORD),
        ("cntUsage", DWORD),
        ("th32ProcessID", DWORD),
        ("th32DefaultHeapID", ULONG64),
        ("th32ModuleID", DWORD),
        ("cntThreads", DWORD),
        ("th32ParentProcessID", DWORD),
        ("pcPriClassBase", LONG),
        ("dwFlags", DWORD),
        ("szExeFile", WCHAR * MAX_PATH),
    ]


class MODULEINFO32(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/psapi/ns-psapi-moduleinfo"""

    if TYPE_CHECKING:
        lpBaseOfDll: int
        SizeOfImage: int
        EntryPoint: int

    _fields_ = [("lpBaseOfDll", DWORD), ("SizeOfImage", DWORD), ("EntryPoint", DWORD)]


class MODULEINFO64(ctypes.Structure):
    """As above, for 64-bit callers."""

    if TYPE_CHECKING:
        lpBaseOfDll: int
        SizeOfImage: int
        EntryPoint: int

    _fields_ = [("lpBaseOfDll", ULONG64), ("SizeOfImage", DWORD), ("EntryPoint", ULONG64)]


class PROCESS_BASIC_INFORMATION32(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntqueryinformationprocess"""

    if TYPE_CHECKING:
        ExitStatus: int
        PebBaseAddress: int
        AffinityMask: int
        BasePriority: int
        UniqueProcessId: int
        InheritedFromUniqueProcessId: int

    _fields_ = [
        ("ExitStatus", LONG),
        ("PebBaseAddress", DWORD),
        ("AffinityMask", DWORD),
        ("BasePriority", LONG),
        ("UniqueProcessId", DWORD),
        ("InheritedFromUniqueProcessId", DWORD),
    ]


class PROCESS_BASIC_INFORMATION64(ctypes.Structure):
    """As above, for 64-bit callers."""

    if TYPE_CHECKING:
        ExitStatus: int
        PebBaseAddress: int
        AffinityMask: int
        BasePriority: int
        UniqueProcessId: int
        InheritedFromUniqueProcessId: int

    _fields_ = [
        ("ExitStatus", LONG),
        ("PebBaseAddress", ULONG64),
        ("AffinityMask", ULONG64),
        ("BasePriority", LONG),
        ("UniqueProcessId", ULONG64),
        ("InheritedFromUniqueProcessId", ULONG64),
    ]


class THREAD_BASIC_INFORMATION32(ctypes.Structure):
    """Not documented; Wine has it (include/winternl.h) and tests it (dlls/ntdll/tests/info.c)."""

    if TYPE_CHECKING:
        ExitStatus: int
        TebBaseAddress: int
        UniqueProcess: int
        UniqueThread: int
        AffinityMask: int
        Priority: int
        BasePriority: int

    _fields_ = [
        ("ExitStatus", LONG),
        ("TebBaseAddress", DWORD),
        ("UniqueProcess", DWORD),
        ("UniqueThread", DWORD),
        ("AffinityMask", DWORD),
        ("Priority", LONG),
        ("BasePriority", LONG),
    ]


class THREAD_BASIC_INFORMATION64(ctypes.Structure):
    """As above, for 64-bit callers."""

    if TYPE_CHECKING:
        ExitStatus: int
        TebBaseAddress: int
        UniqueProcess: int
        UniqueThread: int
        AffinityMask: int
        Priority: int
        BasePriority: int

    _fields_ = [
        ("ExitStatus", LONG),
        ("TebBaseAddress", ULONG64),
        ("UniqueProcess", ULONG64),
        ("UniqueThread", ULONG64),
        ("AffinityMask", ULONG64),
        ("Priority", LONG),
        ("BasePriority", LONG),
    ]


class SYMBOL_INFOW(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/dbghelp/ns-dbghelp-symbol_infow"""

    if TYPE_CHECKING:
        SizeOfStruct: int
        TypeIndex: int
        Index: int
        Size: int
        ModBase: int
        Flags: int
        Value: int
        Address: int
        Register: int
        Scope: int
        Tag: int
        NameLen: int
        MaxNameLen: int
        Name: ctypes.Array[WCHAR]

    _fields_ = [
        ("SizeOfStruct", DWORD),
        ("TypeIndex", DWORD),
        ("_reserved", ULONG64 * 2),
        ("Index", DWORD),
        ("Size", DWORD),
        ("ModBase", ULONG64),
        ("Flags", DWORD),
        ("Value", ULONG64),
        ("Address", ULONG64),
        ("Register", DWORD),
        ("Scope", DWORD),
        ("Tag", DWORD),
        ("NameLen", DWORD),
        ("MaxNameLen", DWORD),
        ("Name", WCHAR * 1),
    ]


class IMAGEHLP_LINEW64_32(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/dbghelp/ns-dbghelp-imagehlp_linew64

    The 64 in Windows' name is the width of the address; this one is for 32-bit callers.
    """

    if TYPE_CHECKING:
        SizeOfStruct: int
        Key: int
        LineNumber: int
        FileName: int
        Address: int

    _fields_ = [
        ("SizeOfStruct", DWORD),
        ("Key", DWORD),
        ("LineNumber", DWORD),
        ("FileName", DWORD),
        ("Address", ULONG64),
    ]


class IMAGEHLP_LINEW64_64(ctypes.Structure):
    """As above, for 64-bit callers."""

    if TYPE_CHECKING:
        SizeOfStruct: int
        Key: int
        LineNumber: int
        FileName: int
        Address: int

    _fields_ = [
        ("SizeOfStruct", DWORD),
        ("Key", ULONG64),
        ("LineNumber", DWORD),
        ("FileName", ULONG64),
        ("Address", ULONG64),
    ]


class IMAGEHLP_MODULEW64(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/dbghelp/ns-dbghelp-imagehlp_modulew64"""

    if TYPE_CHECKING:
        SizeOfStruct: int
        BaseOfImage: int
        ImageSize: int
        TimeDateStamp: int
        SymType: int

    _fields_ = [
        ("SizeOfStruct", DWORD),
        ("BaseOfImage", ULONG64),
        ("ImageSize", DWORD),
        ("TimeDateStamp", DWORD),
        ("CheckSum", DWORD),
        ("NumSyms", DWORD),
        ("SymType", DWORD),
        ("ModuleName", WCHAR * 32),
        ("ImageName", WCHAR * 256),
        ("LoadedImageName", WCHAR * 256),
        ("LoadedPdbName", WCHAR * 256),
        ("CVSig", DWORD),
        ("CVData", WCHAR * (MAX_PATH * 3)),
        ("PdbSig", DWORD),
        ("PdbSig70", DWORD * 4),
        ("PdbAge", DWORD),
        ("PdbUnmatched", LONG),
        ("DbgUnmatched", LONG),
        ("LineNumbers", LONG),
        ("GlobalSymbols", LONG),
        ("TypeInfo", LONG),
        ("SourceIndexed", LONG),
        ("Publics", LONG),
        ("MachineType", DWORD),
        ("_reserved", DWORD),
    ]


class CONTEXT32(ctypes.Structure):
    """https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-context, as far as it is looked at"""

    if TYPE_CHECKING:
        ContextFlags: int

    _fields_ = [("ContextFlags", DWORD), ("_rest", DWORD * 178)]


class CONTEXT64(ctypes.Structure):
    """As above, for 64-bit callers. winnt.h aligns it to 16 bytes, which whoever makes one has to see to."""

    if TYPE_CHECKING:
        ContextFlags: int

    _fields_ = [("_homes", ULONG64 * 6), ("ContextFlags", DWORD), ("_rest", DWORD * 295)]


_WIDE = ctypes.sizeof(ctypes.c_void_p) == 8

MEMORY_BASIC_INFORMATION: type[MEMORY_BASIC_INFORMATION32 | MEMORY_BASIC_INFORMATION64] = (
    MEMORY_BASIC_INFORMATION64 if _WIDE else MEMORY_BASIC_INFORMATION32
)
PROCESSENTRY32W: type[PROCESSENTRY32W32 | PROCESSENTRY32W64] = (
    PROCESSENTRY32W64 if _WIDE else PROCESSENTRY32W32
)
MODULEINFO: type[MODULEINFO32 | MODULEINFO64] = MODULEINFO64 if _WIDE else MODULEINFO32
PROCESS_BASIC_INFORMATION: type[PROCESS_BASIC_INFORMATION32 | PROCESS_BASIC_INFORMATION64] = (
    PROCESS_BASIC_INFORMATION64 if _WIDE else PROCESS_BASIC_INFORMATION32
)
THREAD_BASIC_INFORMATION: type[THREAD_BASIC_INFORMATION32 | THREAD_BASIC_INFORMATION64] = (
    THREAD_BASIC_INFORMATION64 if _WIDE else THREAD_BASIC_INFORMATION32
)
IMAGEHLP_LINEW64: type[IMAGEHLP_LINEW64_32 | IMAGEHLP_LINEW64_64] = (
    IMAGEHLP_LINEW64_64 if _WIDE else IMAGEHLP_LINEW64_32
)
CONTEXT: type[CONTEXT32 | CONTEXT64] = CONTEXT64 if _WIDE else CONTEXT32
