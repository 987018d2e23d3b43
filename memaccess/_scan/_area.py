"""Which memory a search goes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess._errors import WrongBitnessError
from memaccess._ranges import merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from memaccess._ranges import Range
    from memaccess._records import Region
    from memaccess._regions import Wanted


class Area(NamedTuple):
    """The memory of a search."""

    runs: list[Range]
    """Where it is: addresses and sizes in order; none touches another."""
    left_out: int
    """Bytes that a range asked for, and that have no readable memory, or none that is wanted."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(size for _, size in self.runs)


def area_of(
    regions_from: Callable[[int], Iterable[Region]], ranges: Iterable[Range] | None, wanted: Wanted, end: int
) -> Area:
    """The readable memory of the *ranges* that is as *wanted*; of all up to *end* without ranges."""
    memory = _Map(regions_from, wanted)
    if ranges is None:
        return Area(merged(memory.readable(0, end)), 0)
    asked = merged(ranges)
    found: list[Range] = []
    for address, size in asked:
        try:
            found.extend(memory.readable(address, address + size))
        except WrongBitnessError:
            if any(value is not None for value in wanted):
                raise  # a 32-bit Python can't see the map above 4 GiB, nor what the memory there is
            found.append((address, size))
    runs = merged(found)
    return Area(runs, sum(size for _, size in asked) - sum(size for _, size in runs))


class _Map:
    """The regions of a program, for questions about one range after the other, in their order.

    What one question to the system tells is used for all ranges that it is about: there may be many, and
    Linux tells the whole map each time.
    """

    def __init__(self, regions_from: Callable[[int], Iterable[Region]], wanted: Wanted) -> None:
        self._regions_from = regions_from
        self._wanted = wanted
        self._told: Iterator[Region] = iter(())
        self._region: Region | None = None

    def readable(self, start: int, stop: int) -> Iterator[Range]:
        """What can be read of the range, and is wanted. Guard pages are not: reading one takes its guard away."""
        address = start
        while address < stop:
            region = self._first_behind(address)
            if region is None or region.base >= stop:
                return
            if region.state == "committed" and region.readable and not region.guarded:
                first, last = max(region.base, start), min(region.end, stop)
                if self._wanted.has(region):
                    yield first, last - first
            address = region.end

    def _first_behind(self, address: int) -> Region | None:
        """The first region that ends behind that address; None where there is no more."""
        while self._region is None or self._region.end <= address:
            self._region = next(self._told, None)
            if self._region is None:
                self._told = iter(self._regions_from(address))
                self._region = next(self._told, None)
                if self._region is None or self._region.end <= address:
                    return None
        return self._region
