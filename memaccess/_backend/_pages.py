"""Changing the protection of pages, and putting it back: the same on every system, and in the fake. Pure."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, NoReturn, Protocol

from memaccess._errors import SystemFailure
from memaccess._regions import walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from memaccess._records import Region

_ATTEMPTS = 3
"""How often putting a protection back is tried where something interrupts it."""


class _Turn:
    """The lock of those who change something of one program, and how many want it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users = 0


class _Turns:
    """Those that are wanted at this moment. A signal handler may come while its own thread has one."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Also in a process that was forked, where the threads that had the locks are not there."""
        self.guard = threading.RLock()
        self.wanted: dict[Hashable, _Turn] = {}


_turns = _Turns()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.begin)


@contextlib.contextmanager
def turn_of(what: Hashable) -> Iterator[None]:
    """A block that has something of a program to itself, whichever view it goes through.

    :param what: the pid of the program for its protections.

    Else one would put a protection back while another counts on it being lifted. Other programs don't
    wait: Wine 8 never returns from some calls to a program that dies meanwhile.
    """
    with _turns.guard:
        turn = _turns.wanted.setdefault(what, _Turn())
        turn.users += 1
    try:
        with turn.lock:
            yield
    finally:
        with _turns.guard:
            turn.users -= 1
            if not turn.users:
                _turns.wanted.pop(what, None)


class Protected(Protocol):
    """A process whose pages can be given another protection."""

    def regions_from(self, address: int, /) -> Iterable[Region]:
        """The regions from *address*'s page on, as many as one question tells."""
        ...

    @property
    def pid(self) -> int: ...

    def set_protection(self, address: int, size: int, protection: int, /) -> None:
        """Give all pages of the range that protection."""
        ...

    def protections(self, rights: str, piece: Region, /) -> tuple[int, int]:
        """The protection that gives a piece those rights, and the one to try where that is refused."""
        ...

    def nothing_there(self) -> SystemFailure:
        """The failure where a part of a range has no memory."""
        ...


def protect(process: Protected, rights: str, size: int, address: int) -> tuple[Region, ...]:
    """Give the pages of a range those rights.

    :param rights: such as ``'r-x'``.
    :returns: what :func:`put_back` takes.
    :raises SystemFailure: nothing was changed; or its ``unrestored`` says where something was.
    """
    changed: list[Region] = []
    done: tuple[Region, ...] = ()
    with turn_of(process.pid), nothing_left(process, changed):
        try:
            for piece in pieces(process, address, size):
                change(process, piece, process.protections(rights, piece), changed)
        except BaseException as stop:
            restore_after(process, changed, stop)
            raise
        done = tuple(changed)
        changed.clear()
    return done


def put_back(process: Protected, changed: tuple[Region, ...]) -> None:
    """Give pages the protection back that they had.

    :raises SystemFailure: the system refused; its ``unrestored`` says where.
    """
    with turn_of(process.pid):
        restore(process, list(changed))


def pieces(process: Protected, address: int, size: int) -> list[Region]:
    """The range, cut where the protection changes.

    :raises SystemFailure: a part of it has no memory at all.
    """
    found = []
    end = address + size
    for region in walk(process.regions_from, address, end):
        if region.state != "committed":
            raise process.nothing_there()
        stop = min(region.end, end)
        found.append(region._replace(base=address, size=stop - address))
        address = stop
    if address < end:
        raise process.nothing_there()
    return found


def change(process: Protected, piece: Region, forms: tuple[int, int], changed: list[Region]) -> None:
    """Give a piece the first of two protections that it takes.

    It is noted among those *changed* before that: Ctrl+C may come right after.
    """
    first, second = forms
    changed.append(piece)
    try:
        process.set_protection(piece.base, piece.size, first)
    except SystemFailure as refusal:
        if first == second:
            _refused(piece, refusal, changed)
        try:
            process.set_protection(piece.base, piece.size, second)
        except SystemFailure as failure:
            _refused(piece, failure, changed)


def _refused(piece: Region, failure: SystemFailure, changed: list[Region]) -> NoReturn:
    changed.pop()
    failure.shielded = piece
    raise failure


def restore_after(process: Protected, changed: list[Region], stop: BaseException) -> None:
    """Put every piece's protection back, after something went wrong that is the error to report."""
    try:
        restore(process, changed)
    except SystemFailure as later:
        if not isinstance(stop, SystemFailure):
            raise stop from later
        stop.unrestored = later.unrestored


@contextlib.contextmanager
def nothing_left(process: Protected, changed: list[Region]) -> Iterator[None]:
    """A block that ends with no piece changed, also where Ctrl+C comes between two of its steps."""
    try:
        yield
    finally:
        if changed:
            restore(process, changed)


def restore(process: Protected, changed: list[Region]) -> None:
    """Put every piece's protection back, and take it off the list.

    :raises SystemFailure: the system refused; its ``unrestored`` says where.
    """
    refused: list[Region] = []
    first: SystemFailure | None = None
    interrupt: BaseException | None = None
    attempts = 0
    while changed:
        piece = changed[-1]
        attempts += 1
        try:
            process.set_protection(piece.base, piece.size, piece.protection)
        except SystemFailure as failure:
            refused.append(piece)
            first = first or failure
        except BaseException as error:  # Ctrl+C, or no memory: the rest has to be put back all the same
            interrupt = error
            if attempts < _ATTEMPTS:
                continue  # it may have come before the call
        changed.pop()
        attempts = 0
    try:
        if first is not None:
            first.unrestored = tuple(refused)
        if interrupt is not None:
            raise interrupt from first
        if first is not None:
            raise first
    finally:
        del first, interrupt  # or they keep this frame, which keeps them
