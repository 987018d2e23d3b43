"""What differs between two takes of the same memory, as bytes and as values of a C type; pure.

Memory is given as pieces here: addresses with their bytes, in order. Where two pieces touch, a page
begins: so no aligned value lies in both.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from memaccess._types import Codec

    Pieces: TypeAlias = Sequence[tuple[int, bytes]]

_BLOCK = 4096
"""Bytes that are looked at closely where one of them changed; larger blocks find lone changes slower."""

_BATCH = 64
"""Runs of changed values that are decoded together: many for speed, few to begin soon."""

# Both loops of it run at the speed of memory, which looking for "[^\0]+" would not.
_find_runs = re.compile(rb"\0*([^\0]*)").finditer


class ByteChange(NamedTuple):
    """Neighbouring bytes, each of which changed."""

    address: int
    """Where the first of them is."""
    before: bytes
    """What they were."""
    after: bytes
    """What they are; as many."""

    def __repr__(self) -> str:
        return f"<ByteChange at 0x{self.address:x}: {self.before!r} -> {self.after!r}>"


class ValueChange(NamedTuple):
    """A value of a C type that changed."""

    address: int
    """Where it begins."""
    before: Any
    """What it was."""
    after: Any
    """What it is."""

    def __repr__(self) -> str:
        return f"<ValueChange at 0x{self.address:x}: {self.before!r} -> {self.after!r}>"


# What its _make does, without a call of Python code for each of maybe millions.
_value_change = functools.partial(tuple.__new__, ValueChange)


def byte_changes(before: Pieces, after: Pieces) -> Iterator[ByteChange]:
    """The runs of bytes that are in both and differ; one run also where it goes on in the next piece."""
    start, end = 0, -1
    old: list[bytes] = []
    new: list[bytes] = []
    for address, one, other in _in_both(before, after):
        for first, last in _changed_runs(one, other):
            if address + first != end:
                if old:
                    yield ByteChange(start, b"".join(old), b"".join(new))
                start, old, new = address + first, [], []
            old.append(one[first:last])
            new.append(other[first:last])
            end = address + last
    if old:
        yield ByteChange(start, b"".join(old), b"".join(new))


def value_changes(before: Pieces, after: Pieces, codec: Codec[Any], step: int) -> Iterator[ValueChange]:
    """The values that are whole in both and whose bytes differ.

    :param step: they begin at multiples of it: the size of the type, or 1 for any place.
    """
    overlap = codec.size - 1 if step == 1 else 0
    for address, one, other in _overlapping(_in_both(before, after), overlap):
        found = _changed_places(address, one, other, codec.size, step)
        while places := list(itertools.islice(found, _BATCH)):
            addresses = (range(address + start, address + stop, step) for start, stop in places)
            old = codec.decode_array(_cut_out(one, places, codec.size, step))
            new = codec.decode_array(_cut_out(other, places, codec.size, step))
            addressed = zip(itertools.chain.from_iterable(addresses), old, new, strict=True)
            yield from map(_value_change, addressed)


def _in_both(before: Pieces, after: Pieces) -> Iterator[tuple[int, bytes, bytes]]:
    """The memory that both have, cut where a piece of either ends."""
    i = j = 0
    while i < len(before) and j < len(after):
        (address, one), (other_address, other) = before[i], after[j]
        end, other_end = address + len(one), other_address + len(other)
        start, stop = max(address, other_address), min(end, other_end)
        if start < stop:
            # A slice of all the bytes is no copy.
            yield (
                start,
                one[start - address : stop - address],
                other[start - other_address : stop - other_address],
            )
        i += end == stop
        j += other_end == stop


def _overlapping(
    stretches: Iterable[tuple[int, bytes, bytes]], overlap: int
) -> Iterator[tuple[int, bytes, bytes]]:
    """The same stretches, each with that many bytes of the one before it, where they touch."""
    end, last, other_last = -1, b"", b""
    for address, piece, other_piece in stretches:
        if address != end:
            last = other_last = b""
        one, other = last + piece, other_last + other_piece
        yield address - len(last), one, other
        kept = max(len(one) - overlap, 0)
        end, last, other_last = address + len(piece), one[kept:], other[kept:]


def _changed_runs(one: bytes, other: bytes) -> Iterator[tuple[int, int]]:
    """Where bytes of the same length differ, as start and end; a run ends with its block at the latest."""
    if one == other:
        return
    for block in range(0, len(one), _BLOCK):
        here, there = one[block : block + _BLOCK], other[block : block + _BLOCK]
        if here != there:
            difference = int.from_bytes(here, "little") ^ int.from_bytes(there, "little")
            for run in _find_runs(difference.to_bytes(len(here), "little")):
                start, end = run.span(1)
                if start < end:
                    yield block + start, block + end


def _changed_places(
    address: int, one: bytes, other: bytes, size: int, step: int
) -> Iterator[tuple[int, int]]:
    """Where values of that size begin that have a changed byte, as ranges of places in steps."""
    first = -address % step
    places = (len(one) - first - size) // step + 1
    done = 0
    for start, end in _changed_runs(one, other):
        low = max((start - first - size) // step + 1, done)
        high = min(-((first - end) // step), places)
        if low < high:
            yield first + low * step, first + high * step
            done = high


def _cut_out(data: bytes, places: list[tuple[int, int]], size: int, step: int) -> bytes:
    """The bytes of all values that begin at those places, one behind the other."""
    if step == size:
        return b"".join([data[start:stop] for start, stop in places])
    starts = itertools.chain.from_iterable(range(start, stop, step) for start, stop in places)
    return b"".join([data[start : start + size] for start in starts])
