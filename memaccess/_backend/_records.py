"""The records that cross the fence."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Access(enum.Flag):
    """What a view may do to a program's memory."""

    READ = enum.auto()
    WRITE = enum.auto()


class ProcessInfo(NamedTuple):
    """A running program, as the system lists it."""

    pid: int
    name: str
    """File name of the program, such as ``'game.exe'``."""
    path: str | None
    """The program's file with its folder; None where the system does not tell this user."""
    parent_pid: int
    """Pid of the process that started it; that one may be gone, and the pid taken anew."""
    bitness: int | None
    """32 or 64; None where the system does not tell this user."""


class WindowInfo(NamedTuple):
    """A top-level window on the screen."""

    title: str
    pid: int
