"""Field: what a structure declares, and how an instance gets at it."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from memaccess._arguments import shown
from memaccess._layouts._declared import Given, Got, S, V, declared

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Mapping
    from typing import SupportsIndex

    from typing_extensions import Self

    from memaccess._layouts._declared import FieldType, FloatName, ForeignClass, IntName
    from memaccess._layouts._live import LiveStructure


class Field(Generic[Got, Given]):
    """A field of a :class:`Structure`.

    :param type: the name of a C type, such as ``'int'``; a :class:`String`, :class:`Array` or
        :class:`Pointer`; a class of Structure, which is nested then; or a ctypes type.
    :param offset: how many bytes behind the beginning of the structure it lies. Without one it lies
        behind the field before it, aligned as C does it.
    :raises TypeError: there is no such type.
    :raises ValueError: there is no C type of that name, or the offset is negative.

    Several fields may lie at the same place, as in a C union; :meth:`Structure.write` says what that
    means for writing several of them.

    >>> class Player(Structure):
    ...     health = Field('int')
    ...     name = Field(String(16), 0x10)
    >>> Player(view, 0x401000).health
    100
    """

    __module__ = "memaccess.structures"

    @overload
    def __init__(self: Field[int, int], type: IntName, offset: SupportsIndex | None = None) -> None: ...
    @overload
    def __init__(self: Field[float, float], type: FloatName, offset: SupportsIndex | None = None) -> None: ...
    @overload
    def __init__(
        self: Field[bool, bool], type: Literal["bool"], offset: SupportsIndex | None = None
    ) -> None: ...
    @overload
    def __init__(
        self: Field[bytes, bytes], type: Literal["char"], offset: SupportsIndex | None = None
    ) -> None: ...
    @overload
    def __init__(
        self: Field[str, str], type: Literal["wchar"], offset: SupportsIndex | None = None
    ) -> None: ...
    @overload
    def __init__(self, type: FieldType[Got, Given], offset: SupportsIndex | None = None) -> None: ...
    @overload
    def __init__(
        self: Field[S, S | Mapping[str, Any]], type: type[S], offset: SupportsIndex | None = None
    ) -> None: ...
    @overload
    def __init__(
        self: Field[V, V], type: type[ctypes._SimpleCData[V]], offset: SupportsIndex | None = None
    ) -> None: ...
    @overload
    def __init__(
        self: Field[Any, Any],
        type: ForeignClass,
        offset: SupportsIndex | None = None,
    ) -> None: ...
    def __init__(self, type: Any, offset: SupportsIndex | None = None) -> None:
        self._type = declared(type)
        self._offset = None if offset is None else _checked_offset(offset)
        self._name = ""

    def __set_name__(self, owner: object, name: str) -> None:
        # The first name is its name; a structure refuses one that is there under two.
        self._name = self._name or name

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: LiveStructure, owner: object) -> Got: ...
    def __get__(self, instance: LiveStructure | None, owner: object = None) -> Any:
        return self if instance is None else instance._get_field(self._name)

    def __set__(self, instance: LiveStructure, value: Given) -> None:
        instance._set_field(self._name, value)

    def __repr__(self) -> str:
        return f"Field({self._type!r}{'' if self._offset is None else f', 0x{self._offset:x}'})"


def _checked_offset(offset: Any) -> int:
    """*offset* as an int that is not negative."""
    try:
        number = operator.index(offset)
    except TypeError:
        raise TypeError(f"an offset is an int, not {type(offset).__name__}") from None
    if number < 0:
        raise ValueError(f"an offset can't be negative: {shown(number)}")
    return number
