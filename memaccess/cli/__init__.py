"""The command line: ``python -m memaccess COMMAND``."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import TYPE_CHECKING

import memaccess
from memaccess.cli._commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_CLOSED_PIPE = (errno.EPIPE, errno.EINVAL)
"""What writing into a pipe that nobody reads gives: the first on Linux, the second on Windows."""


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
        sys.stdout.flush()
    except (memaccess.MemoryAccessError, NotImplementedError) as error:
        print(f"memaccess: {error}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in _CLOSED_PIPE:
            raise
        # Whoever reads the output, such as head, has seen enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
