"""The work on many pointers without NumPy."""

from __future__ import annotations

import bisect
from array import array
from typing import TYPE_CHECKING

from memaccess._scan._pointers._engines import BLOCK, table_shift
from memaccess._scan._pointers._numbering import code_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memaccess._scan._pointers._collected import Pointers
    from memaccess._scan._pointers._engines import Chain, Checkpoint, Numbers, Offsets, Span

_SOME, _ALL = 1, 2
"""How many numbers of an entry of the table are within reach."""


class PlainEngine:
    """An engine that needs nothing but Python."""

    def collect(self, pointers: Pointers, words: memoryview, first: int) -> None:
        starts, firsts = pointers.targets.starts, pointers.targets.firsts
        lowest, highest = pointers.targets.start, pointers.targets.end
        keep_place, keep_value = pointers.places.append, pointers.values.append
        start = end = shift = 0  # of the range that the last pointer led to, as most others do
        with words.cast("Q" if pointers.width == 8 else "I") as numbers:
            for place, value in enumerate(numbers, first):
                if start <= value < end:
                    keep_place(place)
                    keep_value(value - shift)
                elif lowest <= value < highest:
                    index = bisect.bisect_right(starts, value) - 1
                    offset = starts[index] - firsts[index]
                    if value - offset < firsts[index + 1]:
                        start, end, shift = starts[index], firsts[index + 1] + offset, offset
                        keep_place(place)
                        keep_value(value - shift)

    def reach(self, pointers: Pointers, level: Numbers, offsets: Offsets, checkpoint: Checkpoint) -> Numbers:
        least, most = offsets
        below = pointers.targets.below
        edges = array(pointers.values.typecode)
        for count, number in enumerate(level):
            if count % BLOCK == 0:
                checkpoint()
            place = pointers.place(number)
            start, end = below(place - most), below(place - least + 1)
            if edges and start <= edges[-1]:
                edges[-1] = end
            elif start < end:
                edges.extend((start, end))
        return edges

    def hits(
        self, pointers: Pointers, reach: Numbers, spans: Sequence[Span], checkpoint: Checkpoint
    ) -> Numbers:
        shift = table_shift(pointers.targets.count)
        table = bytearray((pointers.targets.count >> shift) + 1)
        for start, end in zip(reach[::2], reach[1::2], strict=True):
            for share, first, last in (
                (_SOME, start >> shift, -(-end >> shift)),
                (_ALL, -(-start >> shift), end >> shift),
            ):
                table[first:last] = bytes((share,)) * (last - first)
        found = array(code_for(len(pointers)))
        for first, end in spans:
            for block in range(first, end, BLOCK):
                checkpoint()
                values = pointers.values[block : min(block + BLOCK, end)]
                found.extend(
                    [  # in half the time that a generator takes
                        number
                        for number, value in enumerate(values, block)
                        if (known := table[value >> shift])
                        and (known == _ALL or bisect.bisect_right(reach, value) % 2)
                    ]
                )
        return found

    def chains(
        self,
        pointers: Pointers,
        levels: Sequence[Numbers],
        offsets: Sequence[Offsets],
        target: int,
        checkpoint: Checkpoint,
    ) -> Iterator[Chain]:
        def ways(way: tuple[int, ...], found: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
            checkpoint()
            value = pointers.value(way[-1])
            if len(way) == len(levels):
                yield (*found, target - value)
                return
            level = levels[len(way)]
            least, most = offsets[len(way) - 1]
            start, end = pointers.between(value + least, value + most + 1)
            for index in range(bisect.bisect_left(level, start), bisect.bisect_left(level, end)):
                number = level[index]
                if number not in way:
                    yield from ways((*way, number), (*found, pointers.place(number) - value))

        for base in levels[0]:
            address = pointers.place(base)
            for found in ways((base,), ()):
                yield address, found
