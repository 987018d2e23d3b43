"""Processes by their handles."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING

from memaccess._backend.windows import _paths
from memaccess._errors import Cause, SystemFailure
from memaccess._types import WINDOWS_32, WINDOWS_64, DataModel
from memaccess._win32 import kernel32
from memaccess._win32._codes import (
    ERROR_INSUFFICIENT_BUFFER,
    ERROR_INVALID_PARAMETER,
)
from memaccess._win32._declare import failure
from memaccess._win32._types import BOOL, DWORD, HANDLE

if TYPE_CHECKING:
    from memaccess._win32._constants import ProcessAccess
    from memaccess._win32._handles import OwnedHandle

OWN_MODEL = {4: WINDOWS_32, 8: WINDOWS_64}[ctypes.sizeof(ctypes.c_void_p)]


def open_process(pid: int, rights: ProcessAccess) -> OwnedHandle:
    """A handle of the process with that pid.

    :raises SystemFailure: there is none, or Windows gives nobody such a handle, or not this user.
    """
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


def model_of(handle: HANDLE) -> DataModel:
    """The data model of an opened process; a 32-bit one on 64-bit Windows runs under WoW64."""
    if OWN_MODEL is WINDOWS_32 and not _is_wow64(kernel32.GetCurrentProcess()):
        return WINDOWS_32
    return WINDOWS_32 if _is_wow64(handle) else WINDOWS_64


def _is_wow64(handle: HANDLE) -> bool:
    answer = BOOL()
    kernel32.IsWow64Process(handle, ctypes.byref(answer))
    return bool(answer.value)


def image_path(handle: HANDLE) -> str | None:
    """The program's file; None where the system does not tell."""
    for length in (260, _paths.LONGEST):
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
