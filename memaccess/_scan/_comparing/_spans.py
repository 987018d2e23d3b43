"""Which values are wanted, as ranges of their bits.

Every question of a first scan, of ints and of floats, is whether the bits of a value lie in one of at
most two ranges. So one comparison serves all types; and NaN, whose bits lie behind those of infinity, is in none.
"""

from __future__ import annotations

import math
import struct
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._arguments import shown

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from memaccess._types import Codec

    Rounding: TypeAlias = Literal["rounded", "extreme", "truncated"] | None

_LARGEST = 4096
"""Powers of ten; the largest double has 308, the smallest one -324. The next would take long to work out exactly."""

ROUNDINGS = ("rounded", "extreme", "truncated", None)


class Spans(NamedTuple):
    """Ranges of bits, taken as an unsigned number; the lowest number follows on the highest."""

    width: int
    """How many bits there are."""
    ranges: tuple[tuple[int, int], ...]
    """Where each begins, and how many more there are; they don't overlap."""
    is_negated: bool = False
    """Whether all others are meant."""

    @property
    def constant(self) -> int | None:
        """The only bits that are in it; None where there are several."""
        if self.is_negated or len(self.ranges) != 1 or self.ranges[0][1]:
            return None
        return self.ranges[0][0]

    def __contains__(self, bits: object) -> bool:
        is_in = isinstance(bits, int) and any(
            (bits - low) % (1 << self.width) <= more for low, more in self.ranges
        )
        return is_in is not self.is_negated


class Given(NamedTuple):
    """A number as a user gave it."""

    value: Fraction | float
    """Exactly; a float only where it is infinite."""
    digits: int
    """How many it has behind the point."""

    @property
    def unit(self) -> Fraction:
        """What one in its last digit is worth."""
        return Fraction(1, 10**self.digits)


def given(number: Any) -> Given:
    """A number as it was written.

    :raises TypeError: it is no number.
    :raises ValueError: it is a str that is none, or it is NaN.
    """
    if isinstance(number, str):
        try:
            number = Decimal(number.strip())
        except InvalidOperation:
            raise ValueError(f"{number!r} is no number") from None
    if isinstance(number, Fraction):
        return Given(number, 0 if number.denominator == 1 else 17)
    if hasattr(number, "__index__"):
        return Given(Fraction(number.__index__()), 0)
    if not isinstance(number, Decimal):
        if not hasattr(number, "__float__") or isinstance(number, (bytes, bytearray)):
            raise TypeError(f"a number is needed, not {shown(number)}")
        number = Decimal(repr(float(number)))
    if number.is_nan():
        raise ValueError("NaN is equal to nothing, and greater or less than nothing")
    if number.is_infinite():
        return Given(float(number), 0)
    digits = max(-int(number.as_tuple().exponent), 0)
    if digits > _LARGEST or abs(number.adjusted()) > _LARGEST:
        raise OverflowError(f"{number:.6g} is larger, or nearer to 0, than any number in memory is")
    return Given(Fraction(number), digits)


def _about(value: Fraction | float) -> str:
    return shown(value) if isinstance(value, float) else f"{Decimal(int(value)):.6g}"


class Integers:
    """What is asked of a type of integers."""

    def __init__(self, codec: Codec[Any]) -> None:
        self._codec = codec
        self._bits = codec.size * 8
        self._signed = codec.code in "bhilq"

    def bits(self, value: Any) -> int:
        """The bits of a value.

        :raises TypeError: it is not of the type, and so with ValueError and OverflowError.
        """
        if isinstance(value, str) and self._codec.convert is None:
            number = given(value).value
            value = number.numerator if isinstance(number, Fraction) and number.denominator == 1 else number
        return int.from_bytes(self._codec.encode(value), "little")

    def exact(self, value: Any) -> Spans:
        return Spans(self._bits, ((self.bits(value), 0),))

    def between(self, low: Any, high: Any) -> Spans:
        first, last = self._number(low), self._number(high)
        if first > last:
            raise ValueError(f"{shown(low)} is more than {shown(high)}; give the lower bound first")
        return self._spans(first, last)

    def bigger(self, value: Any) -> Spans:
        return self._spans(self._number(value) + 1, self._highest)

    def smaller(self, value: Any) -> Spans:
        return self._spans(self._lowest, self._number(value) - 1)

    @property
    def _highest(self) -> int:
        return (1 << self._bits - self._signed) - 1

    @property
    def _lowest(self) -> int:
        return -1 << self._bits - 1 if self._signed else 0

    def _number(self, value: Any) -> int:
        bits = self.bits(value)
        return bits - (1 << self._bits) if self._signed and bits >> self._bits - 1 else bits

    def _spans(self, first: int, last: int) -> Spans:
        ranges = ((first % (1 << self._bits), last - first),) if first <= last else ()
        return Spans(self._bits, ranges)


