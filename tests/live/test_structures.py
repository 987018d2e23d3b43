"""Structures of a C program, held against what its compiler and the program itself say of them."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import pytest
from support import targets

from memaccess import MemoryView
from memaccess.structures import Array, Field, Pointer, String, Structure, addressof, offsetof, sizeof

if TYPE_CHECKING:
    from collections.abc import Iterator


class Item(Structure):
    kind = Field("int")
    count = Field("unsigned_short")


class Cell(Structure):
    tag = Field("char")
    weight = Field("double")
    items = Field(Array(Item, 2))
    end = Field("char")


class Either(Structure):
    whole = Field("unsigned_int", 0)
    halves = Field(Array("unsigned_short", 2), 0)


class Player(Structure):
    grade = Field("char")
    health = Field("float")
    name = Field(String(16))
    title = Field(String(26, "utf-16"))
    bag = Field(Array(Item, 3))
    cell = Field(Cell)
    position = Field(Array("double", 3))
    grid = Field(Array(Array("short", 3), 2))
    target = Field(Pointer("Player"))
    motto = Field(Pointer(String(64, "utf-16")))
    clan = Field(Pointer(String(32)))
    score = Field(Pointer("int"))
    alive = Field("bool")
    id = Field("long_long")
    flags = Field("unsigned_long")
    mass = Field("size_t")
    handler = Field("pointer")
    either = Field(Either)
    last = Field("char")


class Boss(Player):
    rage = Field("char")
    power = Field("long_long")


class Packet(Structure):
    kind = Field("char", 0)
    length = Field("int", 1)
    payload = Field(Array("double", 2), 5)
    check = Field("short", 21)


CLASSES = {"item": Item, "cell": Cell, "player": Player, "boss": Boss, "packet": Packet}


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("structures", request.param) as started:
        yield started


@pytest.fixture
def view(target: targets.Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid, "rw") as opened:
        yield opened


@pytest.fixture
def player(target: targets.Target, view: MemoryView) -> Player:
    return Player(view, target.addresses["player"])


def as_c_says(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the target prints them."""

    def said(value: Any) -> Any:
        if isinstance(value, bytes):
            return value[0]
        if isinstance(value, dict):
            return {name: said(each) for name, each in value.items()}
        return value

    units = {
        "name": list(values["name"].encode()),
        "title": list(memoryview(values["title"].encode("utf-16-le")).cast("H")),
    }
    return {name: said(value) for name, value in values.items()} | units


def told(target: targets.Target) -> dict[str, Any]:
    """The fields of the player, as the program itself reads them now."""
    values = target.ask("dump")["values"]
    return {name: value for name, value in values.items() if name not in ("scored", "said")}


def test_every_field_is_where_the_compiler_put_it(target, view) -> None:
    offsets = {
        f"{name}.{field}": offsetof(CLASSES[name], field, view)
        for name, _, field in (key.partition(".") for key in target.facts["offsets"])
    }
    assert offsets == target.facts["offsets"]
    assert {f"player.{name}" for name in Player._fields} <= set(offsets)


def test_every_size_is_the_compilers(target, view) -> None:
    assert {name: sizeof(cls, view) for name, cls in CLASSES.items()} == target.facts["sizes"]


def test_the_compiler_and_ctypes_agree_on_the_same_structure(target, view) -> None:
    for name, cls in CLASSES.items():
        layout = cls.as_ctypes(view)
        assert ctypes.sizeof(layout) == target.facts["sizes"][name]
        for field in cls._fields:
            assert getattr(layout, field).offset == target.facts["offsets"].get(
                f"{name}.{field}", getattr(layout, field).offset
            )


def test_every_address_is_the_programs(target, player) -> None:
    addresses = target.addresses
    assert addressof(player, "name") == addresses["player.name"]
    assert addressof(player.bag[1], "count") == addresses["player.bag[1].count"]
    assert addressof(player.cell.items[1], "kind") == addresses["player.cell.items[1].kind"]
    assert addressof(player.grid[1]) + 4 == addresses["player.grid[1][2]"]


def test_a_structure_is_read_as_the_program_says_it(target, player) -> None:
    assert as_c_says(player.read()) == told(target)


