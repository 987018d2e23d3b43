"""MemoryView: opening a program, what is known of it, its map, and closing it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from memaccess import _processes
from memaccess._aggregates import Aggregates
from memaccess._arguments import checked_mode, checked_pid, checked_text
from memaccess._backend import default_system
from memaccess._errors import Cause, ProcessNotFoundError, SystemFailure
from memaccess._finding import SearchAccess
from memaccess._records import Access

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable, Sequence
    from typing import SupportsIndex

    from typing_extensions import Self

    from memaccess._backend._interface import Process, System
    from memaccess._records import ProcessInfo, WindowInfo


class _Refusal:
    """Stands where a view reads or writes, when it may not: nothing reaches the system."""

    def __init__(self, system: System, cause: Cause) -> None:
        self._system = system
        self._cause = cause

    def _refuse(self, *_: object) -> NoReturn:
        raise self._system.refusal(self._cause)

    read = read_into = write = write_forced = _refuse

    def read_each(self, places: Sequence[tuple[int, int]], /) -> list[None]:
        return [None] * len(places)  # read() refuses


class MemoryView(SearchAccess, Aggregates):
    """Live access to the memory of another program.

    :param pid: the process to open.
    :param mode: ``'r'`` to read, ``'w'`` to write, ``'rw'`` (or ``'wr'``) for both.
    :param system: where to look for the process; the operating system, where it is not given.
    :raises ValueError: the mode is none of those.
    :raises OverflowError: no process can have that pid.
    :raises ProcessNotFoundError: no process has that pid.
    :raises ProcessDeniedError: the process belongs to another user, or has higher rights.
    :raises ProcessOpenError: the system refused for another reason.

    The handle asks for the least that the mode needs
    (`Process Security and Access Rights
    <https://learn.microsoft.com/windows/win32/procthread/process-security-and-access-rights>`__).
    On Linux it is the file of the memory in `/proc <https://man7.org/linux/man-pages/man5/proc_pid_mem.5.html>`__, which
    those may open who may debug the program.
    Use the view in a ``with`` block, which closes it. Several threads may share one view, and any of
    them may close it.

    >>> with MemoryView(pid, 'rw') as view:
    ...     view.write_int(33, 0x401000)
    ...     view.read_int(0x401000)
    33
    """

    __module__ = "memaccess"

    def __init__(self, pid: SupportsIndex, mode: str = "r", *, system: System | None = None) -> None:
        self._access = checked_mode(mode)
        self._pid = checked_pid(pid)
        self._mode = mode
        self._system = default_system() if system is None else system
        try:
            process = self._system.open(self._pid, self._access)
        except SystemFailure as failure:
            from memaccess import _explain

            raise _explain.opening_error(self._system, failure, self._pid) from None
        self._name = process.name
        self._model = process.model
        self._address_limit = process.model.address_limit
        not_in_mode = _Refusal(self._system, Cause.DENIED)
        self._source = process if Access.READ in self._access else not_in_mode
        self._sink = process if Access.WRITE in self._access else not_in_mode
        self._process = process

    @classmethod
    def from_name(cls, name: str, mode: str = "r", *, system: System | None = None) -> Self:
        """Open the one process of that name.

        :param name: file name of the program, whole; letter case does not count, and ``.exe`` may
            be left out.
        :param mode: ``'r'`` to read, ``'w'`` to write, ``'rw'`` for both.
        :param system: where to look for the process; the operating system, where it is not given.
        :returns: a view of it.
        :raises ProcessNotFoundError: no process has that name.
        :raises AmbiguousProcessError: several have it; its ``pids`` tells which.
        :raises ProcessOpenError: it can't be opened, as in :class:`MemoryView`.

        >>> with MemoryView.from_name('game') as view:
        ...     view.name
        'game.exe'
        """
        checked_text("a program's name", name)
        checked_mode(mode)
        view = cls(_processes.find_process(name, system=system).pid, mode, system=system)
        view._confirm(lambda: _processes.find_processes(name, system=system))
        return view

    @classmethod
    def from_window(cls, title: str, mode: str = "r", *, system: System | None = None) -> Self:
        """Open the one process that has a top-level window with that title.

        :param title: the whole title; letter case does not count.
        :param mode: ``'r'`` to read, ``'w'`` to write, ``'rw'`` for both.
        :param system: where to look for the window; the operating system, where it is not given.
        :returns: a view of its process.
        :raises ProcessNotFoundError: there is no such window.
        :raises AmbiguousProcessError: several processes have one; its ``pids`` tells which.
        :raises ProcessOpenError: it can't be opened, as in :class:`MemoryView`.

        >>> with MemoryView.from_window('The Game') as view:
        ...     view.name
        'game.exe'
        """
        checked_mode(mode)
        view = cls(_processes.find_window(title, system=system).pid, mode, system=system)
        # Not the title again: games show their level or frame rate in it.
        view._confirm(lambda: _processes.list_windows(system=system))
        return view

    @classmethod
    def from_current_process(cls, mode: str = "r", *, system: System | None = None) -> Self:
        """Open the process that this Python runs in.

        :param mode: ``'r'`` to read, ``'w'`` to write, ``'rw'`` for both.
        :param system: where this Python runs; the operating system, where it is not given.
        :returns: a view of it.

        >>> with MemoryView.from_current_process() as view:
        ...     view.is_alive()
        True
        """
        return cls(_processes.current_pid(system=system), mode, system=system)

    def _confirm(self, find: Callable[[], Iterable[ProcessInfo | WindowInfo]]) -> None:
        """Close the view again, with an error, unless its pid is among those found.

        Between the first search and opening, the pid may have passed to another process. From then on
        it can't.
        """
        try:
            if all(each.pid != self._pid for each in find()):
                raise ProcessNotFoundError(
                    f"Process {self._pid} is no longer what was found",
                    pid=self._pid,
                    explanation="It ended, or closed its window, while it was being opened. Try again.",
                )
        except BaseException:
            self._close()
            raise

    # -- life time

    def close(self) -> None:
        """Give the process handle back to the system.

        :raises ClosedViewError: it was closed before. Leaving a ``with`` block never raises this.

        Threads of the program that were suspended through this view go on.

        >>> view.close()
        >>> view.closed
        True
        """
        if not self._close():
            from memaccess import _explain

            raise _explain.closing_error(self._system.refusal(Cause.CLOSED), self._pid)

    def _close(self) -> bool:
        """Close the view if it is open; whether it was."""
        # One step, so that of several threads one gets it. A lock would be a handle more on Windows.
        process: Process | None = vars(self).pop("_process", None)
        if process is None:
            return False
        self._source = self._sink = _Refusal(self._system, Cause.CLOSED)
        try:
            self._let_all_go()
        finally:
            if self._symbols is not None:
                self._symbols.close()
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

    # -- about the process

    @property
    def pid(self) -> int:
        """The pid of the process."""
        return self._pid

    @property
    def name(self) -> str:
        """File name of the program that was opened; ``''`` where the system does not tell.

        A process of Linux may run another one by now; ``find_process(view.pid)`` tells which.
        """
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
        """Width of the program in bits: 32 or 64."""
        return self._model.bitness

    @property
    def pointer_size(self) -> int:
        """Bytes of a pointer in the program: 4 or 8."""
        return self._model.pointer_size

    def is_alive(self) -> bool:
        """Whether the program still runs.

        :returns: False from the moment on at which it has ended.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: the system does not tell.

        >>> view.is_alive()
        True
        """
        process = self._opened("get the state")
        try:
            return process.is_alive()
        except SystemFailure as failure:
            raise self._asking_error(failure, "get the state") from None

    def exit_code(self) -> int | None:
        """What the program ended with.

        :returns: the code that it gave to the system, from 0 to 4294967295; None while it runs. On Linux it is
            the last byte of that, or 128 and the number of the signal that has killed it; and before Linux 6.15
            None where its parent has asked for it already.
        :raises ClosedViewError: the view was closed.
        :raises MemoryAccessError: the system does not tell.

        >>> print(view.exit_code())
        None
        """
        process = self._opened("get the state")
        try:
            return process.exit_code()
        except SystemFailure as failure:
            raise self._asking_error(failure, "get the state") from None
