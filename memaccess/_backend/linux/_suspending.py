"""Suspending a process: its threads stand still until the last of those who want it has let them go."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from typing import TYPE_CHECKING

from memaccess._backend._pages import turn_of
from memaccess._backend.linux._calls import explained, require_registers
from memaccess._backend.linux._holding import Holder, holder_with, key_of, once_free

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._backend.linux._holding import Key
    from memaccess._backend.linux._proc import Folder
    from memaccess._image import Read


class ThreadsHold:
    """One who wants the threads of a process to stand still.

    :param held: calls what it is given with a process: its pid, its folder, and what reads its memory.
    """

    def __init__(self, held: Callable[[Callable[[int, Folder, Read], None]], None]) -> None:
        self._held = held
        self._holder: Holder | None = None

    def begin(self) -> None:
        require_registers()
        self._held(self._begin)

    def _begin(self, pid: int, folder: Folder, read: Read) -> None:
        try:
            key = key_of(pid, folder)
            with turn_of(("trace", pid)):  # a program has one debugger at a time
                once_free(folder, lambda: self._join(key, folder, read))
        except OSError as error:
            raise explained(folder, error) from None

    def _join(self, key: Key, folder: Folder, read: Read) -> None:
        """Want it of what holds them already, or else of a new holder."""
        self._holder = holder_with(key)
        if self._holder is None or not self._holder.join(self):
            self._holder = Holder(key, folder.held(), read)
            self._holder.join(self)
            self._holder.stop_all()

    def release(self) -> None:
        if self._holder is not None:
            self._holder.leave(self)
