"""The worlds in which the examples of a page take place: which programs there are, and what is in them.

A page says ``game``, ``5556`` and ``0x01234560``. In the world of ``fake_game`` these are true of a
:class:`~memaccess.testing.FakeProcess`, on any system. In a live world they stand for a real
program's name, pid and addresses, and are replaced before the page runs.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from known_wine import IS_WINE
from support import targets

from docs.pages import ROOT
from memaccess import MemoryView
from memaccess._errors import Cause, SystemFailure
from memaccess._win32._codes import failure_from, failure_with
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    Replace: TypeAlias = Callable[[str], str]
    World: TypeAlias = Callable[[], AbstractContextManager[Replace]]

PLAYER = 0x01234560
POSITION = PLAYER + 0x20
_PROGRAM = r"C:\game\game.exe"
_PLAYER = struct.Struct("<ifq16s3f")
FIRST_PLAYER = _PLAYER.pack(100, 1.5, 250, b"Ada", 1.0, 2.0, 3.0)


# -- worlds that exist in this Python alone


class Stubborn(FakeProcess):
    """A program that the system refuses to read, and to write by force, with a code of its own."""

    def __init__(self, pid: int, name: str, failure: SystemFailure) -> None:
        super().__init__(pid, name)
        self.map(0x01234000, 0x1000)
        self.failure = failure


class _StubbornSystem(FakeSystem):
    def open(self, pid: int, access: Any, /) -> Any:
        opened = super().open(pid, access)
        target = opened._target
        if isinstance(target, Stubborn):

            def refuse(*_: Any) -> Any:
                raise target.failure

            opened.read = opened.write_forced = refuse
        return opened


def _game() -> FakeProcess:
    game = FakeProcess(5556, "game.exe", parent_pid=4200, windows=("The Game",))
    game.map(0x01234000, 0x1000)
    with game.open("w") as view:
        view.write(FIRST_PLAYER, PLAYER)
        view.write_pointer(0x01234600, 0x01234590)
        view.write_pointer(0x1F2_34560010, 0x01234598)
        view.write_string("Zoë and Ada", 0x01234600, "utf-16")
        view.write_string("saved", 0x01234680)
        view.write(b"\xff" * 8, 0x01234FF8)
    game.map(0x01240000, struct.pack("<f", 9.81) + b"GAME OVER", "r--", kind="image", file=_PROGRAM)
    game.map(0x01242000, 0x1000, kind="image", file=_PROGRAM)
    game.map(0x01250000, b"\xb8\x2a\x00\x00\x00\xc3", "r-x", kind="image", file=_PROGRAM)
    game.map(0x01260000, 0x1000, "---")
    game.map(0x01270000, 0x1000, guard=True)
    game.reserve(0x01280000, 0x10000)
    game.map(0x01300000, b"x" * 0x200000)
    game.map(0x1F2_34560000, 0x1000)
    _load_modules(game)
    return game


def _load_modules(game: FakeProcess) -> None:
    game.load(
        "C:\\game\\engine.dll",
        0x01800000,
        exports={"Fire": 0x1000, "Jump": 0x1200, "Gravity": 0x2000},
        symbols={"reload": 0x1020},
        lines={0x1000: ("engine.c", 7)},
    )
    game.load("physics.dll", 0x01880000, exports={"Jump": 0x1000, "Fly": "engine.Jump", 7: 0x1040})
    game.load("sealed.dll", 0x01900000)
    with game.open("w") as view:
        view.write(b"--", 0x01900080, force=True)
        view.write_double(9.81, 0x01802000)
        view.write_pointer(PLAYER, 0x01242010)


def _system() -> FakeSystem:
    old = FakeProcess(4204, "old.exe", bitness=32, parent_pid=4200)
    old.map(0x00401000, struct.pack("<II", 0x00401100, 7))
    admin = FakeProcess(4300, "admin.exe")
    admin.denied = True
    guarded = FakeProcess(4304, "antivirus.exe")
    guarded.protected = True
    return _StubbornSystem(
        FakeProcess(4200, "explorer.exe", parent_pid=4, windows=("Downloads", "Pictures")),
        old,
        FakeProcess(4208, "server.exe", windows=("Console",)),
        FakeProcess(4212, "server.exe", windows=("Console",)),
        admin,
        guarded,
        Stubborn(4308, "wide.exe", failure_from(Cause.OUT_OF_REACH, "VirtualProtectEx")),
        Stubborn(4312, "sealed.exe", failure_from(Cause.DENIED, "ReadProcessMemory", "Access is denied.")),
        Stubborn(4316, "loading.exe", failure_with("ReadProcessMemory", 299)),
        _game(),
    )


@contextmanager
def fake_game() -> Iterator[Replace]:
    """A game and a few more programs."""
    with _system():
        yield _as_it_is


@contextmanager
def fake_quickstart() -> Iterator[Replace]:
    """``docs/examples/game.py``, in a Python of its own."""
    game = FakeProcess(5556, "python.exe", parent_pid=4200)
    game.map(0x01234000, 0x1000)
    with game.open("w") as view:
        view.write(FIRST_PLAYER[:32], PLAYER)
    with FakeSystem(FakeProcess(4200, "python.exe"), game):
        yield _as_it_is


@contextmanager
def nowhere() -> Iterator[Replace]:
    """No program at all: the page brings its own."""
    yield _as_it_is


def _as_it_is(text: str) -> str:
    return text


# -- worlds of real programs


@contextmanager
def live_game() -> Iterator[Replace]:
    """The C target under a name of its own, with the player in its array of ints."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / f"game{os.getpid()}.exe"
        shutil.copy(targets.executable("values", targets.OWN_BITNESS), program)
        with targets.Target([program]) as target:
            base = target.addresses["int_array"]
            with MemoryView(target.pid, "w") as view:
                view.write(FIRST_PLAYER, base)
            yield _replacer(target.pid, base, program.stem)


@contextmanager
def live_quickstart() -> Iterator[Replace]:
    """``docs/examples/game.py``, started as the page says; at the end it says what the page says."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "docs" / "examples" / "game.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as game:
        assert game.stdin is not None
        assert game.stdout is not None
        try:
            first = game.stdout.readline()
            said = re.fullmatch(r"I am process (\d+), and my player is at 0x([0-9a-f]+)\.\n", first)
            assert said, first
            page = (ROOT / "docs" / "quickstart.rst").read_text(encoding="utf-8")
            assert _without_prompt(game.stdout.readline()) in page
            yield _replacer(int(said[1]), int(said[2], 16), None)
            game.stdin.write("\n")
            game.stdin.flush()
            last = _without_prompt(game.stdout.readline())
            assert last in page
            assert "Grace has 9999" in last
        finally:
            game.kill()


def _without_prompt(line: str) -> str:
    return line.removeprefix("Enter to go on. ").strip()


def _replacer(pid: int, base: int, stem: str | None) -> Replace:
    """What turns a page's pid, addresses and names into those of a real program."""

    def moved(found: re.Match[str]) -> str:
        return hex(int(found[0], 16) - PLAYER + base)

    def replace(text: str) -> str:
        text = re.sub(r"\b0x0?1234[0-9a-f]{3}\b", moved, text)
        text = text.replace("5556", str(pid)).replace("64-bit", f"{targets.OWN_BITNESS}-bit")
        if IS_WINE:
            # Wine says 998 wherever Windows says 299: tests/known_wine.py.
            text = text.replace("error code 299", "error code 998")
        if stem is not None:
            text = text.replace("game.exe", f"{stem}.exe").replace("'game'", repr(stem))
        return text

    return replace
