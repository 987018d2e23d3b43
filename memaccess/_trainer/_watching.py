"""A watch list: places with names, looked at again and again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Protocol

from memaccess._address import parse
from memaccess._arguments import checked_address, checked_text, shown
from memaccess._errors import MemoryAccessError
from memaccess._names import AddressExpression
from memaccess._records import Symbol
from memaccess._scan._files import TEXT_ERRORS, replacing
from memaccess._scan._pointers._chains import PointerChain
from memaccess._scan._values._describing import described, kind_of
from memaccess._scan._values._hits import Hit
from memaccess._scan._values._kinds import Number
from memaccess._types import type_named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import SupportsIndex

    from typing_extensions import Self

    from memaccess._scan._values._kinds import Kind
    from memaccess._types import DataModel

_FORMAT = "memaccess watch list 1"


class WatchedView(Protocol):
    """What is watched: a view."""

    _model: DataModel

    def read(self, size: SupportsIndex, address: SupportsIndex | str) -> bytes: ...
    def write(self, values: bytes, address: SupportsIndex | str, *, force: bool = False) -> None: ...
    def _address_of(self, expression: str) -> int: ...


class Watch:
    """A place of a :class:`WatchList`."""

    __module__ = "memaccess.searching"

    def __init__(self, view: WatchedView, name: str, place: str, kind: Kind) -> None:
        parse(place)  # what can't be understood is refused before anybody asks for the value
        self._view = view
        self._kind = kind
        self._name = name
        self._place = place

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def place(self) -> str:
        """Where it is, as an address expression."""
        return self._place

    @property
    def type(self) -> str:
        """What it is: the name of a C type, ``'text'``, ``'bytes'`` or ``'a group'``."""
        return self._kind.name

    @property
    def address(self) -> int:
        """Where it is now.

        :raises LookupError: its module is not loaded, or another name of its place is gone.
        :raises MemoryAccessError: a pointer of its place leads nowhere.
        """
        return self._view._address_of(self.place)

    def read(self) -> Any:
        """What it is now.

        :returns: the value.
        :raises LookupError: its module is not loaded, or another name of its place is gone.
        :raises MemoryAccessError: as in :meth:`MemoryView.read <memaccess.MemoryView.read>`.

        >>> watches = WatchList(view)
        >>> watches.add('health', 'game.exe+2010', 'pointer').read() == 0x401000
        True
        """
        return self._kind.decode(self._view.read(self._kind.width, self.place))

    def write(self, value: Any, *, force: bool = False) -> None:
        """Give it another value.

        :param value: what it is to be.
        :param force: write also where the program itself may not.
        :raises LookupError: its module is not loaded, or another name of its place is gone.
        :raises MemoryAccessError: as in :meth:`MemoryView.write <memaccess.MemoryView.write>`.
        :raises TypeError: the value is of another type; nothing is written, and so with the next two.
        :raises ValueError: it has another length.
        :raises OverflowError: it does not fit.

        >>> watches = WatchList(view)
        >>> watches.add('health', 0x401000, 'int').write(99)
        >>> view.read_int(0x401000)
        99
        """
        self._view.write(self._kind.encode(value), self.place, force=force)

    def __repr__(self) -> str:
        return f"<Watch {self.name!r}: {self.type} at {self.place}>"


class WatchList:
    """Places of a program with names, which a file can keep.

    :param view: the view of the program.

    >>> watches = WatchList(view)
    >>> watches.add('health', view.scan('int').exact(100)[0])
    <Watch 'health': int at 0x401000>
    >>> watches.values()
    {'health': 100}
    """

    __module__ = "memaccess.searching"

    def __init__(self, view: WatchedView) -> None:
        self._view = view
        self._watches: dict[str, Watch] = {}

    def add(
        self,
        name: str,
        place: Hit | PointerChain | Symbol | SupportsIndex | str,
        type: str | None = None,
    ) -> Watch:
        """Watch a place.

        :param name: what to call it; another of that name is replaced.
        :param place: a hit of a scan; a chain of pointers; an address expression, as text or as
            :meth:`MemoryView.address <memaccess.MemoryView.address>` gives it, which is worked out at every use, so that it may
            lead along pointers; a symbol; or an address.
        :param type: the name of its C type; hits know theirs.
        :returns: the watch.
        :raises ValueError: there is no such type, or none is given and the place is no hit.
        :raises AddressSyntaxError: the address expression can't be understood. Whether its names are known shows when it is read.
        :raises TypeError: the place is none.
        :raises OverflowError: the address does not lie in the program's address space.

        >>> watches = WatchList(view)
        >>> watches.add('health', '[game.exe+2010]', 'int')
        <Watch 'health': int at [game.exe+2010]>
        """
        checked_text("a name", name)
        if type is not None:
            kind: Kind = Number(type_named(type).codec(self._view._model), "rounded")
        elif isinstance(place, Hit):
            kind = place._kind
        else:
            raise ValueError(
                f"the type of {name!r} is needed, such as 'int'; only the hits of a scan know theirs"
            )
        if isinstance(place, (Hit, PointerChain, AddressExpression, Symbol, str)):
            where = str(place)
        elif hasattr(place, "__index__"):
            where = f"0x{checked_address(place, kind.width, self._view._model.bitness):x}"
        else:
            raise TypeError(f"a place is an address, an address expression or a hit, not {shown(place)}")
        watch = self._watches[name] = Watch(self._view, name, where, kind)
        return watch

    def remove(self, name: str) -> None:
        """Watch a place no more.

        :param name: what it is called.
        :raises KeyError: none is called that.

        >>> watches = WatchList(view)
        >>> watch = watches.add('health', 0x401000, 'int')
        >>> watches.remove('health')
        """
        del self._watches[self[name].name]

    def values(self) -> dict[str, Any]:
        """What all of them are now.

        :returns: their values by their names, in the order in which they were added; the error in the place of
            one that can't be read, or whose place leads nowhere.

        >>> WatchList(view).values()
        {}
        """
        found: dict[str, Any] = {}
        for name, watch in self._watches.items():
            try:
                found[name] = watch.read()
            except (MemoryAccessError, LookupError, ValueError, OverflowError) as error:
                found[name] = error.with_traceback(None)
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the list to a file, as JSON.

        :param path: the file; one that is there is replaced once all is written.
        :raises OSError: it can't be written.

        >>> WatchList(view).save('game.watches')
        """
        listed = [[watch.name, watch.place, described(watch._kind)] for watch in self]
        text = json.dumps({"format": _FORMAT, "watches": listed}, indent=1, ensure_ascii=False)
        with replacing(path) as file:
            file.write(text.encode("utf-8", TEXT_ERRORS) + b"\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str], view: WatchedView) -> Self:
        """A list that was saved.

        :param path: the file.
        :param view: the view of the program.
        :returns: the list.
        :raises OSError: the file can't be read.
        :raises ValueError: it is none of a watch list.

        >>> WatchList(view).save('game.watches')
        >>> len(WatchList.load('game.watches', view))
        0
        """
        with open(path, "rb") as file:
            text = file.read()
        watches = cls(view)
        try:
            content = json.loads(text.decode("utf-8", TEXT_ERRORS))
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            for name, place, description in content["watches"]:
                kind = kind_of(description, view._model)
                checked_text("a place", place)
                watches._watches[checked_text("a name", name)] = Watch(view, name, place, kind)
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{os.fspath(path)} is not a saved watch list: {error}") from None
        return watches

    def __getitem__(self, name: str) -> Watch:
        try:
            return self._watches[name]
        except KeyError:
            known = ", ".join(map(repr, self._watches)) or "none"
            raise KeyError(f"no watch is called {name!r}; there are {known}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._watches

    def __iter__(self) -> Iterator[Watch]:
        return iter(self._watches.values())

    def __len__(self) -> int:
        return len(self._watches)

    def __repr__(self) -> str:
        return f"<WatchList of {', '.join(self._watches) or 'nothing'}>"
