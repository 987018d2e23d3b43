"""Windows' page protection as portable facts.

Pure: the in-memory process of :mod:`memaccess.testing` protects its pages with the same values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._records import Access, Kind, Region, State
from memaccess._win32._codes import ERROR_INVALID_ADDRESS, failure_with
from memaccess._win32._constants import MemoryState, MemoryType, PageProtection

if TYPE_CHECKING:
    from memaccess._errors import SystemFailure

# As plain ints: a walk over the map asks thousands of times, and flags are slow.
_READABLE = int(
    PageProtection.READONLY
    | PageProtection.READWRITE
    | PageProtection.WRITECOPY
    | PageProtection.EXECUTE_READ
    | PageProtection.EXECUTE_READWRITE
    | PageProtection.EXECUTE_WRITECOPY
)
_WRITABLE = int(
    PageProtection.READWRITE
    | PageProtection.WRITECOPY
    | PageProtection.EXECUTE_READWRITE
    | PageProtection.EXECUTE_WRITECOPY
)
_EXECUTABLE = int(
    PageProtection.EXECUTE
    | PageProtection.EXECUTE_READ
    | PageProtection.EXECUTE_READWRITE
    | PageProtection.EXECUTE_WRITECOPY
)
RIGHTS = {
    "---": PageProtection.NOACCESS,
    "r--": PageProtection.READONLY,
    "rw-": PageProtection.READWRITE,
    "--x": PageProtection.EXECUTE,
    "r-x": PageProtection.EXECUTE_READ,
    "rwx": PageProtection.EXECUTE_READWRITE,
}
"""The protections that Windows has, by what they allow."""
_PRIVATE_COPIES = {
    PageProtection.READWRITE: PageProtection.WRITECOPY,
    PageProtection.EXECUTE_READWRITE: PageProtection.EXECUTE_WRITECOPY,
}
_GUARD = int(PageProtection.GUARD)
_COMMIT, _FREE = int(MemoryState.COMMIT), int(MemoryState.FREE)
_STATES: dict[int, State] = {
    _COMMIT: "committed",
    int(MemoryState.RESERVE): "reserved",
    _FREE: "free",
}
_KINDS: dict[int, Kind] = {
    int(MemoryType.PRIVATE): "private",
    int(MemoryType.MAPPED): "mapped",
    int(MemoryType.IMAGE): "image",
}


def region(
    base: int,
    size: int,
    state: int,
    protection: int,
    kind: int,
    allocation_base: int,
    allocation_protection: int,
) -> Region:
    """A region from the values that Windows gives; what it leaves undefined is 0."""
    free = state == _FREE
    protection = protection if state == _COMMIT else 0
    return Region(
        base=base,
        size=size,
        state=_STATES[state],
        kind=None if free else _KINDS.get(kind),
        readable=bool(protection & _READABLE),
        writable=bool(protection & _WRITABLE),
        executable=bool(protection & _EXECUTABLE),
        guarded=bool(protection & _GUARD),
        protection=protection,
        allocation_base=0 if free else allocation_base,
        allocation_protection=0 if free else allocation_protection,
        raw_state=state,
        raw_kind=0 if free else kind,
    )


def refuses(region: Region, access: Access) -> bool:
    """Whether ReadProcessMemory, or WriteProcessMemory, stops at such memory.

    The latter lifts the protection of code by itself, and of nothing else (ReactOS does it the same
    way: dll/win32/kernel32/client/proc.c).
    """
    allowed = region.readable if access is Access.READ else region.writable or region.executable
    return region.state != "committed" or region.guarded or not allowed


def writable_forms(region: Region) -> tuple[int, int]:
    """The protections that open a region to writing, the one to try first in front.

    GUARD has to go, or the write would set it off. A view of a file that was mapped for reading
    takes no READWRITE, but a private copy.
    """
    return forms("rwx" if region.executable else "rw-", region)


def forms(rights: str, region: Region) -> tuple[int, int]:
    """The protections that give those *rights* to a region, the one to try first in front."""
    value = RIGHTS[rights]
    cache: int = region.protection & (PageProtection.NOCACHE | PageProtection.WRITECOMBINE)
    if value == PageProtection.NOACCESS:
        cache = 0  # neither goes with it
    return value | cache, _PRIVATE_COPIES.get(value, value) | cache


def nothing_there() -> SystemFailure:
    """The failure where a part of a range has no memory."""
    return failure_with("VirtualQueryEx", ERROR_INVALID_ADDRESS, "no memory there")
