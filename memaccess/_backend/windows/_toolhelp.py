"""The processes that run, as toolhelp lists them."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING

from memaccess._errors import SystemFailure
from memaccess._win32 import kernel32
from memaccess._win32._codes import ERROR_NO_MORE_FILES
from memaccess._win32._constants import Snapshot
from memaccess._win32._structures import PROCESSENTRY32W

if TYPE_CHECKING:
    from collections.abc import Iterator


def processes() -> Iterator[tuple[int, str, int]]:
    """Pid, name and parent pid of every process."""
    snapshot = kernel32.CreateToolhelp32Snapshot(Snapshot.PROCESS, 0)
    entry = PROCESSENTRY32W()
    entry.dwSize = ctypes.sizeof(entry)
    step = kernel32.Process32FirstW
    while True:
        try:
            step(snapshot, ctypes.byref(entry))
        except SystemFailure as trouble:
            if trouble.winerror == ERROR_NO_MORE_FILES:
                return
            raise
        name = bytes(entry.szExeFile).decode("utf-16-le", "surrogatepass").partition("\0")[0]
        yield entry.th32ProcessID, name, entry.th32ParentProcessID
        step = kernel32.Process32NextW
