"""Reading what can be read of a range, and naming what can't."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._errors import SystemFailure
from memaccess._records import PAGE, PartialRead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memaccess._backend._interface import Process
    from memaccess._records import Region


def read_available(process: Process, size: int, address: int) -> PartialRead:
    """Read the range region by region, and page by page where a region changes under our hands."""
    data = bytearray(size)
    missing: list[tuple[int, int]] = []
    for start, stop, region in _parts(process, address, address + size):
        if region is not None and region.state == "free":
            _add_missing(missing, start, stop - start)  # asking would take seconds for a free GiB
            continue
        for position, piece in _read_part(process.read, start, stop, _is_worth_halving(region)):
            if isinstance(piece, int):
                _add_missing(missing, position, piece)
            else:
                data[position - address : position - address + len(piece)] = piece
    return PartialRead(address, bytes(data), tuple(missing))


def _parts(process: Process, address: int, end: int) -> Iterator[tuple[int, int, Region | None]]:
    """The range cut by regions: start, stop, and the region, or None where the system does not tell it."""
    while address < end:
        region = _region_if_known(process, address)
        stop = end if region is None else min(region.end, end)
        yield address, stop, region
        address = stop


def _is_worth_halving(region: Region | None) -> bool:
    """Whether some pages may be readable where all together are not."""
    return region is None or (region.state == "committed" and region.readable and not region.guarded)


def _region_if_known(process: Process, address: int) -> Region | None:
    try:
        return process.region_at(address)
    except SystemFailure:
        return None  # a 32-bit Python can't see the map of a 64-bit program above 4 GiB


def _read_part(
    read: Callable[[int, int], bytes], start: int, stop: int, by_page: bool
) -> Iterator[tuple[int, bytes | int]]:
    """The bytes of what can be read, the size of what can't; halves what fails, down to pages."""
    try:
        yield start, read(stop - start, start)
        return
    except SystemFailure:
        middle = (start + stop) // 2 // PAGE * PAGE
        if middle <= start:
            middle = (start // PAGE + 1) * PAGE
    if not by_page or middle >= stop:
        yield start, stop - start
        return
    yield from _read_part(read, start, middle, by_page)
    yield from _read_part(read, middle, stop, by_page)


def _add_missing(missing: list[tuple[int, int]], address: int, size: int) -> None:
    """Note a part that could not be read, as one with the part before it where they touch."""
    if missing and sum(missing[-1]) == address:
        address, size = missing[-1][0], missing[-1][1] + size
        missing.pop()
    missing.append((address, size))
