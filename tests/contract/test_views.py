"""What a view says of its program, and what it refuses, on the fake and on real programs."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from support.outcomes import Outcome, outcome_of
from support.subjects import is_linux, kept_exit_code, told

from memaccess import ClosedViewError, MissingRightError, TargetExitedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.subjects import Subject

    from memaccess import MemoryView

Use = "Callable[[MemoryView, int], object]"
READS = {
    "read": lambda view, address: view.read(4, address),
    "read_into": lambda view, address: view.read_into(bytearray(4), address),
    "read_int": lambda view, address: view.read_int(address),
    "read_pointer": lambda view, address: view.read_pointer(address),
    "read_string": lambda view, address: view.read_string(address),
    "read_array": lambda view, address: view.read_array("int", 2, address),
    "read_struct": lambda view, address: view.read_struct("if", address),
    "read_many": lambda view, address: view.read_many([("int", address)]),
    "read_available": lambda view, address: view.read_available(4, address),
}
WRITES = {
    "write": lambda view, address: view.write(b"1234", address),
    "write_force": lambda view, address: view.write(b"1234", address, force=True),
    "write_int": lambda view, address: view.write_int(1, address),
    "write_string": lambda view, address: view.write_string("one", address),
    "write_array": lambda view, address: view.write_array("int", [1, 2], address),
    "write_struct": lambda view, address: view.write_struct("if", (1, 2.5), address),
}
USES = {**READS, **WRITES}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_closed_view_does_nothing(subject: Subject, use: Callable[[MemoryView, int], object]) -> None:
    view = subject.open("rw")
    view.close()
    assert outcome_of(lambda: use(view, subject.address("readwrite"))) == told(
        subject, Outcome(ClosedViewError, 6)
    )


def test_a_closed_view_does_not_even_nothing(subject: Subject) -> None:
    view = subject.open("rw")
    view.close()
    assert outcome_of(lambda: view.read(0, 0)) == told(subject, Outcome(ClosedViewError, 6))
    assert outcome_of(lambda: view.write(b"", 0)) == told(subject, Outcome(ClosedViewError, 6))
    assert outcome_of(lambda: view.write(b"", 0, force=True)) == told(subject, Outcome(ClosedViewError, 6))


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_program_that_has_ended_has_no_memory(
    subject: Subject, use: Callable[[MemoryView, int], object]
) -> None:
    with subject.open("rw") as view:
        subject.end(9)
        code = errno.ESRCH if is_linux(subject) else 5
        with pytest.raises(TargetExitedError, match=f"error code {code}") as caught:
            use(view, subject.address("readwrite"))
    assert "exit code 9" in caught.value.explanation


@pytest.mark.parametrize("use", READS.values(), ids=READS)
def test_a_view_that_writes_does_not_read(subject: Subject, use: Callable[[MemoryView, int], object]) -> None:
    with subject.open("w") as view:
        assert outcome_of(lambda: use(view, subject.address("readwrite"))) == told(
            subject, Outcome(MissingRightError, 5)
        )


@pytest.mark.parametrize("use", WRITES.values(), ids=WRITES)
def test_a_view_that_reads_does_not_write(subject: Subject, use: Callable[[MemoryView, int], object]) -> None:
    with subject.open("r") as view:
        assert outcome_of(lambda: use(view, subject.address("readwrite"))) == told(
            subject, Outcome(MissingRightError, 5)
        )
    assert subject.peek("readwrite", 0, 14) == b"read and write"


def test_a_running_program_is_alive(subject: Subject) -> None:
    with subject.open("r") as view:
        assert view.is_alive()
        assert view.exit_code() is None


@pytest.mark.parametrize("mode", ["r", "w", "rw"])
@pytest.mark.parametrize("code", [0, 1, 259, 0xC0000005])
def test_the_exit_code_is_told_in_every_mode(subject: Subject, code: int, mode: str) -> None:
    with subject.open(mode) as view:
        subject.end(code)
        assert not view.is_alive()
        assert view.exit_code() == kept_exit_code(code, is_real=subject.is_real)


def test_a_closed_view_tells_nothing_of_its_program(subject: Subject) -> None:
    view = subject.open("r")
    view.close()
    with pytest.raises(ClosedViewError):
        view.is_alive()
    with pytest.raises(ClosedViewError):
        view.exit_code()


def test_a_view_knows_the_width(subject: Subject) -> None:
    with subject.open("r") as view:
        assert (view.bitness, view.pointer_size) == (subject.bitness, subject.bitness // 8)


def test_the_last_addresses_are_accepted_and_none_behind_them(subject: Subject) -> None:
    limit = 1 << subject.bitness
    with subject.open("r") as view:
        assert view.read(0, limit) == b""
        assert not view.read_available(1, limit - 1).is_complete
        with pytest.raises(OverflowError):
            view.read(1, limit)
