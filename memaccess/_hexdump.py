"""Memory as the lines of a hex dump: addresses, modules, bytes, text."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._arguments import as_source, checked_count
from memaccess._snapshots import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from memaccess._records import Module
    from memaccess._types import DataModel

    Cells: TypeAlias = list[int | None]
    """Bytes one by one; None for each that is not known."""

_GROUP = 8
"""Bytes between which there is no wider gap."""
_SHOWN = 256
"""Lines of a repr."""
_HEX = [f"{value:02X}" for value in range(256)]
_TEXT = [chr(value) if 0x20 <= value < 0x7F else "." for value in range(256)]


class Part(NamedTuple):
    """What of a program's memory is shown, and how."""

    address: int
    size: int
    width: int
    """Bytes of a line."""
    bitness: int
    """Of the program."""
    modules: list[Module]
    """Those that have a byte of it."""


class HexDump:
    """Lines of memory as text; see :meth:`MemoryView.hexdump <memaccess.MemoryView.hexdump>`.

    ``str()`` is the text. So is ``repr()``, for a REPL to show it, up to 256 lines. Each line is made
    when it is wanted: iterate over a large dump.
    """

    __module__ = "memaccess.snapshots"

    address: int
    """Where it begins."""
    size: int
    """How many bytes it shows."""

    def __init__(self, part: Part, now: Snapshot, before: Snapshot | None) -> None:
        self.address = part.address
        self.size = part.size
        self._part = part
        self._now = now
        self._before = Snapshot(now._model, ()) if before is None else before
        self._column = max(map(len, map(self._place_of, _lines_with_places(part))), default=0)

    @property
    def data(self) -> bytes:
        """The bytes that it shows, with zeros where nothing could be read."""
        data = bytearray(self.size)
        for address, piece in self._now._between(self.address, self.address + self.size):
            data[address - self.address : address - self.address + len(piece)] = piece
        return bytes(data)

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """The parts that could not be read, each as its address and its size in bytes, in order."""
        return self._now.missing

    @property
    def lines(self) -> list[str]:
        """All lines."""
        return list(self)

    def __iter__(self) -> Iterator[str]:
        return map(self._line, range(self.address, self.address + self.size, self._part.width))

    def __str__(self) -> str:
        return "\n".join(self)

    def __repr__(self) -> str:
        # A prompt shows it, and should not be busy with it for minutes.
        lines = list(itertools.islice(self, _SHOWN))
        more = -(-self.size // self._part.width) - len(lines)
        if more:
            lines.append(f"... {more} more line{'s' * (more != 1)}; print() or iterate")
        return "\n".join(lines)

    def _line(self, address: int) -> str:
        # A single line that is short has no other one to be in line with.
        width = min(self._part.width, self.size)
        count = min(width, self.address + self.size - address)
        now = self._now._cells(count, address)
        before = self._before._cells(count, address)
        place = f"  {self._place_of(address):<{self._column}}" if self._column else ""
        text = "".join("?" if cell is None else _TEXT[cell] for cell in now)
        return f"{address:0{self._part.bitness // 4}X}{place} {_bytes(now, before, width)}  {text}"

    def _place_of(self, address: int) -> str:
        """The address as its module and the offset in that; ``''`` where it is in none."""
        for module in self._part.modules:
            if module.base <= address < module.end:
                return f"{module.name}+{address - module.base:X}"
        return ""


def _lines_with_places(part: Part) -> Iterator[int]:
    """For each module the last line that begins in it: none of its lines has a longer offset."""
    for module in part.modules:
        last = min(module.end, part.address + part.size) - 1
        yield last - (last - part.address) % part.width


def _bytes(now: Cells, before: Cells, width: int) -> str:
    """The bytes of a line, each with its mark or a blank in front of it, as wide as those of a full line."""
    line = []
    for position in range(width):
        gap = " " if position and position % _GROUP == 0 else ""
        shown = _byte(now[position], before[position]) if position < len(now) else "   "
        line.append(gap + shown)
    return "".join(line)


def _byte(now: int | None, before: int | None) -> str:
    if now is None:
        return " ??"
    mark = " " if before is None or before == now else "*"
    return mark + _HEX[now]


def checked_width(width: Any) -> int:
    """*width* as an int.

    :raises ValueError: no line can have so few bytes.
    """
    number = checked_count(width)
    if not number:
        raise ValueError("a line has 1 byte or more, not 0")
    return number


def earlier(since: Any, size: int, address: int, model: DataModel) -> Snapshot | None:
    """What the memory is compared with, as a snapshot.

    :raises TypeError: it is nothing of the kind.
    :raises ValueError: it is bytes of another length.
    """
    if since is None or isinstance(since, Snapshot):
        return since
    if isinstance(since, HexDump):
        return since._now
    try:
        data = bytes(as_source(since))
    except TypeError:
        raise TypeError(
            f"since is a HexDump, a Snapshot or a bytes-like object, not {type(since).__name__}"
        ) from None
    if len(data) != size:
        raise ValueError(f"since has {len(data)} bytes, and the dump has {size}")
    return Snapshot(model, ((address, data),))
