"""Which chains of pointers lead to an address."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from memaccess._ranges import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memaccess._scan._pointers._collected import Pointers
    from memaccess._scan._pointers._collector import Collector
    from memaccess._scan._pointers._engines import Chain, Checkpoint, Engine, Numbers, Offsets, Span


def chains(
    collector: Collector,
    target: int,
    static: Iterable[tuple[int, int]],
    depth: int,
    max_offset: int,
    *,
    min_offset: int = 0,
    ends_with: Sequence[int] = (),
    through_static: bool = False,
    checkpoint: Checkpoint = lambda: None,
) -> Iterator[Chain]:
    """All chains of pointers from static places to the target, the shortest first, found as they are asked for.

    Each is the address of its base and what is added to each pointer, from the base on:
    ``(base, (8, 16))`` is ``[[base]+8]+10``. Each has a pointer at least. None comes to the same place
    twice, the target among them. Chains of one length are in order of their base, then of their first
    offset, and so on.

    :param static: where a base may be, as addresses and sizes.
    :param depth: the most pointers of a chain.
    :param max_offset: the most that is added to a pointer.
    :param min_offset: the least; may be negative.
    :param ends_with: the last offsets, if only chains with these are wanted; they need not lie between
        the least and the most.
    :param through_static: whether static places may also come after the base. In Cheat Engine they never
        do: what follows such a place is a chain by itself, and a shorter one.
    :param checkpoint: called again and again; what it raises ends the search.
    :raises ValueError: the least offset is more than the most, or one does not fit 64 bits with its sign.
    """
    if not min_offset <= max_offset or not all(
        -1 << 63 <= each < 1 << 63 for each in (min_offset, max_offset, *ends_with)
    ):
        raise ValueError(f"offsets can't be from {min_offset} to {max_offset}, or at the end {ends_with}")
    offsets = [(each, each) for each in reversed(ends_with)]
    offsets += [(min_offset, max_offset)] * (depth - len(offsets))
    pointers = collector.pointers
    ranges = merged(static)
    bases = _spans(pointers, ranges, target)
    others = _spans(pointers, [(0, 1 << 64)] if through_static else _gaps(ranges), target)
    search = _Search(collector.engine, pointers, target, checkpoint)
    return search.chains(bases, others, offsets[:depth], max(len(ends_with), 1))


class _Search:
    """What stays the same while chains become longer."""

    def __init__(self, engine: Engine, pointers: Pointers, target: int, checkpoint: Checkpoint) -> None:
        self._engine = engine
        self._pointers = pointers
        self._target = target
        self._checkpoint = checkpoint

    def chains(
        self, bases: Sequence[Span], others: Sequence[Span], offsets: Sequence[Offsets], shortest: int
    ) -> Iterator[Chain]:
        """All chains up to the length of *offsets*, in which the last to be added comes first."""
        levels: list[Numbers] = []
        reach = self._reach_of_target(offsets)
        for length in range(1, len(offsets) + 1):
            if length >= shortest:
                first = self._hits(reach, bases)
                between = offsets[length - 1 : 0 : -1]
                yield from self._engine.chains(
                    self._pointers, [first, *reversed(levels)], between, self._target, self._checkpoint
                )
            if length < len(offsets):
                level = self._hits(reach, others)
                if not level:
                    return
                if levels and level == levels[-1]:
                    level = levels[-1]  # where all pointers are in reach, one copy of that will do
                levels.append(level)
                reach = self._engine.reach(self._pointers, level, offsets[length], self._checkpoint)

    def _reach_of_target(self, offsets: Sequence[Offsets]) -> Numbers:
        reach = array(self._pointers.values.typecode)
        below = self._pointers.targets.below
        for least, most in offsets[:1]:
            start, end = below(self._target - most), below(self._target - least + 1)
            if start < end:
                reach.extend((start, end))
        return reach

    def _hits(self, reach: Numbers, spans: Sequence[Span]) -> Numbers:
        return self._engine.hits(self._pointers, reach, spans, self._checkpoint)


def _gaps(ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What lies between the ranges, before them and behind them."""
    end = 0
    for start, size in ranges:
        yield end, start - end
        end = start + size
    yield end, (1 << 64) - end


def _spans(pointers: Pointers, ranges: Iterable[tuple[int, int]], target: int) -> list[Span]:
    """The pointers in those ranges, without one at the target."""
    found = []
    for start, size in ranges:
        end = start + size
        cuts = (start, target, target + 1, end) if start <= target < end else (start, end)
        found += [pointers.between(*each) for each in zip(cuts[::2], cuts[1::2], strict=True)]
    return [(first, end) for first, end in found if first < end]
