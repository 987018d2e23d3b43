"""Every structure lies as the headers of Windows have it, in both widths, on any system.

The numbers come from the headers themselves (mingw-w64's, in ziglang 0.15.2). With::

    #include <windows.h>
    #include <tlhelp32.h>
    #include <stddef.h>
    #define O(s, m) (int)offsetof(s, m)
    const int facts[] = {O(PROCESSENTRY32W, dwSize), O(PROCESSENTRY32W, cntUsage), /* and so on */
                         sizeof(PROCESSENTRY32W)};

this prints them, and with ``x86-windows-gnu`` those of the other width::

    python -m ziglang cc -target x86_64-windows-gnu -S -g0 -o - facts.c | grep -A 20 facts:

MEMORY_BASIC_INFORMATION64 has the same numbers with both, and those of MEMORY_BASIC_INFORMATION in
a 64-bit program. THREAD_BASIC_INFORMATION is not in those headers, and was declared after phnt's ntpsapi.h.
"""

from __future__ import annotations

import ctypes
import inspect

import pytest
from support.alignment import as_windows_aligns

from memaccess._win32 import _structures, _types
from memaccess._win32._structures import (
    CONTEXT32,
    CONTEXT64,
    IMAGEHLP_LINEW64_32,
    IMAGEHLP_LINEW64_64,
    IMAGEHLP_MODULEW64,
    MEMORY_BASIC_INFORMATION,
    MEMORY_BASIC_INFORMATION32,
    MEMORY_BASIC_INFORMATION64,
    MODULEINFO32,
    MODULEINFO64,
    PROCESS_BASIC_INFORMATION32,
    PROCESS_BASIC_INFORMATION64,
    PROCESSENTRY32W,
    PROCESSENTRY32W32,
    PROCESSENTRY32W64,
    SYMBOL_INFOW,
    THREAD_BASIC_INFORMATION32,
    THREAD_BASIC_INFORMATION64,
)

OWN_POINTER = ctypes.sizeof(ctypes.c_void_p)


# The size, and the offset of every field.
LAYOUTS: dict[type[ctypes.Structure], tuple[int, dict[str, int]]] = {
    CONTEXT32: (716, {"ContextFlags": 0}),
    CONTEXT64: (1232, {"ContextFlags": 48}),
    MEMORY_BASIC_INFORMATION32: (
        28,
        {
            "BaseAddress": 0,
            "AllocationBase": 4,
            "AllocationProtect": 8,
            "RegionSize": 12,
            "State": 16,
            "Protect": 20,
            "Type": 24,
        },
    ),
    MEMORY_BASIC_INFORMATION64: (
        48,
        {
            "BaseAddress": 0,
            "AllocationBase": 8,
            "AllocationProtect": 16,
            "RegionSize": 24,
            "State": 32,
            "Protect": 36,
            "Type": 40,
        },
    ),
    MODULEINFO32: (12, {"lpBaseOfDll": 0, "SizeOfImage": 4, "EntryPoint": 8}),
    MODULEINFO64: (24, {"lpBaseOfDll": 0, "SizeOfImage": 8, "EntryPoint": 16}),
    PROCESSENTRY32W32: (
        556,
        {
            "dwSize": 0,
            "cntUsage": 4,
            "th32ProcessID": 8,
            "th32DefaultHeapID": 12,
            "th32ModuleID": 16,
            "cntThreads": 20,
            "th32ParentProcessID": 24,
            "pcPriClassBase": 28,
            "dwFlags": 32,
            "szExeFile": 36,
        },
    ),
    PROCESSENTRY32W64: (
        568,
        {
            "dwSize": 0,
            "cntUsage": 4,
            "th32ProcessID": 8,
            "th32DefaultHeapID": 16,
            "th32ModuleID": 24,
            "cntThreads": 28,
            "th32ParentProcessID": 32,
            "pcPriClassBase": 36,
            "dwFlags": 40,
            "szExeFile": 44,
        },
    ),
    PROCESS_BASIC_INFORMATION32: (
        24,
        {
            "ExitStatus": 0,
            "PebBaseAddress": 4,
            "AffinityMask": 8,
            "BasePriority": 12,
            "UniqueProcessId": 16,
            "InheritedFromUniqueProcessId": 20,
        },
    ),
    PROCESS_BASIC_INFORMATION64: (
        48,
        {
            "ExitStatus": 0,
            "PebBaseAddress": 8,
            "AffinityMask": 16,
            "BasePriority": 24,
            "UniqueProcessId": 32,
            "InheritedFromUniqueProcessId": 40,
        },
    ),
    THREAD_BASIC_INFORMATION32: (
        28,
        {
            "ExitStatus": 0,
            "TebBaseAddress": 4,
            "UniqueProcess": 8,
            "UniqueThread": 12,
            "AffinityMask": 16,
            "Priority": 20,
            "BasePriority": 24,
        },
    ),
    THREAD_BASIC_INFORMATION64: (
        48,
        {
            "ExitStatus": 0,
            "TebBaseAddress": 8,
            "UniqueProcess": 16,
            "UniqueThread": 24,
            "AffinityMask": 32,
            "Priority": 40,
            "BasePriority": 44,
        },
    ),
    SYMBOL_INFOW: (
        88,
        {
            "SizeOfStruct": 0,
            "TypeIndex": 4,
            "Index": 24,  # mingw-w64 calls it info
            "Size": 28,
            "ModBase": 32,
            "Flags": 40,
            "Value": 48,
            "Address": 56,
            "Register": 64,
            "Scope": 68,
            "Tag": 72,
            "NameLen": 76,
            "MaxNameLen": 80,
            "Name": 84,
        },
    ),
    IMAGEHLP_LINEW64_32: (
        24,
        {"SizeOfStruct": 0, "Key": 4, "LineNumber": 8, "FileName": 12, "Address": 16},
    ),
    IMAGEHLP_LINEW64_64: (
        40,
        {"SizeOfStruct": 0, "Key": 8, "LineNumber": 16, "FileName": 24, "Address": 32},
    ),
    IMAGEHLP_MODULEW64: (
        3264,
        {
            "SizeOfStruct": 0,
            "BaseOfImage": 8,
            "ImageSize": 16,
            "TimeDateStamp": 20,
            "CheckSum": 24,
            "NumSyms": 28,
            "SymType": 32,
            "ModuleName": 36,
            "ImageName": 100,
            "LoadedImageName": 612,
            "LoadedPdbName": 1124,
            "CVSig": 1636,
            "CVData": 1640,
            "PdbSig": 3200,
            "PdbSig70": 3204,
            "PdbAge": 3220,
            "PdbUnmatched": 3224,
            "DbgUnmatched": 3228,
            "LineNumbers": 3232,
            "GlobalSymbols": 3236,
            "TypeInfo": 3240,
            "SourceIndexed": 3244,
            "Publics": 3248,
            "MachineType": 3252,
        },
    ),
}

