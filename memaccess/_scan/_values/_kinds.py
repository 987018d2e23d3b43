"""What a scan can look for: numbers, texts and bytes, several values at known distances."""

from __future__ import annotations

import copy
import math
from array import array
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from memaccess._arguments import shown
from memaccess._scan._comparing._relations import Relation
from memaccess._scan._comparing._slots import Slots
from memaccess._scan._comparing._spans import ROUNDINGS, AnyIntegers, Floats, Integers, Spans, given
from memaccess._scan._patterns._pattern import Sought, as_pattern, text_pattern
from memaccess._strings import text_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memaccess._scan._comparing._kernels import Kernels
    from memaccess._scan._comparing._spans import Rounding
    from memaccess._types import Codec


class Like(NamedTuple):
    """A test of bytes: what they look like."""

    wanted: Sought
    is_negated: bool = False

    def is_met(self, data: bytes) -> bool:
        confirm = self.wanted.confirm
        is_like = self.wanted.pattern.matches(data) and (confirm is None or confirm(data))
        return is_like is not self.is_negated


class Members(NamedTuple):
    """A test of several values: one for each of them that matters."""

    tests: tuple[tuple[int, Number, Spans], ...]
    """Where each is from the first byte on, what it is, and what is wanted of it."""


Test: TypeAlias = Spans | Relation | Like | Members

MOST = 1 << 16
"""Bytes from the first of a group's values to its last."""

Looker: TypeAlias = "Callable[[Slots], Any]"
"""Gives a mask of the slots that are wanted, or None where there is none."""


class Kind:
    """What a scan looks for, of a definite size."""

    name: str
    """What users call it."""
    width: int
    """Bytes of it."""
    may_be_dense = False
    """Whether whole stretches of memory may be kept of it, and not only the values that were found."""

    def decode(self, data: bytes) -> Any:
        """The value of those bytes."""
        raise NotImplementedError

    def encode(self, value: Any) -> bytes:
        """The bytes of a value; of a group, all of them are needed."""
        raise NotImplementedError

    def looker(self, kernels: Kernels, test: Test) -> Looker:
        """What looks for it in memory, in a first scan."""
        raise NotImplementedError

    def kept(self, kernels: Kernels, test: Test, new: Slots, old: Slots | bytes | None) -> Any:
        """The mask of the slots that a next scan keeps."""
        raise NotImplementedError

    def sized(self, _test: Test | None) -> Kind:
        """The same, of the size that a first test has."""
        return self

    def constant(self, test: Test) -> bytes | None:
        """The bytes that all of it has that the test wants; None where they may differ."""
        raise NotImplementedError

    # -- the tests; a kind that has none of that name says so

    def exact(self, value: Any) -> Test:
        """What has that value."""
        raise NotImplementedError

    def not_equal(self, _value: Any) -> Test:
        raise self._has_no("not_equal")

    def bigger(self, _value: Any) -> Test:
        raise self._has_no("bigger_than")

    def smaller(self, _value: Any) -> Test:
        raise self._has_no("smaller_than")

    def between(self, _low: Any, _high: Any) -> Test:
        raise self._has_no("between")

    def relation(self, how: Any) -> Relation:
        """Changed or unchanged; of numbers, also increased or decreased."""
        if how in ("increased", "decreased"):
            raise self._has_no(how)
        return Relation(how)

    def by(self, _amount: Any, *, is_less: bool) -> Test:
        raise self._has_no("decreased_by" if is_less else "increased_by")

    def percent(self, _low: Any, _high: Any, *, is_less: bool) -> Test:
        raise self._has_no("decreased_by_percent" if is_less else "increased_by_percent")

    def _has_no(self, test: str) -> TypeError:
        return TypeError(
            f"{test}() is for numbers, and this scan is for {self.name}; use exact(), changed() or unchanged()"
        )


