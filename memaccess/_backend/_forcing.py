"""Writing to memory that is protected from it: open what is closed, write, and close it again."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol

from memaccess._arguments import byte_count
from memaccess._backend import _protection
from memaccess._backend._interface import MemoryMap
from memaccess._errors import SystemFailure
from memaccess._win32._codes import ERROR_INVALID_ADDRESS, failure_with

if TYPE_CHECKING:
    from memaccess._records import Region


_turn = threading.Lock()
"""Forced writes take turns: one would put the protection back while another counts on it being lifted."""


class Protected(MemoryMap, Protocol):
    """A process whose pages can be given another protection."""

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

    :raises SystemFailure: not all of it was written; or all was, and a protection could not be put
        back. Its ``unrestored`` says where that is so.
    """
    with _turn:
        _write_forced(process, data, address)


def _write_forced(process: Protected, data: bytes | memoryview, address: int) -> None:
    size = byte_count(data)
    closed = [piece for piece in _pieces(process, address, size) if _refuses_writes(piece.region)]
    opened: list[_Piece] = []
    try:
        for piece in closed:
            _open(process, piece, opened)
        process.write(data, address)
    except BaseException as error:
        unrestored = _restore(process, opened)
        if isinstance(error, SystemFailure):
            error.unrestored = unrestored
            if error.transferred:
                _flush_if_alive(process, address, error.transferred)
        raise
    unrestored = _restore(process, opened)
    process.flush_code(address, size)
    if unrestored:
        text = "the protection could not be put back"
        failure = failure_with("VirtualProtectEx", ERROR_INVALID_ADDRESS, text)
        failure.unrestored = unrestored
        raise failure.after(size)


def _flush_if_alive(process: Protected, address: int, size: int) -> None:
    """Flush what a write left before it failed, whose error is the one to report."""
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


def _refuses_writes(region: Region) -> bool:
    return region.guarded or not region.writable


def _open(process: Protected, piece: _Piece, opened: list[_Piece]) -> None:
    """Let a piece be written to, and note it before that: Ctrl+C may come right after."""
    first, second = _protection.writable_forms(piece.region)
    opened.append(piece)
    try:
        process.protect(piece.address, piece.size, first)
    except SystemFailure:
        try:
            process.protect(piece.address, piece.size, second)
        except SystemFailure:
            opened.pop()
            raise


def _restore(process: Protected, opened: list[_Piece]) -> tuple[Region, ...]:
    """Put every piece's protection back; the regions where the system refused."""
    refused = []
    interrupt: BaseException | None = None
    while opened:
        piece = opened[-1]
        try:
            process.protect(piece.address, piece.size, piece.region.protection)
        except SystemFailure:
            refused.append(piece.region)
        except KeyboardInterrupt as error:
            interrupt = error
            continue  # once more: it may have come before the call
        opened.pop()
    if interrupt is not None:
        raise interrupt
    return tuple(refused)
