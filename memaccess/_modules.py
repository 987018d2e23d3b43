"""The modules of a program by name and by address, asked for once and checked at every use."""

from __future__ import annotations

import bisect
import contextlib
from typing import TYPE_CHECKING, NamedTuple

from memaccess._apisets import NO_API_SETS, may_be_api_set, read_api_sets
from memaccess._errors import (
    AmbiguousSymbolError,
    BadImageError,
    NotReadableError,
    SymbolNotFoundError,
)
from memaccess._pe import read_header
from memaccess._records import without_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol, TypeVar

    from memaccess._apisets import ApiSets
    from memaccess._records import Module

    T = TypeVar("T")

    class Program(Protocol):
        """What is asked of the program."""

        @property
        def bitness(self) -> int:
            """32 or 64."""
            ...

        def read(self, size: int, address: int, /) -> bytes:
            """That many bytes of its memory."""
            ...

        def modules(self) -> list[Module]:
            """What is loaded into it, in the order of its loader."""
            ...

        def _may_be_image(self, address: int, /) -> bool:
            """Whether a module may have that address."""
            ...

        def _api_sets(self) -> int | None:
            """Where it has its table of API sets; None where it has none."""
            ...

        def _stack_base(self, thread: int, /) -> int | None:
            """Where the stack of that thread begins; None where there is none."""
            ...

        def _ask_debug_symbols(self, question: Callable[[], T], /) -> T:
            """Ask them something, with an error for users where the system refuses."""
            ...


_CLOSE = 5
"""A name that is longer or shorter by so many letters was not meant."""
_MOST_COMPARED = 3000
_LONGEST_COMPARED = 100
_HEAD = 1024
"""Bytes at the beginning of a module that tell it from others: its time, its sizes, its sections."""


class Loaded(NamedTuple):
    """A module, and how its memory began when it was listed."""

    module: Module
    head: bytes | None
    """None where it could not be read: then nothing tells later whether the module is still there."""


class Modules:
    """The modules of one program.

    The list is kept, because systems take milliseconds for it. Modules come and go, so that one from
    the list is looked at again before it is given out: one read tells whether it is still there.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._listed = _Listed((), program.bitness)
        self._api_sets: ApiSets | None = None

    def named(self, name: str) -> Loaded | None:
        """The module of that name, or path; letter case does not count, and the ending may be left out.

        :raises AmbiguousSymbolError: several have it.
        """
        with contextlib.suppress(AmbiguousSymbolError):  # one of them may be gone by now
            known = self._listed.named(name)
            if known is not None and self.is_there(known):
                return known
        return self._list().named(name)

    def at(self, address: int) -> Loaded | None:
        """The module that has that address."""
        known = self._listed.at(address)
        if known is None or not self.is_there(known):
            # To ask that first is far cheaper than to list them.
            known = self._list().at(address) if self._program._may_be_image(address) else None
        return known

    # -- what a name means

    def meant(self, name: str) -> Loaded | None:
        """The module of that name, or the one that an API set of that name stands for."""
        host = self._host(name)
        return (self.named(host) if host else None) or self.named(name)

    def meant_among_listed(self, name: str) -> Loaded | None:
        """As above, among those that were listed last."""
        host = self._host(name)
        return (self._listed.named(host) if host else None) or self._listed.named(name)

    def forwarded(self, name: str, importer: str) -> Loaded:
        """The module that *importer* forwards to: as for the loader, ``.dll`` is what is left out.

        :raises SymbolNotFoundError: it is not loaded.
        """
        host = self._host(name, importer)
        for each in (host, f"{name}.dll", name):
            found = self.named(each) if each else None
            if found is not None:
                return found
        raise SymbolNotFoundError(f"no module is called {host or name!r}")

    def not_found(self, name: str) -> SymbolNotFoundError:
        """The error where no module has that name."""
        hint = likely(name, [each.module.name for each in self.listed])
        return SymbolNotFoundError(f"no module is called {name!r}{hint}")

    def _host(self, name: str, importer: str = "") -> str | None:
        """The DLL that an API set stands for where that DLL asks; None where it is no API set."""
        if not may_be_api_set(name):
            return None
        if self._api_sets is None:
            self._api_sets = self._read_api_sets()
        return self._api_sets.host(name, importer)

    def _read_api_sets(self) -> ApiSets:
        table = self._program._api_sets()
        if table is None:
            return NO_API_SETS
        try:
            return read_api_sets(self._program.read, table)
        except (BadImageError, NotReadableError):
            return NO_API_SETS  # their names are then those of no module, and that is said

    # -- the list

    def refresh(self) -> None:
        """List them anew."""
        self._list()

    @property
    def listed(self) -> tuple[Loaded, ...]:
        """Those that were there when the modules were last listed; of the program's own width first."""
        return self._listed.all

    def is_alone(self, known: Loaded, name: str) -> bool:
        """Whether that name means that one of those, and no other."""
        with contextlib.suppress(AmbiguousSymbolError):
            return self.meant_among_listed(name) is known
        return False

    def may_be_there(self, known: Loaded) -> bool:
        """Whether that module may still be loaded; where its beginning can't be read, nothing tells more."""
        return self._program._may_be_image(known.module.base)

    def is_there(self, known: Loaded) -> bool:
        """Whether that module is still loaded, as far as one read tells."""
        return known.head is not None and known.head == self._head(known.module)

    def _list(self) -> _Listed:
        modules = self._program.modules()
        loaded = [Loaded(module, _if_its_own(module, self._head(module))) for module in modules]
        self._listed = listed = _Listed(loaded, self._program.bitness)
        return listed

    def _head(self, module: Module) -> bytes | None:
        try:
            return self._program.read(min(_HEAD, module.size), module.base) or None
        except NotReadableError:
            return None


