"""The bytes of an opened program: reading them, writing them, and what is checked before.

What explains a failure is loaded with the first failure: importing loads only what a first read needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memaccess._arguments import as_source, as_target, byte_count, checked_address, checked_count
from memaccess._errors import Cause, MemoryAccessError, NotReadableError, SystemFailure
from memaccess._records import Access, PartialRead

if TYPE_CHECKING:
    from typing import SupportsIndex

    from typing_extensions import Buffer

    from memaccess._arguments import Address
    from memaccess._backend._interface import MemoryReader, MemoryWriter, Process, System
    from memaccess._types import DataModel


class ByteAccess:
    """What all access goes through in the end."""

    _system: System
    _pid: int
    _access: Access
    _model: DataModel
    _address_limit: int
    _source: MemoryReader
    """Where it reads from: the process, or what refuses in its place."""
    _sink: MemoryWriter
    """Where it writes to: the process, or what refuses in its place."""
    _process: Process | None = None
    """What an instance has where it is not open: ``__del__`` looks at it even where opening failed."""

    def read(self, size: SupportsIndex, address: Address) -> bytes:
        r"""Read *size* bytes at *address*: all of them, or it is an error.

        :param size: how many bytes; 0 gives ``b''``, whatever is there.
        :param address: where they begin in the program's memory.
        :returns: *size* bytes.
        :raises NotReadableError: the memory there can't be read; the error explains what it is.
        :raises PartialReadError: only the first part can be read; the error has it as ``data``.
        :raises TargetExitedError: the program has ended.
        :raises WrongBitnessError: this 32-bit Python can't read so far up in a 64-bit program.
        :raises MissingRightError: the view was opened with mode ``'w'``.
        :raises ClosedViewError: the view was closed.
        :raises ValueError: the size is negative.
        :raises OverflowError: the range does not lie in the program's address space.

        It is what `ReadProcessMemory
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-readprocessmemory>`__ reads.

        >>> view.read(4, 0x401000)
        b'd\x00\x00\x00'
        """
        count, number = self._checked_range(size, address)
        try:
            return self._source.read(count, number)
        except SystemFailure as failure:
            raise self._read_error(failure, count, number) from None

    def read_into(self, buffer: Buffer, address: Address) -> None:
        r"""Fill *buffer* with the bytes at *address*, without a copy in between.

        :param buffer: a writable bytes-like object, such as a bytearray, an array or a
            ``ctypes`` structure; items of any size. Where reading fails, it holds what arrived.
        :param address: where the bytes begin in the program's memory.
        :raises MemoryAccessError: as in :meth:`read`.
        :raises TypeError: the buffer can't be written.
        :raises ValueError: the buffer isn't contiguous.
        :raises OverflowError: the range does not lie in the program's address space.

        >>> buffer = bytearray(4)
        >>> view.read_into(buffer, 0x401000)
        >>> buffer
        bytearray(b'd\x00\x00\x00')
        """
        target = as_target(buffer)
        size, number = self._checked_range(target.nbytes, address)
        try:
            self._source.read_into(target, number)
        except SystemFailure as failure:
            raise self._read_error(failure, size, number) from None

    def read_available(self, size: SupportsIndex, address: Address) -> PartialRead:
        """Read what can be read of *size* bytes at *address*, and name what can't.

        :param size: how many bytes.
        :param address: where they begin in the program's memory.
        :returns: the bytes, with zeros where there are none, and the missing parts.
        :raises MemoryAccessError: as in :meth:`read`, but not for memory that can't be read.
        :raises ValueError: the size is negative.
        :raises OverflowError: the range does not lie in the program's address space.

        >>> view.read_available(4, 0x401FFE).missing
        ((4202496, 2),)
        """
        count, number = self._checked_range(size, address)
        try:
            return PartialRead(number, self.read(count, number), ())
        except NotReadableError:
            return self._read_available(count, number)

    def _read_available(self, size: int, address: int) -> PartialRead:
        from memaccess import _partial

        process = self._opened("read the memory")
        try:
            result = _partial.read_available(process, size, address)
            if result.missing and not process.is_alive():
                raise self._system.refusal(Cause.INACCESSIBLE)
            return result
        except SystemFailure as failure:
            # What it knows of bytes is of the part that failed, and not of the range.
            raise self._read_error(failure.after(0), size, address) from None

    def write(self, values: Buffer, address: Address, *, force: bool = False) -> None:
        r"""Write the bytes of *values* at *address*: all of them, or it is an error.

        :param values: a bytes-like object, of items of any size.
        :param address: where they go in the program's memory.
        :param force: write also where the program itself may not: the protection is lifted for the
            write and put back after it, also when the write fails.
        :raises NotWritableError: the memory there can't be written; the error explains what it is.
        :raises PartialWriteError: only the first ``transferred`` bytes were written.
        :raises TargetExitedError: the program has ended.
        :raises WrongBitnessError: this 32-bit Python can't write so far up in a 64-bit program.
        :raises MissingRightError: the view was opened without ``'w'`` in its mode.
        :raises ClosedViewError: the view was closed.
        :raises TypeError: the values are no bytes-like object.
        :raises OverflowError: the range does not lie in the program's address space.

        Code pages need no *force* on Windows: `WriteProcessMemory
        <https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-writeprocessmemory>`__
        lifts their protection by itself. Nor do they on Linux, where *force* writes through
        `/proc/PID/mem <https://man7.org/linux/man-pages/man5/proc_pid_mem.5.html>`__, which asks for no protection
        and changes none.

        >>> view.write(b'\x21\x00', 0x401000)
        """
        data = as_source(values)
        size, number = self._checked_range(byte_count(data), address)
        try:
            if force:
                self._sink.write_forced(data, number)
            else:
                self._sink.write(data, number)
        except SystemFailure as failure:
            raise self._error(failure, Access.WRITE, size, number, force=force) from None

    # -- checks and errors

    def _checked_range(self, size: Any, address: Any) -> tuple[int, int]:
        """Size and address as ints that lie in the program's address space."""
        size = checked_count(size)
        return size, self._checked_address(address, size)

    def _checked_address(self, address: Any, size: int) -> int:
        """*address* as an int, where *size* bytes from there on lie in the program's address space."""
        if type(address) is int and 0 <= address <= self._address_limit - size:
            return address
        if isinstance(address, str):
            return self._checked_place(address, size)
        if not hasattr(address, "__index__") and isinstance(getattr(address, "expression", None), str):
            return self._checked_place(address.expression, size)
        return checked_address(address, size, self._model.bitness)

    def _checked_place(self, expression: str, size: int) -> int:
        """As above, where an address expression leads now."""
        number = self._address_of(expression)
        try:
            return checked_address(number, size, self._model.bitness)
        except OverflowError as error:
            from memaccess._address import pointed

            raise pointed(error, expression, 0) from None

    def _address_of(self, expression: str) -> int:
        """What an address expression is now."""
        raise NotImplementedError

    def _read_error(self, failure: SystemFailure, size: int, address: int) -> MemoryAccessError:
        """The error of a read that failed."""
        return self._error(failure, Access.READ, size, address)

    def _error(
        self, failure: SystemFailure, tried: Access, size: int, address: int, *, force: bool = False
    ) -> MemoryAccessError:
        """The error of a read or a write that failed."""
        from memaccess import _explain

        attempt = _explain.Attempt(self._process, self._access, failure, tried, size, address, force)
        return _explain.access_error(attempt, self._pid)

    def _opened(self, what: str) -> Process:
        """The process, for an operation that is named in the error where the view is closed."""
        process = self._process
        if process is None:
            raise self._asking_error(self._system.refusal(Cause.CLOSED), what)
        return process

    def _asking_error(self, failure: SystemFailure, what: str) -> MemoryAccessError:
        """The error of doing anything but reading or writing."""
        from memaccess import _explain

        return _explain.asking_error(failure, self._pid, what)
