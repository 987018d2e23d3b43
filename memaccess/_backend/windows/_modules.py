"""The modules of a process, through the functions of psapi, and the table of API sets."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
import time
from typing import TYPE_CHECKING

from memaccess._backend.windows._paths import LONGEST, file_name
from memaccess._errors import BadImageError, Cause, SystemFailure
from memaccess._pe import read_header
from memaccess._records import Module
from memaccess._win32 import kernel32, ntdll
from memaccess._win32._constants import LIST_MODULES_ALL, PROCESS_BASIC_INFORMATION_CLASS
from memaccess._win32._structures import MODULEINFO, PROCESS_BASIC_INFORMATION
from memaccess._win32._types import DWORD, PVOID

if TYPE_CHECKING:
    from memaccess._backend._interface import Process
    from memaccess._win32._handles import OwnedHandle

_FIRST_COUNT = 256
_PATIENCE_SECONDS = 2.0
"""For how long a program may be starting: its list can't be read before the loader has made it."""
_PAUSE_SECONDS = 0.01
_API_SETS_IN_PEB = {4: 0x38, 8: 0x68}[ctypes.sizeof(PVOID)]
"""Where the process environment block has the address of the table (Wine's include/winternl.h)."""


def modules(handles: list[OwnedHandle], process: Process) -> list[Module]:
    """What is loaded into a process.

    :param handles: one with the rights QUERY_INFORMATION and VM_READ, in a list: so the caller can take
        it away from the frames of a traceback.
    :raises SystemFailure: it has ended, or the system refuses.
    """
    found = []
    for base in _bases_once_loaded(handles, process):
        try:
            found.append(_module(handles, base, process))
        except SystemFailure:
            if not process.is_alive():
                raise  # else it was unloaded meanwhile
    return found


def _bases_once_loaded(handles: list[OwnedHandle], process: Process) -> list[int]:
    """The addresses of all modules; waits while the program is only starting."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            bases = _bases(handles)
        except SystemFailure as trouble:
            # 299 from Windows, 998 from Wine 8.
            starting = trouble.cause is Cause.INACCESSIBLE and process.is_alive()
            if not starting or time.monotonic() > deadline:
                raise
        else:
            if bases or time.monotonic() > deadline:
                return bases
        time.sleep(_PAUSE_SECONDS)


def _bases(handles: list[OwnedHandle]) -> list[int]:
    """The addresses of all modules, in the order of the loader."""
    count = _FIRST_COUNT
    while True:
        array = (PVOID * count)()
        needed = DWORD()
        kernel32.K32EnumProcessModulesEx(
            handles[0], array, ctypes.sizeof(array), ctypes.byref(needed), LIST_MODULES_ALL
        )
        found = needed.value // ctypes.sizeof(PVOID)
        if found <= count:
            return [base for base in array[:found] if base]
        count = found + _FIRST_COUNT  # more may come meanwhile


def _module(handles: list[OwnedHandle], base: int, process: Process) -> Module:
    """The module at *base*.

    :raises SystemFailure: there is none any more.
    """
    # GetModuleFileNameEx says System32 also where a 32-bit program has the file from SysWOW64.
    path = process.mapped_file(base) or _told_path(handles, base)
    try:
        header = read_header(process.read, base)
    except (SystemFailure, BadImageError):  # a program may overwrite its own headers
        return _told_module(handles, base, path)
    entry = base + header.entry if header.entry else None
    return Module(file_name(path), path, base, header.size, entry, header.bitness, header.timestamp)


def _told_module(handles: list[OwnedHandle], base: int, path: str) -> Module:
    """The module as the loader has it; to ask that takes the time of all modules before it."""
    info = MODULEINFO()
    kernel32.K32GetModuleInformation(handles[0], base, ctypes.byref(info), ctypes.sizeof(info))
    return Module(file_name(path), path, base, info.SizeOfImage, info.EntryPoint or None, None)


def _told_path(handles: list[OwnedHandle], base: int) -> str:
    """The file as the loader has it."""
    buffer = ctypes.create_unicode_buffer(LONGEST)
    kernel32.K32GetModuleFileNameExW(handles[0], base, buffer, len(buffer))
    return buffer.value


def api_sets(handles: list[OwnedHandle], process: Process) -> int | None:
    """Where the process has its table of API sets; None where the system has none.

    :param handles: as for :func:`modules`.
    :raises SystemFailure: it has ended, or the system refuses.
    """
    # The block of this Python's own width: a 32-bit program has one of each, and Wine 8 does not tell
    # the 32-bit one (ProcessWow64Information is 1 there, dlls/ntdll/unix/process.c).
    info = PROCESS_BASIC_INFORMATION()
    status = ntdll.NtQueryInformationProcess(
        handles[0], PROCESS_BASIC_INFORMATION_CLASS, ctypes.byref(info), ctypes.sizeof(info), None
    )
    if status < 0:
        raise ntdll.failure_of("NtQueryInformationProcess", status)
    table = process.read(ctypes.sizeof(PVOID), info.PebBaseAddress + _API_SETS_IN_PEB)
    return int.from_bytes(table, "little") or None
