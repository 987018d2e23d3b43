"""Which programs run, and finding one of them: by name, by window title, by waiting for it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, TypeVar

from memaccess._arguments import checked_pid, checked_text
from memaccess._backend import default_system
from memaccess._errors import AmbiguousProcessError, MemoryAccessError, ProcessNotFoundError, SystemFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import SupportsIndex

    from memaccess._backend._interface import System
    from memaccess._records import ProcessInfo, WindowInfo

T = TypeVar("T")

_POLL_SECONDS = 0.05


def _ask(system: System | None, what: str, question: Callable[[System], T]) -> T:
    """The answer of the system, or the error that says what it was asked."""
    system = default_system() if system is None else system
    try:
        return question(system)
    except SystemFailure as failure:
        message = f"Can't {what}, error code {failure.code}"
        raise MemoryAccessError(message, failure, explanation=failure.text) from None


def current_pid(*, system: System | None = None) -> int:
    """The pid of the process that asks."""
    return _ask(system, "get the pid of this process", lambda asked: asked.current_pid())


def list_processes(*, system: System | None = None) -> list[ProcessInfo]:
    """The running programs.

    :param system: which system to ask; the operating system, where it is not given.
    :returns: one record for each, in the order in which the system lists them.
    :raises MemoryAccessError: the system can't list them.

    Windows lists them with `Process32First and Process32Next
    <https://learn.microsoft.com/windows/win32/toolhelp/taking-a-snapshot-and-viewing-processes>`__.
    On Linux they are those in `/proc <https://man7.org/linux/man-pages/man5/proc.5.html>`__, with the pids of Linux;
    programs of Windows under Wine have the name, the path and the width of their ``.exe``.

    >>> [process.name for process in list_processes()]
    ['game.exe']
    """
    return _ask(system, "list the processes", lambda asked: asked.processes())


def list_windows(*, system: System | None = None) -> list[WindowInfo]:
    """The top-level windows that have a title.

    :param system: which system to ask; the operating system, where it is not given.
    :returns: one record for each, in the order in which the system lists them.
    :raises MemoryAccessError: the system can't list them.

    Windows lists them with `EnumWindows
    <https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-enumwindows>`__.
    On Linux they are those of X11, as `the window manager lists them
    <https://specifications.freedesktop.org/wm-spec/latest/>`__, or what is on the screen where it does not.
    Under Wayland only programs that use X11 have any. It needs libxcb; windows whose process is not known, or runs
    on another machine, are left out.

    >>> list_windows()
    [WindowInfo(title='The Game', pid=5555)]
    """
    return _ask(system, "list the windows", lambda asked: asked.windows())


def find_processes(name: str, *, system: System | None = None) -> list[ProcessInfo]:
    """All running programs of that name.

    :param name: file name of the program, whole; letter case does not count, and ``.exe`` may be
        left out.
    :param system: which system to ask; the operating system, where it is not given.
    :returns: one record for each; an empty list where none runs.
    :raises TypeError: the name is no str.
    :raises MemoryAccessError: the system can't list the programs.

    >>> [process.pid for process in find_processes('game')]
    [5555]
    """
    key = _name_key(name)
    return _ask(
        system, "list the processes", lambda asked: asked.processes(lambda other: _name_key(other) == key)
    )


def find_process(name_or_pid: str | SupportsIndex, *, system: System | None = None) -> ProcessInfo:
    """The one running program of that name, or with that pid.

    :param name_or_pid: its file name, as in :func:`find_processes`, or its pid.
    :param system: which system to ask; the operating system, where it is not given.
    :returns: its record.
    :raises ProcessNotFoundError: there is none.
    :raises AmbiguousProcessError: there are several; its ``pids`` tells which.
    :raises TypeError: it is neither a str nor an int.
    :raises OverflowError: no process can have that pid.

    >>> find_process('game').pid
    5555
    """
    if not isinstance(name_or_pid, str):
        return _process_with(checked_pid(name_or_pid), system)
    name = name_or_pid
    processes = find_processes(name, system=system)
    _refuse_several(f"are called {name!r}", (process.pid for process in processes))
    if not processes:
        raise ProcessNotFoundError(
            f"No process is called {name!r}",
            explanation="Names match whole, not in part; memaccess.list_processes() shows those that run.",
        )
    return processes[0]


def _process_with(pid: int, system: System | None) -> ProcessInfo:
    found = _ask(system, "list the processes", lambda asked: asked.process(pid))
    if found is None:
        raise ProcessNotFoundError(
            f"No process has the pid {pid}",
            pid=pid,
            explanation="It may have ended; memaccess.list_processes() shows those that run.",
        )
    return found


def find_window(title: str, *, system: System | None = None) -> WindowInfo:
    """The top-level window with that title; several are fine where one program has them all.

    :param title: the whole title; letter case does not count.
    :param system: which system to ask; the operating system, where it is not given.
    :returns: its record; of several windows of one program, the first that the system lists.
    :raises ProcessNotFoundError: there is none.
    :raises AmbiguousProcessError: several programs have one; its ``pids`` tells which.

    >>> find_window('the game').pid
    5555
    """
    key = _letters(checked_text("a window title", title))
    windows = [window for window in list_windows(system=system) if _letters(window.title) == key]
    _refuse_several(f"have a window {title!r}", (window.pid for window in windows))
    if not windows:
        raise ProcessNotFoundError(
            f"No window has the title {title!r}",
            explanation="Titles match whole, not in part; memaccess.list_windows() shows those that there are.",
        )
    return windows[0]


def wait_for_process(name: str, timeout: float | None = None, *, system: System | None = None) -> ProcessInfo:
    """Wait until a program of that name runs.

    :param name: its file name, as in :func:`find_processes`.
    :param timeout: for how many seconds at the most; None waits for ever.
    :param system: which system to ask; the operating system, where it is not given.
    :returns: its record.
    :raises ValueError: the timeout is no number.
    :raises TimeoutError: none has started by then.
    :raises AmbiguousProcessError: several run; its ``pids`` tells which.
    :raises MemoryAccessError: the system can't list the programs.

    >>> wait_for_process('game', timeout=10).pid
    5555
    """
    checked_text("a program's name", name)
    if timeout is not None and math.isnan(timeout):
        raise ValueError(f"a timeout is a number of seconds, not {timeout!r}")
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            return find_process(name, system=system)
        except ProcessNotFoundError:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(
                    f"No process called {name!r} has started within {timeout} seconds"
                ) from None
        time.sleep(_POLL_SECONDS)


def _name_key(name: str) -> str:
    """What two names of the same program have in common."""
    return _letters(checked_text("a program's name", name)).removesuffix(".EXE")


def _letters(text: str) -> str:
    """*text* without letter case, one character by one as Windows compares: ß is no SS."""
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)


def _refuse_several(what: str, pids: Iterable[int]) -> None:
    """Raise where the *pids* are not all the same."""
    different = tuple(sorted(set(pids)))
    if len(different) > 1:
        raise AmbiguousProcessError(
            f"{len(different)} processes {what}: pids {', '.join(map(str, different))}", different
        )
