"""One way through memory for a scan: the first one, over all of it, and the next ones, over what was found."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._scan import _sweep
from memaccess._scan._buffers import aligned_buffer
from memaccess._scan._comparing._relations import Relation
from memaccess._scan._values._blocks import NUMBER, Dense, Few, Generation, Sparse, Writer, numbers_of
from memaccess._scan._values._store import Ref, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memaccess._ranges import Range
    from memaccess._records import PartialRead
    from memaccess._scan._comparing._kernels import Kernels
    from memaccess._scan._monitor import Monitor
    from memaccess._scan._sweep import Look, Memory
    from memaccess._scan._values._blocks import Block, Grid
    from memaccess._scan._values._kinds import Kind, Test

_GAP = 1 << 14
"""Candidates that are so many bytes apart are read one by one; nearer ones with all between them."""

_AT_ONCE = 1 << 20
"""So much is read with all between them: each time that is a new object, and larger ones take longer to make."""


class Track(NamedTuple):
    """One of the kinds of values that a scan looks for, and what is wanted of it."""

    kind: Kind
    grid: Grid
    test: Test | None
    """None for all that there is."""


class Means(NamedTuple):
    """What a scan works with."""

    memory: Memory
    kernels: Kernels
    monitor: Monitor
    folder: str | None
    """Where its files are; the system's folder for such files, where it is None."""


def first_scan(means: Means, runs: Sequence[Range], tracks: Sequence[Track]) -> list[Generation]:
    """The candidates of each track, of all that memory."""
    writers = [_writer(means, track) for track in tracks]
    overlap = max(track.grid.width for track in tracks) - 1
    # All of the memory is kept once, however many types it is kept for.
    everything = Store(means.folder) if all(track.test is None for track in tracks) else None

    def make_look() -> Look[list[tuple[int, Dense | Few]]]:
        looks = [
            _first_look(means.kernels, track, writer.store)
            for track, writer in zip(tracks, writers, strict=True)
        ]

        def look(
            address: int, data: bytearray, size: int, places: int
        ) -> list[tuple[int, Dense | Few]] | None:
            whole = None if everything is None else everything.put(memoryview(data)[:size])
            with means.kernels.apart():
                parts = [
                    (index, each(address, data, size, places, whole)) for index, each in enumerate(looks)
                ]
            return [(index, part) for index, part in parts if part is not None] or None

        return look

    for parts in _sweep.sweep(means.memory, runs, overlap, make_look, means.monitor):
        for index, part in parts:
            writers[index].add(part)
    return [writer.finish() for writer in writers]


def _writer(means: Means, track: Track) -> Writer:
    constant = None if track.test is None else track.kind.constant(track.test)
    return Writer(means.kernels, track.grid, constant, Store(means.folder))


def _first_look(
    kernels: Kernels, track: Track, store: Store
) -> Callable[[int, bytearray, int, int, Ref | None], Dense | Few | None]:
    """As :class:`~memaccess._scan._sweep.Look`, with *whole*: the chunk as it was stored, where every slot is kept."""
    kind, grid, test = track
    find = None if test is None else kind.looker(kernels, test)
    parts = _Parts(kernels, kind, grid, test, store)

    def look(address: int, data: bytearray, size: int, places: int, whole: Ref | None) -> Dense | Few | None:
        offset = -address % grid.step
        count = (min(places - 1, size - grid.width) - offset) // grid.step + 1
        if count <= 0:
            return None
        slots = grid.slots(data, offset, count)
        if find is None:
            assert whole is not None
            kept = Ref(whole.store, whole.start + offset, slots.size)
            return Dense(address + offset, count, count, None, kept)
        mask = find(slots)
        return None if mask is None else parts.make(address + offset, slots, mask)

    return look


def _bytes_of(slots: Any) -> memoryview:
    return memoryview(slots.data)[slots.offset : slots.offset + slots.size]


