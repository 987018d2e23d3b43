"""Reading inside an image: what every format of programs and libraries needs; pure.

Its headers may be damaged, or mean to mislead: nothing is read outside of it, and all has a limit.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from memaccess._errors import BadImageError, MemoryAccessError, SystemFailure
from memaccess._strings import read_terminated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Read: TypeAlias = Callable[[int, int], bytes]
    """Reads so many bytes at an address, or raises."""

LARGEST_WINDOW = 1 << 25
_LONGEST_NAME = 1 << 14
_MOST_TEXT = 1 << 25
"""Bytes of all names and forwarders together."""


class Window:
    """Reads inside an image: from a stretch of it that was read at once, or else piece by piece."""

    def __init__(self, read: Read, base: int, limit: int, start: int, size: int) -> None:
        self._read = read
        self._base = base
        self._limit = limit
        self._start = start
        try:
            self._data = read(size, base + start) if size else b""
        except (MemoryAccessError, SystemFailure):
            self._data = b""  # a part of it can't be read, and may never be wanted

    def bytes_at(self, offset: int, size: int) -> bytes:
        if not 0 <= offset <= offset + size <= self._limit:
            raise damaged(self._base, f"what should be at +{offset:X} lies outside of it")
        place = offset - self._start
        if place >= 0 and place + size <= len(self._data):
            return self._data[place : place + size]
        with _inside_memory(self._base):
            return self._read(size, self._base + offset)

    def text_at(self, offset: int) -> bytes:
        place = offset - self._start
        if 0 <= place < len(self._data):
            end = self._data.find(b"\0", place, place + _LONGEST_NAME)
            if end >= 0:
                return self._data[place:end]
        limit = min(_LONGEST_NAME, self._limit - offset)
        with _inside_memory(self._base):
            text, ended = read_terminated(self._read, self._base + offset, 1, limit)
        if not ended:
            raise damaged(self._base, f"the name at +{offset:X} has no end")
        return text


@contextlib.contextmanager
def _inside_memory(base: int) -> Iterator[None]:
    """A block that reads; what a header places outside of the program's memory is damage to it."""
    try:
        yield
    except OverflowError:
        raise damaged(base, "it leaves the program's address space") from None


def damaged(base: int, how: str) -> BadImageError:
    return BadImageError(f"the header of what is at 0x{base:x} is damaged: {how}", base)


class Texts:
    """The names in an image; damaged tables may name one long text again and again."""

    def __init__(self, image: Window, base: int) -> None:
        self._image = image
        self._base = base
        self._total = 0

    def at(self, offset: int) -> str:
        text = self._image.text_at(offset)
        self._total += len(text)
        if self._total > _MOST_TEXT:
            raise damaged(self._base, f"its names have more than {_MOST_TEXT} bytes")
        # Names are ASCII by the format; what some compilers make of others is at least shown.
        return text.decode("utf-8", "backslashreplace")