class Number(Kind):
    """A value of a C type."""

    may_be_dense = True

    def __init__(self, codec: Codec[Any], rounding: Rounding, *, is_one_of_all: bool = False) -> None:
        if rounding not in ROUNDINGS:
            raise ValueError(f"a rounding is one of {', '.join(map(repr, ROUNDINGS))}, not {shown(rounding)}")
        self.name = codec.name
        self.width = codec.size
        self.codec = codec
        self.rounding = rounding
        # What the type is in comparisons: bool, char and wchar are unsigned integers.
        self.code = codec.code if codec.code not in "c?" else "B"
        integers = AnyIntegers if is_one_of_all else Integers
        self._questions = Floats(codec, rounding) if codec.code in "fd" else integers(codec)

    def decode(self, data: bytes) -> Any:
        try:
            return self.codec.decode(data)
        except (ValueError, OverflowError):  # what a wchar of 4 bytes has may be no character
            return int.from_bytes(data, "little")

    def encode(self, value: Any) -> bytes:
        return self.codec.encode(value)

    def looker(self, kernels: Kernels, test: Test) -> Looker:
        assert isinstance(test, Spans)

        def look(slots: Slots) -> Any:
            return kernels.mask(test, self.code, slots, None)

        return look

    def kept(self, kernels: Kernels, test: Test, new: Slots, old: Slots | bytes | None) -> Any:
        assert isinstance(test, (Spans, Relation))
        return kernels.mask(test, self.code, new, old)

    def constant(self, test: Test) -> bytes | None:
        bits = test.constant if isinstance(test, Spans) else None
        return None if bits is None else bits.to_bytes(self.width, "little")

    def exact(self, value: Any) -> Spans:
        return self._questions.exact(value)

    def not_equal(self, value: Any) -> Spans:
        return self.exact(value)._replace(is_negated=True)

    def bigger(self, value: Any) -> Spans:
        return self._questions.bigger(value)

    def smaller(self, value: Any) -> Spans:
        return self._questions.smaller(value)

    def between(self, low: Any, high: Any) -> Spans:
        return self._questions.between(low, high)

    def relation(self, how: Any) -> Relation:
        return Relation(how)

    def by(self, amount: Any, *, is_less: bool) -> Relation:
        number = given(amount)
        if number.value < 0:
            raise ValueError(
                f"a value is increased or decreased by a positive amount, not by {shown(amount)}"
            )
        if not isinstance(number.value, Fraction):
            raise ValueError("a value changes by a finite amount")
        if isinstance(self._questions, Floats):
            low, high = self._questions.change(amount)
        elif number.digits:
            raise TypeError(f"{self.name} changes by a whole number, not by {shown(amount)}")
        else:
            low = high = int(number.value)
        return Relation("by", -high, -low) if is_less else Relation("by", low, high)

    def percent(self, low: Any, high: Any, *, is_less: bool) -> Relation:
        try:
            first = float(given(low).value) / 100
            last = math.inf if high is None else float(given(high).value) / 100
        except OverflowError:
            raise OverflowError(
                f"{shown(low)} to {shown(high)} percent is more than a double holds"
            ) from None
        if not 0 <= first <= last:
            raise ValueError(
                f"a value changes by 0 percent or more, the lower bound first, not by {low!r} to {high!r}"
            )
        return Relation("percent", first, last, is_less)


class Bytes(Kind):
    """Bytes, or a text: of the length that was looked for first."""

    def __init__(self, encoding: str | None = None, *, ignore_case: bool = False) -> None:
        self.name = "bytes" if encoding is None else "text"
        self.width = 0
        self.encoding = None if encoding is None else text_encoding(encoding).name
        self.ignore_case = ignore_case

    def decode(self, data: bytes) -> Any:
        return data if self.encoding is None else data.decode(self.encoding, "replace")

    def encode(self, value: Any) -> bytes:
        pattern = self.exact(value).wanted.pattern
        if set(pattern.mask) != {0xFF} and self.encoding is None:
            raise ValueError(f"what is written has no wildcards, and {pattern} has")
        return pattern.data if self.encoding is None else bytes(value.encode(self.encoding))

    def exact(self, value: Any) -> Like:
        if self.encoding is None:
            wanted = Sought(as_pattern(value))
        else:
            wanted = text_pattern(value, self.encoding, self.ignore_case)
        size = len(wanted.pattern)
        if self.width not in (0, size):
            raise ValueError(f"this scan is for {self.name} of {self.width} bytes, and that has {size}")
        return Like(wanted)

    def sized(self, test: Test | None) -> Bytes:
        assert isinstance(test, Like)
        if test.is_negated:
            raise ValueError(f"a first scan for {self.name} looks for what it is, not for what it is not")
        same = copy.copy(self)
        same.width = len(test.wanted.pattern)
        return same

    def not_equal(self, value: Any) -> Like:
        return self.exact(value)._replace(is_negated=True)

    def looker(self, kernels: Kernels, test: Test) -> Looker:
        assert isinstance(test, Like)
        find = kernels.finder(test.wanted.pattern)

        def look(slots: Slots) -> Any:
            data, offset, count, step, width = slots
            assert isinstance(data, bytearray)
            found = find(data, offset + (count - 1) * step + 1)
            if offset or step > 1:
                found = kernels.every(found, offset, step)
            if test.wanted.confirm is None:
                return found
            places = array("I", kernels.positions(found))
            right = (
                number
                for number in places
                if test.is_met(bytes(data[(place := offset + number * step) : place + width]))
            )
            return kernels.mask_of(array("I", right).tobytes(), count)

        return look

    def kept(self, kernels: Kernels, test: Test, new: Slots, old: Slots | bytes | None) -> Any:
        data, width = bytes(new.data), new.width
        if isinstance(test, Like):
            starts = range(0, len(data), width)
            found = (index for index, start in enumerate(starts) if test.is_met(data[start : start + width]))
            return kernels.mask_of(array("I", found).tobytes(), new.length)
        return _changed(kernels, test, new, old)

    def constant(self, test: Test) -> bytes | None:
        if isinstance(test, Like) and not test.is_negated and set(test.wanted.pattern.mask) == {0xFF}:
            return test.wanted.pattern.data
        return None


