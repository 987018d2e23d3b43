"""Addresses that are looked up when they are used: of a whole, and so many bytes behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from memaccess._view import MemoryView

if TYPE_CHECKING:
    from memaccess._arguments import Address


class _Behind:
    """An address so many bytes behind another one, which is looked up anew at each use."""

    __slots__ = ("_offset", "_place", "_view")

    def __init__(self, view: MemoryView, place: Address, offset: int) -> None:
        self._view = view
        self._place = place
        self._offset = offset

    def __index__(self) -> int:
        return looked_up(self._view, self._place) + self._offset


def behind(view: MemoryView, place: Address, offset: int) -> Address:
    """The place *offset* bytes behind *place*."""
    return place + offset if type(place) is int else _Behind(view, place, offset)


def looked_up(view: MemoryView, place: Address) -> int:
    """*place* as the address that it is now."""
    if type(place) is int:
        return place
    # Our own is asked without the check, which would take what is wrong with its beginning for its own.
    return place.__index__() if isinstance(place, _Behind) else view._checked_address(place, 0)


def checked_place(view: MemoryView, address: Any) -> Address:
    """*address*, which can be looked up, and lies in the address space if it is an int."""
    if not isinstance(view, MemoryView):
        raise TypeError(f"a MemoryView and an address are needed, and the first is {view!r}")
    # What has to be evaluated is evaluated at each access: there may be nothing to find yet.
    if isinstance(address, str) or (hasattr(address, "__index__") and not isinstance(address, int)):
        return cast("Address", address)
    return view._checked_address(address, 0)
