"""The fence: the only rooms that know which operating system this is."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Protocols are slow to make, and only type checkers and the fake need them
    from memaccess._backend._interface import System

__all__ = ["default_system"]


stand_in: System | None = None
"""What :mod:`memaccess.testing` puts in the place of the operating system, for a while."""


def default_system() -> System:
    """The system that is asked where the caller names none.

    :raises NotImplementedError: memaccess can't open programs on this system.
    """
    return _own_system() if stand_in is None else stand_in


@functools.cache
def _own_system() -> System:
    """The operating system that memaccess runs on; loaded on first use, so that importing is free."""
    if sys.platform == "win32":
        from memaccess._backend.windows._system import Windows

        return Windows()
    if sys.platform == "linux":
        from memaccess._backend.linux._system import Linux

        return Linux()
    raise NotImplementedError(
        f"memaccess can't open programs on {sys.platform}, only on Windows and on Linux"
    )
