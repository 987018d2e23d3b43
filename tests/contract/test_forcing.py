"""Writing with ``force=True``, on the fake and on real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.subjects import PAGE, require_reach

from memaccess import NotWritableError

if TYPE_CHECKING:
    from support.subjects import Subject

TEXT = b"written by us..."
COMMITTED = ["readwrite", "readonly", "execute_read", "noaccess", "guard"]


@pytest.mark.parametrize("page", ["readwrite", "readonly", "execute_read"])
def test_force_writes_whatever_the_protection(subject: Subject, page: str) -> None:
    require_reach(subject, page)
    with subject.open("w") as view:
        view.write(TEXT, subject.address(page) + 1, force=True)
    assert subject.peek(page, 1, len(TEXT)) == TEXT


@pytest.mark.parametrize("page", COMMITTED)
def test_force_leaves_the_protection_as_it_was(subject: Subject, page: str) -> None:
    require_reach(subject, page)
    before = subject.protection(page)
    with subject.open("w") as view:
        view.write(TEXT, subject.address(page), force=True)
    assert subject.protection(page) == before


def test_force_writes_a_run_of_different_protections(subject: Subject) -> None:
    require_reach(subject, "run")
    content = b"x" * 3 * PAGE
    with subject.open("w") as view:
        view.write(content, subject.address("run"), force=True)
    assert subject.peek("run", 0, 3 * PAGE) == content


def test_force_leaves_every_page_of_a_run_as_it_was(subject: Subject) -> None:
    require_reach(subject, "run")
    before = [subject.protection("run", offset) for offset in (0, PAGE, 2 * PAGE)]
    with subject.open("w") as view:
        view.write(b"x" * 2 * PAGE, subject.address("run") + PAGE // 2, force=True)
    assert [subject.protection("run", offset) for offset in (0, PAGE, 2 * PAGE)] == before
    assert len(set(before)) == 2


@pytest.mark.parametrize("page", ["reserved", "free", "null"])
def test_force_needs_memory(subject: Subject, page: str) -> None:
    require_reach(subject, page)
    with subject.open("w") as view, pytest.raises(NotWritableError) as caught:
        view.write(TEXT, subject.address(page), force=True)
    assert caught.value.region is not None
    assert caught.value.region.state == ("reserved" if page == "reserved" else "free")


def test_force_does_not_reach_into_the_kernel(subject: Subject) -> None:
    with subject.open("w") as view, pytest.raises(NotWritableError) as caught:
        view.write(TEXT, subject.address("kernel"), force=True)
    assert "is no address of a" in caught.value.explanation


def test_force_changes_nothing_where_a_part_has_no_memory(subject: Subject) -> None:
    require_reach(subject, "lonely")
    with subject.open("w") as view, pytest.raises(NotWritableError):
        view.write(TEXT, subject.address("lonely") + PAGE - 8, force=True)
    assert subject.peek("lonely", PAGE - 8, 8) == bytes(8)
