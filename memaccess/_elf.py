"""Headers and dynamic symbols of ELF programs and libraries, read from where they are loaded; pure.

https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from memaccess._errors import BadImageError
from memaccess._image import LARGEST_WINDOW, Texts, Window, damaged
from memaccess._records import PAGE, Export, whole_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._image import Read

MAGIC = b"\x7fELF"
_BITNESS = {1: 32, 2: 64}
_LITTLE_ENDIAN = 1
_KINDS = (2, 3)
"""ET_EXEC, a program that is where it was linked for; ET_DYN, whatever may be anywhere."""
_LOAD, _DYNAMIC = 1, 2
_MOST_SEGMENTS = 256
_MOST_SYMBOLS = 1 << 20
_MOST_TAGS = 1 << 12
_HASH, _STRTAB, _SYMTAB, _STRSZ = 4, 5, 6, 10
_GNU_HASH, _VERSYM = 0x6FFF_FEF5, 0x6FFF_FFF0
_HIDDEN = 0x8000
"""In the table of versions: an older version of the symbol, which new programs don't get."""
_OFFERED = (1, 2, 10)
"""The bindings of symbols that others may use: global, weak, unique."""
_PLACES = (0, 1, 2, 10)
"""The types of symbols that are places: none, data, function, and function that is chosen at the start."""
_VISIBLE = (0, 3)
_UNDEFINED, _ABSOLUTE = 0, 0xFFF1


class _Formats(NamedTuple):
    """What differs between the widths."""

    header: struct.Struct
    """Kind, entry, where the segments are, and how many."""
    segment: struct.Struct
    """Type, place, bytes in memory."""
    tag: struct.Struct
    symbol: struct.Struct
    """Name, binding and type, visibility, section, place."""
    word: int
    """Bytes of a word of the filter in a GNU hash table."""


_FORMATS = {
    32: _Formats(
        struct.Struct("<16xH2x4xII10xHH"),
        struct.Struct("<I4xI8xI8x"),
        struct.Struct("<iI"),
        struct.Struct("<IIIBBH"),
        4,
    ),
    64: _Formats(
        struct.Struct("<16xH2x4xQQ14xHH"),
        struct.Struct("<I12xQ16xQ8x"),
        struct.Struct("<qQ"),
        struct.Struct("<IBBHQQ"),
        8,
    ),
}


class Header(NamedTuple):
    """What the header of a loaded program or library says. Places in it are offsets from its base."""

    bitness: int
    size: int
    """Bytes that it takes in memory."""
    entry: int | None
    """Where it begins to run; None where it does not say."""
    dynamic: tuple[int, int]
    """Where its table for the loader is, and how many bytes it has; zeros where there is none."""
    segments: tuple[tuple[int, int], ...]
    """Where its segments begin, and how many bytes they have in memory."""
    start: int
    """The address that it was linked for."""


def read_header(read: Read, base: int) -> Header:
    """The header of what is loaded at *base*.

    :raises BadImageError: nothing is loaded there, or the header makes no sense.
    """
    image = Window(read, base, PAGE, 0, PAGE - base % PAGE)
    identity = image.bytes_at(0, 16)
    if identity[:4] != MAGIC:
        raise BadImageError(f"no program and no library begins at 0x{base:x}: there is no 'ELF'", base)
    bitness = _BITNESS.get(identity[4])
    if bitness is None or identity[5] != _LITTLE_ENDIAN:
        raise damaged(base, "it is of no width, or of another byte order")
    formats = _FORMATS[bitness]
    kind, entry, table, size, count = formats.header.unpack(image.bytes_at(0, formats.header.size))
    if kind not in _KINDS or size != formats.segment.size or count > _MOST_SEGMENTS:
        raise damaged(base, f"it is of the kind {kind}, with {count} segments of {size} bytes")
    segments = list(formats.segment.iter_unpack(image.bytes_at(table, count * size)))
    loaded = [(place, size) for what, place, size in segments if what == _LOAD]
    if not loaded:
        raise damaged(base, "it has nothing to load")
    start = min(place for place, _ in loaded) // PAGE * PAGE
    size = whole_pages(max(place + size for place, size in loaded)) - start
    dynamic = next(((place - start, size) for what, place, size in segments if what == _DYNAMIC), (0, 0))
    if not 0 <= dynamic[0] <= sum(dynamic) <= size:
        raise damaged(base, f"its table for the loader, at +{dynamic[0]:X}, lies outside of it")
    return Header(
        bitness,
        size,
        entry - start if entry else None,
        dynamic,
        tuple((place - start, size) for place, size in loaded),
        start,
    )


