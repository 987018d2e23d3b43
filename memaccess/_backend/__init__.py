"""The fence: the only rooms that know which operating system this is."""

from __future__ import annotations

import functools
import sys

from memaccess._backend._interface import Access, Process, ProcessInfo, System, WindowInfo

__all__ = ["Access", "Process", "ProcessInfo", "System", "WindowInfo", "default_system"]


@functools.cache
def default_system() -> System:
    """The operating system that memaccess runs on; loaded on first use, so that importing is free.

    :raises NotImplementedError: memaccess can't open programs on this system.
    """
    if sys.platform == "win32":
        from memaccess._backend._windows import Windows

        return Windows()
    raise NotImplementedError(
        f"memaccess can't open programs on {sys.platform} yet, only on Windows and in the Windows Python under Wine"
    )
