"""The places that a scan has found, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing import SupportsIndex

    from memaccess._scan._values._kinds import Kind
    from memaccess._scan._values._states import Program


class ScannedView(Protocol):
    """What is scanned, as far as hits are concerned."""

    def _opened(self, what: str) -> Any: ...
    def _read_available(self, size: int, address: int) -> Any: ...
    def read(self, size: SupportsIndex, address: SupportsIndex) -> bytes: ...
    def write(self, values: bytes, address: SupportsIndex, *, force: bool = False) -> None: ...
    def _place_of(self, address: int) -> str: ...
    def _program(self) -> Program: ...


class Hit:
    """A place that a scan has found; see :meth:`MemoryView.scan <memaccess.MemoryView.scan>`.

    It stands for its address wherever one is wanted. ``str()`` is its place as an address expression: with its
    module where it is in one.
    """

    __module__ = "memaccess.searching"

    def __init__(self, view: ScannedView, kind: Kind, address: int, data: bytes) -> None:
        self._view = view
        self._kind = kind
        self._data = data
        self.address = address

    address: int
    """Where it is."""

    @property
    def type(self) -> str:
        """What was looked for: the name of a C type, ``'text'``, ``'bytes'`` or ``'a group'``."""
        return self._kind.name

    @property
    def value(self) -> Any:
        """What it was at the last scan."""
        return self._kind.decode(self._data)

    def read(self) -> Any:
        """What it is now.

        :returns: the value.
        :raises MemoryAccessError: as in :meth:`MemoryView.read <memaccess.MemoryView.read>`.

        >>> hit = view.scan('int').exact(100)[0]
        >>> hit.read()
        100
        """
        return self._kind.decode(self._view.read(self._kind.width, self.address))

    def write(self, value: Any, *, force: bool = False) -> None:
        """Give it another value.

        :param value: what it is to be: a number, or bytes or a text of the same length.
        :param force: write also where the program itself may not, as in :meth:`MemoryView.write
            <memaccess.MemoryView.write>`.
        :raises MemoryAccessError: as in :meth:`MemoryView.write <memaccess.MemoryView.write>`.
        :raises TypeError: the value is of another type; nothing is written, and so with the next.
        :raises ValueError: it is no such text, or of another length.
        :raises OverflowError: it does not fit.

        >>> hit = view.scan('int').exact(100)[0]
        >>> hit.write(99)
        >>> view.read_int(0x401000)
        99
        """
        self._view.write(self._kind.encode(value), self.address, force=force)

    @property
    def expression(self) -> str:
        """Its place as an address expression: ``'game.exe+10F4F4'`` in a module, else the number."""
        return self._view._place_of(self.address)

    def __index__(self) -> int:
        return self.address

    def __str__(self) -> str:
        return self.expression

    def __repr__(self) -> str:
        return f"<Hit: {self.type} at 0x{self.address:x}: {self.value!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hit):
            return NotImplemented
        return (self.address, self.type) == (other.address, other.type)

    def __hash__(self) -> int:
        return hash((self.address, self.type))
