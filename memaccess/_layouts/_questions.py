"""What can be asked of a structure. Functions, so that a structure may have fields of those names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memaccess._layouts._array import LiveArray
from memaccess._layouts._models import model_of
from memaccess._layouts._structure import Structure

if TYPE_CHECKING:
    from memaccess._layouts._form import Slot
    from memaccess._layouts._layout import Layout
    from memaccess._view import MemoryView


def sizeof(
    structure: type[Structure] | Structure | LiveArray[Any], target: MemoryView | int | None = None
) -> int:
    """How many bytes a structure or an array has.

    :param structure: a class, or a live object.
    :param target: for a class, a view of the program; or 32 or 64, for programs of Windows.
    :returns: the size, with the padding at its end.
    :raises TypeError: it is none; or it is a class, and no target is given; or it is live, and one is.

    >>> sizeof(Player, 64), sizeof(player), sizeof(player.bag)
    (48, 48, 16)
    """
    if isinstance(structure, LiveArray):
        return structure._item.size * len(structure)
    return _layout_of(structure, target).size


def offsetof(
    structure: type[Structure] | Structure, field: str, target: MemoryView | int | None = None
) -> int:
    """How many bytes behind the beginning of a structure one of its fields lies.

    :param structure: a class, or a live object.
    :param field: the name of the field.
    :param target: for a class, a view of the program; or 32 or 64, for programs of Windows.
    :returns: the offset.
    :raises ValueError: it has no such field.
    :raises TypeError: it is no structure; or it is a class, and no target is given; or it is live, and
        one is.

    >>> offsetof(Player, 'name', view)
    16
    """
    return _slot_of(structure, field, target).offset


def addressof(live: Structure | LiveArray[Any], field: str | None = None) -> int:
    """Where a live structure or array, or a field of the structure, is in the program's memory.

    :param live: the live object.
    :param field: the name of a field.
    :returns: the address that it has now.
    :raises ValueError: it has no such field.
    :raises TypeError: it is not live, or an array was asked for a field.

    >>> hex(addressof(player)), hex(addressof(player, 'name')), hex(addressof(player.bag[1], 'count'))
    ('0x401000', '0x401010', '0x40102c')
    """
    if not isinstance(live, (Structure, LiveArray)):
        raise TypeError(f"a live structure or array is needed, not {live!r}")
    if field is None:
        return live._address()
    if isinstance(live, LiveArray):
        raise TypeError("an array has items and no fields; ask one of its items")
    return live._address() + _slot_of(live, field, None).offset


def _slot_of(structure: Any, field: str, target: MemoryView | int | None) -> Slot:
    return _layout_of(structure, target).slot(field)


def _layout_of(structure: Any, target: MemoryView | int | None) -> Layout:
    """The layout of a live structure, or of a class in a program."""
    if isinstance(structure, Structure):
        if target is not None:
            raise TypeError("a live structure is in a program already, which is not given once more")
        return structure._layout
    if not (isinstance(structure, type) and issubclass(structure, Structure)):
        raise TypeError(f"a class of Structure, or a live one is needed, not {structure!r}")
    if target is None:
        raise TypeError(
            f"the layout of {structure.__name__} depends on the program: give a view of it too, or 32 or 64"
        )
    return structure._layout_for(model_of(target))
