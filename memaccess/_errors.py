"""What can go wrong, as classes, and why systems refuse.

::

    OSError, RuntimeError
    └── MemoryAccessError             the operating system refused, or would have refused
        ├── ProcessOpenError          a process can't be opened
        │   ├── ProcessNotFoundError     no such process; also a ProcessLookupError
        │   └── ProcessDeniedError       not allowed; also a PermissionError
        │       └── ProcessProtectedError    Windows protects it from everybody
        ├── NotReadableError          the memory there can't be read
        │   ├── PartialReadError         some of it arrived, see ``data``
        │   └── BrokenChainError         a pointer of an address expression leads nowhere
        ├── NotWritableError          the memory there can't be written
        │   └── PartialWriteError        some of it was written, see ``transferred``
        ├── MissingRightError         the view was opened without the right; also a PermissionError
        ├── TargetExitedError         the program has ended, or was replaced; also a ProcessLookupError
        ├── WrongBitnessError         this Python can't reach that far into a wider program
        └── ClosedViewError           the view was closed
    LookupError
    ├── AmbiguousProcessError         several programs match, see ``pids``
    ├── SymbolNotFoundError           no module, or no symbol of it, has that name
    ├── AmbiguousSymbolError          several modules or symbols have that name
    ├── PatternNotFoundError          what was looked for is nowhere
    └── AmbiguousPatternError         it is at several places, see ``count``
    RuntimeError
    └── SearchCancelledError          a search was cancelled
    ValueError
    ├── UnterminatedStringError       no end of string where one was expected, see ``data``
    ├── BadImageError                 the headers of a program or a DLL make no sense
    └── AddressSyntaxError            an address expression can't be understood, see ``position``

Wrong arguments are plain :class:`ValueError`, :class:`TypeError` and :class:`OverflowError`, raised
before anything is touched.
"""

from __future__ import annotations

import enum
import errno as _errno
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memaccess._records import Region


class Cause(enum.Enum):
    """Why a system refused, as far as it makes a difference; each backend knows its own codes for it."""

    NO_PROCESS = enum.auto()
    """No process has that pid."""
    DENIED = enum.auto()
    """This user, or this view, may not."""
    PROTECTED = enum.auto()
    """Nobody may: the system protects that process."""
    INACCESSIBLE = enum.auto()
    """The memory there can't be accessed that way."""
    CLOSED = enum.auto()
    """The view was closed."""
    OUT_OF_REACH = enum.auto()
    """This Python is too narrow for that address."""
    REPLACED = enum.auto()
    """The process runs another program now, and the memory of the one that was opened is gone."""
    INCOMPLETE = enum.auto()
    """It claims success, and has copied less than all."""
    ITSELF = enum.auto()
    """The program that asks would do it to itself, and could not take it back."""
    OTHER = enum.auto()
    """Something else; the code and the text say what."""


_ERRNO_OF = {
    Cause.NO_PROCESS: _errno.ESRCH,
    Cause.DENIED: _errno.EACCES,
    Cause.PROTECTED: _errno.EACCES,
    Cause.INACCESSIBLE: _errno.EFAULT,
    Cause.CLOSED: _errno.EBADF,
    Cause.OUT_OF_REACH: _errno.ENOTSUP,
    Cause.REPLACED: _errno.ESRCH,
    Cause.INCOMPLETE: _errno.EFAULT,
    Cause.ITSELF: _errno.EDEADLK,
    Cause.OTHER: _errno.EINVAL,
}


