"""Where Linux is not Windows: what each of them does with the same access. As known_wine.py, the one table that tests ask."""

from __future__ import annotations

import errno
import platform
import sys
from typing import Any

from support.outcomes import ANY_CODE, WORKS, Outcome

from memaccess import NotReadableError, NotWritableError, PartialReadError, PartialWriteError

IS_LINUX = sys.platform == "linux"

CAN_STOP = IS_LINUX and platform.machine() == "x86_64" and sys.maxsize > 1 << 32
"""Whether this Python can stop programs, and have them change their memory maps."""
WHY_NOT_STOPPED = "programs of Linux are stopped from a 64-bit Python on x86-64 alone"

CODES = {6: errno.EBADF, 5: errno.EACCES, 299: errno.EIO, 998: errno.EFAULT, 487: errno.EFAULT}
"""What Linux says where Windows gives that code."""

DIFFERENCES: dict[str, Outcome] = {
    # /proc/PID/mem asks for no protection (FOLL_FORCE in the kernel's fs/proc/base.c).
    "read noaccess": WORKS,
    "read across border": WORKS,
    "read kernel": Outcome(NotReadableError, ANY_CODE),
    "read across lonely": Outcome(PartialReadError, errno.EIO, 16),
    "write kernel": Outcome(NotWritableError, ANY_CODE),
    "write across lonely": Outcome(PartialWriteError, errno.EFAULT, 8),
    "write across run": Outcome(PartialWriteError, errno.EFAULT, 8),
}


def expected(key: str, windows: Any) -> Any:
    """What Linux does; *windows* is what Windows does."""
    if key in DIFFERENCES:
        return DIFFERENCES[key]
    if isinstance(windows, Outcome) and windows.code in CODES:
        return windows._replace(code=CODES[windows.code])
    return windows