class Symbols(NamedTuple):
    """Where the tables of the loader are, as offsets from the base."""

    table: int
    size: int
    """Bytes of the table."""
    symbol_count: int
    names: int
    names_size: int
    versions: int | None


def find_symbols(read: Read, base: int, header: Header) -> Symbols | None:
    """The tables that the loader looks names up in; None where there are none.

    :raises BadImageError: its tables make no sense.
    """
    image = Window(read, base, header.size, *header.dynamic)
    tags = dict(_tags(image, header))
    if _SYMTAB not in tags or _STRTAB not in tags:
        return None

    def place(tag: int) -> int:
        # glibc puts addresses in the place of offsets, and leaves the kernel's own library as it is.
        value = tags[tag]
        return value - base if value >= base else value - header.start

    if _HASH in tags:
        count = int.from_bytes(image.bytes_at(place(_HASH) + 4, 4), "little")
    elif _GNU_HASH in tags:
        count = _count_by_gnu_hash(image, base, place(_GNU_HASH), _FORMATS[header.bitness].word)
    else:
        return None
    if count > _MOST_SYMBOLS:
        raise damaged(base, f"{count} symbols are more than there can be")
    versions = place(_VERSYM) if _VERSYM in tags else None
    size = count * _FORMATS[header.bitness].symbol.size
    return Symbols(place(_SYMTAB), size, count, place(_STRTAB), tags.get(_STRSZ, 0), versions)


def _tags(image: Window, header: Header) -> Iterator[tuple[int, int]]:
    start, size = header.dynamic
    tag = _FORMATS[header.bitness].tag
    for number in range(min(size // tag.size, _MOST_TAGS)):
        what, value = tag.unpack(image.bytes_at(start + number * tag.size, tag.size))
        if not what:
            return
        yield what, value


def _count_by_gnu_hash(image: Window, base: int, table: int, word: int) -> int:
    """How many symbols there are: the last one is at the end of the last chain."""
    counts: tuple[int, int, int] = struct.unpack("<3I", image.bytes_at(table, 12))
    bucket_count, first, filter_words = counts
    if max(bucket_count, filter_words, first) > _MOST_SYMBOLS:
        raise damaged(base, f"a hash table of {bucket_count} rows is more than there can be")
    buckets = table + 16 + filter_words * word
    last: int = max(struct.unpack(f"<{bucket_count}I", image.bytes_at(buckets, 4 * bucket_count)), default=0)
    if last < first:
        return first
    chains = buckets + 4 * bucket_count
    while last < _MOST_SYMBOLS:
        value = int.from_bytes(image.bytes_at(chains + 4 * (last - first), 4), "little")
        last += 1
        if value & 1:
            return last
    raise damaged(base, "its hash table has no end")


def read_exports(read: Read, base: int, header: Header, symbols: Symbols) -> list[Export]:
    """What the program or library at *base* offers to others, in the order of its table.

    Of several versions of a symbol it is the one that new programs get. A function that is chosen at
    the start (IFUNC) is where that is done.

    :raises BadImageError: its tables make no sense.
    """
    form = _FORMATS[header.bitness].symbol
    image = Window(read, base, header.size, 0, 0)
    table = image.bytes_at(symbols.table, symbols.size)
    versions = (
        struct.unpack(f"<{symbols.symbol_count}H", image.bytes_at(symbols.versions, 2 * symbols.symbol_count))
        if symbols.versions is not None
        else (0,) * symbols.symbol_count
    )
    names_size = max(min(symbols.names_size, LARGEST_WINDOW, header.size - symbols.names), 0)
    names = Texts(
        Window(read, base, header.size, symbols.names, names_size if symbols.names > 0 else 0), base
    )
    found = []
    for index, fields in enumerate(form.iter_unpack(table)):
        name, info, visibility, section, value = _ordered(fields, header.bitness)
        is_offered = info >> 4 in _OFFERED and info & 0xF in _PLACES and visibility & 3 in _VISIBLE
        is_there = section not in (_UNDEFINED, _ABSOLUTE) and 0 <= value - header.start < header.size
        if is_offered and is_there and name and not versions[index] & _HIDDEN:
            found.append(Export(names.at(symbols.names + name), index, base + value - header.start, None))
    return found


def _ordered(fields: tuple[int, ...], bitness: int) -> tuple[int, int, int, int, int]:
    """Name, binding and type, visibility, section and place of a symbol, whose order differs."""
    if bitness == 64:
        name, info, visibility, section, value, _ = fields
    else:
        name, value, _, info, visibility, section = fields
    return name, info, visibility, section, value
