"""Many small reads as few large ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess._records import PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence


_LONGEST = 1 << 20
"""Bytes of a span at the most; larger reads bring nothing more."""


class Span(NamedTuple):
    """A stretch of memory to read at once, and the requests that lie in it."""

    address: int
    size: int
    members: tuple[int, ...]


def merge(requests: Sequence[tuple[int, int]]) -> list[Span]:
    """Few spans that cover all *requests* ``(size, address)`` and touch no page besides theirs.

    So a span can't be read only where one of its members can't be read either.
    """
    spans: list[Span] = []
    members: list[int] = []
    start = end = 0
    for index in sorted(range(len(requests)), key=lambda index: requests[index][1]):
        size, address = requests[index]
        apart = address // PAGE > (end - 1) // PAGE + 1
        if members and (apart or address + size - start > _LONGEST):
            spans.append(Span(start, end - start, tuple(members)))
            members = []
        if not members:
            start, end = address, address + size
        members.append(index)
        end = max(end, address + size)
    if members:
        spans.append(Span(start, end - start, tuple(members)))
    return spans
