"""``read_int`` and its family: one reader and one writer for every row of the table of C types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, overload

from memaccess import _types
from memaccess._errors import SystemFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._types import CType, DataModel

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


class Source(Protocol):
    """Where a view reads from: a process, or what refuses in its place."""

    def read(self, size: int, address: int, /) -> bytes: ...
    def read_into(self, buffer: memoryview, address: int, /) -> None: ...


class Sink(Protocol):
    """Where a view writes to: a process, or what refuses in its place."""

    def write(self, data: bytes | memoryview, address: int, /) -> None: ...
    def write_forced(self, data: bytes | memoryview, address: int, /) -> None: ...


class BoundReader(Protocol[T_co]):
    """A view's ``read_int`` or the like."""

    def __call__(self, address: int) -> T_co: ...


class BoundWriter(Protocol[T_contra]):
    """A view's ``write_int`` or the like."""

    def __call__(self, value: T_contra, address: int, *, force: bool = False) -> None: ...


class Reader(Protocol[T_co]):
    """``read_int`` or the like, as the class has it: a function."""

    @overload
    def __get__(self, view: None, owner: type) -> Reader[T_co]: ...
    @overload
    def __get__(self, view: TypedMemory, owner: type) -> BoundReader[T_co]: ...


class Writer(Protocol[T_contra]):
    """``write_int`` or the like, as the class has it: a function."""

    @overload
    def __get__(self, view: None, owner: type) -> Writer[T_contra]: ...
    @overload
    def __get__(self, view: TypedMemory, owner: type) -> BoundWriter[T_contra]: ...


def _reader(c_type: CType[T]) -> Reader[T]:
    """The method that reads that type."""
    codec = c_type.fixed_codec
    if codec is None or codec.convert is not None:
        return cast("Reader[T]", _named(_general_reader(c_type), "read", c_type))
    size, unpack = codec.size, codec.unpack

    # The most called function of all: one check, one call, and nothing else that costs.
    def read(self: TypedMemory, address: int) -> T:
        if type(address) is not int or not 0 <= address <= self._address_limit - size:
            address = self._checked_address(address, size)
        try:
            value: T = unpack(self._source.read(size, address))[0]
        except SystemFailure as failure:
            raise self._read_error(failure, size, address) from None
        return value

    return cast("Reader[T]", _named(read, "read", c_type))


def _general_reader(c_type: CType[T]) -> Any:
    """A reader for types whose size is the target's, or whose values are converted."""

    def read(self: TypedMemory, address: int) -> T:
        codec = c_type.codec(self._model)
        return codec.decode(self.read(codec.size, address))

    return read


def _writer(c_type: CType[T]) -> Writer[T]:
    """The method that writes that type."""

    def write(self: TypedMemory, value: T, address: int, *, force: bool = False) -> None:
        self.write(c_type.codec(self._model).encode(value), address, force=force)

    return cast("Writer[T]", _named(write, "write", c_type))


def _named(function: Callable[..., Any], verb: str, c_type: CType[Any]) -> Callable[..., Any]:
    """*function* under the name that users call it by, with a line that says what it does."""
    function.__name__ = f"{verb}_{c_type.name}"
    function.__qualname__ = f"MemoryView.{function.__name__}"
    function.__doc__ = f"{verb.capitalize()} a C ``{c_type.name}``: {c_type.summary}."
    return function


class TypedMemory:
    """Typed access, over the few verbs that a view has.

    Every ``read_TYPE(address)`` returns the value at *address*, and every
    ``write_TYPE(value, address, force=False)`` writes *value* there. They raise what
    :meth:`MemoryView.read` and :meth:`MemoryView.write` raise; a value that is not of the type is a
    TypeError, ValueError or OverflowError, and nothing is written.
    """

    _source: Source
    _sink: Sink
    _model: DataModel
    _address_limit: int

    if TYPE_CHECKING:

        def read(self, size: int, address: int) -> bytes: ...
        def write(self, values: Any, address: int, *, force: bool = False) -> None: ...
        def _checked_address(self, address: Any, size: int) -> int: ...
        def _read_error(self, failure: SystemFailure, size: int, address: int) -> Exception: ...

    read_char = _reader(_types.CHAR)
    write_char = _writer(_types.CHAR)
    read_signed_char = _reader(_types.SIGNED_CHAR)
    write_signed_char = _writer(_types.SIGNED_CHAR)
    read_unsigned_char = _reader(_types.UNSIGNED_CHAR)
    write_unsigned_char = _writer(_types.UNSIGNED_CHAR)
    read_bool = _reader(_types.BOOL)
    write_bool = _writer(_types.BOOL)
    read_wchar = _reader(_types.WCHAR)
    write_wchar = _writer(_types.WCHAR)
    read_short = _reader(_types.SHORT)
    write_short = _writer(_types.SHORT)
    read_unsigned_short = _reader(_types.UNSIGNED_SHORT)
    write_unsigned_short = _writer(_types.UNSIGNED_SHORT)
    read_int = _reader(_types.INT)
    write_int = _writer(_types.INT)
    read_unsigned_int = _reader(_types.UNSIGNED_INT)
    write_unsigned_int = _writer(_types.UNSIGNED_INT)
    read_long = _reader(_types.LONG)
    write_long = _writer(_types.LONG)
    read_unsigned_long = _reader(_types.UNSIGNED_LONG)
    write_unsigned_long = _writer(_types.UNSIGNED_LONG)
    read_long_long = _reader(_types.LONG_LONG)
    write_long_long = _writer(_types.LONG_LONG)
    read_unsigned_long_long = _reader(_types.UNSIGNED_LONG_LONG)
    write_unsigned_long_long = _writer(_types.UNSIGNED_LONG_LONG)
    read_float = _reader(_types.FLOAT)
    write_float = _writer(_types.FLOAT)
    read_double = _reader(_types.DOUBLE)
    write_double = _writer(_types.DOUBLE)
    read_pointer = _reader(_types.POINTER)
    write_pointer = _writer(_types.POINTER)
    read_size_t = _reader(_types.SIZE_T)
    write_size_t = _writer(_types.SIZE_T)
    read_int8 = _reader(_types.INT8)
    write_int8 = _writer(_types.INT8)
    read_uint8 = _reader(_types.UINT8)
    write_uint8 = _writer(_types.UINT8)
    read_int16 = _reader(_types.INT16)
    write_int16 = _writer(_types.INT16)
    read_uint16 = _reader(_types.UINT16)
    write_uint16 = _writer(_types.UINT16)
    read_int32 = _reader(_types.INT32)
    write_int32 = _writer(_types.INT32)
    read_uint32 = _reader(_types.UINT32)
    write_uint32 = _writer(_types.UINT32)
    read_int64 = _reader(_types.INT64)
    write_int64 = _writer(_types.INT64)
    read_uint64 = _reader(_types.UINT64)
    write_uint64 = _writer(_types.UINT64)
