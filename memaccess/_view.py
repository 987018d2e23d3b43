"""MemoryView: a running program's memory, opened for reading, writing or both.

What explains a failure is loaded with the first failure: importing memaccess stays as cheap as a first
read.
"""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING, Any

from memaccess import _partial, _processes
from memaccess._aggregates import Aggregates, checked_count
from memaccess._backend import Access, default_system
from memaccess._buffers import as_source, as_target, byte_count
from memaccess._errors import (
    ERROR_ACCESS_DENIED,
    ERROR_INVALID_HANDLE,
    ClosedViewError,
    MemoryAccessError,
    NotReadableError,
    SystemFailure,
)
from memaccess._partial import PartialRead

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator

    from typing_extensions import Self

    from memaccess._backend import Process, System
    from memaccess._regions import Region

_MODES = {"r": Access.READ, "w": Access.WRITE}
_PID_LIMIT = 1 << 32


class _Refusal:
    """Stands where a view reads or writes, when it may not: nothing reaches the system."""

    def __init__(self, code: int) -> None:
        self._code = code

    def _refuse(self, *_: Any) -> Any:
        raise SystemFailure("", winerror=self._code)

    read = read_into = write = write_forced = _refuse


_NOT_IN_MODE = _Refusal(ERROR_ACCESS_DENIED)
_CLOSED = _Refusal(ERROR_INVALID_HANDLE)


