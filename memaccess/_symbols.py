"""Names and places: what the modules of a program export, asked by name and by address."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from memaccess._errors import AmbiguousSymbolError, BadImageError, NotReadableError, SymbolNotFoundError
from memaccess._exports import address_of
from memaccess._images import read_exported
from memaccess._modules import Modules, likely
from memaccess._records import Symbol, qualified, stem, written, written_symbol
from memaccess._stacks import place_in_stack, thread_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._backend._interface import DebugInfo
    from memaccess._exports import ExportTable
    from memaccess._modules import Loaded, Program
    from memaccess._records import Export, Module


T = TypeVar("T")

_ATTEMPTS = 3
"""How often a name is looked for where modules come and go under our hands."""
_LONGEST_TRAIL = 64
"""Forwarders that are followed; real ones are one or two."""
_PROBED = 4096
"""Bytes at the beginning of an export directory that tell two builds apart whose headers are alike."""


class _GoneError(SymbolNotFoundError):
    """The module was unloaded while it was looked at."""


def _written_out(trail: list[tuple[str, str]]) -> str:
    """The path of a forwarded symbol, from the names of modules and of symbols in them."""
    return " is forwarded to ".join(qualified(stem(module), symbol) for module, symbol in trail)


class _Known(NamedTuple):
    """The exports of a module, and what to look at to be sure that they are still those."""

    table: ExportTable
    place: int
    """Where its export directory is."""
    beginning: bytes


def _exported_before(table: ExportTable | None, address: int) -> tuple[str, int] | None:
    """The nearest export at or before that address, and where that is."""
    export = None if table is None else table.before(address)
    return None if export is None else (export.name or f"#{export.ordinal}", address_of(export))


class Symbols:
    """The modules of one program and their exports, as far as they were asked for."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._modules = Modules(program)
        self._debug_infos: dict[int, DebugInfo] = {}
        self._tables: dict[Loaded, _Known] = {}
        self._found: dict[str, tuple[Loaded, str]] = {}

    # -- modules

    def module(self, name: str) -> Module:
        """The module of that name.

        :raises SymbolNotFoundError: there is none.
        :raises AmbiguousSymbolError: there are several.
        """
        return self._loaded(name).module

    def module_at(self, address: int) -> Module | None:
        """The module that has that address."""
        found = self._modules.at(address)
        return None if found is None else found.module

    def _loaded(self, name: str) -> Loaded:
        found = self._modules.meant(name)
        if found is None:
            raise self._modules.not_found(name)
        return found

    # -- from names to places

    def exports(self, name: str) -> list[Export]:
        """What the module of that name exports."""
        return self._again(lambda: self._table(self._loaded(name)).exports)

    def find(self, module: str | None, name: str) -> int:
        """Where that symbol of that module is, forwarders followed; without a module, where *name* is.

        Such a name is that of a module, or of a module's symbol as Cheat Engine writes it, with a dot
        between them, or of a symbol of whatever module; or it is ``THREADSTACK0`` or the like.

        :raises SymbolNotFoundError: there is no such module, or no such symbol.
        :raises AmbiguousSymbolError: several have that name, and it is not the same place.
        """
        if module is None:
            return self._again(lambda: self._find_bare(name))
        return self._again(lambda: self._resolve(self._loaded(module), name))

    def _again(self, find: Callable[[], T]) -> T:
        """Find it, anew where a module goes away meanwhile."""
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(_GoneError):
                return find()
        return find()

    def _find_bare(self, name: str) -> int:
        thread = thread_in(name)
        if thread is not None:
            return place_in_stack(self._program, thread, self.module("kernel32.dll"))
        loaded, symbol = self._found.get(name, (None, ""))
        if loaded is None or not self._modules.is_there(loaded):
            loaded, symbol = self._found[name] = self._find_anywhere(name)
        return self._resolve(loaded, symbol) if symbol else loaded.module.base

    def _find_anywhere(self, name: str) -> tuple[Loaded, str]:
        """The module that *name* is or begins with, and the symbol in it; ``''`` for the module itself."""
        self._modules.refresh()
        whole = self._modules.meant_among_listed(name)
        if whole is not None:
            return whole, ""
        module, _, symbol = name.rpartition(".")
        part = self._modules.meant_among_listed(module) if module and symbol else None
        if part is not None:
            return part, symbol
        return self._find_in_all(name), name

    def _find_in_all(self, symbol: str) -> Loaded:
        """A module with that symbol; of several, all have to mean the same place."""
        found: dict[int, Loaded] = {}
        hidden: list[str] = []
        for each in self._modules.listed:
            try:
                if self._lookup(each, symbol) is not None:
                    found.setdefault(self._resolve(each, symbol), each)
            except _GoneError:
                raise
            except SymbolNotFoundError:
                continue  # it is forwarded to where nothing is
            except (BadImageError, NotReadableError):
                hidden.append(each.module.name)
        if len(found) > 1:
            meanings = " or ".join(qualified(stem(each.module.name), symbol) for each in found.values())
            raise AmbiguousSymbolError(f"{symbol!r} may be {meanings}")
        for each in found.values():
            return each
        hint = likely(symbol, [each.module.name for each in self._modules.listed])
        if hidden and not hint:
            hint = f"; the exports of {', '.join(hidden)} can't be read"
        raise SymbolNotFoundError(f"no module and no symbol is called {symbol!r}{hint}")

    def _resolve(self, loaded: Loaded, symbol: str) -> int:
        trail: list[tuple[str, str]] = []
        while True:
            export = self._lookup(loaded, symbol)
            if export is None:
                raise self._no_export(loaded, symbol, trail)
            if isinstance(export, int):
                return export
            if export.address is not None:
                return export.address
            assert export.forwarder is not None
            here = loaded.module.name, symbol
            if here in trail:
                raise SymbolNotFoundError(f"{_written_out([*trail, here])}: that is a circle")
            trail.append(here)
            if len(trail) > _LONGEST_TRAIL:
                raise SymbolNotFoundError(
                    f"{_written_out(trail[:2])}, and so on for more than {_LONGEST_TRAIL} times"
                )
            module, _, symbol = export.forwarder.rpartition(".")
            try:
                loaded = self._modules.forwarded(module, loaded.module.name)
            except (SymbolNotFoundError, AmbiguousSymbolError) as missing:
                path = f"{_written_out(trail)} is forwarded to {export.forwarder}"
                raise SymbolNotFoundError(f"{path}, and {missing}") from None

    def _lookup(self, loaded: Loaded, symbol: str) -> Export | int | None:
        """The export of that name; where debug symbols alone have it, where it is."""
        try:
            table = self._table(loaded)
        except (BadImageError, NotReadableError):
            place = self._debugged(loaded, symbol)
            if place is None:
                raise
            return place
        return self._lookup_in(table, loaded, symbol)

    def _lookup_in(self, table: ExportTable, loaded: Loaded, symbol: str) -> Export | int | None:
        found = table.find(symbol) or self._debugged(loaded, symbol)
        return table.find_regardless_of_case(symbol) if found is None else found

    def _debugged(self, loaded: Loaded, symbol: str) -> int | None:
        """Where debug symbols have that name.

        :raises AmbiguousSymbolError: at several places.
        """
        for info in list(self._debug_infos.values()):
            places = self._program._ask_debug_symbols(functools.partial(info.find, loaded.module, symbol))
            if len(places) > 1:
                where = ", ".join(f"0x{place:x}" for place in sorted(places))
                raise AmbiguousSymbolError(f"{loaded.module.name} has several {symbol!r}: at {where}")
            for place in places:
                return place
        return None

    def _no_export(self, loaded: Loaded, symbol: str, trail: list[tuple[str, str]]) -> SymbolNotFoundError:
        path = _written_out([*trail, (loaded.module.name, symbol)]) + ", and " if trail else ""
        hint = likely(symbol, self._table(loaded).names)
        what = "export and no debug symbol" if self._debug_infos else "export"
        return SymbolNotFoundError(f"{path}{loaded.module.name} has no {what} {symbol!r}{hint}")

    # -- from places to names

    def symbol_at(self, address: int) -> Symbol | None:
        """The place by the nearest name before it; None where it is in no module."""
        return self._again(lambda: self._symbol_at(address))

    def _symbol_at(self, address: int) -> Symbol | None:
        loaded = self._modules.at(address)
        if loaded is None:
            return None
        module = loaded.module
        table = self._readable_table(loaded)
        names = [_exported_before(table, address)]
        names += [
            self._debugged_before(info, loaded, table, address) for info in list(self._debug_infos.values())
        ]
        # Of several names for one place, the export.
        name, place = max(filter(None, names), key=lambda found: found[1], default=(None, module.base))
        start, offset = self._written(loaded, table, name, place), address - place
        if start is None:
            start, offset = self._label(loaded, module.name), address - module.base
        return Symbol(module, name, address - place, f"{start}+0x{offset:X}" if offset else start)

    def _written(self, loaded: Loaded, table: ExportTable | None, name: str | None, place: int) -> str | None:
        """The symbol as an address expression; None where its name leads elsewhere, or nowhere."""
        if name is None or '"' in name or self._place_of(loaded, table, name) != place:
            return None
        label = self._label(loaded, stem(loaded.module.name), loaded.module.name)
        return f"{label}!{written_symbol(name)}"

    def _place_of(self, loaded: Loaded, table: ExportTable | None, name: str) -> int | None:
        with contextlib.suppress(AmbiguousSymbolError):
            found = self._debugged(loaded, name) if table is None else self._lookup_in(table, loaded, name)
            return found if found is None or isinstance(found, int) else found.address
        return None

    def _label(self, loaded: Loaded, *names: str) -> str:
        """The module as an address expression has it: by the first of its names that is its alone."""
        for name in names:
            if name and thread_in(name) is None and self._modules.is_alone(loaded, name):
                return written(name)
        return written(loaded.module.path)

    def _readable_table(self, loaded: Loaded) -> ExportTable | None:
        """The exports of a module; None where its headers are damaged: where a place is in it is known then."""
        with contextlib.suppress(BadImageError, NotReadableError):
            return self._table(loaded)
        return None

    def _debugged_before(
        self, info: DebugInfo, loaded: Loaded, table: ExportTable | None, address: int
    ) -> tuple[str, int] | None:
        """The nearest private name; a name that is exported too is where the export is."""
        found = self._program._ask_debug_symbols(functools.partial(info.name_at, loaded.module, address))
        if found is None:
            return None
        if table is None:
            return found
        # What is exported too is where the export is: dbghelp of Wine 8 has it behind the first instructions.
        is_its_own = table.find(found[0]) is None and table.is_one_section(found[1], address)
        return found if is_its_own else None

    # -- debug symbols

    def add(self, info: DebugInfo) -> None:
        """Know the names of these debug symbols too."""
        self._debug_infos[id(info)] = info

    def forget(self, info: DebugInfo) -> None:
        """Don't know them any more."""
        self._debug_infos.pop(id(info), None)
        self._found.clear()

    def close(self) -> None:
        """Let go of all debug symbols."""
        for info in list(self._debug_infos.values()):
            self.forget(info)
            info.close()

    def _table(self, loaded: Loaded) -> ExportTable:
        """The exports of that module.

        :raises BadImageError: its headers make no sense.
        :raises NotReadableError: they can't be read.
        """
        tables = self._tables
        known = tables.get(loaded)
        if known is not None and self._beginning(known.place, len(known.beginning)) == known.beginning:
            return known.table
        try:
            known = self._read_table(loaded.module)
        except (BadImageError, NotReadableError):
            self._require(loaded, failed=True)
            raise
        self._require(loaded)
        if loaded.head is not None:
            # Without those of modules that are gone.
            self._tables = {each: tables[each] for each in self._modules.listed if each in tables}
            self._tables[loaded] = known
        return known.table

    def _require(self, loaded: Loaded, *, failed: bool = False) -> None:
        """Make sure that what was just read is that module's."""
        if loaded.head is None:
            # It could not be read when it was listed: perhaps the module was going away then.
            is_there = not failed or self._modules.may_be_there(loaded)
        else:
            is_there = self._modules.is_there(loaded)
        if not is_there:
            raise _GoneError(f"{loaded.module.name} was unloaded while it was looked at")

    def _read_table(self, module: Module) -> _Known:
        table, place, size = read_exported(self._program.read, module.base)
        return _Known(table, place, self._beginning(place, min(size, _PROBED)))

    def _beginning(self, place: int, size: int) -> bytes:
        """The beginning of an export directory; ``b''`` where it can't be read."""
        with contextlib.suppress(NotReadableError, OverflowError):
            return self._program.read(size, place)
        return b""
