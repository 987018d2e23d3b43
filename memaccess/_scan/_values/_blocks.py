"""What a scan has found: candidates, in blocks that are as small as they can be.

Where many places of a stretch of memory are candidates, all of its bytes are kept, with a bit for each place;
where few are, the numbers of those places and their values: what takes less. Where all values are the same, just that one.
"""

from __future__ import annotations

import bisect
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from memaccess._scan._comparing._slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._scan._comparing._kernels import Kernels
    from memaccess._scan._values._store import Ref, Store

NUMBER = 4
"""Bytes that the number of a place takes."""

_FULL = 1 << 16
"""Candidates of a block of few, at least, before another one begins."""

_REACH = 1 << 32
"""So many places can be numbered from one."""


class Grid(NamedTuple):
    """How the values of a scan stand in memory."""

    width: int
    """Bytes of a value."""
    step: int
    """Bytes from one place to the next."""

    def slots(self, data: bytes | bytearray, offset: int, count: int) -> Slots:
        """Places in a buffer that is memory."""
        return Slots(data, offset, count, self.step, self.width)

    def packed(self, data: bytes, count: int) -> Slots:
        """Values one behind the other."""
        return Slots(data, 0, count, self.width, self.width)


class Dense(NamedTuple):
    """Candidates in a stretch of memory that has many."""

    address: int
    """Where the first place is."""
    places: int
    """How many there are."""
    hits: int
    """How many of them are candidates."""
    bits: Ref | None
    """One for each place; None where all are candidates."""
    values: Ref | bytes
    """All bytes of the stretch, or more from its beginning on; or what each candidate has."""


class Sparse(NamedTuple):
    """Candidates that are a few of many places."""

    address: int
    """Where the place with the number 0 is."""
    hits: int
    numbers: Ref
    """Those of their places, in order, each as 4 bytes."""
    values: Ref | bytes
    """Theirs, one behind the other; or what each has."""


class Few(NamedTuple):
    """As :class:`Sparse`, before it is stored."""

    address: int
    hits: int
    numbers: bytes
    values: bytes
    """One behind the other; empty where all have the same."""


Block: TypeAlias = Dense | Sparse


