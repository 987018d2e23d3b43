"""Names in an opened program: modules, what they export, debug symbols, and addresses by name."""

from __future__ import annotations

import contextlib
import functools
import operator
from typing import TYPE_CHECKING, TypeVar

from memaccess._arguments import checked_text
from memaccess._errors import Cause, MemoryAccessError
from memaccess._map import MapAccess
from memaccess._records import Access

if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import SupportsIndex

    from typing_extensions import Buffer, Self

    from memaccess._arguments import Address
    from memaccess._backend._interface import DebugInfo
    from memaccess._expressions import Place
    from memaccess._hexdump import HexDump
    from memaccess._records import Export, Module, SourceLine, Symbol
    from memaccess._snapshots import Snapshot
    from memaccess._symbols import Symbols

T = TypeVar("T")


@functools.cache
def _expressions() -> tuple[type[Place], Callable[[str, Place], int]]:
    """What works expressions out, loaded with the first one: the statement alone takes 0.7 us each time."""
    from memaccess._expressions import Place, evaluate

    return Place, evaluate


class AddressExpression:
    """A place in a program by its name, worked out anew at every use; see :meth:`MemoryView.address`.

    It stands for its address wherever one is wanted, and ``int()`` gives it. ``str()`` is the expression,
    which means the same after the program was restarted. Adding and subtracting ints gives places
    beside it.
    """

    __module__ = "memaccess"

    def __init__(self, view: NameAccess, expression: str, offset: int = 0) -> None:
        self._view = view
        self._expression = expression
        self._offset = offset

    def __index__(self) -> int:
        return self._view._address_of(self._expression) + self._offset

    __int__ = __index__

    def __str__(self) -> str:
        if not self._offset:
            return self._expression
        return f"{self._expression}{'-' if self._offset < 0 else '+'}{abs(self._offset):X}"

    def __repr__(self) -> str:
        try:
            what = f"= 0x{int(self):x}"
        except (OSError, LookupError, OverflowError, ValueError) as error:
            what = f"({error})"
        return f"<AddressExpression {self} {what}>"

    def __add__(self, offset: SupportsIndex) -> AddressExpression:
        if isinstance(offset, AddressExpression):
            raise TypeError("two addresses can't be added; int() makes one of them an offset")
        return AddressExpression(self._view, self._expression, self._offset + operator.index(offset))

    __radd__ = __add__

    def __sub__(self, offset: SupportsIndex) -> AddressExpression:
        if isinstance(offset, AddressExpression):
            raise TypeError("how far two addresses are apart is the difference of their int()")
        return AddressExpression(self._view, self._expression, self._offset - operator.index(offset))


class DebugSymbols:
    """Debug symbols of a program; see :meth:`MemoryView.debug_symbols`.

    As a context manager they are let go at the end of the block.
    """

    __module__ = "memaccess"

    def __init__(self, view: NameAccess, info: DebugInfo) -> None:
        self._view = view
        self._info = info
        self._is_closed = False

    def line_at(self, address: Address) -> SourceLine | None:
        """The line of source code that the code at *address* comes from.

        :param address: any address in the code.
        :returns: the file, the line, and where its code begins; None where no symbols tell.
        :raises OverflowError: the address does not lie in the program's address space.
        :raises ValueError: they were let go.
        :raises MemoryAccessError: as in :meth:`MemoryView.modules`.

        >>> with view.debug_symbols() as symbols:
        ...     print(symbols.line_at('engine!Fire+4'))
        engine.c:7
        """
        number = self._view._checked_address(address, 1)
        module = self._view.module_at(number)
        self._require_open()
        if module is None:
            return None
        return self._view._ask_debug_symbols(functools.partial(self._info.line_at, module, number))

    def close(self) -> None:
        """Let them go; a second call does nothing.

        >>> symbols = view.debug_symbols()
        >>> symbols.close()
        """
        self._is_closed = True
        self._view._names().forget(self._info)
        self._info.close()

    def _require_open(self) -> None:
        if self._is_closed:
            raise ValueError("these debug symbols were let go; view.debug_symbols() gives new ones")

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()


