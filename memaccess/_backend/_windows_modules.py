"""The modules of a process, through the functions of psapi."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import contextlib
import ctypes
import time
from typing import TYPE_CHECKING

from memaccess._errors import SystemFailure
from memaccess._pe import BadImageError, read_header
from memaccess._records import Module
from memaccess._win32 import kernel32
from memaccess._win32._codes import ERROR_PARTIAL_COPY
from memaccess._win32._constants import LIST_MODULES_ALL
from memaccess._win32._structures import MODULEINFO
from memaccess._win32._types import DWORD, PVOID

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._win32._types import HANDLE

_LONGEST_PATH = 32768
_FIRST_COUNT = 256
_PATIENCE_SECONDS = 2.0
"""For how long a program may be starting: its list can't be read before the loader has made it."""
_PAUSE_SECONDS = 0.01


def modules(handle: HANDLE, read: Callable[[int, int], bytes], is_alive: Callable[[], bool]) -> list[Module]:
    """What is loaded into a process.

    :param handle: with the rights QUERY_INFORMATION and VM_READ.
    :param read: reads so many bytes at an address of it.
    :raises SystemFailure: it has ended, or the system refuses.
    """
    found = (_module(handle, base, read) for base in _bases_once_loaded(handle, is_alive))
    return [module for module in found if module is not None]


def _bases_once_loaded(handle: HANDLE, is_alive: Callable[[], bool]) -> list[int]:
    """The addresses of all modules; waits while the program is only starting."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            bases = _bases(handle)
        except SystemFailure as trouble:
            if trouble.winerror != ERROR_PARTIAL_COPY or time.monotonic() > deadline or not is_alive():
                raise
        else:
            if bases or time.monotonic() > deadline:
                return bases
        time.sleep(_PAUSE_SECONDS)


def _bases(handle: HANDLE) -> list[int]:
    """The addresses of all modules, in the order of the loader."""
    count = _FIRST_COUNT
    while True:
        array = (PVOID * count)()
        needed = DWORD()
        kernel32.K32EnumProcessModulesEx(
            handle, array, ctypes.sizeof(array), ctypes.byref(needed), LIST_MODULES_ALL
        )
        found = needed.value // ctypes.sizeof(PVOID)
        if found <= count:
            return [base for base in array[:found] if base]
        count = found + _FIRST_COUNT  # more may come meanwhile


def _module(handle: HANDLE, base: int, read: Callable[[int, int], bytes]) -> Module | None:
    """The module at *base*; None where it was unloaded meanwhile."""
    info = MODULEINFO()
    buffer = ctypes.create_unicode_buffer(_LONGEST_PATH)
    try:
        kernel32.K32GetModuleInformation(handle, base, ctypes.byref(info), ctypes.sizeof(info))
        kernel32.K32GetModuleFileNameExW(handle, base, buffer, len(buffer))
    except SystemFailure:
        return None
    bitness = None
    with contextlib.suppress(SystemFailure, BadImageError):  # a program may overwrite its own headers
        bitness = read_header(read, base).bitness
    path = buffer.value
    return Module(
        name=path.rpartition("\\")[2],
        path=path,
        base=base,
        size=info.SizeOfImage,
        entry=info.EntryPoint or None,
        bitness=bitness,
    )
