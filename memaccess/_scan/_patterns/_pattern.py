"""Patterns: bytes of which some, or some bits, may be anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from memaccess._arguments import as_source, checked_text, shown
from memaccess._strings import text_encoding

if TYPE_CHECKING:
    from collections.abc import Callable

_WILDCARDS = "?*"
_HEXADECIMAL = "0123456789abcdefABCDEF"


class Pattern:
    r"""Bytes to look for, some of which may be anything.

    :param data: the bytes.
    :param mask: which of their bits count: as many bytes, or a str with ``'x'`` for each byte that counts
        and ``'?'`` for each that does not. Without it all count.
    :raises ValueError: the mask has another length than the data, or nothing counts.

    >>> Pattern(b'\x48\x8b\x05\x00\x00\x00\x00', 'xxx????')
    <Pattern '48 8B 05 ?? ?? ?? ??'>
    """

    __module__ = "memaccess.searching"

    data: bytes
    """The bytes, with zeros for the bits that may be anything."""
    mask: bytes
    """As many bytes, with ones for the bits that count."""

    def __init__(self, data: Any, mask: Any = None) -> None:
        content = bytes(as_source(data))
        bits = _mask(mask, len(content))
        if not any(bits):
            raise ValueError("a pattern has to have a byte that is not a wildcard, or it would be everywhere")
        self.data = bytes(value & mask for value, mask in zip(content, bits, strict=True))
        self.mask = bits

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """The pattern that is written so.

        :param text: hexadecimal bytes with ``?`` or ``*`` for what may be anything: ``'48 8B ?? ?? 05'``,
            ``'4? 8B'`` with half a byte open, ``'488B????05'``. A ``?`` alone is a whole byte.
        :returns: the pattern.
        :raises ValueError: it is none; the message says where it goes wrong.

        >>> Pattern.parse('48 8b ? 4?')
        <Pattern '48 8B ?? 4?'>
        """
        checked_text("a pattern", text)
        data, mask = bytearray(), bytearray()
        for word in re.finditer(r"[^\s,]+", text):
            digits = word.group() * 2 if word.group() in _WILDCARDS else word.group()
            _check_digits(text, digits, word.start())
            data += bytes.fromhex("".join("0" if each in _WILDCARDS else each for each in digits))
            mask += bytes.fromhex("".join("0" if each in _WILDCARDS else "F" for each in digits))
        if not data:
            raise ValueError("a pattern has to have a byte; this one is empty")
        return cls(bytes(data), bytes(mask))

    def __len__(self) -> int:
        return len(self.data)

    def __str__(self) -> str:
        """The pattern as :meth:`parse` takes it."""
        return " ".join(_written(value, mask) for value, mask in zip(self.data, self.mask, strict=True))

    def __repr__(self) -> str:
        return f"<Pattern {str(self)!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pattern):
            return NotImplemented
        return (self.data, self.mask) == (other.data, other.mask)

    def __hash__(self) -> int:
        return hash((self.data, self.mask))

    def matches(self, data: bytes) -> bool:
        r"""Whether those bytes are what the pattern stands for.

        :param data: as many bytes as the pattern has.
        :returns: False also where there are more or fewer.

        >>> Pattern.parse('48 ??').matches(b'\x48\x8b')
        True
        """
        if len(data) != len(self.data):
            return False
        bits = int.from_bytes(data, "little") & int.from_bytes(self.mask, "little")
        return bits == int.from_bytes(self.data, "little")


def _mask(mask: Any, size: int) -> bytes:
    if mask is None:
        return b"\xff" * size
    if isinstance(mask, str):
        if set(mask) - set("xX?"):
            raise ValueError(f"a mask is written with x and ?, not as {mask!r}")
        bits = bytes(0 if each == "?" else 0xFF for each in mask)
    else:
        bits = bytes(as_source(mask))
    if len(bits) != size:
        raise ValueError(f"a mask is as long as its bytes: {size}, not {len(bits)}")
    return bits


def _check_digits(text: str, digits: str, position: int) -> None:
    for index, each in enumerate(digits):
        if each not in _HEXADECIMAL and each not in _WILDCARDS:
            raise ValueError(
                f"{text!r} is no pattern: {each!r} at position {position + index} is no hexadecimal digit and no "
                f"wildcard. Give a text to find_text(), and bytes as a bytes object"
            )
    if len(digits) % 2:
        others = f" or {digits}?" if len(digits) > 1 else f", {digits}? or ?{digits}"
        raise ValueError(
            f"{text!r} is no pattern: {digits!r} at position {position} is half a byte; write 0{digits}{others}"
        )


def _written(value: int, mask: int) -> str:
    """A byte as :meth:`Pattern.parse` takes it; bits that only a mask can tell are shown as open."""
    digits = f"{value:02X}"
    return "".join(
        digit if mask >> shift & 0xF == 0xF else "?" for digit, shift in zip(digits, (4, 0), strict=True)
    )


class Sought:
    """What is looked for: a pattern, and what else its bytes have to be."""

    def __init__(self, pattern: Pattern, confirm: Callable[[bytes], bool] | None = None) -> None:
        self.pattern = pattern
        self.confirm = confirm


def as_pattern(what: Any) -> Pattern:
    """What a user looks for, as a pattern.

    :raises TypeError: it is none, no str and no bytes.
    """
    if isinstance(what, Pattern):
        return what
    if isinstance(what, str):
        return Pattern.parse(what)
    if isinstance(what, re.Pattern):
        raise TypeError("find_regex() looks for regular expressions")
    try:
        data = as_source(what)
    except TypeError:
        raise TypeError(
            f"a pattern is a str such as '48 8B ?? 05', a bytes object or a Pattern, not {shown(what)}"
        ) from None
    if not data:
        raise ValueError("a pattern has to have a byte; this one is empty")
    return Pattern(data)


def text_pattern(text: str, encoding: str, ignore_case: bool) -> Sought:
    """What a text looks like in memory.

    :raises ValueError: the text is empty, or can't be written in that encoding.
    :raises LookupError: Python knows no such encoding.
    """
    checked_text("a text", text)
    if not text:
        raise ValueError("a text to look for has to have a character; this one is empty")
    name = text_encoding(encoding).name
    if not ignore_case:
        return Sought(Pattern(text.encode(name)))
    data, mask = bytearray(), bytearray()
    is_exact = True
    for character in text:
        one = character.encode(name)
        others = [
            form.encode(name) for form in _other_cases(character, name) if len(form.encode(name)) == len(one)
        ]
        open_bits = 0
        for other in others:
            open_bits |= int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
        is_exact = is_exact and open_bits.bit_count() <= 1
        data += one
        mask += (((1 << 8 * len(one)) - 1) ^ open_bits).to_bytes(len(one), "little")
    if data != text.encode(name):
        raise ValueError(f"letter case can't be ignored in {encoding}, which writes no letter by itself")
    folded = [_folded(each) for each in text]

    def is_the_text(found: bytes) -> bool:
        try:
            return [_folded(each) for each in found.decode(name)] == folded
        except UnicodeDecodeError:
            return False

    return Sought(Pattern(bytes(data), bytes(mask)), None if is_exact else is_the_text)


def _other_cases(character: str, encoding: str) -> list[str]:
    """The other forms of a letter that this encoding can write."""
    found = []
    forms = {character.lower(), character.upper(), character.title(), character.casefold()}
    forms |= {form.lower() for form in forms}
    if "\u03c3" in forms:
        forms.add("\u03c2")  # the sigma at the end of a word, which no other form leads to
    for form in forms - {character}:
        try:
            form.encode(encoding)
        except UnicodeEncodeError:
            continue
        found.append(form)
    return found


def _folded(character: str) -> str:
    """What letters have in common that differ in their case alone; of one length with them."""
    forms = character.casefold(), character.lower(), character
    return next(form for form in forms if len(form) == 1)
