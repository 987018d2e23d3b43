"""What users pass in, checked before anything is touched."""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any

from memaccess._records import Access

if TYPE_CHECKING:
    from typing import Protocol, SupportsIndex, TypeAlias

    class Expressed(Protocol):
        """What has an address expression, as chains of pointers do."""

        @property
        def expression(self) -> str: ...

    Address: TypeAlias = SupportsIndex | str | Expressed
    """A place in a program's memory: an int, what stands for one, as NumPy's integers do, or an
    address expression such as ``'[game.exe+10F4F4]+158'``, or what has one."""

_MODES = {"r": Access.READ, "w": Access.WRITE}
_RIGHTS = ("---", "r--", "rw-", "--x", "r-x", "rwx")
_PID_LIMIT = 1 << 32
"""Windows' pids have 32 bits, those of other systems fewer; ctypes would cut a larger one, without a word."""


def checked_mode(mode: Any) -> Access:
    """What *mode* allows.

    :raises ValueError: it is none of ``'r'``, ``'w'`` and ``'rw'``.
    """
    checked_text("a mode", mode)
    if not mode or len(set(mode)) != len(mode) or not set(mode) <= set(_MODES):
        raise ValueError(f"Invalid access mode: {mode}")
    access = Access(0)
    for letter in mode:
        access |= _MODES[letter]
    return access


def checked_rights(rights: Any) -> str:
    """*rights*, which a system can give to pages.

    :raises ValueError: no system has them.
    """
    if not isinstance(rights, str):
        raise TypeError(f"rights are a str such as 'rw-', not {type(rights).__name__}")
    if rights not in _RIGHTS:
        raise ValueError(f"rights are one of {', '.join(map(repr, _RIGHTS))}, not {rights!r}")
    return rights


def checked_pid(pid: Any) -> int:
    """*pid* as an int that a system can take."""
    number = _checked_int("a pid is an int", pid, "; MemoryView.from_name() opens a program by its name")
    if not 0 <= number < _PID_LIMIT:
        raise OverflowError(f"{shown(number)} is no pid: those are from 0 to {_PID_LIMIT - 1}")
    return number


def checked_text(what: str, text: Any) -> str:
    """*text*, which is a str; *what* names it in the error."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is a str, not {type(text).__name__}")
    return text


def _checked_int(rule: str, value: Any, advice: str = "") -> int:
    """*value* as an int; the error says the *rule*, and ends with the *advice*."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{rule}, not {type(value).__name__}{advice}") from None


def checked_count(count: Any) -> int:
    """*count* as an int that is not negative, and that Python can have as many bytes of."""
    if type(count) is int and 0 <= count <= sys.maxsize:
        return count
    number = checked_extent(count)
    if number > sys.maxsize:
        raise OverflowError(f"{shown(number)} is more than this Python can hold, which is {sys.maxsize}")
    return number


def checked_extent(size: Any) -> int:
    """*size* as an int that is not negative; of memory that Python need not hold."""
    number = _checked_int("a size or count is an int", size)
    if number < 0:
        raise ValueError(f"a size or count can't be negative: {shown(number)}")
    return number


def shown(value: object) -> str:
    """*value* for a message. Python refuses to write out ints of more than 4300 digits."""
    try:
        return repr(value)
    except ValueError:
        return f"an int of {value.bit_length()} bits" if isinstance(value, int) else object.__repr__(value)


def checked_address(address: Any, size: int, bitness: int) -> int:
    """*address* as an int, where *size* bytes from there on lie in the address space of a program."""
    number = _checked_int("an address is an int, or a str such as 'game.exe+10F4F4'", address)
    if number < 0:
        raise OverflowError(f"address {shown(number)} is negative")
    if number + size > 1 << bitness:
        raise OverflowError(
            f"{size} bytes at address 0x{number:x} don't lie in the address space of a {bitness}-bit "
            f"program, which ends at 0x{(1 << bitness) - 1:x}"
        )
    return number


def as_source(data: Any) -> bytes | memoryview:
    """*data* as contiguous memory to copy from; copied only where it isn't contiguous.

    :raises TypeError: it is no bytes-like object.
    """
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"a bytes-like object is needed, not {type(data).__name__}") from None
    return view if view.c_contiguous else view.tobytes()


def as_target(buffer: Any) -> memoryview:
    """*buffer* as contiguous memory to copy to.

    :raises TypeError: it is no bytes-like object, or can't be written.
    :raises ValueError: it isn't contiguous.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a writable bytes-like object is needed, not {type(buffer).__name__}") from None
    if view.readonly:
        raise TypeError(f"a writable buffer is needed, and this {type(buffer).__name__} is read-only")
    if not view.c_contiguous:
        raise ValueError("a contiguous buffer is needed; copy the slice, or read into all of it")
    return view


def byte_count(data: bytes | memoryview) -> int:
    """How many bytes *data* has, whatever the size of its items."""
    return len(data) if isinstance(data, bytes) else data.nbytes
