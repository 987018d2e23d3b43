"""Scripts for programs of Windows, run unchanged by Linux' Python from outside and by Windows' Python inside."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import targets
from support.game import NAME, moved, true_chain
from support.inside import PATIENCE, NotepadInside, Program, screen_of
from support.notepad import LARGEST_CARET, NEW, OLD, SENTENCE, ink, other_than, type_into, until
from support.screen import LinuxScreen

from memaccess import MemoryView, find_process, find_processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.inside import Inside

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


def without_codes(lines: list[str]) -> list[str]:
    """The lines without the numbers of errors, which each system has its own of."""
    return [re.sub(r"error code \d+", "error code", each) for each in lines]


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
        chains = run(recipe, "find", NAME, health)
        assert chain in chains
        assert chains == run_inside(inside, recipe, "find", NAME, health)
        game.ask("hit 30")
        assert f"{chain} = 70" in run(recipe, "check", NAME, lines=chains)
        with MemoryView.from_name(NAME) as view:
            assert int(view.address(chain)) == game.addresses["health"]
            after = game.ask("level")["addresses"]["health"]
            assert int(view.address(chain)) == after != game.addresses["health"]
    until("its end", lambda: not find_processes(NAME))
    with Program(inside, moved(program), "40") as game:
        assert hex(game.addresses["health"]) != health
        game.ask("hit 9")
        answers = run(recipe, "check", NAME, lines=chains)
        assert f"{chain} = 91" in answers
        assert answers == run_inside(inside, recipe, "check", NAME, lines=chains)
        with MemoryView.from_name(NAME) as view:
            assert int(view.address(chain)) == game.addresses["health"]
        game.ask("menu")
        assert any("is null" in each for each in run(recipe, "check", NAME, lines=[chain]))
        broken = [check(recipe, "check", NAME, lines=chains) for check in (run, partial(run_inside, inside))]
        assert without_codes(broken[0]) == without_codes(broken[1])