class Group(Kind):
    """Several numbers at known distances from the first byte."""

    may_be_dense = True

    def __init__(self, members: Mapping[int, Number]) -> None:
        self.name = "a group"
        self.members = dict(members)
        self.width = max(offset + number.width for offset, number in members.items())

    def decode(self, data: bytes) -> dict[int, Any]:
        return {
            offset: number.decode(data[offset : offset + number.width])
            for offset, number in self.members.items()
        }

    def encode(self, _value: Any) -> bytes:
        raise TypeError("a group is written value by value: add its distances to the address of the hit")

    def exact(self, value: Any) -> Members:
        """Of each value that is given: what it is, or a tuple of what it lies between."""
        if not hasattr(value, "items") or not value:
            raise TypeError(
                f"a group is looked for as a dict of values by their distances, not as {shown(value)}"
            )
        tests = []
        for offset, each in value.items():
            number = self.members.get(offset)
            if number is None:
                known = ", ".join(map(str, self.members))
                raise ValueError(f"this group has no value at {shown(offset)}; it has {known}")
            tests.append((offset, number, _member_test(number, each)))
        return Members(tuple(tests))

    def looker(self, kernels: Kernels, test: Test) -> Looker:
        return lambda slots: self._mask(kernels, test, slots)

    def kept(self, kernels: Kernels, test: Test, new: Slots, old: Slots | bytes | None) -> Any:
        if isinstance(test, Members):
            return self._mask(kernels, test, new)
        assert isinstance(test, Relation)
        assert isinstance(old, Slots)
        same = None  # what lies between its values is none of it
        for offset, number in self.members.items():
            after, before = (
                each._replace(offset=each.offset + offset, width=number.width) for each in (new, old)
            )
            one = kernels.mask(Relation("unchanged"), number.code, after, before)
            same = kernels.lasting(one) if same is None else kernels.both(same, one)
        return same if test.how == "unchanged" else kernels.opposite(same)

    def _mask(self, kernels: Kernels, test: Test, slots: Slots) -> Any:
        assert isinstance(test, Members)
        result = None
        for offset, number, wanted in test.tests:
            place = slots._replace(offset=slots.offset + offset, width=number.width)
            one = kernels.mask(wanted, number.code, place, None)
            result = kernels.lasting(one) if result is None else kernels.both(result, one)
            if not kernels.count(result):
                break
        return result

    def constant(self, _test: Test) -> bytes | None:
        return None


def _member_test(number: Number, wanted: Any) -> Spans:
    if not isinstance(wanted, tuple):
        return number.exact(wanted)
    if len(wanted) != 2:
        raise ValueError(f"a value of a group lies between two others, (low, high), not {shown(wanted)}")
    return number.between(*wanted)


def _changed(kernels: Kernels, test: Test, new: Slots, old: Slots | bytes | None) -> Any:
    """The mask of the values, one behind the other, whose bytes changed, or did not."""
    assert isinstance(test, Relation)
    assert old is not None
    before = old if isinstance(old, bytes) else bytes(old.data)
    mask = kernels.differ(bytes(new.data), before, new.width)
    return mask if test.how == "changed" else kernels.opposite(mask)


def step_of(kind: Kind, alignment: int | None, natural: Callable[[int], int]) -> int:
    """How far apart the places are at which it is looked for."""
    if alignment is not None:
        return alignment
    if isinstance(kind, Number):
        return natural(kind.width)
    if isinstance(kind, Group):
        return min(natural(number.width) for number in kind.members.values())
    return 1
