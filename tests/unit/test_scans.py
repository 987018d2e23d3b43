"""Scans: what they keep is what a plain loop over all values keeps."""

from __future__ import annotations

import copy
import math
import operator
import re
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memaccess import MemoryView, SearchCancelledError, WrongBitnessError
from memaccess._scan._values import _passes, _store
from memaccess._scan._values._kinds import Number
from memaccess._types import LINUX_64, TYPES, WINDOWS_64, type_named
from memaccess.testing import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = 0x401000
PAGE = 4096
SIZE = 48
"""Bytes at both ends of a page that may be anything; the rest is zeros."""

NUMBERS = [
    "int8",
    "uint8",
    "short",
    "uint16",
    "int",
    "uint32",
    "int64",
    "uint64",
    "float",
    "double",
    "bool",
    "wchar",
]
STEPS: dict[str, Callable[[Any, Any], bool]] = {
    "changed": lambda new, old: new[0] != old[0],
    "unchanged": lambda new, old: new[0] == old[0],
    "increased": lambda new, old: new[1] > old[1],
    "decreased": lambda new, old: new[1] < old[1],
}
WITH_NUMBER: dict[str, Callable[[Any, Any], bool]] = {
    "exact": operator.eq,
    "not_equal": operator.ne,
    "bigger_than": operator.gt,
    "smaller_than": operator.lt,
}

CELLS = st.lists(
    st.sampled_from([0, 0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF]), min_size=SIZE, max_size=SIZE
).map(bytes)
PAGES = st.lists(st.tuples(st.booleans(), CELLS), min_size=1, max_size=3)


class Game:
    """A program of a few pages, and the same memory as a plain loop sees it."""

    def __init__(self, pages: list[tuple[bool, bytes]]) -> None:
        self.fake = FakeProcess()
        self.pages: list[int] = []
        address = BASE
        for has_gap, content in pages:
            address += PAGE * has_gap
            self.fake.map(address, content + bytes(PAGE - 2 * SIZE) + content)
            self.pages.append(address)
            address += PAGE

    def change(self, contents: list[bytes]) -> None:
        with self.fake.open("w") as view:
            for page, content in zip(self.pages, contents, strict=False):
                view.write(content, page)
                view.write(content[::-1], page + PAGE - SIZE)

    def values(self, code: str, step: int) -> dict[int, tuple[bytes, Any]]:
        """Every place of such a value, with its bytes and what they are."""
        width, found = struct.calcsize(code), {}
        for page in self.pages:
            end = page + PAGE + (width - 1 if page + PAGE in self.pages else 0)
            data = self.fake.peek(end - page, page)
            for address in range(page, end - width + 1):
                if address % step == 0 and address < page + PAGE:
                    piece = data[address - page : address - page + width]
                    found[address] = piece, struct.unpack(f"<{code}", piece)[0]
        return found


def code_of(name: str) -> str:
    code = type_named(name).codec(WINDOWS_64).code
    return "B" if code == "?" else code


def shown(scan: Any) -> list[int]:
    return [hit.address for hit in scan]


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, Any, list[bytes]]]:
    """What is done after the first scan: the step, its number, and what the memory is by then."""
    contents = st.lists(CELLS, min_size=3, max_size=3)
    names = st.sampled_from([*STEPS, *WITH_NUMBER])
    return draw(st.lists(st.tuples(names, st.sampled_from([0, 1, 2, 64, 127]), contents), max_size=3))


@pytest.mark.usefixtures("small_chunks")
@settings(max_examples=120)
@given(
    name=st.sampled_from(NUMBERS),
    step=st.sampled_from([None, 1, 2, 4, 16]),
    pages=PAGES,
    first=st.sampled_from(["unknown", *WITH_NUMBER]),
    number=st.sampled_from([0, 1, 64]),
    story=stories(),
)
def test_a_scan_keeps_what_a_plain_loop_does(kernels, name, step, pages, first, number, story):
    if name in ("bool", "wchar"):
        first, story = "unknown", [each for each in story if each[0] in STEPS]
    code, game = code_of(name), Game(pages)
    places = step or struct.calcsize(code)
    start = before = game.values(code, places)
    with game.fake.open() as view:
        scan = view.scan(name, alignment=step, rounding=None)
        if first == "unknown":
            scan.unknown()
            expected = list(start)
        else:
            getattr(scan, first)(number)
            expected = [place for place, (_, value) in start.items() if WITH_NUMBER[first](value, number)]
        assert shown(scan) == expected
        for index, (what, amount, contents) in enumerate(story):
            game.change(contents)
            now = game.values(code, places)
            if what in STEPS:
                since = "first" if index % 2 else "last"
                getattr(scan, what)(since)
                old = start if index % 2 else before
                expected = [place for place in expected if STEPS[what](now[place], old[place])]
            else:
                getattr(scan, what)(amount)
                expected = [place for place in expected if WITH_NUMBER[what](now[place][1], amount)]
            assert shown(scan) == expected
            assert [hit._data for hit in scan] == [now[place][0] for place in expected]
            before = now


