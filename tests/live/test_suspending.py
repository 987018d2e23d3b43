"""Programs of Windows that stand still: what it takes, and what is left of it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import targets, win32
from support.leaks import open_handles

from memaccess import MemoryView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

COUNTERS = 4
WHILE = 0.03
"""Seconds in which threads that go on do count."""
RIGHTS = 0x0800 | 0x0400 | 0x1000
"""PROCESS_SUSPEND_RESUME; PROCESS_QUERY_INFORMATION to find the threads; and what comes with that, the limited one."""


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A program that makes threads all the time."""
    with targets.start("counting", request.param) as target:
        target.ask("begin")
        yield target


def moved(view: MemoryView, target: Target) -> list[int]:
    """The numbers of the counters that have gone on in a moment."""
    before, after = (_counts(view, target, pause) for pause in (0, WHILE))
    return [number for number in range(COUNTERS) if before[number] != after[number]]


def _counts(view: MemoryView, target: Target, pause: float) -> tuple[int, ...]:
    time.sleep(pause)
    return tuple(view.read_array("unsigned_int", COUNTERS, target.addresses["counts"]))


def all_move(view: MemoryView, target: Target) -> None:
    """Wait until all counters have gone on."""
    waiting = set(range(COUNTERS))
    while waiting:
        waiting -= set(moved(view, target))


def test_all_threads_stand_still_and_no_other_is_made(target: Target) -> None:
    with MemoryView(target.pid) as view:
        for _ in range(10):
            with view.suspend():
                assert moved(view, target) == []
            all_move(view, target)
        assert target.ask("report")


def test_a_hundred_rounds_leave_no_handle(target: Target) -> None:
    with MemoryView(target.pid) as view:
        with view.suspend():
            pass
        before = open_handles()
        for _ in range(100):
            with view.suspend(), view.suspend():
                pass
        assert open_handles() == before
        all_move(view, target)


def test_the_right_is_asked_for_with_the_suspension(target: Target) -> None:
    with MemoryView(target.pid) as view:
        before = open_handles()
        with view.suspend():
            assert [win32.rights(handle) for handle in open_handles() - before] == [RIGHTS]
        assert open_handles() == before


def test_the_threads_of_a_program_are_waited_for() -> None:
    # On Wine it is not done, for the threads that just begin or end: this program has one thread.
    with targets.start("values") as target, MemoryView(target.pid) as view, view.suspend():
        (hold,) = view._holds or ()
        hold._wait()


def test_the_end_of_python_lets_a_program_go_on(target: Target) -> None:
    code = (
        "import memaccess\n"
        f"view = memaccess.MemoryView({target.pid})\n"
        "suspension = view.suspend()\n"
        "print(view.is_alive(), flush=True)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "True\n")
    with MemoryView(target.pid) as view:
        all_move(view, target)


def test_a_python_that_is_killed_leaves_the_program_suspended(target: Target) -> None:
    code = (
        "import memaccess, sys\n"
        f"with memaccess.MemoryView({target.pid}).suspend():\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        other.kill()
    with MemoryView(target.pid) as view:
        assert moved(view, target) == []