class SystemFailure(Exception):
    """A call to the operating system failed: the plain facts, as they cross the fence.

    It never reaches a user: whoever knows what was being attempted turns it into a
    :class:`MemoryAccessError`.
    """

    def __init__(
        self,
        api: str,
        cause: Cause = Cause.OTHER,
        *,
        winerror: int | None = None,
        errno: int | None = None,
        text: str = "",
        transferred: int = 0,
        data: bytes = b"",
    ) -> None:
        super().__init__(api, cause, winerror, errno, text)
        self.api = api
        self.cause = cause
        self.winerror = winerror
        self.errno = _ERRNO_OF[cause] if errno is None else errno
        self.text = text
        self.transferred = transferred
        self.data = data
        self.shielded: Region | None = None
        """The memory whose protection could not be lifted for a forced write."""
        self.unrestored: tuple[Region, ...] = ()
        """What a forced write left with another protection than it had."""

    def after(self, transferred: int, data: bytes = b"") -> SystemFailure:
        """The same failure, knowing what was copied before it."""
        self.transferred, self.data = transferred, data
        return self

    @property
    def code(self) -> int:
        """The number that the message shows: the system's own."""
        return self.errno if self.winerror is None else self.winerror

    def __str__(self) -> str:
        return f"{self.api} failed with code {self.code}: {self.text}"


class MemoryAccessError(OSError, RuntimeError):
    """The operating system refused something, or memaccess knew that it would.

    ``str()`` is one line, in the words of the original memaccess; the reason is in
    :attr:`explanation`, and a traceback shows it below that line (Python 3.11 and later).
    """

    __module__ = "memaccess"

    winerror: int | None  # type: ignore[assignment, unused-ignore]  # typeshed has an int, on Windows alone
    """The Windows error code; None where none was given, as on other systems."""
    errno: int | None
    """The error code of other systems, or the one that means the same as :attr:`winerror`."""
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

    @property
    def code(self) -> int | None:
        """The number in the message: :attr:`winerror` on Windows, :attr:`errno` on other systems."""
        return self.errno if self.winerror is None else self.winerror

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
    """The process is a protected one, whose memory Windows opens to nobody; or a thread of Linux' kernel."""

    __module__ = "memaccess"


class NotReadableError(MemoryAccessError):
    """The memory there can't be read; raised by every method that reads."""

    __module__ = "memaccess"


class BrokenChainError(NotReadableError):
    """A pointer that an address expression follows is null, or can't be read."""

    __module__ = "memaccess"

    expression: str | None = None
    """The address expression."""
    position: int | None = None
    """Where in it the pointer begins, counted from 0."""


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
    """The program has ended, and its memory is gone.

    Or its process runs another program now, which the view can't go on with: on Linux one of another
    width, or one that may not be opened.
    """

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


class BadImageError(ValueError):
    """There is no program and no DLL at that address, or its headers are damaged."""

    __module__ = "memaccess"

    base: int | None
    """Where it should begin."""
    expression: str | None = None
    """The address expression that it is named in, where it was in one."""
    position: int | None = None
    """Where in it the name begins, counted from 0."""

    def __init__(self, message: str, base: int | None = None) -> None:
        super().__init__(message)
        self.base = base


class SymbolNotFoundError(LookupError):
    """No module of the program, or no symbol of a module, has that name."""

    __module__ = "memaccess"

    expression: str | None = None
    """The address expression that it stands in, where it was in one."""
    position: int | None = None
    """Where in it the name begins, counted from 0."""


class AmbiguousSymbolError(LookupError):
    """Several modules, or symbols of several modules, have that name."""

    __module__ = "memaccess"

    expression: str | None = None
    """The address expression that it stands in, where it was in one."""
    position: int | None = None
    """Where in it the name begins, counted from 0."""


class PatternNotFoundError(LookupError):
    """What was looked for is nowhere in the memory that was searched."""

    __module__ = "memaccess"


class AmbiguousPatternError(LookupError):
    """What was looked for is at several places, where one was wanted."""

    __module__ = "memaccess"

    count: int
    """At how many places it is."""
    addresses: tuple[int, ...]
    """The first of them."""

    def __init__(self, message: str, count: int = 0, addresses: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.count = count
        self.addresses = addresses


class SearchCancelledError(RuntimeError):
    """A search or a scan was cancelled, by its ``cancel()``, or is used after an error has ended it."""

    __module__ = "memaccess"


class AddressSyntaxError(ValueError):
    """An address expression can't be understood."""

    __module__ = "memaccess"

    expression: str | None = None
    """All of it."""
    position: int | None = None
    """Where it stops making sense, counted from 0."""
