"""The world of the page on Linux: programs of Windows under Wine, and a native one.

Those of Windows are fake everywhere: the same things are tested on real ones in ``tests/linux/test_wine.py``.
The native one, ``castle``, is a real program on Linux, and fake elsewhere.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from known_linux import CODES
from support import targets

from docs import worlds
from docs.worlds import FIRST_PLAYER, PLAYER
from memaccess import MemoryView, _backend
from memaccess._backend.linux import _facts
from memaccess._backend.linux._codes import failure_with
from memaccess._errors import Cause
from memaccess._records import PAGE, Module
from memaccess._types import LINUX_64
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docs.worlds import Replace
    from memaccess._records import ProcessInfo

GAMES = "/home/deck/Games"
PROTON = f"{GAMES}/Proton/files/lib/wine"
CASTLE, STEAM, WINE = 4242, 4200, 4204
DATA, CONSTANTS = 0x5555_01234000, 0x5555_01240000
OWN_USER = 1000


class LinuxFake(FakeProcess):
    """A program whose files have paths of Linux."""

    def __init__(self, pid: int, name: str, folder: str, **options: Any) -> None:
        super().__init__(pid, name, parent_pid=STEAM if pid == CASTLE else WINE, **options)
        self.path = f"{folder}/{name}"
        self.facts = _facts.Facts(pid, name, OWN_USER, OWN_USER)

    def load_from(self, folder: str, name: str, base: int, **options: Any) -> None:
        """As :meth:`load`, from a folder of Linux."""
        self.load(name, base, **options)
        for each in self._mappings:
            if each.file == f"C:\\{name}":
                each.file = f"{folder}/{name}"

    def _modules(self) -> list[Module]:
        return [each._replace(name=each.path.rpartition("/")[2]) for each in super()._modules()]


class LinuxSystem(FakeSystem):
    """A Linux on which those programs run, and says why others can't be opened."""

    def __init__(self, *processes: LinuxFake, real: int | None = None) -> None:
        super().__init__(*processes)
        self._real = real
        """The pid of a program that does run here."""

    def open(self, pid: int, access: Any, /) -> Any:
        if pid == self._real:
            return _backend._own_system().open(pid, access)
        found = next((each for each in self._processes if each.pid == pid), None)
        if found is None:
            raise failure_with("open", errno.ENOENT, cause=Cause.NO_PROCESS)
        if found.denied:
            raise failure_with("open", errno.EACCES)
        return super().open(pid, access)

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        real = None if self._real is None else _backend._own_system().process(self._real)
        more = [real] if real is not None and (wanted is None or wanted(real.name)) else []
        return more + super().processes(wanted)

    def process(self, pid: int, /) -> ProcessInfo | None:
        return _backend._own_system().process(pid) if pid == self._real else super().process(pid)

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        found = next((each for each in self._processes if each.pid == pid), None)
        names = sorted((each.name, each.pid) for each in self._processes)
        windows = tuple(each for each in names if each[0].endswith(".exe"))
        facts = found.facts if isinstance(found, LinuxFake) else _facts.Facts(pid, windows_programs=windows)
        return _facts.why_not_opened(facts, cause)


def _game() -> LinuxFake:
    game = LinuxFake(5556, "game.exe", f"{GAMES}/game", windows=("The Game",))
    game.map(0x01234000, 0x1000)
    game.load_from(f"{GAMES}/game", "game.exe", 0x140000000, data=0x110000)
    game.load_from(f"{PROTON}/x86_64-windows", "kernel32.dll", 0x6FFFFFA00000, exports={"Sleep": 0x1010})
    game.map(0x10F000, (0x6FFFFFA01234).to_bytes(8, "little").rjust(0x1000 - 0x28, b"\0"))
    game.map(0x7F5400000000, 0x1000, "r--", kind="mapped", file=f"{PROTON}/x86_64-unix/ntdll.so")
    game.stack_bases.append(0x110000)
    with game.open("w") as view:
        view.write(FIRST_PLAYER, PLAYER)
        view.write_pointer(PLAYER - 0x58, 0x14010F4F4)
        view.write_pointer(PLAYER - 0x158, PLAYER - 0x58)
    return game


def _castle() -> LinuxFake:
    castle = LinuxFake(CASTLE, "castle", f"{GAMES}/castle")
    castle.model = LINUX_64
    castle.load_from(f"{GAMES}/castle", "castle", 0x555500000000)
    castle.map(DATA + PLAYER % PAGE, FIRST_PLAYER)
    castle.map(CONSTANTS, 0x1000, "r--")
    return castle


def _denied(pid: int, name: str, **facts: Any) -> LinuxFake:
    program = LinuxFake(pid, name, GAMES)
    program.denied = True
    program.facts = program.facts._replace(**facts)
    return program


def _others() -> list[LinuxFake]:
    return [
        LinuxFake(5560, "old.exe", f"{GAMES}/old", bitness=32),
        _denied(4300, "native", ptrace_scope=1),
        _denied(4304, "sealed", ptrace_scope=2),
        _denied(4308, "dark", ptrace_scope=3),
        _denied(4312, "daemon", user=0),
        _denied(4316, "shy", is_dumpable=False),
        _denied(4320, "", is_hidden=True),
        _game(),
    ]


@contextmanager
def fake_linux() -> Iterator[Replace]:
    """What the page on Linux shows, on any system."""
    with LinuxSystem(_castle(), *_others()):
        # The fake ones fail with the codes of Windows.
        yield lambda text: text.replace("error code 14", "error code 998")


@contextmanager
def live_linux() -> Iterator[Replace]:
    """The same with a native program that runs: the target, under the name that the page says."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "castle"
        shutil.copy(targets.executable("pages", targets.OWN_BITNESS), program)
        with targets.Target([program]) as target, LinuxSystem(*_others(), real=target.pid):
            pages = target.facts["pages"]
            places = {DATA: pages["readwrite"]["base"], CONSTANTS: pages["readonly"]["base"]}
            with MemoryView(target.pid, "w") as view:
                view.write(FIRST_PLAYER, places[DATA] + PLAYER % PAGE)
            yield _replacer(target.pid, places, str(program))


@contextmanager
def live_quickstart() -> Iterator[Replace]:
    """The quickstart with a Python of Linux, whose codes and names are others."""
    own = os.path.basename(os.path.realpath(sys.executable))
    lowest = int(Path("/proc/sys/vm/mmap_min_addr").read_text())
    others = {
        "'python.exe'": repr(own),
        "find_processes('python')": f"find_processes({own!r})",
        "first 64 KiB": f"first {lowest // 1024} KiB",
    }

    with worlds.live_quickstart() as replace:

        def replaced(text: str) -> str:
            for before, after in others.items():
                text = text.replace(before, after)
            return re.sub("(?<=error code )[0-9]+", lambda found: str(CODES[int(found[0])]), replace(text))

        yield replaced


def _replacer(pid: int, places: dict[int, int], path: str) -> Replace:
    """What turns the native program of the page into the real one."""

    def moved(found: re.Match[str]) -> str:
        address = int(found[0], 16)
        return hex(places[address // PAGE * PAGE] + address % PAGE)

    def replace(text: str) -> str:
        text = re.sub(r"\b0x5555012[0-9a-f]{5}\b", moved, text)
        text = text.replace(f"{GAMES}/castle/castle", path).replace(str(CASTLE), str(pid))
        text = text.replace(f"parent_pid={STEAM}", f"parent_pid={os.getpid()}")
        return text.replace("64-bit, mode", f"{targets.OWN_BITNESS}-bit, mode")

    return replace
