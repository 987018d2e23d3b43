"""Headers and exports of programs and DLLs, read from wherever they are loaded; pure.

https://learn.microsoft.com/windows/win32/debug/pe-format
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from memaccess._errors import BadImageError
from memaccess._image import LARGEST_WINDOW, Texts, Window, damaged
from memaccess._records import PAGE, Export

if TYPE_CHECKING:
    from memaccess._image import Read

_FURTHEST = 1 << 20
"""Offset behind which no header begins: Windows itself refuses files whose headers don't fit a few pages."""
_MAGIC = {0x10B: 32, 0x20B: 64}
_DIRECTORIES = {32: 96, 64: 112}
"""Where the table of directories is in the optional header; the exports are its first."""
_MOST_EXPORTS = 1 << 16
"""Ordinals have 16 bits."""
_DIRECTORY = struct.Struct("<12x7I")
_SECTION = struct.Struct("<8x2I24x")
_SECTION_IN_FILE = struct.Struct("<8s4x3I12xI")
_IS_DLL = 0x2000
_SECTION_IS_CODE = 0x2000_0000


class SectionInFile(NamedTuple):
    """Where the file has a section, and where memory does."""

    name: bytes
    offset: int
    """From the module's base."""
    file_size: int
    file_offset: int
    is_code: bool
    """Whether the program may run it."""


class Header(NamedTuple):
    """What the header of a loaded program or DLL says. Places in it are offsets from its base."""

    bitness: int
    """32 or 64."""
    machine: int
    """``IMAGE_FILE_MACHINE_*``: 0x14C for x86, 0x8664 for x64."""
    size: int
    """Bytes that it takes in memory."""
    entry: int | None
    """Where it begins to run; None for a DLL without code to run."""
    exports: tuple[int, int]
    """Where its export directory is, and how many bytes it has; zeros where there is none."""
    section_table: bytes
    timestamp: int
    """When it was linked, or another number that tells builds apart."""
    is_dll: bool

    @property
    def sections(self) -> tuple[tuple[int, int], ...]:
        """Where its sections begin, and how many bytes they have in memory."""
        return tuple((offset, size) for size, offset in _SECTION.iter_unpack(self.section_table))

    @property
    def sections_in_file(self) -> list[SectionInFile]:
        """Where its sections are in the file, in the same order."""
        return [
            SectionInFile(name.rstrip(b"\0"), offset, file_size, file_offset, bool(flags & _SECTION_IS_CODE))
            for name, offset, file_size, file_offset, flags in _SECTION_IN_FILE.iter_unpack(
                self.section_table
            )
        ]


def read_header(read: Read, base: int) -> Header:
    """The header of what is loaded at *base*.

    :raises BadImageError: nothing is loaded there, or the header makes no sense.
    """
    image = Window(read, base, _FURTHEST << 1, 0, PAGE - base % PAGE)
    if image.bytes_at(0, 2) != b"MZ":
        raise BadImageError(f"no program and no DLL begins at 0x{base:x}: there is no 'MZ'", base)
    (offset,) = struct.unpack("<I", image.bytes_at(0x3C, 4))
    if not 0 < offset <= _FURTHEST or image.bytes_at(offset, 4) != b"PE\0\0":
        raise damaged(base, "there is no 'PE'")
    machine, section_count, timestamp, optional_size, kind = struct.unpack(
        "<2HI8x2H", image.bytes_at(offset + 4, 20)
    )
    optional = offset + 24
    magic, entry, size = struct.unpack("<H14xI36xI", image.bytes_at(optional, 60))
    if magic not in _MAGIC:
        raise damaged(base, f"0x{magic:x} is no format")
    bitness = _MAGIC[magic]
    return Header(
        bitness,
        machine,
        size,
        entry or None,
        _export_directory(image, optional + _DIRECTORIES[bitness]),
        image.bytes_at(optional + optional_size, section_count * _SECTION.size),
        timestamp,
        bool(kind & _IS_DLL),
    )


def _export_directory(image: Window, directories: int) -> tuple[int, int]:
    (count,) = struct.unpack("<I", image.bytes_at(directories - 4, 4))
    if not count:
        return 0, 0
    offset, size = struct.unpack("<2I", image.bytes_at(directories, 8))
    return (offset, size) if offset and size else (0, 0)


def read_exports(read: Read, base: int, header: Header) -> list[Export]:
    """What the program or DLL at *base* exports, in the order of the names; those without one at the end.

    :param header: its header; nothing is read behind the size that it gives.
    :raises BadImageError: its tables make no sense.
    """
    start, size = header.exports
    if not size:
        return []
    if start + size > header.size:
        raise damaged(base, f"an export directory of {size} bytes at +{start:X} lies outside of it")
    image = Window(read, base, header.size, start, min(size, LARGEST_WINDOW))
    directory = _DIRECTORY.unpack(image.bytes_at(start, _DIRECTORY.size))
    _, first_ordinal, count, name_count, functions, names, name_ordinals = directory
    if count > _MOST_EXPORTS or name_count > _MOST_EXPORTS:
        raise damaged(base, f"{count} exports with {name_count} names are more than there can be")
    offsets = struct.unpack(f"<{count}I", image.bytes_at(functions, count * 4))
    indices = struct.unpack(f"<{name_count}H", image.bytes_at(name_ordinals, name_count * 2))
    places = struct.unpack(f"<{name_count}I", image.bytes_at(names, name_count * 4))

    texts = Texts(image, base)

    def export(name: str | None, index: int) -> Export:
        offset = offsets[index]
        if start <= offset < start + size:
            return Export(name, first_ordinal + index, None, texts.at(offset))
        return Export(name, first_ordinal + index, base + offset, None)

    # The loader takes a name without a function for no name.
    there = {index for index in range(count) if 0 < offsets[index] < header.size}
    names = zip(map(texts.at, places), indices, strict=True)
    found = [export(name, index) for name, index in names if index in there]
    return found + [export(None, index) for index in sorted(there.difference(indices))]
