"""Starting the programs of ``tests/targets`` and talking to them: one JSON line per answer."""

from __future__ import annotations

import functools
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

OWN_BITNESS = struct.calcsize("P") * 8
SOURCES = Path(__file__).resolve().parent.parent / "targets"
BITNESSES = (64, 32)


class Target:
    """A running test program. Use it in a ``with`` block, which ends it."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            self.facts = self._answer()
        except BaseException:
            self.__exit__()
            raise
        """What it said about itself when it started: pid, pointer_size, addresses, …"""

    @property
    def pid(self) -> int:
        return self.facts["pid"]

    @property
    def addresses(self) -> dict[str, int]:
        return self.facts["addresses"]

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command line; the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def tell(self, command: str) -> int:
        """Send a command line that ends the program; its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._process.wait()

    def kill(self) -> None:
        """End it from outside, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EOFError(f"{self._process.args} ended with {self._process.wait()}")
        answer = json.loads(line)
        assert "error" not in answer, f"{self._process.args}: {answer}"
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        with self._process:  # closes the pipes and waits
            pass
        # It and its pipes hold handles until they are gone, and pytest refers to fixtures for longer.
        del self._process


def executable(name: str, bitness: int) -> Path:
    """The compiled program of that name and width."""
    ending = ".exe" if sys.platform == "win32" else ""
    return _folder() / f"{name}-{bitness}{ending}"


def windows_executable(name: str, bitness: int) -> Path:
    """The program of Windows of that name and width, as a file of this system."""
    return _built() / f"{name}-{bitness}.exe"


def _folder() -> Path:
    """Where the compiled programs are; whoever started this Python has said so, or they are built now."""
    known = os.environ.get("MEMACCESS_TARGETS")
    if known is not None:
        return Path(known)
    return _built("--linux") if sys.platform == "linux" else _built()


@functools.cache
def _built(*options: str) -> Path:
    build = [sys.executable, str(SOURCES / "build.py"), *options]
    return Path(subprocess.run(build, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def start(name: str, bitness: int = OWN_BITNESS, *arguments: str) -> Target:
    """Start a C target."""
    return Target([executable(name, bitness), *arguments])


def python(bitness: int) -> str | None:
    """A Python of that width; None where there is none on this machine."""
    if bitness == OWN_BITNESS:
        return sys.executable
    return os.environ.get(f"MEMACCESS_PYTHON{bitness}")


def start_python(name: str, bitness: int = OWN_BITNESS) -> Target:
    """Start a Python target."""
    interpreter = python(bitness)
    if interpreter is None:
        pytest.skip(f"there is no {bitness}-bit Python: MEMACCESS_PYTHON{bitness} names none")
    return Target([interpreter, SOURCES / f"{name}.py"])
