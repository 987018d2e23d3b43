"""Kinds of values as plain data, and back: for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memaccess._scan._kinds import Bytes, Group, Kind, Number
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
        return Group({int(offset): _number(each, model) for offset, each in description["members"]})
    if name in ("text", "bytes"):
        kind = Bytes(description["encoding"], ignore_case=description["ignore_case"])
        kind.width = int(description["width"])
        return kind
    return _number(description, model)


def _number(description: dict[str, Any], model: DataModel) -> Number:
    return Number(type_named(description["type"]).codec(model), description["rounding"])
