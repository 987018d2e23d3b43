"""The table of C types: one row per type, from which methods, type names and sizes all come.

A type's size is the *target's*: a Windows program's ``long`` has 4 bytes in every width, and a
``pointer`` is as wide as the program is. :class:`DataModel` says how wide they are there. Values
are little-endian, as on every machine that Windows runs on.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from memaccess._arguments import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")


class DataModel(NamedTuple):
    """How wide a program's C types are and how they are aligned, in bytes, where systems differ."""

    pointer_size: int
    long_size: int
    wchar_size: int
    largest_alignment: int = 8
    """What the types of 8 bytes are aligned to; all others to their size."""

    @property
    def bitness(self) -> int:
        """32 or 64."""
        return self.pointer_size * 8

    @property
    def address_limit(self) -> int:
        """One past the highest address that a pointer can hold."""
        return 1 << self.bitness

    def alignment_of(self, size: int) -> int:
        """What a type of so many bytes is aligned to."""
        return min(size, self.largest_alignment)


WINDOWS_64 = DataModel(pointer_size=8, long_size=4, wchar_size=2)
WINDOWS_32 = DataModel(pointer_size=4, long_size=4, wchar_size=2)
LINUX_64 = DataModel(pointer_size=8, long_size=8, wchar_size=4)
# The alignment is that of the System V ABI for i386: https://gitlab.com/x86-psABIs/i386-ABI
LINUX_32 = DataModel(pointer_size=4, long_size=4, wchar_size=4, largest_alignment=4)
MODELS = (WINDOWS_64, WINDOWS_32, LINUX_64, LINUX_32)


class CType(Generic[T]):
    """One row of the table: the Python type of the values, the C type's name, and its struct code.

    *code* is a code of the :mod:`struct` module, or a function from the target's
    :class:`DataModel` to one. *convert* makes the Python value out of what :mod:`struct` unpacks;
    *revert* is the way back, and refuses a value that is not of the type.
    """

    __slots__ = ("_code", "_codecs", "_revert", "convert", "name", "summary", "value_type")

    def __init__(
        self,
        value_type: type[T],
        name: str,
        code: str | Callable[[DataModel], str],
        summary: str,
        convert: Callable[[Any], T] | None = None,
        revert: Callable[[T], Any] | None = None,
    ) -> None:
        self.value_type = value_type
        self.name = name
        self.summary = summary
        self.convert = convert
        self._revert = revert
        self._code = code
        self._codecs: dict[str, Codec[T]] = {}

    @property
    def fixed_codec(self) -> Codec[T] | None:
        """The type where it is the same in every program; None where it depends on the target."""
        return self._codec(self._code) if isinstance(self._code, str) else None

    def codec(self, model: DataModel) -> Codec[T]:
        """The type as a program with that data model has it."""
        return self._codec(self._code if isinstance(self._code, str) else self._code(model))

    def _codec(self, code: str) -> Codec[T]:
        try:
            return self._codecs[code]
        except KeyError:
            return self._codecs.setdefault(code, Codec(self.name, code, self.convert, self._revert))


class Codec(Generic[T]):
    """A C type of one definite size: the way from bytes to a value and back."""

    __slots__ = ("_pack", "_revert", "code", "convert", "name", "size", "unpack")

    def __init__(
        self,
        name: str,
        code: str,
        convert: Callable[[Any], T] | None,
        revert: Callable[[T], Any] | None,
    ) -> None:
        layout = struct.Struct("<" + code)
        self.name = name
        self.code = code
        self.size = layout.size
        self.unpack = layout.unpack
        self.convert = convert
        self._pack = layout.pack
        self._revert = revert

    def decode(self, data: bytes) -> T:
        """The value of *data*, which has exactly :attr:`size` bytes."""
        (item,) = self.unpack(data)
        value: T = item if self.convert is None else self.convert(item)
        return value

    def decode_array(self, data: bytes) -> list[T]:
        """The values of an array; *data* has a whole number of items."""
        items = struct.unpack(f"<{len(data) // self.size}{self.code}", data)
        return list(items if self.convert is None else map(self.convert, items))

    def encode(self, value: T) -> bytes:
        """The bytes of *value*; TypeError, ValueError or OverflowError where it is not of the type."""
        raw = value if self._revert is None else self._revert(value)
        try:
            return self._pack(raw)
        except (struct.error, OverflowError):
            raise self._misfit(value, raw) from None

    def encode_array(self, values: Iterable[T]) -> bytes:
        """The bytes of an array of *values*."""
        items = list(values)
        raw = items if self._revert is None else [self._revert(item) for item in items]
        try:
            return struct.pack(f"<{len(raw)}{self.code}", *raw)
        except (struct.error, OverflowError):
            return b"".join(map(self.encode, items))  # meets the item that is wrong, and names it

    def _misfit(self, value: object, raw: object) -> Exception:
        """Why struct could not pack *value*."""
        if self.code in "fd":
            if hasattr(raw, "__float__"):  # a Fraction or a Decimal is a number too
                return OverflowError(f"{shown(value)} is too large for {self.name}")
            return TypeError(f"{self.name} takes a float, not {type(value).__name__}")
        if not hasattr(raw, "__index__"):
            return TypeError(f"{self.name} takes an int, not {type(value).__name__}")
        low, high = integer_range(self.size, signed=self.code.islower())
        return OverflowError(f"{shown(value)} does not fit {self.name}, which holds {low} to {high}")


