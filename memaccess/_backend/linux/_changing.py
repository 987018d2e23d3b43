"""A program's memory map, changed by the program itself: Linux lets nobody do it from outside."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import errno
import os
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from memaccess._backend import _pages, _places
from memaccess._backend.linux import _maps
from memaccess._backend.linux._calls import Place, make_calls
from memaccess._backend.linux._codes import failure_from, failure_of, failure_with
from memaccess._backend.linux._memory import Memory
from memaccess._backend.linux._suspending import ThreadsHold
from memaccess._errors import Cause, SystemFailure
from memaccess._records import PAGE, whole_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Self

    from memaccess._backend.linux._calls import Call
    from memaccess._backend.linux._maps import Mapping
    from memaccess._backend.linux._proc import Folder
    from memaccess._image import Read
    from memaccess._records import AddressSpace, Region
    from memaccess._types import DataModel

T = TypeVar("T")

_AT_RANDOM = 25
"""Where a program has 16 random bytes of its own: the kernel's include/uapi/linux/auxvec.h."""
_REPLACED = "The process has replaced its program since, and the memory of the one that was changed is gone."
_NOT_ALLOCATED = (
    "No memory that this Python has allocated begins there, and Linux does not keep where other allocations "
    "begin and end."
)
_GONE = (errno.ESRCH, errno.ECHILD)
_PATIENCE_SECONDS = 1.0
_PAUSE_SECONDS = 0.001
_PRIVATE_MEMORY = 0x22
"""MAP_PRIVATE and MAP_ANONYMOUS."""
_MAP_32BIT = 0x40
_NO_FILE = (1 << 64) - 1


class Identity(NamedTuple):
    """What tells a program from others."""

    pid: int
    start_time: int
    random: bytes


_ALLOCATED: dict[Identity, dict[int, int]] = {}
"""The addresses and sizes of what was allocated, by the program: Linux does not keep where an allocation begins
and ends."""


class Changed(tuple["Region", ...]):
    """What the pages were that were given other rights, and in which program."""

    identity: Identity

    def __new__(cls, regions: Iterable[Region], identity: Identity) -> Self:
        changed = super().__new__(cls, regions)
        changed.identity = identity
        return changed


