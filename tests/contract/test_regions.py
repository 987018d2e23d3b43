"""What the backend says of memory of every kind, on the fake and on real programs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from support.subjects import PAGE, is_linux, require_reach

if TYPE_CHECKING:
    from support.subjects import Subject

    from memaccess import Region

RIGHTS = {
    "readwrite": "rw-",
    "readonly": "r--",
    "execute_read": "r-x",
    "noaccess": "---",
    "guard": "rw-",
    "run": "rw-",
}


def region_at(subject: Subject, page: str, offset: int = 0) -> Region | None:
    require_reach(subject, page)
    with subject.open("r") as view:
        return view.region_at(subject.address(page) + offset)


@pytest.mark.parametrize("page", RIGHTS)
def test_memory_has_its_rights(subject: Subject, page: str) -> None:
    region = region_at(subject, page)
    assert region is not None
    assert (region.state, region.kind, region.rights) == ("committed", "private", RIGHTS[page])


@pytest.mark.parametrize("page", RIGHTS)
def test_memory_has_the_protection_that_the_program_is_told(subject: Subject, page: str) -> None:
    region = region_at(subject, page)
    assert region is not None
    assert region.protection == subject.protection(page)
    assert region.protection or (page == "noaccess" and is_linux(subject))  # PROT_NONE is 0


@pytest.mark.parametrize("page", [*RIGHTS, "reserved", "lonely"])
def test_memory_has_the_raw_values_that_the_program_is_told(subject: Subject, page: str) -> None:
    region = region_at(subject, page)
    assert region is not None
    told = subject.query(page)
    assert (region.raw_state, region.raw_kind) == (told["state"], told["type"])
    assert region.allocation_base == told["allocation_base"]
    if subject.is_real:  # the fake knows no protection of what was only reserved
        assert region.allocation_protection == told["allocation_protect"]


def test_a_page_behind_others_is_of_their_allocation(subject: Subject) -> None:
    region = region_at(subject, "run", 2 * PAGE)
    assert region is not None
    # The fake's run was mapped page by page; and Linux does not keep what was mapped together.
    own = 0 if subject.is_real and not is_linux(subject) else 2 * PAGE
    assert region.allocation_base == subject.address("run") + own


@pytest.mark.parametrize("page", RIGHTS)
def test_a_region_is_as_long_as_its_protection(subject: Subject, page: str) -> None:
    region = region_at(subject, page)
    assert region is not None
    assert (region.base, region.size) == (subject.address(page), PAGE)


@pytest.mark.parametrize("page", RIGHTS)
def test_only_a_guard_page_is_guarded(subject: Subject, page: str) -> None:
    region = region_at(subject, page)
    assert region is not None
    assert region.guarded == (page == "guard")


def test_a_region_begins_with_the_page_that_was_asked_for(subject: Subject) -> None:
    region = region_at(subject, "run", PAGE + 5)
    assert region is not None
    assert (region.base, region.rights) == (subject.address("run") + PAGE, "r--")


def test_reserved_memory_has_no_rights(subject: Subject) -> None:
    region = region_at(subject, "reserved")
    assert region is not None
    assert (region.state, region.kind, region.rights) == ("reserved", "private", "---")


@pytest.mark.parametrize("page", ["free", "null"])
def test_free_memory_has_nothing(subject: Subject, page: str) -> None:
    region = region_at(subject, page)
    assert region is not None
    assert (region.state, region.kind, region.rights, region.protection) == ("free", None, "---", 0)
    assert (region.raw_kind, region.allocation_base, region.allocation_protection) == (0, 0, 0)


def test_private_memory_is_no_file_s(subject: Subject) -> None:
    require_reach(subject, "readwrite")
    with subject.open("r") as view:
        assert view.mapped_file(subject.address("readwrite")) is None


@pytest.mark.parametrize("page", ["free", "null", "reserved"])
def test_what_is_not_there_is_no_file_s(subject: Subject, page: str) -> None:
    require_reach(subject, page)
    with subject.open("r") as view:
        assert view.mapped_file(subject.address(page)) is None


def test_of_the_kernel_nothing_is_known(subject: Subject) -> None:
    with subject.open("r") as view:
        assert view.region_at(subject.address("kernel")) is None


def test_a_view_that_writes_can_ask_too(subject: Subject) -> None:
    require_reach(subject, "readonly")
    with subject.open("w") as view:
        region = view.region_at(subject.address("readonly"))
    assert region is not None
    assert region.rights == "r--"


def test_the_map_has_no_gaps_and_all_pages(subject: Subject) -> None:
    require_reach(subject, "lonely")
    last = subject.address("lonely")
    with subject.open("r") as view:
        regions = list(itertools.takewhile(lambda region: region.base <= last, view.regions()))
    assert (regions[0].base, regions[-1].end) == (0, last + PAGE)
    assert all(one.end == next_one.base for one, next_one in itertools.pairwise(regions))
    bases = {region.base: region.rights for region in regions}
    assert {page: bases.get(subject.address(page)) for page in ("readonly", "execute_read")} == {
        "readonly": "r--",
        "execute_read": "r-x",
    }


def test_a_walk_through_a_part_has_the_pages_of_it(subject: Subject) -> None:
    require_reach(subject, "run")
    start = subject.address("run")
    with subject.open("r") as view:
        regions = list(view.regions(start + 5, start + 3 * PAGE))
    assert [(each.base, each.rights) for each in regions] == [
        (start, "rw-"),
        (start + PAGE, "r--"),
        (start + 2 * PAGE, "rw-"),
    ]


def test_a_walk_can_leave_out_what_is_not_wanted(subject: Subject) -> None:
    require_reach(subject, "run")
    start = subject.address("run")
    with subject.open("r") as view:
        regions = list(view.regions(start, start + 3 * PAGE, state="committed", writable=False))
    assert [each.base for each in regions] == [start + PAGE]
