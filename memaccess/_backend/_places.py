"""Where a system can put new memory near an address. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._regions import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from memaccess._records import AddressSpace, Region

GRANULARITY = 0x10000
"""Allocations of Windows begin at multiples of it: dwAllocationGranularity.

https://learn.microsoft.com/windows/win32/api/sysinfoapi/ns-sysinfoapi-system_info
"""
REACH = 0x7FFF_0000
"""How far a jump of x64 reaches: 32 bits with a sign, less a granule for where in the memory it stands."""


def places_near(
    near: int, size: int, space: AddressSpace, regions_from: Callable[[int], Iterable[Region]]
) -> list[int]:
    """Addresses for *size* bytes that are free, and all within reach of *near*: the nearest first."""
    lowest = max(space.lowest, near - REACH)
    highest = min(space.end, near + REACH) - size
    found = [
        place
        for region in walk(regions_from, lowest, highest + size)
        if region.state == "free"
        for place in _places_in(max(region.base, lowest), min(region.end, highest + size), near, size)
    ]
    return sorted(found, key=lambda place: abs(place - near))


def _places_in(start: int, end: int, near: int, size: int) -> set[int]:
    """The places in a free range that are nearest: at its ends, or around *near* itself."""
    first = -(-start // GRANULARITY) * GRANULARITY
    last = (end - size) // GRANULARITY * GRANULARITY
    if first > last:
        return set()
    below = near // GRANULARITY * GRANULARITY
    return {min(max(place, first), last) for place in (below, below + GRANULARITY)}
