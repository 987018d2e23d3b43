"""The threads of a process, and where their stacks are."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING

from memaccess._backend._windows_toolhelp import threads
from memaccess._errors import Cause, SystemFailure
from memaccess._win32 import kernel32, ntdll
from memaccess._win32._codes import ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER
from memaccess._win32._constants import THREAD_BASIC_INFORMATION_CLASS, ThreadAccess
from memaccess._win32._declare import failure
from memaccess._win32._structures import THREAD_BASIC_INFORMATION
from memaccess._win32._types import PVOID

if TYPE_CHECKING:
    from memaccess._backend._interface import Process

_OWN_POINTER = ctypes.sizeof(PVOID)
_ATTEMPTS = 5
"""How often to list the threads where one ends between the list and the question."""


def stack_base(process: Process, number: int) -> int | None:
    """Where the stack of a thread begins, which grows down from there.

    :param number: the thread's place in the system's list, from 0.
    :returns: an address; None where there is no such thread, or where it has no stack yet.
    :raises SystemFailure: the process has ended, or the system refuses.
    """
    for _ in range(_ATTEMPTS):
        listed = threads(process.pid)
        if not process.is_alive():
            raise failure("Thread32Next", ERROR_ACCESS_DENIED)  # else it would have no threads
        if number >= len(listed):
            break
        teb = _teb(listed[number], process.pid)
        if teb is not None:
            try:
                return _stack_base(process, teb)
            except SystemFailure as trouble:
                if trouble.cause is not Cause.INACCESSIBLE:
                    raise  # else the thread has ended
    return None


def _teb(thread: int, pid: int) -> int | None:
    """Where the environment block of a thread is; None where it is no thread of that process any more."""
    try:
        handle = kernel32.OpenThread(ThreadAccess.QUERY_INFORMATION, False, thread)
    except SystemFailure as trouble:
        if trouble.winerror == ERROR_INVALID_PARAMETER:
            return None
        raise
    info = THREAD_BASIC_INFORMATION()
    status = ntdll.NtQueryInformationThread(
        handle, THREAD_BASIC_INFORMATION_CLASS, ctypes.byref(info), ctypes.sizeof(info), None
    )
    del handle  # a traceback would keep it open
    if status < 0:
        raise failure("NtQueryInformationThread", ntdll.RtlNtStatusToDosError(status))
    return info.TebBaseAddress if info.UniqueProcess == pid else None


def _stack_base(process: Process, teb: int) -> int | None:
    """What a thread's environment block, which begins with an NT_TIB, says of its stack."""
    width = process.model.pointer_size
    if width < _OWN_POINTER:
        # That is the 64-bit block of a 32-bit program's thread; the field that would be its list of
        # exception handlers is where the 32-bit one is (Wine's dlls/ntdll/unix/virtual.c, init_teb).
        teb = int.from_bytes(process.read(_OWN_POINTER, teb), "little")
    return int.from_bytes(process.read(width, teb + width), "little") or None
