"""Ranges of memory, as an address and a size each: in order, together, without others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Range: TypeAlias = tuple[int, int]
    """An address, and how many bytes from there on."""


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same memory as ranges that are in order and don't touch; without empty ones."""
    found: list[Range] = []
    for address, size in sorted(ranges):
        if found and address <= sum(found[-1]):
            start, known = found[-1]
            found[-1] = start, max(known, address + size - start)
        elif size:
            found.append((address, size))
    return found


def without(ranges: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """The parts of *ranges* that none of *others* has; both as :func:`merged` gives them."""
    found: list[Range] = []
    position = 0
    for address, size in ranges:
        start, stop = address, address + size
        while position < len(others) and others[position][0] < stop:
            other_start, other_stop = others[position][0], sum(others[position])
            if other_start > start:
                found.append((start, other_start - start))
            start = max(start, other_stop)
            if other_stop > stop:
                break  # it may reach into the next range
            position += 1
        if start < stop:
            found.append((start, stop - start))
    return found