@pytest.mark.usefixtures("small_chunks")
@settings(max_examples=50)
@given(
    name=st.sampled_from(["int8", "uint16", "int", "uint64", "float", "double"]),
    pages=PAGES,
    contents=st.lists(CELLS, min_size=3, max_size=3),
    amount=st.sampled_from([0, 1, 2, 63, 64, 127, 300]),
)
def test_amounts_and_shares(kernels, name, pages, contents, amount):
    code = code_of(name)
    game = Game(pages)
    before = game.values(code, 1)
    with game.fake.open() as view:
        scan = view.scan(name, alignment=1, rounding=None).unknown()
        game.change(contents)
        now = game.values(code, 1)
        pairs = [(place, now[place][1], before[place][1]) for place in before]
        assert shown(scan.increased_by(amount)) == [p for p, new, old in pairs if new - old == amount]
        assert shown(scan.undo().decreased_by(amount)) == [p for p, new, old in pairs if old - new == amount]
        low, high = amount / 100, (amount + 50) / 100
        by_more = scan.undo().increased_by_percent(amount, amount + 50)
        assert shown(by_more) == [
            p for p, new, old in pairs if is_share(float(new) - float(old), old, low, high)
        ]
        by_less = scan.undo().decreased_by_percent(amount)
        assert shown(by_less) == [
            p for p, new, old in pairs if is_share(float(old) - float(new), old, low, math.inf)
        ]


def is_share(change: float, old: float, low: float, high: float) -> bool:
    base = abs(float(old))
    return bool(old) and (change > 0 or not low) and base * low <= change <= base * high


def neighbours(code: str, value: float) -> list[float]:
    """The floats around a number, as that type has them."""
    size = struct.calcsize(code)
    bits = int.from_bytes(struct.pack(f"<{code}", value), "little")
    near = [(bits + each) % (1 << 8 * size) for each in range(-3, 4)]
    values = [struct.unpack(f"<{code}", each.to_bytes(size, "little"))[0] for each in near]
    return [each for each in values if not math.isnan(each)]


def is_shown_as(value: float, number: Fraction, unit: Fraction, rounding: str) -> bool:
    """What the three roundings mean, in exact arithmetic."""
    if math.isinf(value):
        return False
    distance = Fraction(value) - number
    if rounding == "rounded":
        return abs(distance) <= unit / 2
    if rounding == "extreme" or not number:
        return abs(distance) < unit
    return 0 <= distance < unit if number > 0 else -unit < distance <= 0


@pytest.mark.parametrize("rounding", ["rounded", "extreme", "truncated"])
@pytest.mark.parametrize("name", ["float", "double"])
@given(cents=st.integers(-(10**7), 10**7), digits=st.integers(0, 4))
def test_a_float_is_what_is_shown_of_it(name, rounding, cents, digits):
    code = code_of(name)
    number, unit = Fraction(cents, 10**digits), Fraction(1, 10**digits)
    text = f"{'-' if cents < 0 else ''}{abs(cents) // 10**digits}"
    text += f".{abs(cents) % 10**digits:0{digits}}" if digits else ""
    spans = Number(type_named(name).codec(WINDOWS_64), rounding).exact(text)
    nearest = struct.unpack(f"<{code}", struct.pack(f"<{code}", float(number)))[0]
    for offset in (0, unit / 2, -unit / 2, unit, -unit, unit / 3):
        for value in neighbours(code, float(number + offset)):
            bits = int.from_bytes(struct.pack(f"<{code}", value), "little")
            assert (bits in spans) == (is_shown_as(value, number, unit, rounding) or value == nearest)


