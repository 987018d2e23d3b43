"""What can go wrong, as classes, and the one place that knows which OS code means which.

::

    OSError, RuntimeError
    └── MemoryAccessError             the operating system refused, or would have refused
        ├── ProcessOpenError          a process can't be opened
        │   ├── ProcessNotFoundError     no such process; also a ProcessLookupError
        │   └── ProcessDeniedError       not allowed; also a PermissionError
        │       └── ProcessProtectedError    Windows protects it from everybody
        ├── NotReadableError          the memory there can't be read
        │   └── PartialReadError         some of it arrived, see ``data``
        ├── NotWritableError          the memory there can't be written
        │   └── PartialWriteError        some of it was written, see ``transferred``
        ├── MissingRightError         the view was opened without the right; also a PermissionError
        ├── TargetExitedError         the program has ended; also a ProcessLookupError
        ├── WrongBitnessError         this Python can't reach that far into a wider program
        └── ClosedViewError           the view was closed
    LookupError
    └── AmbiguousProcessError         several programs match, see ``pids``
    ValueError
    └── UnterminatedStringError       no end of string where one was expected, see ``data``

Wrong arguments are plain :class:`ValueError`, :class:`TypeError` and :class:`OverflowError`, raised
before anything is touched.
"""

from __future__ import annotations

import errno as _errno
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memaccess._regions import Region

ERROR_ACCESS_DENIED = 5
ERROR_INVALID_HANDLE = 6
ERROR_NOT_SUPPORTED = 50
ERROR_INVALID_PARAMETER = 87
ERROR_PARTIAL_COPY = 299
ERROR_INVALID_ADDRESS = 487
ERROR_NOACCESS = 998

INACCESSIBLE = frozenset({ERROR_PARTIAL_COPY, ERROR_INVALID_ADDRESS, ERROR_NOACCESS})
"""Codes that all say: the memory there can't be accessed. Which of them comes differs between
Windows versions and Wine."""

_ERRNO_OF_WINERROR = {
    ERROR_ACCESS_DENIED: _errno.EACCES,
    ERROR_INVALID_HANDLE: _errno.EBADF,
    ERROR_INVALID_PARAMETER: _errno.EINVAL,
    ERROR_PARTIAL_COPY: _errno.EFAULT,
    ERROR_INVALID_ADDRESS: _errno.EFAULT,
    ERROR_NOACCESS: _errno.EFAULT,
}


class SystemFailure(Exception):
    """A call to the operating system failed: the plain facts, as they cross the fence.

    It never reaches a user: whoever knows what was being attempted turns it into a
    :class:`MemoryAccessError`.
    """

    def __init__(
        self,
        api: str,
        *,
        winerror: int | None = None,
        errno: int | None = None,
        text: str = "",
        transferred: int = 0,
        data: bytes = b"",
    ) -> None:
        super().__init__(api, winerror, errno, text)
        self.api = api
        self.winerror = winerror
        self.errno = errno if winerror is None else _ERRNO_OF_WINERROR.get(winerror, _errno.EINVAL)
        self.text = text
        self.transferred = transferred
        self.data = data
        self.unrestored: tuple[Region, ...] = ()
        """What a forced write left with another protection than it had."""

    def after(self, transferred: int, data: bytes = b"") -> SystemFailure:
        """The same failure, knowing what was copied before it."""
        self.transferred, self.data = transferred, data
        return self

    @property
    def code(self) -> int | None:
        """The number that the message shows."""
        return self.errno if self.winerror is None else self.winerror

    def __str__(self) -> str:
        return f"{self.api} failed with code {self.code}: {self.text}"


