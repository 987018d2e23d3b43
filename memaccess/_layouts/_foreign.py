"""ctypes types, and what they are in a program: which C type, which array, which pointer.

ctypes lays out for the Python at hand. So what is taken from it counts only where that is as the
program has it, and the rules of :func:`memaccess._structs.check_layout` say where.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess import _structs

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = {"c": "char", "u": "wchar", "?": "bool", "f": "float", "d": "double", "P": "pointer"}
_VALUES = frozenset("cu?bBhHiIlLqQfdP")
"""The codes of those that are values in themselves, and not, as c_char_p, pointers in this Python."""


class Part(NamedTuple):
    """A field of a ctypes structure."""

    name: str
    offset: int
    kind: Any


def is_ctypes(source: Any) -> bool:
    """Whether it is a ctypes type."""
    return isinstance(source, type) and hasattr(source, "from_buffer_copy")


def plain(value: Any) -> Any:
    """The Python value of an instance of a ctypes number or letter; anything else as it is."""
    if isinstance(value, ctypes._SimpleCData) and getattr(value, "_type_", None) in _VALUES:
        return value.value
    return value


def is_structure(source: Any) -> bool:
    """Whether it is a class made of ``ctypes.Structure`` or ``ctypes.Union``."""
    return isinstance(source, type) and issubclass(source, (ctypes.Structure, ctypes.Union))


def check_anywhere(source: Any) -> None:
    """Refuse what lies otherwise in every program.

    :raises TypeError: it is no structure, or one without fields; or it holds what Python would follow in its own memory.
    """
    if not is_structure(source):
        raise TypeError(f"a class made of ctypes.Structure or ctypes.Union is needed, not {source!r}")
    if not any("_fields_" in vars(base) for base in source.__mro__):
        raise TypeError(f"{source.__name__} has no _fields_ yet")
    _structs.check_layout(source, _structs.OWN_MODEL)


def parts(source: Any) -> Iterator[Part]:
    """The fields of a structure, those of its bases first.

    :raises TypeError: one of them is a few bits of a number.
    """
    for base in reversed(source.__mro__):
        for name, kind, *bits in vars(base).get("_fields_", ()):
            if bits:
                raise TypeError(
                    f"{source.__name__}.{name} is a bit field, which has no address of its own; declare the number "
                    "that it is a part of"
                )
            yield Part(name, getattr(source, name).offset, kind)


def counterpart(source: Any) -> tuple[Any, ...]:
    """What a ctypes type that is no structure is: ``'value'``, ``'text'``, ``'array'`` or ``'pointer'``, and of what.

    :raises TypeError: there is nothing that it could be.
    """
    kind = getattr(source, "_type_", None)
    if hasattr(source, "_length_"):
        return _array(source)
    if hasattr(source, "_flags_"):
        return "value", "pointer"  # to a function
    if not isinstance(kind, str):
        return "pointer", kind
    name = _NAMES.get(kind) or _integer_name(source, kind)
    if name is None or getattr(source, "__ctype_le__", source) is not source:
        raise TypeError(f"a field of a structure can't be a {source.__name__}")
    return "value", name


def _array(source: Any) -> tuple[Any, ...]:
    code = getattr(source._type_, "_type_", None)
    if code == "c":
        return "text", source._length_, "utf-8"
    if code == "u":
        return "text", ctypes.sizeof(source), f"utf-{8 * ctypes.sizeof(ctypes.c_wchar)}"
    return "array", source._type_, source._length_


def _integer_name(source: Any, code: str) -> str | None:
    if code not in "bBhHiIlLqQ":
        return None
    return f"{'u' if code.isupper() else ''}int{8 * ctypes.sizeof(source)}"
