"""The map of an opened program: what its memory is, keeping that, changing it, and taking it back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from memaccess._arguments import checked_count, checked_extent, checked_rights
from memaccess._bytes import ByteAccess
from memaccess._errors import Cause, SystemFailure, TargetExitedError
from memaccess._records import PAGE, Access, whole_pages

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable, Iterator
    from typing import SupportsIndex

    from typing_extensions import Self

    from memaccess._arguments import Address
    from memaccess._backend._interface import Hold, Process
    from memaccess._records import Kind, Module, Region, State
    from memaccess._snapshots import Snapshot

T = TypeVar("T")


_ATTEMPTS = 3
"""How often taking a change back is tried where Ctrl+C interrupts it."""


class Change:
    """Something that a ``with`` block takes back at its end."""

    def __enter__(self) -> Self:
        if self._is_taken_back():
            raise ValueError(f"{self!r} was taken back before; a with block needs a new one")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        interrupt: KeyboardInterrupt | None = None
        for _ in range(_ATTEMPTS):
            try:
                with contextlib.suppress(TargetExitedError):  # its memory went with it
                    self._take_back()
                break
            except KeyboardInterrupt as stop:
                interrupt = stop  # it may have come before anything was taken back
        if interrupt is not None:
            raise interrupt

    def _take_back(self) -> None:
        raise NotImplementedError

    def _is_taken_back(self) -> bool:
        raise NotImplementedError


class Protection(Change):
    """Rights that pages were given, and the ones that they had; see :meth:`MemoryView.protect`.

    As a context manager it puts the protection back at the end of the block, where the program still
    lives.
    """

    __module__ = "memaccess"

    before: tuple[Region, ...]
    """What the pages were, as one region for each protection that they had."""

    def __init__(self, view: MapAccess, changed: tuple[Region, ...]) -> None:
        self._view = view
        self._changed = changed
        self.before = changed

    def restore(self) -> None:
        """Put the protection back; a second call does nothing.

        :raises MemoryAccessError: the system refused, or the program has ended, or the view was closed.

        >>> change = view.protect('r--', 4096, 0x401000)
        >>> change.restore()
        """
        if self._changed:
            self._view._put_back(self._changed)
            self._changed = ()

    _take_back = restore

    def _is_taken_back(self) -> bool:
        return not self._changed

    def __repr__(self) -> str:
        state = "changed" if self._changed else "restored"
        return f"<Protection of {', '.join(map(str, self.before))}, {state}>"


class Allocation(Change):
    """Memory that a program was given; see :meth:`MemoryView.allocate`.

    It stands for its address wherever one is wanted. As a context manager it is freed at the end of
    the block, where the program still lives.
    """

    __module__ = "memaccess"

    address: int
    """Where it begins."""
    size: int
    """How many bytes it has, in whole pages."""

    def __init__(self, view: MapAccess, address: int, size: int) -> None:
        self._view = view
        self._is_freed = False
        self.address = address
        self.size = size

    def __index__(self) -> int:
        return self.address

    @property
    def end(self) -> int:
        """Address of the first byte behind it."""
        return self.address + self.size

    def free(self) -> None:
        """Take the memory away again; a second call does nothing.

        :raises MemoryAccessError: the system refused, or the program has ended, or the view was closed.

        >>> memory = view.allocate(100)
        >>> memory.free()
        """
        if not self._is_freed:
            self._view.free(self)

    _take_back = free

    def _is_taken_back(self) -> bool:
        return self._is_freed

    def __repr__(self) -> str:
        freed = ", freed" if self._is_freed else ""
        return f"<Allocation 0x{self.address:x}-0x{self.end:x}{freed}>"


class Suspension(Change):
    """A program whose threads stand still; see :meth:`MemoryView.suspend`.

    As a context manager it lets them go on at the end of the block.
    """

    __module__ = "memaccess"

    def __init__(self, view: MapAccess, hold: Hold) -> None:
        self._view = view
        self._hold: Hold | None = hold

    def resume(self) -> None:
        """Let the threads go on; a second call does nothing, nor does one after the program's end.

        :raises MemoryAccessError: the system refused.

        Where there are other suspensions of the program, its threads go on with the end of the last one.

        >>> suspension = view.suspend()
        >>> suspension.resume()
        """
        if self._hold is not None:
            self._view._let_go(self._hold)
            self._hold = None

    _take_back = resume

    def _is_taken_back(self) -> bool:
        return self._hold is None or self._view._process is None  # closing the view took it back

    def __repr__(self) -> str:
        state = "resumed" if self._is_taken_back() else "suspended"
        return f"<Suspension of process {self._view._pid}, {state}>"


class MapAccess(ByteAccess):
    """What is asked of a program's memory map."""

    _holds: set[Hold] | None = None
    """What has the program's threads stand still for this view; None where nothing ever had."""

    def region_at(self, address: Address) -> Region | None:
        """What the memory at *address* is: the region from its page on.

        :param address: any address in the region.
        :returns: the region from that page on; None above the highest address of programs.
        :raises WrongBitnessError: a 32-bit Python can't see the map of a 64-bit program above 4 GiB.
        :raises TargetExitedError: the program has ended.
        :raises ClosedViewError: the view was closed.
        :raises OverflowError: the address does not lie in the program's address space.

        It is what `VirtualQueryEx
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualqueryex>`__ tells, and on Linux
        `/proc/PID/maps <https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html>`__. That has no reserved
        memory and no guard pages.

        >>> print(view.region_at(0x401000))
        0x401000-0x402000 (committed rw- private)
        """
        return self._region_at(self._checked_address(address, 1))

    def mapped_file(self, address: Address) -> str | None:
        r"""The file that the memory at *address* is a view of: a program, a DLL, or a file with data.

        :param address: any address in it.
        :returns: the file's path with its drive, or on Linux from ``/`` on; None where the memory is no file's.
        :raises MemoryAccessError: as in :meth:`region_at`.
        :raises OverflowError: the address does not lie in the program's address space.

        It is what `GetMappedFileName
        <https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-getmappedfilenamew>`__ tells, and on Linux
        `/proc/PID/maps <https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html>`__.

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

        >>> [region.size for region in view.regions(0x400000, 0x500000, writable=True)]
        [4096]
        """
        from memaccess._regions import Wanted, walk

        wanted = Wanted(state, kind, readable, writable, executable, guarded).checked()
        first = self._checked_address(start, 0)
        last = self._address_limit if stop is None else self._checked_address(stop, 0)
        self._opened("query the memory map")
        found = walk(self._regions_from, first, last)
        return found if wanted == Wanted() else filter(wanted.has, found)

    def modules(self) -> list[Module]:
        """The programs and DLLs that are loaded into the program, or its shared libraries on Linux.

        :returns: one record for each, the program itself first. On Linux the others follow by their addresses.
        :raises MissingRightError: the view was opened with mode ``'w'``.
        :raises TargetExitedError: the program has ended.
        :raises WrongBitnessError: a 32-bit Python can't see the modules of a 64-bit program.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: the system does not tell them.

        A program that was started this very moment is waited for, up to two seconds; its list may still
        lack what it loads next. Those that a 64-bit system keeps above 4 GiB in a 32-bit program, where the
        view can't reach, are left out. It is what `EnumProcessModulesEx
        <https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-enumprocessmodulesex>`__ tells. On Linux
        they are the files in `/proc/PID/maps <https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html>`__ that
        are laid out to be run: of a program under Wine those of Windows, of others those of Linux.

        >>> view.modules()[0]
        <Module 'game.exe' at 0x140000000-0x140003000>
        """
        listed = self._perform(Access.READ, "list the modules", 0, 0, lambda process: process.modules())
        return [each for each in listed if each.end <= self._address_limit]

    # -- keeping it

    def snapshot(
        self,
        ranges: Snapshot
        | Region
        | Module
        | Allocation
        | Iterable[Region | Module | Allocation | tuple[Address, SupportsIndex]]
        | None = None,
    ) -> Snapshot:
        """Take memory as it is now, to compare it with what it is later.

        The program goes on meanwhile: what is read last may be younger than what is read first.

        :param ranges: what to take: regions, modules or allocations, one alone or several; pairs of
            address and size; or an earlier snapshot for the same ranges again. Without it, all that the program can write to. Ranges may overlap;
            each byte is taken once.
        :returns: the bytes, and the ranges that could not be read. Guard pages are not touched, and
            count as such; but where a 32-bit Python can't see the map, it tries all.
        :raises WrongBitnessError: a 32-bit Python can't see the map of a 64-bit program: give it ranges.
        :raises MissingRightError: the view was opened with mode ``'w'``.
        :raises TargetExitedError: the program has ended, maybe meanwhile.
        :raises ClosedViewError: the view was closed.
        :raises TypeError: one of the ranges is none of that.
        :raises ValueError: one of the sizes is negative.
        :raises OverflowError: one of the ranges does not lie in the program's address space.

        It takes as much memory in this Python as it has bytes.

        >>> before = view.snapshot()
        >>> view.write_int(99, 0x401000)
        >>> after = view.snapshot(before)
        >>> for change in before.changed_values(after, 'int'):
        ...     print(hex(change.address), change.before, change.after)
        0x401000 100 99
        """
        from memaccess import _snapshots

        if ranges is None:
            ranges = self.regions(state="committed", readable=True, writable=True, guarded=False)
        wanted = []
        for address, size in _snapshots.ranges_of(ranges):
            extent = checked_extent(size)  # free regions may have more bytes than this Python can hold
            wanted.append((self._checked_address(address, extent), extent))
        self._perform(Access.READ, "take a snapshot", 0, 0, lambda _process: None)  # where the view may not
        return _snapshots.take(self, self._model, wanted)

    # -- changing it

    def protect(self, rights: str, size: SupportsIndex, address: Address) -> Protection:
        """Give pages of the program other rights.

        :param rights: ``'rw-'`` and the like: ``'---'``, ``'r--'``, ``'rw-'``, ``'--x'``, ``'r-x'`` and
            ``'rwx'`` are those that Windows has.
        :param size: how many bytes; all pages that have one of them are changed.
        :param address: where they begin in the program's memory.
        :returns: the change. In a ``with`` block it is taken back at the end, also where the block
            fails; without one it stays until its :meth:`~Protection.restore` is called. Take changes that
            overlap back in the reverse order.
        :raises ValueError: there are no such rights, or the size is not positive.
        :raises OverflowError: the range does not lie in the program's address space.
        :raises MissingRightError: the view was opened without ``'w'`` in its mode.
        :raises TargetExitedError: the program has ended.
        :raises WrongBitnessError: this 32-bit Python can't do it so far up in a 64-bit program.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: a part of the range has no memory, or the system refused; nothing is
            changed then.

        Guard pages lose their guard. It is what `VirtualProtectEx
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualprotectex>`__ does.
        On Linux the program itself makes the call, `mprotect
        <https://man7.org/linux/man-pages/man2/mprotect.2.html>`__, while one of its threads is stopped as by a debugger
        (`ptrace <https://man7.org/linux/man-pages/man2/ptrace.2.html>`__). That needs a 64-bit Python on x86-64,
        and fails while another debugger has the program.

        >>> with view.protect('r--', 4096, 0x401000):
        ...     print(view.region_at(0x401000))
        0x401000-0x402000 (committed r-- private)
        >>> print(view.region_at(0x401000))
        0x401000-0x402000 (committed rw- private)
        """
        checked_rights(rights)
        count, number = self._checked_range(size, address)
        if not count:
            raise ValueError("a size to protect is 1 or more, not 0")
        what = f"protect {count} bytes at address 0x{number:x}"
        changed = self._perform(
            Access.WRITE, what, number, count, lambda process: process.protect(rights, count, number)
        )
        return Protection(self, changed)

    def allocate(
        self, size: SupportsIndex, rights: str = "rw-", *, near: Address | None = None
    ) -> Allocation:
        """Give the program new memory, filled with zeros.

        :param size: how many bytes; it gets whole pages.
        :param rights: as in :meth:`protect`; nothing is executable unless they say so.
        :param near: an address that a jump from all of the memory has to reach, and the other way
            round: it lies less than 2 GiB away, as near as there is room.
        :returns: the memory. In a ``with`` block it is freed at the end; without one it stays until it
            is freed, or the program ends.
        :raises ValueError: there are no such rights, or the size is not positive.
        :raises OverflowError: *near* does not lie in the program's address space.
        :raises MissingRightError: the view was opened without ``'w'`` in its mode.
        :raises TargetExitedError: the program has ended.
        :raises WrongBitnessError: this 32-bit Python can't do it so far up in a 64-bit program.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: there is no room, or the system refused.

        It is what `VirtualAllocEx
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualallocex>`__ does; on Linux
        it is `mmap <https://man7.org/linux/man-pages/man2/mmap.2.html>`__, made as in :meth:`protect`. Wine does not
        learn of it.

        >>> with view.allocate(100) as memory:
        ...     view.write_string('Ada', memory)
        ...     memory.size
        4096
        """
        checked_rights(rights)
        count = checked_count(size)
        if not count:
            raise ValueError("a size to allocate is 1 or more, not 0")
        place = None if near is None else self._checked_address(near, 1)
        whole = whole_pages(count)
        address = self._perform(
            Access.WRITE,
            f"allocate {count} bytes in the memory",
            place or 0,
            0,
            lambda process: process.allocate(whole, rights, place),
        )
        return Allocation(self, address, whole)

    def free(self, address: Address) -> None:
        """Take memory of the program away that was allocated with one call.

        :param address: where it begins.
        :raises ValueError: no page begins there, so no allocation does.
        :raises OverflowError: the address does not lie in the program's address space.
        :raises MissingRightError: the view was opened without ``'w'`` in its mode.
        :raises TargetExitedError: the program has ended.
        :raises WrongBitnessError: this 32-bit Python can't do it so far up in a 64-bit program.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: no allocation of private memory begins there; on Linux, none that this Python has
            made.

        It is what `VirtualFreeEx
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualfreeex>`__ does; on Linux
        it is `munmap <https://man7.org/linux/man-pages/man2/mmap.2.html>`__, made as in :meth:`protect`.

        >>> memory = view.allocate(100)
        >>> view.free(memory.address)
        """
        number = self._checked_address(address, 1)
        if number % PAGE:  # Windows would free the allocation that begins in that page
            raise ValueError(f"an allocation begins with a page, and 0x{number:x} lies inside one")
        what = f"free the memory at address 0x{number:x}"
        self._perform(Access.WRITE, what, number, 1, lambda process: process.free(number))
        if isinstance(address, Allocation):
            address._is_freed = True

    # -- having it stand still

    def suspend(self) -> Suspension:
        """Have all threads of the program stand still, so that nothing changes meanwhile.

        :returns: the suspension. In a ``with`` block the threads go on at the end, also where the block fails;
            without one they go on when its :meth:`~Suspension.resume` is called, or the view is closed, or this
            Python ends.
        :raises TargetExitedError: the program has ended.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: the program is this Python itself, or the system refused, as it does where a
            debugger has a program of Linux.

        When it returns, they do stand still. Suspensions may overlap, those of other programs too: the threads go on
        after the last one. Every view may suspend, whatever its mode, and can do meanwhile all that it can do else.
        Don't wait in the block for anything that the program does. Others who wait for it have to wait too, and its
        windows don't answer.

        It is what `NtSuspendProcess <https://github.com/winsiderss/systeminformer/blob/master/phnt/include/ntpsapi.h>`__
        does. If this Python is killed in the block, Windows leaves the program suspended: nobody resumes it then but
        a tool such as Resource Monitor. On Linux the threads are stopped as by a debugger (`ptrace
        <https://man7.org/linux/man-pages/man2/ptrace.2.html>`__), and the kernel lets them go when this Python ends,
        however it ends. That needs a 64-bit Python on x86-64.

        >>> with view.suspend():
        ...     before = view.read_int(0x401000)
        ...     before == view.read_int(0x401000)
        True
        """
        from memaccess._backend import _ending

        tried = Access.READ if Access.READ in self._access else Access.WRITE  # either will do
        what = "suspend the threads"
        hold = self._perform(tried, what, 0, 0, lambda process: process.hold())
        suspension = Suspension(self, hold)
        try:
            # Whoever may have to let them go knows it before they stand still.
            vars(self).setdefault("_holds", set()).add(hold)
            _ending.remember(hold)
            self._perform(tried, what, 0, 0, lambda _process: hold.begin())
            self._opened(what)  # else it was closed meanwhile, by somebody who found nothing to let go
        except BaseException:
            suspension.__exit__(None, None, None)
            raise
        return suspension

    def _started(self) -> int:
        """What tells the process from all others that had its pid, or will have it."""
        process = self._opened("get the start")
        try:
            return process.started
        except SystemFailure as failure:
            raise self._asking_error(failure, "get the start") from None

    def _let_go(self, hold: Hold) -> None:
        from memaccess._backend import _ending

        try:
            hold.release()
        except SystemFailure as failure:
            raise self._asking_error(failure, "resume the threads") from None
        _ending.forget(hold)
        if self._holds is not None:
            self._holds.discard(hold)

    def _let_all_go(self) -> None:
        """Let the threads go on, whoever has a suspension of this view."""
        for hold in list(self._holds or ()):
            self._let_go(hold)

    def _put_back(self, changed: tuple[Region, ...]) -> None:
        start, size = changed[0].base, changed[-1].end - changed[0].base
        what = f"restore the protection of {size} bytes at address 0x{start:x}"
        self._perform(Access.WRITE, what, start, size, lambda process: process.put_back(changed))

    def _perform(self, needed: Access, what: str, address: int, size: int, do: Callable[[Process], T]) -> T:
        """Do what *needed* allows, with an error that says it; a *size* of 0 where it is about no range."""
        process = self._process
        try:
            if process is None:
                raise self._system.refusal(Cause.CLOSED)
            if needed not in self._access:
                raise self._system.refusal(Cause.DENIED)
            return do(process)
        except SystemFailure as failure:
            from memaccess import _explain

            attempt = _explain.Attempt(process, self._access, failure, needed, size, address)
            raise _explain.performing_error(attempt, self._pid, what) from None

    def _regions_from(self, number: int) -> Iterable[Region]:
        return self._query(number, lambda process: process.regions_from(number))

    def _region_at(self, number: int) -> Region | None:
        return self._query(number, lambda process: process.region_at(number))

    def _query(self, address: int, question: Callable[[Process], T]) -> T:
        """The answer of the process to a question about that address."""
        process = self._opened("query the memory map")
        try:
            return question(process)
        except SystemFailure as failure:
            from memaccess import _explain

            raise _explain.query_error(process, failure, address) from None
