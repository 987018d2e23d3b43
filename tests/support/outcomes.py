"""How an access came out, as a value that a test compares with what it expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import ANY

from memaccess import MemoryAccessError

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_CODE: Any = ANY
"""Where no source tells which code Windows gives."""
ANY_ERROR: Any = ANY
"""Where no source even tells whether Windows fails."""
ANY_COUNT: Any = ANY
"""Where no source tells how many bytes Windows copies before it fails."""


class Outcome(NamedTuple):
    """The exact class of the error, or None; its code; and how many bytes were copied before it."""

    error: type[MemoryAccessError] | None = None
    code: int | None = None
    transferred: int = 0


WORKS = Outcome()


def outcome_of(action: Callable[[], object]) -> Outcome:
    """Do it, and say how it came out."""
    try:
        action()
    except MemoryAccessError as error:
        return Outcome(type(error), error.code, error.transferred)
    return WORKS
