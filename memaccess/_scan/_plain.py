"""Looking and comparing with what Python itself has, where there is no NumPy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memaccess._scan._anchors import longest_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memaccess._scan._pattern import Pattern


def finder(pattern: Pattern) -> Callable[[bytearray, int], Sequence[int]]:
    """What finds a pattern: the places below a limit at which it begins, in data that goes on behind it."""
    run = longest_run(pattern)
    if run is None:
        return _finder_of_half_bytes(pattern)
    offset, known = run
    length, mask = len(pattern), int.from_bytes(pattern.mask, "little")
    value = int.from_bytes(pattern.data, "little")
    is_plain = len(known) == length

    def places(data: bytearray, limit: int) -> Iterator[int]:
        find, end = data.find, limit - 1 + offset + len(known)
        at = find(known, offset, end)
        while at >= 0:
            start = at - offset
            if is_plain or int.from_bytes(data[start : start + length], "little") & mask == value:
                yield start
            at = find(known, at + 1, end)

    return lambda data, limit: list(places(data, limit))


def _finder_of_half_bytes(pattern: Pattern) -> Callable[[bytearray, int], Sequence[int]]:
    classes = b"".join(
        b"[" + b"".join(re.escape(bytes([byte])) for byte in range(256) if byte & mask == value) + b"]"
        for value, mask in zip(pattern.data, pattern.mask, strict=True)
    )
    find = re.compile(b"(?=" + classes + b")", re.DOTALL).finditer

    def places(data: bytearray, limit: int) -> list[int]:
        return [match.start() for match in find(data, 0, limit + len(pattern) - 1)]

    return places
