"""The search for chains of pointers, against a reference in a few lines, with NumPy and without."""

from __future__ import annotations

import contextlib
import itertools
import random
import struct
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memaccess._scan._pointers import _plain
from memaccess._scan._pointers._collector import Collector
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
                if any(start <= value < start + size for start, size in self.targets):
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
    return Memory(width, pieces, chance.choice([ranges, ranges, ranges, ranges[:1], ranges[-1:]]))


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
def working_in(block: int, batch: int) -> Iterator[None]:
    """Work on so many pointers at once, and walk so many ways side by side."""
    with contextlib.ExitStack() as stack:
        for module in MODULES:
            stack.enter_context(mock.patch.object(module, "BLOCK", block))
            if hasattr(module, "_BATCH"):
                stack.enter_context(mock.patch.multiple(module, _BATCH=batch, _FEW=batch - 1))
        yield


@settings(max_examples=500)
@given(question=questions(), block=st.sampled_from([1, 3, 1 << 16]), batch=st.sampled_from([1, 3, 1 << 12]))
@example(Question(CIRCLES, 0x1014, [(0x1000, 16)], 4, -100, 100, (), True), 3, 3)
def test_every_chain_is_found_once_and_in_order(question, block, batch):
    expected = reference(question)
    assert len(expected) == len(set(expected))
    with working_in(block, batch):
        for engine in ENGINES:
            assert list(answer(question, question.memory.collected(engine))) == expected


@every_engine
@given(memory=memories(most_words=40))
def test_every_pointer_is_collected(engine, memory):
    pointers = memory.collected(engine).pointers
    found = {pointers.place(number): pointers.value(number) for number in range(len(pointers))}
    top = (1 << 64) - 1  # is no target
    assert found == {place: value for place, value in memory.words().items() if value != top}
    assert list(found) == sorted(found)
