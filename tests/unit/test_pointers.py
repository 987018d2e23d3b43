"""The search for chains of pointers, against a reference in a few lines, with NumPy and without."""

from __future__ import annotations

import contextlib
import itertools
import random
import struct
import tracemalloc
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memaccess._scan._pointers import _collected, _engines, _plain
from memaccess._scan._pointers._collector import Collector, fastest
from memaccess._scan._pointers._numbering import Numbering
from memaccess._scan._pointers._plain import PlainEngine
from memaccess._scan._pointers._search import chains

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._scan._pointers._engines import Chain, Engine

    Ranges = list[tuple[int, int]]

ENGINES: list[Engine] = [PlainEngine()]
MODULES: list[Any] = [_plain]
try:
    from memaccess._scan._pointers import _arrays
except ImportError:
    pass
else:
    ENGINES.append(_arrays.ArrayEngine())
    MODULES.append(_arrays)

every_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)


# -- small memories


class Memory(NamedTuple):
    """Bytes at a few places, what may be pointed to, and how it is cut into pieces."""

    width: int
    pieces: list[tuple[int, bytes]]
    targets: Ranges

    def words(self) -> dict[int, int]:
        """The pointers, by their places."""
        cells = {address + i: cell for address, data in self.pieces for i, cell in enumerate(data)}
        found = {}
        for address in cells:
            word = [cells.get(address + i) for i in range(self.width)]
            if address % self.width == 0 and None not in word:
                value = int.from_bytes(bytes(word), "little")  # type: ignore[arg-type]
                # The last byte there can be is no target.
                if value + 1 < 1 << self.width * 8 and any(
                    start <= value < start + size for start, size in self.targets
                ):
                    found[address] = value
        return found

    def collected(self, engine: Engine) -> Collector:
        collector = Collector(self.width, self.targets, engine)  # type: ignore[arg-type]
        for address, data in self.pieces:
            buffer = bytearray(data)
            collector.add(address, memoryview(buffer))
            buffer[:] = bytes(len(buffer))  # the caller uses it again
        return collector


