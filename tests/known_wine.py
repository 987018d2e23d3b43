"""Where Wine is not Windows: what each of them does, and why. The one table that tests ask.

What Windows does is taken from Microsoft's documentation, from Wine's tests (which run on Windows)
and from ReactOS; what Wine does was seen on the version in :data:`SEEN`. A newer Wine that does as
Windows does fails the test, and its row goes.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, NamedTuple

import known_linux
from support.outcomes import ANY_CODE, ANY_COUNT, ANY_ERROR, WORKS, Outcome

from memaccess import (
    NotReadableError,
    NotWritableError,
    PartialReadError,
    ProcessDeniedError,
    ProcessNotFoundError,
)

SEEN = "Wine 8.0 (Debian 8.0~repack-4)"

IS_WINE = sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


class Difference(NamedTuple):
    windows: Any
    wine: Any
    reason: str


_IGNORES_PROTECTION = (
    "the server copies through /proc/PID/mem, which asks for no page protection (server/ptrace.c)"
)
_KEEPS_FREE_READABLE = (
    "what is free or reserved beside a program's memory is mapped all the same, and reads as zeros"
)
_OTHER_CODE = "it reports 998 for every address that can't be read, and 5 for those that can't be written"
_ALL_OR_NOTHING = "it copies nothing where it can't copy all; and it reports 998, or 5 for a write"
_RAW_WRITE = (
    "on Windows NtWow64WriteVirtualMemory64 does not lift the protection of code; " + _IGNORES_PROTECTION
)

_UNREADABLE = Outcome(NotReadableError, 299)
_PROTECTED = Outcome(NotWritableError, 998)
_NOT_COMMITTED = Outcome(NotWritableError, 487)

DIFFERENCES: dict[str, Difference] = {
    "read noaccess": Difference(_UNREADABLE, WORKS, _IGNORES_PROTECTION),
    "read guard": Difference(_UNREADABLE, WORKS, _IGNORES_PROTECTION),
    "read reserved": Difference(_UNREADABLE, WORKS, _KEEPS_FREE_READABLE),
    "read free": Difference(_UNREADABLE, WORKS, _KEEPS_FREE_READABLE),
    "read null": Difference(_UNREADABLE, Outcome(NotReadableError, 998), _OTHER_CODE),
    "read behind lonely": Difference(_UNREADABLE, Outcome(NotReadableError, 998), _OTHER_CODE),
    "read across border": Difference(Outcome(PartialReadError, 299, 16), WORKS, _IGNORES_PROTECTION),
    "read across lonely": Difference(
        Outcome(PartialReadError, 299, 16), Outcome(NotReadableError, 998), _ALL_OR_NOTHING
    ),
    "write readonly": Difference(_PROTECTED, WORKS, _IGNORES_PROTECTION),
    "write noaccess": Difference(_PROTECTED, WORKS, _IGNORES_PROTECTION),
    "write guard": Difference(Outcome(NotWritableError, ANY_CODE), WORKS, _IGNORES_PROTECTION),
    "write reserved": Difference(_NOT_COMMITTED, WORKS, _KEEPS_FREE_READABLE),
    "write free": Difference(_NOT_COMMITTED, WORKS, _KEEPS_FREE_READABLE),
    "write null": Difference(_NOT_COMMITTED, Outcome(NotWritableError, 5), _OTHER_CODE),
    "write behind lonely": Difference(_NOT_COMMITTED, Outcome(NotWritableError, 5), _OTHER_CODE),
    "write across lonely": Difference(
        Outcome(ANY_ERROR, ANY_CODE, ANY_COUNT), Outcome(NotWritableError, 5), _ALL_OR_NOTHING
    ),
    "write across run": Difference(Outcome(ANY_ERROR, ANY_CODE, ANY_COUNT), WORKS, _IGNORES_PROTECTION),
    "write execute_read from 32 to 64": Difference(Outcome(NotWritableError, ANY_CODE), WORKS, _RAW_WRITE),
    "skip memory that was freed": Difference(True, False, _KEEPS_FREE_READABLE),
    "open the system process": Difference(
        ProcessDeniedError, ProcessNotFoundError, "it has no process with pid 4, the one of Windows' kernel"
    ),
    "handle to ask what the memory is": Difference(
        None, 0x400, "VirtualQueryEx wants QUERY_INFORMATION, and Windows the limited one since Windows 8"
    ),
}


def expected(key: str, windows: Any) -> Any:
    """What the system at hand does; *windows* is what Windows does, which the table has to confirm."""
    if known_linux.IS_LINUX:
        return known_linux.expected(key, windows)
    difference = DIFFERENCES.get(key) if IS_WINE else None
    if difference is None:
        return windows
    assert difference.windows == windows, f"tests disagree on what Windows does: {key}"
    return difference.wine
