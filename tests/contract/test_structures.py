"""Structures in memory of every kind, on the fake and on real programs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from support.subjects import PAGE, is_wide, require_reach

from memaccess import MemoryAccessError, MissingRightError, NotWritableError, TargetExitedError
from memaccess.structures import Array, Field, Pointer, String, Structure, addressof, offsetof, sizeof

if TYPE_CHECKING:
    from support.subjects import Subject


class Item(Structure):
    kind = Field("int")
    count = Field("unsigned_short")


class Player(Structure):
    health = Field("float")
    bag = Field(Array(Item, 2))
    next = Field(Pointer("Player"))
    name = Field(String(16))
    title = Field(String(16, "utf-16"))
    mass = Field("size_t")


VALUES = {
    "health": 2.5,
    "bag": [{"kind": -1, "count": 2}, {"kind": 3, "count": 65535}],
    "next": 0x1234,
    "name": "Zoë",
    "title": "Gräfin",
    "mass": 0xFFFFFFFF,
}
FORMATS = {64: "<f iHxx iHxx 4x Q 16s 16s Q", 32: "<f iHxx iHxx I 16s 16s I"}


def packed(bitness: int) -> bytes:
    """VALUES as the program has them."""
    text = ("Zoë".encode(), "Gräfin".encode("utf-16-le"))
    return struct.pack(FORMATS[bitness], 2.5, -1, 2, 3, 65535, 0x1234, *text, 0xFFFFFFFF)


def test_the_program_sees_the_structure_that_was_written(subject: Subject) -> None:
    with subject.open("rw") as view:
        player = Player(view, subject.address("lonely"))
        player.write(VALUES)
        assert player.read() == VALUES
    assert subject.peek("lonely", 0, sizeof(Player, subject.bitness)) == packed(subject.bitness)


def test_the_structure_is_read_that_the_program_has(subject: Subject) -> None:
    with subject.open("rw") as view:
        view.write(packed(subject.bitness), subject.address("lonely"))
        player = Player(view, subject.address("lonely"))
        assert (player.health, player.name, player.title, player.mass) == (2.5, "Zoë", "Gräfin", 0xFFFFFFFF)
        assert [item.count for item in player.bag] == [2, 65535]
        assert player.read() == VALUES


def test_only_the_field_is_written(subject: Subject) -> None:
    with subject.open("rw") as view:
        player = Player(view, subject.address("run"))
        player.bag[1].count = 0x5858
        player.name = "Ada"
        player.write({"health": 0.0})
    name = offsetof(Player, "name", subject.bitness)
    assert subject.peek("run", 0, 24) == bytes(4) + b"a" * 12 + b"XX" + b"a" * 6
    assert subject.peek("run", name, 6) == b"Ada\0aa"


def test_pointers_are_followed_in_the_width_of_the_program(subject: Subject) -> None:
    with subject.open("rw") as view:
        first = Player(view, subject.address("lonely"))
        second = Player(view, subject.address("readwrite"))
        second.write({"next": None, "health": 7})
        first.next = second
        assert first.next == second
        assert first.next.health == 7
        assert first.next.next is None
        assert view.read_pointer(addressof(first, "next")) == addressof(second)


def test_a_structure_that_runs_into_nothing_is_not_read(subject: Subject) -> None:
    require_reach(subject, "lonely")
    place = subject.address("lonely") + PAGE - 8
    with subject.open("rw") as view:
        player = Player(view, place)
        player.health = 2.5
        assert player.health == 2.5
        for use in (player.read, lambda: player.next, lambda: player.write(VALUES)):
            with pytest.raises(MemoryAccessError) as caught:
                use()
            assert caught.value.explanation


def test_read_only_memory_is_written_by_force_alone(subject: Subject) -> None:
    if is_wide(subject):
        require_reach(subject, "readonly")
    before = subject.protection("readonly")
    with subject.open("rw") as view:
        player = Player(view, subject.address("readonly"))
        if not subject.is_real:  # Wine writes there in any case
            with pytest.raises(NotWritableError):
                player.health = 1
        player.write(VALUES, force=True)
        assert player.read() == VALUES
    assert subject.protection("readonly") == before


def test_what_does_not_fit_writes_nothing(subject: Subject) -> None:
    with subject.open("rw") as view:
        player = Player(view, subject.address("run"))
        for wrong in ({"mass": 1 << subject.bitness}, {"name": "x" * 17}, {"bag": [{}]}, {"healt": 1}):
            with pytest.raises((OverflowError, ValueError)):
                player.write({"health": 1} | wrong)
    assert subject.peek("run", 0, 64) == b"a" * 64


def test_a_view_that_may_not_write_refuses(subject: Subject) -> None:
    with subject.open("r") as view:
        player = Player(view, subject.address("readwrite"))
        with pytest.raises(MissingRightError):
            player.health = 1
        with pytest.raises(MissingRightError):
            player.write(VALUES)


def test_a_program_that_has_ended_has_no_structures(subject: Subject) -> None:
    with subject.open("rw") as view:
        player = Player(view, subject.address("readwrite"))
        subject.end(3)
        for use in (lambda: player.health, player.read, lambda: player.write(VALUES)):
            with pytest.raises(TargetExitedError):
                use()
        assert "Player at 0x" in repr(player)
