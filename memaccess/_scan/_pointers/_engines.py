"""What a pointer search needs done on millions of pointers, and who does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from memaccess._scan._pointers._collected import Pointers

    Numbers: TypeAlias = "array[int]"
    """Numbers of pointers, or of places that they point to; in order."""
    Span: TypeAlias = tuple[int, int]
    """The first of neighbouring pointers, and the first behind them."""
    Offsets: TypeAlias = tuple[int, int]
    """The least offset, and the most."""
    Chain: TypeAlias = tuple[int, tuple[int, ...]]
    """Where a chain begins, and what is added to each pointer."""
    Checkpoint: TypeAlias = Callable[[], object]
    """Called again and again; what it raises ends the work."""

BLOCK = 1 << 16
"""Pointers that are worked on at once, so that all about them stays in the processor's caches."""

_TABLE_BITS = 22
"""Entries of the table that most pointers are sorted out with: what the caches hold, too."""


def table_shift(count: int) -> int:
    """How many neighbouring numbers share an entry of the table, as a power of 2; there are *count*."""
    return max(count.bit_length() - _TABLE_BITS, 0)


class Engine(Protocol):
    """The work on many pointers."""

    def collect(self, pointers: Pointers, words: memoryview, first: int) -> None:
        """Keep those words that point to a target; *first* is the number of the first one."""
        ...

    def reach(self, pointers: Pointers, level: Numbers, offsets: Offsets, checkpoint: Checkpoint) -> Numbers:
        """The values that lead to a pointer of the level: where they begin and end, in turn."""
        ...

    def hits(
        self, pointers: Pointers, reach: Numbers, spans: Sequence[Span], checkpoint: Checkpoint
    ) -> Numbers:
        """The pointers in the spans whose values are within reach."""
        ...

    def chains(
        self,
        pointers: Pointers,
        levels: Sequence[Numbers],
        offsets: Sequence[Offsets],
        target: int,
        checkpoint: Checkpoint,
    ) -> Iterator[Chain]:
        """All ways through the levels, of which the first has the bases, and on to the target.

        In order of the base, then of the offsets, the first of these first. No way has a pointer twice.

        :param offsets: what may lie between each level and the next.
        """
        ...
