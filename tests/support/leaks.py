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


@contextmanager
def no_leaks() -> Iterator[None]:
    """A block that leaves no handle and no thread behind."""
    threads = set(threading.enumerate())
    gc.collect()
    handle = lowest_free_handle()
    yield
    gc.collect()
    assert set(threading.enumerate()) <= threads, "a thread was left running"
    leaked = (lowest_free_handle() - handle) // 4
    assert leaked <= 0, f"{leaked} handles were left open"
