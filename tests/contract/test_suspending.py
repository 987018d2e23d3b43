"""A program that stands still, and when it began, on the fake and on real programs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.subjects import PAGE, FakeSubject, RealSubject, code_of, require_changes, require_reach

from memaccess import ClosedViewError, MemoryAccessError, MemoryView, TargetExitedError
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias


class CountingSubject(RealSubject):
    """The ``counting`` target, running."""

    def __init__(self, bitness: int) -> None:
        super().__init__(bitness, "counting")

    def address(self, _page: str) -> int:
        return self._target.addresses["counts"] + UNUSED * 4

    def peek(self, _page: str, _offset: int, size: int) -> bytes:
        return self._target.ask("report")["counts"][UNUSED].to_bytes(4, "little")[:size]

    def is_suspended(self) -> bool:
        """Whether it stands still."""
        with self.open("r") as view:
            before = view.read_array("unsigned_int", UNUSED, self._target.addresses["counts"])
            time.sleep(WHILE)
            after = view.read_array("unsigned_int", UNUSED, self._target.addresses["counts"])
        return before == after


if TYPE_CHECKING:
    Subject: TypeAlias = FakeSubject | CountingSubject

UNUSED = 3
"""The counter that counts only when it is told to."""
WHILE = 0.02
"""Seconds in which threads that go on do count."""
SUBJECTS = [
    pytest.param((FakeSubject, 64), id="fake-64"),
    pytest.param((FakeSubject, 32), id="fake-32"),
    pytest.param((CountingSubject, 64), id="real-64", marks=pytest.mark.live),
    pytest.param((CountingSubject, 32), id="real-32", marks=pytest.mark.live),
]


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A program that does something, a fake one and a real one, of both widths."""
    make, bitness = request.param
    with make(bitness) as made:
        yield made


def answers(subject: Subject) -> bool:
    """Whether the program does what it is asked to; a real one hangs where it is suspended."""
    return len(subject.peek("readwrite", 0, 4)) == 4


@pytest.mark.parametrize("mode", ["r", "w", "rw"])
def test_a_program_goes_on_after_the_block(subject: Subject, mode: str) -> None:
    require_changes(subject)
    with subject.open(mode) as view:
        with view.suspend() as suspension:
            assert subject.is_suspended()
            assert "suspended" in repr(suspension)
        assert not subject.is_suspended()
        assert "resumed" in repr(suspension)
        assert answers(subject)


def test_a_block_that_fails_lets_the_program_go_on(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("r") as view:
        with pytest.raises(KeyboardInterrupt), view.suspend():
            raise KeyboardInterrupt
        assert not subject.is_suspended()
        assert answers(subject)


def test_it_is_resumed_once(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("r") as view, view.suspend():
        suspension = view.suspend()
        suspension.resume()
        suspension.resume()
        assert subject.is_suspended()  # by the other one
        with pytest.raises(ValueError, match="was taken back before"), suspension:
            pass


def test_a_program_that_stands_still_is_read_written_and_changed(subject: Subject) -> None:
    require_changes(subject)
    require_reach(subject, "readwrite")
    address = subject.address("readwrite")
    with subject.open("rw") as view:
        with view.suspend():
            view.write(b"now", address)
            assert view.read(3, address) == b"now"
            with view.protect("r--", 1, address), view.allocate(PAGE, near=address) as memory:
                region = view.region_at(address)
                assert region is not None
                assert region.rights == "r--"
                assert view.read(1, memory) == b"\0"
            assert subject.is_suspended()
        assert subject.peek("readwrite", 0, 3) == b"now"


def test_suspensions_of_several_views_overlap(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("r") as one, subject.open("w") as other:
        first = one.suspend()
        with other.suspend():
            first.resume()
            assert subject.is_suspended()
        assert not subject.is_suspended()
        assert answers(subject)


def test_suspensions_of_several_threads_overlap(subject: Subject) -> None:
    require_changes(subject)
    wrong: list[object] = []

    def suspend() -> None:
        try:
            with subject.open("r") as view:
                for _ in range(10):
                    with view.suspend():
                        wrong.extend([] if subject.is_suspended() else ["it goes on"])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=suspend) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not subject.is_suspended()
    assert answers(subject)


def test_closing_the_view_lets_the_program_go_on(subject: Subject) -> None:
    require_changes(subject)
    view = subject.open("r")
    with view.suspend() as suspension:
        view.close()
        assert not subject.is_suspended()
        assert "resumed" in repr(suspension)
        with pytest.raises(ClosedViewError, match=rf"error code {code_of(subject, 6)}\b"):
            view.suspend()
    suspension.resume()
    assert answers(subject)


def test_a_view_that_is_forgotten_lets_the_program_go_on(subject: Subject) -> None:
    require_changes(subject)
    with pytest.warns(ResourceWarning):
        subject.open("r").suspend()  # nobody refers to either
    assert not subject.is_suspended()
    assert answers(subject)


def test_other_views_hold_on_when_one_is_closed(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("r") as view, view.suspend():
        with subject.open("r") as other:
            other.suspend()
        assert subject.is_suspended()


def test_a_program_that_ends_needs_no_resuming(subject: Subject) -> None:
    require_changes(subject)
    with subject.open("r") as view:
        with view.suspend():
            subject.kill()
        with pytest.raises(TargetExitedError, match=r"^Can't suspend the threads of process"):
            view.suspend()


def test_a_process_began_when_it_did(subject: Subject) -> None:
    with subject.open("r") as view, subject.open("w") as other:
        began = view._started()
        assert began == other._started()
        time.sleep(WHILE)  # Linux counts hundredths of a second
        with type(subject)(subject.bitness) as later, later.open("r") as view_of_later:
            assert view_of_later._started() > began
        subject.end(0)
        assert view._started() == began  # also when it has ended
    with pytest.raises(ClosedViewError):
        view._started()


@pytest.mark.parametrize("is_real", [False, pytest.param(True, marks=pytest.mark.live)])
def test_this_python_is_not_suspended(is_real: bool) -> None:
    own = FakeProcess()
    system = None if is_real else FakeSystem(own, current=own)
    with MemoryView.from_current_process(system=system) as view:
        with pytest.raises(MemoryAccessError, match=r"^Can't suspend the threads of process") as caught:
            view.suspend()
        assert "is this Python itself" in str(caught.value.explanation)
        assert not view._holds
        assert not own.suspensions
