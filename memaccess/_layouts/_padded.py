"""ctypes structures of one's own choice: every field at its offset, whatever this Python would do."""

from __future__ import annotations

import ctypes
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Placed: TypeAlias = tuple[str, int, Any]
    """Name, offset and ctypes type of a field."""


def padded_structure(name: str, fields: Sequence[Placed], size: int, align: int) -> type[ctypes.Structure]:
    """A structure with those fields, that size and, if it can be, that alignment; fields may overlap."""
    ordered = sorted(fields, key=lambda field: field[1])
    if all(before[1] + ctypes.sizeof(before[2]) <= after[1] for before, after in itertools.pairwise(ordered)):
        return _padded(name, ordered, size, align)
    # Each field has a structure of its own, and all of them lie one over the other.
    names = [each[0] for each in fields]
    alone, union = _free("_alone", names), _free("_union", names)
    parts = [(f"{alone}_{each[0]}", _padded(f"{name}_{each[0]}", [each], size, align)) for each in fields]
    anonymous = {"_anonymous_": tuple(each for each, _ in parts), "_fields_": parts}
    overlaid = type(f"{name}_fields", (ctypes.Union,), anonymous)
    return _structure(name, {"_anonymous_": (union,), "_fields_": [(union, overlaid)]}, fields, size, align)


def _padded(name: str, ordered: Sequence[Placed], size: int, align: int) -> type[ctypes.Structure]:
    """A structure whose fields don't overlap, with its padding written out."""
    padding = _free("_padding", [each[0] for each in ordered])
    fields: list[tuple[str, Any]] = []
    end = 0
    for field, offset, kind in [*ordered, ("", size, None)]:
        if offset > end:
            fields.append((f"{padding}_{end:x}", ctypes.c_uint8 * (offset - end)))
        if kind is not None:
            fields.append((field, kind))
            end = offset + ctypes.sizeof(kind)
    return _structure(name, {"_fields_": fields}, ordered, size, align)


def _structure(
    name: str, namespace: dict[str, Any], placed: Sequence[Placed], size: int, align: int
) -> type[ctypes.Structure]:
    """The structure with that alignment, which counts where it is nested; else with a smaller one."""
    # Without the second word, Python 3.14 warns that the first one chooses Windows' layout.
    for packing in ({}, {"_pack_": align, "_layout_": "ms"}):
        made = type(name, (ctypes.Structure,), {**packing, **namespace})
        is_right = all(getattr(made, each[0]).offset == each[1] for each in placed)
        if is_right and ctypes.sizeof(made) == size and ctypes.alignment(made) <= align:
            return made
    return type(name, (ctypes.Structure,), {"_pack_": 1, "_layout_": "ms", **namespace})


def _free(prefix: str, names: Sequence[str]) -> str:
    """A beginning for names that none of *names* has."""
    while any(name.startswith(prefix) for name in names):
        prefix = f"_{prefix}"
    return prefix
