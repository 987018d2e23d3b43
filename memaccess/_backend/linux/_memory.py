"""Copying memory to and from another process.

Small reads go through ``/proc/PID/mem``: Python's own ``pread`` makes the bytes object, and nothing
is faster. From 64 KiB on ``process_vm_readv`` is, which copies once and not twice (measured on Linux
6.18: 12 us for 64 KiB either way; for 1 MiB 7.4 GB/s against 5.6). And many small reads in different
places: it takes 1024 of them in one call. What it refuses goes through the file again, which asks for
no protection.

A process may replace its program (execve). The file then still means the memory of the old one, and
tells by giving nothing that this is gone, while ``process_vm_readv`` reads what the new one has there. So
what was read by pid counts only while the file has its memory, and is never put together with what was
read through the file. When that has lost its memory, it is opened anew, and all of the access is done
once more.

https://man7.org/linux/man-pages/man2/process_vm_readv.2.html
https://man7.org/linux/man-pages/man5/proc_pid_mem.5.html
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import ctypes
import errno
import os
from array import array
from bisect import bisect_right
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, TypeVar

from memaccess._backend.linux._codes import failure_from, failure_with
from memaccess._batch import one_by_one
from memaccess._errors import Cause, SystemFailure
from memaccess._libc.libc import OTHER, Transfer, place_of, process_vm_readv, process_vm_writev

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memaccess._image import Read
    from memaccess._libc._descriptors import OwnedDescriptor

T = TypeVar("T")

_SMALL = 1 << 16
"""So many bytes take the same time both ways."""
_FEW = 10
"""So many places take the same time in one call and one by one."""
_PATIENCE = 8
"""So often it may stop; from then on, each call has to bring more than a few places."""
_MANY = 1024
"""How many the kernel takes in one call: IOV_MAX."""
_LARGE = 1 << 14
"""A place of more bytes is read alone: the call is the lesser part, and a copy is saved."""
_MOST_PROGRAMS = 100
"""So often a process may replace its program while one access is under way."""
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


class Generation:
    """Which of the programs it is that a process has run one after the other."""

    def __init__(self) -> None:
        self.number = 0


class Memory:
    """The memory of one process, as long as that lives and this is not closed."""

    def __init__(self, pid: int, file: OwnedDescriptor) -> None:
        self.pid = pid
        # None once it is closed. Calls name the attribute and keep no local reference: a traceback
        # would hold that, and with it the descriptor, for as long as the error lives.
        self._file: OwnedDescriptor | None = file
        self._generation = Generation()

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        raise NotImplementedError

    def _follow(self) -> bool:
        """Open the memory of the program that the process runs now; False where it has ended.

        True means to try again: it may be replaced at this very moment.

        :raises SystemFailure: the view can't go on with that one.
        """
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
            self._following(self._copy_in, place_of(data), address, size)
        except SystemFailure as trouble:
            trouble.data = data[: trouble.transferred]
            raise
        return data

    def read_into(self, buffer: memoryview, address: int, /) -> None:
        """Fill *buffer*, which is writable, contiguous; its items may have any size."""
        if buffer.nbytes <= _SMALL:
            with contextlib.suppress(OSError, OverflowError, TypeError):
                if os.preadv(self._file, [buffer], address) == buffer.nbytes:  # type: ignore[arg-type]
                    return
        if buffer.nbytes:
            whole = (ctypes.c_char * buffer.nbytes).from_buffer(buffer)
            try:
                self._following(self._copy_in, ctypes.addressof(whole), address, buffer.nbytes)
            except SystemFailure as trouble:
                trouble.data = whole.raw[: trouble.transferred]
                raise

    def read_each(self, places: Sequence[tuple[int, int]], /) -> Iterator[bytes | None]:
        """The bytes of each place; None where there are none, and :meth:`read` says why."""
        for first in range(0, len(places), _MANY):
            part = places[first : first + _MANY]
            yield from one_by_one(self.read, part) if len(part) < _FEW else self._read_together(part)

    def _read_together(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes | None]:
        """As above, for no more places than one call takes."""
        sizes = [size if size <= _LARGE else 0 for size, _ in places]
        ends = list(accumulate(sizes))
        data = bytes(ends[-1])
        try:
            self._gather(data, ends, sizes, [address for _, address in places])
        except OverflowError:  # beyond the pointers of this Python
            sizes = [0] * len(places)
        for place, size, end in zip(places, sizes, ends, strict=True):
            if size == place[0]:
                yield data[end - size : end]
            else:
                yield from one_by_one(self.read, (place,))

    def _gather(self, data: bytes, ends: list[int], sizes: list[int], addresses: list[int]) -> None:
        """Fill *data*, which nobody else has seen, from several places; those that it can't read get the size 0.

        :param ends: where in *data* the bytes of each place end.
        """
        others = array("L", chain.from_iterable(zip(addresses, sizes, strict=True)))  # an iovec for each
        start, there = place_of(data), others.buffer_info()[0]
        index = done = stops = 0
        while index < len(ends) and (stops - _PATIENCE) * _FEW <= index:
            here = array("L", (start + done, len(data) - done))
            count = process_vm_readv(
                self.pid, here.buffer_info()[0], 1, there + index * OTHER, len(ends) - index, 0
            )
            if count < 0 and ctypes.get_errno() != errno.EFAULT:  # it may not, or there is no such call
                break
            index = bisect_right(ends, done + max(count, 0), index)
            if index < len(ends):
                # It stops at the first place that it can't read, though it may have read a part of it.
                stops += 1
                sizes[index] = 0
                done = ends[index]
                index += 1
        first = index if self._is_there(addresses[0]) else 0  # as in _copy_in
        sizes[first:] = [0] * (len(sizes) - first)

    def _following(self, access: Callable[..., T], *arguments: Any) -> T:
        """What an access gives, all of which was to one program: that of now, where it has been replaced."""
        for _ in range(_MOST_PROGRAMS):
            number = self._generation.number
            try:
                result = access(*arguments)
            except SystemFailure as trouble:
                has_followed = trouble.cause is Cause.REPLACED and self._follow()
                if not has_followed and self._generation.number == number:
                    raise
            else:
                if self._generation.number == number:
                    return result
        return access(*arguments)

    def _copy_in(self, place: int, address: int, size: int) -> None:
        """Copy from the process to that place in this one; a failure says how many bytes arrived."""
        # What has the pid may be another process by now, or run another program: not if the file has its memory yet.
        if self._copy_by_pid(process_vm_readv, place, address, size) == size and self._is_there(address):
            return
        self._copy_through_file(os.preadv, "pread", place, address, size)

    def _copy_out(self, place: int, address: int, size: int) -> int:
        """Copy into the process from that place in this one, where the program itself may write; how much of it was."""
        # What has the pid may be another process by now, or run another program: that is not written to.
        is_same = self.is_alive() and self._is_there()
        return self._copy_by_pid(process_vm_writev, place, address, size) if is_same else 0

    def _copy_by_pid(self, function: Any, place: int, address: int, size: int) -> int:
        """How many bytes were copied by the faster way."""
        done = 0
        while done < size:
            count = self._transfer(function, place + done, address + done, size - done)
            if count <= 0:
                break
            done += count
        return done

    def _copy_out_through_file(self, place: int, address: int, size: int) -> None:
        """Copy into the process whatever the protection; a failure says how many bytes were written."""
        self._copy_through_file(os.pwritev, "pwrite", place, address, size)

    def _copy_through_file(self, function: Any, api: str, place: int, address: int, size: int) -> None:
        """Copy by the way that asks for no protection; a failure of *api* says how many bytes were copied."""
        done = 0
        while done < size:
            count = self._transfer_through_file(function, place + done, address + done, size - done)
            if count <= 0:
                raise self._stopped(api, count, done)
            done += count

    def _transfer(self, function: Any, place: int, address: int, size: int) -> int:
        """How many bytes were copied; 0 or less where none could be."""
        if address + size > _HIGHEST_ADDRESS:
            return 0
        both = Transfer(place, size, address, size)
        here = ctypes.addressof(both)
        count: int = function(self.pid, here, 1, here + OTHER, 1, 0)
        return count

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

    def _is_there(self, address: int = 0) -> bool:
        """Whether the file still has a program's memory: the process has neither ended nor replaced it.

        :param address: where there is ordinary memory, which is read the fastest; devices may mind.
        """
        try:
            return bool(_pread(self._file, 1, min(address, _HIGHEST_OFFSET)))  # type: ignore[arg-type]
        except OSError:
            return True  # but none at that address
        except TypeError:  # there is no file any more
            return False

    def _stopped(self, api: str, count: int, done: int) -> SystemFailure:
        """The failure of a copy that came no further."""
        if self._file is None:
            return failure_from(Cause.CLOSED, api).after(done)
        if not self.is_alive():
            count = -errno.ESRCH
        elif not count:
            text = f"Process {self.pid} is ending, or runs another program now; its memory is gone."
            return failure_from(Cause.REPLACED, api, text).after(done)
        return failure_with(api, -count or errno.EIO, transferred=done)