class AnyIntegers(Integers):
    """What is asked of integers where several types are looked for: bounds may lie beyond those of the type.

    Signed integers leave what has no sign, and is too large for them, to unsigned ones.
    """

    def between(self, low: Any, high: Any) -> Spans:
        least, most = given(low).value, given(high).value
        if least > most:
            raise ValueError(f"{shown(low)} is more than {shown(high)}; give the lower bound first")
        first, last = math.ceil(least), math.floor(most)
        is_the_others = first >= 0 and last > self._highest if self._signed else first < 0
        return self._clamped(first, last, is_the_others)

    def bigger(self, value: Any) -> Spans:
        return self._clamped(math.floor(given(value).value) + 1, self._highest, False)

    def smaller(self, value: Any) -> Spans:
        return self._clamped(self._lowest, math.ceil(given(value).value) - 1, False)

    def _clamped(self, first: int, last: int, is_the_others: bool) -> Spans:
        if is_the_others or first > self._highest or last < self._lowest:
            raise OverflowError(f"no {self._codec.name} is like that, of all or of those without a sign")
        return self._spans(max(first, self._lowest), min(last, self._highest))


class Floats:
    """What is asked of a type of floats; a number stands for what a user sees as that on a screen."""

    def __init__(self, codec: Codec[Any], rounding: Rounding) -> None:
        self._codec = codec
        self._sign = 1 << codec.size * 8 - 1
        self._infinity = self._order(math.inf)
        self._rounding = rounding

    def exact(self, value: Any) -> Spans:
        number = given(value)
        nearest = self._nearest(number.value)
        first, last = nearest, nearest
        if self._rounding is not None and isinstance(number.value, Fraction):
            # The nearest float counts even where no float lies between the bounds.
            low, high = self._bounds(number.value, number.unit)
            first, last = min(first, low), max(last, high)
        return self._spans(first, last)

    def _bounds(self, value: Fraction, unit: Fraction) -> tuple[int, int]:
        """The lowest and the highest float that is shown as that number."""
        if self._rounding == "rounded":
            # Of a float that lies in the middle, some programs show the one number and some the other.
            return self._at_least(value - unit / 2), self._at_most(value + unit / 2)
        below, above = self._more_than(value - unit), self._less_than(value + unit)
        if self._rounding == "extreme" or not value:
            return below, above
        return (self._at_least(value), above) if value > 0 else (below, self._at_most(value))

    def between(self, low: Any, high: Any) -> Spans:
        first, last = self._nearest(given(low).value), self._nearest(given(high).value)
        if given(low).value > given(high).value:
            raise ValueError(f"{shown(low)} is more than {shown(high)}; give the lower bound first")
        return self._spans(first, last)

    def bigger(self, value: Any) -> Spans:
        return self._spans(self._nearest(given(value).value) + 1, self._infinity)

    def smaller(self, value: Any) -> Spans:
        return self._spans(-self._infinity, self._nearest(given(value).value) - 1)

    def change(self, amount: Any) -> tuple[float, float]:
        """Between which differences a change by that amount lies; both are included."""
        number = given(amount)
        assert isinstance(number.value, Fraction)
        wide = self if self._codec.size == 8 else Floats(_DOUBLE, self._rounding)
        low, high = wide._bounds(number.value, number.unit) if self._rounding else (0, 0)
        nearest = wide._nearest(number.value)
        if self._rounding is None:
            low = high = nearest
        return wide._float(min(low, nearest)), wide._float(max(high, nearest))

    # Floats in their order are ints in theirs, where the bits of negative ones are turned around.

    def _order(self, value: float) -> int:
        bits = int.from_bytes(struct.pack(f"<{self._codec.code}", value), "little")
        return bits if bits < self._sign else self._sign - bits

    def _raw(self, order: int) -> int:
        return order if order >= 0 else self._sign - order

    def _float(self, order: int) -> float:
        value: float = struct.unpack(
            f"<{self._codec.code}", self._raw(order).to_bytes(self._codec.size, "little")
        )[0]
        return value

    def _nearest(self, value: Fraction | float) -> int:
        try:
            return self._order(float(value))
        except OverflowError:
            raise OverflowError(f"{_about(value)} is too large for {self._codec.name}") from None

    def _exactly(self, order: int) -> Fraction | float:
        value = self._float(order)
        return value if math.isinf(value) else Fraction(value)

    def _near(self, value: Fraction) -> int:
        try:
            return self._order(float(value))
        except OverflowError:
            return self._infinity if value > 0 else -self._infinity

    def _at_least(self, value: Fraction) -> int:
        order = self._near(value)
        return order + (self._exactly(order) < value)

    def _at_most(self, value: Fraction) -> int:
        order = self._near(value)
        return order - (self._exactly(order) > value)

    def _more_than(self, value: Fraction) -> int:
        order = self._at_least(value)
        return order + (self._exactly(order) == value)

    def _less_than(self, value: Fraction) -> int:
        order = self._at_most(value)
        return order - (self._exactly(order) == value)

    def _spans(self, first: int, last: int) -> Spans:
        first, last = max(first, -self._infinity), min(last, self._infinity)
        if first > last:
            ranges: tuple[tuple[int, int], ...] = ()
        elif first > 0:
            ranges = ((first, last - first),)
        elif last < 0:
            ranges = ((self._sign - last, last - first),)
        else:
            ranges = ((0, last), (self._sign, -first))  # both zeros are zero
        return Spans(self._codec.size * 8, ranges)


class _Double(NamedTuple):
    """Stands for a codec, of differences."""

    name: str = "double"
    code: str = "d"
    size: int = 8


_DOUBLE: Any = _Double()