@pytest.mark.parametrize(
    ("given_as", "digits"), [(100, 0), (100.0, 1), ("100.00", 2), (100.25, 2), ("1e2", 0)]
)
def test_the_digits_that_are_given_count(given_as, digits):
    fake = FakeProcess()
    close = 100.25 if given_as == 100.25 else 100.0
    fake.map(BASE, struct.pack("<3f", close, close + 0.4 / 10**digits, close + 0.6 / 10**digits))
    with fake.open() as view:
        assert shown(view.scan("float", (BASE, 12)).exact(given_as)) == [BASE, BASE + 4]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("model", [WINDOWS_64, LINUX_64])
def test_every_type_of_the_table_can_be_scanned_for(kernels, name, model):
    codec = type_named(name).codec(model)
    fake = FakeProcess()
    value = codec.decode(
        codec.encode({bytes: b"a", str: "a", bool: True}.get(type_named(name).value_type, 7))
    )
    fake.map(BASE, 64)
    fake.model = model
    with fake.open("rw") as view:
        view.write(codec.encode(value), BASE + 16)
        (hit,) = view.scan(name).exact(value)
        assert (hit.address, hit.value, hit.type) == (BASE + 16, value, name)


# -- texts, bytes, groups, all types at once


@pytest.mark.usefixtures("small_chunks")
def test_a_text_is_scanned_for(kernels):
    fake = FakeProcess()
    text = "Zoë".encode("utf-16-le")
    for place in (3, 61, 100, PAGE - len(text)):
        fake.map(BASE, PAGE) if place == 3 else None
        with fake.open("w") as view:
            view.write(text, BASE + place)
    with fake.open("rw") as view:
        scan = view.scan("text", encoding="utf-16").exact("Zoë")
        assert shown(scan) == [BASE + place for place in (3, 61, 100, PAGE - len(text))]
        view.write("Ada".encode("utf-16-le"), BASE + 61)
        assert [hit.value for hit in scan.changed()] == ["Ada"]
        assert shown(scan.exact("Ada")) == [BASE + 61]
        scan[0].write("Eva")
        assert scan[0].read() == "Eva"
        assert len(scan.unchanged()) == 0
        with pytest.raises(ValueError, match="of 6 bytes, and that has 4"):
            scan.exact("Jo")
        with pytest.raises(TypeError, match=r"bigger_than\(\) is for numbers"):
            scan.bigger_than("A")
        with pytest.raises(TypeError, match="is for numbers"):
            scan.increased()


def test_bytes_are_scanned_for(kernels):
    fake = FakeProcess()
    fake.map(BASE, b"\x00\x48\x8b\x05\x48\x8b\x06")
    with fake.open("rw") as view:
        scan = view.scan("bytes").exact("48 8B 0?")
        assert [hit.value for hit in scan] == [b"\x48\x8b\x05", b"\x48\x8b\x06"]
        assert shown(scan.not_equal(b"\x48\x8b\x05")) == [BASE + 4]
        scan.undo()
        view.write(b"\x48\x8b\x07", BASE + 1)
        assert shown(scan.unchanged()) == [BASE + 4]


def test_a_group_is_scanned_for(kernels):
    fake = FakeProcess()
    fake.map(BASE, 2 * PAGE)
    with fake.open("rw") as view:
        for place, health, shield in ((0x10, 100, 2.5), (0x40, 100, 7.5), (PAGE - 4, 100, 2.5)):
            view.write_int(health, BASE + place)
            view.write_float(shield, BASE + place + 12)
        scan = view.scan({0: "int", 12: "float"}).exact({0: 100, 12: (2, 3)})
        assert shown(scan) == [BASE + 0x10, BASE + PAGE - 4]
        assert scan[0].value == {0: 100, 12: 2.5}
        view.write_int(95, BASE + PAGE - 4)
        assert shown(scan.exact({0: 95})) == [BASE + PAGE - 4]
        assert len(scan.undo().changed()) == 1
        with pytest.raises(ValueError, match="no value at 4; it has 0, 12"):
            scan.exact({4: 1})


