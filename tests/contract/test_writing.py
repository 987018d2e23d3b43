"""Writing to memory of every kind, on the fake and on real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import known_wine
import pytest
from support.outcomes import ANY_CODE, ANY_COUNT, ANY_ERROR, WORKS, Outcome, outcome_of
from support.subjects import PAGE, is_wide

from memaccess import NotWritableError, PartialWriteError

if TYPE_CHECKING:
    from support.subjects import Subject

TEXT = b"written by us..."
PROTECTED = Outcome(NotWritableError, 998)
NOT_COMMITTED = Outcome(NotWritableError, 487)
UNTOLD = Outcome(ANY_ERROR, ANY_CODE, ANY_COUNT)
UNKNOWN = Outcome(NotWritableError, ANY_CODE)
WINDOWS = {
    "readwrite": WORKS,
    "execute_read": WORKS,  # WriteProcessMemory lifts the protection of code by itself
    "readonly": PROTECTED,
    "noaccess": PROTECTED,
    "guard": UNKNOWN,
    "reserved": NOT_COMMITTED,
    "free": NOT_COMMITTED,
    "null": NOT_COMMITTED,
    "kernel": UNKNOWN,
}


def expected(subject: Subject, case: str, windows: Outcome) -> Outcome:
    if not subject.is_real:
        return windows
    if is_wide(subject):
        # The NtWow64 functions lift no protection, and no source tells their codes.
        if case == "execute_read":
            return known_wine.expected("write execute_read from 32 to 64", UNKNOWN)
        windows = windows if windows == WORKS else UNKNOWN
    return known_wine.expected(f"write {case}", windows)


@pytest.mark.parametrize("page", WINDOWS)
def test_a_page_can_be_written_or_not(subject: Subject, page: str) -> None:
    with subject.open("w") as view:
        outcome = outcome_of(lambda: view.write(TEXT, subject.address(page)))
    assert outcome == expected(subject, page, WINDOWS[page])


def test_the_program_sees_what_is_written(subject: Subject) -> None:
    with subject.open("w") as view:
        view.write(TEXT, subject.address("readwrite") + 3)
    assert subject.peek("readwrite", 0, 3 + len(TEXT)) == b"rea" + TEXT


def test_only_what_is_written_changes(subject: Subject) -> None:
    with subject.open("w") as view:
        view.write(b"XY", subject.address("run") + 10)
    assert subject.peek("run", 0, 20) == b"a" * 10 + b"XY" + b"a" * 8


def test_a_whole_page_can_be_written(subject: Subject) -> None:
    content = bytes(range(256)) * (PAGE // 256)
    with subject.open("w") as view:
        view.write(content, subject.address("lonely"))
    assert subject.peek("lonely", 0, PAGE) == content


def test_what_was_written_is_read_again(subject: Subject) -> None:
    with subject.open("rw") as view:
        view.write_double(2.5, subject.address("readwrite"))
        assert view.read_double(subject.address("readwrite")) == 2.5


@pytest.mark.parametrize(("page", "case"), [("lonely", "across lonely"), ("run", "across run")])
def test_a_write_that_runs_into_what_refuses_it_stops_there(subject: Subject, page: str, case: str) -> None:
    with subject.open("w") as view:
        outcome = outcome_of(lambda: view.write(TEXT, subject.address(page) + PAGE - 8))
    of_the_fake = Outcome(PartialWriteError, 299, 8)
    assert outcome == (expected(subject, case, UNTOLD) if subject.is_real else of_the_fake)
    if not subject.is_real:
        assert subject.peek(page, PAGE - 8, 8) == TEXT[:8]


def test_behind_a_lonely_page_is_nothing_to_write(subject: Subject) -> None:
    with subject.open("w") as view:
        outcome = outcome_of(lambda: view.write(TEXT, subject.address("lonely") + PAGE))
    assert outcome == expected(subject, "behind lonely", NOT_COMMITTED)


def test_nothing_can_be_written_anywhere(subject: Subject) -> None:
    with subject.open("w") as view:
        for page in filter(subject.has, WINDOWS):
            view.write(b"", subject.address(page))
            view.write(b"", subject.address(page), force=True)


def test_the_error_knows_the_range(subject: Subject) -> None:
    with subject.open("w") as view, pytest.raises(NotWritableError) as caught:
        view.write(TEXT, 0x10)
    assert (caught.value.pid, caught.value.address, caught.value.size) == (view.pid, 0x10, len(TEXT))
