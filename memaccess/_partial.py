"""Reading what can be read of a range, and naming what can't."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from memaccess._errors import Cause, SystemFailure
from memaccess._records import PAGE, PartialRead
from memaccess._regions import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._backend._interface import Process
    from memaccess._records import Region

_NOT_OF_THE_MEMORY = (Cause.CLOSED, Cause.DENIED, Cause.OUT_OF_REACH, Cause.REPLACED)
"""Why nothing can be read, whatever the memory is."""


def read_available(process: Process, size: int, address: int) -> PartialRead:
    """Read the range region by region, and page by page where a region changes under our hands.

    :raises SystemFailure: the program has ended or was replaced, or the view was closed.
    """
    data = bytearray(size)
    missing: list[tuple[int, int]] = []
    for start, stop, how in _parts(process, address, address + size):
        for position, piece in _read_part(process, start, stop, how):
            if isinstance(piece, int):
                _add_missing(missing, position, piece)
            else:
                data[position - address : position - address + len(piece)] = piece
    return PartialRead(address, bytes(data), tuple(missing))


class _How(enum.Enum):
    """How a part of the range is read."""

    NOT = enum.auto()
    """Nothing is there; asking would take seconds for a GiB."""
    WHOLE = enum.auto()
    """It can probably not be read, and then no page of it can."""
    HALVING = enum.auto()
    """Pages of it may be readable where all together are not."""


def _parts(process: Process, address: int, end: int) -> Iterator[tuple[int, int, _How]]:
    """The range cut by regions: start, stop, and how to read it."""
    regions = walk(process.regions_from, address, end)
    while address < end:
        try:
            region = next(regions, None)
        except SystemFailure:
            yield address, end, _How.HALVING  # a 32-bit Python can't see the map above 4 GiB
            return
        if region is None:
            yield address, end, _How.NOT
            return
        stop = min(region.end, end)
        yield address, stop, _how(region)
        address = stop


def _how(region: Region) -> _How:
    if region.state == "free":
        return _How.NOT
    readable = region.state == "committed" and region.readable and not region.guarded
    return _How.HALVING if readable else _How.WHOLE


def _read_part(process: Process, start: int, stop: int, how: _How) -> Iterator[tuple[int, bytes | int]]:
    """The bytes of what can be read, the size of what can't; halves what fails, down to pages."""
    if how is _How.NOT:
        yield start, stop - start
        return
    try:
        yield start, process.read(stop - start, start)
        return
    except SystemFailure as failure:
        if failure.cause in _NOT_OF_THE_MEMORY or not process.is_alive():
            raise
    middle = (start + stop) // 2 // PAGE * PAGE
    if middle <= start:
        middle = (start // PAGE + 1) * PAGE
    if how is _How.WHOLE or middle >= stop:
        yield start, stop - start
        return
    yield from _read_part(process, start, middle, how)
    yield from _read_part(process, middle, stop, how)


def _add_missing(missing: list[tuple[int, int]], address: int, size: int) -> None:
    """Note a part that could not be read, as one with the part before it where they touch."""
    if missing and sum(missing[-1]) == address:
        address, size = missing[-1][0], missing[-1][1] + size
        missing.pop()
    missing.append((address, size))