@pytest.mark.usefixtures("small_chunks")
@settings(max_examples=15)
@given(
    pages=PAGES,
    contents=st.lists(CELLS, min_size=3, max_size=3),
    members=st.dictionaries(
        st.integers(0, 20),
        st.sampled_from(["int8", "short", "int", "uint64", "float"]),
        min_size=1,
        max_size=3,
    ),
    step=st.sampled_from([None, 1, 4]),
    number=st.sampled_from([0, 1, 64]),
)
def test_a_group_is_found_where_a_plain_loop_finds_it(kernels, pages, contents, members, step, number):
    game = Game(pages)
    places = step or min(struct.calcsize(code_of(name)) for name in members.values())
    width = max(offset + struct.calcsize(code_of(name)) for offset, name in members.items())

    def matching() -> list[int]:
        every = {name: game.values(code_of(name), 1) for name in members.values()}
        return [
            place
            for place in game.values(f"{width}s", places)
            if all(every[name][place + offset][1] == number for offset, name in members.items())
        ]

    with game.fake.open() as view:
        scan = view.scan(members, alignment=step, rounding=None).exact(dict.fromkeys(members, number))
        expected = matching()
        assert shown(scan) == expected
        game.change(contents)
        assert shown(scan.exact(dict.fromkeys(members, number))) == [
            p for p in matching() if p in set(expected)
        ]


def test_all_types_at_once(kernels):
    fake = FakeProcess()
    fake.map(BASE, 256)
    with fake.open("rw") as view:
        view.write_int8(100, BASE)
        view.write_int(100, BASE + 8)
        view.write_float(100.2, BASE + 16)
        view.write_double(100, BASE + 24)
        view.write_uint8(200, BASE + 32)
        scan = view.scan("all", (BASE, 64)).exact(100)
        assert {(hit.type, hit.address - BASE) for hit in scan} >= {
            ("int8", 0),
            ("int32", 8),
            ("float", 16),
            ("double", 24),
        }
        view.write_float(99, BASE + 16)
        (hit,) = list(scan.exact(99))
        assert (hit.type, hit.address) == ("float", BASE + 16)
        assert ("uint8", BASE + 32) in {(hit.type, hit.address) for hit in scan.reset().exact(200)}
        assert {hit.type for hit in scan.reset().exact(0.5)} == set()


# -- the session


def test_a_scan_is_a_sequence_of_its_hits(kernels):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<8i", 5, 5, 0, 5, 5, 5, 0, 5))
    with fake.open("rw") as view:
        scan = view.scan("int", (BASE, 32)).exact(5)
        assert len(scan) == 6
        assert scan
        assert shown(scan[1:4]) == [BASE + 4, BASE + 12, BASE + 16]
        assert shown(scan[::-2]) == [BASE + 28, BASE + 16, BASE + 4]
        assert scan[-1].address == scan[5].address == BASE + 28
        assert list(scan)[2] == scan[2]
        assert view.read_many((hit.type, hit) for hit in scan) == [5] * 6
        with pytest.raises(IndexError, match="6 hits, and none with the number 6"):
            scan[6]
        assert not scan.exact(7)
        assert repr(scan) == "<Scan for int: 0 hits after exact(7)>"


def test_steps_are_taken_back(kernels):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<4i", 1, 2, 3, 4))
    with fake.open() as view:
        scan = view.scan("int", (BASE, 16)).unknown()
        scan.bigger_than(1).bigger_than(2).bigger_than(3)
        assert [len(scan), len(scan.undo()), len(scan.undo()), len(scan.undo())] == [1, 2, 3, 4]
        with pytest.raises(ValueError, match="no next scan to take back"):
            scan.undo()
        assert repr(scan.reset()) == "<Scan for int: not begun>"


@pytest.mark.parametrize(
    ("call", "error", "complaint"),
    [
        (lambda scan: scan.exact("x"), ValueError, "'x' is no number"),
        (lambda scan: scan.exact(1.5), TypeError, "int takes an int"),
        (lambda scan: scan.exact(1 << 40), OverflowError, "does not fit int"),
        (lambda scan: scan.between(2, 1), ValueError, "lower bound first"),
        (lambda scan: scan.changed(), ValueError, "no scan yet to compare with"),
        (lambda scan: scan.increased_by(1), ValueError, "no scan yet to compare with"),
        (lambda scan: scan.exact(1).unknown(), ValueError, "this one has begun"),
        (lambda scan: scan.exact(1).increased_by(-1), ValueError, "positive amount"),
        (lambda scan: scan.exact(1).increased_by(1.5), TypeError, "whole number"),
        (lambda scan: scan.exact(1).increased_by_percent(5, 4), ValueError, "lower bound first"),
        (lambda scan: scan.exact(1).changed("second"), ValueError, "'last' one or the 'first'"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, complaint):
    fake = FakeProcess()
    fake.map(BASE, 16)
    with fake.open() as view, pytest.raises(error, match=complaint):
        call(view.scan("int"))


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"type": "integer"}, ValueError, "no type is called"),
        ({"type": 5}, TypeError, "given by its name"),
        ({"type": []}, ValueError, "at least one"),
        ({"type": ["int", "int"]}, ValueError, "named twice"),
        ({"type": {}}, ValueError, "at least one"),
        ({"type": {-1: "int"}}, ValueError, "behind its beginning"),
        ({"rounding": "up"}, ValueError, "a rounding is one of"),
        ({"alignment": 0}, ValueError, "1 or more"),
        ({"type": "text", "encoding": "nothing"}, LookupError, "nothing"),
    ],
)
def test_what_can_not_be_scanned_for_is_refused(arguments, error, complaint):
    with FakeProcess().open() as view, pytest.raises(error, match=complaint):
        view.scan(**arguments)


