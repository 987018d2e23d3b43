"""Reading what can be read, against a reader that tries page after page."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memaccess._errors import SystemFailure
from memaccess._partial import read_available
from memaccess._records import PAGE, Access, PartialRead, Region
from memaccess._win32._codes import failure_with
from memaccess.testing import FakeProcess, FakeSystem

BASE = 0x40_0000
LIMIT = BASE + 10 * PAGE

kinds = st.sampled_from(
    ["rw-", "rw-", "r--", "rwx", "r-x", "---", "--x", "guarded", "reserved", "free", "free"]
)
maps = st.lists(kinds, min_size=10, max_size=10)
ranges = st.tuples(
    st.integers(BASE, LIMIT) | st.integers(0, 10).map(lambda page: BASE + page * PAGE),
    st.integers(BASE, LIMIT) | st.integers(0, 10).map(lambda page: BASE + page * PAGE),
).map(sorted)


class Recorder:
    """An opened program that notes what is read of it, and can be silent or wrong about its map."""

    def __init__(self, kinds: list[str], tells: str = "truth") -> None:
        process = FakeProcess(pid=4)
        for number, kind in enumerate(kinds):
            _add_page(process, BASE + number * PAGE, kind)
        self._process = FakeSystem(process).open(4, Access.READ)
        self._tells = tells
        self.reads: list[tuple[int, int]] = []

    def read(self, size: int, address: int, /) -> bytes:
        self.reads.append((size, address))
        return self._process.read(size, address)

    def regions_from(self, address: int, /) -> list[Region]:
        if self._tells == "nothing":
            raise failure_with("VirtualQueryEx", 50)
        if self._tells == "all is readable":
            return [Region(BASE, LIMIT - BASE, "committed", "private", True, True, False, False, 4)]
        return self._process.regions_from(address)

    def is_alive(self) -> bool:
        return True


def _add_page(process: FakeProcess, address: int, kind: str) -> None:
    if kind == "reserved":
        process.reserve(address, PAGE)
    elif kind == "guarded":
        process.map(address, PAGE, guard=True)
    elif kind != "free":
        # No byte is zero, so that zeros in a result are what was missing.
        content = bytes(1 + (address // PAGE + position) % 255 for position in range(PAGE))
        process.map(address, content, kind)


def naive(process: Recorder, size: int, address: int) -> bytes:
    """The range read page after page, with zeros for the pages that can't be."""
    result = b""
    while len(result) < size:
        here = address + len(result)
        piece = min(size - len(result), PAGE - here % PAGE)
        try:
            result += process.read(piece, here)
        except SystemFailure:
            result += bytes(piece)
    return result


@given(kinds=maps, range=ranges, tells=st.sampled_from(["truth", "nothing", "all is readable"]))
@example(["rw-", "free"] * 5, (BASE, LIMIT), "all is readable")
@example(["free", "rw-"] * 5, (BASE + 1, LIMIT - 1), "nothing")
def test_everything_that_can_be_read_is_whatever_the_system_says_of_the_map(kinds, range, tells):
    start, stop = range
    result = read_available(Recorder(kinds, tells), stop - start, start)
    assert result.data == naive(Recorder(kinds), stop - start, start)


@given(kinds=maps, range=ranges, tells=st.sampled_from(["truth", "nothing", "all is readable"]))
def test_what_is_missing_is_just_what_could_not_be_read(kinds, range, tells):
    start, stop = range
    result = read_available(Recorder(kinds, tells), stop - start, start)
    missing = {each for address, size in result.missing for each in _numbers(address, size)}
    assert missing == {start + offset for offset, byte in enumerate(result.data) if not byte}


@given(kinds=maps, range=ranges)
def test_missing_parts_are_in_order_and_never_touch_each_other(kinds, range):
    start, stop = range
    result = read_available(Recorder(kinds), stop - start, start)
    for (address, size), (following, _) in zip(result.missing, result.missing[1:], strict=False):
        assert size > 0
        assert address + size < following


@given(kinds=maps, range=ranges)
def test_pieces_and_missing_parts_are_the_whole_range(kinds, range):
    start, stop = range
    result = read_available(Recorder(kinds), stop - start, start)
    parts = [*result.missing, *((address, len(data)) for address, data in result.pieces())]
    position = start
    for address, size in sorted(parts):
        assert address == position
        position += size
    assert position == stop


@given(kinds=maps, range=ranges)
def test_pieces_are_the_bytes_of_the_data(kinds, range):
    start, stop = range
    result = read_available(Recorder(kinds), stop - start, start)
    for address, data in result.pieces():
        assert data == result.data[address - start : address - start + len(data)]
        assert all(data)


@given(kinds=maps, range=ranges)
def test_no_byte_outside_the_range_is_asked_for(kinds, range):
    start, stop = range
    process = Recorder(kinds)
    read_available(process, stop - start, start)
    assert all(start <= address and address + size <= stop for size, address in process.reads)


@given(kinds=maps, range=ranges)
def test_a_map_that_is_known_takes_one_read_per_region(kinds, range):
    start, stop = range
    process = Recorder(kinds)
    read_available(process, stop - start, start)
    assert len(process.reads) <= len(kinds)


@given(kinds=maps, range=ranges, tells=st.sampled_from(["nothing", "all is readable"]))
def test_a_map_that_is_not_known_takes_at_most_two_reads_per_page(kinds, range, tells):
    start, stop = range
    process = Recorder(kinds, tells)
    read_available(process, stop - start, start)
    pages = -(-stop // PAGE) - start // PAGE
    assert len(process.reads) <= 2 * pages  # halving it all, down to the pages


def test_a_hole_between_pages_is_named():
    process = Recorder(["rw-", "free", "rw-"] + ["free"] * 7)
    result = read_available(process, PAGE + 4, BASE + PAGE - 2)
    assert result.missing == ((BASE + PAGE, PAGE),)
    assert [address for address, _ in result.pieces()] == [BASE + PAGE - 2, BASE + 2 * PAGE]


def test_a_range_of_nothing_is_complete():
    result = read_available(Recorder(["free"] * 10), 0, BASE)
    assert result == PartialRead(BASE, b"", ())
    assert result.is_complete
    assert list(result.pieces()) == []


def test_a_range_without_memory_is_all_missing():
    result = read_available(Recorder(["free"] * 10), 5 * PAGE, BASE)
    assert result.missing == ((BASE, 5 * PAGE),)
    assert not result.is_complete
    assert list(result.pieces()) == []


def _numbers(start: int, count: int) -> range:
    return range(start, start + count)


def test_above_the_highest_address_nothing_is_asked_for():
    process = Recorder([])
    top = process._process.space.end
    assert read_available(process, 1 << 20, top).missing == ((top, 1 << 20),)
    assert process.reads == []


class Ending(Recorder):
    """A program that ends with the first read that fails."""

    alive = True

    def read(self, size: int, address: int, /) -> bytes:
        try:
            return super().read(size, address)
        except SystemFailure:
            self.alive = False
            raise

    def is_alive(self) -> bool:
        return self.alive


def test_a_program_that_ends_meanwhile_is_not_asked_again():
    process = Ending(["rw-", "free"] * 5, "all is readable")
    with pytest.raises(SystemFailure):
        read_available(process, LIMIT - BASE, BASE)
    assert len(process.reads) == 1
