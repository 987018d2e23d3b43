"""What ``/proc`` tells of processes.

https://man7.org/linux/man-pages/man5/proc.5.html
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import contextlib
import errno
import functools
import os
from array import array
from typing import TYPE_CHECKING, NamedTuple

from memaccess._backend.linux._codes import EXHAUSTED, failure_of
from memaccess._backend.linux._maps import DELETED
from memaccess._libc._descriptors import OwnedDescriptor
from memaccess._types import LINUX_32, LINUX_64, DataModel

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDED = "ZXx"
"""The states of processes that have ended: their parent has not asked yet how, or they are being taken away."""
NO_LONGER = (errno.ESRCH, errno.ENOENT)
"""What files give that have gone with the first thread."""
_EXITING, _OF_KERNEL = 0x4, 0x20_0000
"""Flags of threads: PF_EXITING and PF_KTHREAD of the kernel's include/linux/sched.h."""
_ELF = b"\x7fELF"
_MODELS = {1: LINUX_32, 2: LINUX_64}
"""By the class of the ELF file (EI_CLASS)."""
_MACHINE = slice(18, 20)
HEADER_BYTES = _MACHINE.stop
"""So many at the beginning of a program say how wide its types are."""
_I386 = 3
"""EM_386; on other machines, and in the x32 ABI of x86-64, a program of 32 bits aligns as one of 64 does."""
_BLOCK = 1 << 16
_BOOT = "/proc/sys/kernel/random/boot_id"


class Status(NamedTuple):
    """What ``/proc/PID/stat`` says."""

    name: str
    """The first 15 bytes of the name; a thread may give itself another one."""
    state: str
    parent_pid: int
    flags: int
    start_time: int
    """In ticks since the system's start: what tells it from others that had its pid before."""
    exit_status: int
    """As from ``waitpid``; 0 where the kernel does not tell this user."""

    @property
    def has_ended(self) -> bool:
        """Whether its first thread has; there may be others."""
        return self.state in _ENDED or bool(self.flags & _EXITING)

    @property
    def is_of_kernel(self) -> bool:
        return bool(self.flags & _OF_KERNEL)


