"""What a test must not leave behind: handles, processes, threads."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from known_wine import IS_WINE

if sys.platform == "win32":
    from memaccess._backend.windows import _toolhelp
    from support import win32
else:
    from support import linux

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBED = 4 * 128
"""How far above the lowest free handle value others are looked for: far more than a test opens."""


forgiven = 0
"""How many handles the system itself has lost."""


def lowest_free_handle() -> int:
    """The value that the next handle gets; under Wine it rises with every handle that is leaked."""
    handle = win32.create_event()
    win32.close(handle)
    return handle


def open_handles() -> set[int]:
    """The values of all handles that this process has open, as far as Wine gives them out."""
    return {value for value in range(4, lowest_free_handle() + _PROBED, 4) if win32.is_open(value)}


def handle_count() -> int:
    """How many handles this process has open. GetProcessHandleCount of Wine 8 always answers 0."""
    if sys.platform != "win32":
        return linux.descriptor_count()
    return len(open_handles()) if IS_WINE else win32.handle_count()


def child_processes() -> set[int]:
    """The pids of the programs that this process has started and that still run."""
    if sys.platform != "win32":
        return linux.child_processes()
    return {pid for pid, _, parent in _toolhelp.processes() if parent == os.getpid()}


@contextmanager
def no_leaks(*, live: bool) -> Iterator[None]:
    """A block that leaves no thread behind; and no process and no handle, where a system has them.

    :param live: whether the block runs on a real system.
    """
    if live:  # what is left behind is handles; without a system there are none
        gc.collect()
    threads = set(threading.enumerate())
    children = child_processes() if live else set()
    handles = handle_count() if live else 0
    forgiven_before = forgiven
    yield
    if live:
        gc.collect()
    assert set(threading.enumerate()) <= threads, "a thread was left running"
    if live:
        assert child_processes() <= children, "a program was left running"
        leaked = handle_count() - handles - (forgiven - forgiven_before)
        assert leaked <= 0, f"{leaked} handles were left open"