def test_every_field_is_read_as_the_program_says_it(target, player) -> None:
    said = told(target)
    assert (player.grade, player.health, player.name, player.title) == (b"A", 2.5, "Zoë", "Gräfin")
    assert [item.read() for item in player.bag] == said["bag"]
    assert player.cell.items[1].count == 9
    assert player.position == said["position"]
    assert [list(row) for row in player.grid] == said["grid"]
    assert (player.alive, player.id, player.flags, player.mass) == (True, -9000000000, 0xF0000001, 77)
    assert list(player.either.halves) == [1, 2]
    assert player.last == b"z"


def test_a_structure_goes_on_behind_the_one_that_it_is_made_of(target, view) -> None:
    boss = Boss(view, target.addresses["boss"])
    assert (boss.grade, boss.rage, boss.power) == (b"C", b"r", 1 << 40)


def test_a_packed_structure_is_read(target, view) -> None:
    packet = Packet(view, target.addresses["packet"])
    assert packet.read() == {"kind": b"p", "length": 7, "payload": [0.5, -0.5], "check": -2}


def test_pointers_are_followed(target, player) -> None:
    other = player.target
    assert other is not None
    assert addressof(other) == target.addresses["other"]
    assert other.name == "sixteen letters!"
    assert other.target == player
    assert (player.motto, player.clan) == ("Grüße 🐍", "old oak")
    assert player.score is not None
    assert player.score[0] == 41
    assert (other.motto, other.clan, other.score) == (None, None, None)


def test_what_is_written_by_attribute_the_program_sees(target, player) -> None:
    player.health -= 1
    player.name = "Ada"
    player.title = "Königin 🐍"
    player.bag[-1].count -= 1
    player.cell.weight = 4.5
    player.grid[1][2] = 7
    player.position[:2] = [8, 9]
    player.either.whole = 0x00040003
    player.score[0] += 1
    values = target.ask("dump")["values"]
    assert (values["health"], values["name"], values["cell"]["weight"]) == (1.5, list(b"Ada"), 4.5)
    assert values["title"] == list(memoryview("Königin 🐍".encode("utf-16-le")).cast("H"))
    assert values["bag"][2] == {"kind": -5, "count": 65534}
    assert values["grid"] == [[1, 2, 3], [-4, -5, 7]]
    assert values["position"] == [8, 9, 3.5]
    assert values["either"]["halves"] == [3, 4]
    assert values["scored"] == 42


def test_a_written_pointer_is_followed_by_the_program(target, player) -> None:
    player.target = player.target.target
    assert target.ask("target")["values"]["grade"] == ord("A")
    player.target = target.addresses["other"]
    assert target.ask("target")["values"]["grade"] == ord("B")
    player.clan = None
    assert told(target)["clan"] == 0
    assert player.clan is None


def test_a_whole_structure_is_written_at_once(target, player) -> None:
    values = player.read()
    values |= {"health": 99.5, "name": "Grace", "id": -1, "bag": [{"kind": 7, "count": 8}] * 3}
    player.write(values)
    assert told(target) == as_c_says(values)


def test_what_was_read_changes_nothing_when_it_is_written(target, player) -> None:
    before = target.ask("bytes")
    player.write(player.read())
    assert target.ask("bytes") == before


def test_only_the_given_fields_are_written(target, player) -> None:
    before = told(target)
    player.write({"health": 5, "cell": {"tag": b"x"}, "bag": [{}, {"count": 1}, {}]})
    after = told(target)
    assert after["cell"] == before["cell"] | {"tag": ord("x")}
    assert after["bag"] == [before["bag"][0], before["bag"][1] | {"count": 1}, before["bag"][2]]
    same = set(after) - {"health", "cell", "bag"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_ctypes_reads_and_writes_the_same_structure(target, player, view) -> None:
    address = target.addresses["player"]
    record = view.read_struct(Player.as_ctypes(view), address)
    assert (record.grade, record.health, record.name) == (b"A", 2.5, "Zoë".encode())
    assert (record.cell.weight, record.bag[2].kind, record.target) == (-0.5, -5, addressof(player.target))
    record.bag[2].kind = 12
    player.write(record)
    assert told(target)["bag"][2]["kind"] == 12


def test_a_class_made_of_ctypes_reads_the_same(target, player, view) -> None:
    record = Structure.from_ctypes(Player.as_ctypes(view))(view, target.addresses["player"])
    assert record.health == player.health
    assert record.name == player.name
    assert record.bag[1].count == player.bag[1].count
    assert record.target == target.addresses["other"]
