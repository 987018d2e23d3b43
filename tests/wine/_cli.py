"""The command line: make Windows ready, run its Python, stop it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from _cache import locked, say
from _debian import ensure_packages, wine_has
from _impossible import ImpossibleError, box
from _prefix import (
    ensure_prefix,
    ensure_screen_prefix,
    ensure_wow64_prefix,
    loader,
    prefix_folder,
    stop,
    stopped_afterwards,
    wine_environment,
    wine_version,
)
from _run import clean_environment, run, windows_path
from _runtime import ensure_runtime, extras_folder, pip_install, runtime_folder
from _screen import virtual_screen
from _session import TEST_WORDS, TESTS_OF_OUTSIDE, TESTS_OF_WINDOWS, installed_package, is_required
from _wow64 import ensure_wow64_loader
from build import folder_of_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

IMPOSSIBLE = 3
INTERRUPTED = 130
OPTIONS_OF_PYTHON = {"--screen": 1, "--wow64": 1, "--extras": 1, "--timeout": 2}
WIDTHS = (64, 32)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    ours, theirs = _split(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(ours, argparse.Namespace(arguments=theirs))
    try:
        return int(options.do(options))
    except ImpossibleError as error:
        print(box(str(error)), file=sys.stderr)
    except subprocess.SubprocessError as error:
        print(box(f"{error} Its own message, if any, stands above."), file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return IMPOSSIBLE if is_required() or not options.optional else 0


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Cut ``python BITS [OPTIONS] ARGS`` before ARGS, which argparse would search for options."""
    if {"-h", "--help"} & {*arguments[1:2]}:
        return arguments, []
    if arguments[:1] == ["test"]:
        return arguments[:2], arguments[2:]
    if arguments[:1] == ["outside"]:
        return arguments[:1], arguments[1:]
    if arguments[:1] != ["python"]:
        return arguments, []
    count = 2
    while count < len(arguments) and arguments[count] in OPTIONS_OF_PYTHON:
        count += OPTIONS_OF_PYTHON[arguments[count]]
    return arguments[:count], arguments[count:]


def _provision(options: argparse.Namespace) -> int:
    widths = options.bits or list(WIDTHS)
    ensure_packages(widths)
    for bits in widths:
        ensure_runtime(bits)
    folder_of_targets()
    ensure_prefix()
    ensure_screen_prefix()
    say(f"Windows is ready, {' and '.join(f'{bits}-bit' for bits in widths)}")
    return 0


def _python(options: argparse.Namespace) -> int:
    program = _interpreter(options.bits)
    environment = _environment(options)
    command = [loader(options.bits), str(program), *options.arguments]
    with ExitStack() as stack:
        if options.screen:
            environment["DISPLAY"] = stack.enter_context(virtual_screen())
        if options.wow64:
            command[0] = str(ensure_wow64_loader(wine_version()))
            prefix = stack.enter_context(stopped_afterwards(ensure_wow64_prefix(Path(command[0]))))
            environment.update(wine_environment(prefix))
        elif options.screen:
            prefix = stack.enter_context(stopped_afterwards(ensure_screen_prefix()))
            environment.update(wine_environment(prefix))
        return run(command, environment, options.timeout)


def _test(options: argparse.Namespace) -> int:
    _provision(argparse.Namespace(bits=[]))
    return _with_package(options.bits, [*TEST_WORDS, *(options.arguments or TESTS_OF_WINDOWS)])


def _outside(options: argparse.Namespace) -> int:
    _provision(argparse.Namespace(bits=[]))
    ensure_wow64_prefix(ensure_wow64_loader(wine_version()))
    return subprocess.call([sys.executable, *TEST_WORDS, *(options.arguments or TESTS_OF_OUTSIDE)])


def _with_package(bits: int, words: Sequence[str]) -> int:
    """Run Windows' Python with the built package installed for it."""
    with installed_package() as folder:
        # Not the checkout's package, which -m would find first.
        os.environ.update(PYTHONPATH=str(folder), PYTHONSAFEPATH="1")
        return _python(
            argparse.Namespace(
                bits=bits, arguments=words, screen=True, wow64=False, extras=False, timeout=None
            )
        )


def _install(options: argparse.Namespace) -> int:
    with locked(extras_folder(options.bits).name):
        pip_install(options.bits, extras_folder(options.bits), *options.packages)
    return 0


def _kill(_options: argparse.Namespace) -> int:
    if wine_has(64) and prefix_folder().is_dir():
        stop(prefix_folder())
    return 0


def _interpreter(bits: int) -> Path:
    program = runtime_folder(bits) / "python.exe"
    if not (wine_has(bits) and program.exists() and prefix_folder().is_dir()):
        raise ImpossibleError(
            f"Windows is not ready, {bits}-bit. Run: python tests/wine provision --bits {bits}"
        )
    return program


def _environment(options: argparse.Namespace) -> dict[str, str]:
    environment = {
        **clean_environment(),
        **wine_environment(prefix_folder()),
        "PYTHONUTF8": "1",
        "MEMACCESS_TARGETS": windows_path(folder_of_targets()),
    }
    for bits in WIDTHS:
        program = runtime_folder(bits) / "python.exe"
        if wine_has(bits) and program.exists():
            environment[f"MEMACCESS_PYTHON{bits}"] = windows_path(program)
    path = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    if options.extras:
        path.append(str(extras_folder(options.bits)))
    if path:
        environment["PYTHONPATH"] = ";".join(windows_path(part) for part in path)
    return environment


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/wine", description="Windows' Python on Linux, in Wine, to test with."
    )
    parser.set_defaults(optional=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_provision(commands.add_parser("provision", help="fetch and build all that is needed"))
    _add_python(commands.add_parser("python", help="run Windows' Python"))
    _add_install(commands.add_parser("install", help="install packages for `python --extras`"))
    _add_test(commands.add_parser("test", help="run the tests there, for tox"))
    _add_outside(commands.add_parser("outside", help="run the tests that watch Wine from Linux, for tox"))
    kill = commands.add_parser("kill", help="stop all Windows programs in the prefix")
    kill.set_defaults(do=_kill)
    return parser


def _add_provision(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bits", type=int, choices=WIDTHS, action="append", help="default: both")
    command.set_defaults(do=_provision)


def _add_python(command: argparse.ArgumentParser) -> None:
    command.add_argument("bits", type=int, choices=WIDTHS, metavar="BITS", help="64 or 32")
    command.add_argument("--screen", action="store_true", help="give it a (virtual) screen")
    command.add_argument(
        "--wow64", action="store_true", help="run 32-bit programs in 64-bit processes, as later Wines do"
    )
    command.add_argument("--extras", action="store_true", help="let it see what `install` installed")
    command.add_argument("--timeout", type=float, metavar="SECONDS", help="stop it after this time")
    command.epilog = "What follows is given to Python as it is."
    command.set_defaults(do=_python)


def _add_test(command: argparse.ArgumentParser) -> None:
    command.add_argument("bits", type=int, choices=WIDTHS, metavar="BITS", help="64 or 32")
    command.set_defaults(do=_test, optional=True)
    command.epilog = "What follows is given to pytest as it is."


def _add_outside(command: argparse.ArgumentParser) -> None:
    command.set_defaults(do=_outside, optional=True)
    command.epilog = "What follows is given to pytest as it is."


def _add_install(command: argparse.ArgumentParser) -> None:
    command.add_argument("bits", type=int, choices=WIDTHS, metavar="BITS", help="64 or 32")
    command.add_argument("packages", nargs="+", metavar="PACKAGE")
    command.set_defaults(do=_install)
