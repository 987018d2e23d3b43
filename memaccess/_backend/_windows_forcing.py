"""Forced writes of Windows: lift the protection, write, and put it back.

Pure: the in-memory process of :mod:`memaccess.testing` does it the same way.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from memaccess._arguments import byte_count
from memaccess._backend import _windows_protection
from memaccess._backend._interface import MemoryMap
from memaccess._errors import SystemFailure
from memaccess._win32._codes import ERROR_INVALID_ADDRESS, failure_with

if TYPE_CHECKING:
    from memaccess._records import Region


_turns: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""Forced writes to one program take turns, whichever view they go through: one would put the protection
back while another counts on it being lifted. The locks by pid; each lives as long as someone holds it."""
_turns_guard = threading.Lock()


def _turn_of(pid: int) -> Any:
    """The lock of forced writes to that program.

    Wine 8 never returns from some calls to a program that dies meanwhile: those to others must not wait.
    """
    with _turns_guard:
        return _turns.setdefault(pid, threading.Lock())


class Protected(MemoryMap, Protocol):
    """A process whose pages can be given another protection."""

    @property
    def pid(self) -> int: ...

    def protect(self, address: int, size: int, protection: int, /) -> None:
        """Give all pages of the range that protection."""
        ...

    def flush_code(self, address: int, size: int, /) -> None:
        """Make the processor read changed code anew."""
        ...

    def write(self, data: bytes | memoryview, address: int, /) -> None: ...


class _Piece(NamedTuple):
    """A part of the range that has one protection."""

    address: int
    size: int
    region: Region


def write_forced(process: Protected, data: bytes | memoryview, address: int) -> None:
    """Write *data* whatever the protection, and put back what was changed, whatever happens.

    :raises SystemFailure: not all of it was written; or all was, as ``transferred`` then says, and
        what has to follow failed. Its ``unrestored`` says where a protection could not be put back.
    """
    with _turn_of(process.pid):
        _write_forced(process, data, address)


def _write_forced(process: Protected, data: bytes | memoryview, address: int) -> None:
    size = byte_count(data)
    shielded = [piece for piece in _pieces(process, address, size) if _is_shielded(piece.region)]
    lifted: list[_Piece] = []
    try:
        for piece in shielded:
            _lift(process, piece, lifted)
        process.write(data, address)
    except SystemFailure as failure:
        try:
            _restore(process, lifted)
        except SystemFailure as later:
            failure.unrestored = later.unrestored
        _flush_after_failure(process, address, failure.transferred)
        raise
    except BaseException as stop:
        try:
            _restore(process, lifted)
        except SystemFailure as later:
            raise stop from later
        raise
    _finish(process, lifted, address, size)


def _finish(process: Protected, lifted: list[_Piece], address: int, size: int) -> None:
    """What follows a write that succeeded; where it fails, all *size* bytes are written."""
    try:
        _restore(process, lifted)
    except SystemFailure as failure:
        _flush_after_failure(process, address, size)
        raise failure.after(size) from None
    try:
        process.flush_code(address, size)
    except SystemFailure as failure:
        raise failure.after(size) from None


def _flush_after_failure(process: Protected, address: int, size: int) -> None:
    """Flush what was written; the failure before it is the one to report."""
    if size:
        with contextlib.suppress(SystemFailure):
            process.flush_code(address, size)


def _pieces(process: Protected, address: int, size: int) -> list[_Piece]:
    """The range, cut where the protection changes.

    :raises SystemFailure: a part of it has no memory at all.
    """
    pieces = []
    end = address + size
    while address < end:
        region = process.region_at(address)
        if region is None or region.state != "committed":
            raise failure_with("VirtualQueryEx", ERROR_INVALID_ADDRESS, "no memory there")
        stop = min(region.end, end)
        pieces.append(_Piece(address, stop - address, region))
        address = stop
    return pieces


def _is_shielded(region: Region) -> bool:
    return region.guarded or not region.writable


def _lift(process: Protected, piece: _Piece, lifted: list[_Piece]) -> None:
    """Let a piece be written to, and note it before that: Ctrl+C may come right after."""
    first, second = _windows_protection.writable_forms(piece.region)
    lifted.append(piece)
    try:
        process.protect(piece.address, piece.size, first)
    except SystemFailure:
        try:
            process.protect(piece.address, piece.size, second)
        except SystemFailure as failure:
            lifted.pop()
            failure.shielded = piece.region
            raise


def _restore(process: Protected, lifted: list[_Piece]) -> None:
    """Put every piece's protection back.

    :raises SystemFailure: the system refused; its ``unrestored`` says where.
    """
    refused: list[Region] = []
    first: SystemFailure | None = None
    interrupt: BaseException | None = None
    while lifted:
        piece = lifted[-1]
        try:
            process.protect(piece.address, piece.size, piece.region.protection)
        except SystemFailure as failure:
            refused.append(piece.region)
            first = first or failure
        except KeyboardInterrupt as error:
            interrupt = error
            continue  # once more: it may have come before the call
        lifted.pop()
    try:
        if first is not None:
            first.unrestored = tuple(refused)
        if interrupt is not None:
            raise interrupt from first
        if first is not None:
            raise first
    finally:
        del first, interrupt  # or they keep this frame, which keeps them
