"""Looking and comparing with NumPy: at the speed of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memaccess._scan._anchors import rarest_byte, rarest_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from memaccess._scan._pattern import Pattern

    Places = npt.NDArray[np.intp]


def finder(pattern: Pattern) -> Callable[[bytearray, int], Sequence[int]]:
    """What finds a pattern: the places below a limit at which it begins, in data that goes on behind it."""
    first = _pair_finder(pattern) or _byte_finder(pattern)
    checks = _other_bytes(pattern)

    def places(data: bytearray, limit: int) -> Sequence[int]:
        found = first(data, limit)
        if not len(found):
            return ()
        content = np.frombuffer(data, np.uint8)
        for offset, value, mask in checks:
            here = content[found + offset]
            found = found[(here if mask == 0xFF else here & mask) == value]
        result: list[int] = found.tolist()
        return result

    return places


def _pair_finder(pattern: Pattern) -> Callable[[bytearray, int], Places] | None:
    """Two bytes are found as one number, once at even places and once at odd ones: faster than one byte alone."""
    pair = rarest_pair(pattern)
    if pair is None:
        return None
    value = np.frombuffer(pair.data, "<u2")[0]

    def places(data: bytearray, limit: int) -> Places:
        even, odd = (
            np.flatnonzero(
                np.frombuffer(data, "<u2", (limit - parity + 1) // 2, pair.offset + parity) == value
            )
            for parity in (0, 1)
        )
        if not len(odd):
            return even * 2
        found = np.concatenate((even * 2, odd * 2 + 1))
        if len(even):
            found.sort()
        return found

    return places


def _byte_finder(pattern: Pattern) -> Callable[[bytearray, int], Places]:
    offset = rarest_byte(pattern)
    value, mask = np.uint8(pattern.data[offset]), pattern.mask[offset]

    def places(data: bytearray, limit: int) -> Places:
        content = np.frombuffer(data, np.uint8, limit, offset)
        return np.flatnonzero((content if mask == 0xFF else content & np.uint8(mask)) == value)

    return places


def _other_bytes(pattern: Pattern) -> list[tuple[int, Any, Any]]:
    """The bytes that are looked at where the first two are right; the best known first."""
    known = [
        (offset, np.uint8(value), np.uint8(mask))
        for offset, (value, mask) in enumerate(zip(pattern.data, pattern.mask, strict=True))
        if mask
    ]
    return sorted(known, key=lambda each: -int(each[2]).bit_count())