def _if_its_own(module: Module, head: bytes | None) -> bytes | None:
    """*head*, unless another module has taken the place between listing and reading."""
    if head is None or module.timestamp is None:
        return head

    def read(size: int, address: int) -> bytes:
        if address - module.base + size > len(head):
            raise NotReadableError("the header goes on behind the head")
        return head[address - module.base :][:size]

    try:
        header = read_header(read, module.base)
    except NotReadableError:
        return head
    except BadImageError:
        return None
    return head if (header.size, header.timestamp) == (module.size, module.timestamp) else None


class _Listed:
    """What was loaded at one moment."""

    def __init__(self, loaded: Iterable[Loaded], bitness: int) -> None:
        # A 32-bit program on a 64-bit Windows has an ntdll of each width; its own is the one it means.
        self.all = tuple(sorted(loaded, key=lambda each: each.module.bitness == 96 - bitness))
        self._placed = sorted(self.all, key=lambda each: each.module.base)
        self._bases = [each.module.base for each in self._placed]
        self._whole: dict[str, Loaded] = {}
        self._stems: dict[str, list[Loaded]] = {}
        for each in self.all:
            name = each.module.name.lower()
            path = each.module.path.lower()
            self._whole.setdefault(path, each)
            self._stems.setdefault(_without_ending(path), [each])
            if self._whole.setdefault(name, each) is each:
                self._stems.setdefault(_without_ending(name), []).append(each)

    def named(self, name: str) -> Loaded | None:
        wanted = name.lower()
        if wanted in self._whole:
            return self._whole[wanted]
        found = self._stems.get(wanted, ())
        if len(found) > 1:
            names = " and ".join(each.module.name for each in found)
            raise AmbiguousSymbolError(f"{name!r} may be {names}; write the whole name")
        return found[0] if found else None

    def at(self, address: int) -> Loaded | None:
        place = bisect.bisect_right(self._bases, address) - 1
        return self._placed[place] if place >= 0 and address < self._placed[place].module.end else None


def _without_ending(name: str) -> str:
    start, dot, ending = without_version(name).rpartition(".")
    return start if dot and "\\" not in ending and "/" not in ending else name


def likely(name: str, names: Iterable[str]) -> str:
    """What may have been meant, to go behind a message that there is no such name; or ``''``."""
    import difflib

    by_lower = {each.lower(): each for each in names if abs(len(each) - len(name)) < _CLOSE}
    if len(by_lower) > _MOST_COMPARED or len(name) > _LONGEST_COMPARED:
        return ""  # it would take seconds
    found = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""
