"""Having all threads of a process stand still."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import contextlib
import ctypes
from typing import TYPE_CHECKING

from memaccess._backend._pages import turn_of
from memaccess._backend.windows._threads import each_thread
from memaccess._errors import SystemFailure
from memaccess._win32 import kernel32, ntdll
from memaccess._win32._constants import CONTEXT_CONTROL, ProcessAccess, ThreadAccess
from memaccess._win32._structures import CONTEXT
from memaccess._win32._types import PVOID

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._win32._handles import OwnedHandle

_RIGHTS = ProcessAccess.SUSPEND_RESUME | ProcessAccess.QUERY_INFORMATION  # the second for NtGetNextThread
_ALIGNMENT = 16


class ProcessHold:
    """What has the threads of a process stand still.

    :param open_process: gives a handle of the process with such rights.

    Windows counts how often a process is suspended. So it has to be resumed once for each time and not once more:
    that would let others' suspensions go, and Wine 8 counts on it not to happen (server/process.c, resume_process).
    """

    def __init__(self, open_process: Callable[[ProcessAccess], OwnedHandle]) -> None:
        self._open_process = open_process
        self._handles: list[OwnedHandle] = []
        self._suspended: list[int] = []

    def begin(self) -> None:
        with turn_of(("hold", id(self))):  # or it could be let go before it is noted
            self._handles.append(self._open_process(_RIGHTS))
            # One step, in which no Ctrl+C comes between the call and the note that it was made.
            self._suspended.extend(map(ntdll.NtSuspendProcess, self._handles))
            status = self._suspended[0]
            if status < 0:
                self._suspended.clear()
                raise ntdll.failure_of("NtSuspendProcess", status)
            if ntdll.wine_get_version is None:
                self._wait()
            # Wine 8 sends them signals, which is as fast; and asked for the context of a thread that just begins or
            # ends, it may never answer.

    def _wait(self) -> None:
        """Wait until all stand still: a thread on another processor goes on until it is told.

        https://devblogs.microsoft.com/oldnewthing/20150205-00/?p=44743
        """
        memory = (ctypes.c_char * (ctypes.sizeof(CONTEXT) + _ALIGNMENT))()
        context = CONTEXT.from_buffer(memory, -ctypes.addressof(memory) % _ALIGNMENT)
        with contextlib.suppress(
            SystemFailure
        ):  # then they all have ended, or security software is in the way
            for threads in each_thread(self._handles, ThreadAccess.GET_CONTEXT):
                context.ContextFlags = CONTEXT_CONTROL[ctypes.sizeof(PVOID)]
                kernel32.GetThreadContext(threads[0], ctypes.byref(context))  # what it tells does not matter

    def release(self) -> None:
        with turn_of(("hold", id(self))):
            if self._suspended:
                # As above. A process that has ended needs no more.
                with contextlib.suppress(IndexError):
                    list(map(ntdll.NtResumeProcess, map(self._handles.pop, (0,))))
                self._suspended.clear()
            self._handles.clear()
