"""The pointers that a program's memory has."""

from __future__ import annotations

import bisect
from array import array
from typing import TYPE_CHECKING

from memaccess._scan._pointers._numbering import Numbering, code_for
from memaccess._snapshots import merged

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOP = (1 << 64) - 1
"""The last byte there can be. It is no target: so the end of each one is a number of 64 bits."""


class Pointers:
    """Words of memory that point into given ranges, in order, as numbers: of four bytes, up to 4 GiB."""

    def __init__(self, width: int, targets: Iterable[tuple[int, int]]) -> None:
        self.width = width
        self.targets = Numbering(1)
        for start, size in merged(targets):
            self.targets.extend(start, min(size, _TOP - start))
        self.memory = Numbering(width)
        """Every word that was looked at."""
        self.places = array("I")
        """Where the pointers are: numbers in the memory."""
        self.values = array(code_for(len(self.targets)))
        """Where they point to: numbers in the targets."""

    def __len__(self) -> int:
        return len(self.places)

    def look_at(self, address: int, count: int) -> int:
        """Number that many words of the memory, of which some may be pointers; the number of the first."""
        first = len(self.memory)
        self.memory.extend(address, count)
        code = code_for(len(self.memory))
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
