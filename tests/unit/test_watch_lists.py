"""Watch lists: places with names."""

from __future__ import annotations

import json

import pytest

from memaccess import AddressSyntaxError, NotReadableError, Symbol, SymbolNotFoundError
from memaccess.searching import WatchList
from memaccess.testing import FakeProcess

BASE = 0x140000000
PLACE = BASE + 0x2010


@pytest.fixture
def game():
    fake = FakeProcess()
    fake.load("game.exe", BASE)
    fake.map(0x401000, b"\x64\0\0\0Ada\0")
    with fake.open("w") as view:
        view.write_pointer(0x401000, PLACE)
    return fake


def test_places_have_names_and_values(game):
    with game.open("rw") as view:
        watches = WatchList(view)
        health = watches.add("health", "[game.exe+2010]", "int")
        watches.add("player", view.scan("pointer").exact(0x401000)[0])
        watches.add("name", view.scan("text").exact("Ada")[0])
        assert repr(watches) == "<WatchList of health, player, name>"
        assert watches.values() == {"health": 100, "player": 0x401000, "name": "Ada"}
        assert (watches["player"].place, watches["player"].type) == ("game.exe+2010", "pointer")
        assert health.address == 0x401000
        health.write(7)
        watches["name"].write("Eva")
        assert view.read(7, 0x401000) == b"\x07\0\0\0Eva"
        with pytest.raises(ValueError, match="of 3 bytes"):
            watches["name"].write("Anna")
        assert "name" in watches
        assert "other" not in watches
        watches.remove("name")
        assert [watch.name for watch in watches] == ["health", "player"]
        with pytest.raises(KeyError, match="no watch is called 'name'; there are 'health', 'player'"):
            watches["name"]


def test_what_can_not_be_read_is_the_error(game):
    with game.open() as view:
        watches = WatchList(view)
        watches.add("gone", 0x900000, "int")
        watches.add("elsewhere", "other.dll+10", "int")
        watches.add("here", 0x401000, "int")
        values = watches.values()
    assert isinstance(values["gone"], NotReadableError)
    assert isinstance(values["elsewhere"], SymbolNotFoundError)
    assert values["here"] == 100


def test_a_list_is_kept_in_a_file(game, tmp_path):
    path = tmp_path / "game.watches"
    with game.open() as view:
        watches = WatchList(view)
        watches.add("Gesundheit ♥", "[game.exe+2010]", "int")
        watches.add("name", view.scan("text", encoding="latin-1").exact("Ada")[0])
        watches.save(path)
        again = WatchList.load(path, view)
        assert again.values() == watches.values() == {"Gesundheit ♥": 100, "name": "Ada"}
        for text in (
            "",
            "[]",
            "{}",
            '{"format": "x"}',
            '{"format": "memaccess watch list 1", "watches": [1]}',
            '{"format": "memaccess watch list 1", "watches": [["a", "[1", {"type": "int", "rounding": null}]]}',
        ):
            path.write_text(text)
            with pytest.raises(ValueError, match="is not a saved watch list"):
                WatchList.load(path, view)


@pytest.mark.parametrize(
    ("place", "type", "error"),
    [
        (0x401000, None, ValueError),
        (1.5, "int", TypeError),
        (0x401000, "integer", ValueError),
        ("[game.exe+2010", "int", AddressSyntaxError),
        ("", "int", AddressSyntaxError),
    ],
)
def test_what_makes_no_sense_is_refused(game, place, type, error):
    with game.open() as view, pytest.raises(error):
        WatchList(view).add("health", place, type)


def test_an_address_that_is_none_is_refused_at_once(game):
    with game.open() as view:
        watches = WatchList(view)
        with pytest.raises(OverflowError, match="negative"):
            watches.add("a", -5, "int")
        with pytest.raises(OverflowError, match="address space"):
            watches.add("a", 1 << 64, "int")
        assert len(watches) == 0


def test_names_that_are_half_a_character_are_kept_too(game, tmp_path):
    path = tmp_path / "a.watches"
    with game.open() as view:
        watches = WatchList(view)
        watches.add("a\ud800", 0x401000, "int")
        watches.save(path)
        assert WatchList.load(path, view).values() == {"a\ud800": 100}


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "text", "encoding": "nope", "ignore_case": False, "width": 3},
        {"type": "text", "encoding": None, "ignore_case": False, "width": 3},
        {"type": "bytes", "encoding": None, "ignore_case": False, "width": -3},
        {"type": "bytes", "encoding": None, "ignore_case": False, "width": float("inf")},
        {"type": "group", "members": [[-8, {"type": "int", "rounding": None}]]},
        {"type": "group", "members": []},
        {"type": "int", "rounding": "nope"},
    ],
)
def test_a_damaged_list_is_refused(game, tmp_path, kind):
    path = tmp_path / "a.watches"
    content = {"format": "memaccess watch list 1", "watches": [["a", "401000", kind]]}
    with game.open() as view:
        for text in (json.dumps(content), "[" * 100000, "\xff"):
            path.write_text(text, "latin-1")
            with pytest.raises(ValueError, match="not a saved watch list"):
                WatchList.load(path, view)


def test_an_address_that_was_given_as_an_expression_stays_one(game):
    with game.open() as view:
        watches = WatchList(view)
        watches.add("a", view.address("game.exe+2010"), "pointer")
        assert str(watches["a"].place) == "game.exe+2010"
        assert watches["a"].read() == 0x401000
        symbol = Symbol(view.module("game.exe"), "Gravity", 4, "game.exe!Gravity+0x4")
        assert watches.add("b", symbol, "double").place == "game.exe!Gravity+0x4"
        with pytest.raises(AttributeError):
            watches["a"].name = "c"
