"""Looking and comparing with what Python itself has, where there is no NumPy."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import operator
import re
import struct
from array import array
from typing import TYPE_CHECKING, Any

from memaccess._scan._comparing._slots import FEW_SLOTS
from memaccess._scan._comparing._spans import Spans
from memaccess._scan._patterns._anchors import longest_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from memaccess._scan._comparing._relations import Relation
    from memaccess._scan._comparing._slots import Slots
    from memaccess._scan._patterns._pattern import Pattern


def apart() -> AbstractContextManager[object]:
    """Nothing: here each mask has its own memory."""
    return contextlib.nullcontext()


def finder(pattern: Pattern) -> Callable[[bytearray, int], bytearray]:
    """What finds a pattern: of the places below a limit, in data that goes on behind it, those at which it begins."""
    places = _places_of(pattern)

    def look(data: bytearray, limit: int) -> bytearray:
        found = bytearray(limit)
        for place in places(data, limit):
            found[place] = 1
        return found

    return look


def _places_of(pattern: Pattern) -> Callable[[bytearray, int], Iterable[int]]:
    run = longest_run(pattern)
    if run is None:
        return _finder_of_half_bytes(pattern)
    offset, known = run
    length, mask = len(pattern), int.from_bytes(pattern.mask, "little")
    value = int.from_bytes(pattern.data, "little")
    is_plain = len(known) == length

    def places(data: bytearray, limit: int) -> Iterator[int]:
        find, end = data.find, limit - 1 + offset + len(known)
        at = find(known, offset, end)
        while at >= 0:
            start = at - offset
            if is_plain or int.from_bytes(data[start : start + length], "little") & mask == value:
                yield start
            at = find(known, at + 1, end)

    return places


def _finder_of_half_bytes(pattern: Pattern) -> Callable[[bytearray, int], Iterable[int]]:
    classes = b"".join(
        b"[" + b"".join(re.escape(bytes([byte])) for byte in range(256) if byte & mask == value) + b"]"
        for value, mask in zip(pattern.data, pattern.mask, strict=True)
    )
    find = re.compile(b"(?=" + classes + b")", re.DOTALL).finditer

    def places(data: bytearray, limit: int) -> Iterator[int]:
        return (match.start() for match in find(data, 0, limit + len(pattern) - 1))

    return places


# -- slots, as in _vectors; a mask has one byte for each slot, 1 where it is wanted

_SIGNED_OF = {1: "b", 2: "h", 4: "i", 8: "q"}
_AS_TEXT = bytes.maketrans(b"\0\1", b"01")
_OPPOSITE = bytes.maketrans(b"\0\1", b"\1\0")


def mask(test: Spans | Relation, code: str, new: Slots, old: Slots | bytes | None) -> bytearray:
    """Which of the slots have a value that the test wants; *old* has the values before, or one for all."""
    if isinstance(test, Spans):
        return _in_spans(test, new)
    kind = _SIGNED_OF[new.width] if test.how in ("changed", "unchanged") else code
    before: Iterable[Any]
    if isinstance(old, bytes):
        before = itertools.repeat(struct.unpack(f"<{kind}", old)[0], new.length)
    else:
        assert old is not None
        before = _values(old, kind)
    return bytearray(map(_relation(test, code), _values(new, kind), before))


def _relation(test: Relation, code: str) -> Callable[[Any, Any], bool]:
    low, high, is_less = test.low, test.high, test.is_less
    if test.how == "by":
        if code in "fd":
            return lambda new, old: low <= new - old <= high
        return lambda new, old: new - old == low
    if test.how == "percent":

        def grows(new: float, old: float) -> bool:
            change = float(old) - float(new) if is_less else float(new) - float(old)
            base = abs(float(old))
            # Of the smallest numbers a share may be 0: what stood still has not changed by it.
            return base > 0 and (change > 0 or low <= 0) and base * low <= change <= base * high

        return grows
    return {
        "changed": operator.ne,
        "unchanged": operator.eq,
        "increased": operator.gt,
        "decreased": operator.lt,
    }[test.how]


def _values(slots: Slots, kind: str) -> Iterable[Any]:
    """The values of the slots."""
    data, offset, count, step, width = slots
    if step == width:
        return memoryview(data)[offset : offset + count * width].cast("B").cast(kind)  # type: ignore[call-overload, no-any-return]
    unpack = struct.Struct(f"<{kind}").unpack_from
    return (unpack(data, place)[0] for place in range(offset, offset + count * step, step))


def _in_spans(test: Spans, slots: Slots) -> bytearray:
    constant = test.constant
    if constant is not None:
        return _equal(constant.to_bytes(slots.width, "little"), slots)
    (low, more), *others = test.ranges or ((0, -1),)
    size = 1 << test.width
    values = _values(slots, _SIGNED_OF[slots.width].upper())
    if not others and low + more < size:
        high = low + more
        found = bytearray([low <= value <= high for value in values])
    else:
        found = bytearray(
            [any((value - low) % size <= more for low, more in test.ranges) for value in values]
        )
    return opposite(found) if test.is_negated else found


def _equal(wanted: bytes, slots: Slots) -> bytearray:
    """Most memory has none: then this is as fast as find() is."""
    data, offset, count, step, _ = slots
    found = bytearray(count)
    end = offset + slots.size
    place = data.find(wanted, offset, end)
    while place >= 0:
        distance = place - offset
        if not distance % step:
            found[distance // step] = 1
        place = data.find(wanted, place + 1, end)
    return found


def mask_of(numbers: bytes, count: int) -> bytearray:
    """The mask of so many slots that wants those with these numbers."""
    result = bytearray(count)
    for number in array("I", numbers):
        result[number] = 1
    return result


def every(mask: bytearray, first: int, step: int) -> bytearray:
    """The mask of every so manieth slot, from one of them on."""
    return mask[first::step]


def lasting(mask: bytearray) -> bytearray:
    """The same."""
    return mask


def opposite(mask: bytearray) -> bytearray:
    """The slots that it does not want."""
    return bytearray(mask.translate(_OPPOSITE))


def count(mask: bytearray) -> int:
    """How many slots are wanted."""
    return mask.count(1)


def both(one: bytearray, other: bytearray) -> bytearray:
    """The slots that both want."""
    common = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return bytearray(common.to_bytes(len(one), "little"))


def few(mask: bytearray) -> bytes | None:
    """As :func:`positions`, of a mask that wants only a few; None of another one."""
    found = array("I", itertools.islice(_wanted(mask), FEW_SLOTS + 1))
    return found.tobytes() if len(found) <= FEW_SLOTS else None


def positions(mask: bytearray) -> bytes:
    """The numbers of the wanted slots, each as 4 bytes."""
    return array("I", _wanted(mask)).tobytes()


def _wanted(mask: bytearray) -> Iterator[int]:
    slot = mask.find(1)
    while slot >= 0:
        yield slot
        slot = mask.find(1, slot + 1)


def bitmap(mask: bytearray) -> bytes:
    """One bit for each slot, the lowest first."""
    return int(mask[::-1].translate(_AS_TEXT), 2).to_bytes(-(-len(mask) // 8), "little")


def from_bitmap(bits: bytes, start: int, stop: int) -> bytearray:
    """The slots from *start* to *stop* of a bitmap."""
    text = format(int.from_bytes(bits, "little"), f"0{len(bits) * 8}b")
    return bytearray(map(int, text[::-1][start:stop]))


def take(slots: Slots, positions: bytes) -> bytes:
    """The bytes of the values in those slots, one behind the other."""
    data, offset, _, step, width = slots
    places = (offset + number * step for number in array("I", positions))
    return b"".join([data[place : place + width] for place in places])


def compress(mask: bytearray, items: bytes, size: int) -> bytes:
    """Those items of *size* bytes whose slots are wanted."""
    return b"".join(
        items[start : start + size] for start in itertools.compress(range(0, len(items), size), mask)
    )


def differ(new: bytes, old: bytes, size: int) -> bytearray:
    """Which items of *size* bytes differ; *old* may be one for all."""
    starts = range(0, len(new), size)
    if len(old) == size:
        return bytearray(new[start : start + size] != old for start in starts)
    return bytearray(new[start : start + size] != old[start : start + size] for start in starts)


def shift(positions: bytes, distance: int) -> bytes:
    """The numbers of the same slots, counted from another one."""
    return array("I", [number + distance for number in array("I", positions)]).tobytes()


def between(positions: bytes, low: int, high: int) -> tuple[int, int]:
    """Which of the numbers, which are in order, lie from *low* up to below *high*: the first, and one past the last."""
    numbers = array("I", positions)
    return bisect.bisect_left(numbers, low), bisect.bisect_left(numbers, high)


def indexes(positions: bytes, among: bytes) -> bytes:
    """Where each of the numbers stands among others, which have all of them."""
    places = {number: index for index, number in enumerate(array("I", among))}
    return array("I", [places[number] for number in array("I", positions)]).tobytes()


def clusters(positions: bytes, gap: int, most: int) -> list[tuple[int, int]]:
    """The numbers in groups between which there is more than *gap*: the first of each, and one past its last.

    A group also ends where a multiple of *most* comes.
    """
    numbers = array("I", positions)
    cuts = [
        index
        for index, (one, other) in enumerate(itertools.pairwise(numbers), 1)
        if other - one > gap or one // most != other // most
    ]
    return list(zip([0, *cuts], [*cuts, len(numbers)], strict=True))