# The same program, with sizeof: in 32-bit programs and in 64-bit ones.
SIZES = {
    "DWORD": (4, 4),
    "LONG": (4, 4),
    "BOOL": (4, 4),
    "NTSTATUS": (4, 4),
    "ULONG": (4, 4),
    "ULONG64": (8, 8),
    "WCHAR": (2, 2),
    "SIZE_T": (4, 8),
    "PVOID": (4, 8),
    "LPARAM": (4, 8),
    "LPWSTR": (4, 8),
    "LPCSTR": (4, 8),
    "HWND": (4, 8),
    "HANDLE": (4, 8),
}

every_structure = pytest.mark.parametrize("structure", LAYOUTS, ids=lambda structure: structure.__name__)


def is_ctype(value: object) -> bool:
    return inspect.isclass(value) and hasattr(value, "from_buffer_copy")


def test_every_structure_of_the_module_is_looked_at_here():
    written = {
        value
        for value in vars(_structures).values()
        if inspect.isclass(value) and issubclass(value, (ctypes.Structure, ctypes.Union))
    }
    assert written == set(LAYOUTS)


@as_windows_aligns
@every_structure
def test_a_structure_has_the_size_that_windows_gives_it(structure):
    assert ctypes.sizeof(structure) == LAYOUTS[structure][0]


@as_windows_aligns
@every_structure
def test_every_field_lies_where_windows_puts_it(structure):
    names = [name for name, *_ in structure._fields_ if not name.startswith("_")]
    assert {name: getattr(structure, name).offset for name in names} == LAYOUTS[structure][1]


@every_structure
def test_no_field_has_a_pointer_or_a_type_that_is_wider_elsewhere(structure):
    fixed = {_types.DWORD, _types.LONG, _types.ULONG64, _types.WCHAR}
    assert {
        getattr(kind, "_type_", kind) if hasattr(kind, "_length_") else kind for _, kind in structure._fields_
    } <= fixed


def test_the_form_of_this_pythons_width_is_the_one_in_use():
    assert (
        MEMORY_BASIC_INFORMATION
        is {4: MEMORY_BASIC_INFORMATION32, 8: MEMORY_BASIC_INFORMATION64}[OWN_POINTER]
    )
    assert PROCESSENTRY32W is {4: PROCESSENTRY32W32, 8: PROCESSENTRY32W64}[OWN_POINTER]


def test_the_name_of_a_program_has_room_for_260_code_units():
    assert _structures.MAX_PATH == 260
    assert PROCESSENTRY32W.szExeFile.size == 520


def test_every_type_of_the_dictionary_is_looked_at_here():
    assert {name for name, value in vars(_types).items() if is_ctype(value)} == set(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_a_type_is_as_wide_as_on_windows(name):
    assert ctypes.sizeof(getattr(_types, name)) == SIZES[name][OWN_POINTER == 8]
