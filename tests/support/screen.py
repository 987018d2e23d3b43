"""The screen that Wine draws on: typing on it and taking pictures of it, with programs of Linux.

From inside of Wine it is a :class:`WineScreen`, from Linux itself a :class:`LinuxScreen`.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 30
"""Seconds that a program may take."""

# Wine starts programs of Linux too, but gives no handle to wait for them and no pipe to their output;
# and whoever starts one keeps a handle of its file for ever (Wine 8.0): here that is start.exe, which
# ends. So it starts a shell that connects to us, takes a command, and says how that ended.
_SHELL = ("start.exe", "/unix", "/bin/bash", "-c", "exec bash 0<>/dev/tcp/127.0.0.1/$0 1>&0 2>&0")


class Rectangle(NamedTuple):
    """A part of the screen, in pixels."""

    left: int
    top: int
    width: int
    height: int


class Screen:
    """An X11 screen."""

    def run(self, *command: str) -> bytes:
        """Run a program of Linux to its end; what it printed."""
        raise NotImplementedError

    def window(self, title: str) -> str:
        """Wait until a window of that title is to be seen; its X11 number."""
        pattern = f"^{re.escape(title)}$"
        found = self.run("xdotool", "search", "--sync", "--onlyvisible", "--name", pattern)
        (number,) = found.decode().split()
        return number

    def focus(self, window: str) -> None:
        """Have the window get what is typed."""
        self.run("xdotool", "windowfocus", "--sync", window)

    def resize(self, window: str, width: int, height: int) -> None:
        self.run("xdotool", "windowsize", "--sync", window, str(width), str(height))

    def type(self, text: str) -> None:
        """Type a text, as on a keyboard."""
        self.run("xdotool", "type", "--delay", "5", text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other; ``ctrl+a`` is one."""
        self.run("xdotool", "key", *keys)

    def pixels(self, part: Rectangle) -> bytes:
        """What is to be seen there: red, green and blue of each pixel, a byte each."""
        crop = f"{part.width}x{part.height}+{part.left}+{part.top}"
        pixels = self.run("import", "-window", "root", "-crop", crop, "-depth", "8", "rgb:-")
        assert len(pixels) == 3 * part.width * part.height, pixels[:200]
        return pixels

    def picture(self, window: str) -> bytes:
        """A picture of the window, as a PNG file."""
        # Without the date, so that the same picture is the same file.
        return self.run("import", "-window", window, "-strip", "png:-")


class WineScreen(Screen):
    """The screen of this Python, a program of Wine. Use it in a ``with`` block."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(PATIENCE)

    def run(self, *command: str) -> bytes:
        line = shlex.join(["timeout", str(PATIENCE), *command])
        subprocess.run([*_SHELL, str(self._server.getsockname()[1])], check=True, timeout=PATIENCE)
        connection, _ = self._server.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(f"{line} </dev/null; printf '\\n%d' $?; exit\n".encode())
            stream.flush()
            output, _, code = stream.read().rpartition(b"\n")
        assert code == b"0", f"{command} ended with {code!r}: {output!r}"
        return output

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()


class LinuxScreen(Screen):
    """The screen with that value of ``DISPLAY``."""

    def __init__(self, display: str) -> None:
        self._environment = {**os.environ, "DISPLAY": display}

    def run(self, *command: str) -> bytes:
        finished = subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
            timeout=PATIENCE,
        )
        return finished.stdout


def has_screen() -> bool:
    """Whether this Wine was started with a screen."""
    return bool(os.environ.get("DISPLAY"))
