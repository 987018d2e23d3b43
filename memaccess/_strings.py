"""Text in memory: how long a code unit is, where a string ends, and reading no further than that."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, NamedTuple

from memaccess._errors import SystemFailure
from memaccess._records import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST = 256
"""Bytes of the first read: most strings are short."""


class TextEncoding(NamedTuple):
    """An encoding, as far as strings in memory are concerned."""

    name: str
    unit: int
    """Bytes of a code unit; a string ends with one that is zero."""


def text_encoding(name: str) -> TextEncoding:
    """The encoding of that name; UTF-16 and UTF-32 without an order are little-endian, with no mark.

    :raises LookupError: Python knows no such text encoding.
    :raises ValueError: it writes NUL as something else than zeros, as UTF-7 does.
    """
    try:
        name = codecs.lookup(name).name
    except TypeError:
        raise TypeError(f"an encoding is given by its name, as a str, not {type(name).__name__}") from None
    if name in ("utf-16", "utf-32"):
        # Python would write a byte order mark, which no program expects in a string in memory.
        name += "-le"
    zero = "\0\0".encode(name)[len("\0".encode(name)) :]
    if any(zero):
        raise ValueError(f"strings in memory end with a zero code unit, and {name} has none")
    return TextEncoding(name, len(zero))


def read_terminated(
    read: Callable[[int, int], bytes], address: int, unit: int, limit: int
) -> tuple[bytes, bool]:
    """The bytes before the first zero code unit, and whether there was one within *limit* bytes.

    It reads at most *limit* bytes, never touches a page before it needs it, and takes code units
    from *address* on: the zero byte in the middle of UTF-16 text ends nothing.

    :raises SystemFailure: a page can't be read; it knows all that was read from *address* on.
    """
    data = bytearray()
    while len(data) < limit:
        here = address + len(data)
        size = min(limit - len(data), PAGE - here % PAGE, PAGE if data else _FIRST)
        first_new_unit = len(data) // unit * unit
        try:
            data += read(size, here)
        except SystemFailure as failure:
            data += failure.data
            raise failure.after(len(data), bytes(data)) from None
        end = _find_zero_unit(data, unit, first_new_unit)
        if end >= 0:
            return bytes(data[:end]), True
    return bytes(data), False


def _find_zero_unit(data: bytes | bytearray, unit: int, start: int) -> int:
    """Offset of the first whole zero code unit at or behind *start*, or -1."""
    zero = bytes(unit)
    found = data.find(zero, start)
    while found > 0 and found % unit:
        found = data.find(zero, found + 1)
    return found


def before_zero(data: bytes, unit: int) -> bytes:
    """*data* up to its first zero code unit; all of it where there is none."""
    end = _find_zero_unit(data, unit, 0)
    return data if end < 0 else data[:end]


def encode_terminated(text: str, encoding: TextEncoding, errors: str, terminate: bool) -> bytes:
    """The bytes of *text*, with a zero code unit behind them where *terminate* is true.

    :raises ValueError: it has a NUL character in it, so that it would end there.
    """
    if not isinstance(text, str):
        raise TypeError(f"a string is written from a str, not {type(text).__name__}")
    if not terminate:
        return text.encode(encoding.name, errors)
    if "\0" in text:
        raise ValueError(
            "the text has a NUL character in it, where the string would end; terminate=False writes it"
        )
    return text.encode(encoding.name, errors) + bytes(encoding.unit)
