"""What stands in a field: the types of values, and the forms that they take in a program."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, overload

from memaccess import _strings, _structs
from memaccess._arguments import checked_count, checked_text
from memaccess._layouts import _foreign
from memaccess._layouts._array import ArrayForm, LiveArray
from memaccess._layouts._live import LiveStructure
from memaccess._layouts._named import structure_named
from memaccess._layouts._values import PointerForm, ScalarForm, TextForm
from memaccess._types import POINTER, TYPES, type_named

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Mapping
    from typing import SupportsIndex, TypeAlias

    from memaccess._layouts._form import Form
    from memaccess._types import CType, DataModel

    ForeignClass: TypeAlias = type[ctypes.Structure | ctypes.Union | ctypes.Array[Any] | ctypes._Pointer[Any]]
    """A ctypes type whose values have no type of their own here."""

Got = TypeVar("Got")
"""What reading gives."""
Given = TypeVar("Given")
"""What writing takes."""
S = TypeVar("S", bound=LiveStructure)
V = TypeVar("V")
W = TypeVar("W")

IntName = Literal[
    "signed_char",
    "unsigned_char",
    "short",
    "unsigned_short",
    "int",
    "unsigned_int",
    "long",
    "unsigned_long",
    "long_long",
    "unsigned_long_long",
    "pointer",
    "size_t",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
]
FloatName = Literal["float", "double"]


class Context(NamedTuple):
    """Where a type stands."""

    model: DataModel
    owner: type[LiveStructure]
    """The class that declares the field."""
    name: str
    """The field with its class, for errors."""


class FieldType(Generic[Got, Given]):
    """What a field can be declared as; it knows no program yet."""

    def _form(self, context: Context) -> Form:
        """The type in programs of one data model."""
        raise NotImplementedError

    def _names(self) -> tuple[str, ...]:
        """The names of structures that pointers in it lead to."""
        return ()


class _Scalar(FieldType[Any, Any]):
    """A C type."""

    def __init__(self, c_type: CType[Any]) -> None:
        self._c_type = c_type

    def _form(self, context: Context) -> Form:
        null = 0 if self._c_type is POINTER else None
        model = context.model
        return ScalarForm(self._c_type.codec(model), model, context.name, null=null)

    def __repr__(self) -> str:
        return repr(self._c_type.name)


class _Nested(FieldType[Any, Any]):
    """A structure in a structure."""

    def __init__(self, cls: type[LiveStructure]) -> None:
        self._cls = cls

    def _form(self, context: Context) -> Form:
        return self._cls._layout_for(context.model)

    def __repr__(self) -> str:
        return self._cls.__name__


class _Foreign(FieldType[Any, Any]):
    """A ctypes type, taken for the type of ours that is the same."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._same = None if _foreign.is_structure(source) else self._counterpart()

    def _form(self, context: Context) -> Form:
        _structs.check_layout(self._source, context.model)
        if self._same is None:
            same: type[LiveStructure] = context.owner.from_ctypes(self._source)
            return same._layout_for(context.model)
        return self._same._form(context)

    def _counterpart(self) -> FieldType[Any, Any]:
        kind, *arguments = _foreign.counterpart(self._source)
        makers: dict[str, Any] = {"value": declared, "text": _any_text, "array": Array, "pointer": Pointer}
        made: FieldType[Any, Any] = makers[kind](*arguments)
        return made

    def __repr__(self) -> str:
        return str(self._source.__name__)


class String(FieldType[str, str]):
    """Text inside a structure, as in ``char name[16]``.

    :param size: how many bytes there are for it, the end included.
    :param encoding: how it is written; ``'utf-16'`` for Windows' wide strings.
    :param errors: what to do about bytes that are no text, and characters that the encoding lacks,
        as in :meth:`bytes.decode`.
    :raises LookupError: Python knows no such encoding.
    :raises ValueError: the size is negative, or holds no whole number of code units.

    Reading stops at the zero code unit that ends the text, or at the end of the room. Writing puts one
    behind the text where there is room for it, and leaves what comes after it alone.

    >>> class Player(Structure):
    ...     name = Field(String(16), 0x10)
    >>> Player(view, 0x401000).name
    'Zoë'
    """

    __module__ = "memaccess.structures"

    def __init__(self, size: SupportsIndex, encoding: str = "utf-8", errors: str = "strict") -> None:
        self._size = checked_count(size)
        self._encoding = _strings.text_encoding(encoding)
        self._errors = checked_text("an error handler", errors)
        if self._size % self._encoding.unit:
            raise ValueError(
                f"the size is {self._size} bytes, and has to be a multiple of {self._encoding.unit} for {encoding}"
            )

    def _form(self, context: Context) -> Form:
        return TextForm(self._size, self._encoding, self._errors, context.name)

    def __repr__(self) -> str:
        return f"String({self._size}, {self._encoding.name!r})"


def _any_text(size: int, encoding: str) -> String:
    """Text that can always be read: ctypes does not say how it is encoded."""
    return String(size, encoding, "surrogateescape" if encoding == "utf-8" else "surrogatepass")