@st.composite
def memories(draw: Any, most_words: int = 6) -> Memory:
    """A few ranges with gaps, most words of which point into them or nearby."""
    width = draw(st.sampled_from([4, 8]))
    chance = random.Random(draw(st.integers(0, 1 << 32)))  # values that hypothesis draws are alike
    address = draw(st.sampled_from([0, 0x40_1000, (1 << width * 8) - 0x500])) + chance.randrange(width)
    ranges = []
    for _ in range(chance.randint(1, 3)):
        size = chance.randint(width, most_words * width)
        ranges.append((address, size))
        address += size + chance.choice([0, 1, width, 0x40])
    places = [place for start, size in ranges for place in range(start - start % width, start + size, width)]
    values = [chance.choice(places) + chance.choice([0, 0, -4, -8, -3 * width, 1, 8]) for _ in range(200)]
    values += [0, 0x1234, -1] * 5
    pieces = []
    for start, size in ranges:
        words = [chance.choice(values) % (1 << width * 8) for _ in range(size // width + 2)]
        data = b"".join(word.to_bytes(width, "little") for word in words)[start % width :][:size]
        cuts = sorted({0, size, *chance.choices(range(size), k=chance.randrange(3))})
        pieces += [(start + cut, data[cut:end]) for cut, end in itertools.pairwise(cuts)]
    return Memory(width, pieces, chance.choice([ranges, ranges, [(0, 1 << 64)], ranges[:1], ranges[-1:]]))


class Question(NamedTuple):
    """What is asked for."""

    memory: Memory
    target: int
    static: Ranges
    depth: int
    least: int
    most: int
    ends_with: tuple[int, ...]
    through_static: bool


@st.composite
def questions(draw: Any) -> Question:
    memory = draw(memories())
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    places = [address + chance.randrange(len(data)) for address, data in memory.pieces for _ in range(3)]
    least = draw(st.sampled_from([0, 0, -16, 0, -100, 4, -(1 << 63)]))
    most = draw(st.sampled_from([0x20, 0x40, 0x20, 8, 0, (1 << 63) - 1]).filter(lambda most: most >= least))
    return Question(
        memory,
        chance.choice(places),
        [(chance.choice(places), chance.randrange(40)) for _ in range(3)],
        draw(st.sampled_from([4, 3, 2, 1])),
        least,
        most,
        draw(st.sampled_from([(), (), (), (), (), (0,), (8,), (-4,), (4, 0)])),
        draw(st.booleans()),
    )


def reference(question: Question) -> list[Chain]:
    """From the target backwards, pointer after pointer."""
    words = question.memory.words()
    found = []

    def is_wanted(offset: int, index: int) -> bool:
        if index < len(question.ends_with):
            return offset == question.ends_with[-1 - index]
        return question.least <= offset <= question.most

    def search(end: int, taken: set[int], offsets: tuple[int, ...]) -> None:
        for place, value in words.items():
            if place in taken or not is_wanted(end - value, len(offsets)):
                continue
            longer = (end - value, *offsets)
            is_static = any(start <= place < start + size for start, size in question.static)
            if is_static and len(longer) >= len(question.ends_with):
                found.append((place, longer))
            if len(longer) < question.depth and (question.through_static or not is_static):
                search(place, {*taken, place}, longer)

    search(question.target, {question.target}, ())
    return sorted(found, key=lambda chain: (len(chain[1]), chain))


def answer(question: Question, collector: Collector) -> Iterator[Chain]:
    return chains(
        collector,
        question.target,
        question.static,
        question.depth,
        question.most,
        min_offset=question.least,
        ends_with=question.ends_with,
        through_static=question.through_static,
    )


CIRCLES = Memory(
    8, [(0x1000, struct.pack("<6Q", 0x1008, 0x1008, 0x1010, 0x1000, 0x1028, 0x1018))], [(0x1000, 48)]
)


@contextlib.contextmanager
def working_in(block: int, batch: int, wide: int, bits: int) -> Iterator[None]:
    """Work on so many pointers at once, walk so many ways side by side; larger numbers take eight bytes.

    And the table of what is within reach has so many entries, as a power of 2.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(_engines, "_TABLE_BITS", bits))
        for module in MODULES:
            stack.enter_context(mock.patch.object(module, "BLOCK", block))
            if hasattr(module, "_BATCH"):
                stack.enter_context(mock.patch.multiple(module, _BATCH=batch, _FEW=batch - 1, _MANY=batch))
        for module in (_collected, *MODULES):
            code = mock.patch.object(module, "code_for", lambda count: "I" if count < wide else "Q")
            stack.enter_context(code)
        yield


@settings(max_examples=500)
@given(
    question=questions(),
    block=st.sampled_from([1, 3, 1 << 16]),
    batch=st.sampled_from([1, 3, 1 << 12]),
    wide=st.sampled_from([1, 7, 1 << 32]),
    bits=st.sampled_from([2, 4, 22]),
)
@example(Question(CIRCLES, 0x1014, [(0x1000, 16)], 4, -100, 100, (), True), 3, 3, 1 << 32, 3)
def test_every_chain_is_found_once_and_in_order(question, block, batch, wide, bits):
    expected = reference(question)
    assert len(expected) == len(set(expected))
    with working_in(block, batch, wide, bits):
        for engine in ENGINES:
            assert list(answer(question, question.memory.collected(engine))) == expected


@every_engine
@given(memory=memories(most_words=40))
def test_every_pointer_is_collected(engine, memory):
    pointers = memory.collected(engine).pointers
    found = {pointers.place(number): pointers.value(number) for number in range(len(pointers))}
    assert found == memory.words()
    assert list(found) == sorted(found)


# -- the collector


@every_engine
def test_a_word_may_lie_in_two_pieces_that_touch_and_in_no_others(engine):
    data = struct.pack("<3Q", 0x1000, 0x1008, 0x1010)
    collector = Collector(8, [(0x1000, 24)], engine)
    collector.add(0x1000, data[:11])
    collector.add(0x100B, b"")
    collector.add(0x100B, data[11:13])
    collector.add(0x100D, data[13:])
    collector.add(0x2004, data[4:])  # whose first half is not there
    collector.add(0x3000, data[:12])
    collector.add(0x3010, data[12:])
    pointers = collector.pointers
    places = [pointers.place(number) for number in range(len(pointers))]
    assert places == [0x1000, 0x1008, 0x1010, 0x2008, 0x2010, 0x3000]


def test_pieces_come_in_order():
    collector = Collector(8, [(0x1000, 8)])
    collector.add(0x1000, bytes(8))
    with pytest.raises(ValueError, match="0x1007 lies before 0x1008, where the last piece ended"):
        collector.add(0x1007, bytes(8))


def test_numpy_is_used_where_it_is_installed():
    assert type(fastest()) is type(ENGINES[-1])


def test_numpy_is_not_needed():
    hidden = dict.fromkeys(("memaccess._scan._pointers._arrays", "numpy"))
    with mock.patch.dict("sys.modules", hidden):
        assert type(fastest()) is PlainEngine


# -- a heap


def heap(nodes: int, *, base: int = 0x7F00_0000_0000, size: int = 64) -> bytes:
    """Nodes, half of whose words are pointers to nodes; the same each time."""
    chance = random.Random(nodes)
    words = [
        base + size * chance.randrange(nodes) if chance.random() < 0.5 else chance.getrandbits(63)
        for _ in range(nodes * size // 8)
    ]
    return struct.pack(f"<{len(words)}Q", *words)


BASE = 0x7F00_0000_0000


def collected(data: bytes, engine: Engine) -> Collector:
    collector = Collector(8, [(BASE, len(data))], engine)
    for start in range(0, len(data), 1 << 18):
        collector.add(BASE + start, data[start : start + (1 << 18)])
    return collector


@every_engine
def test_a_pointer_takes_eight_bytes(engine):
    data = heap(1 << 13)
    tracemalloc.start()
    try:
        collector = collected(data, engine)
        kept, highest = tracemalloc.get_traced_memory()
        assert 1 << 14 < len(collector.pointers) < 1 << 16
        assert kept < len(collector.pointers) * 9 + 20_000
        assert highest < kept + (3 << 20)  # what is worked on at once
        # From the fourth on, a level has nearly all pointers: some 32,000, four bytes each.
        tracemalloc.reset_peak()
        assert sum(1 for _ in itertools.islice(search(collector, depth=7), 5_000)) == 5_000
        _, highest = tracemalloc.get_traced_memory()
        assert highest < kept + (4 << 20)
    finally:
        tracemalloc.stop()


def search(collector: Collector, depth: int, **options: Any) -> Iterator[Chain]:
    """The chains from the first pages of the heap to a value in it."""
    return chains(collector, BASE + 64 * 1234 + 16, [(BASE, 1 << 15)], depth, 0x400, **options)


@every_engine
def test_the_first_chain_does_not_wait_for_the_others(engine):
    collector = collected(heap(1 << 13), engine)
    calls = []
    found = search(collector, depth=7, checkpoint=lambda: calls.append(1))
    assert not calls
    base, offsets = next(found)
    assert len(offsets) <= 2
    assert len(calls) < 100
    assert collector.pointers.between(base, base + 8) != (0, 0)


class Stopped(Exception):
    pass


@every_engine
@pytest.mark.parametrize("allowed", [0, 1, 5, 20, 200])
def test_what_a_checkpoint_raises_ends_the_search(engine, allowed):
    collector = collected(heap(1 << 13), engine)
    checkpoint = mock.Mock(side_effect=[*[None] * allowed, Stopped])
    with pytest.raises(Stopped):
        list(search(collector, depth=7, checkpoint=checkpoint))


@every_engine
def test_after_a_search_there_may_be_another_and_more_memory(engine):
    collector = collected(heap(1 << 10), engine)
    target = BASE + 64 * 123 + 16
    found = list(chains(collector, target, [(BASE, 1 << 15)], 2, 0x400))
    assert found == list(chains(collector, target, [(BASE, 1 << 15)], 2, 0x400))
    collector.add(BASE + (1 << 20), struct.pack("<Q", target - 8))
    added = list(chains(collector, target, [(BASE, 1 << 15), (BASE + (1 << 20), 1)], 1, 0x400))
    assert added == [*(chain for chain in found if len(chain[1]) == 1), (BASE + (1 << 20), (8,))]


@pytest.mark.parametrize(
    ("least", "most", "last"), [(1, 0, ()), (0, 1 << 63, ()), (-(1 << 63) - 1, 0, ()), (0, 0, (1 << 63,))]
)
def test_offsets_that_can_not_be_are_refused_at_once(least, most, last):
    collector = Collector(8, [])
    with pytest.raises(ValueError, match="offsets can't be from"):
        chains(collector, 0x1000, [], 3, most, min_offset=least, ends_with=last)


@every_engine
def test_without_targets_there_are_no_pointers(engine):
    collector = Collector(8, [], engine)
    collector.add(0x1000, bytes(64))
    assert not len(collector.pointers)
    assert list(chains(collector, 0x1000, [(0x1000, 64)], 3, 0x400)) == []


# -- numbers of places


@given(
    step=st.sampled_from([1, 4, 8]),
    sizes=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=4),
    start=st.sampled_from([0, 64]),
)
def test_places_are_numbered_without_gaps(step, sizes, start):
    numbering, places = Numbering(step), []
    for gap, count in sizes:
        start += gap * step
        numbering.extend(start, count)
        places += range(start, start + count * step, step)
        start += count * step
    assert numbering.count == len(places)
    assert [numbering.address(number) for number in range(numbering.count)] == places
    for address in range(-2, start + 20):
        assert numbering.below(address) == sum(place < address for place in places)