def integer_range(size: int, *, signed: bool) -> tuple[int, int]:
    """The lowest and the highest integer of *size* bytes."""
    bits = size * 8
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def _one_byte(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"char takes a bytes object of length 1, not {type(value).__name__}")
    if len(value) != 1:
        raise ValueError(f"char takes one byte, not {len(value)}")
    return value


def _truth(value: bool) -> bool:
    # struct would take anything and write its truth: 'False' would become True.
    if not isinstance(value, int):
        raise TypeError(f"bool takes True or False, not {type(value).__name__}")
    if value not in (0, 1):
        raise OverflowError(f"{shown(value)} does not fit bool, which holds False and True")
    return bool(value)


def _code_unit(value: str) -> int:
    if not isinstance(value, str):
        raise TypeError(f"wchar takes a str of length 1, not {type(value).__name__}")
    if len(value) != 1:
        raise ValueError(f"wchar takes one character, not {len(value)}")
    return ord(value)


_SIGNED = {1: "b", 2: "h", 4: "i", 8: "q"}
_UNSIGNED = {size: code.upper() for size, code in _SIGNED.items()}

CHAR = CType(bytes, "char", "c", "one byte, as a bytes object of length 1", revert=_one_byte)
SIGNED_CHAR = CType(int, "signed_char", "b", "a signed integer of 1 byte")
UNSIGNED_CHAR = CType(int, "unsigned_char", "B", "an unsigned integer of 1 byte")
BOOL = CType(bool, "bool", "?", "one byte, True where it is not 0", revert=_truth)
WCHAR = CType(
    str,
    "wchar",
    lambda model: _UNSIGNED[model.wchar_size],
    "one wide code unit, as a str of length 1; 2 bytes (UTF-16) in Windows programs",
    convert=chr,
    revert=_code_unit,
)
SHORT = CType(int, "short", "h", "a signed integer of 2 bytes")
UNSIGNED_SHORT = CType(int, "unsigned_short", "H", "an unsigned integer of 2 bytes")
INT = CType(int, "int", "i", "a signed integer of 4 bytes")
UNSIGNED_INT = CType(int, "unsigned_int", "I", "an unsigned integer of 4 bytes")
LONG = CType(
    int,
    "long",
    lambda model: _SIGNED[model.long_size],
    "a signed integer of 4 bytes in Windows programs",
)
UNSIGNED_LONG = CType(
    int,
    "unsigned_long",
    lambda model: _UNSIGNED[model.long_size],
    "an unsigned integer of 4 bytes in Windows programs",
)
LONG_LONG = CType(int, "long_long", "q", "a signed integer of 8 bytes")
UNSIGNED_LONG_LONG = CType(int, "unsigned_long_long", "Q", "an unsigned integer of 8 bytes")
FLOAT = CType(float, "float", "f", "a number of 4 bytes (IEEE binary32)")
DOUBLE = CType(float, "double", "d", "a number of 8 bytes (IEEE binary64)")
POINTER = CType(
    int,
    "pointer",
    lambda model: _UNSIGNED[model.pointer_size],
    "an address, as wide as the target's pointers",
)
SIZE_T = CType(
    int,
    "size_t",
    lambda model: _UNSIGNED[model.pointer_size],
    "an unsigned integer, as wide as the target's pointers",
)
INT8 = CType(int, "int8", "b", "a signed integer of 1 byte")
UINT8 = CType(int, "uint8", "B", "an unsigned integer of 1 byte")
INT16 = CType(int, "int16", "h", "a signed integer of 2 bytes")
UINT16 = CType(int, "uint16", "H", "an unsigned integer of 2 bytes")
INT32 = CType(int, "int32", "i", "a signed integer of 4 bytes")
UINT32 = CType(int, "uint32", "I", "an unsigned integer of 4 bytes")
INT64 = CType(int, "int64", "q", "a signed integer of 8 bytes")
UINT64 = CType(int, "uint64", "Q", "an unsigned integer of 8 bytes")

TYPES: Mapping[str, CType[Any]] = {
    value.name: value for value in tuple(globals().values()) if isinstance(value, CType)
}
"""Every C type by its name."""


def type_named(name: str) -> CType[Any]:
    """The C type of that name; blanks may stand for the underscores.

    :raises ValueError: there is none; the message names those that there are.
    """
    if not isinstance(name, str):
        raise TypeError(f"a type is given by its name, as a str, not {type(name).__name__}")
    try:
        return TYPES[name.replace(" ", "_")]
    except KeyError:
        raise ValueError(f"no type is called {name!r}; there are {', '.join(TYPES)}") from None
