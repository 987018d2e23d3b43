"""The windows on the screen, as X11 has them.

A server knows windows, and not which of them are whole windows to somebody who looks at the screen: a window
manager puts frames around those, and tells. What it tells, and what programs tell of their windows, stands in
https://specifications.freedesktop.org/wm-spec/latest/ and in
https://www.x.org/releases/current/doc/xorg-docs/icccm/icccm.html
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import threading
from typing import TYPE_CHECKING, NamedTuple

from memaccess._backend.linux._codes import failure_from
from memaccess._backend.linux._display import Display
from memaccess._backend.linux._proc import Folder
from memaccess._backend.linux._titles import COMPOUND_TEXT, UTF8_STRING, text_of
from memaccess._errors import Cause, SystemFailure
from memaccess._libc import x11
from memaccess._records import WindowInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess._backend.linux._display import Property

_PATIENCE = 10.0
"""How many seconds a server may take; a program may keep it from answering others for a while."""

_WITHDRAWN = 0
"""The state of a window that its program has taken from the screen."""

_NAMES = (
    "_NET_WM_NAME",
    "_NET_WM_PID",
    "_NET_CLIENT_LIST",
    "_NET_SUPPORTING_WM_CHECK",
    "WM_STATE",
    UTF8_STRING,
    COMPOUND_TEXT,
)

_unanswered: dict[str, _Question] = {}
"""By the name of the server, a question that it has not answered in time, and may still answer."""


def windows() -> list[WindowInfo]:
    """The windows that have a title, of programs on this machine.

    :raises SystemFailure: there is no X server, or it does not answer.
    """
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise failure_from(Cause.OTHER, "xcb_connect", _NO_DISPLAY)
    before = _unanswered.get(name)
    if before is not None and before.is_alive():
        raise _no_answer(name)  # else one more thread would hang each time
    question = _Question(name)
    question.start()
    question.join(_PATIENCE)
    if question.is_alive():
        _unanswered[name] = question
        raise _no_answer(name)
    _unanswered.pop(name, None)
    return question.answer()


_NO_DISPLAY = (
    "There is no X server to ask: DISPLAY is not set. Run Python in the session of the desktop, or set DISPLAY to "
    "its server, which often is ':0'. A Wayland desktop has one only where Xwayland runs."
)


def _no_answer(name: str) -> SystemFailure:
    text = (
        f"The X server that DISPLAY names, {name!r}, does not answer: it hangs, or the way to it is broken, or a "
        "program keeps it from answering others. Try again."
    )
    return failure_from(Cause.OTHER, "xcb_wait_for_reply", text)


class _Question(threading.Thread):
    """A question to a server, in a thread of its own: libxcb waits for ever for one that hangs.

    If it does answer later, the thread closes the connection and ends. It is none that Python waits for at its end.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=f"memaccess asks {name}", daemon=True)
        self._display = name
        self._windows: list[WindowInfo] = []
        self._trouble: BaseException | None = None

    def run(self) -> None:
        # If the server ends just when libxcb writes to it, this signal would end a program that does not
        # ignore it as Python does.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGPIPE,))
        try:
            with Display(self._display) as display:
                self._windows = _Screens(display).windows()
                display.check()
        except BaseException as trouble:  # whoever asked shall know
            self._trouble = trouble

    def answer(self) -> list[WindowInfo]:
        """The windows, once it has ended.

        :raises SystemFailure: there are no answers.
        """
        trouble, self._trouble = self._trouble, None  # which refers to this object
        if trouble is not None:
            raise trouble
        return self._windows