def test_a_step_that_fails_changes_nothing():
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<4i", 1, 2, 3, 4))
    with fake.open() as view:
        told: list[Any] = []

        def progress(done: int, total: int) -> None:
            if told:
                raise ZeroDivisionError
            told.append((done, total))

        scan = view.scan("int", (BASE, 16), progress=progress).unknown()
        with pytest.raises(ZeroDivisionError):
            scan.exact(3)
        assert len(scan) == 4
        told.clear()
        assert shown(scan.exact(3)) == [BASE + 8]


@pytest.mark.usefixtures("small_chunks")
def test_a_step_is_cancelled():
    fake = FakeProcess()
    fake.map(BASE, 4 * PAGE)
    asked: list[int] = []

    def progress(done: int, _total: int) -> None:
        asked.append(done)
        if len(asked) > 10:
            scan.cancel()

    with fake.open() as view:
        scan = view.scan("int", progress=progress).unknown()
        with pytest.raises(SearchCancelledError, match=f"of {4 * PAGE} bytes"):
            scan.exact(1)
        assert len(scan) == 4 * PAGE // 4


def test_candidates_whose_memory_goes_away_are_lost_and_counted(kernels):
    fake = FakeProcess()
    for page in range(4):
        fake.map(BASE + page * PAGE, struct.pack("<2i", 5, 5))
    with fake.open() as view:
        few, many = view.scan("int").exact(5), view.scan("int").unknown()
        fake.unmap(BASE + PAGE)
        few.unchanged()
        many.unchanged()
        assert (len(few), few.lost, few.skipped) == (6, 2, 8)
        assert (len(many), many.lost, many.skipped) == (3 * PAGE // 4, PAGE // 4, PAGE)


def test_what_is_kept_goes_to_a_file_that_is_gone_with_it(tmp_path, monkeypatch, kernels):
    monkeypatch.setattr(_store, "IN_MEMORY", PAGE)
    fake = FakeProcess()
    fake.map(BASE, bytes(range(256)) * 64)
    with fake.open("rw") as view:
        scan = view.scan("int", folder=str(tmp_path)).unknown()
        assert scan._states[-1].generations[0].blocks[0].values.store.is_spilled
        view.write_int(7, BASE + 400)
        assert shown(scan.changed()) == [BASE + 400]
        del scan
    assert list(tmp_path.iterdir()) == []


def test_far_apart_candidates_are_one_block(kernels):
    fake = FakeProcess()
    places = [BASE + 0x4000_0000 * index for index in range(40)]
    for place in places:
        fake.map(place, struct.pack("<i", 77))
    with fake.open() as view:
        scan = view.scan("int").exact(77)
        assert shown(scan) == places
        assert shown(scan.unchanged()) == places
        assert len(scan._states[-1].generations[0].blocks) < 10
        assert _passes.weight(scan._states[-1].generations[0]) == 160


@pytest.mark.usefixtures("small_chunks")
def test_several_types_are_scanned_for_in_threads(kernels):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<i", 77) * (PAGE // 2))
    with fake.open() as view:
        scan = view.scan(["int", "int64", "short"]).unknown()
        assert len(scan) == len(scan.unchanged()) == 2 * PAGE * 7 // 8
        assert len(scan.exact(77)) == PAGE


def test_a_scan_works_in_one_thread_at_a_time():
    fake = FakeProcess()
    fake.map(BASE, 16)
    with fake.open() as view:
        scan = view.scan("int", progress=lambda _done, _total: scan.changed())
        with pytest.raises(ValueError, match="no scan yet to compare with"):
            scan.unknown()
        scan = view.scan("int", progress=lambda _done, _total: scan.exact(1))
        with pytest.raises(RuntimeError, match="under way; wait for it"):
            scan.unknown()
        with pytest.raises(TypeError, match="progress is told by calling it"):
            view.scan("int", progress=5)


def test_all_of_the_memory_is_kept_once_for_several_types(kernels):
    fake = FakeProcess()
    fake.map(BASE, bytes(range(256)) * 16)
    with fake.open("rw") as view:
        scan = view.scan("all").unknown()
        stores = {block.values.store for each in scan._states[-1].generations for block in each.blocks}
        assert len(stores) == 1
        assert sum(store._size for store in stores) == PAGE
        view.write_int16(7, BASE + 6)
        assert {(hit.type, hit.address - BASE) for hit in scan.changed()} >= {("int16", 6), ("int64", 0)}
        assert scan[0].type == "int8"


def test_what_a_step_lost_goes_with_it(kernels):
    fake = FakeProcess()
    fake.map(BASE, 16)
    fake.map(BASE + PAGE, 16)
    with fake.open() as view:
        scan = view.scan("int").unknown()
        fake.unmap(BASE)
        assert (scan.unchanged().lost, scan.skipped) == (PAGE // 4, PAGE)
        assert (scan.undo().lost, scan.skipped) == (0, 0)
        assert (scan.reset().lost, scan.skipped) == (0, 0)


def test_a_step_says_what_it_was(kernels):
    fake = FakeProcess()
    fake.map(BASE, 16)
    with fake.open() as view:
        scan = view.scan(["int8", "float"], (BASE, 4)).unknown()
        assert (
            repr(scan.increased_by_percent(5))
            == "<Scan for int8, float: 0 hits after increased_by_percent(5)>"
        )
        scan.undo().increased_by(0, since="first")
        assert "after increased_by(0, since='first')" in repr(scan)
        assert repr(scan.exact(0.5)).startswith("<Scan for float: 0 hits")


def test_a_scan_can_not_be_kept_where_there_is_no_folder(tmp_path):
    with FakeProcess().open() as view:
        with pytest.raises(NotADirectoryError):
            view.scan("int", folder=tmp_path / "none")
        view.scan("int", folder=tmp_path)


def test_a_hit_has_its_number_as_its_place_where_modules_can_not_be_seen(monkeypatch):
    def refuse(_view, _address):
        raise WrongBitnessError("Can't list the modules")

    fake = FakeProcess()
    fake.map(BASE, struct.pack("<i", 100))
    with fake.open() as view:
        hit = view.scan("int").exact(100)[0]
        monkeypatch.setattr(MemoryView, "module_at", refuse)
        assert (str(hit), hit.expression) == (hex(BASE), hex(BASE))


def test_what_was_0_has_no_share_that_it_changes_by(kernels):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<4i", 0, 0, 100, 100))
    with fake.open("rw") as view:
        scan = view.scan("int", (BASE, 16)).unknown()
        view.write(struct.pack("<4i", 0, 7, 110, 100), BASE)
        for bounds in ((9, 11), (9,), (0, 11)):
            expected = [BASE + 8, BASE + 12] if bounds[0] == 0 else [BASE + 8]
            assert shown(scan.increased_by_percent(*bounds)) == expected
            scan.undo()
        assert shown(scan.decreased_by_percent(0, 5)) == [BASE + 12]


# -- what once went wrong


def test_hits_that_are_far_apart_stay_where_they_are(kernels, monkeypatch):
    # Blocks are joined as they become smaller; the places of one are numbered with 4 bytes.
    monkeypatch.setattr("memaccess._scan._values._blocks._FULL", 64)
    low, middle = 0x10000000000, 0x1007FFF0000
    places = [low, middle, middle + 3, middle + 0x7FFFE000, middle + 0x80020000]
    fake = FakeProcess()
    for start, size in ((low, 1 << 18), (middle, PAGE), (middle + 0x7FFF0000, 1 << 18)):
        fake.map(start, size)
    with fake.open("rw") as view:
        view.write(b"\x4d" * 100, low)
        for place in places:
            view.write_uint8(0x4D, place)
        scan = view.scan("uint8").exact(0x4D)
        view.write(b"\x4d" + bytes(99), low)
        assert shown(scan.exact(0x4D)) == places
        assert shown(scan.unchanged()) == shown(scan.unchanged("first")) == places


def test_what_lies_between_the_values_of_a_group_is_none_of_it(kernels):
    fake = FakeProcess()
    fake.map(BASE, PAGE)
    with fake.open("rw") as view:
        view.write_int(7, BASE)
        scan = view.scan({0: "int", 8: "int"}).exact({0: 7, 8: 0})
        view.write_int(1, BASE + 4)
        assert len(scan.unchanged()) == 1
        assert len(scan.changed()) == 0
        view.write_int(1, BASE + 8)
        assert scan.undo().changed()[0].value == {0: 7, 8: 1}


def test_a_wide_group_that_is_everywhere_is_no_more_than_the_memory(kernels):
    fake = FakeProcess()
    fake.map(BASE, 1 << 16)
    with fake.open() as view:
        scan = view.scan({0: "int", 60000: "int"}).exact({0: 0})
        (generation,) = scan._state.generations
        assert len(scan) == (65536 - 60004) // 4 + 1
        assert sum(block.values.size for block in generation.blocks) <= 1 << 16
        assert scan.unchanged()[-1].value == {0: 0, 60000: 0}


@pytest.mark.parametrize(
    ("type", "step", "arguments", "error", "complaint"),
    [
        ("float", "exact", ["1e999999999"], OverflowError, "1e+999999999 is larger"),
        ("int", "exact", ["1e-999999999"], OverflowError, "nearer to 0"),
        ("float", "exact", ["0e-999999999"], OverflowError, "nearer to 0"),
        ("float", "exact", [10**5000], OverflowError, "1.00000e+5000 is too large for float"),
        ("int", "increased_by", [math.inf], ValueError, "a finite amount"),
        ("int", "increased_by_percent", ["1e400"], OverflowError, "more than a double holds"),
        ({0: "int"}, "exact", [{0: (1, 2, 3)}], ValueError, "lies between two others, (low, high)"),
    ],
)
def test_numbers_that_none_is_like_are_refused_at_once(type, step, arguments, error, complaint):
    fake = FakeProcess()
    fake.map(BASE, PAGE)
    with fake.open() as view:
        scan = view.scan(type)
        if step != "exact":
            scan.exact(0)
        with pytest.raises(error, match=re.escape(complaint)):
            getattr(scan, step)(*arguments)


def test_a_copy_goes_its_own_way_and_hits_are_those_of_one_step():
    fake = FakeProcess()
    fake.map(BASE, bytes(range(100)))
    with fake.open() as view:
        scan = view.scan("uint8").bigger_than(10)
        other = copy.copy(scan).exact(20)
        assert (len(scan), len(other)) == (89, 1)
        hits = iter(scan)
        assert next(hits).value == 11
        scan.exact(20)
        assert [hit.value for hit in hits] == list(range(12, 100))


@pytest.mark.parametrize("step", [2, 7, -1, -3, 5000, -5000])
def test_every_so_manieth_hit_is_taken_in_one_go(kernels, step):
    fake = FakeProcess()
    fake.map(BASE, 3 * PAGE)
    with fake.open() as view:
        scan = view.scan("uint8").unknown()
        every = [hit.address for hit in scan]
        assert [hit.address for hit in scan[::step]] == every[::step]
        assert [hit.address for hit in scan[9000:100:step]] == every[9000:100:step]
        assert [hit.address for hit in scan[5:5:step]] == []


def test_nothing_changes_a_scan_that_is_at_work():
    fake = FakeProcess()
    fake.map(BASE, PAGE)
    seen = []

    def progress(*_):
        for change in (scan.undo, scan.reset, lambda: scan.exact(1)):
            with pytest.raises(RuntimeError, match="a step of this scan is under way"):
                change()
        seen.append(len(scan))

    with fake.open() as view:
        scan = view.scan("int", progress=progress)
        scan.unknown().exact(0)
        assert seen == [0, 1024]


def test_of_all_types_the_unsigned_ones_count_in_next_scans_too(kernels, tmp_path):
    fake = FakeProcess()
    fake.map(BASE, b"\x64" + bytes(PAGE - 1))
    with fake.open("rw") as view:
        scan = view.scan("all").exact(100)
        view.write_uint8(200, BASE)
        scan.exact(200)
        assert [hit.type for hit in scan if hit.address == BASE] == ["uint8", "int16", "int32", "int64"]
        assert len(scan.changed("first")) == 4
        view.write_int8(-2, BASE)
        assert [(hit.type, hit.value) for hit in scan.undo().exact(-2)] == [("int8", -2)]
        scan.save(tmp_path / "a.scan")
        assert [hit.type for hit in view.load_scan(tmp_path / "a.scan").changed("first")] == ["int8"]


def test_what_is_no_character_is_a_number(kernels):
    fake = FakeProcess()
    fake.model = LINUX_64
    fake.map(BASE, b"\xff\xff\xff\xffa\0\0\0")
    with fake.open() as view:
        assert [hit.value for hit in view.scan("wchar", (BASE, 8)).unknown()] == [0xFFFFFFFF, "a"]


def test_a_long_value_is_shown_briefly(kernels):
    fake = FakeProcess()
    fake.map(BASE, b"a" * 1000)
    with fake.open() as view:
        assert len(repr(view.scan("text").exact("a" * 900))) < 150


def test_a_first_scan_of_bytes_is_for_what_they_are():
    with FakeProcess().open() as view, pytest.raises(ValueError, match="looks for what it is"):
        view.scan("bytes").not_equal(b"a")


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        (lambda scan: scan.between(0, 1000), {("uint8", 200), ("int8", 5), ("int16", 700)}),
        (lambda scan: scan.between(-1000, 10), {("int8", 5), ("int8", -56)}),
        (lambda scan: scan.between(4.5, 5.5), {("int8", 5), ("int16", 5)}),
        (lambda scan: scan.bigger_than(-1000), {("int8", -56), ("int8", 5), ("int16", 700)}),
        (lambda scan: scan.smaller_than(600), {("int8", -56), ("int16", 200), ("int16", 5)}),
        (lambda scan: scan.bigger_than(600), {("int16", 700)}),
    ],
)
def test_bounds_of_all_types_may_lie_beyond_one(kernels, ask, found):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<3h", 200, 5, 700))
    with fake.open() as view:
        seen = {(hit.type.removeprefix("u"), hit.value) for hit in ask(view.scan("all", (BASE, 6)))}
    assert {(name.removeprefix("u"), value) for name, value in found} <= seen


