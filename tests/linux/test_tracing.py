"""What programs of Linux are made to do themselves: their memory map is changed, and nothing else of them."""

from __future__ import annotations

import ctypes
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
    from memaccess._backend.linux import _calls, _changing, _tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.targets import Target

pytestmark = pytest.mark.skipif(not known_linux.CAN_STOP, reason=known_linux.WHY_NOT_STOPPED)

HERE = Path(__file__).resolve().parent
PAGE = 4096
DISPATCHED = """
import ctypes, sys
vdso = next(int(line.split('-')[0], 16) for line in open('/proc/self/maps') if '[vdso]' in line)
selector = ctypes.c_ubyte({selector})
words = [ctypes.c_ulong(word) for word in (1, {first}, {length}, ctypes.addressof(selector))]
print(ctypes.CDLL(None).prctl(59, *words), flush=True)
sys.stdin.read(1)
"""
"""A program whose threads may call the kernel only from a part of it: PR_SET_SYSCALL_USER_DISPATCH."""


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("pages", request.param) as target:
        yield target


@pytest.fixture
def busy() -> Iterator[Target]:
    with targets.Target([sys.executable, HERE / "busy.py"]) as target:
        yield target


def page_of(target: Target) -> int:
    return target.facts["pages"]["readonly"]["base"]


def rights_at(view: MemoryView, address: int) -> str:
    region = view.region_at(address)
    assert region is not None
    return region.rights


