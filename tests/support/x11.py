"""An X server and programs with windows on it, apart from memaccess' own questions."""

from __future__ import annotations

import ctypes
import json
import platform
import shutil
import socket
import struct
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from support.targets import SOURCES, Target

# That a host of Wine starts its screen with, too.
sys.path.append(str(SOURCES.parent / "wine"))

from _screen import virtual_screen

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = platform.node()

Property = tuple[str, "str | list[int]"]


@contextmanager
def server(*options: str) -> Iterator[str]:
    """An X server; the value for ``DISPLAY``."""
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb, which `python tests/wine provision` installs: Debian's package xvfb")
    try:
        ctypes.CDLL("libxcb.so.1")
    except OSError:
        pytest.skip("needs libxcb, which comes with Wine: Debian's package libxcb1")
    with virtual_screen(*options) as display:
        yield display


def pid_of_server(display: str) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"\0/tmp/.X11-unix/X{display[1:]}")
        return struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def utf8(text: str) -> Property:
    """A property in UTF-8."""
    return "UTF8_STRING", text.encode().decode("latin-1")


def latin1(text: str) -> Property:
    return "STRING", text


def numbers(kind: str, *values: int) -> Property:
    return kind, list(values)


def titled(title: str, **others: Property) -> dict[str, Property]:
    """The properties of a window with that title."""
    return {"_NET_WM_NAME": utf8(title), **others}


class Program(Target):
    """A program with windows.

    :param before: what starts it, where it does not start by itself.
    """

    def __init__(self, display: str, *before: str) -> None:
        super().__init__([*before, sys.executable, SOURCES / "x11_windows.py", display])

    def open(self, properties: dict[str, Property], **more: Any) -> int:
        """Open a window; its number."""
        return self._asked(open=properties, **more)["window"]

    def change(self, window: int, **properties: Property) -> None:
        self._asked(change=window, properties=properties)

    def change_root(self, **properties: Property) -> None:
        self._asked(change_root=properties)

    def close(self, window: int) -> None:
        self._asked(close=window)

    def come_and_go(self, properties: dict[str, Property]) -> None:
        """Open windows and close them, until it is asked for something else."""
        self._asked(come_and_go=properties)

    def _asked(self, **request: Any) -> dict[str, Any]:
        return self.ask(json.dumps(request))
