"""The recipe ``docs/recipes/notepad.py``, carried out on the notepad that comes with the system."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from known_wine import IS_WINE
from support.notepad import (
    LARGEST_CARET,
    NEW,
    OLD,
    SENTENCE,
    Notepad,
    ink,
    other_than,
    program_of,
    type_into,
    until,
)
from support.screen import Screen, WineScreen, has_screen
from support.targets import BITNESSES

from memaccess import MemoryView, list_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.screen

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
PICTURES = os.environ.get("MEMACCESS_PICTURES")
"""A folder for the pictures of the page; set it to ``docs/recipes`` to make them anew."""


def _recipe() -> Any:
    spec = importlib.util.spec_from_file_location("notepad_recipe", RECIPES / "notepad.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recipe = _recipe()


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen | None]:
    """The screen below Wine; None on Windows, where nothing types and looks from outside."""
    if not IS_WINE:
        yield None
        return
    if not has_screen():
        pytest.skip("there is no screen for windows: DISPLAY is not set")
    with WineScreen() as screen:
        screen.run("true")  # what the first connection opens in this process stays open
        list_windows()
        yield screen


@pytest.fixture(params=BITNESSES)
def notepad(request: pytest.FixtureRequest, screen: Screen | None) -> Iterator[Notepad]:
    """A notepad of each width, with the sentence typed into it."""
    with Notepad(program_of(request.param)) as notepad:
        notepad.wait_for_window()
        type_into(notepad, screen, SENTENCE.format(OLD))
        yield notepad


def test_text_typed_into_notepad_is_found_in_its_memory_and_changed_there(notepad):
    with MemoryView.from_window(notepad.title, "rw") as view:
        assert view.pid == notepad.pid
        places = recipe.find_text(view, OLD)
        assert places
        assert recipe.find_text(view, NEW) == []
        assert recipe.replace_text(view, OLD, NEW) == places
        assert recipe.find_text(view, OLD) == []
        assert {view.read_string(place, "utf-16", limit=2 * len(NEW)) for place in places} == {NEW}
    assert notepad.text() == SENTENCE.format(NEW)


def test_nothing_changes_where_the_text_is_not_there(notepad):
    with MemoryView(notepad.pid, "rw") as view:
        assert recipe.replace_text(view, "under the new oak", NEW) == []
    assert notepad.text() == SENTENCE.format(OLD)


def test_the_screen_shows_the_changed_text_as_if_it_had_been_typed(notepad, screen, capsys):
    if screen is None:
        pytest.skip("pictures are taken under Wine alone")
    start = SENTENCE.index("{")
    word = notepad.place_of(start, start + len(OLD))
    ending = notepad.place_of(len(SENTENCE.format(OLD)) - 5, len(SENTENCE.format(OLD)) - 1)
    window = screen.window(notepad.title)

    # Once its end is drawn, so is the rest of the line.
    until("a drawn line", lambda: ink(screen.pixels(ending)) > LARGEST_CARET)
    before = screen.pixels(word)
    assert screen.pixels(word) == before
    _keep("notepad-before.png", screen.picture(window))

    recipe.main([OLD, NEW])
    _, *changes, summary = capsys.readouterr().out.splitlines()
    assert changes
    assert summary.startswith(f"Copies changed: {len(changes)}.")
    assert screen.pixels(word) == before, "notepad drew before it was made to"
    screen.press("ctrl+a", "ctrl+Home")  # mark all, and mark nothing
    after = until("another picture", lambda: other_than(before, screen.pixels(word)))
    _keep("notepad-after.png", screen.picture(window))
    assert notepad.text() == SENTENCE.format(NEW)

    screen.press("ctrl+a", "Delete")
    notepad.wait_for_length(0)
    until("an empty window", lambda: ink(screen.pixels(word)) == 0)
    screen.type(SENTENCE.format(NEW))
    until("the same picture of the same text", lambda: screen.pixels(word) == after)


def _keep(name: str, picture: bytes) -> None:
    if PICTURES:
        Path(PICTURES, name).write_bytes(picture)
