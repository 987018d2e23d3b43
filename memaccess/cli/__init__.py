"""The command line: ``python -m memaccess COMMAND``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import memaccess
from memaccess.cli._commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :param arguments: the words of the command line; those that Python was started with by default.
    :returns: the exit code: 0, or 1 where the command failed, with its reason on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m memaccess", description=memaccess.__doc__)
    parser.add_argument("--version", action="version", version=f"memaccess {memaccess.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        commands.add_parser(command.name, help=command.summary).set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (memaccess.MemoryAccessError, NotImplementedError) as error:
        print(f"memaccess: {error}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
        return 1
    return 0