class MemoryView(Aggregates):
    """Live access to the memory of another program.

    :param pid: the process to open.
    :param mode: ``'r'`` to read, ``'w'`` to write, ``'rw'`` for both.
    :param system: where to look for the process; the operating system, where it is not given.
    :raises ValueError: the mode is none of those.
    :raises ProcessNotFoundError: no process has that pid.
    :raises ProcessDeniedError: the process belongs to another user, or has higher rights.
    :raises ProcessOpenError: the system refused for another reason.

    The handle asks for the least that the mode needs. Use the view in a ``with`` block, which
    closes it. Several threads may share one view, and any of them may close it.

    >>> with MemoryView(pid, 'rw') as view:
    ...     view.write_int(33, 0x401000)
    ...     view.read_int(0x401000)
    33
    """

    __module__ = "memaccess"

    # What an instance has where it is not open: __del__ looks at it even where opening failed.
    _process: Process | None = None

    def __init__(self, pid: int, mode: str = "r", *, system: System | None = None) -> None:
        self._access = _checked_mode(mode)
        self._pid = _checked_pid(pid)
        self._mode = mode
        system = default_system() if system is None else system
        try:
            process = system.open(self._pid, self._access)
        except SystemFailure as failure:
            from memaccess import _explain

            raise _explain.opening_error(system, failure, self._pid) from None
        self._name = process.name
        self._model = process.model
        self._address_limit = process.model.address_limit
        self._source = process if Access.READ in self._access else _NOT_IN_MODE
        self._sink = process if Access.WRITE in self._access else _NOT_IN_MODE
        self._process = process

    @classmethod
    def from_name(cls, name: str, mode: str = "r", *, system: System | None = None) -> MemoryView:
        """Open the one process of that name.

        :param name: file name of the program, whole; letter case does not count, and ``.exe`` may
            be left out.
        :raises ProcessNotFoundError: no process has that name.
        :raises AmbiguousProcessError: several have it; its ``pids`` tells which.

        >>> with MemoryView.from_name('game') as view:
        ...     view.name
        'game.exe'
        """
        _checked_mode(mode)
        return cls(_processes.find_process(name, system=system).pid, mode, system=system)

    @classmethod
    def from_window(cls, title: str, mode: str = "r", *, system: System | None = None) -> MemoryView:
        """Open the one process that has a top-level window with that title.

        :param title: the whole title; letter case does not count.
        :raises ProcessNotFoundError: there is no such window.
        :raises AmbiguousProcessError: several processes have one; its ``pids`` tells which.

        >>> with MemoryView.from_window('The Game') as view:
        ...     view.name
        'game.exe'
        """
        _checked_mode(mode)
        return cls(_processes.find_window(title, system=system).pid, mode, system=system)

    @classmethod
    def from_current_process(cls, mode: str = "r", *, system: System | None = None) -> MemoryView:
        """Open the process that this Python runs in."""
        return cls(_processes.current_pid(system=system), mode, system=system)

    # -- life time

    def close(self) -> None:
        """Give the process handle back to the system.

        :raises ClosedViewError: it was closed before. Leaving a ``with`` block never raises this.
        """
        if not self._close():
            from memaccess import _explain

            raise _explain.closing_error(self._pid)

    def _close(self) -> bool:
        """Close the view if it is open; whether it was."""
        # One step, so that of several threads one gets it. A lock would be a handle more on Windows.
        process: Process | None = vars(self).pop("_process", None)
        if process is None:
            return False
        self._source = self._sink = _CLOSED
        process.close()
        return True

    def __enter__(self) -> Self:
        self._opened("enter the view")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._close()

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError("a MemoryView can't be copied or pickled; open the process again")

    def __del__(self) -> None:
        if self._process is not None:
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            finally:
                self._close()

    def __repr__(self) -> str:
        name = f" {self._name!r}" if self._name else ""
        return f"<MemoryView of process {self._pid}{name}, {self.bitness}-bit, mode {self._mode!r}{self._state()}>"

    def _state(self) -> str:
        process = self._process
        if process is None:
            return ", closed"
        try:
            code = process.exit_code()
        except SystemFailure:
            return ""  # closed by another thread at this very moment
        return "" if code is None else f", ended with {code}"

    def _opened(self, what: str) -> Process:
        """The process, for an operation that is named in the error where the view is closed."""
        process = self._process
        if process is None:
            raise self._closed_error(what)
        return process

    def _closed_error(self, what: str) -> ClosedViewError:
        """The error of doing anything but reading or writing with a closed view."""
        from memaccess import _explain

        return _explain.closed_error(what, self._pid)

    # -- about the process

    @property
    def pid(self) -> int:
        """The pid of the process."""
        return self._pid

    @property
    def name(self) -> str:
        """File name of the program; ``''`` where the system does not tell."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode that the view was opened with."""
        return self._mode

    @property
    def closed(self) -> bool:
        """Whether the view was closed."""
        return self._process is None

    @property
    def bitness(self) -> int:
        """Width of the program: 32 or 64."""
        return self._model.bitness

    @property
    def pointer_size(self) -> int:
        """Bytes of a pointer in the program: 4 or 8."""
        return self._model.pointer_size

    def is_alive(self) -> bool:
        """Whether the program still runs.

        :raises ClosedViewError: the view was closed.
        """
        try:
            return self._opened("tell the state").is_alive()
        except SystemFailure:
            raise self._closed_error("tell the state") from None

    def exit_code(self) -> int | None:
        """What the program ended with; None while it runs.

        :raises ClosedViewError: the view was closed.
        """
        try:
            return self._opened("tell the state").exit_code()
        except SystemFailure:
            raise self._closed_error("tell the state") from None

    # -- the map

    def region_at(self, address: int) -> Region | None:
        """What the memory at *address* is: the region from its page on.

        :returns: None above the highest address of programs.
        :raises WrongBitnessError: a 32-bit Python can't see the map of a 64-bit program above 4 GiB.
        :raises TargetExitedError: the program has ended.
        :raises ClosedViewError: the view was closed.
        :raises OverflowError: the address does not lie in the program's address space.

        >>> print(view.region_at(0x401000))
        0x401000-0x402000 (committed rw- private)
        """
        address = self._checked_address(address, 1)
        process = self._opened("tell the memory")
        try:
            return process.region_at(address)
        except SystemFailure as failure:
            from memaccess import _explain

            raise _explain.query_error(self._process, self._pid, failure, address) from None

    def regions(self) -> Iterator[Region]:
        """All regions of the program, from the lowest address to the highest, free ones among them.

        The program goes on meanwhile, and may change its map: each region is as it was when it was
        asked for.

        It raises what :meth:`region_at` raises.

        >>> [region.size for region in view.regions() if region.writable]
        [4096]
        """
        address = 0
        while address < self._address_limit:
            region = self.region_at(address)
            if region is None:
                return
            yield region
            address = region.end

    # -- bytes

    def read(self, size: int, address: int) -> bytes:
        r"""Read *size* bytes at *address*: all of them, or it is an error.

        :param size: how many bytes; 0 gives ``b''``, whatever is there.
        :param address: where they begin in the program's memory.
        :raises NotReadableError: the memory there can't be read; the error explains what it is.
        :raises PartialReadError: only the first part can be read; the error has it as ``data``.
        :raises TargetExitedError: the program has ended.
        :raises MissingRightError: the view was opened with mode ``'w'``.
        :raises ClosedViewError: the view was closed.
        :raises ValueError: the size is negative.
        :raises OverflowError: the range does not lie in the program's address space.

        >>> view.read(4, 0x401000)
        b'd\x00\x00\x00'
        """
        size, address = self._checked_range(size, address)
        try:
            return self._source.read(size, address)
        except SystemFailure as failure:
            raise self._read_error(failure, size, address) from None

    def read_into(self, buffer: Any, address: int) -> None:
        r"""Fill *buffer* with the bytes at *address*, without a copy in between.

        :param buffer: a writable bytes-like object, such as a bytearray, an array or a
            ``ctypes`` structure; items of any size.
        :raises TypeError: the buffer can't be written.
        :raises ValueError: the buffer isn't contiguous.

        It raises what :meth:`read` raises; the buffer then holds what arrived.

        >>> buffer = bytearray(4)
        >>> view.read_into(buffer, 0x401000)
        >>> buffer
        bytearray(b'd\x00\x00\x00')
        """
        target = as_target(buffer)
        size, address = self._checked_range(target.nbytes, address)
        try:
            self._source.read_into(target, address)
        except SystemFailure as failure:
            raise self._read_error(failure, size, address) from None

    def read_available(self, size: int, address: int) -> PartialRead:
        """Read what can be read of *size* bytes at *address*, and name what can't.

        :returns: the bytes, with zeros where there are none, and the missing parts.

        It raises what :meth:`read` raises, but for memory that can't be read.

        >>> view.read_available(4, 0x401FFE).missing
        ((4202496, 2),)
        """
        size, address = self._checked_range(size, address)
        try:
            return PartialRead(address, self.read(size, address), ())
        except NotReadableError:
            return self._read_available(size, address)

    def _read_available(self, size: int, address: int) -> PartialRead:
        process = self._opened("read the memory")
        try:
            result = _partial.read_available(process, size, address)
            if process.is_alive():
                return result
        except SystemFailure as failure:
            raise self._read_error(failure, size, address) from None
        self.read(size, address)  # the program ended meanwhile; this says so
        return result

    def write(self, values: Any, address: int, *, force: bool = False) -> None:
        r"""Write the bytes of *values* at *address*: all of them, or it is an error.

        :param values: a bytes-like object, of items of any size.
        :param address: where they go in the program's memory.
        :param force: write also where the program itself may not: the protection is lifted for the
            write and put back after it, also when the write fails.
        :raises NotWritableError: the memory there can't be written; the error explains what it is.
        :raises PartialWriteError: only the first ``transferred`` bytes were written.
        :raises TargetExitedError: the program has ended.
        :raises MissingRightError: the view was opened without ``'w'`` in its mode.
        :raises ClosedViewError: the view was closed.
        :raises TypeError: the values are no bytes-like object.
        :raises OverflowError: the range does not lie in the program's address space.

        Code pages need no *force* on Windows: WriteProcessMemory lifts their protection by itself.

        >>> view.write(b'\x21\x00', 0x401000)
        """
        data = as_source(values)
        size, address = self._checked_range(byte_count(data), address)
        try:
            if force:
                self._sink.write_forced(data, address)
            else:
                self._sink.write(data, address)
        except SystemFailure as failure:
            raise self._error(failure, Access.WRITE, size, address, force=force) from None

    # -- checks and errors

    def _checked_range(self, size: Any, address: Any) -> tuple[int, int]:
        """Size and address as ints that lie in the program's address space."""
        size = checked_count(size)
        return size, self._checked_address(address, size)

    def _checked_address(self, address: Any, size: int) -> int:
        """*address* as an int, where *size* bytes from there on lie in the program's address space."""
        try:
            number = operator.index(address)
        except TypeError:
            raise TypeError(f"an address is an int, not {type(address).__name__}") from None
        if number < 0:
            raise OverflowError(f"address {number} is negative")
        if number + size > self._address_limit:
            raise OverflowError(
                f"{size} bytes at address 0x{number:x} don't lie in the address space of a {self.bitness}-bit "
                f"program, which ends at 0x{self._address_limit - 1:x}"
            )
        return number

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


def _checked_mode(mode: str) -> Access:
    """What *mode* allows.

    :raises ValueError: it is none of ``'r'``, ``'w'`` and ``'rw'``.
    """
    if not isinstance(mode, str):
        raise TypeError(f"a mode is a str, not {type(mode).__name__}")
    if not mode or len(set(mode)) != len(mode) or not set(mode) <= set(_MODES):
        raise ValueError(f"Invalid access mode: {mode}")
    access = Access(0)
    for letter in mode:
        access |= _MODES[letter]
    return access


def _checked_pid(pid: int) -> int:
    """*pid* as an int that Windows can take; ctypes would cut a larger one to 32 bits."""
    try:
        number = operator.index(pid)
    except TypeError:
        raise TypeError(
            f"a pid is an int, not {type(pid).__name__}; MemoryView.from_name() opens a program by its name"
        ) from None
    if not 0 <= number < _PID_LIMIT:
        raise OverflowError(f"{number} is no pid: those are from 0 to {_PID_LIMIT - 1}")
    return number
