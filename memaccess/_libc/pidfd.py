"""What the kernel tells through a descriptor of a process.

https://man7.org/linux/man-pages/man2/pidfd_open.2.html, and the kernel's include/uapi/linux/pidfd.h
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os

from memaccess._libc.libc import library

_PIDFD_OPEN = 434
"""The same number on every machine."""


class PidfdInfo(ctypes.Structure):
    """``struct pidfd_info`` as of Linux 6.13, 64 bytes; the exit code since Linux 6.15."""

    _fields_ = [
        ("mask", ctypes.c_uint64),
        ("cgroupid", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("tgid", ctypes.c_uint32),
        ("ppid", ctypes.c_uint32),
        ("ruid", ctypes.c_uint32),
        ("rgid", ctypes.c_uint32),
        ("euid", ctypes.c_uint32),
        ("egid", ctypes.c_uint32),
        ("suid", ctypes.c_uint32),
        ("sgid", ctypes.c_uint32),
        ("fsuid", ctypes.c_uint32),
        ("fsgid", ctypes.c_uint32),
        ("exit_code", ctypes.c_int32),
    ]


PIDFD_INFO_EXIT = 1 << 3

_IOC_READ_WRITE = 3
_PIDFS = 0xFF
_GET_INFO = 11
PIDFD_GET_INFO = _IOC_READ_WRITE << 30 | ctypes.sizeof(PidfdInfo) << 16 | _PIDFS << 8 | _GET_INFO


def pidfd_open(pid: int) -> int:
    """A descriptor of the process, which becomes readable when it ends.

    Python's own is only there where it was compiled beside a new C library.

    :raises OSError: there is no such process; or the kernel is older than 5.3.
    """
    found: int = library.syscall(ctypes.c_long(_PIDFD_OPEN), ctypes.c_int(pid), ctypes.c_uint(0))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found
