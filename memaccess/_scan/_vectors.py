"""Looking and comparing with NumPy: at the speed of memory."""

# mypy: disable-error-code="no-any-return"
# What the operators of arrays give is Any to some versions of NumPy.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memaccess._scan._anchors import rarest_byte, rarest_pair
from memaccess._scan._spans import Spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from memaccess._scan._pattern import Pattern
    from memaccess._scan._relations import Relation
    from memaccess._scan._slots import Slots

    Places = npt.NDArray[np.intp]
    Mask = npt.NDArray[np.bool_]


def finder(pattern: Pattern) -> Callable[[bytearray, int], Sequence[int]]:
    """What finds a pattern: the places below a limit at which it begins, in data that goes on behind it."""
    first = _pair_finder(pattern) or _byte_finder(pattern)
    checks = _other_bytes(pattern)

    def places(data: bytearray, limit: int) -> Sequence[int]:
        found = first(data, limit)
        if not len(found):
            return ()
        content = np.frombuffer(data, np.uint8)
        for offset, value, mask in checks:
            here = content[found + offset]
            found = found[(here if mask == 0xFF else here & mask) == value]
        result: list[int] = found.tolist()
        return result

    return places


def _pair_finder(pattern: Pattern) -> Callable[[bytearray, int], Places] | None:
    """Two bytes are found as one number, once at even places and once at odd ones: faster than one byte alone."""
    pair = rarest_pair(pattern)
    if pair is None:
        return None
    value = np.frombuffer(pair.data, "<u2")[0]

    def places(data: bytearray, limit: int) -> Places:
        even, odd = (
            np.flatnonzero(
                np.frombuffer(data, "<u2", (limit - parity + 1) // 2, pair.offset + parity) == value
            )
            for parity in (0, 1)
        )
        if not len(odd):
            return even * 2
        found = np.concatenate((even * 2, odd * 2 + 1))
        if len(even):
            found.sort()
        return found

    return places


def _byte_finder(pattern: Pattern) -> Callable[[bytearray, int], Places]:
    offset = rarest_byte(pattern)
    value, mask = np.uint8(pattern.data[offset]), pattern.mask[offset]

    def places(data: bytearray, limit: int) -> Places:
        content = np.frombuffer(data, np.uint8, limit, offset)
        return np.flatnonzero((content if mask == 0xFF else content & np.uint8(mask)) == value)

    return places


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
    phases = list(_phases(new))
    if len(phases) == 1:
        return _mask(test, code, phases[0], _old(old, new, 0))
    result: Mask = np.empty(new.length, np.bool_)
    for phase, values in enumerate(phases):
        result[phase :: len(phases)] = _mask(test, code, values, _old(old, new, phase))
    return result


def _phases(slots: Slots) -> list[npt.NDArray[Any]]:
    """The values of the slots; where they overlap, those side by side in one array, and the next ones in another."""
    data, offset, count, step, width = slots
    raw = f"<u{width}"
    if width % step:
        return [np.ndarray((count,), raw, data, offset, (step,))]
    ways = min(width // step, count)
    return [
        np.frombuffer(data, raw, (count - phase + ways - 1) // ways, offset + phase * step)
        if ways == width // step
        else np.frombuffer(data, raw, 1, offset + phase * step)
        for phase in range(ways)
    ]


def _old(old: Slots | bytes | None, new: Slots, phase: int) -> Any:
    if old is None:
        return None
    if isinstance(old, bytes):
        return np.frombuffer(old, f"<u{new.width}")[0]
    if old.step == new.step:
        return _phases(old)[phase]
    ways = len(_phases(new))  # packed: one behind the other
    return _phases(old)[0][phase::ways]


def _mask(test: Spans | Relation, code: str, new: npt.NDArray[Any], old: Any) -> Mask:
    if isinstance(test, Spans):
        return _in_spans(test, new)
    how = test.how
    if how == "changed":
        return new != old
    if how == "unchanged":
        return new == old
    after, before = new.view(f"<{code}"), old.view(f"<{code}")
    if how == "increased":
        return after > before
    if how == "decreased":
        return after < before
    if how == "by":
        return _changed_by(test, code, new, old, after, before)
    with np.errstate(all="ignore"):
        start = before.astype(np.float64)
        change = after.astype(np.float64) - start
        base = np.abs(start)
        if test.is_less:
            change = -change
        return (base > 0) & (change >= base * test.low) & (change <= base * test.high)


def _in_spans(test: Spans, new: npt.NDArray[Any]) -> Mask:
    result: Mask | None = None
    for low, more in test.ranges:
        first = new.dtype.type(low)
        # What is less than the first wraps around to something large.
        one = new == first if not more else np.subtract(new, first) <= new.dtype.type(more)
        result = one if result is None else np.logical_or(result, one, out=result)
    if result is None:
        result = np.zeros(len(new), np.bool_)
    return np.logical_not(result, out=result) if test.is_negated else result


def _changed_by(test: Relation, code: str, new: Any, old: Any, after: Any, before: Any) -> Mask:
    if code in "fd":
        with np.errstate(all="ignore"):
            change = after.astype(np.float64) - before.astype(np.float64)
        return (change >= test.low) & (change <= test.high)
    amount = int(test.low)
    limit = 1 << new.dtype.itemsize * 8
    if abs(amount) >= limit:
        return np.zeros(len(new), np.bool_)
    same = np.subtract(new, old) == new.dtype.type(amount % limit)
    # The same bits as of a value that wrapped around are no such change.
    return same & (after > before) if amount > 0 else same & (after < before) if amount else same


def mask_of(places: Sequence[int], count: int) -> Mask:
    """The mask of so many slots that wants those with these numbers."""
    result = np.zeros(count, np.bool_)
    result[list(places)] = True
    return result


def opposite(mask: Mask) -> Mask:
    """The slots that it does not want."""
    return np.logical_not(mask, out=mask)


def count(mask: Mask) -> int:
    """How many slots are wanted."""
    return int(np.count_nonzero(mask))


def both(one: Mask, other: Mask) -> Mask:
    """The slots that both want."""
    return np.logical_and(one, other, out=one)


def positions(mask: Mask) -> bytes:
    """The numbers of the wanted slots, each as 4 bytes."""
    return np.flatnonzero(mask).astype("<u4").tobytes()


def bitmap(mask: Mask) -> bytes:
    """One bit for each slot, the lowest first."""
    return np.packbits(mask, bitorder="little").tobytes()


def from_bitmap(bits: bytes, start: int, stop: int) -> Mask:
    """The slots from *start* to *stop* of a bitmap."""
    return np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[start:stop].view(np.bool_)


def take(slots: Slots, positions: bytes) -> bytes:
    """The bytes of the values in those slots, one behind the other."""
    data, offset, count, step, width = slots
    numbers = np.frombuffer(positions, "<u4")
    if step == width and width in (1, 2, 4, 8):
        return np.frombuffer(data, f"<u{width}", count, offset)[numbers].tobytes()
    if width in (1, 2, 4, 8):
        every = np.ndarray((count,), f"<u{width}", data, offset, (step,))
        return every[numbers].tobytes()
    rows = np.ndarray((count, width), np.uint8, data, offset, (step, 1))
    return rows[numbers].tobytes()


def compress(mask: Mask, items: bytes, size: int) -> bytes:
    """Those items of *size* bytes whose slots are wanted."""
    if size in (1, 2, 4, 8):
        return np.frombuffer(items, f"<u{size}")[mask].tobytes()
    return np.frombuffer(items, np.uint8).reshape(-1, size)[mask].tobytes()


def differ(new: bytes, old: bytes, size: int) -> Mask:
    """Which items of *size* bytes differ; *old* may be one for all."""
    rows = np.frombuffer(new, np.uint8).reshape(-1, size)
    return (rows != np.frombuffer(old, np.uint8).reshape(-1, size)).any(axis=1)


def shift(positions: bytes, distance: int) -> bytes:
    """The numbers of the same slots, counted from another one."""
    return (np.frombuffer(positions, "<u4").astype(np.int64) + distance).astype("<u4").tobytes()


def between(positions: bytes, low: int, high: int) -> tuple[int, int]:
    """Which of the numbers, which are in order, lie from *low* up to below *high*: first and last."""
    first, last = np.frombuffer(positions, "<u4").searchsorted([low, min(high, 1 << 32)]).tolist()
    return first, last


def indexes(positions: bytes, among: bytes) -> bytes:
    """Where each of the numbers stands among others, which have all of them."""
    found = np.frombuffer(among, "<u4").searchsorted(np.frombuffer(positions, "<u4"))
    return found.astype("<u4").tobytes()


def clusters(positions: bytes, gap: int, most: int) -> list[tuple[int, int]]:
    """The numbers in groups between which there is more than *gap*: the first of each, and one past its last.

    A group also ends where a multiple of *most* comes.
    """
    numbers = np.frombuffer(positions, "<u4")
    cuts = (np.flatnonzero((np.diff(numbers) > gap) | (np.diff(numbers // most) > 0)) + 1).tolist()
    return list(zip([0, *cuts], [*cuts, len(numbers)], strict=True))