class _Screens:
    """All screens of one server."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._atoms = dict(zip(_NAMES, display.atoms(_NAMES), strict=True))

    def windows(self) -> list[WindowInfo]:
        """Those that have a title, of programs on this machine."""
        display, atoms = self._display, self._atoms
        found = [window for root in display.roots() for window in self._top_levels(root)]
        wanted = (
            atoms["_NET_WM_NAME"],
            x11.XCB_ATOM_WM_NAME,
            atoms["_NET_WM_PID"],
            x11.XCB_ATOM_WM_CLIENT_MACHINE,
        )
        told = display.properties((window, atom) for window in found for atom in wanted)
        pids = display.client_pids()
        listed = []
        for number, window in enumerate(found):
            name, old_name, pid, machine = told[number * len(wanted) : (number + 1) * len(wanted)]
            title = self._text(name) or self._text(old_name)
            owner = Owner(
                of_connection=pids.get(display.client_of(window), 0),
                told=next(iter(_numbers(pid, x11.XCB_ATOM_CARDINAL)), 0),
                machine=self._text(machine),
            )
            if title and (known := owner.pid()):
                listed.append(WindowInfo(title, known))
        return listed

    def _top_levels(self, root: int) -> list[int]:
        listed = self._listed(root)
        return list(self._looked_for(root)) if listed is None else listed

    def _listed(self, root: int) -> list[int] | None:
        """What the window manager lists; None where there is none that does."""
        check, atom = self._atoms["_NET_SUPPORTING_WM_CHECK"], x11.XCB_ATOM_WINDOW
        listed, window = self._display.properties([(root, self._atoms["_NET_CLIENT_LIST"]), (root, check)])
        if listed is None:
            return None
        # What it has said of the screen outlives it, and its own window, which says the same, does not.
        own = _numbers(window, atom)[:1]
        (again,) = self._display.properties([(own[0] if own else 0, check)])
        return list(_numbers(listed, atom)) if own and own == _numbers(again, atom)[:1] else None

    def _looked_for(self, root: int) -> Iterator[int]:
        """Those with a state, which a window manager has given them; and what is shown outside of them all."""
        (outer,) = self._display.children([root])
        inner = self._managed_in(outer)
        for window, is_shown in zip(outer, self._display.shown(outer), strict=True):
            if window in inner:
                yield from inner[window]
            elif is_shown:
                yield window

    def _managed_in(self, outer: list[int]) -> dict[int, list[int]]:
        """By the window of the root that they are in, or that they are, those that have a state."""
        found: dict[int, list[int]] = {}
        state = self._atoms["WM_STATE"]
        level = [(window, window) for window in outer] if state else []
        while level:
            states = self._display.properties((window, state) for window, _ in level)
            deeper = []
            for (window, outermost), told in zip(level, states, strict=True):
                if told is None:
                    deeper.append((window, outermost))
                elif _numbers(told, state)[:1] != (_WITHDRAWN,):
                    found.setdefault(outermost, []).append(window)
            below = self._display.children(window for window, _ in deeper)
            level = [
                (child, outermost)
                for (_, outermost), children in zip(deeper, below, strict=True)
                for child in children
            ]
        return found

    def _text(self, told: Property | None) -> str:
        if told is None or told.format != 8:
            return ""
        encodings = {self._atoms[name]: name for name in (UTF8_STRING, COMPOUND_TEXT)}
        return text_of(encodings.get(told.type, "STRING"), told.value)


class Owner(NamedTuple):
    """What is known of the program that a window belongs to; 0 and ``""`` where it is not known."""

    of_connection: int
    """The process that has the connection to the server, which the server knows."""
    told: int
    """The pid that the program has told."""
    machine: str
    """The machine that the program has told."""

    def pid(self) -> int:
        """The pid of the program, as this Python counts; 0 where it is not known.

        A program in a container tells a pid that counts in there. One on another machine tells a pid of that
        machine, and its connection may be a process here, that of ssh. So each has to agree with something.
        """
        if self.told and self.told in _numbers_of(self.of_connection):
            return self.of_connection
        if not self.machine:
            return 0 if self.told else self.of_connection
        if not _is_this_machine(self.machine):
            return 0
        return self.told if _numbers_of(self.told) else self.of_connection


def _numbers_of(pid: int) -> set[int]:
    """The pid of a process, and those that it has in containers; empty where no such process runs."""
    if not pid:
        return set()
    try:
        return Folder(pid).numbers()
    except OSError:
        return set()


def _is_this_machine(name: str) -> bool:
    """Whether that is the name of this machine, with or without its domain."""
    own, other = os.uname().nodename.lower(), name.lower()
    return own == other or own.startswith(f"{other}.") or other.startswith(f"{own}.")


def _numbers(told: Property | None, kind: int) -> tuple[int, ...]:
    return () if told is None else told.numbers(kind)
