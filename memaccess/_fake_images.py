"""Programs and DLLs as Windows has them in memory, made for programs that exist only in a test; pure."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from memaccess._records import PAGE, SourceLine, whole_pages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from memaccess._records import Module

    Exports: TypeAlias = Mapping[str | int, int | str]
    """Offsets, or ``'DLL.Name'`` where it is forwarded, by name, or by ordinal where it has no name."""

_PE = 0x80
_OPTIONAL = _PE + 24
_MACHINES = {32: 0x14C, 64: 0x8664}
_MAGIC = {32: 0x10B, 64: 0x20B}
_DIRECTORIES = {32: 96, 64: 112}
_OPTIONAL_SIZE = {32: 224, 64: 240}
_FIRST_ORDINAL = 1
_EXPORT_TABLE = 40


class FakeImage(NamedTuple):
    """What is to be mapped."""

    content: bytes
    sections: tuple[tuple[int, int, str], ...]
    """The offset of each section, its size in bytes, and the rights to it."""


def make_image(bitness: int, name: str, code: int, data: int, exports: Exports) -> FakeImage:
    """An image with its headers, *code* bytes to run, *data* bytes to change, and its exports.

    :raises ValueError: there can be no such image.
    """
    if code < 0 or data < 0:
        raise ValueError(f"a size can't be negative: {min(code, data)}")
    code, data = whole_pages(code), whole_pages(data)
    exported = PAGE + code + data
    _check(exports, exported)
    table = _export_directory(name, exported, exports) if exports else b""
    sections = [(PAGE, code, "r-x"), (PAGE + code, data, "rw-"), (exported, len(table), "r--")]
    size = exported + whole_pages(len(table))
    build = zlib.crc32(repr((name, code, data, sorted(exports.items(), key=str))).encode())
    header = _header(bitness, size, build, (exported, len(table)) if table else (0, 0), sections)
    content = header.ljust(exported, b"\0") + table
    return FakeImage(content.ljust(size, b"\0"), ((0, PAGE, "r--"), *sections))


def _check(exports: Exports, end: int) -> None:
    for key, value in exports.items():
        if isinstance(key, int) and not 0 < key < 1 << 16:
            raise ValueError(f"an ordinal is from 1 to 65535, not {key}")
        if isinstance(value, int) and not 0 < value < end:
            raise ValueError(
                f"{key!r} is exported at {value:#x}, and the module's code and data end at {end:#x}"
            )
        for text in (key, value):
            if isinstance(text, str) and not (text.isascii() and text.isprintable() and text):
                raise ValueError(f"the name of an export is ASCII text, not {text!r}")


def _header(
    bitness: int,
    size: int,
    timestamp: int,
    exports: tuple[int, int],
    sections: list[tuple[int, int, str]],
) -> bytes:
    count, optional_size = len(sections), _OPTIONAL_SIZE[bitness]
    header = bytearray(_OPTIONAL + optional_size)
    header[:2] = b"MZ"
    struct.pack_into("<I", header, 0x3C, _PE)
    file_header = (_MACHINES[bitness], count, timestamp, optional_size)
    struct.pack_into("<4s2HI8xH2x", header, _PE, b"PE\0\0", *file_header)
    struct.pack_into("<H14xI36xI", header, _OPTIONAL, _MAGIC[bitness], PAGE, size)
    struct.pack_into("<3I", header, _OPTIONAL + _DIRECTORIES[bitness] - 4, 16, *exports)
    for place, length, _ in sections:
        header += struct.pack("<8x2I24x", length, place)
    return bytes(header)


def _export_directory(name: str, start: int, exports: Exports) -> bytes:
    """The directory, its tables, and behind them all texts."""
    names = sorted(key for key in exports if isinstance(key, str))
    numbers = [key for key in exports if isinstance(key, int)]
    free = (number for number in range(_FIRST_ORDINAL, 1 << 16) if number not in numbers)
    ordinals = {key: next(free) for key in names} | {key: key for key in numbers}
    count = max(ordinals.values()) - _FIRST_ORDINAL + 1
    functions = start + _EXPORT_TABLE
    name_table = functions + 4 * count
    ordinal_table = name_table + 4 * len(names)
    texts = _Texts(ordinal_table + 2 * len(names))
    offsets = [0] * count
    for key, value in exports.items():
        offsets[ordinals[key] - _FIRST_ORDINAL] = texts.add(value) if isinstance(value, str) else value
    name_places = [texts.add(each) for each in names]
    return b"".join(
        [
            struct.pack(
                "<12x7I",
                texts.add(name),
                _FIRST_ORDINAL,
                count,
                len(names),
                functions,
                name_table,
                ordinal_table,
            ),
            struct.pack(f"<{count}I", *offsets),
            struct.pack(f"<{len(names)}I", *name_places),
            struct.pack(f"<{len(names)}H", *(ordinals[each] - _FIRST_ORDINAL for each in names)),
            texts.data,
        ]
    )


class _Texts:
    """Texts one behind the other, each with its zero."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.data = b""

    def add(self, text: str) -> int:
        """Where *text* begins in the image."""
        place = self._start + len(self.data)
        self.data += text.encode() + b"\0"
        return place


class FakeDebugInfo:
    """Debug symbols of made-up modules: names and lines by offset, for each path."""

    def __init__(
        self,
        symbols: Mapping[str, Mapping[str, int | tuple[int, ...]]],
        lines: Mapping[str, Mapping[int, tuple[str, int]]],
    ) -> None:
        self._symbols = symbols
        self._lines = lines

    def close(self) -> None:
        self._symbols, self._lines = {}, {}

    def find(self, module: Module, name: str) -> list[int]:
        return [module.base + place for each, place in self._placed(module) if each == name]

    def _placed(self, module: Module) -> list[tuple[str, int]]:
        """The names and their offsets."""
        return [
            (name, place)
            for name, places in self._symbols.get(module.path, {}).items()
            for place in (places if isinstance(places, tuple) else (places,))
        ]

    def name_at(self, module: Module, address: int) -> tuple[str, int] | None:
        offset = address - module.base
        before = [(place, name) for name, place in self._placed(module) if place <= offset]
        place, name = max(before, default=(0, ""))
        return (name, module.base + place) if before else None

    def line_at(self, module: Module, address: int) -> SourceLine | None:
        lines = self._lines.get(module.path, {})
        place = max((place for place in lines if place <= address - module.base), default=None)
        return None if place is None else SourceLine(*lines[place], module.base + place)
