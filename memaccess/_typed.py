"""``read_int`` and its family: one reader and one writer for every row of the table of C types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from memaccess import _types
from memaccess._bytes import ByteAccess
from memaccess._errors import SystemFailure

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, overload

    from memaccess._arguments import Address
    from memaccess._types import Codec, CType, DataModel

T = TypeVar("T")

if TYPE_CHECKING:  # protocols are slow to make, and only type checkers need them
    T_co = TypeVar("T_co", covariant=True)
    T_contra = TypeVar("T_contra", contravariant=True)

    class TypedReader(Protocol[T_co]):
        """A view's ``read_int`` or the like."""

        def __call__(self, address: Address) -> T_co: ...

    class TypedWriter(Protocol[T_contra]):
        """A view's ``write_int`` or the like."""

        def __call__(self, value: T_contra, address: Address, *, force: bool = False) -> None: ...

    class ReadMethod(Protocol[T_co]):
        """``read_int`` or the like, as the class has it: a function."""

        def __call__(self, view: TypedMemory, /, address: Address) -> T_co: ...
        @overload
        def __get__(self, view: None, owner: type) -> ReadMethod[T_co]: ...
        @overload
        def __get__(self, view: TypedMemory, owner: type) -> TypedReader[T_co]: ...

    class WriteMethod(Protocol[T_contra]):
        """``write_int`` or the like, as the class has it: a function."""

        def __call__(
            self, view: TypedMemory, /, value: T_contra, address: Address, *, force: bool = False
        ) -> None: ...
        @overload
        def __get__(self, view: None, owner: type) -> WriteMethod[T_contra]: ...
        @overload
        def __get__(self, view: TypedMemory, owner: type) -> TypedWriter[T_contra]: ...


def _reader(c_type: CType[T]) -> ReadMethod[T]:
    """The method that reads that type."""
    codec = c_type.fixed_codec
    if codec is None or codec.convert is not None:
        return cast("ReadMethod[T]", _presented(_general_reader(c_type), "read", c_type))
    size, unpack = codec.size, codec.unpack

    # The most called function of all: one check, one call, and nothing else that costs.
    def read(self: TypedMemory, address: Address) -> T:
        if type(address) is not int or not 0 <= address <= self._address_limit - size:
            address = self._checked_address(address, size)
        try:
            value: T = unpack(self._source.read(size, address))[0]
        except SystemFailure as failure:
            raise self._read_error(failure, size, address) from None
        return value

    return cast("ReadMethod[T]", _presented(read, "read", c_type))


def _general_reader(c_type: CType[T]) -> Any:
    """A reader for types whose size is the target's, or whose values are converted."""
    known: dict[DataModel, Codec[T]] = {}

    def read(self: TypedMemory, address: Address) -> T:
        codec = known.get(self._model) or known.setdefault(self._model, c_type.codec(self._model))
        size = codec.size
        if type(address) is not int or not 0 <= address <= self._address_limit - size:
            address = self._checked_address(address, size)
        try:
            (item,) = codec.unpack(self._source.read(size, address))
        except SystemFailure as failure:
            raise self._read_error(failure, size, address) from None
        value: T = item if codec.convert is None else codec.convert(item)
        return value

    return read


def _writer(c_type: CType[T]) -> WriteMethod[T]:
    """The method that writes that type."""

    def write(self: TypedMemory, value: T, address: Address, *, force: bool = False) -> None:
        self.write(c_type.codec(self._model).encode(value), address, force=force)

    return cast("WriteMethod[T]", _presented(write, "write", c_type))


_READ_DOC = """Read a C ``{type.name}``: {type.summary}.

:param address: where its first byte is in the program's memory.
:returns: the value, as {article} {value_type}.
:raises MemoryAccessError: the memory can't be read, as in :meth:`MemoryView.read`.
:raises OverflowError: it does not lie in the program's address space.

>>> view.read_{type.name}(0x{place:x})
{value!r}
"""
_WRITE_DOC = """Write a C ``{type.name}``: {type.summary}.

:param value: {article} {value_type}{length}.
:param address: where its first byte goes in the program's memory.
:param force: write also where the program itself may not, as in :meth:`MemoryView.write`.
:raises MemoryAccessError: the memory can't be written, as in :meth:`MemoryView.write`.
:raises TypeError: the value is of another type; nothing is written.
:raises OverflowError: the value does not fit the type, or the address the program; nothing is written.

>>> view.write_{type.name}({value!r}, 0x{place:x})
"""
_EXAMPLES = {bytes: b"d", bool: True, str: "d", int: 100, float: 2.5}
_PLACES = {"float": 0x401034, "double": 0x401038}
"""Where the examples are; 0x401000 for the other types."""


def _presented(function: Callable[..., Any], verb: str, c_type: CType[Any]) -> Callable[..., Any]:
    """*function* as users meet it: its name, its documentation, and its types."""
    value_type = c_type.value_type.__name__
    function.__name__ = f"{verb}_{c_type.name}"
    function.__qualname__ = f"MemoryView.{function.__name__}"
    function.__module__ = "memaccess"
    function.__doc__ = (_READ_DOC if verb == "read" else _WRITE_DOC).format(
        type=c_type,
        article="an" if value_type == "int" else "a",
        value_type=value_type,
        length=" of length 1; another length is a ValueError" if value_type in ("bytes", "str") else "",
        value=_EXAMPLES[c_type.value_type],
        place=_PLACES.get(c_type.name, 0x401000),
    )
    function.__annotations__ = {
        name: value_type if annotation == "T" else annotation
        for name, annotation in function.__annotations__.items()
        if name != "self"
    }
    return function


class TypedMemory(ByteAccess):
    """Typed access, over the few verbs that a view has.

    Every ``read_TYPE(address)`` returns the value at *address*, and every
    ``write_TYPE(value, address, force=False)`` writes *value* there. They raise what
    :meth:`MemoryView.read` and :meth:`MemoryView.write` raise; a value that is not of the type is a
    TypeError, ValueError or OverflowError, and nothing is written.
    """

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
