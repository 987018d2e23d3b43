"""Searching an opened program: what a view offers of it."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from memaccess._arguments import checked_count, checked_extent, shown
from memaccess._names import NameAccess
from memaccess._records import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import SupportsIndex, TypeAlias

    from typing_extensions import Buffer

    from memaccess._arguments import Address
    from memaccess._map import Allocation
    from memaccess._records import Kind, Module, Region
    from memaccess._scan._area import Area
    from memaccess._scan._pattern import Pattern
    from memaccess._scan._search import Match, Search
    from memaccess._snapshots import Snapshot

    Place: TypeAlias = str | Region | Module | Allocation | range | tuple[Address, SupportsIndex]
    Within: TypeAlias = Snapshot | Place | Iterable[Place] | None
    Progress: TypeAlias = Callable[[int, int], object] | None


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
        from memaccess._scan import _pattern, _search

        wanted = _pattern.Wanted(_pattern.as_pattern(pattern))
        area = self._area(within, writable, executable, kind)
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
        from memaccess._scan import _pattern, _search

        wanted = _pattern.text_pattern(text, encoding, ignore_case)
        area = self._area(within, writable, executable, kind)
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
        area = self._area(within, writable, executable, kind)
        return _search.find_regex(self, area, compiled, most, _checked_step(alignment), progress)

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
    ) -> Area:
        """The memory that a search goes over; of its arguments, each is checked before memory is read."""
        from memaccess._regions import Wanted
        from memaccess._scan._area import area_of

        wanted = Wanted(kind=kind, writable=writable, executable=executable).checked()
        ranges = None if within is None else list(self._ranges(within))
        self._perform(Access.READ, "search the memory", 0, 0, lambda _process: None)  # where the view may not
        return area_of(self._regions_from, ranges, wanted, self._address_limit)

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
