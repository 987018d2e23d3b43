"""Having all threads of another process stand still, for as long as it takes.

One thread of this Python stops them all, and lives until they are let go: only it can tell them anything. If this
Python is killed, the kernel lets them go.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import _thread
import contextlib
import errno
import itertools
import os
import queue
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from memaccess._backend.linux._codes import EXHAUSTED
from memaccess._backend.linux._tracing import StoppedThread, begin_in_own_thread, in_own_thread, take_away

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from memaccess._backend.linux._proc import Folder
    from memaccess._image import Read

T = TypeVar("T")

_PATIENCE_SECONDS = 1.0
"""For how long another debugger is waited for, and threads that are made faster than they are stopped."""
_PAUSE_SECONDS = 0.002
_ATTEMPTS = 10
_LOOK_SECONDS = 0.02
"""How often it is looked whether the process was killed: its parent is told only when nobody holds its threads."""


class Key(NamedTuple):
    """What tells a process from others."""

    pid: int
    start_time: int


_HOLDERS: dict[Key, Holder] = {}
os.register_at_fork(after_in_child=_HOLDERS.clear)  # their threads are not there


def holder_with(key: Key) -> Holder | None:
    """What has the threads of that process stand still; None where nothing of this Python has."""
    return _HOLDERS.get(key)


def holder_of(pid: int, folder: Folder) -> Holder | None:
    """As above.

    :raises OSError: the process has ended.
    """
    return holder_with(key_of(pid, folder)) if _HOLDERS else None


def key_of(pid: int, folder: Folder) -> Key:
    """What tells that process from others.

    :raises OSError: it has ended.
    """
    return Key(pid, folder.status().start_time)


def once_free(folder: Folder, work: Callable[[], T]) -> T:
    """What *work* gives; waits where another Python, or another debugger, has the program for a moment."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    times_free = 0
    while True:
        try:
            return work()
        except PermissionError:
            times_free += not folder.tracer()  # it may have just let go
            if times_free > _ATTEMPTS or time.monotonic() > deadline:
                raise
        except ProcessLookupError:
            if not folder.is_alive() or time.monotonic() > deadline:
                raise  # else one of its threads replaces the program at this moment, and has ended the others
        time.sleep(_PAUSE_SECONDS)


