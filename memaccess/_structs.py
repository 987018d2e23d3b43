"""Struct formats as the target lays them out, and ``ctypes`` structures that fit it.

A format of the :mod:`struct` module that asks for native layout (``'@'``, or no prefix) means the
layout of a C struct *in the target*: its alignment, its ``long``, its pointers. The struct module
would take those of the Python at hand, which are wrong as soon as the widths differ.
"""

from __future__ import annotations

import ctypes
import re
import struct
from typing import TYPE_CHECKING, Any

from memaccess._arguments import checked_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._types import DataModel

_ITEM = re.compile(r"\s*(\d*)([a-zA-Z?])|\s+$")
_UNALIGNED = frozenset("xcbB?sp")


def compile_format(format: str, model: DataModel) -> struct.Struct:
    """*format* as a :class:`struct.Struct` of definite size in a program of that data model.

    :raises ValueError: it is not a struct format; the message says where it goes wrong.
    """
    checked_text("a struct format", format)
    if format[:1] in ("<", ">", "=", "!"):
        text = "<" + format[1:] if format[0] == "=" else format
    else:
        text = _native(format.removeprefix("@"), model)
    try:
        return struct.Struct(text)
    except struct.error as error:
        raise ValueError(f"{format!r} is not a struct format: {error}") from None


def _native(items: str, model: DataModel) -> str:
    """*items* with the target's sizes, and with its padding written out."""
    sizes = _target_codes(model)
    text, offset, position = "<", 0, 0
    while position < len(items):
        found = _ITEM.match(items, position)
        if found is None:
            raise ValueError(f"{items!r} is not a struct format: bad character at {position}")
        position = found.end()
        if found[2] is None:
            break
        code = sizes.get(found[2], found[2])
        padding = 0 if code in _UNALIGNED else -offset % _item_size(code)
        piece = (f"{padding}x" if padding else "") + found[1] + code
        offset += _item_size(piece)
        text += piece
    return text


def _item_size(piece: str) -> int:
    try:
        return struct.calcsize("<" + piece)
    except struct.error as error:
        raise ValueError(f"{piece!r} in a struct format: {error}") from None


def _target_codes(model: DataModel) -> dict[str, str]:
    """The codes whose size is the target's, as codes of definite size."""
    integer = {4: "i", 8: "q"}
    long, word = integer[model.long_size], integer[model.pointer_size]
    return {
        "l": long,
        "L": long.upper(),
        "n": word,
        "N": word.upper(),
        "P": word.upper(),
    }


def pack(format: struct.Struct, values: Any) -> bytes:
    """The bytes of *values*.

    :raises ValueError: they don't match the format.
    """
    try:
        values = tuple(values)
    except TypeError:
        raise TypeError(f"the values of a structure are a sequence, not {values!r}") from None
    try:
        return format.pack(*values)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{values!r} does not match the format {format.format!r}: {error}") from None


def check_layout(layout: Any, model: DataModel) -> None:
    """Refuse what is no ctypes type, and one with pointers of another width than the target's.

    ctypes lays pointers out for the Python at hand; every field behind one would be misplaced.

    :raises TypeError: the message says what to use instead.
    """
    if not (isinstance(layout, type) and hasattr(layout, "from_buffer_copy")):
        raise TypeError(f"a struct format or a ctypes type is needed, not {layout!r}")
    if _has_code(layout, "zZO"):
        raise TypeError(
            f"{layout.__name__} holds a c_char_p, c_wchar_p or py_object, which Python would follow in its own "
            "memory; declare it as c_void_p"
        )
    if _has_code(layout, "u") and ctypes.sizeof(ctypes.c_wchar) != model.wchar_size:
        raise TypeError(
            f"{layout.__name__} holds a c_wchar, which has {ctypes.sizeof(ctypes.c_wchar)} bytes in this Python and "
            f"{model.wchar_size} in the target; declare it as c_uint{model.wchar_size * 8}"
        )
    own_size = struct.calcsize("P")
    if own_size != model.pointer_size and _has_pointer(layout):
        raise TypeError(
            f"{layout.__name__} holds pointers, which have {own_size} bytes in this Python and "
            f"{model.pointer_size} in the target; declare them as c_uint{model.pointer_size * 8}"
        )


def _has_pointer(layout: Any) -> bool:
    """Whether a ctypes type is a pointer, or has one in it."""
    return _has_code(layout, "P") or _has_typed_pointer(layout)


def _has_code(layout: Any, codes: str) -> bool:
    """Whether a ctypes type is one of those simple ones, or has one in it."""
    return any(getattr(leaf, "_type_", None) in tuple(codes) for leaf in _leaves(layout))


def _has_typed_pointer(layout: Any) -> bool:
    """Whether a ctypes type is a pointer to data or to a function, or has one in it."""
    return any(
        hasattr(leaf, "_flags_") or not isinstance(getattr(leaf, "_type_", ""), str)
        for leaf in _leaves(layout)
    )


def _leaves(layout: Any) -> Iterator[Any]:
    """The ctypes types that a type is made of in the end."""
    if hasattr(layout, "_fields_"):
        for base in layout.__mro__:
            for field in vars(base).get("_fields_", ()):
                yield from _leaves(field[1])
    elif hasattr(layout, "_length_"):
        yield from _leaves(layout._type_)
    else:
        yield layout