class Array(FieldType[LiveArray[Got], Iterable[Given]]):
    """So many values of a type, one behind the other.

    :param item: the type of each, as :class:`Field` takes it; an Array too.
    :param count: how many.
    :raises TypeError: there is no such type.
    :raises ValueError: there is no C type of that name, or the count is negative.

    >>> class Numbers(Structure):
    ...     numbers = Field(Array('int', 3))
    >>> Numbers(view, 0x401020).numbers[:]
    [1, 2, 3]
    """

    __module__ = "memaccess.structures"

    @overload
    def __init__(self: Array[int, int], item: IntName, count: SupportsIndex) -> None: ...
    @overload
    def __init__(self: Array[float, float], item: FloatName, count: SupportsIndex) -> None: ...
    @overload
    def __init__(self: Array[bool, bool], item: Literal["bool"], count: SupportsIndex) -> None: ...
    @overload
    def __init__(self: Array[bytes, bytes], item: Literal["char"], count: SupportsIndex) -> None: ...
    @overload
    def __init__(self: Array[str, str], item: Literal["wchar"], count: SupportsIndex) -> None: ...
    @overload
    def __init__(self, item: FieldType[Got, Given], count: SupportsIndex) -> None: ...
    @overload
    def __init__(self: Array[S, S | Mapping[str, Any]], item: type[S], count: SupportsIndex) -> None: ...
    @overload
    def __init__(self: Array[V, V], item: type[ctypes._SimpleCData[V]], count: SupportsIndex) -> None: ...
    @overload
    def __init__(
        self: Array[Any, Any],
        item: ForeignClass,
        count: SupportsIndex,
    ) -> None: ...
    def __init__(self, item: Any, count: SupportsIndex) -> None:
        self._item = declared(item)
        self._count = checked_count(count)

    def _form(self, context: Context) -> Form:
        return ArrayForm(self._item._form(context), self._count, context.name)

    def _names(self) -> tuple[str, ...]:
        return self._item._names()

    def __repr__(self) -> str:
        return f"Array({self._item!r}, {self._count})"


class Pointer(FieldType[Got, Given]):
    """A pointer, as wide as those of the program.

    :param target: what it leads to: a type as :class:`Field` takes it, or the name of a structure: the
        one that the pointer stands in, one inside that, or one beside it in the same class, function
        or module, which may be declared later.
    :raises TypeError: there is no such type.

    Reading the field follows it: a structure or an array is live, text is read, and a value of
    another type is the one item of a live array, so that ``player.score[0] += 1`` changes what the
    pointer leads to. A null pointer gives None. Assigning writes the pointer itself: an address, a live
    structure, or None.

    >>> class Node(Structure):
    ...     value = Field('int')
    ...     next = Field(Pointer('Node'))
    >>> with view.allocate(64) as memory:
    ...     first, second = Node(view, memory), Node(view, memory.address + 32)
    ...     first.next = second
    ...     second.value = 7
    ...     first.next.value, second.next
    (7, None)
    """

    __module__ = "memaccess.structures"

    @overload
    def __init__(self: Pointer[S | None, S | SupportsIndex | None], target: type[S]) -> None: ...
    @overload
    def __init__(self: Pointer[str | None, SupportsIndex | None], target: String) -> None: ...
    @overload
    def __init__(
        self: Pointer[LiveArray[V] | None, LiveArray[V] | SupportsIndex | None], target: Array[V, W]
    ) -> None: ...
    @overload
    def __init__(
        self: Pointer[LiveArray[V] | None, LiveArray[V] | SupportsIndex | None],
        target: Pointer[V, W] | type[ctypes._SimpleCData[V]],
    ) -> None: ...
    @overload
    def __init__(
        self: Pointer[LiveArray[int] | None, LiveArray[int] | SupportsIndex | None], target: IntName
    ) -> None: ...
    @overload
    def __init__(
        self: Pointer[LiveArray[float] | None, LiveArray[float] | SupportsIndex | None], target: FloatName
    ) -> None: ...
    @overload
    def __init__(self: Pointer[Any, Any], target: str) -> None: ...
    @overload
    def __init__(self: Pointer[Any, Any], target: ForeignClass) -> None: ...
    def __init__(self, target: Any) -> None:
        is_name = isinstance(target, str) and target.replace(" ", "_") not in TYPES
        self._target: FieldType[Any, Any] | str = target if is_name else declared(target)

    def _form(self, context: Context) -> Form:
        target = self._target
        # A name is looked up each time: at a prompt a class is often declared again.
        find = (
            functools.partial(_form_named, target, context)
            if isinstance(target, str)
            else functools.cache(lambda: target._form(context))
        )
        return PointerForm(POINTER.codec(context.model), find, context.name)

    def _names(self) -> tuple[str, ...]:
        return (self._target,) if isinstance(self._target, str) else self._target._names()

    def __repr__(self) -> str:
        return f"Pointer({self._target!r})"


def declared(type_: Any) -> FieldType[Any, Any]:
    """What users give as a type, as one.

    :raises TypeError: it is none.
    :raises ValueError: there is no C type of that name.
    """
    if isinstance(type_, FieldType):
        return type_
    if isinstance(type_, str):
        return _Scalar(_c_type_named(type_))
    if isinstance(type_, type) and issubclass(type_, LiveStructure):
        return _Nested(type_)
    if _foreign.is_ctypes(type_):
        return _Foreign(type_)
    raise TypeError(
        "a type is the name of a C type, a String, an Array, a Pointer, a class of Structure, or a ctypes "
        f"type, not {type_!r}"
    )


def _c_type_named(name: str) -> CType[Any]:
    try:
        return type_named(name)
    except ValueError as error:
        raise ValueError(f"{error}. A structure is given as its class; only a Pointer may name it") from None


def _form_named(name: str, context: Context) -> Form:
    """The structure that a pointer names.

    :raises TypeError: there is none.
    """
    owner = context.owner
    found = structure_named(name, owner)
    if found is None:
        raise TypeError(
            f"{context.name} points to {name!r}, and there is no structure of that name beside {owner.__name__}"
        )
    return found._layout_for(context.model)
