"""The map of an opened program: what its memory is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from memaccess._bytes import ByteAccess
from memaccess._errors import SystemFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memaccess._arguments import Address
    from memaccess._backend._interface import Process
    from memaccess._records import Kind, Region, State

T = TypeVar("T")


class MapAccess(ByteAccess):
    """What is asked of a program's memory map."""

    def region_at(self, address: Address) -> Region | None:
        """What the memory at *address* is: the region from its page on.

        :param address: any address in the region.
        :returns: the region from that page on; None above the highest address of programs.
        :raises WrongBitnessError: a 32-bit Python can't see the map of a 64-bit program above 4 GiB.
        :raises TargetExitedError: the program has ended.
        :raises ClosedViewError: the view was closed.
        :raises OverflowError: the address does not lie in the program's address space.

        It is what `VirtualQueryEx
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualqueryex>`__ tells.

        >>> print(view.region_at(0x401000))
        0x401000-0x402000 (committed rw- private)
        """
        number = self._checked_address(address, 1)
        return self._query(number, lambda process: process.region_at(number))

    def mapped_file(self, address: Address) -> str | None:
        r"""The file that the memory at *address* is a view of: a program, a DLL, or a file with data.

        :param address: any address in it.
        :returns: the file's path with its drive; None where the memory is no file's.
        :raises MemoryAccessError: as in :meth:`region_at`.
        :raises OverflowError: the address does not lie in the program's address space.

        It is what `GetMappedFileName
        <https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-getmappedfilenamew>`__ tells.

        >>> view.mapped_file(0x140000000)
        'C:\\game.exe'
        """
        number = self._checked_address(address, 1)
        return self._query(number, lambda process: process.mapped_file(number))

    def regions(
        self,
        start: Address = 0,
        stop: Address | None = None,
        *,
        state: State | None = None,
        kind: Kind | None = None,
        readable: bool | None = None,
        writable: bool | None = None,
        executable: bool | None = None,
        guarded: bool | None = None,
    ) -> Iterator[Region]:
        """The regions of the program, from the lowest address to the highest.

        The program goes on meanwhile, and may change its map: each region is as it was when it was
        asked for.

        :param start: where to begin; the first region is from the page of it on.
        :param stop: regions from there on are left out; None for all.
        :param state: only those that are ``'committed'``, ``'reserved'`` or ``'free'``.
        :param kind: only those that are ``'private'``, ``'mapped'`` or ``'image'``.
        :param readable: only those that are, or with False only those that are not; so with the next.
        :param writable: whether the program may write there.
        :param executable: whether the program may run code there.
        :param guarded: whether the next touch raises an alarm in the program.
        :returns: an iterator, which asks the system for one region at a time.
        :raises ValueError: there is no such state or kind.
        :raises TypeError: another filter is neither True, False nor None.
        :raises OverflowError: the range does not lie in the program's address space.
        :raises MemoryAccessError: as in :meth:`region_at`.

        >>> [region.size for region in view.regions(writable=True)]
        [4096]
        """
        from memaccess._regions import Wanted

        wanted = Wanted(state, kind, readable, writable, executable, guarded).checked()
        first = self._checked_address(start, 0)
        last = self._address_limit if stop is None else self._checked_address(stop, 0)
        self._opened("query the memory map")
        return filter(wanted.has, self._walk(first, last))

    def _walk(self, address: int, stop: int) -> Iterator[Region]:
        """All regions from the page of *address* on."""
        while address < stop:
            region = self.region_at(address)
            if region is None or region.end <= address:
                return
            yield region
            address = region.end

    def _query(self, address: int, question: Callable[[Process], T]) -> T:
        """The answer of the process to a question about that address."""
        process = self._opened("query the memory map")
        try:
            return question(process)
        except SystemFailure as failure:
            from memaccess import _explain

            raise _explain.query_error(process, failure, address) from None
