"""The pointers that a program's memory has."""

from __future__ import annotations

import bisect
from array import array
from typing import TYPE_CHECKING

from memaccess._ranges import merged
from memaccess._scan._pointers._numbering import Numbering, code_for

if TYPE_CHECKING:
    from collections.abc import Iterable


class Pointers:
    """Words of memory that point into given ranges, in order, as numbers: of four bytes, up to 4 GiB."""

    def __init__(self, width: int, targets: Iterable[tuple[int, int]]) -> None:
        self.width = width
        self.targets = Numbering(1)
        # The last byte there can be is no target: so the end of each of them has a pointer's width, too.
        top = (1 << width * 8) - 1
        for start, size in merged(targets):
            if start < top:
                self.targets.extend(start, min(size, top - start))
        self.memory = Numbering(width)
        """Every word that was looked at."""
        self.places = array("I")
        """Where the pointers are: numbers in the memory."""
        self.values = array(code_for(self.targets.count))
        """Where they point to: numbers in the targets."""

    def __len__(self) -> int:
        return len(self.places)

    def look_at(self, address: int, count: int) -> int:
        """Number that many words of the memory, of which some may be pointers; the number of the first."""
        first = self.memory.count
        self.memory.extend(address, count)
        code = code_for(self.memory.count)
        if code != self.places.typecode:
            self.places = array(code, self.places)
        return first

    def place(self, number: int) -> int:
        """Where that pointer is."""
        return self.memory.address(self.places[number])

    def value(self, number: int) -> int:
        """Where it points to."""
        return self.targets.address(self.values[number])

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The pointers whose places are there: the first of them, and the first behind them."""
        below = self.memory.below
        return bisect.bisect_left(self.places, below(start)), bisect.bisect_left(self.places, below(end))
