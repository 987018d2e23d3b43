"""Debug symbols, through dbghelp: private names and source lines, out of PDB files (and DWARF in Wine)."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
import itertools
import threading
from typing import TYPE_CHECKING, Any

from memaccess._backend.windows._paths import LONGEST
from memaccess._records import SourceLine
from memaccess._win32 import dbghelp
from memaccess._win32._constants import SymbolOption, SymbolTag, SymbolType
from memaccess._win32._structures import IMAGEHLP_LINEW64, IMAGEHLP_MODULEW64, SYMBOL_INFOW
from memaccess._win32._types import DWORD, HANDLE, ULONG64

if TYPE_CHECKING:
    from memaccess._records import Module

_OPTIONS = (
    SymbolOption.UNDNAME
    | SymbolOption.LOAD_LINES
    | SymbolOption.FAIL_CRITICAL_ERRORS
    | SymbolOption.EXACT_SYMBOLS
    | SymbolOption.INCLUDE_32BIT_MODULES  # without it Wine 8 loads none of them into a 64-bit caller
    | SymbolOption.NO_PROMPTS
)
_USELESS = (SymbolType.NONE, SymbolType.EXPORT, SymbolType.DEFERRED, SymbolType.VIRTUAL)
"""Exports are read from the program itself: dbghelp of Wine 8 skips the first bytes of some of them."""
_WILD = "*?[]#+\\"
"""What stands for other letters in the mask that names are looked for with."""
_NAME_OFFSET: int = vars(SYMBOL_INFOW)["Name"].offset
_LONGEST_NAME = 2000
"""MAX_SYM_NAME of dbghelp.h."""

_alone = threading.RLock()
"""Held during every call: they share their state, whichever session they are for."""
_sessions = itertools.count(0x4D41)
"""The sessions' handles. They only have to differ, and to be no handle of the process for others
who use dbghelp in it; real handles are multiples of four."""


class Dbghelp:
    """The debug symbols of a program's modules.

    :param search_path: where to look for PDB files, besides the folder of each module; None for
        dbghelp's own path.
    """

    def __init__(self, search_path: str | None) -> None:
        self._session = HANDLE(next(_sessions) * 4 + 1)
        self._modules: dict[Module, str] = {}
        self._places: dict[tuple[str, str], set[int]] = {}
        self._open = False
        with _alone:
            dbghelp.SymSetOptions(_OPTIONS)
            dbghelp.SymInitializeW(self._session, search_path, False)
            self._open = True
            path = ctypes.create_unicode_buffer(LONGEST)
            dbghelp.SymGetSearchPathW(self._session, path, len(path))
            self._search_path = path.value

    def close(self) -> None:
        with _alone:
            if self._open:
                self._open = False
                dbghelp.SymCleanup(self._session)

    def __del__(self) -> None:
        self.close()

    def find(self, module: Module, name: str) -> set[int]:
        """Where that name of the module is; several files of its source may have one of their own."""
        with _alone:
            alias = self._loaded(module)
            symbol = _Symbol()
            if not alias or not dbghelp.SymFromNameW(self._session, f"{alias}!{name}", symbol.buffer):
                return set()
            places = self._places.get((alias, name))
            if places is None:  # dbghelp goes through all symbols for it
                places = self._places[alias, name] = self._all_of(module, name) | {symbol.info.Address}
            return places

    def _all_of(self, module: Module, name: str) -> set[int]:
        """The functions and variables of that name."""
        found = set()

        def collect(symbol: Any, _size: int, _context: Any) -> int:
            info = ctypes.cast(symbol, ctypes.POINTER(SYMBOL_INFOW)).contents
            its_name = ctypes.wstring_at(symbol + _NAME_OFFSET)
            if info.Tag in (SymbolTag.FUNCTION, SymbolTag.DATA) and its_name == name:
                found.add(info.Address)
            return 1

        mask = "".join("?" if letter in _WILD else letter for letter in name)
        dbghelp.SymEnumSymbolsW(
            self._session, module.base, mask, dbghelp.SYMENUMERATESYMBOLSPROC(collect), None
        )
        return found

    def name_at(self, module: Module, address: int) -> tuple[str, int] | None:
        """The name before an address in the module, and where that name is."""
        with _alone:
            symbol, offset = _Symbol(), ULONG64()
            if not self._loaded(module) or not dbghelp.SymFromAddrW(
                self._session, address, ctypes.byref(offset), symbol.buffer
            ):
                return None
            return symbol.name, address - offset.value

    def line_at(self, module: Module, address: int) -> SourceLine | None:
        """The line of source code that the code at an address in the module comes from."""
        with _alone:
            line, offset = IMAGEHLP_LINEW64(), DWORD()
            line.SizeOfStruct = ctypes.sizeof(line)
            if not self._loaded(module) or not dbghelp.SymGetLineFromAddrW64(
                self._session, address, ctypes.byref(offset), ctypes.byref(line)
            ):
                return None
            return SourceLine(ctypes.wstring_at(line.FileName), line.LineNumber, line.Address)

    def _loaded(self, module: Module) -> str:
        """The name under which dbghelp has the module; ``''`` where it has no symbols of it."""
        if not self._open:
            return ""
        if module not in self._modules:
            for each in [each for each in self._modules if _overlap(each, module)]:
                dbghelp.SymUnloadModule64(self._session, each.base)  # it went, and another came
                del self._modules[each]
            self._modules[module] = self._load(module)
        return self._modules[module]

    def _load(self, module: Module) -> str:
        self._places.clear()
        folder = module.path.rpartition("\\")[0]
        dbghelp.SymSetSearchPathW(self._session, ";".join(filter(None, [folder, self._search_path])))
        # A name of ours: Wine 8 asserts that they are short, and its own have no blanks and signs.
        alias = f"m{module.base:x}"
        base = dbghelp.SymLoadModuleExW(self._session, None, module.path, alias, module.base, 0, None, 0)
        if not base:
            return ""
        info = IMAGEHLP_MODULEW64()
        info.SizeOfStruct = ctypes.sizeof(info)
        dbghelp.SymGetModuleInfoW64(self._session, base, ctypes.byref(info))
        # The file may be another build by now; and Wine 8 says of the 32-bit ntdll that it is the file
        # of the 64-bit one.
        is_another = (info.ImageSize, info.TimeDateStamp) != (module.size, module.timestamp)
        return "" if is_another or info.SymType in _USELESS else alias


class _Symbol:
    """A SYMBOL_INFOW with room for its name."""

    def __init__(self) -> None:
        size = ctypes.sizeof(SYMBOL_INFOW)
        self.buffer = ctypes.create_string_buffer(size + 2 * _LONGEST_NAME)
        self.info = SYMBOL_INFOW.from_buffer(self.buffer)
        self.info.SizeOfStruct = size
        self.info.MaxNameLen = _LONGEST_NAME

    @property
    def name(self) -> str:
        return ctypes.wstring_at(ctypes.addressof(self.info.Name))


def _overlap(one: Module, other: Module) -> bool:
    return one.base < other.end and other.base < one.end
