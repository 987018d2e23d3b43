"""The notepad that comes with the system, asked by window messages; and what its window looks like."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from known_wine import IS_WINE

from memaccess import WindowInfo, list_windows
from support.screen import Rectangle, Screen
from support.targets import OWN_BITNESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    T = TypeVar("T")

OLD, NEW = "under the old oak", "inside the church"
SENTENCE = "The treasure lies {}, four steps to the north"
PATIENCE = 30

WM_SETTEXT, WM_GETTEXT, WM_GETTEXTLENGTH, WM_CHAR = 0x0C, 0x0D, 0x0E, 0x102
EM_POSFROMCHAR = 0xD6
LINE_HEIGHT = 12
LARGEST_CARET = 2 * LINE_HEIGHT


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

    def fill(self, text: str) -> None:
        """Give it that text, all at once."""
        self.ask(WM_SETTEXT, 0, ctypes.cast(ctypes.c_wchar_p(text), ctypes.c_void_p))

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


def program_of(bitness: int) -> Path:
    """The file of that width."""
    system = Path(os.environ["SYSTEMROOT"])
    program = system / "notepad.exe" if bitness == 64 else system / "syswow64" / "notepad.exe"
    if not program.exists():
        pytest.skip(f"there is no {bitness}-bit notepad")
    if bitness > OWN_BITNESS:
        pytest.skip("a 32-bit Python has no map of a 64-bit program above 4 GiB")
    return program


def type_into(notepad: Notepad, screen: Screen | None, text: str) -> None:
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


def ink(pixels: bytes) -> int:
    """How many pixels are not white."""
    return sum(pixels[start : start + 3] != b"\xff\xff\xff" for start in range(0, len(pixels), 3))


def other_than(before: bytes, pixels: bytes) -> bytes | None:
    """The picture, once it is another and nothing in it is marked, which would be in colour."""
    is_marked = pixels[0::3] != pixels[2::3]
    return None if pixels == before or is_marked else pixels
