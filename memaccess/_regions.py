"""Going over regions, and which of them a user wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from memaccess._records import Kind, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from memaccess._records import Region

_WORDS = {"state": get_args(State), "kind": get_args(Kind)}


class Wanted(NamedTuple):
    """What regions have to be; None where it does not matter."""

    state: State | None = None
    kind: Kind | None = None
    readable: bool | None = None
    writable: bool | None = None
    executable: bool | None = None
    guarded: bool | None = None

    def checked(self) -> Wanted:
        """The same.

        :raises ValueError: there is no such state or kind.
        :raises TypeError: one of the others is no bool.
        """
        for name, value in self._asdict().items():
            words = _WORDS.get(name)
            if value is None or (words is not None and value in words):
                continue
            if words is not None:
                raise ValueError(f"{name} is one of {', '.join(map(repr, words))}, not {value!r}")
            if not isinstance(value, bool):
                raise TypeError(f"{name} is True, False or None, not {value!r}")
        return self

    def has(self, region: Region) -> bool:
        """Whether the region is one of those."""
        return all(
            value is None or getattr(region, name) == value
            for name, value in zip(self._fields, self, strict=True)
        )


def walk(regions_from: Callable[[int], Iterable[Region]], address: int, stop: int) -> Iterator[Region]:
    """The regions from the page of *address* on, as far as there are any, up to *stop*.

    :param regions_from: asks a system for those from an address on, as many as one question tells.
    """
    while address < stop:
        reached = address
        for region in regions_from(address):
            if region.base >= stop or region.end <= address:
                return
            yield region
            address = region.end
        if address == reached:
            return
