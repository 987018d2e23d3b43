"""Many small reads as few large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._errors import SystemFailure
from memaccess._records import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LONGEST = 1 << 20
"""Bytes that are read at once at the most; more bring nothing more."""


def merge(requests: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[list[int]]]:
    """Few places that cover all *requests* and touch no page besides theirs; and which requests lie in each.

    Requests and places are ``(size, address)``. A place can't be read only where one of its requests
    can't be read either.
    """
    places: list[tuple[int, int]] = []
    members: list[list[int]] = []
    start = end = apart = -1
    addresses = [address for _, address in requests]
    for index in sorted(range(len(requests)), key=addresses.__getitem__):
        size, address = requests[index]
        stop = address + size
        if address >= apart or stop - start > _LONGEST:
            if members:
                places.append((end - start, start))
            members.append([])
            start, end = address, -1
        members[-1].append(index)
        if stop > end:
            end = stop
            apart = (end - 1 | PAGE - 1) + 1 + PAGE  # from there on, a page lies in between
    if members:
        places.append((end - start, start))
    return places, members


def one_by_one(
    read: Callable[[int, int], bytes], places: Sequence[tuple[int, int]]
) -> Iterator[bytes | None]:
    """The bytes of each place ``(size, address)``, each by a call of *read*; None where that fails."""
    for size, address in places:
        try:
            data = read(size, address)
        except SystemFailure:
            yield None
        else:
            yield data
