"""Names and places: what the modules of a program export, asked by name and by address."""

from __future__ import annotations

import bisect
import contextlib
from typing import TYPE_CHECKING

from memaccess._apisets import NO_API_SETS, may_be_api_set, read_api_sets
from memaccess._errors import AmbiguousSymbolError, BadImageError, NotReadableError, SymbolNotFoundError
from memaccess._modules import Modules, likely
from memaccess._pe import read_exports, read_header
from memaccess._records import Symbol, qualified, stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memaccess._apisets import ApiSets
    from memaccess._backend._interface import DebugInfo
    from memaccess._modules import Loaded, Program
    from memaccess._pe import Header
    from memaccess._records import Export, Module


class ExportTable:
    """The exports of one module, by name, by ordinal and by address."""

    def __init__(self, exports: list[Export], base: int, sections: Iterable[tuple[int, int]]) -> None:
        self.exports = exports
        # Of two exports with one name the loader takes the first.
        self._named = {each.name: each for each in reversed(exports) if each.name is not None}
        self._numbered = {each.ordinal: each for each in reversed(exports)}
        self._lowered: dict[str, list[Export]] = {}
        placed = sorted((each for each in exports if each.address is not None), key=_address)
        self._placed = placed
        self._addresses = [_address(each) for each in placed]
        self._sections = [(base + offset, base + offset + size) for offset, size in sections]

    @property
    def names(self) -> Iterable[str]:
        return self._named

    def find(self, name: str) -> Export | None:
        """The export of that name; ``'#17'`` is the one with that ordinal."""
        if name.startswith("#") and name[1:].isdecimal():
            return self._numbered.get(int(name[1:]))
        return self._named.get(name) or self._regardless_of_case(name)

    def _regardless_of_case(self, name: str) -> Export | None:
        """Cheat Engine's users type names in lower case; two that differ in nothing else are not guessed."""
        if not self._lowered:
            for each, export in self._named.items():
                self._lowered.setdefault(each.lower(), []).append(export)
        found = self._lowered.get(name.lower(), ())
        return found[0] if len(found) == 1 else None

    def before(self, address: int) -> Export | None:
        """The nearest export at or before that address, in the same section."""
        place = bisect.bisect_right(self._addresses, address) - 1
        if place < 0:
            return None
        # Of several names for one place, the first one.
        first = self._placed[bisect.bisect_left(self._addresses, self._addresses[place])]
        start = next((start for start, end in self._sections if start <= address < end), 0)
        return first if _address(first) >= start else None


def _address(export: Export) -> int:
    assert export.address is not None
    return export.address


def _written_out(trail: list[tuple[str, str]]) -> str:
    """The path of a forwarded symbol, from the names of modules and of symbols in them."""
    return " is forwarded to ".join(qualified(stem(module), symbol) for module, symbol in trail)


