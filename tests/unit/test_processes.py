"""Which programs run, and finding one of them."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from support.stubs import failing

from memaccess import (
    AmbiguousProcessError,
    MemoryAccessError,
    MemoryView,
    ProcessInfo,
    ProcessNotFoundError,
    WindowInfo,
    _processes,
    find_process,
    find_processes,
    find_window,
    list_processes,
    list_windows,
    wait_for_process,
)
from memaccess._win32._codes import failure_with
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def system() -> FakeSystem:
    """Three programs, two of them of one name."""
    return FakeSystem(
        FakeProcess(4, "Game.exe", bitness=32, windows=("The Game", "Scores")),
        FakeProcess(12, "server.exe", windows=("Log", "Log")),
        FakeProcess(8, "SERVER.EXE", windows=("log",)),
    )


# -- listing


def test_all_programs_are_listed_with_what_is_known_of_them(system):
    first = list_processes(system=system)[0]
    assert first == ProcessInfo(4, "Game.exe", "C:\\Game.exe", 4, 32)
    assert [process.pid for process in list_processes(system=system)] == [4, 12, 8]


def test_a_program_that_may_not_be_opened_is_listed_with_what_is_known():
    game = FakeProcess(4)
    game.denied = True
    assert list_processes(system=FakeSystem(game)) == [ProcessInfo(4, "game.exe", None, 4, None)]


def test_a_program_that_has_ended_is_not_listed():
    game = FakeProcess(4, windows=("The Game",))
    game.exit()
    assert list_processes(system=FakeSystem(game)) == []
    assert list_windows(system=FakeSystem(game)) == []


def test_all_windows_are_listed(system):
    assert list_windows(system=system)[:2] == [WindowInfo("The Game", 4), WindowInfo("Scores", 4)]


# -- by name


@pytest.mark.parametrize("name", ["Game.exe", "game.exe", "GAME.EXE", "Game", "game", "gAmE.eXe"])
def test_a_name_matches_in_any_case_with_or_without_its_suffix(system, name):
    assert find_process(name, system=system).pid == 4


@pytest.mark.parametrize("name", ["gam", "game.exe.exe", "game.", "game.com", " game", "ame", "*", ""])
def test_a_name_matches_whole_or_not_at_all(system, name):
    assert find_processes(name, system=system) == []
    with pytest.raises(ProcessNotFoundError, match=re.escape(f"No process is called {name!r}")):
        find_process(name, system=system)


def test_a_name_without_a_suffix_is_found_as_it_is():
    system = FakeSystem(FakeProcess(4, "System"))
    assert find_process("system", system=system).pid == 4


def test_letters_of_every_alphabet_match_in_any_case():
    system = FakeSystem(FakeProcess(4, "ИГРА.exe"))
    assert find_process("игра", system=system).pid == 4


def test_several_programs_of_a_name_are_all_found(system):
    assert [process.pid for process in find_processes("server", system=system)] == [12, 8]


def test_several_programs_where_one_is_wanted_are_an_error_that_lists_their_pids(system):
    with pytest.raises(AmbiguousProcessError) as caught:
        find_process("server", system=system)
    assert str(caught.value) == "2 processes are called 'server': pids 8, 12"
    assert caught.value.pids == (8, 12)


def test_a_name_that_nobody_has_says_how_names_match(system):
    with pytest.raises(ProcessNotFoundError) as caught:
        find_process("editor", system=system)
    assert caught.value.explanation.startswith("Names match whole, not in part;")


def test_only_the_programs_of_that_name_are_looked_into(system, monkeypatch):
    seen = []
    info = FakeSystem._info
    monkeypatch.setattr(FakeSystem, "_info", staticmethod(lambda each: seen.append(each.pid) or info(each)))
    find_process("game", system=system)
    assert seen == [4]


def test_a_program_is_found_by_its_pid(system):
    assert find_process(12, system=system).name == "server.exe"


def test_a_pid_that_nobody_has_is_named(system):
    with pytest.raises(ProcessNotFoundError, match=r"^No process has the pid 16") as caught:
        find_process(16, system=system)
    assert caught.value.pid == 16


# -- by window


@pytest.mark.parametrize("title", ["The Game", "the game", "THE GAME"])
def test_a_window_matches_in_any_case(system, title):
    assert find_window(title, system=system) == WindowInfo("The Game", 4)


@pytest.mark.parametrize("title", ["The", "The Game.exe", "Game", "The Game ", ""])
def test_a_title_matches_whole_or_not_at_all(system, title):
    with pytest.raises(ProcessNotFoundError) as caught:
        find_window(title, system=system)
    assert str(caught.value) == f"No window has the title {title!r}"
    assert caught.value.explanation.startswith("Titles match whole, not in part;")


def test_windows_of_several_programs_are_an_error_that_lists_their_pids(system):
    with pytest.raises(AmbiguousProcessError) as caught:
        find_window("Log", system=system)
    assert str(caught.value) == "2 processes have a window 'Log': pids 8, 12"
    assert caught.value.pids == (8, 12)


def test_several_windows_of_one_program_are_no_question():
    system = FakeSystem(FakeProcess(4, windows=("Log", "LOG")))
    assert find_window("log", system=system).pid == 4


# -- waiting


class Ticks:
    """Stands in for the clock: sleeping takes no time, and may change the world."""

    def __init__(self, *events: Callable[[], None]) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._events = list(events)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < 1000, "it waits for ever"
        self.now += seconds
        if self._events:
            self._events.pop(0)()


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ticks]:
    def install(*events: Callable[[], None]) -> Ticks:
        clock = Ticks(*events)
        monkeypatch.setattr(_processes, "time", clock)
        return clock

    return install


def nothing() -> None:
    """What happens while nothing does."""


def test_a_program_that_runs_already_is_not_waited_for(system, ticks):
    clock = ticks()
    assert wait_for_process("game", system=system).pid == 4
    assert clock.slept == []


@pytest.mark.parametrize("timeout", [None, 60])
def test_a_program_that_starts_later_is_waited_for(system, ticks, timeout):
    ticks(nothing, lambda: system.start(FakeProcess(16, "Editor.exe")))
    assert wait_for_process("editor", timeout, system=system).pid == 16


def test_a_program_that_never_starts_is_a_timeout(system, ticks):
    clock = ticks()
    with pytest.raises(TimeoutError) as caught:
        wait_for_process("editor", 2.5, system=system)
    assert str(caught.value) == "No process called 'editor' has started within 2.5 seconds"
    assert clock.now >= 1002.5


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_of_nothing_looks_once(system, ticks, timeout):
    clock = ticks()
    assert wait_for_process("game", timeout, system=system).pid == 4
    with pytest.raises(TimeoutError):
        wait_for_process("editor", timeout, system=system)
    assert clock.slept == []


def test_a_timeout_is_a_number(system):
    with pytest.raises(ValueError, match=r"^a timeout is a number of seconds, not nan$"):
        wait_for_process("editor", float("nan"), system=system)


def test_a_program_that_starts_twice_ends_the_waiting_as_an_error(system, ticks):
    def start_two() -> None:
        system.start(FakeProcess(16, "editor.exe"))
        system.start(FakeProcess(20, "editor.exe"))

    ticks(start_two)
    with pytest.raises(AmbiguousProcessError):
        wait_for_process("editor", system=system)


def test_another_thread_may_start_what_is_waited_for(system):
    looking = threading.Event()

    def start() -> None:
        looking.wait()
        system.start(FakeProcess(16, "editor.exe"))

    thread = threading.Thread(target=start)
    thread.start()
    looking.set()
    assert wait_for_process("editor", system=system).pid == 16
    thread.join()


# -- a system that refuses


@pytest.mark.parametrize(
    ("asks", "question", "what"),
    [
        ("processes", lambda system: list_processes(system=system), "list the processes"),
        ("processes", lambda system: find_processes("game", system=system), "list the processes"),
        ("processes", lambda system: wait_for_process("game", system=system), "list the processes"),
        ("process", lambda system: find_process(4, system=system), "list the processes"),
        ("windows", lambda system: list_windows(system=system), "list the windows"),
        ("windows", lambda system: find_window("The Game", system=system), "list the windows"),
    ],
)
def test_a_system_that_does_not_answer_is_an_error_that_says_what_was_asked(
    system, monkeypatch, asks, question, what
):
    failure = failure_with("CreateToolhelp32Snapshot", 8, text="Not enough memory.")
    monkeypatch.setattr(system, asks, failing(failure))
    with pytest.raises(MemoryAccessError) as caught:
        question(system)
    assert str(caught.value) == f"Can't {what}, error code 8"
    assert (caught.value.api, caught.value.explanation) == ("CreateToolhelp32Snapshot", "Not enough memory.")


# -- arguments


@pytest.mark.parametrize("name", [None, b"game", 1.5, ["game"]], ids=repr)
@pytest.mark.parametrize("finder", [find_processes, wait_for_process, MemoryView.from_name])
def test_a_name_that_is_no_str_is_refused(system, finder, name):
    with pytest.raises(TypeError, match=f"^a program's name is a str, not {type(name).__name__}$"):
        finder(name, system=system)


def test_only_find_process_takes_a_pid(system):
    for finder in (find_processes, wait_for_process, MemoryView.from_name):
        with pytest.raises(TypeError, match=r"^a program's name is a str, not int$"):
            finder(4, system=system)


@pytest.mark.parametrize("wrong", [None, b"game", 1.5, ["game"]], ids=repr)
def test_neither_a_name_nor_a_pid_is_refused(system, wrong):
    with pytest.raises(TypeError, match=rf"^a pid is an int, not {type(wrong).__name__}"):
        find_process(wrong, system=system)


def test_letters_that_only_look_alike_in_capitals_are_different():
    system = FakeSystem(FakeProcess(4, "straße.exe"), FakeProcess(8, "ΣΟΦΟΣ.exe"))
    assert find_processes("strasse", system=system) == []
    assert [process.pid for process in find_processes("STRAßE", system=system)] == [4]
    assert [process.pid for process in find_processes("σοφος", system=system)] == [8]


@pytest.mark.parametrize("title", [None, b"The Game", 4], ids=repr)
def test_a_title_that_is_no_str_is_refused(system, title):
    with pytest.raises(TypeError, match=f"^a window title is a str, not {type(title).__name__}$"):
        find_window(title, system=system)


def test_a_system_that_stands_in_is_asked_where_none_is_named(system):
    with system:
        assert find_process("game").pid == 4
        assert find_window("the game").pid == 4
        assert len(list_processes()) == 3
        assert len(list_windows()) == 5
        assert wait_for_process("game").pid == 4
