"""A fake program on a system that misbehaves: some calls go wrong, or are only watched."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._backend._interface import Process
    from memaccess._records import Access


class StubSystem(FakeSystem):
    """A fake system whose opened programs have some methods replaced.

    A replacement is called with the method that it replaces, and then with that one's arguments.
    """

    def __init__(self, *processes: FakeProcess, **replacements: Callable[..., Any]) -> None:
        super().__init__(*processes)
        self.opened: list[Process] = []
        self._replacements = replacements

    def open(self, pid: int, access: Access, /) -> Any:
        process = super().open(pid, access)
        for name, replacement in self._replacements.items():
            setattr(process, name, functools.partial(replacement, getattr(process, name)))
        self.opened.append(process)
        return process


def failing(error: Exception) -> Callable[..., Any]:
    """A replacement that raises."""

    def fail(*_: object) -> Any:
        raise error

    return fail


def answering(answer: object) -> Callable[..., Any]:
    """A replacement that always gives the same."""
    return lambda *_: answer
