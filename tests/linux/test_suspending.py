"""Programs of Linux that stand still: all threads, for as long as it takes, and nothing of them is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import known_linux
import pytest
from support import linux, targets

from memaccess import MemoryAccessError, MemoryView, TargetExitedError

if sys.platform == "linux":
    from memaccess._backend.linux import _calls, _holding, _tracing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

pytestmark = pytest.mark.skipif(not known_linux.CAN_STOP, reason=known_linux.WHY_NOT_STOPPED)

HERE = Path(__file__).resolve().parent
COUNTERS = 4
WHILE = 0.02
"""Seconds in which threads that go on do count."""
WAITING = """
import os, signal, ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGUSR1, lambda *_: print("signal", flush=True))
signal.signal(signal.SIGUSR2, lambda *_: None)
descriptor = libc.epoll_create1(0)
print("ready", flush=True)
print(libc.epoll_wait(descriptor, ctypes.create_string_buffer(12), 1, 20000), ctypes.get_errno(), flush=True)
"""
"""A program that waits in a call that a signal ends."""


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A program that makes threads all the time."""
    with targets.start("counting", request.param) as target:
        target.ask("begin")
        yield target


@pytest.fixture
def busy() -> Iterator[Target]:
    with targets.Target([sys.executable, HERE / "busy.py"]) as target:
        yield target


@pytest.fixture
def waiting() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as program:
        assert said(program) == "ready"
        while "epoll" not in Path(f"/proc/{program.pid}/wchan").read_text():
            time.sleep(0.001)
        yield program
        program.kill()


def said(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def counts(view: MemoryView, target: Target) -> list[int]:
    return list(view.read_array("unsigned_int", COUNTERS, target.addresses["counts"]))


def moved(view: MemoryView, target: Target) -> list[int]:
    """The numbers of the counters that have gone on in a moment."""
    before = counts(view, target)
    time.sleep(WHILE)
    return [
        number
        for number, (old, new) in enumerate(zip(before, counts(view, target), strict=True))
        if old != new
    ]


def suspend_for_ever(view: MemoryView) -> None:
    while True:
        view.suspend().resume()


def all_move(view: MemoryView, target: Target) -> None:
    """Wait until all counters have gone on."""
    waiting = set(range(COUNTERS))
    while waiting:
        waiting -= set(moved(view, target))


def test_all_threads_stand_still_and_no_other_is_made(target: Target) -> None:
    with MemoryView(target.pid) as view:
        for _ in range(20):
            with view.suspend():
                assert linux.is_held(target.pid)
                threads = os.listdir(f"/proc/{target.pid}/task")
                assert moved(view, target) == []
                assert os.listdir(f"/proc/{target.pid}/task") == threads
            all_move(view, target)
        assert target.ask("report")


def test_a_hundred_rounds_leave_nothing(target: Target) -> None:
    with MemoryView(target.pid) as view:
        with view.suspend():
            pass
        before = linux.descriptor_count(), len(os.listdir("/proc/self/task"))
        for _ in range(100):
            with view.suspend():
                assert linux.is_held(target.pid)
        assert before[0] == linux.descriptor_count()
        while len(os.listdir("/proc/self/task")) > before[1]:
            time.sleep(WHILE)  # the thread itself ends a little later than what it did
        assert not _holding._HOLDERS
        assert not view._holds
        all_move(view, target)


def test_a_busy_program_goes_on_as_before(busy: Target) -> None:
    with MemoryView(busy.pid) as view:
        before = busy.ask("report")["rounds"]
        for number in range(60):
            with view.suspend():
                time.sleep(0.001 * (number % 4))
        time.sleep(0.1)
        report = busy.ask("report")
    # Naps that were stopped last longer, and no call ends with an error.
    assert not any(report["wrong"].values()), report
    assert all(report["rounds"][name] > before.get(name, 0) for name in report["rounds"])


def test_signals_come_after_it(waiting: subprocess.Popen[str]) -> None:
    with MemoryView(waiting.pid) as view, view.suspend():
        os.kill(waiting.pid, signal.SIGUSR1)
        time.sleep(WHILE)
        assert linux.is_held(waiting.pid)
    assert said(waiting) == "signal"
    assert said(waiting) == "-1 4"  # the call ends with EINTR, as it does without a stop


def test_a_call_that_waits_goes_on_waiting(waiting: subprocess.Popen[str]) -> None:
    with MemoryView(waiting.pid) as view:
        for _ in range(3):
            with view.suspend():
                os.kill(waiting.pid, signal.SIGWINCH)  # for which it has no handler
                time.sleep(WHILE)
        assert "epoll" in Path(f"/proc/{waiting.pid}/wchan").read_text()
        assert waiting.poll() is None


def test_a_stopped_program_stays_stopped(target: Target) -> None:
    os.kill(target.pid, signal.SIGSTOP)
    while linux.state_of(target.pid) != "T":
        time.sleep(0.01)
    with MemoryView(target.pid) as view:
        with view.suspend():
            assert linux.is_held(target.pid)
        while linux.state_of(target.pid) == "t":
            time.sleep(0.001)
        assert linux.state_of(target.pid) == "T"
        os.kill(target.pid, signal.SIGCONT)
        all_move(view, target)


def test_a_stop_that_is_asked_for_meanwhile_comes_after_it(target: Target) -> None:
    with MemoryView(target.pid) as view:
        with view.suspend():
            os.kill(target.pid, signal.SIGSTOP)
            time.sleep(WHILE)
            assert linux.is_held(target.pid)
        while linux.state_of(target.pid) != "T":
            time.sleep(0.01)
        os.kill(target.pid, signal.SIGCONT)
        all_move(view, target)


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.003, 0.01, 0.03])
def test_a_program_may_be_killed_at_any_moment(target: Target, wait: float) -> None:
    killer = threading.Timer(wait, os.kill, (target.pid, signal.SIGKILL))
    with MemoryView(target.pid) as view:
        killer.start()
        with pytest.raises(TargetExitedError):
            suspend_for_ever(view)
        assert not view.is_alive()
    killer.join()
    assert target._process.wait() == -signal.SIGKILL


