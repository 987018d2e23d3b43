"""The recipe ``docs/recipes/notepad.py``, carried out on the notepad that comes with the system."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from known_wine import IS_WINE
from support.screen import Rectangle, Screen, has_screen
from support.targets import BITNESSES, OWN_BITNESS

from memaccess import MemoryView, WindowInfo, list_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    T = TypeVar("T")

pytestmark = pytest.mark.screen

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
PICTURES = os.environ.get("MEMACCESS_PICTURES")
"""A folder for the pictures of the page; set it to ``docs/recipes`` to make them anew."""

OLD, NEW = "under the old oak", "inside the church"
SENTENCE = "The treasure lies {}, four steps to the north"
PATIENCE = 30

WM_GETTEXT, WM_GETTEXTLENGTH, WM_CHAR = 0x0D, 0x0E, 0x102
EM_POSFROMCHAR = 0xD6
LINE_HEIGHT = 12
LARGEST_CARET = 2 * LINE_HEIGHT


def _recipe() -> Any:
    spec = importlib.util.spec_from_file_location("notepad_recipe", RECIPES / "notepad.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recipe = _recipe()


def until(what: str, condition: Callable[[], T | None]) -> T:
    """Ask until there is an answer; each question makes another program answer, or waits for one."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"within {PATIENCE} seconds, not {what}"
    return answer


class Notepad:
    """A running notepad and its text, asked by window messages: not through memaccess."""

    def __init__(self, program: Path) -> None:
        self._user32 = user32 = ctypes.WinDLL("user32")  # type: ignore[attr-defined]
        handle, text, number = ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint
        user32.FindWindowExW.argtypes = (handle, handle, text, text)
        user32.FindWindowExW.restype = handle
        user32.GetWindowTextW.argtypes = (handle, text, ctypes.c_int)
        user32.GetWindowThreadProcessId.argtypes = (handle, handle)
        user32.IsWindowVisible.argtypes = (handle,)
        user32.MapWindowPoints.argtypes = (handle, handle, handle, number)
        user32.SendMessageW.argtypes = (handle, number, ctypes.c_size_t, handle)
        user32.SendMessageW.restype = ctypes.c_ssize_t
        self._process = subprocess.Popen([program])
        self.pid = self._process.pid

    def wait_for_window(self) -> None:
        """Wait until it can be typed into."""
        # It shows its window last, once it has given it an edit control and the title that stays.
        window = until("a window to be seen", self._visible_window)
        self._edit = self._user32.FindWindowExW(window, None, "Edit", None)
        if not self._edit and not IS_WINE:
            pytest.skip("this Windows has a notepad without an edit control")
        assert self._edit
        buffer = ctypes.create_unicode_buffer(200)
        self._user32.GetWindowTextW(window, buffer, len(buffer))
        self.title = buffer.value
        assert WindowInfo(self.title, self.pid) in list_windows()

    def _visible_window(self) -> int | None:
        window = None
        owner = ctypes.c_uint32()
        while window := self._user32.FindWindowExW(None, window, "Notepad", None):
            self._user32.GetWindowThreadProcessId(window, ctypes.byref(owner))
            if owner.value == self.pid and self._user32.IsWindowVisible(window):
                return window
        if not IS_WINE and self._process.poll() is not None:
            pytest.skip("this Windows has a notepad that hands over to another program")
        return None

    def ask(self, message: int, first: int = 0, second: Any = None) -> int:
        """Send a message to the edit control; its answer."""
        return self._user32.SendMessageW(self._edit, message, first, second)

    def text(self) -> str:
        """The text, as notepad itself has it."""
        buffer = ctypes.create_unicode_buffer(self.ask(WM_GETTEXTLENGTH) + 1)
        self.ask(WM_GETTEXT, len(buffer), ctypes.cast(buffer, ctypes.c_void_p))
        return buffer.value

    def wait_for_length(self, length: int) -> None:
        # The text itself would leave one more copy of it in notepad's memory.
        until(f"{length} characters", lambda: self.ask(WM_GETTEXTLENGTH) == length)

    def place_of(self, start: int, stop: int) -> Rectangle:
        """Where the characters from *start* up to *stop* are on the screen."""
        corner = (ctypes.c_int32 * 2)()
        self._user32.MapWindowPoints(self._edit, None, corner, 1)
        (left, top), (right, _) = (
            divmod(self.ask(EM_POSFROMCHAR, each), 1 << 16)[::-1] for each in (start, stop)
        )
        return Rectangle(corner[0] + left, corner[1] + top, right - left, LINE_HEIGHT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        # pytest keeps what a fixture gave, and a Popen keeps a handle and a lock, which is one too.
        del self._process


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen | None]:
    """The screen below Wine; None on Windows, where nothing types and looks from outside."""
    if not IS_WINE:
        yield None
        return
    if not has_screen():
        pytest.skip("there is no screen for windows: DISPLAY is not set")
    with Screen() as screen:
        screen.run("true")  # what the first connection opens in this process stays open
        list_windows()
        yield screen