class Folder:
    """``/proc/PID`` of one process: once it has ended, nothing is found there, whoever has its pid then.

    :raises OSError: there is none.
    """

    def __init__(self, pid: int) -> None:
        self._descriptor: OwnedDescriptor | None = open_descriptor(
            f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY
        )

    def close(self) -> None:
        self._descriptor = None

    def held(self) -> Folder:
        """The same once more, which stays open when this one is closed."""
        held = object.__new__(Folder)
        held._descriptor = self._descriptor
        return held

    def open(self, name: str, flags: int = os.O_RDONLY) -> OwnedDescriptor:
        """Open a file in it.

        :raises OSError: the system refuses, or the process has ended, or this was closed.
        """
        return open_descriptor(name, flags, self._opened())

    def open_shared(self, name: str, flags: int = os.O_RDONLY) -> OwnedDescriptor:
        """Open a file that is the same for all threads, also where the first one has ended before the others.

        :raises OSError: the system refuses, or the process has ended, or this was closed.
        """
        try:
            return self.open(name, flags)
        except OSError as error:
            # Without memory of its own, the files of the first thread belong to root.
            is_closed = error.errno == errno.EACCES and self.status().has_ended
            if error.errno not in NO_LONGER and not is_closed:
                raise
            for thread in self.names("task"):
                with contextlib.suppress(OSError):
                    return self.open(f"task/{thread}/{name}", flags)
            raise

    def _opened(self) -> OwnedDescriptor:
        descriptor = self._descriptor
        if descriptor is None:  # a name alone would be looked for in the working directory
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return descriptor

    def read(self, name: str) -> str:
        """All that a file in it says.

        :raises OSError: the system refuses, or the process has ended.
        """
        return os.fsdecode(self._bytes(name))

    def _bytes(self, name: str) -> bytes:
        descriptor = self.open(name)
        pieces = []
        while piece := os.read(descriptor, _BLOCK):
            pieces.append(piece)
        return b"".join(pieces)

    def link(self, name: str) -> str | None:
        """Where a link in it leads to; None where the system does not tell."""
        try:
            return os.readlink(name, dir_fd=self._opened())
        except OSError:
            return None

    def names(self, name: str) -> list[str]:
        """What is in a folder in it.

        :raises OSError: the process has ended.
        """
        return os.listdir(self.open(name, os.O_RDONLY | os.O_DIRECTORY))

    def status(self, name: str = "stat") -> Status:
        """How the process is; or one of its threads.

        :raises OSError: it has ended.
        """
        # The name stands in parentheses, and may have some in it.
        start, _, rest = self.read(name).rpartition(")")
        fields = rest.split()
        return Status(
            name=start.partition("(")[2],
            state=fields[0],
            parent_pid=int(fields[1]),
            flags=int(fields[6]),
            start_time=int(fields[19]),
            exit_status=int(fields[49]),
        )

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        try:
            return self.runs_on(self.status())
        except OSError as error:
            return error.errno in EXHAUSTED  # then nothing is known of it

    def runs_on(self, status: Status) -> bool:
        """Whether it still runs, where that is how it is.

        :raises OSError: it has ended meanwhile.
        """
        return not status.has_ended or len(self.names("task")) > 1

    def threads(self) -> list[int]:
        """The numbers of its threads, the first one first.

        :raises OSError: it has ended.
        """
        return sorted(map(int, self.names("task")))

    def threads_by_age(self) -> list[int]:
        """The numbers of its threads in the order in which they were made; the numbers begin anew at times.

        :raises OSError: it has ended.
        """
        ages = []
        for number in self.threads():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                ages.append((self.status(f"task/{number}/stat").start_time, number))
        return [number for _, number in sorted(ages)]

    def leader(self) -> int:
        """The process that this is a thread of; its own pid, where it is no mere thread.

        :raises OSError: it has ended.
        """
        return int(self._lines()["Tgid"])

    def tracer(self, folder: str = "") -> int:
        """The thread of a process that debugs it; 0 where none does.

        :param folder: that of a thread, where it is about one.
        :raises OSError: it has ended.
        """
        return int(self._lines(f"{folder}status")["TracerPid"])

    def auxiliary(self, bitness: int) -> dict[int, int]:
        """What the kernel has told the program when it began, by the numbers ``AT_*``.

        :param bitness: how wide the process is.
        :raises OSError: it has ended, or the system refuses.
        """
        words = array("Q" if bitness == 64 else "I", self._bytes("auxv"))
        return dict(zip(words[::2], words[1::2], strict=False))

    def seccomp(self) -> int:
        """Which calls of the kernel it may make: 0 for all, 1 for a few, 2 for those that a filter lets through.

        :raises OSError: it has ended.
        """
        return int(self._lines().get("Seccomp", "0"))

    def capabilities(self) -> int:
        """The bits ``CAP_*`` of what it may do beyond the rights of its user.

        :raises OSError: it has ended.
        """
        return int(self._lines()["CapEff"], 16)

    def numbers(self) -> set[int]:
        """Its pid, and those that it has for itself, in the containers that it runs in.

        :raises OSError: it has ended.
        """
        lines = self._lines()
        return set(map(int, lines.get("NSpid", lines["Tgid"]).split()))  # NSpid is there since Linux 4.1

    def has_signal(self, thread: int) -> bool:
        """Whether a signal waits for that thread, which it does not block, and for which it has a handler.

        :raises OSError: it has ended.
        """
        lines = self._lines(f"task/{thread}/status")
        own, shared, blocked, caught = (
            int(lines[name], 16) for name in ("SigPnd", "ShdPnd", "SigBlk", "SigCgt")
        )
        return bool((own | shared) & ~blocked & caught)

    def _lines(self, name: str = "status") -> dict[str, str]:
        return dict(line.partition(":\t")[::2] for line in self.read(name).split("\n"))

    def program(self) -> str | None:
        """The file that it runs; None where the system does not tell, or there is none."""
        path = self.link("exe")
        return None if path is None else path.removesuffix(DELETED)

    def model(self) -> DataModel | None:
        """How wide its types are; None where the system does not let its file be seen."""
        with contextlib.suppress(OSError):
            return model_of(os.read(self.open_shared("exe"), HEADER_BYTES))
        return None

    def words(self) -> list[str]:
        """Its command line; programs may change what is told here.

        :raises OSError: it has ended.
        """
        return self.read("cmdline").split("\0")

    def maps(self) -> str:
        """What is mapped.

        :raises OSError: it has ended, or the system refuses.
        """
        text = self.read("maps")
        if text:
            return text
        # Its first thread has ended before the others: what all have in common is seen in those.
        for thread in self.names("task"):
            with contextlib.suppress(OSError):
                text = text or self.read(f"task/{thread}/maps")
        return text


def model_of(start: bytes) -> DataModel | None:
    """How wide the types of a program are whose file begins so; None where that is none of Linux."""
    if start[:4] != _ELF:
        return None
    model = _MODELS.get(start[4])
    if model is LINUX_32 and int.from_bytes(start[_MACHINE], "little") != _I386:
        return model._replace(largest_alignment=LINUX_64.largest_alignment)
    return model


def open_descriptor(path: str, flags: int, folder: OwnedDescriptor | None = None) -> OwnedDescriptor:
    """Open a file."""
    return OwnedDescriptor(os.open(path, flags | os.O_CLOEXEC, dir_fd=folder))


def pids() -> Iterator[int]:
    """Those of all processes, the lowest first.

    :raises SystemFailure: there is no /proc.
    """
    try:
        names = os.listdir("/proc")
    except OSError as error:
        raise failure_of("readdir", error) from None
    yield from sorted(int(name) for name in names if name.isascii() and name.isdigit())


@functools.cache
def boot_number() -> int:
    """A random number that the kernel has given itself at its start; 0 where it is not shown.

    The time of the start would do less: Linux counts it back from now, and it moves whenever the clock is set.
    """
    with contextlib.suppress(OSError, ValueError), open(_BOOT, encoding="ascii") as file:
        return int(file.read().strip().replace("-", ""), 16)
    return 0


def number_in(path: str, otherwise: int) -> int:
    """The number that a file has; *otherwise* where there is none."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return otherwise