class Writer:
    """Makes the blocks of a generation, from parts that come in order of their addresses."""

    def __init__(self, kernels: Kernels, grid: Grid, constant: bytes | None, store: Store) -> None:
        self._kernels = kernels
        self._grid = grid
        self._constant = constant
        self._blocks: list[Block] = []
        self._few: list[Few] = []
        self._pending = 0
        self.store = store

    def add(self, part: Dense | Few) -> None:
        if isinstance(part, Dense):
            self._flush()
            self._blocks.append(part)
            return
        if self._few and not self._fits(part):
            self._flush()
        self._few.append(part)
        self._pending += part.hits
        if self._pending >= _FULL:
            self._flush()

    def _fits(self, part: Few) -> bool:
        """Whether its places can be numbered from the first of those that wait."""
        distance, rest = divmod(part.address - self._few[0].address, self._grid.step)
        last = int.from_bytes(part.numbers[-NUMBER:], "little")
        return distance + last < _REACH and not rest

    def finish(self) -> Generation:
        """All that was added."""
        self._flush()
        return Generation(self._grid, self._blocks)

    def _flush(self) -> None:
        if not self._few:
            return
        start = self._few[0].address
        numbers = b"".join(
            self._kernels.shift(each.numbers, (each.address - start) // self._grid.step) for each in self._few
        )
        values = self._constant
        stored = self.store.put(b"".join(each.values for each in self._few)) if values is None else values
        self._blocks.append(Sparse(start, self._pending, self.store.put(numbers), stored))
        self._few, self._pending = [], 0


class Generation:
    """The candidates after one scan, with the values that they had then."""

    def __init__(self, grid: Grid, blocks: list[Block]) -> None:
        self.grid = grid
        self.blocks = blocks
        self._ends = list(accumulate(block.hits for block in blocks))
        self._starts = [block.address for block in blocks]

    @property
    def count(self) -> int:
        """How many candidates there are."""
        return self._ends[-1] if self._ends else 0

    def items(self, kernels: Kernels, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """The candidates from one number to another: their addresses and their values."""
        index = bisect.bisect_right(self._ends, start)
        while start < stop:
            block = self.blocks[index]
            before = self._ends[index] - block.hits
            last = min(stop, self._ends[index])
            numbers = numbers_of(kernels, block)[NUMBER * (start - before) : NUMBER * (last - before)]
            values = self.values_at(kernels, block, numbers)
            width = self.grid.width
            for position, number in enumerate(memoryview(numbers).cast("I")):
                yield (
                    block.address + number * self.grid.step,
                    values[position * width : (position + 1) * width],
                )
            start, index = last, index + 1

    def values_at(self, kernels: Kernels, block: Block, numbers: bytes) -> bytes:
        """What candidates of a block had, by the numbers of their places."""
        count = len(numbers) // NUMBER
        if isinstance(block.values, bytes):
            return block.values * count
        if isinstance(block, Dense):
            slots = self.grid.slots(block.values.load(), 0, block.places)
            return kernels.take(slots, numbers)
        if count == block.hits:
            return block.values.load()
        among = kernels.indexes(numbers, block.numbers.load())
        return kernels.take(self.grid.packed(block.values.load(), block.hits), among)

    def around(self, address: int, size: int) -> Dense | None:
        """The block of which so many bytes from an address on, where a place is, are a part; None where there is none."""
        block = self.blocks[max(bisect.bisect_right(self._starts, address) - 1, 0)]
        offset = address - block.address
        if not isinstance(block, Dense) or offset < 0 or offset % self.grid.step:
            return None
        end = (block.places - 1) * self.grid.step + self.grid.width
        return block if offset + size <= end else None

    def values_of(self, kernels: Kernels, address: int, numbers: bytes) -> bytes:
        """What candidates had, by the numbers of their places, counted from an address; all of them are candidates here."""
        shares = self._shares(kernels, address, numbers)
        return b"".join(self.values_at(kernels, block, there) for block, there in shares)

    def has(self, kernels: Kernels, address: int, numbers: bytes) -> bool:
        """Whether those places, numbered from an address, are candidates.

        :raises LookupError: some are not; and so with OverflowError.
        """
        for block, there in self._shares(kernels, address, numbers):
            every = numbers_of(kernels, block)
            slots = Slots(every, 0, block.hits, NUMBER, NUMBER)
            if kernels.take(slots, kernels.indexes(there, every)) != there:
                return False
        return True

    def _shares(self, kernels: Kernels, address: int, numbers: bytes) -> Iterator[tuple[Block, bytes]]:
        """In which blocks those places are, and the numbers that they have there."""
        step = self.grid.step
        done, total = 0, len(numbers) // NUMBER
        index = max(bisect.bisect_right(self._starts, address) - 1, 0)
        while done < total:
            block = self.blocks[index]
            after = self._starts[index + 1] if index + 1 < len(self.blocks) else None
            first = (block.address - address) // step
            # Of a module that was moved, the places need not be a number of steps from those of others.
            last = _REACH if after is None else -((address - after) // step)
            _, stop = kernels.between(numbers, 0, max(last, 0))
            if stop > done:
                yield block, kernels.shift(numbers[NUMBER * done : NUMBER * stop], -first)
                done = stop
            index += 1


def numbers_of(kernels: Kernels, block: Block) -> bytes:
    """The numbers of the places of all candidates of a block."""
    if isinstance(block, Sparse):
        return block.numbers.load()
    if block.bits is None:
        return kernels.positions(kernels.opposite(kernels.mask_of(b"", block.places)))
    return kernels.positions(kernels.from_bitmap(block.bits.load(), 0, block.places))
