"""Headers of programs and DLLs, read from wherever they are loaded; pure.

https://learn.microsoft.com/windows/win32/debug/pe-format
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_FURTHEST = 1 << 20
"""Offset behind which no header begins: Windows itself refuses files whose headers don't fit a few pages."""
_MAGIC = {0x10B: 32, 0x20B: 64}


class BadImageError(ValueError):
    """There is no program and no DLL at that address, or its header is damaged."""


class Header(NamedTuple):
    """What the header of a loaded program or DLL says."""

    bitness: int
    """32 or 64."""
    machine: int
    """``IMAGE_FILE_MACHINE_*``: 0x14C for x86, 0x8664 for x64."""
    size: int
    """Bytes that it takes in memory."""
    entry: int | None
    """Where it begins to run, as an offset from its base; None for a DLL without code to run."""


def read_header(read: Callable[[int, int], bytes], base: int) -> Header:
    """The header of what is loaded at *base*.

    :param read: reads so many bytes at an address.
    :raises BadImageError: nothing is loaded there, or the header makes no sense.
    """
    if read(2, base) != b"MZ":
        raise BadImageError(f"no program and no DLL begins at 0x{base:x}: there is no 'MZ'")
    (offset,) = struct.unpack("<I", read(4, base + 0x3C))
    if not 0 < offset <= _FURTHEST or read(4, base + offset) != b"PE\0\0":
        raise BadImageError(f"the header of what is at 0x{base:x} is damaged: there is no 'PE'")
    (machine,) = struct.unpack("<H", read(2, base + offset + 4))
    optional = read(60, base + offset + 24)
    magic, entry, size = struct.unpack_from("<H14xI36xI", optional)
    if magic not in _MAGIC:
        raise BadImageError(f"the header of what is at 0x{base:x} is damaged: 0x{magic:x} is no format")
    return Header(_MAGIC[magic], machine, size, entry or None)
