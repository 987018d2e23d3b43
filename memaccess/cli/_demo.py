"""``demo``: what memaccess is for, shown on a program that the demo starts itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memaccess import MemoryAccessError, MemoryView
from memaccess._backend import default_system

if TYPE_CHECKING:
    import argparse

    from typing_extensions import Self

_TARGET = Path(__file__).with_name("_demo_target.py")

_READING = (
    "view.read_int(health)",
    "view.read_float(speed)",
    "view.read_string(name, limit=16)",
    "view.read_struct('ifq16s', health)",
    "view.read_many([('int', health), ('int64', gold)])",
)
_WRITING = (
    "view.write_int(9999, health)",
    "view.write_int64(view.read_int64(gold) + 1_000_000, gold)",
    "view.write_string('Grace', name, limit=16)",
)


def demo(_options: argparse.Namespace) -> None:
    """Start the game, look into it, change it, and let it say what it then believes."""
    default_system()  # says at once where there is none
    with _Game() as game, MemoryView(game.pid, "rw") as view:
        print(f"A small game was started: another program, pid {game.pid}. It knows nothing of memaccess.\n")
        print(f'  The game says:  "{game.says()}"\n')
        print("memaccess opens it, and reads what lies in its memory:\n")
        print(f"  >>> view = MemoryView({game.pid}, 'rw')\n  >>> view\n  {view}")
        names = {"view": view, **game.addresses}
        for name, address in game.addresses.items():
            print(f"  >>> {name} = 0x{address:x}")
        for line in _READING:
            _run(line, names)
        print("\nIt writes, and the game goes on with what was written:\n")
        for line in _WRITING:
            _run(line, names)
        print(f'\n  The game says:  "{game.says()}"\n')
        print("A mistake explains itself. Here a pointer was null, plus the offset of a field:\n")
        _run("view.read_int(0x10)", names)
    print("\nThe view is closed, the game has ended, and nothing is left behind.")
    print("Next: the quickstart in the documentation, or help(memaccess.MemoryView).")


class _Game:
    """The program that is looked into, as another process."""

    pid: int
    addresses: dict[str, int]

    def says(self) -> str:
        """Ask it how the player is doing."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(_TARGET)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # Not Popen's pid: on Windows the Python of a virtual environment starts another, which is the game.
        facts = json.loads(self._line())
        self.pid, self.addresses = facts["pid"], facts["addresses"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("")  # the end of its input ends it


def _run(line: str, names: dict[str, Any]) -> None:
    """Show a line of Python and do what it says: what is shown is what happens."""
    print(f"  >>> {line}")
    try:
        result = eval(line, {"__builtins__": {}}, names)
    except MemoryAccessError as error:
        print(f"  {type(error).__name__}: {error}\n    {error.explanation}")
    else:
        if result is not None:
            print(f"  {result!r}")
