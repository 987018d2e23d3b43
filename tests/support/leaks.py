"""What a test must not leave behind: handles, processes, threads."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def lowest_free_handle() -> int:
    """The value that the next handle gets; it rises with every handle that is leaked.

    GetProcessHandleCount would be the direct question; Wine 8 always answers 0.
    """
    if sys.platform != "win32":
        return 0
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.CreateEventW.restype = ctypes.c_void_p
    kernel32.CloseHandle.argtypes = (ctypes.c_void_p,)
    handle: int = kernel32.CreateEventW(None, True, False, None)
    assert handle
    kernel32.CloseHandle(handle)
    return handle


def open_handles() -> set[int]:
    """The values of all handles that this process has open."""
    if sys.platform != "win32":
        return set()
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    ask = kernel32.GetHandleInformation
    ask.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    flags = ctypes.byref(ctypes.c_uint32())
    return {value for value in range(4, lowest_free_handle() + _PROBED, 4) if ask(value, flags)}


_PROBED = 4 * 128
"""How far above the lowest free handle value others are looked for: far more than a test opens."""


@contextmanager
def no_leaks(*, handles: bool) -> Iterator[None]:
    """A block that leaves no thread behind, and no handle where those are counted."""
    gc.collect()
    threads = set(threading.enumerate())
    before = open_handles() if handles else set()
    yield
    gc.collect()
    assert set(threading.enumerate()) <= threads, "a thread was left running"
    leaked = len(open_handles()) - len(before) if handles else 0
    assert leaked <= 0, f"{leaked} handles were left open"