class MemoryAccessError(OSError, RuntimeError):
    """The operating system refused something, or memaccess knew that it would.

    ``str()`` is one line, in the words of the original memaccess; the reason is in
    :attr:`explanation`, and a traceback shows it below that line (Python 3.11 and later).
    """

    __module__ = "memaccess"

    winerror: Any
    """The Windows error code, or None."""
    api: str
    """The function of the operating system that failed, or ``''`` where none was asked."""
    pid: int | None
    """The process that it was about."""
    address: int | None
    """Where the access began."""
    size: int | None
    """How many bytes were wanted."""
    transferred: int
    """How many of them were copied before the failure."""
    data: bytes
    """The bytes that did arrive, of a read."""
    region: Region | None
    """What the memory is in which the access failed, where the system could say."""
    explanation: str
    """Why it failed and what to do about it."""

    def __init__(
        self,
        message: str,
        failure: SystemFailure | None = None,
        *,
        pid: int | None = None,
        address: int | None = None,
        size: int | None = None,
        region: Region | None = None,
        explanation: str = "",
    ) -> None:
        super().__init__(message)
        self.errno = None if failure is None else failure.errno
        self.winerror = None if failure is None else failure.winerror
        self.api = "" if failure is None else failure.api
        self.transferred = 0 if failure is None else failure.transferred
        self.data = b"" if failure is None else failure.data
        self.pid = pid
        self.address = address
        self.size = size
        self.region = region
        self.explanation = explanation
        if explanation:
            # add_note() without needing Python 3.11; older tracebacks just don't show it.
            self.__notes__ = [explanation]

    def __reduce__(self) -> tuple[Any, ...]:
        # On Windows errno and winerror live outside __dict__, where pickle and copy would lose them.
        members = {"errno": self.errno, "winerror": self.winerror}
        return type(self), self.args, {**self.__dict__, **members}


class ProcessOpenError(MemoryAccessError):
    """A process can't be opened; raised by opening a :class:`memaccess.MemoryView`."""

    __module__ = "memaccess"


class ProcessNotFoundError(ProcessOpenError, ProcessLookupError):
    """There is no process with that pid, name or window title."""

    __module__ = "memaccess"


class ProcessDeniedError(ProcessOpenError, PermissionError):
    """The process exists, and this user may not open it this way."""

    __module__ = "memaccess"


class ProcessProtectedError(ProcessDeniedError):
    """The process is a protected one, whose memory Windows opens to nobody."""

    __module__ = "memaccess"


class NotReadableError(MemoryAccessError):
    """The memory there can't be read; raised by every method that reads."""

    __module__ = "memaccess"


class PartialReadError(NotReadableError):
    """The first part could be read and the rest could not; ``data`` holds what arrived."""

    __module__ = "memaccess"


class NotWritableError(MemoryAccessError):
    """The memory there can't be written; raised by every method that writes."""

    __module__ = "memaccess"


class PartialWriteError(NotWritableError):
    """The first ``transferred`` bytes were written and the rest were not."""

    __module__ = "memaccess"


class MissingRightError(MemoryAccessError, PermissionError):
    """The view's mode does not allow it, or the system took the right away."""

    __module__ = "memaccess"


class TargetExitedError(MemoryAccessError, ProcessLookupError):
    """The program has ended, and its memory is gone."""

    __module__ = "memaccess"


class WrongBitnessError(MemoryAccessError):
    """A 32-bit Python can't do this to a 64-bit program."""

    __module__ = "memaccess"


class ClosedViewError(MemoryAccessError):
    """The view was closed; raised by every use of it but leaving its ``with`` block."""

    __module__ = "memaccess"


class AmbiguousProcessError(LookupError):
    """Several processes match where one was wanted."""

    __module__ = "memaccess"

    pids: tuple[int, ...]
    """The pids of all that match."""

    def __init__(self, message: str, pids: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.pids = pids


class UnterminatedStringError(ValueError):
    """No end of string was found where one was expected."""

    __module__ = "memaccess"

    address: int | None
    """Where the string begins."""
    data: bytes
    """What was read instead, undecoded."""

    def __init__(self, message: str, address: int | None = None, data: bytes = b"") -> None:
        super().__init__(message)
        self.address = address
        self.data = data


OPENING: dict[int | None, type[ProcessOpenError]] = {
    ERROR_INVALID_PARAMETER: ProcessNotFoundError,
    ERROR_ACCESS_DENIED: ProcessDeniedError,
}
"""Which kind of :class:`ProcessOpenError` a code of OpenProcess is; others are the base."""
