"""Structure: the class that users derive theirs from."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, ClassVar

from memaccess import _structs
from memaccess._arguments import checked_count
from memaccess._layouts import _foreign
from memaccess._layouts._declared import Context, FieldType
from memaccess._layouts._fields import Field
from memaccess._layouts._form import Slot
from memaccess._layouts._layout import Whole, lay_out, no_such_field
from memaccess._layouts._live import LiveStructure
from memaccess._layouts._models import model_of
from memaccess._layouts._named import announce
from memaccess._layouts._place import behind, checked_place
from memaccess._types import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsIndex

    from memaccess._arguments import Address
    from memaccess._layouts._layout import Layout
    from memaccess._types import DataModel
    from memaccess._view import MemoryView


class Structure(LiveStructure):
    """A structure in a program's memory. A class of yours declares its fields; an instance is live.

    :param view: the view of the program.
    :param address: where the structure begins in the program's memory. An object that stands for an
        address is asked anew at each access.
    :raises TypeError: the first is no view, or the second no address.
    :raises OverflowError: the address does not lie in the program's address space.

    Reading an attribute reads that field, assigning writes it; they raise what
    :meth:`~memaccess.MemoryView.read` and :meth:`~memaccess.MemoryView.write` raise. A value that does not fit is a
    TypeError, ValueError or OverflowError, and nothing is written. A value of several pieces, such as
    an array of structures with padding between them, may be a
    :class:`PartialWriteError <memaccess.PartialWriteError>`: the first were written. An attribute that is
    no field can't be assigned.

    ``class Player(Structure, size=0x200)`` says how long the whole is, where it is longer than its
    fields. A class made of another one goes on behind it. The layout is the program's: its alignment,
    its ``long``, its pointers.

    >>> class Player(Structure):
    ...     health = Field('int')
    ...     name = Field(String(16), 0x10)
    >>> player = Player(view, 0x401000)
    >>> player.health -= 1
    >>> player.health, player.name
    (99, 'Zoë')
    >>> player
    <Player at 0x401000 in process 5555 'game.exe'>
    """

    __slots__ = ("_layout",)
    __module__ = "memaccess.structures"

    _fields: ClassVar[dict[str, Field[Any, Any]]] = {}
    _layouts: ClassVar[dict[DataModel, Layout]] = {}
    _whole: ClassVar[Whole] = Whole()
    _layout: Layout

    def __init_subclass__(cls, *, size: SupportsIndex | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        _check_bases(cls)
        for name, value in vars(cls).items():
            _check_attribute(cls, name, value)
        cls._fields = {name: each for name, each in vars(cls).items() if isinstance(each, Field)}
        _check_fields_are_seen(cls)
        cls._layouts = {}
        cls._whole = vars(cls).get("_whole") or Whole(None if size is None else checked_count(size))
        _check_layout(cls)
        announce(cls, [name for each in cls._fields.values() for name in each._type._names()])

    def __init__(self, view: MemoryView, address: Address) -> None:
        self._stand(view, checked_place(view, address))

    def _stand(self, view: MemoryView, place: Address) -> None:
        put = object.__setattr__  # ours refuses what is no field, and takes its time to find out
        put(self, "_view", view)
        put(self, "_place", place)
        put(self, "_layout", type(self)._layout_for(view._model))

    def read(self) -> dict[str, Any]:
        """Read all fields, in one read from the first to the last.

        :returns: the values by their names; structures as dicts, arrays as lists, pointers as
            addresses.
        :raises MemoryAccessError: as in :meth:`~memaccess.MemoryView.read`.
        :raises UnicodeDecodeError: a text is none in its encoding.

        >>> player.read()
        {'health': 100, 'name': 'Zoë', 'bag': [{'kind': 1, 'count': 2}, {'kind': 3, 'count': 0}]}
        """
        return self._layout.read(self._view, self._place)

    def write(
        self, values: Mapping[str, Any] | Structure | ctypes.Structure | ctypes.Union, *, force: bool = False
    ) -> None:
        """Write several fields, or all of them.

        :param values: the values by their names, as :meth:`read` gives them or some of them; or another
            one of the class, or an instance of the class that :meth:`as_ctypes` gives.
        :param force: write also where the program itself may not, as in :meth:`~memaccess.MemoryView.write`.
        :raises ValueError: there is no such field, or a value does not fit; fields that lie over each
            other are given values that differ; or another one has pointers, and is in another process.
            Nothing is written.
        :raises TypeError: a value is of another type; nothing is written.
        :raises OverflowError: a value does not fit its type; nothing is written.
        :raises PartialWriteError: what lies before a place that can't be written was written; ``transferred``
            counts it.
        :raises MemoryAccessError: as in :meth:`~memaccess.MemoryView.write`.

        Neighbours are written together, and bytes between the fields are left alone. Another one of the
        class is copied byte by byte. Where fields that lie over each other are given both, the bytes of
        one of them have to give the values of all when they are read; so what :meth:`read` gave can be
        written, and if one of them was changed in it, it has to be given alone.

        >>> player.write({'health': 50, 'bag': [{'count': 1}, {'kind': 4}]})
        >>> player.health, player.bag[0].count, player.bag[1].read()
        (50, 1, {'kind': 4, 'count': 0})
        """
        self._write_as(self._layout, 0, values, force=force)

    @staticmethod
    def from_ctypes(source: type[ctypes.Structure | ctypes.Union]) -> type[Any]:
        """The class with the fields of a ctypes structure, at the same offsets.

        :param source: a class made of ``ctypes.Structure`` or ``ctypes.Union``. ctypes lays it out
            for this Python: declare ``long`` as ``c_int32``, where the target is a Windows program.
        :returns: the class; always the same for the same *source*. A ``c_char`` array is a
            :class:`String` in it, and a pointer a :class:`Pointer`.
        :raises TypeError: it has no ``_fields_`` yet; it has bit fields, or strings that Python would follow in its own memory; or, at
            first use, it lies otherwise in the target: its pointers have another width there, or its
            fields another alignment.
        :raises ValueError: a field has the name of a method.

        >>> class Point(ctypes.Structure):
        ...     _fields_ = [('x', ctypes.c_int32), ('y', ctypes.c_int32)]
        >>> point = Structure.from_ctypes(Point)(view, 0x401020)
        >>> point.y = 5
        >>> point.read()
        {'x': 1, 'y': 5}
        """
        _foreign.check_anywhere(source)
        found = _ADOPTED.get(source)
        # All threads get the one that is there first.
        return found or _ADOPTED.setdefault(source, _adopted(source))

    @classmethod
    def as_ctypes(cls, target: MemoryView | int) -> type[ctypes.Structure]:
        r"""The ctypes structure of the same layout, which every Python has alike.

        :param target: a view of the program; or 32 or 64, for programs of Windows.
        :returns: the class; always the same for programs of one width and system. Pointers are integers
            in it, text is bytes or numbers. It is aligned as in the program, unless its fields don't lie
            as a compiler would lay them out; then it may be packed, and can't be nested in a structure of
            ctypes without an offset that is right by itself.
        :raises ValueError: the bitness is neither 32 nor 64.

        >>> record = view.read_struct(Player.as_ctypes(view), 0x401000)
        >>> record.health, record.name
        (100, b'Zo\xc3\xab')
        """
        made: type[ctypes.Structure] = cls._layout_for(model_of(target)).ctype()
        return made

    @classmethod
    def _layout_for(cls, model: DataModel) -> Layout:
        try:
            return cls._layouts[model]
        except KeyError:
            return cls._layouts.setdefault(model, _laid_out(cls, model))

    @classmethod
    def _at(cls, view: MemoryView, place: Address) -> Structure:
        made = cls.__new__(cls)
        made._stand(view, place)
        return made

    def _slot(self, name: str) -> Slot:
        try:
            return self._layout.slots[name]
        except KeyError:
            raise AttributeError(
                f"a Field of {type(self).__name__} was put there after the class was made, and has no place"
            ) from None

    def _get_field(self, name: str) -> Any:
        slot = self._slot(name)
        return slot.form.live(self._view, behind(self._view, self._place, slot.offset))

    def _set_field(self, name: str, value: Any) -> None:
        slot = self._slot(name)
        self._write_as(slot.form, slot.offset, value)

    if not TYPE_CHECKING:  # type checkers would take it for leave to assign anything

        def __setattr__(self, name: str, value: Any) -> None:
            found = _attribute_of(type(self), name)
            if not hasattr(found, "__set__"):
                raise AttributeError(_why_not_assigned(type(self), name, self._layout))
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same structure at the same place."""
        if type(other) is not type(self):
            return NotImplemented
        return self._view.pid == other._view.pid and self._address() == other._address()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._where()}>"