class Holder:
    """A thread that has all threads of a process stand still, as long as anybody wants it.

    :param read: reads the memory of the process.
    """

    def __init__(self, key: Key, folder: Folder, read: Read) -> None:
        self._key = key
        self._folder = folder
        self._read = read
        self._threads: dict[int, StoppedThread] = {}
        self._asked: queue.SimpleQueue[Callable[[], bool] | None] = queue.SimpleQueue()
        self._guard = (
            threading.RLock()
        )  # a view may be forgotten in the middle, and let go by the same thread
        self._users: set[object] = set()
        self._taken: set[int] = set()
        """Threads that have ended, and whose numbers may be others' by now."""
        self._is_ending = False
        self._ended = threading.Event()
        self._ident = 0
        self._owner = os.getpid()

    def stop_all(self) -> None:
        """Have them stand still.

        :raises TimeoutError: they could not be stopped in time.
        :raises OSError: the process has ended, or may not be traced, or another debugger traces it.
        """
        _HOLDERS[self._key] = self
        try:
            in_own_thread(self._stop_all, self._start, self._take_all_away)
        except BaseException:
            if not self._ident:  # no thread could be started
                del _HOLDERS[self._key]
            raise

    def join(self, user: object) -> bool:
        """Stay for that one too; whether it does, which ends at the moment."""
        with self._guard:
            if not self._is_ending:
                self._users.add(user)
            return not self._is_ending

    def leave(self, user: object) -> None:
        """That one needs it no more: without any the threads go on, before this returns."""
        if os.getpid() != self._owner:
            return  # forked since, and the thread is not there
        with self._guard:
            self._users.discard(user)
            if self._users:
                return
            self._is_ending = True
            self._asked.put(None)
        if self._ident not in (0, _thread.get_ident()):
            self._ended.wait()

    def begin(self, attempt: Callable[[], bool]) -> None:
        """Have its thread make an attempt at an errand; or another one, where it lets the threads go."""
        with self._guard:
            if not self._is_ending:
                self._asked.put(attempt)
                return
        begin_in_own_thread(attempt)

    def is_here(self) -> bool:
        """Whether this is its thread, and can tell the threads of the process something."""
        return _thread.get_ident() == self._ident

    def thread(self, number: int) -> AbstractContextManager[StoppedThread]:
        """One of the threads, which stands still in the block and after it.

        :raises ProcessLookupError: it has ended.
        """
        try:
            return contextlib.nullcontext(self._threads[number])
        except KeyError:
            raise ProcessLookupError from None

    def _start(self, attempt: Callable[[], bool]) -> None:
        begin_in_own_thread(lambda: self._serve(attempt))

    def _serve(self, attempt: Callable[[], bool]) -> bool:
        """What its thread does, once all stand still."""
        if not attempt():
            return False  # another thread was faster
        try:
            while self._stand() and self._does_next():
                pass
        finally:
            self._end()
        return True

    def _stand(self) -> bool:
        """Whether the threads stand still, which only the end of the process changes."""
        return any(each.stands() for each in itertools.islice(self._threads.values(), 1))

    def _does_next(self) -> bool:
        """Do what is asked for next, if anything is soon; whether to go on."""
        with contextlib.suppress(queue.Empty):
            errand = self._asked.get(timeout=_LOOK_SECONDS)
            if errand is None:
                return False
            errand()
        return True

    def _end(self) -> None:
        with self._guard:
            self._is_ending = True
        if _HOLDERS.get(self._key) is self:
            del _HOLDERS[self._key]
        self._let_go()
        self._folder.close()
        self._ended.set()
        with contextlib.suppress(queue.Empty):
            while True:
                errand = self._asked.get_nowait()
                if errand is not None:
                    errand()  # it fails, and somebody waits for that

    def _let_go(self) -> None:
        for each in self._threads.values():
            each.let_go()
        self._threads = {}

    def _stop_all(self) -> None:
        self._ident = _thread.get_ident()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        try:
            while running := self._running():  # those that are stopped make no new ones
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
                self._stop(running)
            if not self._threads:
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        except BaseException:
            self._let_go()
            raise

    def _running(self) -> list[int]:
        """The threads of the process that do not stand still."""
        numbers = self._folder.threads()
        for number, thread in list(self._threads.items()):
            # It may have ended; and what has its number now may be in another process, or have replaced the program.
            if number not in numbers or not thread.stands():
                self._threads.pop(number).let_go()
        return [each for each in numbers if each not in self._threads and not self._has_ended(each)]

    def _has_ended(self, number: int) -> bool:
        try:
            return self._folder.status(f"task/{number}/stat").has_ended
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise
            return True

    def _stop(self, numbers: list[int]) -> None:
        """Have those threads stand still: all are told before any is waited for."""
        for number in numbers:
            thread = StoppedThread(number, self._folder, self._read)
            try:
                thread.seize()
            except ProcessLookupError:
                # It has ended; or it is replacing the program, and has the number of the first thread by now.
                self._interrupt_all()
            except PermissionError:
                if not self._has_ended(number):
                    raise
            else:
                self._threads[number] = thread
        for number in numbers:
            if number in self._threads:
                try:
                    self._threads[number].settle()
                except (ProcessLookupError, ChildProcessError):  # it has ended
                    del self._threads[number]
                    self._take_away(number)

    def _interrupt_all(self) -> None:
        for each in self._threads.values():
            with contextlib.suppress(ProcessLookupError):
                each.interrupt()

    def _take_away(self, number: int) -> None:
        """Take away what is left of a thread that has ended while it was being stopped."""
        if number != self._key.pid and number not in self._taken and take_away(number):
            self._taken.add(number)

    def _take_all_away(self) -> None:
        """As above, by another thread.

        One that replaces the program (execve) waits in the kernel until nobody holds the others, which have ended; and
        what stops the threads may be waiting for that one.
        """
        for number in list(self._threads):
            self._take_away(number)
