"""Which memory a search goes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess._errors import WrongBitnessError
from memaccess._regions import walk
from memaccess._snapshots import merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from memaccess._records import Region
    from memaccess._regions import Wanted
    from memaccess._snapshots import Range


class Area(NamedTuple):
    """The memory of a search."""

    runs: list[Range]
    """Where it is: addresses and sizes in order; none touches another."""
    left_out: int
    """Bytes that a range asked for, and that have no readable memory."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(size for _, size in self.runs)


def area_of(
    regions_from: Callable[[int], Iterable[Region]], ranges: Iterable[Range] | None, wanted: Wanted, end: int
) -> Area:
    """The readable memory of the *ranges* that is as *wanted*; of all up to *end* without ranges."""
    if ranges is None:
        return Area(merged(_readable(regions_from, 0, end, wanted)), 0)
    asked = merged(ranges)
    found: list[Range] = []
    for address, size in asked:
        try:
            found.extend(_readable(regions_from, address, address + size, wanted))
        except WrongBitnessError:
            if any(value is not None for value in wanted):
                raise  # a 32-bit Python can't see the map above 4 GiB, nor what the memory there is
            found.append((address, size))
    runs = merged(found)
    return Area(runs, sum(size for _, size in asked) - sum(size for _, size in runs))


def _readable(
    regions_from: Callable[[int], Iterable[Region]], start: int, stop: int, wanted: Wanted
) -> Iterator[Range]:
    """Guard pages stay untouched: reading one takes its guard away."""
    for region in walk(regions_from, start, stop):
        if region.state == "committed" and region.readable and not region.guarded and wanted.has(region):
            first = max(region.base, start)
            yield first, min(region.end, stop) - first