def _bases_of(cls: type[Structure]) -> list[type[Structure]]:
    """The structures that it goes on behind: one, unless the class is a wrong one."""
    return [base for base in cls.__bases__ if issubclass(base, Structure)]


def _check_bases(cls: type[Structure]) -> None:
    """Refuse more than one structure to go on behind, and fields of classes that have no layout."""
    bases = _bases_of(cls)
    if len(bases) > 1:
        names = " and ".join(base.__name__ for base in bases)
        raise TypeError(f"{cls.__name__} can't begin with {names} both; nest one of them in a Field")
    for base in cls.__mro__:
        if not issubclass(base, Structure) and any(isinstance(each, Field) for each in vars(base).values()):
            raise TypeError(
                f"{cls.__name__} is made of {base.__name__}, which has fields and is no Structure"
            )


def _check_attribute(cls: type[Structure], name: str, value: Any) -> None:
    """Refuse what can't be a field's name, and types that are in no Field."""
    where = f"{cls.__name__}.{name}"
    if any(name in base._fields for base in _bases_of(cls)[0].__mro__ if issubclass(base, Structure)):
        raise ValueError(f"{where} is a field already, of a class that {cls.__name__} is made of")
    if name == "_fields_":
        raise TypeError(
            f"{where} is how ctypes declares fields; each is a Field here, see Structure.from_ctypes"
        )
    if isinstance(value, FieldType):
        raise TypeError(f"{where} is a type; it has to stand in a Field: Field({value!r})")
    if not isinstance(value, Field):
        return
    if name in _OF_CTYPES:
        raise ValueError(f"{where} can't be a field: that name means something to ctypes")
    if name.startswith(("__", f"_{cls.__name__.lstrip('_')}__")):
        raise ValueError(f"{where} can't be a field: names that begin with '__' are Python's own")
    if hasattr(Structure, name):
        raise ValueError(f"{where} can't be a field: that name is Structure's own")
    if value._name != name:
        raise ValueError(f"{where} is the same Field as {value._name}; each needs one of its own")


