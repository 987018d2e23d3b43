"""Looking and comparing with NumPy: at the speed of memory."""

# mypy: disable-error-code="no-any-return"
# What the operators of arrays give is Any to some versions of NumPy.

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from memaccess._scan._buffers import aligned_buffer
from memaccess._scan._comparing._slots import FEW_SLOTS
from memaccess._scan._comparing._spans import Spans
from memaccess._scan._patterns._anchors import rarest_byte, rarest_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from memaccess._scan._comparing._relations import Relation
    from memaccess._scan._comparing._slots import Slots
    from memaccess._scan._patterns._pattern import Pattern

    Places = npt.NDArray[np.intp]
    Bools = npt.NDArray[np.bool_]

_FEW = 16
"""So many places are looked at faster one by one."""

_TOGETHER = 8
"""Slots of a mask that are one number of it, to see at once that none of them is wanted."""

_RAW = {width: np.dtype(f"<u{width}") for width in (1, 2, 4, 8)}
"""Values as numbers of so many bytes."""

_NUMBER = _RAW[4]
_BOOL = np.dtype(np.bool_)


class _Some(NamedTuple):
    """A mask that wants few of its slots."""

    numbers: Places
    length: int


Mask: TypeAlias = "Bools | _Some"


class _Rooms(threading.local):
    """Where a thread puts its masks, used again and again: new large arrays are new pages, which cost as much."""

    def __init__(self) -> None:
        self.here: dict[str, bytearray] = {}
        self.free: list[dict[str, bytearray]] = []

    def bools(self, name: str, count: int) -> Bools:
        """An array with anything in it; it is that of the name until the next one of that name is asked for."""
        room = self.here.get(name)
        if room is None or len(room) < count:
            room = self.here[name] = aligned_buffer(count)
        return np.frombuffer(room, _BOOL, count)


_rooms = _Rooms()


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """A block with rooms of its own: whatever is begun inside of another one's leaves those of that one alone."""
    outer = _rooms.here
    _rooms.here = _rooms.free.pop() if _rooms.free else {}
    try:
        yield
    finally:
        _rooms.free.append(_rooms.here)
        _rooms.here = outer


def _equal_at(data: Any, kind: np.dtype[Any], count: int, offset: int, value: Any) -> Places:
    """Which of so many numbers, from there on, have that value."""
    return _equal(np.frombuffer(data, kind, count, offset), value)


def _equal(numbers: npt.NDArray[Any], value: Any) -> Places:
    found = _rooms.bools("found", len(numbers))
    np.equal(numbers, value, out=found)
    return _wanted(found)


def _wanted(mask: Bools) -> Places:
    """The numbers of the wanted slots.

    NumPy's own way takes three times as long as it took to compare them, where only a few are wanted.
    """
    few = _few_wanted(mask)
    return _many_wanted(mask) if few is None else few


def _few_wanted(mask: Bools) -> Places | None:
    """The same, or None where they are more than a few: the search for a byte finds them faster than NumPy does."""
    found: list[int] = []
    count = len(mask)
    # An array in a room tells which: to search that needs no copy.
    room = getattr(mask.base, "obj", None)
    data = room if isinstance(room, bytearray) else mask.tobytes()
    place = data.find(1, 0, count)
    while place >= 0:
        # Where the first ones stand side by side there are many.
        if len(found) == FEW_SLOTS or (len(found) == _FEW and place < count >> 10):
            return None
        found.append(place)
        place = data.find(1, place + 1, count)
    return np.array(found, np.intp)