class NameAccess(MapAccess):
    """What is asked of a program by name, and the names of its places."""

    _symbols: Symbols | None = None

    def module(self, name: str) -> Module:
        """The module of that name.

        :param name: its file name, such as ``'kernel32.dll'``, or its whole path; letter case does not
            count, and the ending may be left out. An API set such as
            ``'api-ms-win-core-heap-l1-1-0'`` is the DLL that it stands for.
        :returns: the module. Of several files with one name it is the one that was loaded first, and of
            several widths the one of the program's own.
        :raises SymbolNotFoundError: no module has that name.
        :raises AmbiguousSymbolError: several have it, with different endings.
        :raises MemoryAccessError: as in :meth:`modules`.

        >>> view.module('game')
        <Module 'game.exe' at 0x140000000-0x140003000>
        """
        return self._names().module(checked_text("a module's name", name))

    def module_at(self, address: Address) -> Module | None:
        """The module that has the memory at *address*.

        :param address: any address in it.
        :returns: the module; None where the memory is no module's.
        :raises OverflowError: the address does not lie in the program's address space.
        :raises MemoryAccessError: as in :meth:`modules`.

        >>> view.module_at(0x140000010)
        <Module 'game.exe' at 0x140000000-0x140003000>
        """
        return self._names().module_at(self._checked_address(address, 1))

    def exports(self, module: str) -> list[Export]:
        """What a module offers to others.

        :param module: its name, as in :meth:`module`.
        :returns: a record for each name, in the order of the names, and for each function without one.
        :raises SymbolNotFoundError: no module has that name.
        :raises BadImageError: its headers make no sense.
        :raises MemoryAccessError: as in :meth:`modules`, or the program made its headers unreadable.

        They are read from the program's memory, once for each module.

        >>> [export.name for export in view.exports('engine')]
        ['Fire', 'Jump']
        """
        return list(self._names().exports(checked_text("a module's name", module)))

    def symbol_at(self, address: Address) -> Symbol | None:
        """The name of a place: the nearest export at or before it, in the same section of its module.

        :param address: the place.
        :returns: the symbol, whose ``str()`` is an address expression; None where the memory is no
            module's.
        :raises OverflowError: the address does not lie in the program's address space.
        :raises MemoryAccessError: as in :meth:`modules`.

        A module whose headers are damaged has no names: the symbol is an offset in the module then.

        >>> print(view.symbol_at(0x180001012))
        engine!Fire+0x12
        """
        return self._names().symbol_at(self._checked_address(address, 1))

    def debug_symbols(self, search_path: str | None = None) -> DebugSymbols:
        """Know the program's private names and source lines too, from PDB files.

        :param search_path: folders where they are looked for, with ``;`` between them; the folder of each
            module is always one. None for ``_NT_SYMBOL_PATH``.
        :returns: the symbols. Until the end of its ``with`` block, or its :meth:`~DebugSymbols.close`, all
            addresses and :meth:`symbol_at` know the names; it tells source lines itself.
        :raises ValueError: the path has a NUL character in it.
        :raises MissingRightError: the view was opened with mode ``'w'``.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: there is no ``dbghelp.dll``, as on Linux, or it refuses.

        It is what `dbghelp <https://learn.microsoft.com/windows/win32/debug/debug-help-library>`__ finds;
        the one that Windows comes with asks no symbol servers. A module is loaded there when one of its
        names is first wanted.

        >>> with view.debug_symbols() as symbols:
        ...     print(view.symbol_at('engine.dll+1024'))
        engine!reload+0x4
        """
        if search_path is not None and "\0" in checked_text("a search path", search_path):
            raise ValueError(f"no path has a NUL character in it, as {search_path!r} has")
        what = "load debug symbols"
        info = self._perform(Access.READ, what, 0, 0, lambda process: process.debug_info(search_path))
        self._names().add(info)
        if self._process is None:  # closed meanwhile, and nobody closes it again
            self._names().close()
            raise self._asking_error(self._system.refusal(Cause.CLOSED), what)
        return DebugSymbols(self, info)

    def address(self, place: Address) -> AddressExpression:
        """A place by its name: an object that is worked out anew whenever it is used.

        :param place: an address expression, in Cheat Engine's notation: ``'game.exe+10F4F4'``,
            ``'[[game.exe+10F4F4]+0]+158'``, ``'ntdll!RtlAllocateHeap'``. Numbers in it are hexadecimal.
            An int stands for itself.
        :returns: an object that stands for the address wherever one is wanted; ``int()`` gives it.
        :raises AddressSyntaxError: the expression can't be understood; the error points at the place.
        :raises OverflowError: the int does not lie in the program's address space.

        Nothing is looked up yet, so it works for a module that is still to be loaded. Using it raises
        :exc:`BrokenChainError` where a pointer in it is null or can't be read, for a name
        :exc:`SymbolNotFoundError` or :exc:`AmbiguousSymbolError`, :exc:`BadImageError` where the headers of
        its module are damaged, and what :meth:`modules` raises.

        >>> health = view.address('[game.exe+2010]+8')
        >>> health
        <AddressExpression [game.exe+2010]+8 = 0x401008>
        >>> view.read_int(health)
        7
        >>> view.read_int('[game.exe+2010]+8')
        7
        """
        if isinstance(place, str):
            from memaccess._address import parse

            parse(place)
            return AddressExpression(self, place)
        if isinstance(place, AddressExpression):
            return AddressExpression(self, str(place))
        if not hasattr(place, "__index__") and isinstance(getattr(place, "expression", None), str):
            return AddressExpression(self, place.expression)
        return AddressExpression(self, f"{self._checked_address(place, 0):X}")

    def _address_of(self, expression: str) -> int:
        make_place, evaluate = _expressions()
        place = make_place(self._pid, self._model.pointer_size, self._find, self.read)
        return evaluate(expression, place)

    def _find(self, module: str | None, name: str) -> int:
        return self._names().find(module, name)

    def hexdump(
        self,
        size: SupportsIndex,
        address: Address,
        *,
        width: SupportsIndex = 16,
        since: HexDump | Snapshot | Buffer | None = None,
    ) -> HexDump:
        """Show memory as debuggers do: address, module and offset, bytes, text.

        :param size: how many bytes.
        :param address: where they begin in the program's memory; the first line begins there.
        :param width: bytes of a line.
        :param since: an earlier dump, a snapshot, or the bytes that were there: each byte that is another
            one now has a ``*`` in front of it.
        :returns: the dump; print it, or iterate over its lines. Bytes that can't be read are ``??``.
        :raises ValueError: the size is negative, the width is not positive, or *since* is bytes and not
            as many.
        :raises TypeError: *since* is nothing of the kind.
        :raises MemoryAccessError: as in :meth:`snapshot`.
        :raises OverflowError: the range does not lie in the program's address space.

        The column with the modules is left out where none has any of the memory, and where they can't be
        listed: a 32-bit Python can't list those of a 64-bit program.

        >>> before = view.hexdump(20, 0x401010)
        >>> view.write_string('Zac', 0x401010)
        >>> view.hexdump(20, 0x401010, since=before)
        0000000000401010  5A*61*63*00 00 00 00 00  00 00 00 00 00 00 00 00  Zac.............
        0000000000401020  01 00 00 00                                       ....
        """
        from memaccess import _hexdump

        count, number = self._checked_range(size, address)
        columns = _hexdump.checked_width(width)
        before = _hexdump.earlier(since, count, number, self._model)
        modules = self._modules_between(number, number + count)
        part = _hexdump.Part(number, count, columns, self._model.bitness, modules)
        return _hexdump.HexDump(part, self.snapshot([(number, count)]), before)

    def _modules_between(self, start: int, stop: int) -> list[Module]:
        """The modules that have memory there, as far as the system tells."""
        found: list[Module] = []
        # A 32-bit Python knows none of a 64-bit program's, and one that is only starting has no list.
        with contextlib.suppress(MemoryAccessError):
            while start < stop:
                region = self.region_at(start)
                if region is None:
                    break
                module = self._names().module_at(start) if region.kind == "image" else None
                found += [] if module is None else [module]
                start = region.end if module is None else module.end
        return found

    def _names(self) -> Symbols:
        """What is known of the program's modules."""
        if self._symbols is None:
            import weakref

            from memaccess._symbols import Symbols

            # Not the view itself: in a circle it would be collected late, with its handle. And one
            # for all threads.
            vars(self).setdefault("_symbols", Symbols(weakref.proxy(self)))
        found: Symbols = vars(self)["_symbols"]
        return found

    def _api_sets(self) -> int | None:
        what = "find the table of API sets"
        return self._perform(Access.READ, what, 0, 0, lambda process: process.api_sets())

    def _stack_base(self, thread: int) -> int | None:
        what = f"find the stack of thread {thread}"
        return self._perform(Access.READ, what, 0, 0, lambda process: process.stack_base(thread))

    def _ask_debug_symbols(self, question: Callable[[], T]) -> T:
        """Ask them something, with an error for users where the system refuses."""
        return self._perform(Access.READ, "look up debug symbols", 0, 0, lambda _process: question())

    def _may_be_image(self, address: int) -> bool:
        """Whether a module may have that address."""
        region = self.region_at(address)
        if region is not None and region.kind == "private" and region.allocation_base:
            # On Linux the data that is zeros at first is none of a module's file: it begins where that ends.
            region = self.region_at(region.allocation_base - 1)
        return region is not None and region.kind == "image"