class ChangingMemory(Memory):
    """The memory of one process, and its map."""

    model: DataModel
    space: AddressSpace
    _folder: Folder
    _bitness: int
    """How wide the process is for Linux, whatever program it runs."""

    def regions_from(self, address: int, /) -> Iterator[Region]:
        """What the memory from there on is."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the process."""
        raise NotImplementedError

    def _mappings(self) -> list[Mapping]:
        raise NotImplementedError

    def _identity(self) -> Identity:
        """What tells the program that the process runs now from others, also from one that it has run before."""
        try:
            status, auxiliary = self._folder.status(), self._folder.auxiliary(self._bitness)
            # The kernel gives each program other bytes there, also where it puts all else at the same addresses.
            place = auxiliary.get(_AT_RANDOM)
            return Identity(self.pid, status.start_time, self.read(16, place) if place else b"")
        except (OSError, SystemFailure) as trouble:
            if self._ends():
                raise failure_with("read", errno.ESRCH) from None
            if isinstance(trouble, OSError):
                raise failure_of("read", trouble) from None
            raise

    def _known(self) -> dict[int, int]:
        """What this Python has allocated in the program that the process runs now."""
        identity = self._identity()
        for each in list(_ALLOCATED):
            if each != identity and (each.pid == self.pid or not os.path.exists(f"/proc/{each.pid}")):
                _ALLOCATED.pop(each, None)  # that program has ended, or was replaced
        return _ALLOCATED.setdefault(identity, {})

    def protect(self, rights: str, size: int, address: int, /) -> tuple[Region, ...]:
        with self._held() as held:
            identity = held._identity()
            return Changed(_pages.protect(held, rights, size, address), identity)

    def put_back(self, changed: tuple[Region, ...], /) -> None:
        with self._held() as held:
            if isinstance(changed, Changed) and changed.identity != held._identity():
                raise failure_from(Cause.REPLACED, "execve", _REPLACED)
            _pages.put_back(held, changed)

    def protections(self, rights: str, _piece: Region, /) -> tuple[int, int]:
        return (_maps.protection(rights),) * 2

    def nothing_there(self) -> SystemFailure:
        return failure_with("mprotect", errno.ENOMEM, cause=Cause.INACCESSIBLE)

    def set_protection(self, address: int, size: int, protection: int, /) -> None:
        start = address // PAGE * PAGE
        self._make_call("mprotect", start, whole_pages(address + size) - start, protection)

    def allocate(self, size: int, rights: str, near: int | None, /) -> int:
        with self._held() as held:
            known = held._known()
            places = [0] if near is None else _places.places_near(near, size, self.space, held.regions_from)
            address = held._allocate_at(places, size, _maps.protection(rights))
            known[address] = size
            return address

    def _allocate_at(self, places: list[int], size: int, protection: int) -> int:
        """New memory at the first of those places where the kernel puts it; 0 is any."""
        found: list[int] = []
        try:
            self._make_calls(lambda call: found.append(self._mapped(call, places, size, protection)))
        except BaseException:  # Ctrl+C may come when it is done
            if found and found[0] > 0:
                self._make_call("munmap", found[0], size)
            raise
        if found[0] < 0:
            raise failure_with("mmap", -found[0])
        return found[0]

    def _mapped(self, call: Call, places: list[int], size: int, protection: int) -> int:
        """Where new memory was mapped; a negative number is that of an error."""
        low = _MAP_32BIT if self.model.bitness < self._bitness else 0
        for place in places:
            address = call("mmap", place, size, protection, _PRIVATE_MEMORY | low * (not place), _NO_FILE, 0)
            if address > 0 and address % PAGE:
                return -errno.ENOSYS  # a filter (seccomp) has kept the kernel from seeing the call
            if address < 0 or place in (0, address):
                return address
            call("munmap", address, size)  # the program itself has taken that place meanwhile
        return -errno.ENOMEM

    def free(self, address: int, /) -> None:
        with self._held() as held, _pages.turn_of(("free", self.pid)):  # or two would free the same
            known = held._known()
            size = known.get(address)
            if size is None or not held._is_private(address, address + size):
                raise failure_with("munmap", errno.EINVAL, text=_NOT_ALLOCATED)
            held._make_call("munmap", address, size)
            known.pop(address, None)

    def _is_private(self, start: int, stop: int) -> bool:
        """Whether all of that is memory, and no file's."""
        mappings = self._mappings()
        while start < stop:
            found = _maps.found_at(mappings, start)
            if found is None or found.identity[1]:
                return False
            start = found.end
        return True

    def hold(self) -> ThreadsHold:
        """What can have its threads stand still."""
        if self._file is None:
            raise failure_from(Cause.CLOSED, "ptrace")
        if self.pid == os.getpid():
            raise failure_from(Cause.ITSELF, "ptrace")
        return ThreadsHold(self._hold)

    def _hold(self, begin: Callable[[int, Folder, Read], None]) -> None:
        with self._held() as held, held._telling_its_end():
            begin(held.pid, held._folder, held.read)

    def _make_call(self, name: str, *arguments: int) -> None:
        """Have the program make a system call."""
        result = self._make_calls(lambda call: call(name, *arguments))
        if result:  # a filter (seccomp) that keeps a call from the kernel leaves another number
            raise failure_with(name, -result if result < 0 else errno.ENOSYS)

    def _make_calls(self, work: Callable[[Call], T]) -> T:
        with self._telling_its_end():
            return make_calls(self._place(), work)

    @contextlib.contextmanager
    def _telling_its_end(self) -> Iterator[None]:
        """A block whose failure is that the process has ended, where its threads are gone."""
        try:
            yield
        except SystemFailure as trouble:
            if self._is_going(trouble) and self._ends():
                raise failure_with("ptrace", errno.ESRCH) from None
            raise

    def _is_going(self, trouble: SystemFailure) -> bool:
        """Whether what could not be done is a sign of its end: nobody may trace a thread that has just ended."""
        if trouble.errno != errno.EPERM:
            return trouble.errno in _GONE
        try:
            return self._folder.status().has_ended
        except OSError:
            return True

    def _place(self) -> Place:
        return Place(self.pid, self._folder, self.read, self._mappings(), self._bitness)

    def _ends(self) -> bool:
        """Whether it ends this very moment: its threads are gone a little before."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    @contextlib.contextmanager
    def _held(self) -> Iterator[Self]:
        """The same process once more, whose files stay open for the block, whoever closes this one."""
        held = object.__new__(type(self))
        vars(held).update(vars(self), _folder=self._folder.held())
        if held._file is None:
            raise failure_from(Cause.CLOSED, "ptrace")
        try:
            yield held
        finally:
            held.close()