def _check_fields_are_seen(cls: type[Structure]) -> None:
    """Refuse a class in which something else of the name of a field is found before it."""
    for base in cls.__mro__:
        for name in vars(base).get("_fields", ()) if issubclass(base, Structure) else ():
            first = next(each for each in cls.__mro__ if name in vars(each))
            if first is not base:
                raise ValueError(
                    f"{cls.__name__}.{name} is a field of {base.__name__}, and {first.__name__} has an "
                    "attribute of that name, which would hide it"
                )


def _attribute_of(cls: type, name: str) -> Any:
    """What the class has by that name, as it stands there; None if it has nothing."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _why_not_assigned(cls: type, name: str, layout: Layout) -> str:
    if name in layout.slots:
        return f"{cls.__name__}.{name} is no field any more: an attribute of a class hides it"
    return no_such_field(cls, name, layout.slots)


def _check_layout(cls: type[Structure]) -> None:
    """Refuse a class that has no layout in any program, now rather than when it is first used."""
    failures = []
    for model in MODELS:
        try:
            cls._layout_for(model)
        except (TypeError, ValueError) as error:
            failures.append(error)
        else:
            return
    raise failures[0]


def _laid_out(cls: type[Structure], model: DataModel) -> Layout:
    """The layout of a class in programs of one data model."""
    if cls is Structure:
        return lay_out(cls, None, (), Whole())
    whole = cls._whole
    if whole.source is not None:
        _structs.check_layout(whole.source, model)
        whole = whole._replace(align=_structs.alignment_of(whole.source, model))
    forms: list[Slot | tuple[str, Any]] = []
    for name, field in cls._fields.items():
        form = field._type._form(Context(model, cls, f"{cls.__name__}.{name}"))
        forms.append((name, form) if field._offset is None else Slot(name, field._offset, form))
    return lay_out(cls, _bases_of(cls)[0]._layout_for(model), forms, whole)


_OF_CTYPES = ("_anonymous_", "_pack_", "_align_", "_layout_", "_swappedbytes_")
"""What makes a ctypes structure another one, so that :meth:`Structure.as_ctypes` can't have it as a field."""
_ADOPTED: dict[Any, type[Structure]] = {}
"""The class of each ctypes structure; one for each, as a pointer in it may lead to its like."""


def _adopted(source: Any) -> type[Structure]:
    """The class of a ctypes structure."""
    whole = Whole(ctypes.sizeof(source), source=source)
    fields = {part.name: Field(part.kind, part.offset) for part in _foreign.parts(source)}
    return type(source.__name__, (Structure,), {"__module__": source.__module__, "_whole": whole, **fields})
