"""The threads of a process, and where their stacks are."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING

from memaccess._errors import Cause, SystemFailure
from memaccess._win32 import ntdll
from memaccess._win32._codes import ERROR_ACCESS_DENIED, ERROR_NO_MORE_ITEMS
from memaccess._win32._constants import THREAD_BASIC_INFORMATION_CLASS, ThreadAccess
from memaccess._win32._declare import failure
from memaccess._win32._handles import OwnedHandle
from memaccess._win32._structures import THREAD_BASIC_INFORMATION
from memaccess._win32._types import PVOID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._backend._interface import Process

_OWN_POINTER = ctypes.sizeof(PVOID)


def stack_base(handles: list[OwnedHandle], process: Process, number: int) -> int | None:
    """Where the stack of a thread begins, which grows down from there.

    :param handles: one with the right QUERY_INFORMATION, in a list: so the caller can take it away from
        the frames of a traceback.
    :param number: which of its threads, from 0, in the order in which they were made.
    :returns: an address; None where there is no such thread, or where it has no stack yet.
    :raises SystemFailure: the process has ended, or the system refuses.
    """
    for index, block in enumerate(_environment_blocks(handles)):
        if index == number:
            return _stack_base(process, block)
    if not process.is_alive():
        raise failure("NtGetNextThread", ERROR_ACCESS_DENIED)  # else it would have no threads
    return None


def _environment_blocks(handles: list[OwnedHandle]) -> Iterator[int]:
    """Where the environment block (TEB) of each running thread is."""
    for threads in each_thread(handles, ThreadAccess.QUERY_INFORMATION):
        block = _environment_block(threads)
        if block:
            yield block


def each_thread(handles: list[OwnedHandle], rights: ThreadAccess) -> Iterator[list[OwnedHandle]]:
    """A handle of each thread of a process, in a list that has no other.

    :param handles: one of the process with the right QUERY_INFORMATION, in a list too.
    """
    # toolhelp has the same order, but lists the threads of all processes: milliseconds.
    threads = [OwnedHandle()]
    try:
        while _go_on(handles, threads, rights):
            yield threads
    finally:
        threads.clear()  # the frames of a traceback would keep a handle open


def _go_on(handles: list[OwnedHandle], threads: list[OwnedHandle], rights: ThreadAccess) -> bool:
    """From one thread to the next; whether there is one."""
    threads.append(OwnedHandle())
    status = ntdll.NtGetNextThread(handles[0], threads[0], rights, 0, 0, ctypes.byref(threads[1]))
    del threads[0]
    if status >= 0:
        return True
    trouble: SystemFailure = ntdll.failure_of("NtGetNextThread", status)
    if trouble.winerror == ERROR_NO_MORE_ITEMS:
        return False
    raise trouble


def _environment_block(threads: list[OwnedHandle]) -> int:
    """Where that of a thread is; 0 where the thread has ended, and something still refers to it."""
    info = THREAD_BASIC_INFORMATION()
    status = ntdll.NtQueryInformationThread(
        threads[0], THREAD_BASIC_INFORMATION_CLASS, ctypes.byref(info), ctypes.sizeof(info), None
    )
    if status < 0:
        raise ntdll.failure_of("NtQueryInformationThread", status)
    return info.TebBaseAddress


def _stack_base(process: Process, block: int) -> int | None:
    """What a thread's environment block, which begins with an NT_TIB, says of its stack."""
    width = process.model.pointer_size
    try:
        if width < _OWN_POINTER:
            # That is the 64-bit block of a 32-bit program's thread; the field that would be its list of
            # exception handlers is where the 32-bit one is (phnt's ntwow64.h; Wine's
            # dlls/ntdll/unix/virtual.c, init_teb).
            block = int.from_bytes(process.read(_OWN_POINTER, block), "little")
        return int.from_bytes(process.read(width, block + width), "little") or None
    except SystemFailure as trouble:
        if trouble.cause is not Cause.INACCESSIBLE or not process.is_alive():
            raise
        return None  # the thread has ended
