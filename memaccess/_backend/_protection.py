"""Windows' page protection as portable facts, and writing to memory that is protected from it.

Pure: the in-memory process of :mod:`memaccess.testing` protects its pages with the same values.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from memaccess._buffers import byte_count
from memaccess._errors import ERROR_INVALID_ADDRESS, SystemFailure
from memaccess._regions import Region
from memaccess._win32._constants import MemoryState, MemoryType, PageProtection

_READABLE = (
    PageProtection.READONLY
    | PageProtection.READWRITE
    | PageProtection.WRITECOPY
    | PageProtection.EXECUTE_READ
    | PageProtection.EXECUTE_READWRITE
    | PageProtection.EXECUTE_WRITECOPY
)
_WRITABLE = (
    PageProtection.READWRITE
    | PageProtection.WRITECOPY
    | PageProtection.EXECUTE_READWRITE
    | PageProtection.EXECUTE_WRITECOPY
)
_EXECUTABLE = (
    PageProtection.EXECUTE
    | PageProtection.EXECUTE_READ
    | PageProtection.EXECUTE_READWRITE
    | PageProtection.EXECUTE_WRITECOPY
)
_STATES = {MemoryState.COMMIT: "committed", MemoryState.RESERVE: "reserved", MemoryState.FREE: "free"}
_KINDS = {MemoryType.PRIVATE: "private", MemoryType.MAPPED: "mapped", MemoryType.IMAGE: "image"}


def region(base: int, size: int, state: int, protection: int, kind: int) -> Region:
    """A region from the values that Windows gives; what it leaves undefined is 0."""
    committed = state == MemoryState.COMMIT
    protection = protection if committed else 0
    return Region(
        base=base,
        size=size,
        state=_STATES[MemoryState(state)],
        kind=None if state == MemoryState.FREE else _KINDS.get(MemoryType(kind)),
        readable=bool(protection & _READABLE),
        writable=bool(protection & _WRITABLE),
        executable=bool(protection & _EXECUTABLE),
        guarded=bool(protection & PageProtection.GUARD),
        protection=protection,
    )


class Protected(Protocol):
    """A process whose pages can be given another protection."""

    def region_at(self, address: int, /) -> Region | None: ...

    def protect(self, address: int, size: int, protection: int, /) -> None:
        """Give all pages of the range that protection."""
        ...

    def flush_code(self, address: int, size: int, /) -> None:
        """Make the processor read changed code anew."""
        ...

    def write(self, data: bytes | memoryview, address: int, /) -> None: ...


class _Piece(NamedTuple):
    address: int
    size: int
    region: Region


def write_forced(process: Protected, data: bytes | memoryview, address: int) -> None:
    """Write *data* whatever the protection, and put back what was changed, also when it fails."""
    size = byte_count(data)
    closed = [piece for piece in _pieces(process, address, size) if _refuses_writes(piece.region)]
    opened: list[_Piece] = []
    try:
        for piece in closed:
            _make_writable(process, piece)
            opened.append(piece)
        process.write(data, address)
    finally:
        _restore(process, opened)
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
            raise SystemFailure("VirtualQueryEx", winerror=ERROR_INVALID_ADDRESS, text="no memory there")
        stop = min(region.end, end)
        pieces.append(_Piece(address, stop - address, region))
        address = stop
    return pieces


def _refuses_writes(region: Region) -> bool:
    return region.guarded or not region.writable


def _make_writable(process: Protected, piece: _Piece) -> None:
    first, second = _writable_forms(piece.region)
    try:
        process.protect(piece.address, piece.size, first)
    except SystemFailure:
        # A view of a file that was mapped for reading takes no READWRITE, but a private copy.
        process.protect(piece.address, piece.size, second)


def _writable_forms(region: Region) -> tuple[int, int]:
    """The protections to try, in this order; GUARD has to go, or the write would set it off."""
    cache = region.protection & (PageProtection.NOCACHE | PageProtection.WRITECOMBINE)
    if region.executable:
        return PageProtection.EXECUTE_READWRITE | cache, PageProtection.EXECUTE_WRITECOPY | cache
    return PageProtection.READWRITE | cache, PageProtection.WRITECOPY | cache


def _restore(process: Protected, opened: list[_Piece]) -> None:
    """Put every piece's protection back, as many as can be; the first failure is raised at the end."""
    failures: list[SystemFailure] = []
    for piece in reversed(opened):
        try:
            process.protect(piece.address, piece.size, piece.region.protection)
        except SystemFailure as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
