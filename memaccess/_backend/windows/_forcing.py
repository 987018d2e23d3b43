"""Forced writes of Windows: lift the protection, write, and put it back.

Pure: the in-memory process of :mod:`memaccess.testing` does it the same way.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from memaccess._arguments import byte_count
from memaccess._backend._pages import (
    Protected,
    change,
    nothing_left,
    pieces,
    restore,
    restore_after,
    turn_of,
)
from memaccess._backend.windows import _protection
from memaccess._errors import SystemFailure

if TYPE_CHECKING:
    from memaccess._records import Region


class Writable(Protected, Protocol):
    """A process that can be written to, once the protection allows it."""

    def write(self, data: bytes | memoryview, address: int, /) -> None: ...

    def flush_code(self, address: int, size: int, /) -> None:
        """Make the processor read changed code anew."""
        ...


def write_forced(process: Writable, data: bytes | memoryview, address: int) -> None:
    """Write *data* whatever the protection, and put back what was changed, whatever happens.

    :raises SystemFailure: not all of it was written; or all was, as ``transferred`` then says, and
        what has to follow failed. Its ``unrestored`` says where a protection could not be put back.
    """
    lifted: list[Region] = []
    with turn_of(process.pid), nothing_left(process, lifted):
        try:
            for piece in pieces(process, address, byte_count(data)):
                if _is_shielded(piece):
                    change(process, piece, _protection.writable_forms(piece), lifted)
            process.write(data, address)
        except BaseException as stop:
            restore_after(process, lifted, stop)
            if isinstance(stop, SystemFailure):
                _flush_after_failure(process, address, stop.transferred)
            raise
        _finish(process, lifted, address, byte_count(data))


def _finish(process: Writable, lifted: list[Region], address: int, size: int) -> None:
    """What follows a write that succeeded; where it fails, all *size* bytes are written."""
    try:
        restore(process, lifted)
    except SystemFailure as failure:
        _flush_after_failure(process, address, size)
        raise failure.after(size) from None
    try:
        process.flush_code(address, size)
    except SystemFailure as failure:
        raise failure.after(size) from None


def _flush_after_failure(process: Writable, address: int, size: int) -> None:
    """Flush what was written; the failure before it is the one to report."""
    if size:
        with contextlib.suppress(SystemFailure):
            process.flush_code(address, size)


def _is_shielded(region: Region) -> bool:
    return region.guarded or not region.writable
