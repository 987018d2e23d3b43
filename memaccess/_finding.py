"""Searching an opened program: what a view offers of it."""

from __future__ import annotations

import operator
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from memaccess._arguments import checked_count, checked_extent, shown
from memaccess._errors import WrongBitnessError
from memaccess._names import NameAccess
from memaccess._records import Access, written

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import SupportsIndex, TypeAlias

    from typing_extensions import Buffer

    from memaccess._arguments import Address
    from memaccess._map import Allocation
    from memaccess._records import Kind, Module, Region
    from memaccess._scan._area import Area
    from memaccess._scan._comparing._spans import Rounding
    from memaccess._scan._patterns._pattern import Pattern
    from memaccess._scan._pointers._chains import PointerChain, Question
    from memaccess._scan._search import Match, Search
    from memaccess._scan._values._session import Scan
    from memaccess._scan._values._states import Program
    from memaccess._snapshots import Snapshot

    Place: TypeAlias = str | Region | Module | Allocation | range | tuple[Address, SupportsIndex]
    Within: TypeAlias = Snapshot | Place | Iterable[Place] | None
    Progress: TypeAlias = Callable[[int, int], object] | None

_DEEPEST = 64
"""Pointers of a chain; those of real programs have less than ten."""


class SearchAccess(NameAccess):
    """What is found in a program by what it looks like."""

    def find(
        self,
        pattern: str | Buffer | Pattern,
        within: Within = None,
        *,
        writable: bool | None = None,
        executable: bool | None = None,
        kind: Kind | None = None,
        alignment: SupportsIndex = 1,
        progress: Progress = None,
    ) -> Search[int]:
        r"""Find bytes in the program's memory, wildcards among them: an array-of-bytes scan.

        :param pattern: as text the bytes in hexadecimal, ``'48 8B ?? ?? 05'``, where ``?`` is half a byte
            that may be anything; or the bytes themselves, as a bytes object; or a
            :class:`~memaccess.searching.Pattern`, which has a mask.
        :param within: where to look: names of modules, modules, regions, allocations, ranges of addresses,
            pairs of address and size, or a snapshot for its ranges; one alone or several. Without it
            everywhere.
        :param writable: only where the program may write, or with False only where it may not.
        :param executable: only where it may run code, or with False only where it may not.
        :param kind: only in memory that is ``'private'``, ``'mapped'`` or ``'image'``.
        :param alignment: only at multiples of so many bytes.
        :param progress: called now and then with the bytes that are done, and with those in all.
        :returns: an iterator over the addresses, from the lowest to the highest, those of hits that overlap
            as well. It reads on as they are taken. Its
            :meth:`~memaccess.searching.Search.one` insists on one hit.
        :raises ValueError: it is no pattern, or nothing in it is known; or there is no such kind.
        :raises TypeError: the pattern, a place or a filter is none.
        :raises SymbolNotFoundError: there is no such module.
        :raises MissingRightError: the view was opened with mode ``'w'``.
        :raises WrongBitnessError: a 32-bit Python can't see the map of a 64-bit program; give it ranges.
        :raises TargetExitedError: the program has ended, maybe while results were taken.
        :raises ClosedViewError: the view was closed, maybe meanwhile.

        Memory that goes away meanwhile is passed over, and counted in
        :attr:`~memaccess.searching.Search.skipped`. Guard pages are not touched.

        >>> [hex(address) for address in view.find('5A 6? C3')]
        ['0x401010']
        >>> view.find(b'Zo', (0x401000, 0x1000), writable=True).one() == 0x401010
        True
        """
        from memaccess._scan import _search
        from memaccess._scan._patterns import _pattern

        wanted = _pattern.Sought(_pattern.as_pattern(pattern))
        area = self._area(within, writable, executable, kind)()
        what = str(wanted.pattern)
        return _search.find_pattern(self, area, wanted, what, _checked_step(alignment), progress)

    def find_text(
        self,
        text: str,
        within: Within = None,
        *,
        encoding: str = "utf-8",
        ignore_case: bool = False,
        writable: bool | None = None,
        executable: bool | None = None,
        kind: Kind | None = None,
        alignment: SupportsIndex = 1,
        progress: Progress = None,
    ) -> Search[int]:
        """Find a text in the program's memory.

        :param text: the text, without an end.
        :param within: where to look, as in :meth:`find`.
        :param encoding: how it is written there; ``'utf-16'`` for Windows' wide strings.
        :param ignore_case: whether letters may be large or small.
        :param writable: as in :meth:`find`, and so with the next.
        :param executable: only where the program may run code, or only where it may not.
        :param kind: only in memory of that kind.
        :param alignment: only at multiples of so many bytes.
        :param progress: called now and then with the bytes that are done, and with those in all.
        :returns: an iterator over the addresses, as in :meth:`find`.
        :raises ValueError: the text is empty, or the encoding can't write it.
        :raises LookupError: Python knows no such encoding.
        :raises MemoryAccessError: as in :meth:`find`.

        >>> view.find_text('zoË', ignore_case=True).first() == 0x401010
        True
        """
        from memaccess._scan import _search
        from memaccess._scan._patterns import _pattern

        wanted = _pattern.text_pattern(text, encoding, ignore_case)
        area = self._area(within, writable, executable, kind)()
        return _search.find_pattern(self, area, wanted, repr(text), _checked_step(alignment), progress)

    def find_regex(
        self,
        regex: bytes | re.Pattern[bytes],
        within: Within = None,
        *,
        longest: SupportsIndex = 4096,
        writable: bool | None = None,
        executable: bool | None = None,
        kind: Kind | None = None,
        alignment: SupportsIndex = 1,
        progress: Progress = None,
    ) -> Search[Match]:
        r"""Find what matches a regular expression in the program's memory.

        :param regex: the expression, of bytes: a bytes object, in which a dot is any byte, or what :func:`!re.compile`
            made of one.
        :param within: where to look, as in :meth:`find`.
        :param longest: so many bytes a match may have, with what the expression looks at around it;
            of a longer one its beginning is found, where that matches too.
        :param writable: as in :meth:`find`, and so with the next.
        :param executable: only where the program may run code, or only where it may not.
        :param kind: only in memory of that kind.
        :param alignment: only at multiples of so many bytes.
        :param progress: called now and then with the bytes that are done, and with those in all.
        :returns: an iterator over the matches, from the lowest address to the highest; each begins behind
            the end of the one before it, and none is empty.
        :raises re.error: it is no regular expression.
        :raises TypeError: the expression is one of text.
        :raises ValueError: *longest* is not positive.
        :raises MemoryAccessError: as in :meth:`find`.

        >>> view.find_regex(rb'Zo[^\0]+').first()
        <Match at 0x401010: b'Zo\xc3\xab'>
        """
        from memaccess._scan import _search

        compiled = _compiled(regex)
        most = checked_count(longest)
        if not most:
            raise ValueError("a match has 1 byte or more, not 0")
        area = self._area(within, writable, executable, kind)()
        return _search.find_regex(self, area, compiled, most, _checked_step(alignment), progress)

    def scan(
        self,
        type: str | Iterable[str] | Mapping[int, str] = "int",
        within: Within = None,
        *,
        writable: bool | None = True,
        executable: bool | None = None,
        kind: Kind | None = None,
        alignment: SupportsIndex | None = None,
        rounding: Rounding = "rounded",
        encoding: str = "utf-8",
        ignore_case: bool = False,
        progress: Progress = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> Scan:
        """Begin a scan for a value, to be narrowed down step by step.

        :param type: what to look for: the name of a C type; several of them; ``'all'`` for ints of 1, 2, 4 and 8 bytes,
            float and double at once; ``'text'`` or ``'bytes'``; or a group of values at known distances, as a
            dict of their types by their distances in bytes: ``{0: 'int', 8: 'float'}``.
        :param within: where to look, as in :meth:`find`.
        :param writable: only where the program may write, which is where values are that change; None for anywhere.
        :param executable: only where it may run code, or with False only where it may not.
        :param kind: only in memory that is ``'private'``, ``'mapped'`` or ``'image'``.
        :param alignment: only at multiples of so many bytes; 1 for any place. Without it numbers are looked for
            where compilers put them, and texts and bytes anywhere.
        :param rounding: when a float is the number that was given, of which as many digits behind the point count as
            were given. ``'rounded'``: where it would be rounded to it. ``'truncated'``: where it begins with it.
            ``'extreme'``: where it differs by less than one in the last digit. None: where it is that very
            float.
        :param encoding: how a text is written there; ``'utf-16'`` for Windows' wide strings.
        :param ignore_case: whether letters of a text may be large or small.
        :param progress: called now and then in each step with the bytes that are done, and with those in all.
        :param folder: where large steps keep what they found, in a file that is gone with the scan; the system's folder
            for such files, without it.
        :returns: the scan; it has read nothing yet.
        :raises ValueError: there is no such type, kind or rounding, or the alignment is 0.
        :raises NotADirectoryError: the folder is none.
        :raises TypeError: a place or a filter is none.
        :raises LookupError: Python knows no such encoding, or there is no such module.
        :raises MemoryAccessError: as in :meth:`find`.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(95, 0x401000)
        >>> scan.decreased_by(5)
        <Scan for int: 1 hit after decreased_by(5)>
        >>> scan[0]
        <Hit: int at 0x401000: 95>
        """
        from memaccess._scan._values import _opening

        step = None if alignment is None else _checked_step(alignment)
        wished = _opening.Wished(type, step, rounding, encoding, bool(ignore_case))
        area = self._area(within, writable, executable, kind)
        return _opening.scan(self, self._model, wished, area, progress, folder)

    def load_scan(
        self,
        path: str | os.PathLike[str],
        *,
        restarted: bool | None = None,
        progress: Progress = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> Scan:
        """Go on with a scan that was saved, of this program or of an earlier run of it.

        :param path: the file that :meth:`Scan.save <memaccess.searching.Scan.save>` has written.
        :param restarted: whether the program was started anew since then. Only hits in modules are kept then, as far as
            the same builds of them are loaded, where those are now. None to find out: by the pid and the moment at
            which it was started.
        :param progress: called now and then in each step, as in :meth:`scan`.
        :param folder: as in :meth:`scan`.
        :returns: the scan, after its last step; its :attr:`~memaccess.searching.Scan.lost` is how many hits were not
            kept. ``reset()`` has it begin anew, with the same types, in everything that the program can write to.
        :raises ValueError: the file is none of a scan, is damaged, or is of a program of another width.
        :raises OSError: it can't be read.
        :raises MemoryAccessError: as in :meth:`modules`.

        >>> view.scan('int').exact(100).save('health.scan')
        >>> view.load_scan('health.scan')[0].read()
        100
        """
        from memaccess._scan._values import _opening

        area = self._area(None, True, None, None)
        return _opening.loaded(self, self._model, path, restarted, area, progress, folder)

    def find_pointers(
        self,
        address: Address,
        *,
        depth: SupportsIndex = 4,
        max_offset: SupportsIndex = 0x1000,
        min_offset: SupportsIndex = 0,
        modules: str | Module | Iterable[str | Module] | None = None,
        ends_with: Iterable[SupportsIndex] = (),
        through_static: bool = False,
        within: Within = None,
        writable: bool | None = True,
        progress: Progress = None,
    ) -> Search[PointerChain]:
        """Find chains of pointers that lead from a module to an address: a pointer scan.

        A chain may still lead to the same thing when the program was started anew and has it elsewhere.

        :param address: where they are to lead to.
        :param depth: how many pointers a chain may have.
        :param max_offset: how many bytes may be added to a pointer.
        :param min_offset: how many at least; below 0 where pointers point behind what is wanted.
        :param modules: where chains may begin: modules, or their names; without it all of them.
        :param ends_with: what is added to the last pointers, in the order of the expression, where that is known.
        :param through_static: whether chains may also pass through a module's memory behind their beginning; what
            follows there is a shorter chain by itself.
        :param within: where pointers are looked for, as in :meth:`find`.
        :param writable: only where the program may write; None for read-only memory as well.
        :param progress: called now and then with the bytes that are done, and with those in all.
        :returns: an iterator over the chains, the shortest first. The first result takes the most time: all pointers
            are read before it.
        :raises ValueError: the depth is not from 1 to 64, the least offset is more than the most, or the list of the last
            ones is longer than a chain.
        :raises SymbolNotFoundError: there is no such module.
        :raises OverflowError: the address does not lie in the program's address space, or an offset in 64 bits.
        :raises MemoryAccessError: as in :meth:`find` and :meth:`modules`.

        >>> list(view.find_pointers(0x401000))
        [<PointerChain [game.exe+2010]+0>]
        >>> view.read_int(str(view.find_pointers(0x401000).one()))
        100
        """
        from memaccess._regions import Wanted
        from memaccess._scan._area import area_of
        from memaccess._scan._pointers._chains import Question, find_pointers

        last = tuple(map(operator.index, ends_with))
        question = Question(
            self._checked_address(address, 1),
            checked_count(depth),
            operator.index(min_offset),
            operator.index(max_offset),
            last,
            bool(through_static),
        )
        _check_question(question)
        area = self._area(within, writable, None, None)()
        chosen = self._chosen_modules(modules)
        targets = area_of(self._regions_from, None, Wanted(), self._address_limit).runs
        counts = Counter(module.name.lower() for module in self.modules())
        known = [
            (each, each.name if counts[each.name.lower()] == 1 else self._name_of(each)) for each in chosen
        ]
        return find_pointers(self, area, targets, known, self._model.pointer_size, question, progress)

    def pointers_to(self, address: Address, pointers: Iterable[PointerChain]) -> list[PointerChain]:
        """Those of many chains of pointers that lead to an address: what is left of a pointer scan after a restart.

        :param address: where they are to lead to.
        :param pointers: the chains, such as :func:`~memaccess.searching.load_pointers` gives.
        :returns: those that lead there now, in the same order.
        :raises OverflowError: the address does not lie in the program's address space.
        :raises MemoryAccessError: as in :meth:`modules`.

        >>> chains = list(view.find_pointers(0x401000))
        >>> view.pointers_to(0x401000, chains) == chains
        True
        """
        from memaccess._scan._pointers._chains import PointerChain, ends_of

        number, given = self._checked_address(address, 1), list(pointers)
        for each in given:
            if not isinstance(each, PointerChain):
                raise TypeError(f"pointers are chains, as find_pointers() gives them, not {shown(each)}")
        self._perform(Access.READ, "follow pointers in the memory", 0, 0, lambda _process: None)
        ends = ends_of(self.module, self._source.read_each, self._model.pointer_size, given)
        if None in ends:
            self._read_available(1, number)  # which says so where the program has ended
        return [chain for chain, end in zip(given, ends, strict=True) if end == number]

    def _chosen_modules(self, modules: Any) -> list[Module]:
        if modules is None:
            return self.modules()
        is_one = isinstance(modules, str) or hasattr(modules, "base")
        several = [modules] if is_one or not hasattr(modules, "__iter__") else list(modules)
        for each in several:
            if not isinstance(each, str) and not (hasattr(each, "base") and hasattr(each, "name")):
                raise TypeError(f"modules are given by their names, or as modules, not as {shown(each)}")
        return [self.module(each) if isinstance(each, str) else each for each in several]

    def resolve_relative(self, address: Address, operand: SupportsIndex, length: SupportsIndex) -> int:
        r"""Where an instruction leads whose operand is relative to its end.

        :param address: where the instruction begins, such as a hit of :meth:`find`.
        :param operand: how many bytes behind that its operand begins, which has 4 bytes.
        :param length: how many bytes the instruction has.
        :returns: the address that it means.
        :raises ValueError: the operand does not lie in the instruction.
        :raises MemoryAccessError: as in :meth:`read`.

        ``48 8B 05 ?? ?? ?? ??`` is ``mov rax, [rip+...]``, with its operand 3 bytes behind its beginning and
        7 bytes in all; a near call, ``E8 ?? ?? ?? ??``, has it at 1 and has 5 bytes.

        >>> view.write(b'\x48\x8b\x05\xf9\x0f\x00\x00', 0x401100)
        >>> hex(view.resolve_relative(0x401100, 3, 7))
        '0x402100'
        """
        start, size = operator.index(operand), operator.index(length)
        if not 0 <= start <= size - 4:
            raise ValueError(
                f"an operand of 4 bytes at {start} does not lie in an instruction of {size} bytes"
            )
        number = self._checked_address(address, size)
        distance = int.from_bytes(self.read(4, number + start), "little", signed=True)
        return (number + size + distance) % self._address_limit

    def _area(
        self,
        within: Any,
        writable: bool | None,
        executable: bool | None,
        kind: Kind | None,
    ) -> Callable[[], Area]:
        """What looks up which memory a search goes over; its arguments are checked before that."""
        from memaccess._regions import Wanted
        from memaccess._scan._area import area_of

        wanted = Wanted(kind=kind, writable=writable, executable=executable).checked()
        ranges = None if within is None else list(self._ranges(within))
        self._perform(Access.READ, "search the memory", 0, 0, lambda _process: None)  # where the view may not
        return lambda: area_of(self._regions_from, ranges, wanted, self._address_limit)

    def _program(self) -> Program:
        """Which program it is, and its modules: what a file about it has."""
        from memaccess._scan._values._states import Program

        return Program(self._model, (self._pid, self._started()), self.modules())

    def _place_of(self, address: int) -> str:
        """An address as an expression that means the same after a restart, where there is one."""
        try:
            module = self.module_at(address)
        except WrongBitnessError:
            module = None  # a 32-bit Python can't see the modules of a 64-bit program
        if module is None:
            return f"0x{address:x}"
        name = self._name_of(module)
        # An expression can't have a quotation mark in a name; files of Linux can.
        return f"0x{address:x}" if '"' in name else f"{written(name)}+{address - module.base:X}"

    def _name_of(self, module: Module) -> str:
        """What finds the module again: its name, or its path where that name is another one's."""
        try:
            return module.name if self.module(module.name).base == module.base else module.path
        except LookupError:
            return module.path

    def _ranges(self, within: Any) -> Iterator[tuple[int, int]]:
        """Where to look, as addresses and sizes in the program's address space."""
        from memaccess._snapshots import Snapshot, ranges_of

        if isinstance(within, str):
            within = self.module(within)
        elif isinstance(within, range):
            within = _extent_of(within)
        is_one = hasattr(within, "base") or hasattr(within, "address") or _is_pair(within)
        if is_one or isinstance(within, Snapshot) or not hasattr(within, "__iter__"):
            try:
                found = list(ranges_of([within] if _is_pair(within) else within))
            except TypeError:
                raise TypeError(
                    f"memory to look in is a module, a region, a range, or a pair of address and size, not {shown(within)}"
                ) from None
            for address, size in found:
                extent = checked_extent(size)
                yield self._checked_address(address, extent), extent
        else:
            for each in within:
                yield from self._ranges(each)


def _check_question(question: Question) -> None:
    if not question.depth:
        raise ValueError("a chain has 1 pointer or more, not 0")
    if question.depth > _DEEPEST:
        raise ValueError(f"a chain has at most {_DEEPEST} pointers, not {question.depth}")
    if question.least > question.most:
        raise ValueError(f"the least offset, {question.least}, is more than the most, {question.most}")
    if len(question.ends_with) > question.depth:
        raise ValueError(
            f"a chain of {question.depth} pointers can't end with {len(question.ends_with)} offsets"
        )
    offsets = (question.least, question.most, *question.ends_with)
    if not all(-1 << 63 <= each < 1 << 63 for each in offsets):
        raise OverflowError("an offset has 64 bits, with its sign")


def _is_pair(within: Any) -> bool:
    """Whether it is an address and a size, and not two places."""
    return type(within) is tuple and len(within) == 2 and hasattr(within[1], "__index__")


def _extent_of(addresses: range) -> tuple[int, int]:
    if addresses.step != 1:
        raise ValueError(f"a range of addresses has the step 1, not {addresses.step}")
    return addresses.start, max(addresses.stop - addresses.start, 0)


def _checked_step(alignment: Any) -> int:
    step = checked_count(alignment)
    if not step:
        raise ValueError("an alignment is 1 or more, not 0")
    return step


def _compiled(regex: Any) -> re.Pattern[bytes]:
    if isinstance(regex, bytes):
        return re.compile(regex, re.DOTALL)
    if isinstance(regex, re.Pattern) and isinstance(regex.pattern, bytes):
        return regex
    raise TypeError(f"a regular expression for memory is one of bytes, such as rb'Z\\w+', not {shown(regex)}")
