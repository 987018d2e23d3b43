"""Copying memory to and from another process.

Small reads go through ``/proc/PID/mem``: Python's own ``pread`` makes the bytes object, and nothing
is faster. From 64 KiB on ``process_vm_readv`` is, which copies once and not twice (measured on Linux
6.18: 12 us for 64 KiB either way; for 1 MiB 7.4 GB/s against 5.6). What it refuses goes through the
file again, which asks for no protection.

https://man7.org/linux/man-pages/man2/process_vm_readv.2.html
https://man7.org/linux/man-pages/man5/proc_pid_mem.5.html
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Any

from memaccess._backend.linux._codes import failure_from, failure_with
from memaccess._errors import Cause, SystemFailure
from memaccess._libc.libc import OTHER, Transfer, place_of, process_vm_readv, process_vm_writev

if TYPE_CHECKING:
    from memaccess._image import Read
    from memaccess._libc._descriptors import OwnedDescriptor

_SMALL = 1 << 16
"""So many bytes take the same time both ways."""
_HIGHEST_OFFSET = (1 << 63) - 1
_HIGHEST_ADDRESS = (1 << 8 * ctypes.sizeof(ctypes.c_void_p)) - 1
"""What a pointer of this Python can name; a file reaches further in a 32-bit one."""

# A bound name in this module, and no attribute look-up per call: typed reads are measured in
# fractions of a microsecond.
_pread = os.pread


def reader(file: OwnedDescriptor) -> Read:
    """Reads in the memory that this file shows: for a look at what it is."""

    def read(size: int, address: int) -> bytes:
        try:
            data = os.pread(file, size, address)
        except OSError as error:
            raise failure_with("pread", error.errno or errno.EIO) from None
        if len(data) < size:
            raise failure_with("pread", errno.EIO, transferred=len(data))
        return data

    return read


class Memory:
    """The memory of one process, as long as that lives and this is not closed."""

    def __init__(self, pid: int, file: OwnedDescriptor) -> None:
        self.pid = pid
        # None once it is closed. Calls name the attribute and keep no local reference: a traceback
        # would hold that, and with it the descriptor, for as long as the error lives.
        self._file: OwnedDescriptor | None = file

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        raise NotImplementedError

    def read(self, size: int, address: int, /) -> bytes:
        """Exactly so many bytes."""
        if size <= _SMALL:
            try:
                data = _pread(self._file, size, address)  # type: ignore[arg-type]  # None where it is closed
            except (OSError, OverflowError, TypeError):
                data = b""
            if len(data) == size:
                return data
        # A fresh bytes object that nobody else has seen yet, filled in place: no second copy.
        data = bytes(size)
        try:
            self._copy_in(place_of(data), address, size)
        except SystemFailure as trouble:
            trouble.data = data[: trouble.transferred]
            raise
        return data

    def read_into(self, buffer: memoryview, address: int, /) -> None:
        """Fill *buffer*, which is writable, contiguous; its items may have any size."""
        if buffer.nbytes:
            whole = (ctypes.c_char * buffer.nbytes).from_buffer(buffer)
            try:
                self._copy_in(ctypes.addressof(whole), address, buffer.nbytes)
            except SystemFailure as trouble:
                trouble.data = whole.raw[: trouble.transferred]
                raise

    def _copy_in(self, place: int, address: int, size: int) -> None:
        """Copy from the process to that place in this one; a failure says how many bytes arrived."""
        done = 0
        while done < size:
            count = self._transfer(process_vm_readv, place + done, address + done, size - done)
            if count <= 0:
                count = self._transfer_through_file(os.preadv, place + done, address + done, size - done)
            if count <= 0:
                raise self._stopped("pread", count, done)
            done += count

    def _copy_out(self, place: int, address: int, size: int) -> int:
        """Copy into the process from that place in this one, where the program itself may write; how much of it was."""
        done = 0
        while done < size:
            count = self._transfer(process_vm_writev, place + done, address + done, size - done)
            if count <= 0:
                break
            done += count
        return done

    def _copy_out_through_file(self, place: int, address: int, size: int) -> None:
        """As above, whatever the protection; a failure says how many bytes were written."""
        done = 0
        while done < size:
            count = self._transfer_through_file(os.pwritev, place + done, address + done, size - done)
            if count <= 0:
                raise self._stopped("pwrite", count, done)
            done += count

    def _transfer(self, function: Any, place: int, address: int, size: int) -> int:
        """How many bytes were copied; 0 or less where none could be."""
        # It goes by the pid: another process that has it now must not be written to, nor count as this one.
        if address + size > _HIGHEST_ADDRESS or not self.is_alive():
            return 0
        both = Transfer(place, size, address, size)
        here = ctypes.addressof(both)
        count: int = function(self.pid, here, 1, here + OTHER, 1, 0)
        return count if count <= 0 or self.is_alive() else 0

    def _transfer_through_file(self, function: Any, place: int, address: int, size: int) -> int:
        """As above; a negative number is that of the error."""
        if address > _HIGHEST_OFFSET:
            return -errno.EFAULT
        buffer = (ctypes.c_char * min(size, _SMALL)).from_address(place)
        try:
            count: int = function(self._file, [buffer], address)
        except OSError as error:
            return -(error.errno or errno.EIO)
        except TypeError:  # there is no file any more
            return -errno.EBADF
        return count

    def _stopped(self, api: str, count: int, done: int) -> SystemFailure:
        """The failure of a copy that came no further."""
        if self._file is None:
            return failure_from(Cause.CLOSED, api).after(done)
        if not self.is_alive():
            count = -errno.ESRCH
        return failure_with(api, -count or errno.EIO, transferred=done)
