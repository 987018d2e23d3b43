"""Functions of the C library that Python does not have."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os

library = ctypes.CDLL(None, use_errno=True)
library.syscall.restype = ctypes.c_long


class Transfer(ctypes.Structure):
    """Two ``iovec``: where bytes lie in this process, and where in another one.

    https://man7.org/linux/man-pages/man3/iovec.3type.html
    """

    _fields_ = [
        ("own_base", ctypes.c_void_p),
        ("own_length", ctypes.c_size_t),
        ("other_base", ctypes.c_size_t),
        ("other_length", ctypes.c_size_t),
    ]


OTHER = Transfer.other_base.offset
"""How far behind the first of the two the second one begins."""


def place_of(data: bytes) -> int:
    """Where the bytes of an object lie in this process, as long as the object lives."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


_arguments = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_ulong,
)

# https://man7.org/linux/man-pages/man2/process_vm_readv.2.html
process_vm_readv = library.process_vm_readv
process_vm_readv.restype = ctypes.c_ssize_t
process_vm_readv.argtypes = _arguments

process_vm_writev = library.process_vm_writev
process_vm_writev.restype = ctypes.c_ssize_t
process_vm_writev.argtypes = _arguments

_KCMP = {("x86_64", 8): 312, ("x86_64", 4): 349, ("i686", 4): 349, ("aarch64", 8): 272}
"""The number of the system call, by the machine and the bytes of a pointer."""
_KCMP_VM = 1


def shares_memory(pid: int, other: int) -> bool:
    """Whether two processes have the same memory; also False where the system does not tell.

    https://man7.org/linux/man-pages/man2/kcmp.2.html
    """
    number = _KCMP.get((os.uname().machine, ctypes.sizeof(ctypes.c_void_p)))
    if number is None:
        return False
    words = [ctypes.c_long(each) for each in (number, pid, other, _KCMP_VM, 0, 0)]
    return bool(library.syscall(*words) == 0)


# https://man7.org/linux/man-pages/man3/free.3.html
free = library.free
free.restype = None
free.argtypes = (ctypes.c_void_p,)
