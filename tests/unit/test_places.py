"""Where new memory is put near an address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memaccess._backend._places import GRANULARITY, REACH, places_near
from memaccess._records import PAGE
from memaccess.testing import FakeProcess

BASE = 0x7_0000_0000
pages = st.integers(0, 400)


@given(taken=st.sets(pages, max_size=30), near=pages, size=st.integers(1, 60))
def test_places_are_free_and_in_reach_and_the_nearest_comes_first(taken, near, size):
    process = FakeProcess()
    for page in taken:
        process.map(BASE + page * PAGE, PAGE)
    near, size = BASE + near * PAGE, size * PAGE
    places = places_near(near, size, process.space, regions_from(process))
    assert places
    assert [abs(place - near) for place in places] == sorted(abs(place - near) for place in places)
    for place in places:
        assert place % GRANULARITY == 0
        assert abs(place - near) <= REACH
        assert abs(place + size - near) <= REACH
        region = process._region_at(place)
        assert region is not None
        assert region.state == "free"
        assert region.end >= place + size
    assert abs(places[0] - near) == nearest(taken, near, size)


def regions_from(process: FakeProcess):
    """What a system says of the program's memory, a region at a time."""

    def ask(address: int):
        region = process._region_at(address)
        return [] if region is None else [region]

    return ask


def nearest(taken: set[int], near: int, size: int) -> int:
    """The distance of the nearest place, by trying them all."""
    busy = [BASE + page * PAGE for page in taken]
    start = near // GRANULARITY * GRANULARITY
    for step in range(200):
        fitting = [
            abs(place - near)
            for place in {start - step * GRANULARITY, start + (step + 1) * GRANULARITY}
            if not any(place < page + PAGE and page < place + size for page in busy)
        ]
        if fitting:
            further = start - (step + 1) * GRANULARITY, start + step * GRANULARITY
            fitting += [
                abs(place - near)
                for place in further
                if not any(place < page + PAGE and page < place + size for page in busy)
            ]
            return min(fitting)
    raise AssertionError("no place at all")


def test_at_the_ends_of_the_address_space_are_places_too():
    for bitness in (32, 64):
        process = FakeProcess(bitness=bitness)
        assert places_near(0, PAGE, process.space, regions_from(process))[0] == process.space.lowest
        top = process.space.end
        assert places_near(top - 1, PAGE, process.space, regions_from(process))[0] == top - GRANULARITY


def test_what_is_larger_than_the_reach_has_no_place():
    process = FakeProcess()
    assert places_near(BASE, 2 * REACH + GRANULARITY, process.space, regions_from(process)) == []


def test_a_place_may_lie_around_the_address_itself():
    process = FakeProcess()
    size = 0x7FFF_1000
    [first, *_] = places_near(0x8000_0000, size, process.space, regions_from(process))
    assert abs(first - 0x8000_0000) <= REACH
    assert abs(first + size - 0x8000_0000) <= REACH
