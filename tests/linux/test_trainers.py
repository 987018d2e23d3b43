"""Scripts for programs of Windows, run unchanged by Linux' Python from outside and by Windows' Python inside."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import pytest
from support import targets
from support.game import NAME, moved, true_chain
from support.inside import PATIENCE, NotepadInside, Program, screen_of
from support.notepad import LARGEST_CARET, NEW, OLD, SENTENCE, ink, other_than, type_into, until
from support.screen import LinuxScreen

from memaccess import MemoryView, TargetExitedError, find_process, find_processes, list_processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.inside import Inside
    from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "docs" / "recipes"


def run(script: Path, *words: str, lines: list[str] | None = None) -> list[str]:
    """The lines that a script prints in this Python, as a user runs it."""
    ended = subprocess.run(
        [sys.executable, script, *words],
        input="".join(f"{line}\n" for line in lines or []),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def run_inside(inside: Inside, script: Path, *words: str, lines: list[str] | None = None) -> list[str]:
    """The lines that it prints in Windows' Python."""
    ended = inside.run(script, *words, input="".join(f"{line}\n" for line in lines or []))
    assert (ended["code"], ended["errors"]) == (0, "")
    return ended["output"].splitlines()


def both(inside: Inside, script: Path, *words: str, lines: list[str] | None = None) -> list[str]:
    """The lines that it prints on both sides alike, without the numbers of errors, which each system has its own of."""
    printed = [
        [re.sub(r"error code \d+", "error code", line) for line in run_there(script, *words, lines=lines)]
        for run_there in (run, partial(run_inside, inside))
    ]
    assert printed[0] == printed[1]
    return printed[0]


@pytest.fixture
def notepad(inside: Inside) -> Iterator[NotepadInside]:
    # The recipe opens the one program of that name, and others may run tests with another Wine.
    until("no other notepad", lambda: not find_processes("notepad"))
    with NotepadInside(inside) as notepad:
        yield notepad


def change_text(notepad: NotepadInside, bitness: int) -> None:
    """Run the recipe, and look at what it prints."""
    title, *changes, summary = run(RECIPES / "notepad.py", OLD, NEW)
    assert title.endswith(f"'notepad.exe', {bitness}-bit, mode 'rw'>")
    assert changes
    assert all(" (committed rw- private)" in each for each in changes)
    assert summary.startswith(f"Copies changed: {len(changes)}.")
    assert notepad.text() == SENTENCE.format(NEW)


def test_the_notepad_of_wine_has_the_text_that_the_recipe_writes(
    inside: Inside, notepad: NotepadInside
) -> None:
    notepad.fill(SENTENCE.format(OLD))
    change_text(notepad, inside.bitness)


def test_the_notepad_of_wine_shows_the_text_that_the_recipe_writes(
    inside: Inside, notepad: NotepadInside
) -> None:
    if inside.is_wow64:
        pytest.skip("notepad draws nothing so, and any key ends it, also when nobody looks (Wine 8.0)")
    with screen_of(find_process("notepad").pid) as display:
        screen = LinuxScreen(display)
        type_into(notepad, screen, SENTENCE.format(OLD))
        start = SENTENCE.index("{")
        word = notepad.place_of(start, start + len(OLD))
        ending = notepad.place_of(len(SENTENCE.format(OLD)) - 5, len(SENTENCE.format(OLD)) - 1)
        until("a drawn line", lambda: ink(screen.pixels(ending)) > LARGEST_CARET)
        before = screen.pixels(word)

        change_text(notepad, inside.bitness)
        screen.press("ctrl+a", "ctrl+Home")  # mark all, and mark nothing
        after = until("another picture", lambda: other_than(before, screen.pixels(word)))

        screen.press("ctrl+a", "Delete")
        notepad.wait_for_length(0)
        until("an empty window", lambda: ink(screen.pixels(word)) == 0)
        screen.type(SENTENCE.format(NEW))
        until("the same picture of the same text", lambda: screen.pixels(word) == after)


def test_the_chain_of_pointers_is_the_same_from_outside_before_and_after_a_restart(
    inside: Inside, tmp_path: Path
) -> None:
    recipe, program = RECIPES / "pointer_chain.py", tmp_path / f"{NAME}.exe"
    shutil.copy(targets.windows_executable("chain", inside.bitness), program)
    with Program(inside, program) as game:
        chain, health = true_chain(game), hex(game.addresses["health"])
        chains = both(inside, recipe, "find", NAME, health)
        assert chain in chains
        game.ask("hit 30")
        assert f"{chain} = 70" in both(inside, recipe, "check", NAME, lines=chains)
        with MemoryView.from_name(NAME) as view:
            assert int(view.address(chain)) == game.addresses["health"]
            after = game.ask("level")["addresses"]["health"]
            assert int(view.address(chain)) == after != game.addresses["health"]
    until("its end", lambda: not find_processes(NAME))
    with Program(inside, moved(program), "40") as game:
        assert hex(game.addresses["health"]) != health
        game.ask("hit 9")
        assert f"{chain} = 91" in both(inside, recipe, "check", NAME, lines=chains)
        with MemoryView.from_name(NAME) as view:
            assert int(view.address(chain)) == game.addresses["health"]
        game.ask("menu")
        (line,) = both(inside, recipe, "check", NAME, lines=[chain])
        assert line.startswith(f"{chain} is broken: ")


