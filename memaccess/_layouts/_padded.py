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


def padded_structure(name: str, fields: Sequence[Placed], size: int) -> type[ctypes.Structure]:
    """A structure with those fields and that size; fields may overlap."""
    ordered = sorted(fields, key=lambda field: field[1])
    if all(before[1] + ctypes.sizeof(before[2]) <= after[1] for before, after in itertools.pairwise(ordered)):
        return _packed(name, ordered, size)
    # Each field has a structure of its own, and all of them lie one over the other.
    alone = [(f"_alone_{each[0]}", _packed(f"{name}_{each[0]}", [each], size)) for each in fields]
    names = tuple(each for each, _ in alone)
    union = type(f"{name}_fields", (ctypes.Union,), {"_anonymous_": names, "_fields_": alone})
    return _structure(name, {"_anonymous_": ("_union",), "_fields_": [("_union", union)]})


def _packed(name: str, ordered: Sequence[Placed], size: int) -> type[ctypes.Structure]:
    """A structure whose fields don't overlap, with its padding written out."""
    fields: list[tuple[str, Any]] = []
    end = 0
    for field, offset, kind in [*ordered, ("", size, None)]:
        if offset > end:
            fields.append((f"_padding_{end:x}", ctypes.c_uint8 * (offset - end)))
        if kind is not None:
            fields.append((field, kind))
            end = offset + ctypes.sizeof(kind)
    return _structure(name, {"_fields_": fields})


def _structure(name: str, namespace: dict[str, Any]) -> type[ctypes.Structure]:
    # Without the second word, Python 3.14 warns that the first one chooses Windows' layout.
    return type(name, (ctypes.Structure,), {"_pack_": 1, "_layout_": "ms", **namespace})
