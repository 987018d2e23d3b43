"""Run a Windows program under Wine as if it were one of this system's own."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

TIMED_OUT = 124
KEPT = ("CI", "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TZ", "USER")
KEPT_BEGINNINGS = ("COVERAGE_", "HYPOTHESIS_", "MEMACCESS_", "PYTEST_")
KEPT_OF_PYTHON = (
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONOPTIMIZE",
    "PYTHONSAFEPATH",
    "PYTHONWARNINGS",
)


def windows_path(path: str | os.PathLike[str]) -> str:
    """Return the name a file of this system has inside Wine, where Z: is the root folder."""
    return "Z:" + os.path.abspath(path).replace("/", "\\")


def clean_environment() -> dict[str, str]:
    """Return the part of our environment that a program under test may see."""
    kept = {*KEPT, *KEPT_OF_PYTHON}
    return {
        name: value for name, value in os.environ.items() if name in kept or name.startswith(KEPT_BEGINNINGS)
    }


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float | None) -> int:
    """Run the command, passing its output on as it comes; return its exit code."""
    with (
        _signals_raise(),
        subprocess.Popen(
            command,
            env=environment,
            stdin=_standard_input(),
            # Wine's Python cannot start with a plain file there (init_sys_streams, Wine 8.0).
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl+C at the terminal reaches us only, and we decide.
            start_new_session=True,
        ) as program,
    ):
        try:
            return _forward(program, timeout)
        finally:
            program.kill()


def _standard_input() -> int | None:
    # A terminal would make Wine take it over for a Windows console.
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return subprocess.DEVNULL
    return None if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else subprocess.DEVNULL


@contextmanager
def _signals_raise() -> Iterator[None]:
    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, leave) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _forward(program: subprocess.Popen[bytes], timeout: float | None) -> int:
    """Copy both streams until the program ends.

    The end of the program counts, not the end of its streams: Wine's server and services, started
    on its behalf, inherit them and hold them open.
    """
    assert program.stdout is not None
    assert program.stderr is not None
    sinks = {program.stdout.fileno(): sys.stdout.buffer, program.stderr.fileno(): sys.stderr.buffer}
    deadline = None if timeout is None else time.monotonic() + timeout
    with _end_of(program) as end:
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([*sinks, end], [], [], left)
            if not ready:
                print(f"stopped after {timeout:g} seconds", file=sys.stderr)
                return TIMED_OUT
            if ready == [end]:
                return program.wait()
            for source in sinks.keys() & ready:
                if not _copy(source, sinks[source]):
                    del sinks[source]


@contextmanager
def _end_of(program: subprocess.Popen[bytes]) -> Iterator[int]:
    """Yield a descriptor that becomes readable when the program ends."""
    descriptor = os.pidfd_open(program.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _copy(source: int, sink: BinaryIO) -> bool:
    data = os.read(source, 1 << 16)
    sink.write(data)
    sink.flush()
    return bool(data)