class Outside:
    """A script that this Python runs, with pipes. Use it in a ``with`` block."""

    def __init__(self, *command: str | Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def hear(self) -> str | None:
        assert self._process.stdout is not None
        return self._process.stdout.readline().removesuffix("\n") or None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()


def played(trainer: Outside | Program, programs: dict[str, Program]) -> list[str]:
    """All that the trainer prints, whose user does what it says."""
    lines = []
    while (line := trainer.hear()) is not None:
        lines.append(line)
        if line.startswith("> "):
            _, name, command = line.split(" ", 2)
            programs[name].say(command)
            if name != "ending":
                programs[name].hear()
            trainer.say("")
    assert lines[-1].startswith("exit code: "), lines
    return lines


class Started:
    """Targets under names of their own, as one would start them. Use it in a ``with`` block."""

    def __init__(self, inside: Inside, folder: Path) -> None:
        self._inside, self._folder = inside, folder
        self._stack = contextlib.ExitStack()

    def start(self, target: str, name: str) -> Program:
        program = self._folder / f"{name}{os.getpid()}.exe"
        shutil.copy(targets.windows_executable(target, self._inside.bitness), program)
        started = self._stack.enter_context(Program(self._inside, program))
        assert started.facts["pointer_size"] == self._inside.bitness // 8
        return started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def test_a_trainer_prints_the_same_on_both_sides(inside: Inside, tmp_path: Path) -> None:
    script, number = Path(__file__).with_name("trainer.py"), os.getpid()
    with Started(inside, tmp_path) as started:
        game, hero = started.start("chain", "game"), started.start("structures", "hero")
        pages = started.start("pages", "pages")
        base, page = game.facts["base"], pages.facts["pages"]
        words = [
            f"game{number}",
            f"[[game{number}.exe+{game.addresses['world'] - base:X}]+18]+158",
            f"hero{number}",
            hex(hero.addresses["player"]),
            f"pages{number}",
            *(hex(page[name]["base"]) for name in ("execute_readwrite", "readonly")),
            f"ending{number}",
        ]
        printed = []
        for start in (partial(Program, inside), Outside):
            with Started(inside, tmp_path) as more, start(script, *words) as trainer:
                programs = {"game": game, "hero": hero, "ending": more.start("exit", "ending")}
                printed.append(played(trainer, programs))
    pairs = list(zip(*printed, strict=True))
    differing = {label(each): each for each in pairs if each[0] != each[1]}
    assert set(differing) == {"pid", "path", "protection", "exit code"}
    for windows, linux in pairs:
        if label((windows, linux)) == "path":
            assert PureWindowsPath(windows).name.lower() == PurePosixPath(linux).name.lower()
    # A parent on Linux is told one byte; before Linux 6.15 nobody else is told anything.
    assert differing["exit code"] in {("exit code: 300", f"exit code: {told}") for told in (300 & 0xFF, None)}


def label(lines: tuple[str, ...]) -> str:
    """What two lines are about, that ought to be the same."""
    return lines[0].partition(":")[0]


def test_a_name_that_the_kernel_cuts_within_a_letter_is_found(inside: Inside, tmp_path: Path) -> None:
    program = tmp_path / f"a日本語ゲーム {os.getpid()}.exe"
    shutil.copy(targets.windows_executable("chain", inside.bitness), program)
    with Program(inside, program) as game, MemoryView.from_name(program.stem) as view:
        assert view.name == view.modules()[0].name == program.name
        assert int(view.address(f'"{program.name}"+0')) == game.facts["base"]
        assert view.pid in {each.pid for each in list_processes()}


def test_modules_are_all_there_until_it_ends(inside: Inside, tmp_path: Path) -> None:
    for _ in range(5):
        with Started(inside, tmp_path) as started:
            ending = started.start("exit", "ending")
            with MemoryView.from_name(f"ending{os.getpid()}") as view:
                count = len(view.modules())
                ending.say("quit")
                assert all(each >= count for each in module_counts(view))
                until("its end", lambda: not view.is_alive())


def module_counts(view: MemoryView) -> Iterator[int]:
    """How many modules it has, asked again and again until it has ended."""
    with contextlib.suppress(TargetExitedError):
        while True:
            yield len(view.modules())
