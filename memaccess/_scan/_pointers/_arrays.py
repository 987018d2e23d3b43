"""The work on many pointers with NumPy."""

from __future__ import annotations

import itertools
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from memaccess._scan._pointers._engines import BLOCK, table_shift
from memaccess._scan._pointers._numbering import code_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from memaccess._scan._pointers._collected import Pointers
    from memaccess._scan._pointers._engines import Chain, Checkpoint, Numbers, Offsets, Span
    from memaccess._scan._pointers._numbering import Numbering

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_TOP = (1 << 64) - 1

_BATCH = 1 << 12
"""Ways that are walked side by side: many for speed, few to begin soon."""

_MANY = 1 << 20
"""Pointers of which the places are not kept twice."""

_FEW = 1 << 16
"""Pointers for which making the table takes longer than doing without."""


class ArrayEngine:
    """An engine that has NumPy."""

    def collect(self, pointers: Pointers, words: memoryview, first: int) -> None:
        targets = pointers.targets
        starts, firsts = _shared(targets.starts), _shared(targets.firsts)
        shifts, ends = firsts[:-1] - starts, firsts[1:]
        numbers = np.frombuffer(words, f"<u{pointers.width}")
        lowest, size = (numbers.dtype.type(each) for each in (targets.start, targets.end - targets.start))
        for block in range(0, len(numbers), BLOCK):
            values = numbers[block : block + BLOCK]
            places = np.flatnonzero(values - lowest < size)  # what is lower becomes very high
            values = values[places].astype(np.uint64, copy=False)
            ranges = starts.searchsorted(values, "right") - 1
            values += shifts[ranges]
            is_target = values < ends[ranges]
            if not is_target.all():
                places, values = places[is_target], values[is_target]
            _append(pointers.places, places + (first + block))
            _append(pointers.values, values)

    def reach(self, pointers: Pointers, level: Numbers, offsets: Offsets, checkpoint: Checkpoint) -> Numbers:
        least, most = offsets
        edges = array(pointers.values.typecode)
        numbers = _shared(level)
        for block in range(0, len(numbers), BLOCK):
            checkpoint()
            places = _places(pointers, numbers[block : block + BLOCK])
            starts = _below(pointers.targets, _plus(places, -most))
            ends = _below(pointers.targets, _plus(places, 1 - least))
            some = starts < ends
            more = _merged(starts[some], ends[some])
            if edges and len(more) and more[0] <= edges[-1]:
                edges.pop()
                more = more[1:]
            _append(edges, more)
        return edges

    def hits(
        self, pointers: Pointers, reach: Numbers, spans: Sequence[Span], checkpoint: Checkpoint
    ) -> Numbers:
        edges, values = _shared(reach), _shared(pointers.values)
        shift = table_shift(pointers.targets.count)
        many = sum(end - start for start, end in spans) > _FEW
        table = _table(edges, shift, pointers.targets.count) if many else None
        found = array(code_for(len(pointers)))
        for start, end in spans:
            for block in range(start, end, BLOCK):
                checkpoint()
                some = values[block : min(block + BLOCK, end)]
                if table is None:
                    places = np.flatnonzero(edges.searchsorted(some, "right") & 1)
                else:
                    share = table.take((some >> shift).astype(np.intp), mode="clip")
                    places = np.flatnonzero(share)
                    unsure = np.flatnonzero(share[places] == 1)
                    if len(unsure):
                        is_hit = np.ones(len(places), bool)
                        is_hit[unsure] = edges.searchsorted(some[places[unsure]], "right") & 1
                        places = places[is_hit]
                _append(found, places + block)
        return found

    def chains(
        self,
        pointers: Pointers,
        levels: Sequence[Numbers],
        offsets: Sequence[Offsets],
        target: int,
        checkpoint: Checkpoint,
    ) -> Iterator[Chain]:
        bases = _shared(levels[0])
        others = [_Level(pointers, each) for each in levels[1:]]
        batches = (
            batch
            for first in range(0, len(bases), _BATCH)
            for batch in _walk(pointers, [bases[first : first + _BATCH]], others, offsets, checkpoint)
        )
        return itertools.chain.from_iterable(_written(pointers, batch, target) for batch in batches)


class _Level:
    """A level that places are looked up in."""

    def __init__(self, pointers: Pointers, level: Numbers) -> None:
        self.numbers = _shared(level)
        self._memory = pointers.memory
        self._all = _shared(pointers.places)
        # Looking through all places is slower, but for a large level needs no memory.
        self._places = self._all[self.numbers] if len(level) <= _MANY else None

    def first_from(self, addresses: Array) -> Array:
        """The first pointer at each address or behind it, as an index into the level."""
        places = _below(self._memory, addresses).astype(self._all.dtype)
        if self._places is not None:
            return self._places.searchsorted(places)
        return self.numbers.searchsorted(self._all.searchsorted(places).astype(self.numbers.dtype))


