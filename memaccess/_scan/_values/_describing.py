"""Kinds of values as plain data, and back: for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memaccess._arguments import shown
from memaccess._scan._comparing._spans import ROUNDINGS
from memaccess._scan._values._kinds import MOST, Bytes, Group, Kind, Number
from memaccess._types import type_named

if TYPE_CHECKING:
    from memaccess._types import DataModel


def described(kind: Kind) -> dict[str, Any]:
    """What a kind is, as JSON can have it."""
    if isinstance(kind, Number):
        return {"type": kind.name, "rounding": kind.rounding}
    if isinstance(kind, Group):
        members = [[offset, described(number)] for offset, number in kind.members.items()]
        return {"type": "group", "members": members}
    assert isinstance(kind, Bytes)
    return {
        "type": kind.name,
        "encoding": kind.encoding,
        "ignore_case": kind.ignore_case,
        "width": kind.width,
    }


def kind_of(description: dict[str, Any], model: DataModel) -> Kind:
    """The kind that was described.

    :raises ValueError: nothing is described so; and so with KeyError and TypeError.
    """
    name = description["type"]
    if name == "group":
        members = {offset: _number(each, model) for offset, each in description["members"]}
        if not members or not all(type(each) is int and 0 <= each < MOST for each in members):
            raise ValueError(f"a group has its values at {shown(list(members))}")
        return Group(members)
    if name in ("text", "bytes"):
        encoding, width = description["encoding"], description["width"]
        if (name == "bytes") != (encoding is None) or type(width) is not int or width < 1:
            raise ValueError(f"there is no {name} of {shown(width)} bytes in {shown(encoding)}")
        kind = Bytes(encoding, ignore_case=bool(description["ignore_case"]))
        kind.width = width
        return kind
    return _number(description, model)


def _number(description: dict[str, Any], model: DataModel) -> Number:
    rounding = description["rounding"]
    if rounding not in ROUNDINGS:
        raise ValueError(f"there is no rounding {shown(rounding)}")
    return Number(type_named(description["type"]).codec(model), rounding)