def at_once(count: int, work: Callable[[], None]) -> None:
    """Do it in so many threads."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_busy_program_goes_on_as_before(busy: Target) -> None:
    with MemoryView(busy.pid, "rw") as view:
        before = busy.ask("report")["rounds"]
        memory = view.allocate(PAGE)
        for number in range(300):
            with view.protect("r--", PAGE, memory):
                assert rights_at(view, int(memory)) == "r--"
            view.write_int(number, memory)
        memory.free()
        time.sleep(0.1)
        report = busy.ask("report")
    assert not any(report["wrong"].values()), report
    assert all(report["rounds"][name] > before.get(name, 0) for name in report["rounds"])
    assert set(report["rounds"]) == {"compute", "nap", "poll", "wait", "alarm", "events", "signals"}


def test_several_views_change_one_program_at_once(busy: Target) -> None:
    errors = []

    def change() -> None:
        try:
            with MemoryView(busy.pid, "rw") as view:
                for _ in range(30):
                    with view.allocate(PAGE) as memory, view.protect("r-x", 1, memory):
                        assert rights_at(view, int(memory)) == "r-x"
        except BaseException as error:
            errors.append(error)

    at_once(4, change)
    assert not errors
    assert not any(busy.ask("report")["wrong"].values())


def test_a_stopped_program_stays_stopped(target: Target) -> None:
    os.kill(target.pid, signal.SIGSTOP)
    while linux.state_of(target.pid) != "T":
        time.sleep(0.01)
    with MemoryView(target.pid, "rw") as view:
        with view.protect("rw-", 1, page_of(target)):
            assert rights_at(view, page_of(target)) == "rw-"
        assert linux.state_of(target.pid) == "T"
    os.kill(target.pid, signal.SIGCONT)
    assert target.ask("count 3")


def test_the_exit_of_a_child_is_left_for_its_parent(target: Target) -> None:
    with MemoryView(target.pid, "rw") as view:
        with view.protect("rw-", 1, page_of(target)):
            pass
        assert target.tell("exit 7") == 7
        with pytest.raises(TargetExitedError):
            view.protect("rw-", 1, page_of(target))


def _allocate_for_ever(view: MemoryView) -> None:
    while True:
        view.free(view.allocate(PAGE))


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.003, 0.01, 0.03])
def test_a_program_may_be_killed_at_any_moment(busy: Target, wait: float) -> None:
    killer = threading.Timer(wait, os.kill, (busy.pid, signal.SIGKILL))
    with MemoryView(busy.pid, "rw") as view:
        killer.start()
        with pytest.raises(TargetExitedError):
            _allocate_for_ever(view)
    killer.join()
    assert busy._process.wait() == -signal.SIGKILL


def test_ctrl_c_waits_until_the_program_has_its_registers_back(
    busy: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = threading.get_ident()
    real = _tracing.Caller.call

    def interrupted(caller: _tracing.Caller, number: int, *arguments: int) -> int:
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.01)
        return real(caller, number, *arguments)

    with MemoryView(busy.pid, "rw") as view:
        memory = view.allocate(PAGE)
        monkeypatch.setattr(_tracing.Caller, "call", interrupted)
        for work in (
            lambda: view.allocate(PAGE, "rwx"),
            lambda: view.protect("r--", PAGE, memory),
            lambda: view.free(memory),
        ):
            with pytest.raises(KeyboardInterrupt):
                work()
        monkeypatch.undo()
        assert "rwx" not in [region.rights for region in view.regions(state="committed")]
        assert not any(busy.ask("report")["wrong"].values())


def test_a_program_that_is_debugged_says_by_whom(target: Target) -> None:
    code = (
        "import ctypes, sys, time\n"
        f"assert ctypes.CDLL(None).ptrace(0x4206, {target.pid}, None, None) == 0\n"
        "print('ready', flush=True); sys.stdin.read(1)"
    )
    debugger = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert debugger.stdout is not None
        assert debugger.stdout.readline()
        with MemoryView(target.pid, "rw") as view:
            with pytest.raises(MemoryAccessError) as caught:
                view.allocate(PAGE)
            assert f"Process {debugger.pid} debugs the program" in str(caught.value.explanation)
    finally:
        debugger.communicate(b"x")
    with MemoryView(target.pid, "rw") as view:
        view.free(view.allocate(PAGE))


@pytest.mark.parametrize("is_open", [True, False])
def test_calls_are_made_from_where_the_program_allows_them(is_open: bool) -> None:
    # From everywhere but the kernel's own library, where calls are made else; or only from one byte.
    if is_open:
        code = DISPATCHED.format(selector=1, first=0, length="vdso")
    else:
        code = DISPATCHED.format(selector=0, first=PAGE, length=1)
    program = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert program.stdout is not None
        if program.stdout.readline() != b"0\n":
            pytest.skip("this kernel has no PR_SET_SYSCALL_USER_DISPATCH")
        with MemoryView(program.pid, "rw") as view:
            if is_open:
                with view.allocate(PAGE) as memory:
                    assert view.read(4, memory) == bytes(4)
            else:
                with pytest.raises(MemoryAccessError, match="only from its own places"):
                    view.allocate(PAGE)
    finally:
        program.kill()
        program.communicate()


def test_this_python_s_own_memory_needs_no_debugger() -> None:
    with MemoryView.from_current_process("rw") as view, view.allocate(PAGE) as memory:
        view.write(b"own", memory)
        with view.protect("r--", 1, memory):
            assert rights_at(view, int(memory)) == "r--"
        assert ctypes.string_at(int(memory), 3) == b"own"


def test_two_pythons_take_turns(target: Target) -> None:
    code = (
        "import sys, memaccess\n"
        f"with memaccess.MemoryView({target.pid}, 'rw') as view:\n"
        "    print('ready', flush=True)\n"
        "    for _ in range(100):\n"
        f"        with view.protect('rw-', 1, {page_of(target)}): pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with MemoryView(target.pid, "rw") as view:
            for _ in range(100):
                view.free(view.allocate(PAGE))
    assert other.returncode == 0


def test_what_was_allocated_is_freed_once(target: Target) -> None:
    with MemoryView(target.pid, "rw") as view:
        for _ in range(20):
            address, errors = view.allocate(PAGE).address, []

            def free(address: int = address, errors: list[Exception] = errors) -> None:
                try:
                    view.free(address)
                except MemoryAccessError as error:
                    errors.append(error)

            at_once(3, free)
            assert len(errors) == 2


def test_what_was_allocated_is_forgotten_with_its_program(target: Target) -> None:
    with MemoryView(target.pid, "rw") as view:
        view.allocate(PAGE)
    assert target.pid in {each[0] for each in _changing._ALLOCATED}
    target.kill()
    with MemoryView(os.getpid(), "rw") as view:
        view._process._known()
    assert target.pid not in {each[0] for each in _changing._ALLOCATED}


def test_what_others_allocated_can_t_be_freed(target: Target) -> None:
    with MemoryView(target.pid, "rw") as view:
        with pytest.raises(MemoryAccessError, match="Linux does not keep where"):
            view.free(page_of(target))
        assert target.ask("peek readonly 0 4")["bytes"]


def test_memory_is_made_executable_and_run(target: Target) -> None:
    with MemoryView(target.pid, "rw") as view, view.allocate(PAGE, "rwx", near=page_of(target)) as memory:
        view.write(b"\xc3", memory)
        assert rights_at(view, int(memory)) == "rwx"


def test_no_descriptor_and_no_thread_is_left(target: Target) -> None:
    with MemoryView(target.pid, "rw") as view:
        view.free(view.allocate(PAGE))
        before = linux.descriptor_count(), threading.active_count()
        for _ in range(20):
            view.free(view.allocate(PAGE))
        assert (linux.descriptor_count(), threading.active_count()) == before


def test_another_machine_s_registers_are_not_guessed(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_calls, "CAN_TRACE", False)
    with (
        MemoryView(target.pid, "rw") as view,
        pytest.raises(MemoryAccessError, match="64-bit Python on x86-64"),
    ):
        view.allocate(PAGE)
