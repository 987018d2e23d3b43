"""What has to be let go before this Python ends, where nobody has done it: Windows resumes no program by itself."""

from __future__ import annotations

import atexit
import contextlib
from typing import TYPE_CHECKING

from memaccess._errors import SystemFailure

if TYPE_CHECKING:
    from memaccess._backend._interface import Hold

_held: set[Hold] = set()


def remember(hold: Hold) -> None:
    """Let it go at the end of this Python."""
    _held.add(hold)


def forget(hold: Hold) -> None:
    """It has been let go."""
    _held.discard(hold)


def _let_all_go() -> None:
    for hold in list(_held):
        with contextlib.suppress(SystemFailure):  # the others still have to be
            hold.release()
        forget(hold)


atexit.register(_let_all_go)