def test_a_program_that_is_killed_in_the_block_ends_in_it(target: Target) -> None:
    with MemoryView(target.pid) as view, view.suspend():
        target.kill()  # which waits
        assert not view.is_alive()
        with pytest.raises(TargetExitedError):
            view.suspend()
    assert not _holding._HOLDERS


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.003, 0.01])
def test_a_program_may_exit_at_any_moment(target: Target, wait: float) -> None:
    assert target._process.stdin is not None
    with MemoryView(target.pid) as view:
        with view.suspend():
            target._process.stdin.write("exit 7\n")
            target._process.stdin.flush()
        time.sleep(wait)
        with pytest.raises(TargetExitedError):
            suspend_for_ever(view)
    assert target._process.wait() == 7


@pytest.mark.parametrize("how", ["exec", "exec_thread"])
def test_a_program_may_replace_itself_at_any_moment(how: str) -> None:
    with targets.start("replaced", 64) as target, MemoryView(target.pid) as view:
        is_over = threading.Event()
        errors: list[BaseException] = []

        def suspend() -> None:
            try:
                while not is_over.is_set():
                    with view.suspend():
                        pass
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=suspend)
        thread.start()
        try:
            for _ in range(20):
                target.facts = target.ask(f"{how} {targets.executable('replaced', 64)}")
        finally:
            is_over.set()
            thread.join()
        assert not errors


def test_the_kernel_lets_a_program_go_on_where_python_is_killed(target: Target) -> None:
    code = (
        "import memaccess, os, signal\n"
        f"with memaccess.MemoryView({target.pid}).suspend():\n"
        "    print(open('/proc/self/stat').read().split()[0], flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert said(other) == str(other.pid)
            with MemoryView(target.pid) as view:
                assert moved(view, target) == []
                with pytest.raises(MemoryAccessError) as caught:
                    view.suspend()
                assert f"Process {other.pid} debugs the program" in str(caught.value.explanation)
        finally:
            other.kill()
    with MemoryView(target.pid) as view:
        all_move(view, target)


def test_the_end_of_python_lets_a_program_go_on(target: Target) -> None:
    code = (
        "import atexit, memaccess\n"
        f"view = memaccess.MemoryView({target.pid})\n"
        "suspension = view.suspend()\n"
        "print(view.is_alive(), flush=True)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20
    )
    assert (run.returncode, run.stdout) == (0, "True\n")
    with MemoryView(target.pid) as view:
        all_move(view, target)


def test_a_fork_leaves_it_to_the_parent(target: Target) -> None:
    with MemoryView(target.pid) as view, view.suspend() as suspension:
        child = os.fork()
        if not child:
            suspension.resume()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert moved(view, target) == []
    with MemoryView(target.pid) as view:
        all_move(view, target)


def test_ctrl_c_leaves_nobody_suspended(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    main = threading.get_ident()
    real = _tracing.StoppedThread.settle

    def interrupted(thread: _tracing.StoppedThread) -> None:
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.001)
        real(thread)

    monkeypatch.setattr(_tracing.StoppedThread, "settle", interrupted)
    with MemoryView(target.pid) as view:
        with pytest.raises(KeyboardInterrupt):
            view.suspend()
        monkeypatch.undo()
        assert not _holding._HOLDERS
        all_move(view, target)


def test_stacks_of_a_program_that_stands_still_are_asked_of_who_holds_it(busy: Target) -> None:
    with MemoryView(busy.pid) as view:
        asked = lambda: list(_calls.ask_threads(view._process._place(), lambda registers: registers.rsp))  # noqa: E731
        with view.suspend():
            inside = asked()
            assert len(inside) == len(os.listdir(f"/proc/{busy.pid}/task"))
            assert inside == asked()
