"""What a user says a scan is for, and the scan of it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._arguments import shown
from memaccess._scan._comparing import _kernels
from memaccess._scan._values import _saving
from memaccess._scan._values._blocks import Grid
from memaccess._scan._values._kinds import MOST, Bytes, Group, Kind, Number, step_of
from memaccess._scan._values._session import Scan
from memaccess._scan._values._states import Plan, State
from memaccess._types import TYPES, type_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._scan._area import Area
    from memaccess._scan._values._hits import ScannedView
    from memaccess._types import DataModel

ALL = ("int8", "int16", "int32", "int64", "float", "double")
"""The types that ``'all'`` stands for; ints are unsigned where the value is."""


class Wished(NamedTuple):
    """What a scan is for, as the user says it."""

    type: Any
    alignment: int | None
    rounding: Any
    encoding: str
    ignore_case: bool

    def as_data(self) -> dict[str, Any]:
        """The same as JSON can have it."""
        what = self.type
        if hasattr(what, "items"):
            what = {str(offset.__index__()): name for offset, name in what.items()}
        elif not isinstance(what, str):
            what = list(what)
        return {**self._asdict(), "type": what}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Wished:
        """What :meth:`as_data` has made."""
        what = data["type"]
        if isinstance(what, dict):
            what = {int(offset): name for offset, name in what.items()}
        return cls(**{**data, "type": what})


def scan(
    view: ScannedView,
    model: DataModel,
    wished: Wished,
    area_of: Callable[[], Area],
    progress: Callable[[int, int], object] | None,
    folder: str | os.PathLike[str] | None,
) -> Scan:
    """A scan that has not begun.

    :raises ValueError: there is no such type or rounding, and so with the next.
    :raises TypeError: the type is none.
    :raises NotADirectoryError: there is no such folder.
    """
    return Scan(view, _plan(wished, model), area_of, progress, _checked_folder(folder))


def loaded(
    view: ScannedView,
    model: DataModel,
    path: str | os.PathLike[str],
    restarted: bool | None,
    area_of: Callable[[], Area],
    progress: Callable[[int, int], object] | None,
    folder: str | os.PathLike[str] | None,
) -> Scan:
    """A scan that a file has."""
    where = _checked_folder(folder)
    saved = _saving.load(path, view._program(), _kernels.kernels(), where, restarted)
    try:
        plan = _plan(Wished.from_data(saved.wished), model)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} is a damaged file of a scan: {error}") from None
    # Those of the plan know whether they are one of all types, which files don't have.
    numbers = {kind.name: kind for kind in (*plan.kinds, *plan.siblings.values()) if isinstance(kind, Number)}
    kinds = tuple(numbers.get(kind.name, kind) for kind in saved.kinds)
    first = State(kinds, saved.first, saved.what)
    last = State(kinds, saved.last, saved.what, lost=saved.lost)
    return Scan(view, plan, area_of, progress, where)._restore(first, last)


def _checked_folder(folder: Any) -> str | None:
    if folder is None:
        return None
    name = os.fspath(folder)
    if not os.path.isdir(name):
        raise NotADirectoryError(errno.ENOTDIR, "What a scan keeps goes to a folder that is there", name)
    return str(name)


def _plan(wished: Wished, model: DataModel) -> Plan:
    kinds = tuple(_kinds(wished, model))
    siblings: dict[str, Kind] = {}
    if wished.type == "all":
        for kind in kinds:
            if f"u{kind.name}" in TYPES:
                other = _number(f"u{kind.name}", wished, model)
                siblings |= {kind.name: other, other.name: kind}

    def grid_of(kind: Kind) -> Grid:
        return Grid(kind.width, step_of(kind, wished.alignment, model.alignment_of))

    return Plan(wished.as_data(), kinds, siblings, grid_of)


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
    if name in ("all", "text", "bytes"):
        raise ValueError(f"{name!r} is scanned for alone, not beside other types")
    try:
        codec = type_named(name).codec(model)
        return Number(codec, wished.rounding, is_one_of_all=wished.type == "all")
    except ValueError as error:
        if isinstance(name, str) and name.replace(" ", "_") not in TYPES:
            raise ValueError(f"{error}; and a scan may be for 'all', 'text' or 'bytes'") from None
        raise


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
