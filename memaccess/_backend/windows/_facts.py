"""What memaccess knows of Windows without asking it, and says in Windows' own terms.

Pure: the in-memory system of :mod:`memaccess.testing` plays Windows with it.
"""

from __future__ import annotations

from memaccess._errors import Cause
from memaccess._records import AddressSpace

SPACES = {
    32: AddressSpace(lowest=0x10000, end=0xFFFF_0000),
    64: AddressSpace(lowest=0x10000, end=0x7FFF_FFFF_0000),
}
"""Where programs can have memory, by their bitness; many 32-bit programs have only the lower half of it.

The same as GetSystemInfo tells a program about itself. The 64 KiB at either end are always free.
https://learn.microsoft.com/windows/win32/api/sysinfoapi/ns-sysinfoapi-system_info
"""


def why_not_opened(pid: int, name: str, cause: Cause) -> str:
    """Why OpenProcess failed and what to do about it; ``''`` where its own text says as much.

    :param name: the name of the process, as far as it is known.
    """
    who = f"Process {pid} ({name})" if name else f"Process {pid}"
    if cause is Cause.NO_PROCESS:
        return _why_not_found(pid)
    if cause is Cause.PROTECTED:
        return f"{who} is protected: Windows lets nobody at its memory, administrators included."
    if cause is Cause.DENIED:
        return (
            f"{who} belongs to another user, or runs with higher rights than this Python. "
            "Run Python as the same user, or as administrator."
        )
    return ""


def _why_not_found(pid: int) -> str:
    if pid == 0:
        return "Pid 0 is Windows' idle process, which no program can open."
    if pid % 4:
        return f"No process has the pid {pid}; those that Windows gives out are multiples of four."
    return (
        f"No process with pid {pid} is running; it may have ended. "
        "memaccess.list_processes() shows those that are."
    )
