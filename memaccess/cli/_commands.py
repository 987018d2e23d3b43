"""The commands, as data: name, what it is good for, what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess.cli._demo import demo

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


class Command(NamedTuple):
    """A word of the command line."""

    name: str
    summary: str
    run: Callable[[argparse.Namespace], None]


COMMANDS = (Command("demo", "start a small program, read its memory and change it", demo),)
