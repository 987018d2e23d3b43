"""The exports of a loaded module, whatever its format is; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess import _elf, _pe
from memaccess._exports import ExportTable

if TYPE_CHECKING:
    from memaccess._image import Read


class Exported(NamedTuple):
    """What a module exports, and where that is written."""

    table: ExportTable
    place: int
    """Where its own table begins."""
    size: int
    """How many bytes that has; 0 where it exports nothing."""


def read_exported(read: Read, base: int) -> Exported:
    """What the module at *base* exports.

    :raises BadImageError: its headers make no sense.
    """
    return _of_elf(read, base) if read(4, base) == _elf.MAGIC else _of_pe(read, base)


def _of_pe(read: Read, base: int) -> Exported:
    header = _pe.read_header(read, base)
    start, size = header.exports
    table = ExportTable(_pe.read_exports(read, base, header), base, header.sections)
    return Exported(table, base + start, size)


def _of_elf(read: Read, base: int) -> Exported:
    header = _elf.read_header(read, base)
    symbols = _elf.find_symbols(read, base, header)
    if symbols is None:
        return Exported(ExportTable([], base, header.segments), base, 0)
    exports = _elf.read_exports(read, base, header, symbols)
    return Exported(ExportTable(exports, base, header.segments), base + symbols.table, symbols.size)
