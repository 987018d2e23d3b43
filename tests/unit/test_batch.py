"""Merging many small reads into few: nothing is left out, and no strange page is touched."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from memaccess._batch import merge
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
def test_every_request_is_in_exactly_one_span(requests):
    members = [member for span in merge(requests) for member in span.members]
    assert sorted(members) == list(range(len(requests)))


@given(requests=requests_of_nothing_too)
def test_a_span_covers_its_members(requests):
    for span in merge(requests):
        for size, address in (requests[member] for member in span.members):
            assert span.address <= address
            assert address + size <= span.address + span.size


@given(requests=requests_of_nothing_too)
@example(requests=[(4, 0), (4, 2 * PAGE)])
@example(requests=[(PAGE, 0), (4, 2 * PAGE)])
def test_a_span_touches_no_page_that_none_of_its_members_touches(requests):
    for span in merge(requests):
        touched = set().union(*(pages(*requests[member]) for member in span.members))
        assert pages(span.size, span.address) <= touched


@given(requests=some_requests)
@example(requests=[(4, PAGE - 4), (4, PAGE)])
@example(requests=[(3 * PAGE, 0), (1, 5), (1, 3 * PAGE)])
def test_there_are_no_more_spans_than_runs_of_touched_pages(requests):
    touched = set().union(*(pages(*request) for request in requests))
    assert len(merge(requests)) == runs(touched)


@given(requests=some_requests)
def test_spans_are_in_order_and_apart(requests):
    spans = merge(requests)
    for before, after in itertools.pairwise(spans):
        assert before.address + before.size < after.address


@given(requests=some_requests)
def test_a_span_is_no_longer_than_its_members_need(requests):
    for span in merge(requests):
        ranges = [requests[member] for member in span.members]
        assert span.address == min(address for _, address in ranges)
        assert span.address + span.size == max(address + size for size, address in ranges)


def test_nothing_to_read_is_no_span():
    assert merge([]) == []


@given(count=st.integers(1, 600), size=st.sampled_from([4, PAGE, 3 * PAGE, 2 << 20]))
def test_a_span_is_longer_than_a_mebibyte_only_where_one_request_is(count, size):
    spans = merge([(size, number * PAGE) for number in range(count)])
    assert all(span.size <= max(size, 1 << 20) for span in spans)
    assert sum(len(span.members) for span in spans) == count
