"""Address expressions worked out in an opened program, and what goes wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._address import Misled, parse, pointed
from memaccess._errors import BrokenChainError, NotReadableError

if TYPE_CHECKING:
    from collections.abc import Callable

_NULL = (
    "What it leads to does not exist now: there is often nothing in menus, between levels, and while loading. "
    "Try again later, or check the links before it."
)


class Place:
    """A program as an expression sees it."""

    def __init__(
        self,
        pid: int,
        pointer_size: int,
        find: Callable[[str | None, str], int],
        read: Callable[[int, int], bytes],
    ) -> None:
        self.find = find
        self._pid = pid
        self._size = pointer_size
        self._read = read

    def follow(self, address: int) -> int:
        pointer = int.from_bytes(self._read(self._size, address), "little")
        if not pointer:
            raise BrokenChainError("null", pid=self._pid, address=address, size=self._size, explanation=_NULL)
        return pointer


def evaluate(text: str, place: Place) -> int:
    """The address that an expression is now.

    :raises AddressSyntaxError: it can't be understood.
    :raises LookupError: a name in it is unknown, or has several meanings.
    :raises BadImageError: the module that a name in it is looked for in has damaged headers.
    :raises BrokenChainError: a pointer in it is null, or can't be read.
    """
    try:
        return parse(text).evaluate(place)
    except Misled as misled:
        error = _told(text, misled)
    try:
        raise error  # not in the block above: it would be the context of its own context, a circle
    finally:
        del error  # its traceback has this frame, another circle


def _told(text: str, misled: Misled) -> Exception:
    """The error for users."""
    error = misled.error
    if isinstance(error, NotReadableError) and misled.link:
        error = _broken(text, error, misled.link)
    return pointed(error, text, misled.start)


def _broken(text: str, error: NotReadableError, link: str) -> BrokenChainError:
    """The error of a pointer that leads nowhere, with what is known of it."""
    how = "is null" if isinstance(error, BrokenChainError) else f"can't be read, error code {error.code}"
    broken = BrokenChainError(
        f"Can't follow {text}: the pointer at {link}, which is 0x{error.address:x}, {how}",
        pid=error.pid,
        address=error.address,
        size=error.size,
        region=error.region,
        explanation=error.explanation,
    )
    broken.api, broken.winerror, broken.errno = error.api, error.winerror, error.errno
    broken.transferred, broken.data = error.transferred, error.data
    return broken