class _Parts:
    """Makes parts of a generation out of memory and masks."""

    def __init__(self, kernels: Kernels, kind: Kind, grid: Grid, test: Test | None, store: Store) -> None:
        self._kernels = kernels
        self._grid = grid
        self._store = store
        self._may_be_dense = kind.may_be_dense
        self._constant = None if test is None else kind.constant(test)
        self._is_unchanged = isinstance(test, Relation) and test.how == "unchanged"

    def make(self, address: int, slots: Any, mask: Any, old: Block | None = None) -> Dense | Few | None:
        """What is kept of places in memory."""
        kernels, constant = self._kernels, self._constant
        numbers = kernels.few(mask)
        if numbers is None:
            count = kernels.count(mask)
            if self._is_dense(slots, count):
                return self._all_of(address, slots, mask, count, old)
            numbers = kernels.positions(mask)
        if not numbers:
            return None
        values = b"" if constant is not None else kernels.take(slots, numbers)
        return Few(address, len(numbers) // NUMBER, numbers, values)

    def _is_dense(self, slots: Any, count: int) -> bool:
        """Whether a list of so many would take more than all of the bytes with a bit for each place."""
        if not self._may_be_dense:
            return False
        each, every = NUMBER, slots.length // 8
        if self._constant is None:
            each, every = each + self._grid.width, every + slots.size
        return bool(count * each > every)

    def _all_of(self, address: int, slots: Any, mask: Any, count: int, old: Block | None) -> Dense:
        values: Any = self._constant
        if values is None and self._is_unchanged and old is not None and old.address == address:
            values = old.values  # the same bytes, stored already
        if values is None:
            values = self._store.put(_bytes_of(slots))
        bits = None if count == slots.length else self._store.put(self._kernels.bitmap(mask))
        return Dense(address, slots.length, count, bits, values)

    def make_few(self, address: int, numbers: bytes, values: bytes, mask: Any) -> Few | None:
        """What is kept of candidates, given by the numbers of their places and by their values."""
        kernels = self._kernels
        count = kernels.count(mask)
        if not count:
            return None
        kept = b"" if self._constant is not None else kernels.compress(mask, values, self._grid.width)
        return Few(address, count, kernels.compress(mask, numbers, NUMBER), kept)


class Outcome(NamedTuple):
    """What a next scan keeps."""

    generation: Generation
    lost: int
    """How many candidates could not be read any more."""


class _Result(NamedTuple):
    parts: list[Dense | Few]
    done: int
    skipped: int
    lost: int


def next_scan(means: Means, before: Generation, compared: Generation, track: Track) -> Outcome:
    """The candidates of *before* that the test keeps, beside their values in *compared*."""
    writer = _writer(means, track)
    narrow = _Filter(means, before, compared, track, writer.store)
    lost = 0
    is_small = weight(before) <= _sweep.STRETCH
    for result in _sweep.in_order(_groups(before), narrow, means.monitor, is_small=is_small):
        for part in result.parts:
            writer.add(part)
        lost += result.lost
        means.monitor.advance(result.done, result.skipped)
    return Outcome(writer.finish(), lost)


def weight(generation: Generation) -> int:
    """How many bytes a next scan goes over, as far as it can tell."""
    return sum(_extent(generation.grid, block) for block in generation.blocks)


def _extent(grid: Grid, block: Block) -> int:
    if isinstance(block, Dense):
        return (block.places - 1) * grid.step + grid.width
    return block.hits * grid.width


def _groups(generation: Generation) -> Iterator[list[Block]]:
    group: list[Block] = []
    size = 0
    for block in generation.blocks:
        group.append(block)
        size += _extent(generation.grid, block)
        if size >= _sweep.STRETCH or isinstance(block, Sparse):
            yield group
            group, size = [], 0
    if group:
        yield group


class _Room:
    """Buffers for a stretch of memory, used again and again: as it is, and as it was."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.new = aligned_buffer(size)
        self.old = aligned_buffer(size)


def _lengths(pieces: PartialRead) -> Iterator[tuple[int, bytes, int]]:
    return ((address, data, len(data)) for address, data in pieces.pieces())


class _Filter:
    """Goes over blocks of candidates and keeps what a test keeps."""

    def __init__(
        self, means: Means, before: Generation, compared: Generation, track: Track, store: Store
    ) -> None:
        self._memory, self._kernels, self._monitor, _ = means
        self._before = before
        self._compared = compared
        self._kind, self._grid, test = track
        assert test is not None
        self._test = test
        self._needs_old = isinstance(test, Relation)
        self._keeps_still = test.of_still if isinstance(test, Relation) else None
        self._parts = _Parts(means.kernels, self._kind, self._grid, test, store)
        self._rooms: list[_Room] = []

    def __call__(self, blocks: list[Block]) -> _Result:
        with self._kernels.apart():
            return self._narrowed(blocks)

    def _narrowed(self, blocks: list[Block]) -> _Result:
        parts: list[Dense | Few] = []
        done = skipped = lost = 0
        for block in blocks:
            self._monitor.check()
            reference = self._reference(block) if isinstance(block, Dense) else None
            if isinstance(block, Dense) and reference is not None:
                result = self._dense(block, reference)
            else:
                result = self._sparse(block)
            parts.extend(result.parts)
            done, skipped, lost = done + result.done, skipped + result.skipped, lost + result.lost
        return _Result(parts, done, skipped, lost)

    def _reference(self, block: Dense) -> Dense | None:
        """What has the values before of all of a stretch; None where no block has."""
        if self._compared is self._before or not self._needs_old:
            return block
        return self._compared.around(block.address, _extent(self._grid, block))

    def _dense(self, block: Dense, reference: Dense) -> _Result:
        """Candidates that are most of a stretch: all of it is read."""
        size = _extent(self._grid, block)
        needed = max(size, _extent(self._grid, reference))
        try:
            room = self._rooms.pop()
        except IndexError:  # to ask first would be a step in which another thread takes the last
            room = _Room(0)
        if room.size < needed:
            room = _Room(needed)
        old: Any = reference.values
        if self._needs_old and not isinstance(old, bytes):
            old = old.load_into(room.old)
        try:
            return self._in_room(block, reference, size, room.new, old)
        finally:
            self._rooms.append(room)

    def _in_room(self, block: Dense, reference: Dense, size: int, room: bytearray, old: Any) -> _Result:
        """The same, with the values before, or the one of all of them, and room for those of now."""
        process = self._memory._opened("search the memory")
        with memoryview(room) as whole:
            pieces = _sweep.fill(self._memory, process, whole[:size], block.address)
        if pieces is None and reference is block and self._is_still(room, size, old):
            return _Result([block] if self._keeps_still else [], size, 0, 0)
        result = _Result([], size, 0, 0)
        there = [(block.address, room, size)] if pieces is None else _lengths(pieces)
        readable = found = 0
        for address, data, length in there:
            readable += length
            part, count = self._part_of(block, reference, address, data, length, old)
            found += count
            if part is not None:
                result.parts.append(part)
        return result._replace(skipped=size - readable, lost=block.hits - found)

    def _part_of(
        self, block: Dense, reference: Dense, address: int, data: bytearray | bytes, length: int, old: Any
    ) -> tuple[Dense | Few | None, int]:
        """What is kept of so many bytes from an address on, and how many candidates they have."""
        kernels, grid = self._kernels, self._grid
        first = -(-(address - block.address) // grid.step)
        start = block.address + first * grid.step
        count = (address + length - start - grid.width) // grid.step + 1
        if count <= 0:
            return None, 0
        new = grid.slots(data, start - address, count)
        before: Any = None
        if self._needs_old:
            is_one = isinstance(reference.values, bytes)
            before = old if is_one else grid.slots(old, start - reference.address, count)
        mask = self._kind.kept(kernels, self._test, new, before)
        candidates = count
        if block.bits is not None:
            wanted = kernels.from_bitmap(block.bits.load(), first, first + count)
            candidates = kernels.count(wanted)
            mask = kernels.both(mask, wanted)
        return self._parts.make(start, new, mask, reference), candidates

    def _is_still(self, new: bytearray, size: int, old: Any) -> bool:
        """Whether all bytes are as they were, and that tells what is kept: most memory of most programs is so."""
        if self._keeps_still is None or not isinstance(old, bytearray):
            return False
        with memoryview(old) as whole:
            return new.startswith(whole[:size])  # of all comparisons in Python the fastest

    def _sparse(self, block: Block) -> _Result:
        """Candidates that are few: those that are near to each other are read together."""
        kernels, grid = self._kernels, self._grid
        numbers = numbers_of(kernels, block)
        values, readable = self._read(block.address, numbers)
        lost = 0
        if readable is not None:
            lost = block.hits - kernels.count(readable)
            numbers = kernels.compress(readable, numbers, NUMBER)
        count = len(numbers) // NUMBER
        done = block.hits * grid.width
        if not count:
            return _Result([], done, done, lost)
        old: Any = None
        if self._needs_old:
            old = grid.packed(self._old(block, numbers), count)
        new = grid.packed(values, count)
        mask = self._kind.kept(kernels, self._test, new, old)
        part = self._parts.make_few(block.address, numbers, values, mask)
        return _Result([] if part is None else [part], done, lost * grid.width, lost)

    def _old(self, block: Block, numbers: bytes) -> bytes:
        if self._compared is self._before:
            return self._before.values_at(self._kernels, block, numbers)
        return self._compared.values_of(self._kernels, block.address, numbers)

    def _read(self, address: int, numbers: bytes) -> tuple[bytes, Any]:
        """The values of candidates as they are now, one behind the other; and which could be read, None for all."""
        kernels, grid = self._kernels, self._grid
        groups = kernels.clusters(numbers, _GAP // grid.step, _AT_ONCE // grid.step or 1)
        every = memoryview(numbers).cast("I")
        places = [
            (
                (every[last - 1] - every[first]) * grid.step + grid.width,
                address + every[first] * grid.step,
            )
            for first, last in groups
        ]
        process = self._memory._opened("search the memory")
        values: list[bytes] = []
        gone: list[int] = []
        for (first, last), (size, start), data in zip(groups, places, process.read_each(places), strict=True):
            here = numbers[NUMBER * first : NUMBER * last]
            if data is not None:
                places_here = (size - grid.width) // grid.step + 1
                slots = grid.slots(data, 0, places_here)
                values.append(kernels.take(slots, kernels.shift(here, -every[first])))
                continue
            pieces = self._memory._read_available(size, start)
            for index in range(first, last):
                place = address + every[index] * grid.step - start
                if any(
                    place < hole - start + length and place + grid.width > hole - start
                    for hole, length in pieces.missing
                ):
                    gone.append(index)
                else:
                    values.append(pieces.data[place : place + grid.width])
        readable = None
        if gone:
            readable = kernels.opposite(kernels.mask_of(array("I", gone).tobytes(), len(every)))
        return b"".join(values), readable
