"""Which bytes of a pattern to look for first: those that few other places have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from memaccess._scan._patterns._pattern import Pattern

_COMMON = bytes.fromhex(
    "00 ff 01 48 8b 20 02 89 0f 24 04 cc 08 03 e8 4c 10 c0 40 80 74 41 65 85 83 44 8d 61 06 07"
)
"""The bytes that programs have the most of, the commonest first: zeros, small numbers, code of x86, letters."""

_COST = {byte: len(_COMMON) - index for index, byte in enumerate(_COMMON)}


class Anchor(NamedTuple):
    """Neighbouring bytes of a pattern that are known whole."""

    offset: int
    data: bytes


def rarest_pair(pattern: Pattern, places: range) -> Anchor | None:
    """The two neighbouring bytes, at one of the places, that are probably the rarest; None where no two are known."""
    pairs = [
        Anchor(offset, pattern.data[offset : offset + 2])
        for offset in places
        if pattern.mask[offset : offset + 2] == b"\xff\xff"
    ]
    return min(pairs, key=lambda pair: sum(_COST.get(byte, 0) for byte in pair.data), default=None)


def rarest_byte(pattern: Pattern) -> int:
    """The place of the byte that is probably the rarest: with the most bits known."""
    return min(
        range(len(pattern)),
        key=lambda offset: (-pattern.mask[offset].bit_count(), _COST.get(pattern.data[offset], 0)),
    )


def longest_run(pattern: Pattern) -> Anchor | None:
    """The longest run of bytes that are known whole; None where there is none."""
    runs = [
        Anchor(known.start(), pattern.data[known.start() : known.end()])
        for known in re.finditer(rb"\xff+", pattern.mask)
    ]
    return max(runs, key=lambda run: len(run.data), default=None)
