"""Structures that a pointer names: which class is meant.

A module has its classes by their names, whenever a pointer is followed. A function does not: what it
makes can't be asked for later, and is made anew at each call. So classes are matched when they are
made, each with one of the same call: the last that was made before it, or, where there is none or the
call before this one had it the other way round, the next one made. Each holds what it was matched with.
"""

from __future__ import annotations

import sys
import weakref
from _thread import get_ident
from typing import TYPE_CHECKING

from memaccess._layouts._live import LiveStructure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping
    from typing import TypeAlias

    from typing_extensions import TypeIs

    _Made: TypeAlias = tuple[str, str, int]
    """A module, the path of a class in it, and a thread: a call does not change its thread."""

_in_functions: dict[_Made, type[LiveStructure]] = {}
"""The last one made in each place; held, so that nothing depends on when garbage is collected."""
_elsewhere: MutableMapping[_Made, type[LiveStructure]] = weakref.WeakValueDictionary()
_waiting: dict[_Made, weakref.WeakSet[type[LiveStructure]]] = {}
"""Classes with a pointer to what was not made yet."""
_later: set[tuple[str, str, str]] = set()
"""Module, and paths of two classes, the second of which was made after the first, which points to it."""


def announce(cls: type[LiveStructure], names: Iterable[str]) -> None:
    """A class was made whose pointers have those names; match it with others."""
    cls._named = {}
    module, path = cls.__module__, cls.__qualname__
    here = module, path, get_ident()
    for owner in _waiting.pop(here, ()):
        owner._named[path] = cls
        _later.add((module, owner.__qualname__, path))
    _made_at(path)[here] = cls
    for name in names:
        for scope in _scopes(cls):
            _look_for(cls, f"{scope}.{name}" if scope else name)


def structure_named(name: str, owner: type[LiveStructure]) -> type[LiveStructure] | None:
    """The structure that a pointer in *owner* names: in it, itself, or the nearest around it."""
    inner = vars(owner).get(name)
    if _is_structure(inner):
        return inner
    if name == owner.__name__:
        return owner
    for scope in _scopes(owner):
        path = f"{scope}.{name}" if scope else name
        found = _in_module(owner.__module__, path) or owner._named.get(path)
        if found is not None:
            return found
    return None


def _look_for(owner: type[LiveStructure], path: str) -> None:
    """Match a class with what was made at that path, or else will be."""
    place = owner.__module__, path, get_ident()
    known = _made_at(path).get(place)
    if known is not None:
        owner._named[path] = known
    if known is None or (owner.__module__, owner.__qualname__, path) in _later:
        _waiting.setdefault(place, weakref.WeakSet()).add(owner)


def _made_at(path: str) -> MutableMapping[_Made, type[LiveStructure]]:
    return _in_functions if "<locals>" in path else _elsewhere


def _scopes(owner: type[LiveStructure]) -> Iterator[str]:
    """The paths of what is around a class, from the inside; ``''`` is its module."""
    scope = owner.__qualname__
    while scope:
        scope = scope.rpartition(".")[0]
        yield scope


def _in_module(module: str, path: str) -> type[LiveStructure] | None:
    """What a module has now at that path, if it is a structure."""
    found: object = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if _is_structure(found) else None


def _is_structure(found: object) -> TypeIs[type[LiveStructure]]:
    return isinstance(found, type) and issubclass(found, LiveStructure)
