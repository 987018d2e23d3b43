"""The forms of single values: C types, text, and pointers."""

from __future__ import annotations

import ctypes
import operator
from typing import TYPE_CHECKING, Any

from memaccess import _strings
from memaccess._layouts._array import LiveArray
from memaccess._layouts._foreign import plain
from memaccess._layouts._form import Form, Naming
from memaccess._layouts._live import Live
from memaccess._layouts._place import looked_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from memaccess._arguments import Address
    from memaccess._layouts._form import Piece
    from memaccess._strings import TextEncoding
    from memaccess._types import Codec, DataModel
    from memaccess._view import MemoryView

_FIXED: dict[str, Any] = {
    "c": ctypes.c_char,
    "?": ctypes.c_bool,
    "b": ctypes.c_int8,
    "B": ctypes.c_uint8,
    "h": ctypes.c_int16,
    "H": ctypes.c_uint16,
    "i": ctypes.c_int32,
    "I": ctypes.c_uint32,
    "q": ctypes.c_int64,
    "Q": ctypes.c_uint64,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}
"""The ctypes type of a struct code, of the same width on every system."""


class ScalarForm(Form):
    """A C type."""

    is_read = True

    def __init__(self, codec: Codec[Any], model: DataModel, name: str, *, null: int | None = None) -> None:
        self.size = codec.size
        self.align = model.alignment_of(codec.size)
        self._codec = codec
        self._name = name
        self._null = null

    def is_like(self, other: Form, /) -> bool:
        if not isinstance(other, ScalarForm):
            return False
        mine, its = self._codec, other._codec
        return (its.code, its.convert) == (mine.code, mine.convert)

    def decode(self, data: bytes) -> Any:
        return self._codec.decode(data)

    def decode_many(self, data: bytes, _count: int, /) -> list[Any]:
        return self._codec.decode_array(data)

    def pieces(self, value: Any, _view: MemoryView, /) -> list[Piece]:
        with Naming(self._name):
            return [(0, self._codec.encode(self._plain(value)))]

    def pieces_of_many(self, values: Iterable[Any], _view: MemoryView, /) -> list[Piece]:
        with Naming(self._name):
            return [(0, self._codec.encode_array(list(map(self._plain, values))))]

    def _plain(self, value: Any) -> Any:
        value = plain(value)
        return self._null if value is None else value

    def pointed(self, view: MemoryView, address: int, /) -> Any:
        # As C has it: what a pointer leads to is its item 0. A bare value could not be assigned to.
        return LiveArray(view, address, self, 1)

    def ctype(self) -> Any:
        return _FIXED[self._codec.code]


class TextForm(Form):
    """Text inside a structure, up to a zero code unit or the end of its room."""

    is_read = True

    def __init__(self, size: int, encoding: TextEncoding, errors: str, name: str) -> None:
        self.size = size
        self.align = encoding.unit
        self._encoding = encoding
        self._errors = errors
        self._name = name

    def is_like(self, other: Form, /) -> bool:
        return isinstance(other, TextForm) and (other.size, other._encoding) == (self.size, self._encoding)

    def decode(self, data: bytes) -> str:
        text = _strings.before_zero(data, self._encoding.unit)
        with Naming(self._name):
            return text.decode(self._encoding.name, self._errors)

    def pieces(self, value: Any, _view: MemoryView, /) -> list[Piece]:
        encoding = self._encoding
        with Naming(self._name):
            data = _strings.encode_terminated(value, encoding, self._errors, terminate=False)
            if "\0" in value:
                raise ValueError("the text has a NUL character in it, where it would end")
            if len(data) > self.size:
                raise ValueError(f"{value!r} takes {len(data)} bytes, and there is room for {self.size}")
        return [(0, (data + bytes(encoding.unit))[: self.size])]

    def pointed(self, view: MemoryView, address: int, /) -> str:
        with Naming(self._name):
            return view.read_string(address, self._encoding.name, limit=self.size, errors=self._errors)

    def ctype(self) -> Any:
        if self._encoding.unit == 1:
            return ctypes.c_char * self.size
        return {2: ctypes.c_uint16, 4: ctypes.c_uint32}[self._encoding.unit] * (
            self.size // self._encoding.unit
        )


class PointerForm(Form):
    """A pointer to another form, which is looked for when it is followed."""

    is_read = True
    has_pointers = True

    def __init__(self, codec: Codec[int], find: Callable[[], Form], name: str) -> None:
        self.size = self.align = codec.size
        self._codec = codec
        self._find = find
        self._name = name

    def is_like(self, other: Form, /) -> bool:
        return isinstance(other, PointerForm) and other.size == self.size

    def decode(self, data: bytes) -> int:
        return self._codec.decode(data)

    def decode_many(self, data: bytes, _count: int, /) -> list[int]:
        return self._codec.decode_array(data)

    def pieces(self, value: Any, view: MemoryView, /) -> list[Piece]:
        with Naming(self._name):
            return [(0, self._codec.encode(self._address(value, view)))]

    def live(self, view: MemoryView, place: Address) -> Any:
        return self.live_of(self.decode(view.read(self.size, looked_up(view, place))), view)

    def live_of(self, value: int, view: MemoryView, /) -> Any:
        return self._find().pointed(view, value) if value else None

    def pointed(self, view: MemoryView, address: int, /) -> Any:
        return LiveArray(view, address, self, 1)

    def ctype(self) -> Any:
        return _FIXED[self._codec.code]

    def _address(self, value: Any, view: MemoryView) -> int:
        """The address that *value* stands for."""
        value = plain(value)
        if value is None:
            return 0
        if not isinstance(value, Live):
            if not hasattr(value, "__index__"):
                raise TypeError(
                    f"a pointer takes an address, a live object or None, not {type(value).__name__}"
                )
            return operator.index(value)
        if value._view.pid != view.pid:
            raise ValueError(f"the pointer is in process {view.pid}, and {value!r} in another one")
        if not self._find().fits(value):
            raise TypeError(f"the pointer does not lead to what {value!r} is")
        return value._address()
