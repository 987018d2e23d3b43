"""Merging many small reads into few: nothing is left out, and no strange page is touched."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from memaccess._batch import merge, one_by_one
from memaccess._errors import Cause, SystemFailure
from memaccess._records import PAGE

Request = tuple[int, int]

addresses = st.integers(0, 12 * PAGE) | st.builds(
    lambda page, offset: max(0, page * PAGE + offset), st.integers(0, 12), st.integers(-9, 9)
)
sizes = st.integers(1, 16) | st.integers(1, 3 * PAGE)
some_requests = st.lists(st.tuples(sizes, addresses), max_size=12)
requests_of_nothing_too = st.lists(st.tuples(st.just(0) | sizes, addresses), max_size=12)


def pages(size: int, address: int) -> set[int]:
    """The pages that a range touches; one of no bytes, that of its address."""
    return set(range(address // PAGE, (address + max(size, 1) - 1) // PAGE + 1))


def runs(numbers: set[int]) -> int:
    """How many unbroken runs the numbers form."""
    return sum(number - 1 not in numbers for number in numbers)


@given(requests=requests_of_nothing_too)
def test_every_request_is_in_exactly_one_place(requests):
    places, members = merge(requests)
    assert sorted(itertools.chain(*members)) == list(range(len(requests)))
    assert len(places) == len(members)


@given(requests=requests_of_nothing_too)
def test_a_place_covers_its_requests(requests):
    for (whole, start), members in zip(*merge(requests), strict=True):
        for size, address in (requests[member] for member in members):
            assert start <= address
            assert address + size <= start + whole


@given(requests=requests_of_nothing_too)
@example(requests=[(4, 0), (4, 2 * PAGE)])
@example(requests=[(PAGE, 0), (4, 2 * PAGE)])
def test_a_place_touches_no_page_that_none_of_its_requests_touches(requests):
    for place, members in zip(*merge(requests), strict=True):
        touched = set().union(*(pages(*requests[member]) for member in members))
        assert pages(*place) <= touched


@given(requests=some_requests)
@example(requests=[(4, PAGE - 4), (4, PAGE)])
@example(requests=[(3 * PAGE, 0), (1, 5), (1, 3 * PAGE)])
def test_there_are_no_more_places_than_runs_of_touched_pages(requests):
    touched = set().union(*(pages(*request) for request in requests))
    assert len(merge(requests)[0]) == runs(touched)


@given(requests=some_requests)
def test_places_are_in_order_and_apart(requests):
    places, _ = merge(requests)
    for before, after in itertools.pairwise(places):
        assert sum(before) < after[1]


@given(requests=some_requests)
def test_a_place_is_no_longer_than_its_requests_need(requests):
    for (whole, start), members in zip(*merge(requests), strict=True):
        ranges = [requests[member] for member in members]
        assert start == min(address for _, address in ranges)
        assert start + whole == max(address + size for size, address in ranges)


def test_nothing_to_read_is_no_place():
    assert merge([]) == ([], [])


@given(count=st.integers(1, 600), size=st.sampled_from([4, PAGE, 3 * PAGE, 2 << 20]))
def test_a_place_is_longer_than_a_mebibyte_only_where_one_request_is(count, size):
    places, members = merge([(size, number * PAGE) for number in range(count)])
    assert all(whole <= max(size, 1 << 20) for whole, _ in places)
    assert sum(map(len, members)) == count


def test_one_by_one_goes_on_after_what_fails():
    def read(size: int, address: int) -> bytes:
        if address == 2:
            raise SystemFailure("read", Cause.INACCESSIBLE)
        return bytes([address]) * size

    assert list(one_by_one(read, [(1, 1), (1, 2), (2, 3)])) == [b"\1", None, b"\3\3"]
