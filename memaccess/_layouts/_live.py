"""What stands for a place in a program's memory, and keeps nothing of what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from memaccess._layouts._pieces import write_pieces
from memaccess._layouts._place import looked_up

if TYPE_CHECKING:
    from memaccess._arguments import Address
    from memaccess._layouts._form import Form
    from memaccess._types import DataModel
    from memaccess._view import MemoryView


class Live:
    """A place in the program of a view."""

    __slots__ = ("_place", "_view")

    _view: MemoryView
    _place: Address

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(f"{self!r} can't be copied deeply or pickled; take what its read() gives")

    def __copy__(self) -> Any:
        again = object.__new__(type(self))
        state = object.__reduce_ex__(self, 4)[2]
        for part in state if isinstance(state, tuple) else (state,):
            for name, value in (part or {}).items():
                object.__setattr__(again, name, value)
        return again

    def _address(self) -> int:
        """The address that it has now."""
        return looked_up(self._view, self._place)

    def _write_as(self, form: Form, offset: int, value: Any, *, force: bool = False) -> None:
        """Write *value* so far behind the place, or nothing where it does not fit."""
        pieces = form.pieces(value, self._view)
        write_pieces(self._view, self._address() + offset, pieces, force=force)

    def _where(self) -> str:
        """For a repr, which must not fail."""
        try:
            address = f"0x{self._address():x}"
        except Exception:  # whatever an address raises that is somebody else's object
            address = "an address that can't be looked up now"
        name = f" {self._view.name!r}" if self._view.name else ""
        return f"at {address} in process {self._view.pid}{name}"


def refuse_pointers_from_elsewhere(form: Form, live: Live, view: MemoryView) -> None:
    """Refuse to copy a live object with pointers to another process, where they lead to something else.

    :raises ValueError: it has pointers, and is in another process than *view*.
    """
    if form.has_pointers and live._view.pid != view.pid:
        raise ValueError(
            f"{live!r} has pointers, which mean nothing in process {view.pid}; give what its read() gives "
            "to have the same addresses there"
        )


class LiveStructure(Live):
    """A structure in its place; what fields it has, its class says."""

    __slots__ = ()

    _named: ClassVar[dict[str, type[LiveStructure]]] = {}
    """Classes that its pointers name, by their paths in the module."""

    @classmethod
    def _layout_for(cls, model: DataModel) -> Form:
        """The class as the form that it has in a program of that data model."""
        raise NotImplementedError

    @classmethod
    def _at(cls, view: MemoryView, place: Address) -> LiveStructure:
        """The structure at that place, whatever its class makes of its constructor."""
        raise NotImplementedError

    @staticmethod
    def from_ctypes(source: Any) -> type[Any]:
        """The class of a ctypes structure."""
        raise NotImplementedError

    def read(self) -> dict[str, Any]:
        """The values of all fields."""
        raise NotImplementedError

    def _get_field(self, name: str) -> Any:
        raise NotImplementedError

    def _set_field(self, name: str, value: Any) -> None:
        raise NotImplementedError
