"""What a user says a scan is for, and the scan of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._arguments import shown
from memaccess._scan import _kernels, _saving
from memaccess._scan._blocks import Layout
from memaccess._scan._kinds import MOST, Bytes, Group, Kind, Number, step_of
from memaccess._scan._session import Scan
from memaccess._scan._spans import ROUNDINGS
from memaccess._types import TYPES, type_named

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from memaccess._scan._area import Area
    from memaccess._scan._hits import ScannedView
    from memaccess._types import DataModel

ALL = ("int8", "int16", "int32", "int64", "float", "double")
"""The types that ``'all'`` stands for; ints are unsigned where the value is."""


class Wished(NamedTuple):
    """What a scan is for, as the user says it."""

    type: Any
    step: int | None
    rounding: Any
    encoding: str
    ignore_case: bool


def scan(
    view: ScannedView,
    model: DataModel,
    wished: Wished,
    area_of: Callable[[], Area],
    progress: Callable[[int, int], object] | None,
    folder: str | None,
) -> Scan:
    """A scan that has not begun.

    :raises ValueError: there is no such type or rounding, and so with the next.
    :raises TypeError: the type is none.
    """
    if wished.rounding not in ROUNDINGS:
        raise ValueError(
            f"a rounding is one of {', '.join(map(repr, ROUNDINGS))}, not {shown(wished.rounding)}"
        )
    kinds = list(_kinds(wished, model))
    siblings: dict[str, Kind] = {}
    if wished.type == "all":
        for kind in kinds:
            if f"u{kind.name}" in TYPES:
                other = _number(f"u{kind.name}", wished, model)
                siblings |= {kind.name: other, other.name: kind}

    def layout_of(kind: Kind) -> Layout:
        return Layout(kind.width, step_of(kind, wished.step, model.alignment_of))

    return Scan(view, kinds, layout_of, area_of, progress, siblings, folder)


def loaded(
    view: ScannedView,
    path: str | os.PathLike[str],
    restarted: bool | None,
    area_of: Callable[[], Area],
    progress: Callable[[int, int], object] | None,
    folder: str | None,
) -> Scan:
    """A scan that a file has."""
    program = view._program()
    saved = _saving.load(path, program, _kernels.kernels(), folder, restarted)
    steps = {kind.name: layout.step for kind, layout in zip(saved.kinds, saved.layouts, strict=True)}

    def layout_of(kind: Kind) -> Layout:
        return Layout(kind.width, steps[kind.name])

    anew = [kind.of_any_size() for kind in saved.kinds]
    return Scan(view, anew, layout_of, area_of, progress, {}, folder)._restore(saved)


def _kinds(wished: Wished, model: DataModel) -> list[Kind]:
    what = wished.type
    if isinstance(what, str):
        if what == "all":
            return [_number(name, wished, model) for name in ALL]
        if what in ("text", "bytes"):
            return [Bytes(wished.encoding if what == "text" else None, ignore_case=wished.ignore_case)]
        return [_number(what, wished, model)]
    if hasattr(what, "items"):
        return [_group(what, wished, model)]
    if not hasattr(what, "__iter__"):
        raise TypeError(f"a type is given by its name, as a str, not as {shown(what)}")
    names = list(what)
    if not names:
        raise ValueError("a scan is for at least one type")
    if len(set(names)) < len(names):
        raise ValueError(f"a type is named twice: {', '.join(map(str, names))}")
    return [_number(name, wished, model) for name in names]


def _number(name: Any, wished: Wished, model: DataModel) -> Number:
    return Number(type_named(name).codec(model), wished.rounding)


def _group(types: Any, wished: Wished, model: DataModel) -> Group:
    if not types:
        raise ValueError("a group has at least one value")
    members = {}
    for offset, name in types.items():
        if not hasattr(offset, "__index__"):
            raise TypeError(f"a group has its types by their distances in bytes, not by {shown(offset)}")
        number = offset.__index__()
        if not 0 <= number < MOST:
            raise ValueError(
                f"the values of a group lie 0 to {MOST - 1} bytes behind its beginning, not {shown(number)}"
            )
        members[number] = _number(name, wished, model)
    return Group(members)
