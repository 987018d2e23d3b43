"""What the memory at an address is."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import contextlib
import ctypes
import string
from typing import TYPE_CHECKING

from memaccess._backend.windows import _paths, _protection
from memaccess._errors import SystemFailure
from memaccess._win32 import kernel32
from memaccess._win32._codes import (
    ERROR_FILE_INVALID,
    ERROR_INVALID_ADDRESS,
    ERROR_INVALID_PARAMETER,
    ERROR_UNEXP_NET_ERR,
)
from memaccess._win32._structures import MEMORY_BASIC_INFORMATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._records import Region
    from memaccess._win32._types import HANDLE

_NO_FILE = (ERROR_UNEXP_NET_ERR, ERROR_INVALID_ADDRESS, ERROR_FILE_INVALID)
"""What GetMappedFileNameW gives for memory that is no file's: the first stands for STATUS_INVALID_ADDRESS."""


def query(handle: HANDLE | None, address: int) -> Region | None:
    """The region from the page of *address* on; None above the highest address of programs."""
    info = MEMORY_BASIC_INFORMATION()
    try:
        kernel32.VirtualQueryEx(handle, address, ctypes.byref(info), ctypes.sizeof(info))
    except SystemFailure as trouble:
        del handle  # the traceback would keep it open
        if trouble.winerror == ERROR_INVALID_PARAMETER:
            return None
        raise
    return _protection.region(
        info.BaseAddress,
        info.RegionSize,
        info.State,
        info.Protect,
        info.Type,
        info.AllocationBase,
        info.AllocationProtect,
    )


def mapped_file_at(handle: HANDLE | None, address: int) -> str | None:
    """The file that is mapped there, with its drive; None where the memory is no file's."""
    buffer = ctypes.create_unicode_buffer(_paths.LONGEST)
    try:
        kernel32.K32GetMappedFileNameW(handle, address, buffer, len(buffer))
    except SystemFailure as trouble:
        del handle  # the traceback would keep it open
        if trouble.winerror in _NO_FILE:
            return None
        raise
    return _paths.dos_path(buffer.value, _drives())


def _drives() -> Iterator[tuple[str, str]]:
    """The drives, such as ``C:``, and the device that each of them stands for."""
    buffer = ctypes.create_unicode_buffer(_paths.LONGEST)
    for letter in string.ascii_uppercase:
        with contextlib.suppress(SystemFailure):  # most letters are no drive
            kernel32.QueryDosDeviceW(f"{letter}:", buffer, len(buffer))
            yield f"{letter}:", buffer.value
