"""Text that ends where its memory does, on real programs: not one byte is read too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from support import targets
from support.subjects import PAGE

from memaccess import MemoryView, NotReadableError, PartialReadError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDING = "ends with the page"  # tests/targets/pages.c


class Edge(NamedTuple):
    """A program with 64 KiB of memory that end where nothing is."""

    view: MemoryView
    end: int

    def put(self, data: bytes) -> int:
        """Write to the end of the memory; where it begins."""
        self.view.write(data, self.end - len(data))
        return self.end - len(data)


@pytest.fixture(scope="module", params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("pages", request.param) as started:
        yield started


@pytest.fixture(scope="module")
def edge(target: targets.Target) -> Iterator[Edge]:
    end = target.facts["pages"]["lonely"]["base"] + PAGE
    with MemoryView(target.pid, "rw") as view:
        with pytest.raises(NotReadableError):
            view.read(1, end)  # or else nothing here proves anything
        yield Edge(view, end)


@pytest.fixture(scope="module")
def view(target: targets.Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid) as opened:
        yield opened


def text_of(length: int) -> str:
    return "".join(chr(ord("a") + number % 26) for number in range(length))


LENGTHS = [0, 1, 2, 7, 254, 255, 256, 257, 258, PAGE - 2, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 4 * PAGE + 5]


@pytest.mark.parametrize("length", LENGTHS)
def test_text_that_ends_with_its_memory_is_read(edge: Edge, length: int) -> None:
    text = text_of(length)
    assert edge.view.read_string(edge.put(text.encode() + b"\0")) == text


@pytest.mark.parametrize("length", LENGTHS)
def test_utf16_text_that_ends_with_its_memory_is_read(edge: Edge, length: int) -> None:
    text = text_of(length)
    assert edge.view.read_string(edge.put(f"{text}\0".encode("utf-16-le")), "utf-16") == text


@pytest.mark.parametrize("length", [0, 1, 127, 128, PAGE // 2, PAGE])
def test_utf16_text_at_an_odd_address_is_read(edge: Edge, length: int) -> None:
    text = text_of(length)
    address = edge.put(f"{text}\0".encode("utf-16-le") + b"!")
    assert address % 2 == 1
    assert edge.view.read_string(address, "utf-16") == text


@pytest.mark.parametrize("length", [1, 255, 256, PAGE, PAGE + 1])
def test_utf32_text_that_ends_with_its_memory_is_read(edge: Edge, length: int) -> None:
    text = text_of(length)
    assert edge.view.read_string(edge.put(f"{text}\0".encode("utf-32-le")), "utf-32") == text


@pytest.mark.parametrize("length", [1, 256, PAGE, PAGE + 1])
def test_text_without_an_end_runs_into_nothing(edge: Edge, length: int) -> None:
    data = text_of(length).encode()
    address = edge.put(data)
    with pytest.raises(PartialReadError) as caught:
        edge.view.read_string(address)
    assert (caught.value.address, caught.value.data) == (address, data)


@pytest.mark.parametrize("length", [1, 256, PAGE, PAGE + 1])
def test_a_limit_reads_text_without_an_end(edge: Edge, length: int) -> None:
    text = text_of(length)
    assert edge.view.read_string(edge.put(text.encode()), limit=length) == text


@pytest.mark.parametrize("length", [1, 128, PAGE // 2])
def test_a_limit_reads_utf16_text_without_an_end(edge: Edge, length: int) -> None:
    text = text_of(length)
    assert edge.view.read_string(edge.put(text.encode("utf-16-le")), "utf-16", limit=2 * length) == text


def test_half_a_zero_unit_at_the_end_ends_nothing(edge: Edge) -> None:
    address = edge.put("ab".encode("utf-16-le") + b"\0")
    with pytest.raises(NotReadableError):
        edge.view.read_string(address, "utf-16")


def test_zero_bytes_within_units_end_nothing(edge: Edge) -> None:
    text = "\u0100\u0061\u0200\u0100"  # as bytes: 00 01 61 00 00 02 00 01
    assert edge.view.read_string(edge.put(f"{text}\0".encode("utf-16-le")), "utf-16") == text


def test_an_end_behind_the_limit_is_not_looked_for(edge: Edge) -> None:
    address = edge.put(b"abcd\0")
    assert edge.view.read_string(address, limit=3) == "abc"


def test_text_before_a_closed_page_is_read(target, view) -> None:
    """On Windows the page behind it refuses readers; Wine 8 lets them."""
    assert view.read_string(target.facts["pages"]["ansi_at_end"]["base"], "ascii") == ENDING


def test_utf16_text_before_a_closed_page_is_read(target, view) -> None:
    assert view.read_string(target.facts["pages"]["utf16_at_end"]["base"], "utf-16") == ENDING


def test_a_limit_reads_text_that_fills_its_page(target, view) -> None:
    address = target.facts["pages"]["unterminated_at_end"]["base"]
    assert view.read_string(address, limit=len(ENDING)) == ENDING


def test_text_is_not_written_where_it_does_not_fit(edge: Edge) -> None:
    before = edge.view.read(8, edge.end - 8)
    with pytest.raises(ValueError, match="room for 8"):
        edge.view.write_string("12345678", edge.end - 8, limit=8)
    assert edge.view.read(8, edge.end - 8) == before


def test_text_is_written_up_to_the_end(edge: Edge) -> None:
    edge.view.write_string("1234567", edge.end - 8, limit=8)
    assert edge.view.read(8, edge.end - 8) == b"1234567\0"
