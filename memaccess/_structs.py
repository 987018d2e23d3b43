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
from memaccess._types import DataModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OWN_MODEL = DataModel(
    struct.calcsize("P"),
    struct.calcsize("l"),
    ctypes.sizeof(ctypes.c_wchar),
    ctypes.alignment(ctypes.c_longlong),
)
"""That of this Python."""

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
        padding = 0 if code in _UNALIGNED else -offset % model.alignment_of(_item_size(code))
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
    """Refuse what is no ctypes type, and one that the target has otherwise than this Python.

    ctypes has the pointers and the alignment of the Python at hand; what is behind would be misplaced.

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
    if model != OWN_MODEL and _has_code(layout, "g"):
        raise TypeError(
            f"{layout.__name__} holds a c_longdouble, which differs between systems; declare it as an array of c_uint8"
        )
    own, wanted = OWN_MODEL.largest_alignment, model.largest_alignment
    misplaced = None if own == wanted else _first_misplaced(layout, model)
    if misplaced is not None:
        how = f"with _pack_ = {wanted}" if wanted < own else "with its padding"
        raise TypeError(
            f"{layout.__name__} lies otherwise in the target, from {misplaced} on: 8 bytes are aligned to {own} in this "
            f"Python and to {wanted} there; declare it {how}"
        )


def alignment_of(layout: Any, model: DataModel) -> int:
    """What a ctypes type is aligned to in programs of that data model."""
    if issubclass(layout, (ctypes.Structure, ctypes.Union)):
        parts = _parts(layout)
        given = (_packed(cls, alignment_of(kind, model)) for cls, fields in parts for _, kind, *_ in fields)
        return max(getattr(layout, "_align_", 1), *given, 1)
    if hasattr(layout, "_length_"):
        return alignment_of(layout._type_, model)
    return model.alignment_of(ctypes.sizeof(layout))


def round_up(number: int, step: int) -> int:
    """The first multiple of *step* at or behind *number*."""
    return -(-number // step) * step


def _first_misplaced(layout: Any, model: DataModel) -> str | None:
    """What is the first to lie elsewhere in the target: a field, or an end; None where all lies as here."""
    if not hasattr(layout, "_fields_"):
        return _first_misplaced(layout._type_, model) if hasattr(layout, "_length_") else None
    size = 0
    for cls, fields in _parts(layout):
        inside = (_first_misplaced(kind, model) for _, kind, *_ in fields)
        found = next((each for each in inside if each is not None), None)
        if found is None:
            has_bits = any(len(field) > 2 for field in fields)
            found = _realigned(cls, fields, model) if has_bits else _elsewhere(cls, fields, size, model)
        if found is not None:
            return found
        size = ctypes.sizeof(cls)
    return None


def _realigned(cls: Any, fields: Sequence[Any], model: DataModel) -> str | None:
    """The first field of another alignment. Beside bit fields, what that means is a long story."""
    for name, kind, *_ in fields:
        if _packed(cls, alignment_of(kind, model)) != _packed(cls, ctypes.alignment(kind)):
            return f"{cls.__name__}.{name}"
    return None


def _elsewhere(cls: Any, fields: Sequence[Any], end: int, model: DataModel) -> str | None:
    """The first field that the target has at another place, or the end.

    :param end: that of the structure that *cls* is made of.
    """
    for name, kind in fields:
        in_union = issubclass(cls, ctypes.Union)
        place = 0 if in_union else round_up(end, _packed(cls, alignment_of(kind, model)))
        if place != getattr(cls, name).offset:
            return f"{cls.__name__}.{name}"
        end = max(end, place + ctypes.sizeof(kind))
    size = round_up(end, alignment_of(cls, model))
    return None if size == ctypes.sizeof(cls) else f"the end of {cls.__name__}"


def _packed(cls: Any, alignment: int) -> int:
    """The alignment of a field of *cls*, whose type has that one."""
    return min(alignment, getattr(cls, "_pack_", 0) or alignment)


def _parts(layout: Any) -> Iterator[tuple[Any, Sequence[Any]]]:
    """The classes that a structure is made of, the first one first, with the fields of each."""
    for cls in reversed(layout.__mro__):
        if "_fields_" in vars(cls):
            yield cls, vars(cls)["_fields_"]


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
        for _, fields in _parts(layout):
            for field in fields:
                yield from _leaves(field[1])
    elif hasattr(layout, "_length_"):
        yield from _leaves(layout._type_)
    else:
        yield layout