class Symbols:
    """The modules of one program and their exports, as far as they were asked for."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._modules = Modules(program)
        self._api_sets: ApiSets | None = None
        self._debug_infos: list[DebugInfo] = []
        self._tables: dict[Loaded, ExportTable] = {}
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

    def _loaded(self, name: str, importer: str = "") -> Loaded:
        """The module of that name, or the one that an API set of that name stands for."""
        found = self._loaded_or_none(name, importer)
        if found is None:
            names = [each.module.name for each in self._modules.listed]
            raise SymbolNotFoundError(f"no module is called {name!r}{likely(name, names)}")
        return found

    def _loaded_or_none(self, name: str, importer: str = "") -> Loaded | None:
        host = self._host(name, importer) if may_be_api_set(name) else None
        return (self._modules.named(host) if host else None) or self._modules.named(name)

    def _host(self, name: str, importer: str) -> str | None:
        """The DLL that an API set stands for where that DLL asks."""
        if self._api_sets is None:
            table = self._program._api_sets()
            self._api_sets = NO_API_SETS if table is None else read_api_sets(self._program.read, table)
        return self._api_sets.host(name, importer)

    # -- from names to places

    def exports(self, name: str) -> list[Export]:
        """What the module of that name exports."""
        return self._table(self._loaded(name)).exports

    def find(self, module: str | None, name: str) -> int:
        """Where that symbol of that module is, forwarders followed; without a module, where *name* is.

        Such a name is that of a module, or of a module's symbol as Cheat Engine writes it, with a dot
        between them, or of a symbol of whatever module.

        :raises SymbolNotFoundError: there is no such module, or no such symbol.
        :raises AmbiguousSymbolError: several have that name, and it is not the same place.
        """
        if module is not None:
            return self._resolve(self._loaded(module), name)
        loaded, symbol = self._found.get(name, (None, ""))
        if loaded is None or not self._modules.is_there(loaded):
            loaded, symbol = self._found[name] = self._find_anywhere(name)
        return self._resolve(loaded, symbol) if symbol else loaded.module.base

    def _find_anywhere(self, name: str) -> tuple[Loaded, str]:
        """The module that *name* is or begins with, and the symbol in it; ``''`` for the module itself."""
        whole = self._loaded_or_none(name)
        if whole is not None:
            return whole, ""
        module, _, symbol = name.rpartition(".")
        part = self._loaded_or_none(module) if module and symbol else None
        if part is not None:
            return part, symbol
        return self._find_in_all(name), name

    def _find_in_all(self, symbol: str) -> Loaded:
        """A module with that symbol; of several, all have to mean the same place."""
        found: dict[int, Loaded] = {}
        hidden: list[str] = []
        for each in self._modules.all():
            try:
                if self._lookup(each, symbol) is not None:
                    found.setdefault(self._resolve(each, symbol), each)
            except SymbolNotFoundError:
                continue  # it is forwarded to a module that is not loaded
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
            module, _, symbol = export.forwarder.rpartition(".")
            try:
                loaded = self._loaded(module, loaded.module.name)
            except SymbolNotFoundError as missing:
                path = f"{_written_out(trail)} is forwarded to {export.forwarder}"
                raise SymbolNotFoundError(f"{path}, and {missing}") from None

    def _lookup(self, loaded: Loaded, symbol: str) -> Export | int | None:
        """The export of that name; where debug symbols alone have it, where it is."""
        try:
            export = self._table(loaded).find(symbol)
        except (BadImageError, NotReadableError):
            place = self._debugged(loaded, symbol)
            if place is None:
                raise
            return place
        return export or self._debugged(loaded, symbol)

    def _debugged(self, loaded: Loaded, symbol: str) -> int | None:
        """Where debug symbols have that name."""
        found = (info.find(loaded.module, symbol) for info in self._debug_infos)
        return next((place for place in found if place is not None), None)

    def _no_export(self, loaded: Loaded, symbol: str, trail: list[tuple[str, str]]) -> SymbolNotFoundError:
        path = _written_out([*trail, (loaded.module.name, symbol)]) + ", and " if trail else ""
        hint = likely(symbol, self._table(loaded).names)
        what = "export and no debug symbol" if self._debug_infos else "export"
        return SymbolNotFoundError(f"{path}{loaded.module.name} has no {what} {symbol!r}{hint}")

    # -- from places to names

    def symbol_at(self, address: int) -> Symbol | None:
        """The place by the nearest name before it; None where it is in no module."""
        loaded = self._modules.at(address)
        if loaded is None:
            return None
        names = [self._exported_before(loaded, address)]
        names += [self._debugged_before(info, loaded, address) for info in self._debug_infos]
        # Of several names for one place, the export.
        name, place = max(filter(None, names), key=lambda found: found[1], default=(None, loaded.module.base))
        return Symbol(loaded.module, name, address - place)

    def _exported_before(self, loaded: Loaded, address: int) -> tuple[str, int] | None:
        try:
            export = self._table(loaded).before(address)
        except (BadImageError, NotReadableError):
            return None  # it has no names then; where it is in the module is known
        return None if export is None else (export.name or f"#{export.ordinal}", _address(export))

    def _debugged_before(self, info: DebugInfo, loaded: Loaded, address: int) -> tuple[str, int] | None:
        """The nearest private name; a name that is exported too is where the export is."""
        found = info.name_at(loaded.module, address)
        if found is None:
            return None
        with contextlib.suppress(BadImageError, NotReadableError):
            if self._table(loaded).find(found[0]) is not None:
                return None  # dbghelp of Wine 8 has it behind the first instructions
        return found

    # -- debug symbols

    def add(self, info: DebugInfo) -> None:
        """Know the names of these debug symbols too."""
        self._debug_infos.append(info)

    def forget(self, info: DebugInfo) -> None:
        """Don't know them any more."""
        self._debug_infos = [each for each in self._debug_infos if each is not info]

    def close(self) -> None:
        """Let go of all debug symbols."""
        for info in self._debug_infos:
            info.close()
        self._debug_infos = []

    def _table(self, loaded: Loaded) -> ExportTable:
        """The exports of that module.

        :raises BadImageError: its headers make no sense.
        :raises NotReadableError: they can't be read.
        """
        table = self._tables.get(loaded)
        if table is None:
            table = self._read_table(loaded.module)
            if loaded.head is not None:
                # Without those of modules that are gone.
                self._tables = {
                    each: self._tables[each] for each in self._modules.listed if each in self._tables
                }
                self._tables[loaded] = table
        return table

    def _read_table(self, module: Module) -> ExportTable:
        header: Header = read_header(self._program.read, module.base)
        size = min(header.size, module.size)  # what the loader knows, the program can't damage
        exports = read_exports(self._program.read, module.base, header._replace(size=size))
        return ExportTable(exports, module.base, header.sections)
