"""Finding real programs: by name, by pid, by window, and by waiting for them."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from support import targets
from support.screen import has_screen

from memaccess import (
    AmbiguousProcessError,
    MemoryView,
    ProcessNotFoundError,
    _processes,
    find_process,
    find_processes,
    find_window,
    list_processes,
    list_windows,
    wait_for_process,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_screen = pytest.mark.skipif(
    sys.platform == "win32" and not has_screen() and not os.environ.get("SESSIONNAME"),
    reason="needs a screen",
)


@pytest.fixture(params=targets.BITNESSES)
def bitness(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, int], Path]:
    """A copy of a test program under a name that nobody else has."""

    def copy(name: str, bitness: int) -> Path:
        return shutil.copy(targets.executable("exit", bitness), tmp_path / name)

    return copy


def test_a_program_is_listed_with_all_that_is_known_of_it(program, bitness) -> None:
    path = program("GameOne.exe", bitness)
    with targets.Target([path]) as target:
        (found,) = [process for process in list_processes() if process.pid == target.pid]
    assert (found.name, found.parent_pid, found.bitness) == ("GameOne.exe", os.getpid(), bitness)
    assert os.path.samefile(found.path, path)


@pytest.mark.parametrize("name", ["GameOne.exe", "gameone.EXE", "GAMEONE", "gameone"])
def test_a_name_matches_in_any_case_with_and_without_its_ending(program, name) -> None:
    with targets.Target([program("GameOne.exe", 32)]) as target:
        assert [process.pid for process in find_processes(name)] == [target.pid]


@pytest.mark.parametrize("name", ["GameOn", "ameOne.exe", "GameOne.ex", "GameOne.exe.exe", ""])
def test_a_part_of_a_name_matches_nothing(program, name) -> None:
    with targets.Target([program("GameOne.exe", 32)]):
        assert find_processes(name) == []


def test_a_name_may_have_any_letters(program, bitness) -> None:
    with (
        targets.Target([program("Spïel-игра.exe", bitness)]) as target,
        MemoryView.from_name("spÏel-ИГРА") as view,
    ):
        assert (view.pid, view.name) == (target.pid, "Spïel-игра.exe")


def test_two_programs_of_one_name_are_an_error_that_lists_them(program) -> None:
    path = program("GameTwo.exe", 32)
    with targets.Target([path]) as one, targets.Target([path]) as two:
        pids = tuple(sorted((one.pid, two.pid)))
        with pytest.raises(AmbiguousProcessError, match=f"pids {pids[0]}, {pids[1]}") as caught:
            MemoryView.from_name("GameTwo")
    assert caught.value.pids == pids


def test_a_program_that_has_ended_is_not_found(program) -> None:
    with targets.Target([program("GameOver.exe", 32)]) as target:
        assert target.tell("exit 0") == 0
        with pytest.raises(ProcessNotFoundError):
            find_process("GameOver")


def test_a_program_is_found_by_its_pid() -> None:
    assert find_process(os.getpid()).bitness == struct.calcsize("P") * 8


def test_waiting_returns_a_program_that_runs_already(program) -> None:
    with targets.Target([program("GameNow.exe", 32)]) as target:
        assert wait_for_process("GameNow", timeout=0).pid == target.pid


def test_waiting_sees_a_program_that_starts_later(program, monkeypatch) -> None:
    looked = threading.Event()
    monkeypatch.setattr(_processes.time, "sleep", lambda seconds: looked.set())
    found = []
    waiter = threading.Thread(target=lambda: found.append(wait_for_process("GameLater", timeout=60)))
    waiter.start()
    assert looked.wait(60)
    with targets.Target([program("GameLater.exe", 32)]) as target:
        waiter.join()
        assert [process.pid for process in found] == [target.pid]


def test_waiting_in_vain_ends_in_time() -> None:
    with pytest.raises(TimeoutError, match="within 0 seconds"):
        wait_for_process("NoSuchGame", timeout=0)


@pytest.mark.screen
@needs_screen
def test_a_program_is_opened_by_the_title_of_its_window(bitness) -> None:
    title = f"Spiel № {bitness} 𝄞"
    with targets.start("window", bitness, title) as target, MemoryView.from_window(title) as view:
        assert (view.pid, view.bitness) == (target.pid, bitness)
        assert find_window(title.upper()).title == title
        assert (title, target.pid) in list_windows()


@pytest.mark.screen
@needs_screen
def test_a_part_of_a_title_matches_nothing() -> None:
    with (
        targets.start("window", 32, "The Whole Title"),
        pytest.raises(ProcessNotFoundError, match="No window has the title 'The Whole'"),
    ):
        find_window("The Whole")


@pytest.mark.screen
@needs_screen
def test_two_programs_with_one_title_are_an_error_that_lists_them() -> None:
    with (
        targets.start("window", 64, "Twins") as one,
        targets.start("window", 32, "Twins") as two,
        pytest.raises(AmbiguousProcessError) as caught,
    ):
        MemoryView.from_window("Twins")
    assert caught.value.pids == tuple(sorted((one.pid, two.pid)))


def test_a_python_can_open_itself() -> None:
    number = ctypes.c_int(42)
    with MemoryView.from_current_process("rw") as view:
        address = ctypes.addressof(number)
        view.write_int(view.read_int(address) + 1, address)
        assert view.pid == os.getpid()
    assert number.value == 43