def test_a_search_may_interrupt_another_one(kernels, monkeypatch):
    # As the handler of a signal does, which Python calls between any two steps of the main thread.
    fake, other = FakeProcess(), FakeProcess()
    fake.map(BASE, struct.pack("<1024I", *(7 if not each % 9 else 0 for each in range(1024))))
    other.map(BASE, struct.pack("<1024I", *(8 if each % 5 else 0 for each in range(1024))))
    original, depth = kernels.few, []

    def few(mask):
        if not depth:
            depth.append(1)
            assert len(second.scan("int").exact(8)) == sum(map(bool, (each % 5 for each in range(1024))))
            assert len(list(second.find("08 00 00 00", alignment=4))) == 819
            depth.pop()
        return original(mask)

    monkeypatch.setattr(kernels, "few", few)
    with fake.open() as first, other.open() as second:
        assert [hit.address - BASE for hit in first.scan("int").exact(7)] == list(range(0, 4096, 36))
        assert len(list(first.find("07 00 00 00", alignment=4))) == 114


@pytest.mark.parametrize("how", ["increased_by_percent", "decreased_by_percent"])
def test_what_stood_still_changed_by_no_share_however_small_it_is(kernels, how):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<512d", *[5e-324] * 512))
    with fake.open("rw") as view:
        scan = view.scan("double").unknown()
        assert len(getattr(scan, how)(50)) == 0
        view.write_double(0.0 if how.startswith("de") else 1.0, BASE + 8)
        assert [hit.address - BASE for hit in getattr(scan.undo(), how)(50)] == [8]


def test_all_of_the_memory_is_compared_with_the_first_scan(kernels):
    fake = FakeProcess()
    fake.map(BASE, struct.pack("<2048i", *range(2048)))
    with fake.open("rw") as view:
        scan = view.scan("int").unknown()
        view.write_int(-1, BASE + 40)
        scan.unchanged()
        view.write_int(-2, BASE + 80)
        scan.changed(since="first")
        assert [hit.address - BASE for hit in scan] == [80]
        scan.undo()
        view.write_int(20, BASE + 80)
        view.write_int(7, BASE + 120)
        assert len(scan.unchanged(since="first")) == 2046
        view.write_int(8, BASE + 120)
        assert len(scan.unchanged()) == 2046
        view.write_int(5, BASE + 160)
        assert [hit.address - BASE for hit in scan.changed()] == [160]
