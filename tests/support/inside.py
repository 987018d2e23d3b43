"""What is inside of Wine, for tests that run on Linux: a Windows Python, and the programs that it starts."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wine._run import windows_path

import memaccess
from memaccess import find_processes, list_windows
from support import targets
from support.screen import Rectangle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from memaccess import ProcessInfo

TESTS = Path(__file__).resolve().parents[1]
WINE = TESTS / "wine"
NOT_READY = "ended with 3"
PATIENCE = 30


class Inside:
    """A Windows Python that says what it sees, and the same process as Linux sees it."""

    def __init__(self, bitness: int, layout: list[str]) -> None:
        self.bitness = bitness
        self.is_wow64 = "--wow64" in layout
        self._mark = f"MEMACCESS_RUN={uuid.uuid4()}"
        with pytest.MonkeyPatch.context() as patch:
            folders = [str(Path(memaccess.__file__).parents[1]), str(TESTS)]
            patch.setenv(*self._mark.split("="))
            patch.setenv("PYTHONPATH", os.pathsep.join(folders))
            words = ["python", str(bitness), "--screen", *layout, targets.SOURCES / "inside.py"]
            try:
                self.target = targets.Target([sys.executable, WINE, *words])
            except EOFError as error:
                if NOT_READY not in str(error):
                    raise
                pytest.skip("Windows is not ready: python tests/wine provision")
        (self.process,) = self.processes("python.exe")

    def processes(self, name: str) -> list[ProcessInfo]:
        """Those of that name that were started from here; others may run Wine too."""
        return [each for each in find_processes(name) if self._mark in environment(each.pid)]

    def appeared(self, name: str) -> ProcessInfo:
        """Such a program, once it is there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for each in self.processes(name):
                return each
            time.sleep(0.05)
        raise AssertionError(f"{name} did not start")

    def ask(self, **request: Any) -> dict[str, Any]:
        return self.target.ask(json.dumps(request))

    def run(self, *words: str | Path, input: str = "") -> dict[str, Any]:
        """Run a script there with the same Python; its exit code, and what it printed."""
        return self.ask(run=[in_windows(each) for each in words], input=input)

    def close(self) -> None:
        self.target.tell("quit")
        self.target.__exit__()


class Program:
    """A program that runs inside, with pipes to its input and from its output. Use it in a ``with`` block.

    :param command: its file, where a script stands for the Python that runs it, and its arguments.
    """

    def __init__(self, inside: Inside, *command: str | Path) -> None:
        self._inside = inside
        self._pid: int = inside.ask(launch=[in_windows(each) for each in command])["pid"]

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """What a target says about itself when it starts."""
        return self._answer()

    @property
    def addresses(self) -> dict[str, int]:
        return self.facts["addresses"]

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command line to a target; the answer."""
        _ = self.facts
        self.say(command)
        return self._answer()

    def say(self, line: str) -> None:
        self._inside.ask(say=line, to=self._pid)

    def hear(self) -> str | None:
        """The next line; None where there is no more."""
        line: str | None = self._inside.ask(hear=self._pid)["line"]
        return line

    def _answer(self) -> dict[str, Any]:
        line = self.hear()
        assert line is not None, "it has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inside.ask(end=self._pid)


class NotepadInside:
    """A :class:`support.notepad.Notepad` that runs inside. Use it in a ``with`` block."""

    def __init__(self, inside: Inside) -> None:
        self._ask = inside.ask
        self._ask(notepad="open", arguments=[inside.bitness])
        self.title: str = self._ask(notepad="title")["answer"]

    def fill(self, text: str) -> None:
        self._ask(notepad="fill", arguments=[text])

    def text(self) -> str:
        text: str = self._ask(notepad="text")["answer"]
        return text

    def wait_for_length(self, length: int) -> None:
        self._ask(notepad="wait_for_length", arguments=[length])

    def place_of(self, start: int, stop: int) -> Rectangle:
        return Rectangle(*self._ask(notepad="place_of", arguments=[start, stop])["answer"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask(notepad="__exit__")


def in_windows(path: str | Path) -> str:
    """A path as Windows has it; words are as they are."""
    return windows_path(path) if isinstance(path, Path) else path


def environment(pid: int) -> list[str]:
    """What the process was started with; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return []


@contextlib.contextmanager
def screen_of(pid: int) -> Iterator[str]:
    """A block in which the screen of that process is the one whose windows are listed, once it has one; its name."""
    (display,) = (word for word in environment(pid) if word.startswith("DISPLAY="))
    name = display.partition("=")[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        deadline = time.monotonic() + PATIENCE
        while not any(each.pid == pid for each in list_windows()):
            assert time.monotonic() < deadline, "it shows no window"
            time.sleep(0.05)
        yield name