def _walk(
    pointers: Pointers,
    ways: list[Array],
    levels: Sequence[_Level],
    offsets: Sequence[Offsets],
    checkpoint: Checkpoint,
) -> Iterator[list[Array]]:
    """All ways on through the levels, in batches: the bases, and for each level the pointers of it."""
    checkpoint()
    if len(ways) > len(levels):
        yield ways
        return
    level = levels[len(ways) - 1]
    least, most = offsets[len(ways) - 1]
    values = _values(pointers, ways[-1])
    first, end = (level.first_from(_plus(values, each)) for each in (least, most + 1))
    ends = np.cumsum(end - first)  # if all that come next were in one row
    shifts = end - ends
    for start in range(0, int(ends[-1]) if len(ends) else 0, _BATCH):
        positions = np.arange(start, min(start + _BATCH, int(ends[-1])))
        sources = ends.searchsorted(positions, "right")
        found = level.numbers[positions + shifts[sources]]
        longer = [each[sources] for each in ways]
        fresh = np.ones(len(found), bool)
        for each in longer:
            fresh &= each != found
        longer.append(found)
        if not fresh.all():
            longer = [each[fresh] for each in longer]
        yield from _walk(pointers, longer, levels, offsets, checkpoint)


def _written(pointers: Pointers, ways: list[Array], target: int) -> Iterable[Chain]:
    """The ways as chains."""
    places = [_places(pointers, each) for each in ways]
    ends = [*places[1:], np.uint64(target)]
    # What two addresses differ by is right with its sign, too, though they have none.
    offsets = [
        (end - _values(pointers, each)).view(np.int64).tolist() for each, end in zip(ways, ends, strict=True)
    ]
    return zip(places[0].tolist(), zip(*offsets, strict=True), strict=True)


# -- numbers and addresses


def _places(pointers: Pointers, numbers: Array) -> Array:
    """Where those pointers are."""
    return _addresses(pointers.memory, _shared(pointers.places)[numbers])


def _values(pointers: Pointers, numbers: Array) -> Array:
    """Where they point to."""
    return _addresses(pointers.targets, _shared(pointers.values)[numbers])


def _addresses(numbering: Numbering, numbers: Array) -> Array:
    """What :meth:`Numbering.address` gives for each."""
    starts, firsts = _shared(numbering.starts), _shared(numbering.firsts)
    numbers = numbers.astype(np.uint64)
    ranges = firsts.searchsorted(numbers, "right") - 1
    return starts[ranges] + (numbers - firsts[ranges]) * np.uint64(numbering.step)


def _below(numbering: Numbering, addresses: Array) -> Array:
    """What :meth:`Numbering.below` gives for each."""
    starts, firsts = _shared(numbering.starts), _shared(numbering.firsts)
    ranges = starts.searchsorted(addresses, "right") - 1
    sizes = addresses - starts[ranges]
    step = np.uint64(numbering.step)
    counts = sizes // step + (sizes % step != 0)
    below: Array = np.minimum(firsts[ranges] + counts, firsts[ranges + 1])
    return below


def _plus(addresses: Array, offset: int) -> Array:
    """The sums; what would lie outside of 64 bits becomes the nearest that does not."""
    if offset < 0:
        return np.maximum(addresses, np.uint64(-offset)) - np.uint64(-offset)
    return np.minimum(addresses, np.uint64(_TOP - offset)) + np.uint64(offset)


# -- stretches of numbers, as where they begin and end in turn


def _merged(starts: Array, ends: Array) -> Array:
    """The stretches in order and apart; *starts* are in order, and so are *ends*."""
    apart = np.ones(len(starts) + 1, bool)
    apart[1:-1] = starts[1:] > ends[:-1]
    return np.column_stack((starts[apart[:-1]], ends[apart[1:]])).ravel()


def _table(edges: Array, shift: int, count: int) -> Array:
    """For each entry: 2 if the stretches have all of its numbers, 1 if some, else 0."""
    starts, ends = edges[::2], edges[1::2]
    some = _merged(starts >> shift, (ends - 1 >> shift) + 1)
    firsts, lasts = starts >> shift, ends >> shift
    firsts += firsts << shift != starts  # of an entry that they begin in the middle of, they lack some
    whole = firsts < lasts
    table = np.zeros((count >> shift) + 2, np.int8)
    for first, end in ((some[::2], some[1::2]), (firsts[whole], lasts[whole])):
        table[first] += 1
        table[end] -= 1
    return np.cumsum(table, dtype=np.int8, out=table)


# -- arrays of Python, which grow, as arrays of NumPy


def _shared(numbers: Numbers) -> Array:
    """The same memory."""
    return np.frombuffer(numbers, f"u{numbers.itemsize}")


def _append(numbers: Numbers, more: Array) -> None:
    numbers.frombytes(more.astype(f"u{numbers.itemsize}").view(np.uint8))  # type: ignore[arg-type]