@pytest.fixture(params=BITNESSES)
def notepad(request: pytest.FixtureRequest, screen: Screen | None) -> Iterator[Notepad]:
    """A notepad of each width, with the sentence typed into it."""
    with Notepad(_program(request.param)) as notepad:
        notepad.wait_for_window()
        _type(notepad, screen, SENTENCE.format(OLD))
        yield notepad


def _program(bitness: int) -> Path:
    system = Path(os.environ["SYSTEMROOT"])
    program = system / "notepad.exe" if bitness == 64 else system / "syswow64" / "notepad.exe"
    if not program.exists():
        pytest.skip(f"there is no {bitness}-bit notepad")
    if bitness > OWN_BITNESS:
        pytest.skip("a 32-bit Python has no map of a 64-bit program above 4 GiB")
    return program


def _type(notepad: Notepad, screen: Screen | None, text: str) -> None:
    """Type it: on the keyboard, or as the messages that a keyboard makes where there is no xdotool."""
    if screen is None:
        for character in text:
            notepad.ask(WM_CHAR, ord(character))
    else:
        window = screen.window(notepad.title)
        screen.resize(window, 460, 140)
        screen.focus(window)
        screen.type(text)
    notepad.wait_for_length(len(text))


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
    until("a drawn line", lambda: _ink(screen.pixels(ending)) > LARGEST_CARET)
    before = screen.pixels(word)
    assert screen.pixels(word) == before
    _keep("notepad-before.png", screen.picture(window))

    recipe.main([OLD, NEW])
    _, *changes, summary = capsys.readouterr().out.splitlines()
    assert changes
    assert summary.startswith(f"Copies changed: {len(changes)}.")
    assert screen.pixels(word) == before, "notepad drew before it was made to"
    screen.press("ctrl+a", "ctrl+Home")  # mark all, and mark nothing
    after = until("another picture", lambda: _other_than(before, screen.pixels(word)))
    _keep("notepad-after.png", screen.picture(window))
    assert notepad.text() == SENTENCE.format(NEW)

    screen.press("ctrl+a", "Delete")
    notepad.wait_for_length(0)
    until("an empty window", lambda: _ink(screen.pixels(word)) == 0)
    screen.type(SENTENCE.format(NEW))
    until("the same picture of the same text", lambda: screen.pixels(word) == after)


def _ink(pixels: bytes) -> int:
    """How many pixels are not white."""
    return sum(pixels[start : start + 3] != b"\xff\xff\xff" for start in range(0, len(pixels), 3))


def _other_than(before: bytes, pixels: bytes) -> bytes | None:
    """The picture, once it is another and nothing in it is marked, which would be in colour."""
    is_marked = pixels[0::3] != pixels[2::3]
    return None if pixels == before or is_marked else pixels


def _keep(name: str, picture: bytes) -> None:
    if PICTURES:
        Path(PICTURES, name).write_bytes(picture)
