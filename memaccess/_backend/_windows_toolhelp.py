"""What runs, as toolhelp lists it."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING, Any

from memaccess._errors import SystemFailure
from memaccess._win32 import kernel32
from memaccess._win32._codes import ERROR_NO_MORE_FILES
from memaccess._win32._constants import Snapshot
from memaccess._win32._structures import PROCESSENTRY32W, THREADENTRY32

if TYPE_CHECKING:
    from collections.abc import Iterator


def processes() -> Iterator[tuple[int, str, int]]:
    """Pid, name and parent pid of every process."""
    entry = PROCESSENTRY32W()
    for _ in _entries(Snapshot.PROCESS, entry, kernel32.Process32FirstW, kernel32.Process32NextW):
        name = bytes(entry.szExeFile).decode("utf-16-le", "surrogatepass").partition("\0")[0]
        yield entry.th32ProcessID, name, entry.th32ParentProcessID


def threads(pid: int) -> list[int]:
    """The ids of the threads of a process, in the order of the system."""
    entry = THREADENTRY32()
    found = _entries(Snapshot.THREAD, entry, kernel32.Thread32First, kernel32.Thread32Next)
    return [entry.th32ThreadID for _ in found if entry.th32OwnerProcessID == pid]


def _entries(contents: Snapshot, entry: Any, first: Any, following: Any) -> Iterator[None]:
    """Go through a snapshot of the whole system; *entry* has one item of it after the other."""
    snapshot = kernel32.CreateToolhelp32Snapshot(contents, 0)
    entry.dwSize = ctypes.sizeof(entry)
    step = first
    while True:
        try:
            step(snapshot, ctypes.byref(entry))
        except SystemFailure as trouble:
            if trouble.winerror == ERROR_NO_MORE_FILES:
                return
            raise
        yield
        step = following