def _many_wanted(mask: Bools) -> Places:
    whole = len(mask) - len(mask) % _TOGETHER
    near = mask[:whole].view(_RAW[_TOGETHER]) != 0
    if np.count_nonzero(near) > len(near) >> 5:  # from there on NumPy's own way is faster
        return mask.nonzero()[0]
    groups = near.nonzero()[0]
    numbers = mask[:whole].reshape(-1, _TOGETHER)[groups].ravel().nonzero()[0]
    inside = groups[numbers // _TOGETHER] * _TOGETHER + numbers % _TOGETHER
    return np.concatenate((inside, mask[whole:].nonzero()[0] + whole))


def finder(pattern: Pattern) -> Callable[[bytearray, int], Mask]:
    """What finds a pattern: of the places below a limit, in data that goes on behind it, those at which it begins."""
    first = _pair_finder(pattern) or _byte_finder(pattern)
    checks = _other_bytes(pattern)
    length, matches = len(pattern), pattern.matches

    def look(data: bytearray, limit: int) -> Mask:
        found = first(data, limit)
        if found is None:
            return _byte_by_byte(checks, data, limit)
        if len(found) > _FEW:
            content = np.frombuffer(data, np.uint8)
            for offset, value, mask in checks:
                here = content[found + offset]
                found = found[(here if mask == 0xFF else here & mask) == value]
                if len(found) <= _FEW:
                    break
            else:
                return _Some(found, limit)
        right = [place for place in found.tolist() if matches(bytes(data[place : place + length]))]
        return _Some(np.array(right, np.intp), limit)

    return look


def _byte_by_byte(checks: Sequence[tuple[int, Any, Any]], data: bytearray, limit: int) -> Mask:
    """The same where two bytes of it are nearly everywhere: no list of places, which takes many times the memory."""
    content = np.frombuffer(data, np.uint8)
    every, one = _rooms.bools("mask", limit), _rooms.bools("bound", limit)
    every[:] = True
    for offset, value, mask in checks:
        here = content[offset : offset + limit]
        np.equal(here if mask == 0xFF else here & mask, value, out=one)
        np.logical_and(every, one, out=every)
    return every


def _pair_finder(pattern: Pattern) -> Callable[[bytearray, int], Places | None] | None:
    """Two bytes are found as one number, at even places and at odd ones: faster than one byte alone.

    For each of both a pair is taken that then lies at even places of the buffer, where there is one: NumPy copies
    numbers that do not before it compares them, which takes twice the time.
    """
    last = len(pattern) - 1
    pairs = []
    for parity in (0, 1):
        pair = rarest_pair(pattern, range(parity, last, 2)) or rarest_pair(pattern, range(last))
        if pair is None:
            return None
        pairs.append((parity, pair.offset + parity, np.frombuffer(pair.data, _RAW[2])[0]))

    def places(data: bytearray, limit: int) -> Places | None:
        even, odd = (
            _equal_at(data, _RAW[2], (limit - parity + 1) // 2, offset, value)
            for parity, offset, value in pairs
        )
        return _merged(even * 2, odd * 2 + 1) if len(even) + len(odd) <= _many(limit) else None

    return places


def _byte_finder(pattern: Pattern) -> Callable[[bytearray, int], Places | None]:
    offset = rarest_byte(pattern)
    value, mask = np.uint8(pattern.data[offset]), pattern.mask[offset]

    def places(data: bytearray, limit: int) -> Places | None:
        content = np.frombuffer(data, np.uint8, limit, offset)
        found = _equal(content if mask == 0xFF else content & np.uint8(mask), value)
        return found if len(found) <= _many(limit) else None

    return places


def _many(count: int) -> int:
    """More of so many places than this are better not listed."""
    return max(count >> 5, FEW_SLOTS)


def _other_bytes(pattern: Pattern) -> list[tuple[int, Any, Any]]:
    """The bytes that are looked at where the first two are right; the best known first."""
    known = [
        (offset, np.uint8(value), np.uint8(mask))
        for offset, (value, mask) in enumerate(zip(pattern.data, pattern.mask, strict=True))
        if mask
    ]
    return sorted(known, key=lambda each: -int(each[2]).bit_count())


# -- slots: places at regular distances, of which some are wanted


def mask(test: Spans | Relation, code: str, new: Slots, old: Slots | bytes | None) -> Mask:
    """Which of the slots have a value that the test wants.

    :param code: the type of the values, as :mod:`struct` writes it.
    :param old: the values before, in as many slots, or one that all of them had; None where the test asks for none.
    """
    if new.step == new.width:
        return _mask(test, code, _row(new), _old(old, new, 0), "mask")
    if isinstance(test, Spans) and new.step == 1 and new.width >= 4 and test.constant is not None:
        found = _anywhere(test.constant, new)
        if found is not None:
            return found
    phases = _phases(new)
    if len(phases) == 1:
        return _mask(test, code, phases[0], _old(old, new, 0), "mask")
    result = _rooms.bools("mask", new.length)
    for phase, values in enumerate(phases):
        result[phase :: len(phases)] = _mask(test, code, values, _old(old, new, phase), "phase")
    return result


def _anywhere(bits: int, slots: Slots) -> _Some | None:
    """The slots with those bits, of such as stand at every byte; None where there are too many for this way.

    As in a pattern, two bytes are looked for first, at the places where NumPy need not copy them.
    """
    data, offset, count, step, width = slots
    every = np.ndarray((count,), _RAW[width], data, offset, (step,))
    wanted = np.array(bits, every.dtype)
    found: list[Places] = []
    for first in (0, 1):
        is_odd = (offset + first) % 2
        pair = np.array(bits >> 8 * is_odd & 0xFFFF, _RAW[2])
        places = (count - first + 1) // 2
        near = _equal_at(data, _RAW[2], places, offset + first + is_odd, pair)
        if len(near) > places >> 4:
            return None
        numbers = near * 2 + first
        found.append(numbers[every[numbers] == wanted])
    return _Some(_merged(*found), count)


def _merged(one: Places, other: Places) -> Places:
    """The numbers of both, each of which are in order."""
    if not len(other) or not len(one):
        return one if len(one) else other
    both = np.concatenate((one, other))
    both.sort()
    return both


def _row(slots: Slots) -> npt.NDArray[Any]:
    """The values of slots that stand side by side."""
    data, offset, count, _, width = slots
    return np.frombuffer(data, _RAW[width], count, offset)


def _phases(slots: Slots) -> list[npt.NDArray[Any]]:
    """The values of the slots; where they overlap, those side by side in one array, and the next ones in another."""
    data, offset, count, step, width = slots
    raw = _RAW[width]
    if width % step:
        return [np.ndarray((count,), raw, data, offset, (step,))]
    ways = min(width // step, count)
    return [
        np.frombuffer(data, raw, (count - phase + ways - 1) // ways, offset + phase * step)
        for phase in range(ways)
    ]


def _old(old: Slots | bytes | None, new: Slots, phase: int) -> Any:
    if old is None:
        return None
    if isinstance(old, bytes):
        return np.frombuffer(old, _RAW[new.width])
    if old.step == new.step:
        return _row(old) if old.step == old.width else _phases(old)[phase]
    ways = len(_phases(new))  # packed: one behind the other
    return _row(old)[phase::ways]


def _mask(test: Spans | Relation, code: str, new: npt.NDArray[Any], old: Any, room: str) -> Bools:
    out = _rooms.bools(room, len(new))
    if isinstance(test, Spans):
        return _in_spans(test, new, out)
    if test.how in _BITS:
        return _BITS[test.how](new, old, out=out)
    after, before = new.view(f"<{code}"), old.view(f"<{code}")
    if test.how in _ORDER:
        return _ORDER[test.how](after, before, out=out)
    if test.how == "by":
        return _changed_by(test, code, new, old, after, before, out)
    with np.errstate(all="ignore"):
        start = before.astype(np.float64)
        change = after.astype(np.float64) - start
        base = np.abs(start)
        if test.is_less:
            change = -change
        is_enough = (base > 0) & (change >= base * test.low)
        if test.low > 0:
            # Of the smallest numbers a share may be 0: what stood still has not changed by it.
            is_enough &= change > 0
        return np.logical_and(is_enough, change <= base * test.high, out=out)


_BITS = {"changed": np.not_equal, "unchanged": np.equal}
_ORDER = {"increased": np.greater, "decreased": np.less}


def _in_spans(test: Spans, new: npt.NDArray[Any], out: Bools) -> Bools:
    if not test.ranges:
        out[:] = False
    for number, (low, more) in enumerate(test.ranges):
        one = _rooms.bools("range", len(new)) if number else out
        first = np.array(low, new.dtype)
        if more:
            # Two comparisons: NumPy's builds for Windows subtract one number at a time.
            last = (low + more) % (1 << test.width)
            other = _rooms.bools("bound", len(new))
            np.greater_equal(new, first, out=one)
            np.less_equal(new, np.array(last, new.dtype), out=other)
            (np.logical_and if low <= last else np.logical_or)(one, other, out=one)
        else:
            np.equal(new, first, out=one)
        if number:
            np.logical_or(out, one, out=out)
    return np.logical_not(out, out=out) if test.is_negated else out


def _changed_by(test: Relation, code: str, new: Any, old: Any, after: Any, before: Any, out: Bools) -> Bools:
    if code in "fd":
        with np.errstate(all="ignore"):
            change = after.astype(np.float64) - before.astype(np.float64)
        return np.logical_and(change >= test.low, change <= test.high, out=out)
    amount = int(test.low)
    limit = 1 << new.dtype.itemsize * 8
    if abs(amount) >= limit:
        out[:] = False
        return out
    np.equal(np.subtract(new, old), new.dtype.type(amount % limit), out=out)
    if amount:
        # The same bits as of a value that wrapped around are no such change.
        np.logical_and(out, after > before if amount > 0 else after < before, out=out)
    return out


def mask_of(numbers: bytes, count: int) -> Mask:
    """The mask of so many slots that wants those with these numbers, which are in order."""
    return _Some(np.frombuffer(numbers, _NUMBER).astype(np.intp), count)


def every(mask: Mask, first: int, step: int) -> Mask:
    """The mask of every so manieth slot, from one of them on."""
    if not isinstance(mask, _Some):
        return np.ascontiguousarray(mask[first::step])
    numbers = mask.numbers[mask.numbers >= first] - first
    return _Some(numbers[numbers % step == 0] // step, len(range(first, mask.length, step)))


def _bools(mask: Mask) -> Bools:
    """A mask as one that has a bool for each slot."""
    if not isinstance(mask, _Some):
        return mask
    result = np.zeros(mask.length, np.bool_)
    result[mask.numbers] = True
    return result


def lasting(mask: Mask) -> Mask:
    """The same, good for longer than until the next one is made."""
    return mask.copy() if isinstance(mask, np.ndarray) else mask


def opposite(mask: Mask) -> Mask:
    """The slots that it does not want."""
    bools = _bools(mask)
    return np.logical_not(bools, out=bools)


def count(mask: Mask) -> int:
    """How many slots are wanted."""
    return len(mask.numbers) if isinstance(mask, _Some) else int(np.count_nonzero(mask))


def both(one: Mask, other: Mask) -> Mask:
    """The slots that both want."""
    if isinstance(one, _Some):
        return _Some(one.numbers[_bools(other)[one.numbers]], one.length)
    if isinstance(other, _Some):
        return both(other, one)
    return np.logical_and(one, other, out=one)


def few(mask: Mask) -> bytes | None:
    """As :func:`positions`, of a mask that wants only a few; None of another one."""
    numbers = mask.numbers if isinstance(mask, _Some) else _few_wanted(mask)
    return None if numbers is None else numbers.astype(_NUMBER).tobytes()


def positions(mask: Mask) -> bytes:
    """The numbers of the wanted slots, each as 4 bytes."""
    numbers = mask.numbers if isinstance(mask, _Some) else _many_wanted(mask)
    return numbers.astype(_NUMBER).tobytes()


def bitmap(mask: Mask) -> bytes:
    """One bit for each slot, the lowest first."""
    return np.packbits(_bools(mask), bitorder="little").tobytes()


def from_bitmap(bits: bytes, start: int, stop: int) -> Mask:
    """The slots from *start* to *stop* of a bitmap."""
    return np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[start:stop].view(np.bool_)


def take(slots: Slots, positions: bytes) -> bytes:
    """The bytes of the values in those slots, one behind the other."""
    data, offset, count, step, width = slots
    numbers = np.frombuffer(positions, _NUMBER)
    if width not in _RAW:
        rows = np.ndarray((count, width), np.uint8, data, offset, (step, 1))
        return rows[numbers].tobytes()
    every = _row(slots) if step == width else np.ndarray((count,), _RAW[width], data, offset, (step,))
    return every[numbers].tobytes()


def compress(mask: Mask, items: bytes, size: int) -> bytes:
    """Those items of *size* bytes whose slots are wanted."""
    if size in _RAW:
        return np.frombuffer(items, _RAW[size])[_bools(mask)].tobytes()
    return np.frombuffer(items, np.uint8).reshape(-1, size)[_bools(mask)].tobytes()


def differ(new: bytes, old: bytes, size: int) -> Mask:
    """Which items of *size* bytes differ; *old* may be one for all."""
    rows = np.frombuffer(new, np.uint8).reshape(-1, size)
    return (rows != np.frombuffer(old, np.uint8).reshape(-1, size)).any(axis=1)


def shift(positions: bytes, distance: int) -> bytes:
    """The numbers of the same slots, counted from another one."""
    return (np.frombuffer(positions, _NUMBER).astype(np.int64) + distance).astype(_NUMBER).tobytes()


def between(positions: bytes, low: int, high: int) -> tuple[int, int]:
    """Which of the numbers, which are in order, lie from *low* up to below *high*: the first, and one past the last."""
    first, last = np.frombuffer(positions, _NUMBER).searchsorted([low, min(high, 1 << 32)]).tolist()
    return first, last


def indexes(positions: bytes, among: bytes) -> bytes:
    """Where each of the numbers stands among others, which have all of them."""
    found = np.frombuffer(among, _NUMBER).searchsorted(np.frombuffer(positions, _NUMBER))
    return found.astype(_NUMBER).tobytes()


def clusters(positions: bytes, gap: int, most: int) -> list[tuple[int, int]]:
    """The numbers in groups between which there is more than *gap*: the first of each, and one past its last.

    A group also ends where a multiple of *most* comes.
    """
    numbers = np.frombuffer(positions, _NUMBER)
    cuts = (np.flatnonzero((np.diff(numbers) > gap) | (np.diff(numbers // most) > 0)) + 1).tolist()
    return list(zip([0, *cuts], [*cuts, len(numbers)], strict=True))
