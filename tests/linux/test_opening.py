"""Opening programs of Linux: which can be, which can't, and what is said of each."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support import linux, targets

from memaccess import (
    ClosedViewError,
    MemoryAccessError,
    MemoryView,
    NotReadableError,
    ProcessNotFoundError,
    ProcessProtectedError,
    SymbolNotFoundError,
    TargetExitedError,
    find_process,
    list_processes,
)
from memaccess._errors import Cause, SystemFailure
from memaccess._types import LINUX_32, LINUX_64

if sys.platform == "linux":
    from memaccess._backend.linux import _proc, _system
    from memaccess._libc import libc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

NOBODY = 65534
is_root = sys.platform == "linux" and os.geteuid() == 0


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("pages", request.param) as target:
        yield target


def why_not(pid: int, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        MemoryView(pid)
    return str(caught.value.explanation)


def test_programs_are_listed_with_their_files_and_widths(target: Target) -> None:
    found = find_process(target.pid)
    bitness = target.facts["pointer_size"] * 8
    program = targets.executable("pages", bitness)
    assert (found.name, found.path, found.parent_pid) == (program.name, str(program), os.getpid())
    assert found.bitness == bitness
    assert found in list_processes()


@pytest.mark.parametrize(
    ("bits", "machine", "model"),
    [
        (1, 3, LINUX_32),  # i386
        (1, 40, LINUX_32._replace(largest_alignment=8)),  # ARM
        (1, 62, LINUX_32._replace(largest_alignment=8)),  # x32
        (2, 62, LINUX_64),  # x86-64
        (2, 183, LINUX_64),  # AArch64
        (3, 62, None),
    ],
)
def test_the_file_of_a_program_tells_how_its_types_are(bits: int, machine: int, model: object) -> None:
    start = b"\x7fELF" + bytes([bits, 1]) + bytes(12) + machine.to_bytes(2, "little")
    model_of = importlib.import_module("memaccess._backend.linux._proc").model_of  # which only Linux can load
    assert model_of(start) == model
    assert model_of(b"#!/bin/sh" + start) is None


def test_every_program_is_listed_once_and_no_thread() -> None:
    started = threading.Event()
    thread = threading.Thread(target=started.wait)
    thread.start()
    try:
        listed = [each.pid for each in list_processes()]
        assert listed == sorted(set(listed))
        assert os.getpid() in listed
        assert thread.native_id not in listed
        assert f"is a thread of process {os.getpid()}" in why_not(thread.native_id or 0, ProcessNotFoundError)
    finally:
        started.set()
        thread.join()


def test_a_pid_that_nobody_has_is_said_to_be_free() -> None:
    assert "No process with pid 4194303 is running" in why_not(4194303, ProcessNotFoundError)
    assert "No process with pid 0 is running" in why_not(0, ProcessNotFoundError)
    with pytest.raises(ProcessNotFoundError):
        find_process(4194303)


@pytest.mark.skipif(not is_root, reason="only root sees why")
def test_the_kernel_s_own_threads_can_t_be_opened() -> None:
    assert why_not(2, ProcessProtectedError) == (
        "Process 2 (kthreadd) is a thread of the kernel, which has no memory of its own."
    )


def test_a_program_that_has_ended_and_waits_for_its_parent_is_gone() -> None:
    process = subprocess.Popen(["/bin/true"])
    while linux.state_of(process.pid) != "Z":
        time.sleep(0.01)
    why_not(process.pid, ProcessNotFoundError)
    assert process.pid not in [each.pid for each in list_processes()]
    process.wait()


@pytest.mark.skipif(not is_root, reason="root alone can start programs as others")
def test_who_may_not_is_told_why(target: Target) -> None:
    # All is imported before: that user may not see where this Python lies.
    code = (
        "import os, memaccess, memaccess._backend.linux._system, memaccess._explain\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"try: memaccess.MemoryView({target.pid})\n"
        "except memaccess.ProcessDeniedError as error: print(error.explanation)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert (
        "belongs to root, and this Python to another user. Run Python as that user, or as root.\n"
        in result.stdout
    )
    assert "setcap" not in result.stdout


@pytest.mark.skipif(not is_root, reason="root alone can mount another /proc")
@pytest.mark.parametrize("option", ["hidepid=1", "hidepid=2"])
def test_who_is_hidden_is_not_said_to_be_gone(target: Target, option: str) -> None:
    code = (
        "import os, ctypes, memaccess, memaccess._backend.linux._system, memaccess._explain\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "os_error = lambda: OSError(ctypes.get_errno(), 'mount')\n"
        "if libc.unshare(0x20000): raise os_error()\n"  # CLONE_NEWNS
        "if libc.mount(None, b'/', None, 0x44000, None): raise os_error()\n"  # MS_REC | MS_PRIVATE
        f"if libc.mount(b'proc', b'/proc', b'proc', 0, b'{option}'): raise os_error()\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"try: memaccess.MemoryView({target.pid})\n"
        "except memaccess.ProcessDeniedError as error: print(error.explanation)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if "OSError" in result.stderr:
        pytest.skip("no other /proc can be mounted here")
    assert result.stderr == ""
    assert "belongs to another user, and this system hides the processes of others" in result.stdout


@pytest.mark.parametrize("killed", [False, True])
def test_the_exit_is_told_before_and_after_its_parent_has_asked(target: Target, killed: bool) -> None:
    view = MemoryView(target.pid)
    with view:
        if killed:
            target._process.kill()
        else:
            target._process.stdin.write("exit 7\n")
            target._process.stdin.flush()
        while linux.state_of(target.pid) != "Z":
            time.sleep(0.01)
        code = 128 + 9 if killed else 7
        assert (view.is_alive(), view.exit_code()) == (False, code)
        target._process.wait()
        assert not view.is_alive()
        assert view.exit_code() in (code, None)  # None before Linux 6.15
        with pytest.raises(TargetExitedError):
            view.read(1, target.facts["pages"]["readwrite"]["base"])
        with pytest.raises(TargetExitedError):
            list(view.regions())


def test_a_program_lives_on_where_its_first_thread_has_ended() -> None:
    code = (
        "import ctypes, sys, threading, time\n"
        "def wait(): print('ready', flush=True); sys.stdin.read(1)\n"
        "threading.Thread(target=wait).start()\n"
        "time.sleep(0.2)\n"
        "number = 1 if sys.maxsize < 1 << 32 else {'x86_64': 60}.get(__import__('os').uname().machine, 93)\n"
        "ctypes.CDLL(None).syscall(number, 0)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        with MemoryView(process.pid) as view:
            before = len(list(view.regions(state="committed")))
            while linux.state_of(process.pid) != "Z":
                time.sleep(0.01)
            assert view.is_alive()
            assert process.pid in [each.pid for each in list_processes()]
            with MemoryView(process.pid) as another:
                assert another.is_alive()
            assert len(list(view.regions(state="committed"))) >= before - 5
            region = max(view.regions(writable=True), key=lambda region: region.size)
            # It may be a stack, at whose beginning glibc 2.42 has a guard that no map shows (MADV_GUARD_INSTALL).
            start = region.end - (1 << 17)
            assert len(view.read(1 << 17, start)) == 1 << 17
            places = [(8, start + 8192 * index) for index in range(16)]
            assert view.read_many(places) == [view.read(*place) for place in places]
    finally:
        process.kill()
        process.communicate()


def test_a_closed_view_is_closed_for_every_question(target: Target) -> None:
    before = linux.descriptor_count()
    view = MemoryView(target.pid, "rw")
    assert linux.descriptor_count() > before
    view.close()
    assert linux.descriptor_count() == before
    for question in (
        view.is_alive,
        view.exit_code,
        lambda: list(view.regions()),
        lambda: view.region_at(0x10000),
    ):
        with pytest.raises(ClosedViewError):
            question()


def test_a_descriptor_is_never_another_file_s_while_a_call_uses_it(target: Target) -> None:
    address = target.facts["pages"]["readwrite"]["base"]
    stop = threading.Event()

    def open_other_files() -> None:
        while not stop.is_set():
            with contextlib.ExitStack() as files:
                for _ in range(20):
                    files.enter_context(open("/dev/zero", "rb"))

    other = threading.Thread(target=open_other_files)
    other.start()
    try:
        for _ in range(200):
            view = MemoryView(target.pid)
            closer = threading.Thread(target=view.close)
            closer.start()
            with contextlib.suppress(ClosedViewError):
                while True:
                    assert view.read(14, address) == b"read and write"
            closer.join()
    finally:
        stop.set()
        other.join()


def test_memory_that_is_in_no_program_is_refused_by_both_ways(target: Target) -> None:
    with MemoryView(target.pid) as view:
        free = next(region for region in view.regions(0x10000, state="free"))
        for size in (1, 1 << 17):
            with pytest.raises(NotReadableError):
                view.read(size, free.base)


def test_a_closed_view_looks_at_no_file_of_the_working_directory(
    target: Target, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maps").write_text("400000-401000 r-xp 00000000 00:00 1 /wrong")
    (tmp_path / "stat").write_text("1 (wrong) S 1" + " 0" * 50)
    view = MemoryView(target.pid)
    process = view._process
    view.close()
    with pytest.raises(SystemFailure) as caught:
        process._mappings()
    assert caught.value.cause is Cause.CLOSED


def test_what_windows_alone_has_is_not_found_or_says_so(target: Target) -> None:
    with MemoryView(target.pid) as view:
        with pytest.raises(MemoryAccessError, match="Debug symbols are read on Windows only"):
            view.debug_symbols()
        with pytest.raises(SymbolNotFoundError, match="THREADSTACK0"):
            view.read(1, "THREADSTACK0")


def test_a_process_that_has_its_parent_s_memory_yet_is_waited_for(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert libc.shares_memory(os.getpid(), os.getpid())
    assert not libc.shares_memory(os.getpid(), target.pid)
    answers = [True, True, False]
    monkeypatch.setattr(_system, "shares_memory", lambda *_: answers.pop(0))
    with MemoryView(target.pid) as view:
        assert view.read(14, target.facts["pages"]["readwrite"]["base"]) == b"read and write"
    assert answers == []


def test_a_program_whose_file_can_t_be_read_has_a_width(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_proc.Folder, "model", lambda _: None)
    with MemoryView(target.pid) as view:
        assert view.bitness == target.facts["pointer_size"] * 8


def test_programs_that_come_and_go_are_opened_or_not_found() -> None:
    for _ in range(60):
        process = subprocess.Popen(["/bin/true"])
        ended = contextlib.suppress(ProcessNotFoundError, TargetExitedError)
        with ended, MemoryView(process.pid) as view:
            view.modules()
            list(view.regions())
        process.wait()
