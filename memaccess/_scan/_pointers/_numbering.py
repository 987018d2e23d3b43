"""Places in memory, numbered without the gaps between them."""

from __future__ import annotations

import bisect
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal


class Numbering:
    """Places of *step* bytes in ranges of memory, numbered from 0 in order of address."""

    def __init__(self, step: int) -> None:
        self.step = step
        # A range of no places at address 0 comes first, so that every address is behind some start;
        # and how many places there are comes last, so that every range has a next one.
        self.starts = array("Q", [0])
        self.firsts = array("Q", [0, 0])

    @property
    def count(self) -> int:
        """How many places there are."""
        return self.firsts[-1]

    @property
    def start(self) -> int:
        """Where the first range begins."""
        return (self.starts[1:2] or self.starts)[0]

    @property
    def end(self) -> int:
        """Where the last range ends."""
        return self.starts[-1] + (self.firsts[-1] - self.firsts[-2]) * self.step

    def extend(self, start: int, count: int) -> None:
        """Number that many places from *start* on, which lies behind all others."""
        if start == self.end and self.count:
            self.firsts[-1] += count
        else:
            self.starts.append(start)
            self.firsts.append(self.count + count)

    def address(self, number: int) -> int:
        """Where the place with that number is."""
        index = bisect.bisect_right(self.firsts, number) - 1
        return self.starts[index] + (number - self.firsts[index]) * self.step

    def below(self, address: int) -> int:
        """How many places begin below that address, which need not be one itself."""
        index = bisect.bisect_right(self.starts, max(address, 0)) - 1
        count = -((self.starts[index] - max(address, 0)) // self.step)
        return min(self.firsts[index] + count, self.firsts[index + 1])


def code_for(count: int) -> Literal["I", "Q"]:
    """The type of an array that can hold each number up to *count*, itself too: four bytes, or eight."""
    return "I" if count < 1 << 32 else "Q"
