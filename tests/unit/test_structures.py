"""Structures: how they are declared, where their fields lie, and what reading and writing them does."""

from __future__ import annotations

import copy
import ctypes
import gc
import itertools
import operator
import pickle
import struct
import sys
import threading
import types
import typing
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.alignment import as_windows_aligns

from memaccess import (
    AddressSyntaxError,
    ClosedViewError,
    MemoryView,
    MissingRightError,
    NotReadableError,
    NotWritableError,
    PartialWriteError,
)
from memaccess._layouts import _array, _declared, _layout, _padded
from memaccess._layouts._pieces import runs
from memaccess._types import LINUX_64, TYPES, WINDOWS_32, WINDOWS_64
from memaccess.structures import (
    Array,
    Field,
    LiveArray,
    Pointer,
    String,
    Structure,
    addressof,
    offsetof,
    sizeof,
)
from memaccess.testing import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = 0x401000
OTHER = 0x401800
SIZE = 0x1000
OWN_BITNESS = struct.calcsize("P") * 8
OTHER_BITNESS = 96 - OWN_BITNESS


class Item(Structure):
    kind = Field("int")
    count = Field("unsigned_short")


class Player(Structure):
    health = Field("float", 0x10)
    name = Field(String(16), 0x20)
    position = Field(Array("float", 3))
    bag = Field(Array(Item, 4), 0x60)
    best = Field(Item)
    target = Field(Pointer("Player"))
    title = Field(Pointer(String(64, "utf-16")))
    score = Field(Pointer("int"))
    grid = Field(Array(Array("short", 3), 2))
    wide = Field(String(16, "utf-16"))


class Counting(FakeProcess):
    """A program that keeps a list of what is read and written in it."""

    def __init__(self, bitness: int = 64) -> None:
        super().__init__(bitness=bitness)
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, bytes]] = []

    def open(self, mode: str = "r") -> MemoryView:
        view = super().open(mode)
        opened = view._process
        read, write = opened.read, opened.write

        def counted_read(size, address):
            self.reads.append((address, size))
            return read(size, address)

        def counted_write(data, address):
            self.writes.append((address, bytes(data)))
            write(data, address)

        opened.read, opened.write = counted_read, counted_write
        return view


@pytest.fixture(params=[64, 32])
def game(request) -> Counting:
    program = Counting(request.param)
    program.map(BASE, SIZE)
    return program


@pytest.fixture
def view(game) -> Iterator[MemoryView]:
    with game.open("rw") as opened:
        yield opened


@pytest.fixture
def player(view) -> Player:
    return Player(view, BASE)


# -- where fields lie

SCALARS = sorted(set(TYPES) - {"wchar"})
FIXED = {
    "char": ctypes.c_char,
    "bool": ctypes.c_bool,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}


CHAR = ("scalar", "char")


def ctype_of(name: str, bitness: int) -> Any:
    """The ctypes type of fixed width that is the C type."""
    if name in FIXED:
        return FIXED[name]
    codec = TYPES[name].codec({64: WINDOWS_64, 32: WINDOWS_32}[bitness])
    return getattr(ctypes, f"c_{'u' if codec.code.isupper() else ''}int{8 * codec.size}")


def both(shape: Any, bitness: int, namer: Iterator[int]) -> tuple[Any, Any]:
    """A type of ours and the same of ctypes, from the same description."""
    kind, *rest = shape
    if kind == "scalar":
        return rest[0], ctype_of(rest[0], bitness)
    if kind == "pointer":
        return Pointer("int"), ctype_of("pointer", bitness)
    if kind == "string":
        unit, count = rest
        wide = {1: ctypes.c_char, 2: ctypes.c_uint16, 4: ctypes.c_uint32}[unit]
        return String(unit * count, f"utf-{8 * unit}"), wide * count
    if kind == "array":
        ours, theirs = both(rest[0], bitness, namer)
        return Array(ours, rest[1]), theirs * rest[1]
    return structures(rest[0], bitness, namer)


def structures(shapes: list[Any], bitness: int, namer: Iterator[int]) -> tuple[Any, Any]:
    """A structure of ours and the same of ctypes."""
    pairs = [(f"field{number}", *both(shape, bitness, namer)) for number, shape in enumerate(shapes)]
    name = f"Made{next(namer)}"
    ours = type(name, (Structure,), {field: Field(mine) for field, mine, _ in pairs})
    theirs = type(name, (ctypes.Structure,), {"_fields_": [(field, yours) for field, _, yours in pairs]})
    return ours, theirs


leaves = (
    st.tuples(st.just("scalar"), st.sampled_from(SCALARS))
    | st.tuples(st.just("pointer"))
    | st.tuples(st.just("string"), st.sampled_from([1, 2, 4]), st.integers(0, 5))
)
shapes = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(st.just("array"), inner, st.integers(0, 4))
        | st.tuples(st.just("structure"), st.lists(inner, max_size=4))
    ),
    max_leaves=10,
)


@as_windows_aligns
@given(shapes=st.lists(shapes, max_size=6), bitness=st.sampled_from([64, 32]))
def test_fields_lie_where_ctypes_has_them(shapes, bitness):
    ours, theirs = structures(shapes, bitness, iter(range(1000)))
    names = [name for name, _ in theirs._fields_]
    assert [offsetof(ours, name, bitness) for name in names] == [
        getattr(theirs, name).offset for name in names
    ]
    assert sizeof(ours, bitness) == ctypes.sizeof(theirs)


@as_windows_aligns
@given(
    shapes=st.lists(shapes, max_size=6), more=st.lists(shapes, max_size=4), bitness=st.sampled_from([64, 32])
)
def test_a_class_made_of_another_goes_on_where_ctypes_does(shapes, more, bitness):
    namer = iter(range(1000))
    ours, theirs = structures(shapes, bitness, namer)
    pairs = [(f"more{number}", *both(shape, bitness, namer)) for number, shape in enumerate(more)]
    ours = type("Longer", (ours,), {name: Field(mine) for name, mine, _ in pairs})
    theirs = type("Longer", (theirs,), {"_fields_": [(name, yours) for name, _, yours in pairs]})
    names = [name for name, *_ in pairs]
    assert [offsetof(ours, name, bitness) for name in names] == [
        getattr(theirs, name).offset for name in names
    ]
    assert sizeof(ours, bitness) == ctypes.sizeof(theirs)


def plain(value: Any, shape: Any) -> Any:
    """What ctypes has read, as we give it."""
    kind, *rest = shape
    if kind == "string":
        raw = value if isinstance(value, bytes) else bytes(value)
        return raw.decode(f"utf-{8 * rest[0]}{'' if rest[0] == 1 else '-le'}").partition("\0")[0]
    if kind == "array":
        # ctypes makes bytes up to a zero of an array of char.
        return None if rest[0] == CHAR else [plain(each, rest[0]) for each in value]
    if kind == "structure":
        return {f"field{n}": plain(getattr(value, f"field{n}"), each) for n, each in enumerate(rest[0])}
    return value


def without_chars(value: Any, shape: Any) -> Any:
    """What we give, without the arrays of char."""
    kind, *rest = shape
    if kind == "array":
        return None if rest[0] == CHAR else [without_chars(each, rest[0]) for each in value]
    if kind == "structure":
        return {f"field{n}": without_chars(value[f"field{n}"], each) for n, each in enumerate(rest[0])}
    return value


@as_windows_aligns
@given(shapes=st.lists(shapes, max_size=6), data=st.data(), bitness=st.sampled_from([64, 32]))
def test_the_same_bytes_are_the_same_values_for_ctypes_and_go_back(shapes, data, bitness):
    ours, theirs = structures(shapes, bitness, iter(range(1000)))
    size = ctypes.sizeof(theirs)
    # Bytes that are text in every encoding, and no bool but 0 and 1.
    drawn = data.draw(st.binary(min_size=size, max_size=size))
    raw = bytes(byte & 1 if number % 4 != 3 else 0 for number, byte in enumerate(drawn))
    game = FakeProcess(bitness=bitness)
    game.map(BASE, raw + bytes(SIZE))
    with game.open("rw") as view:
        structure = ours(view, BASE)
        values = structure.read()
        whole = ("structure", shapes)
        assert without_chars(values, whole) == plain(theirs.from_buffer_copy(raw), whole)
        structure.write(values)
        assert view.read(size, BASE) == raw
        record = view.read_struct(ours.as_ctypes(view), BASE)
        view.write(bytes(size), BASE)
        structure.write(record)
        assert structure.read() == values


@as_windows_aligns
@given(shapes=st.lists(shapes, max_size=6), bitness=st.sampled_from([64, 32]))
def test_as_ctypes_has_every_field_at_its_offset(shapes, bitness):
    ours, theirs = structures(shapes, bitness, iter(range(1000)))
    made = ours.as_ctypes(bitness)
    assert ctypes.sizeof(made) == ctypes.sizeof(theirs)
    for name, _ in theirs._fields_:
        assert getattr(made, name).offset == getattr(theirs, name).offset
        assert getattr(made, name).size == getattr(theirs, name).size


@as_windows_aligns
@given(shapes=st.lists(shapes, max_size=6))
def test_a_class_made_from_ctypes_has_every_field_at_its_offset(shapes):
    _, theirs = structures(shapes, OWN_BITNESS, iter(range(1000)))
    made = Structure.from_ctypes(theirs)
    for name, _ in theirs._fields_:
        assert offsetof(made, name, OWN_BITNESS) == getattr(theirs, name).offset
    assert sizeof(made, OWN_BITNESS) == ctypes.sizeof(theirs)
    assert made._layout_for(WINDOWS_64).align == ctypes.alignment(theirs)


def test_an_offset_that_is_given_counts_and_the_next_field_is_behind_it():
    assert [offsetof(Player, name, 64) for name in ("health", "name", "position", "bag", "best")] == [
        0x10,
        0x20,
        0x30,
        0x60,
        0x80,
    ]


@pytest.mark.parametrize(
    ("bitness", "offsets"), [(64, [0x88, 0x90, 0x98, 0xA0]), (32, [0x88, 0x8C, 0x90, 0x94])]
)
def test_what_is_behind_a_pointer_depends_on_the_program(bitness, offsets):
    names = ("target", "title", "score", "grid")
    assert [offsetof(Player, name, bitness) for name in names] == offsets


def test_a_size_that_is_given_is_the_size():
    class Sized(Structure, size=0x200):
        first = Field("int")

    class Longer(Sized):
        second = Field("int")

    class Pair(Structure):
        both = Field(Array(Sized, 2))
        behind = Field("char")

    assert sizeof(Sized, 64) == 0x200
    assert offsetof(Longer, "second", 64) == 0x200
    assert (sizeof(Pair, 64), offsetof(Pair, "behind", 64)) == (0x404, 0x400)


def test_a_field_that_is_not_aligned_makes_a_packed_structure():
    class Packed(Structure):
        kind = Field("uint8", 0)
        length = Field("uint32", 1)

    class Holder(Structure):
        first = Field("uint8")
        packed = Field(Packed)

    assert (sizeof(Packed, 64), offsetof(Holder, "packed", 64)) == (5, 1)


PACKED = [("uint8", 1), ("uint16", 2), ("uint32", 4), ("uint64", 8), ("double", 8)]


def packed_by_ctypes(names: list[str], pack: int) -> Any:
    """The structure of those types under ``#pragma pack``."""
    fields = [(f"f{number}", ctype_of(name, 64)) for number, name in enumerate(names)]
    return type("Packed", (ctypes.Structure,), {"_pack_": pack, "_layout_": "ms", "_fields_": fields})


def offsets_of(made: Any) -> list[int]:
    return [getattr(made, name).offset for name, _ in made._fields_]


@given(
    names=st.lists(st.sampled_from([name for name, _ in PACKED]), min_size=1, max_size=6),
    pack=st.sampled_from([1, 2, 4]),
)
def test_a_structure_that_shows_its_packing_is_as_long_as_for_ctypes(names, pack):
    theirs = packed_by_ctypes(names, pack)
    offsets = offsets_of(theirs)
    assume(any(offset % dict(PACKED)[name] for name, offset in zip(names, offsets, strict=True)))
    # Where two packings have the fields at the same places, nothing shows which it is: the wider one counts.
    widest = max(each for each in (1, 2, 4) if offsets_of(packed_by_ctypes(names, each)) == offsets)
    ours = declare("Packed", **{f"f{n}": Field(name, offsets[n]) for n, name in enumerate(names)})
    assert sizeof(ours, 64) == ctypes.sizeof(packed_by_ctypes(names, widest))


def test_one_field_that_is_not_aligned_packs_the_whole(view):
    class Packet(Structure):
        id = Field("uint32", 0)
        kind = Field("uint8", 4)
        length = Field("uint32", 5)

    class Queue(Structure):
        packets = Field(Array(Packet, 2))

    class Longer(Packet):
        more = Field("uint32", 9)

    assert (sizeof(Packet, view), sizeof(Queue, view), sizeof(Longer, view)) == (9, 18, 13)
    packets = Queue(view, BASE).packets
    packets[1].write({"id": 4, "kind": 5, "length": 6})
    assert view.read(9, BASE + 9) == struct.pack("<IBI", 4, 5, 6)


def test_what_is_made_of_a_packed_structure_is_packed():
    packed = declare("Packed", a=Field("uint16", 0), b=Field("uint32", 2))
    assert sizeof(declare("Longer", (packed,), c=Field("uint32", 8), d=Field("uint16", 12)), 64) == 14


def test_a_size_that_is_no_multiple_of_the_alignment_makes_a_packed_structure():
    class Odd(Structure, size=6):
        number = Field("int")

    class Holder(Structure):
        first = Field("char")
        pair = Field(Array(Odd, 2))

    assert (sizeof(Odd, 64), offsetof(Holder, "pair", 64), sizeof(Holder, 64)) == (6, 2, 14)


def test_a_structure_without_fields_has_no_bytes(view):
    class Nothing(Structure):
        pass

    assert sizeof(Nothing, view) == 0
    nothing = Nothing(view, 0)
    assert nothing.read() == {}
    nothing.write({})
    assert type("Many", (Structure,), {"many": Field(Array(Nothing, 3))})(view, 0).read() == {
        "many": [{}] * 3
    }


def test_the_layout_is_worked_out_once_for_each_width(view):
    assert Player._layout_for(view._model) is Player._layout_for(view._model)
    assert Player._layout_for(WINDOWS_32) is not Player._layout_for(WINDOWS_64)


# -- what is refused when a class is made


def declare(name: str = "Wrong", bases: tuple[type, ...] = (Structure,), /, **namespace: Any) -> type:
    keywords = {"size": namespace.pop("whole")} if "whole" in namespace else {}
    return type(name, bases, namespace, **keywords)


@pytest.mark.parametrize("name", ["read", "write", "from_ctypes", "as_ctypes", "_view", "_fields", "_layout"])
def test_a_field_can_not_have_the_name_of_what_every_structure_has(name):
    with pytest.raises(ValueError, match=f"^Wrong.{name} can't be a field: that name is Structure's own$"):
        declare(**{name: Field("int")})


@pytest.mark.parametrize("name", ["__init__", "__size", "__eq__", "_Wrong__size"])
def test_a_field_can_not_have_a_name_of_pythons_own(name):
    with pytest.raises(ValueError, match=r"names that begin with '__' are Python's own$"):
        declare(**{name: Field("int")})


@pytest.mark.parametrize("name", ["size", "address", "view", "offset", "form", "_hidden", "name", "fields"])
def test_other_names_are_free(view, name):
    made = declare(**{name: Field("int")})(view, BASE)
    setattr(made, name, 5)
    assert getattr(made, name) == 5


@pytest.mark.parametrize("type", ["itn", "Player", "", "int*"])
def test_a_type_that_does_not_exist_is_refused(type):
    for make in (Field, lambda name: Array(name, 2)):
        with pytest.raises(ValueError, match=f"^no type is called {type!r}".replace("*", r"\*")):
            make(type)


@pytest.mark.parametrize("type", [int, 4, None, b"int", object(), FakeProcess, Field("int")], ids=str)
def test_what_is_no_type_is_refused(type):
    for make in (Field, Pointer, lambda each: Array(each, 2)):
        with pytest.raises(TypeError, match=r"^a type is the name of a C type, "):
            make(type)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Field("int", -4), ValueError, "an offset can't be negative: -4"),
        (lambda: Field("int", "4"), TypeError, "an offset is an int, not str"),
        (lambda: Field("int", 1.0), TypeError, "an offset is an int, not float"),
        (lambda: Array("int", -1), ValueError, "a size or count can't be negative: -1"),
        (lambda: Array("int", "3"), TypeError, "a size or count is an int, not str"),
        (lambda: String(-1), ValueError, "a size or count can't be negative: -1"),
        (
            lambda: String(5, "utf-16"),
            ValueError,
            "the size is 5 bytes, and has to be a multiple of 2 for utf-16",
        ),
        (lambda: String(5, "utf-5"), LookupError, "unknown encoding: utf-5"),
        (
            lambda: String(5, "utf-7"),
            ValueError,
            "strings in memory end with a zero code unit, and utf-7 has none",
        ),
        (lambda: String(5, "utf-8", None), TypeError, "an error handler is a str, not NoneType"),
        (lambda: declare(whole=-1), ValueError, "a size or count can't be negative: -1"),
        (
            lambda: declare(whole=0x10, a=Field("int", 0xC), b=Field("int", 0xE)),
            ValueError,
            "Wrong has a size of 0x10 bytes, and its field b ends at 0x12",
        ),
        (
            lambda: declare("Wrong", (Item,), whole=4, more=Field("char", 0)),
            ValueError,
            "Wrong has a size of 0x4 bytes, and its field count ends at 0x6",
        ),
        (
            lambda: declare(name=String(16)),
            TypeError,
            "Wrong.name is a type; it has to stand in a Field: Field(String(16, 'utf-8'))",
        ),
        (
            lambda: declare(_fields_=[("kind", ctypes.c_int)]),
            TypeError,
            "Wrong._fields_ is how ctypes declares fields; each is a Field here, see Structure.from_ctypes",
        ),
        (
            lambda: declare("Wrong", (Item,), kind=Field("int")),
            ValueError,
            "Wrong.kind is a field already, of a class that Wrong is made of",
        ),
        (
            lambda: declare("Wrong", (Item,), kind=5),
            ValueError,
            "Wrong.kind is a field already, of a class that Wrong is made of",
        ),
        (
            lambda: declare("Wrong", (Item, Player)),
            TypeError,
            "Wrong can't begin with Item and Player both; nest one of them in a Field",
        ),
        (
            lambda: declare("Wrong", (type("Mixin", (), {"mana": Field("int")}), Structure)),
            TypeError,
            "Wrong is made of Mixin, which has fields and is no Structure",
        ),
    ],
)
def test_what_is_wrong_with_a_declaration_is_said_at_once(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


def test_one_field_is_not_two():
    field = Field("int")
    with pytest.raises(ValueError, match=r"^Wrong.y is the same Field as x; each needs one of its own$"):
        declare(x=field, y=field)


def test_what_fits_in_one_width_is_refused_only_in_the_other():
    class Narrow(Structure, size=8):
        first = Field("pointer")
        second = Field("pointer")

    assert sizeof(Narrow, 32) == 8
    with pytest.raises(ValueError, match="Narrow has a size of 0x8 bytes, and its field second ends at 0x10"):
        sizeof(Narrow, 64)


def test_a_structure_can_not_hold_itself():
    for make in (lambda: declare(inner=Field("Wrong")), lambda: declare(inner=Field(Array("Wrong", 2)))):
        with pytest.raises(
            ValueError, match=r"A structure is given as its class; only a Pointer may name it$"
        ):
            make()


def test_a_field_that_comes_too_late_has_no_place(view):
    made = declare("Made", value=Field("int"))
    made.late = Field("int")
    for use in (lambda: made(view, BASE).late, lambda: setattr(made(view, BASE), "late", 5)):
        with pytest.raises(AttributeError, match=r"^a Field of Made was put there after the class was made"):
            use()


def test_methods_and_properties_may_stand_beside_fields(view):
    class Healed(Structure):
        health = Field("int")
        limit = 100

        @property
        def percent(self) -> float:
            return 100 * self.health / self.limit

        @percent.setter
        def percent(self, value: float) -> None:
            self.health = round(self.limit * value / 100)

        def heal(self) -> None:
            self.health = self.limit

    healed = Healed(view, BASE)
    healed.heal()
    healed.percent /= 2
    assert healed.read() == {"health": 50}


def test_every_name_of_a_type_is_known_to_type_checkers():
    known = {*typing.get_args(_declared.IntName), *typing.get_args(_declared.FloatName)}
    assert known | {"bool", "char", "wchar"} == set(TYPES)
    for name in known:
        assert TYPES[name].value_type is (float if name in typing.get_args(_declared.FloatName) else int)


def test_a_declaration_says_what_it_is():
    assert [repr(Player.health), repr(Player.name), repr(Player.bag), repr(Player.target)] == [
        "Field('float', 0x10)",
        "Field(String(16, 'utf-8'), 0x20)",
        "Field(Array(Item, 4), 0x60)",
        "Field(Pointer('Player'))",
    ]
    assert repr(Field(Array(ctypes.c_int16, 2), 4)) == "Field(Array(c_short, 2), 0x4)"
    assert repr(Field(Pointer("unsigned int"))) == "Field(Pointer('unsigned_int'))"


# -- by attribute


def test_a_field_is_one_read_and_one_write(game, player):
    player.health = 2.5
    assert player.health == 2.5
    assert (game.writes, game.reads) == ([(BASE + 0x10, struct.pack("<f", 2.5))], [(BASE + 0x10, 4)])


def test_a_nested_field_is_one_read_and_one_write(game, player):
    player.bag[2].count += 1
    assert (game.reads, game.writes) == ([(BASE + 0x74, 2)], [(BASE + 0x74, b"\1\0")])
    assert player.bag[2].count == 1


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_field_takes_and_gives_what_the_methods_of_a_view_do(view, name):
    value = {"char": b"x", "wchar": "ß", "bool": True, "float": 0.5, "double": -0.5}.get(name, 100)
    made = declare(value=Field(name, 8))(view, BASE)
    made.value = value
    assert made.value == value == getattr(view, f"read_{name}")(BASE + 8)


@pytest.mark.parametrize("name", [each.replace("_", " ") for each in TYPES if "_" in each])
def test_a_type_may_be_written_with_blanks(view, name):
    assert declare(value=Field(name))(view, BASE).value == 0


@pytest.mark.parametrize(
    ("field", "value", "error", "text"),
    [
        ("health", "5", TypeError, "Player.health: float takes a float, not str"),
        ("health", 1e300, OverflowError, "Player.health: 1e+300 is too large for float"),
        ("name", b"Ada", TypeError, "Player.name: a string is written from a str, not bytes"),
        ("name", "x" * 17, ValueError, f"Player.name: {'x' * 17!r} takes 17 bytes, and there is room for 16"),
        ("name", "a\0b", ValueError, "Player.name: the text has a NUL character in it, where it would end"),
        ("wide", "x" * 9, ValueError, "Player.wide: 'xxxxxxxxx' takes 18 bytes, and there is room for 16"),
        ("position", [1, 2], ValueError, "Player.position: an array of 3 takes as many values, not 2"),
        (
            "position",
            [1, 2, 3, 4],
            ValueError,
            "Player.position: an array of 3 takes as many values, not more",
        ),
        ("position", 5, TypeError, "Player.position: an array takes a sequence of values, not int"),
        ("position", {1: 2}, TypeError, "Player.position: an array takes a sequence of values, not dict"),
        ("position", {1, 2, 3}, TypeError, "Player.position: an array takes a sequence of values, not set"),
        ("position", [1, 2, "3"], TypeError, "Player.position: float takes a float, not str"),
        ("grid", [[1, 2, 3], [4, 5]], ValueError, "Player.grid: an array of 3 takes as many values, not 2"),
        ("grid", [[1, 2, 3], [4, 5, 99999]], OverflowError, None),
        ("best", 5, TypeError, "Item takes a dict of fields, or another Item, not int"),
        ("best", {"kin": 5}, ValueError, "Item has no field 'kin'; did you mean 'kind'?"),
        ("best", {"count": -1}, OverflowError, None),
        ("best", {5: 5}, ValueError, "Item has no field 5"),
        (
            "target",
            "0x401000",
            TypeError,
            "Player.target: a pointer takes an address, a live object or None, not str",
        ),
        (
            "title",
            "Sir",
            TypeError,
            "Player.title: a pointer takes an address, a live object or None, not str",
        ),
        ("target", -1, OverflowError, None),
        ("target", 1 << 64, OverflowError, None),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing_and_is_named(game, player, field, value, error, text):
    with pytest.raises(error) as caught:
        setattr(player, field, value)
    assert text is None or str(caught.value) == text
    with pytest.raises(error):
        player.write({"health": 5.0, field: value})
    assert game.writes == []


@pytest.mark.parametrize(("name", "hint"), [("heath", "; did you mean 'health'?"), ("xyz", "")])
def test_what_is_no_field_is_not_assigned(player, name, hint):
    with pytest.raises(AttributeError) as caught:
        setattr(player, name, 5)
    assert str(caught.value) == f"Player has no field {name!r}{hint}"
    with pytest.raises(AttributeError):
        getattr(player, name)
    with pytest.raises(AttributeError):
        del player.health


class Mixin:
    health = 100


def test_a_field_that_something_else_would_hide_is_refused():
    with pytest.raises(ValueError, match=r"^Boss\.health is a field of Player, and Mixin has an attribute "):
        declare("Boss", (Mixin, Player))
    with pytest.raises(ValueError, match=r"^Worse\.health is a field of Boss, and Mixin has an attribute "):
        declare("Worse", (Mixin, declare("Boss", health=Field("int"))))


def test_a_mixin_behind_the_structure_hides_nothing(game, view):
    boss = declare("Boss", (Player, Mixin))(view, BASE)
    boss.health = 55
    assert boss.health == 55
    assert game.writes


def test_what_hides_a_field_later_is_not_assigned(game, view):
    made = declare("Made", (Item,))
    made.kind = 3
    with pytest.raises(AttributeError, match=r"^Made\.kind is no field any more: an attribute of a class "):
        made(view, BASE).kind = 9
    Late = type("Late", (), {})
    made = declare("Made", (Late, Item))
    Late.kind = 5
    with pytest.raises(AttributeError, match=r"^Made\.kind is no field any more"):
        made(view, BASE).kind = 9
    assert game.writes == []


def test_completion_lists_the_fields(player):
    assert set(Player._fields) <= set(dir(player))


def test_a_live_structure_says_what_it_is(view, game):
    class Nowhere:
        def __index__(self):
            raise ZeroDivisionError

    player = Player(view, BASE)
    assert repr(player) == "<Player at 0x401000 in process 5556 'game.exe'>"
    assert repr(player.bag) == "<array of 4 at 0x401060 in process 5556 'game.exe'>"
    assert (
        repr(Player(view, Nowhere()))
        == "<Player at an address that can't be looked up now in process 5556 'game.exe'>"
    )
    view.close()
    assert repr(player) == "<Player at 0x401000 in process 5556 'game.exe'>"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((BASE, "view"), TypeError),
        (("view", None), TypeError),
        (("view", 1.5), TypeError),
        (("view", -1), OverflowError),
        (("view", 1 << 65), OverflowError),
    ],
)
def test_a_place_that_is_none_is_refused(view, arguments, error):
    with pytest.raises(error):
        Player(*(view if each == "view" else each for each in arguments))


def test_what_leaves_the_address_space_is_refused(view):
    end = 1 << view.bitness
    with pytest.raises(OverflowError):
        Player(view, end - 8).health  # noqa: B018
    with pytest.raises(OverflowError):
        Player(view, end - 8).health = 5
    with pytest.raises(OverflowError):
        Player(view, end - 0x70).read()


def test_an_address_that_changes_is_looked_up_at_each_access(view):
    class Moving:
        place = BASE

        def __index__(self):
            return self.place

    moving = Moving()
    player = Player(view, moving)
    bag, item, grid = player.bag, player.bag[1], player.grid[1]
    moving.place = OTHER
    player.health, item.count, bag[2], grid[0] = 2.5, 7, {"kind": 5}, 3
    fixed = Player(view, OTHER)
    assert (fixed.health, fixed.bag[1].count, fixed.bag[2].kind, fixed.grid[1][0]) == (2.5, 7, 5, 3)
    assert Player(view, BASE).health == 0
    assert addressof(item, "count") == addressof(fixed.bag[1], "count")
    assert item == fixed.bag[1]


def test_what_is_wrong_with_an_address_is_said_of_that_address(view):
    class Wrong:
        def __index__(self):
            raise LookupError("there is no player yet")

    player = Player(view, Wrong())
    for use in (lambda: player.health, player.read, lambda: player.bag[1].kind, lambda: player.position[:]):
        with pytest.raises(LookupError, match="there is no player yet"):
            use()
    with pytest.raises(LookupError, match="there is no player yet"):
        player.bag[1].kind = 5

    class NoInt:
        def __index__(self):
            raise TypeError("not now")

    with pytest.raises(TypeError, match=r"^an address is an int, or a str .*, not NoInt$"):
        Player(view, NoInt()).bag[1].kind  # noqa: B018


def test_an_allocation_stands_for_its_address(view):
    with view.allocate(100) as memory:
        item = Item(view, memory)
        item.kind = 5
        assert view.read_int(memory) == 5


def test_a_view_that_may_not_says_so(game):
    with game.open("r") as reader, pytest.raises(MissingRightError):
        Player(reader, BASE).health = 5
    with game.open("w") as writer, pytest.raises(MissingRightError):
        Player(writer, BASE).read()
    player = Player(writer, BASE)
    for use in (lambda: player.health, player.read, lambda: player.write({"health": 5})):
        with pytest.raises(ClosedViewError):
            use()


def test_structures_are_equal_where_they_are_the_same_place(view, game):
    player = Player(view, BASE)
    with game.open() as again:
        assert Player(again, BASE) == player
    assert player.bag[1] == player.bag[1]
    assert player.bag[1] != player.bag[2]
    assert player != Item(view, BASE)
    with FakeProcess(77).open() as elsewhere:
        assert player != Player(elsewhere, BASE)
    assert player != BASE
    with pytest.raises(TypeError):
        hash(player)


def test_a_copy_is_live_too(view):
    player = Player(view, BASE)
    again = copy.copy(player)
    again.health = 2.5
    assert player.health == 2.5
    assert copy.copy(player.bag) == player.bag
    for live in (player, player.bag):
        for use in (copy.deepcopy, pickle.dumps):
            with pytest.raises(
                TypeError, match=r"^<.* can't be copied deeply or pickled; take what its read"
            ):
                use(live)


def test_a_copy_keeps_what_else_it_has(view):
    class Noting(Item):
        __slots__ = ("note",)

    noting = Noting(view, BASE)
    noting.note = "mine"
    assert copy.copy(noting).note == "mine"


# -- text


def test_text_ends_at_its_zero_and_nothing_behind_it_is_touched(view, player):
    view.write(b"old oak!" * 2, BASE + 0x20)
    assert player.name == "old oak!" * 2
    player.name = "Zoë"
    assert view.read(16, BASE + 0x20) == b"Zo\xc3\xab\0ak!old oak!"
    assert player.name == "Zoë"


@pytest.mark.parametrize("text", ["", "x" * 15, "x" * 16, "ë" * 8])
def test_text_may_fill_its_room(view, player, text):
    view.write(b"\xff" * 8, BASE + 0x30)
    player.name = text
    assert player.name == text == player.read()["name"]
    assert view.read(8, BASE + 0x30) == b"\xff" * 8


def test_wide_text_does_not_end_at_half_a_zero(player):
    player.wide = "Ā\u0100a"
    assert player.wide == "Ā\u0100a"


def test_bytes_that_are_no_text_are_named(view, player):
    view.write(b"\xff", BASE + 0x20)
    for read in (lambda: player.name, player.read):
        with pytest.raises(UnicodeDecodeError, match=r"invalid start byte, in Player\.name$"):
            read()
    assert declare(name=Field(String(4, errors="replace"), 0x20))(view, BASE).name == "�"


def test_characters_that_the_encoding_lacks_are_named(view):
    made = declare("Made", name=Field(String(4, "ascii")))(view, BASE)
    with pytest.raises(UnicodeEncodeError, match=r"ordinal not in range\(128\), in Made\.name$"):
        made.name = "ë"


# -- arrays


def test_an_array_is_a_sequence(player):
    player.position = (1, 2, 3)
    position = player.position
    assert isinstance(position, LiveArray)
    assert (len(position), position[0], position[-1], position[1:], position[::-1]) == (
        3,
        1,
        3,
        [2, 3],
        [3, 2, 1],
    )
    assert (list(position), 2.0 in position, position.index(3.0), sum(position)) == ([1, 2, 3], True, 2, 6)
    assert (position == [1, 2, 3], position == (1, 2, 4), position == position, position == 5) == (
        True,
        False,
        True,
        False,
    )
    assert list(reversed(position)) == [3, 2, 1]
    for index in (3, -4):
        with pytest.raises(IndexError):
            position[index]
        with pytest.raises(IndexError):
            position[index] = 5
    with pytest.raises(TypeError):
        position["1"]
    with pytest.raises(TypeError):
        hash(position)


def test_many_items_are_one_read(game, player):
    assert list(player.position) == player.position[:] == [0, 0, 0]
    assert player.position[::2] == [0, 0]
    assert player.bag.read() == [{"kind": 0, "count": 0}] * 4
    assert game.reads == [(BASE + 0x30, 12)] * 3 + [(BASE + 0x60, 32)]


class Lengthy(Structure):
    numbers = Field(Array("int", 100_000))


def test_a_loop_reads_blocks_and_no_more_than_it_needs(game):
    game.map(0x500000, 400_000)
    with game.open("rw") as view:
        numbers = Lengthy(view, 0x500000).numbers
        numbers[0], numbers[50_000], numbers[-1] = 1, 2, 3
        game.reads.clear()
        assert next(iter(numbers)) == 1
        assert game.reads == [(0x500000, 1 << 16)]
        assert next(reversed(numbers)) == 3
        assert 1 in numbers
        assert max(size for _, size in game.reads) == 1 << 16
        game.reads.clear()
        assert [sum(numbers), sum(reversed(numbers))] == [6, 6]
        assert len(game.reads) == 14
        game.reads.clear()
        assert numbers[::50_000] == [1, 2]
        assert numbers[::-99_999] == [3, 1]
        assert sum(size for _, size in game.reads) == 16
        game.reads.clear()
        assert sum(numbers[:]) == sum(numbers[::-1]) == 6
        assert game.reads == [(0x500000, 400_000)] * 2


@given(st.integers(0, 40), st.slices(40), st.integers(1, 64))
def test_a_slice_is_that_of_a_list(count, part, block):
    game = FakeProcess()
    game.map(BASE, struct.pack("<40h", *range(40)))
    made = declare(numbers=Field(Array("short", count)))
    with game.open() as view, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_array, "_BLOCK", block)
        numbers = made(view, BASE).numbers
        assert numbers[part] == list(range(count))[part]
        assert (list(numbers), list(reversed(numbers))) == (list(range(count)), list(range(count))[::-1])


def test_what_is_live_is_gone_through_without_a_read(game, player):
    assert [addressof(item) for item in player.bag] == [BASE + 0x60 + 8 * number for number in range(4)]
    assert game.reads == []


def test_a_slice_of_pointers_is_one_read(game, view):
    many = declare(many=Field(Array(Pointer(Item), 4)))(view, BASE).many
    many.write([OTHER, None, OTHER + 8, None])
    assert [item and addressof(item) for item in many[:3]] == [OTHER, None, OTHER + 8]
    assert [item and addressof(item) for item in many] == [OTHER, None, OTHER + 8, None]
    assert game.reads == [(BASE, 3 * view.bitness // 8), (BASE, 4 * view.bitness // 8)]


def test_an_array_is_equal_to_what_its_slice_gives(view):
    made = declare(
        bag=Field(Array(Item, 2)),
        many=Field(Array(Pointer(Item), 3)),
        names=Field(Array(Pointer(String(8)), 2)),
        grid=Field(Array(Array("int", 2), 2)),
    )(view, BASE)
    made.many = [OTHER, None, OTHER + 8]
    made.names = [OTHER, None]
    view.write_string("Ada", OTHER)
    for array in (made.bag, made.many, made.names, made.grid):
        for same in (array[:], tuple(array), array.read()):
            assert array == same
        assert array != array[1:]
        assert array != [array[0], 5, 6][: len(array)]
    assert made.bag != [made.bag[1], made.bag[0]]
    assert made.many != [made.bag[0], None, made.many[2]]
    assert (made.bag[1] in made.bag, made.bag.index(made.bag[1])) == (True, 1)
    assert made.names == ["Ada", None]
    assert made.grid == [made.grid[0], [0, 0]]


def test_an_index_that_is_none_is_named(player):
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"^an array of 3 has no item {index}$"):
            player.position[index]
    with pytest.raises(TypeError, match=r"^an index of an array is an int or a slice, not str$"):
        player.position["1"] = 5


def test_items_are_assigned(game, player):
    player.position[1:] = [5, 6]
    player.position[0] = 4
    player.position[::-2] = [7, 8]
    assert player.position == [8, 5, 7]
    assert len(game.writes) == 4
    for wrong in ([1], [1, 2, 3]):
        with pytest.raises(ValueError, match="an array of 2 takes as many values"):
            player.position[:2] = wrong
    player.position[3:] = []
    assert len(game.writes) == 4


def test_structures_in_an_array_are_live_and_written_by_dicts(game, player):
    bag = player.bag
    bag[1] = {"kind": 3}
    bag[2:] = [{"count": 4}, {"kind": 5, "count": 6}]
    bag[0] = bag[3]
    assert [item.count for item in bag] == [6, 0, 4, 6]
    assert bag.read() == [
        {"kind": 5, "count": 6},
        {"kind": 3, "count": 0},
        {"kind": 0, "count": 4},
        {"kind": 5, "count": 6},
    ]
    assert bag == bag.read()
    bag.write([{"count": number} for number in range(4)])
    assert [item.count for item in bag[::-1]] == [3, 2, 1, 0]
    assert bag[4:] == []


def test_an_array_is_assigned_from_another_in_one_read(game, player):
    player.bag = [{"kind": number, "count": number} for number in range(4)]
    player.bag = player.bag
    assert game.reads == [(BASE + 0x60, 32)]
    assert [item.count for item in player.bag] == [0, 1, 2, 3]


def test_arrays_of_arrays(player):
    player.grid = [[1, 2, 3], [4, 5, 6]]
    player.grid[1][-1] = 7
    player.grid[0] = player.grid[1]
    assert player.grid.read() == [[4, 5, 7]] * 2
    assert [list(row) for row in player.grid] == [[4, 5, 7]] * 2
    with pytest.raises(ValueError, match="an array of 3 takes as many values"):
        player.grid[0] = [1]


def test_an_array_of_nothing_is_empty(view):
    empty = declare(empty=Field(Array("int", 0)))(view, 0).empty
    assert (len(empty), list(empty), empty.read(), empty == []) == (0, [], [], True)


def test_an_array_is_written_from_what_never_ends_in_no_time(player):
    def forever():
        while True:
            yield 1.0

    with pytest.raises(ValueError, match="not more"):
        player.position = forever()


# -- pointers


def test_a_pointer_is_followed(view, game, player):
    other = Player(view, OTHER)
    other.health = 7
    player.target = other
    assert player.target.health == 7
    assert (player.target, player.target.target) == (other, None)
    assert player.read()["target"] == OTHER == view.read_pointer(addressof(player, "target"))
    player.target = None
    assert player.target is None
    player.target = OTHER
    assert player.target == other
    other.target = other
    assert player.target.target.target.target.health == 7


def test_a_pointer_to_text_gives_the_text(view, player):
    view.write_string("Sir Ñ", OTHER, "utf-16")
    assert player.title is None
    player.title = OTHER
    assert player.title == "Sir Ñ"


def test_text_behind_a_pointer_is_read_no_further_than_it_goes(game):
    place = BASE + SIZE - 8
    with game.open("rw") as view:
        view.write_string("end", place, "utf-16")
        player = Player(view, BASE)
        player.title = place
        assert player.title == "end"


def test_a_pointer_to_a_value_gives_an_array_of_one(view, player):
    player.score = OTHER
    player.score[0] += 41
    assert (player.score[0], len(player.score), view.read_int(OTHER)) == (41, 1, 41)
    with pytest.raises(TypeError):
        player.score += 1  # would make an address of the score
    assert addressof(player.score) == OTHER


def test_pointers_to_arrays_and_to_pointers(view):
    made = declare(
        rows=Field(Pointer(Array("int", 2))),
        far=Field(Pointer(Pointer(Item))),
        many=Field(Array(Pointer(Item), 3)),
        names=Field(Pointer(Array(String(8), 2))),
    )(view, BASE)
    made.rows = OTHER
    made.rows[1] = 5
    made.far = OTHER + 8
    made.far[0] = OTHER
    assert made.far[0].kind == 0
    made.many = [None, OTHER, made.far[0]]
    assert [None if item is None else addressof(item) for item in made.many] == [None, OTHER, OTHER]
    assert made.many.read() == [0, OTHER, OTHER]
    made.names = OTHER
    made.names[1] = "Ada"
    assert view.read_string(OTHER + 8) == "Ada"


def test_a_pointer_does_not_lead_to_something_else(view, player):
    with pytest.raises(TypeError, match=r"^Player\.target: the pointer does not lead to what <Item at"):
        player.target = Item(view, OTHER)


def test_a_pointer_does_not_lead_into_another_process(player):
    other = FakeProcess(77, "other.exe")
    other.map(BASE, SIZE)
    with other.open() as elsewhere, pytest.raises(ValueError, match=r"^Player\.target: the pointer is in "):
        player.target = Player(elsewhere, BASE)


def test_a_pointer_to_a_class_that_comes_later(view):
    class First(Structure):
        second = Field(Pointer("Second"))
        third = Field(Pointer("Third"))

    first = First(view, BASE)
    first.write({"second": OTHER, "third": OTHER})
    with pytest.raises(
        TypeError, match=r"^First\.third points to 'Third', and there is no structure of that name"
    ):
        first.third  # noqa: B018

    class Second(Structure):
        value = Field("int")

    assert type(first.second) is Second
    assert first.read() == {"second": OTHER, "third": OTHER}


def test_a_pointer_leads_to_the_class_that_is_made_next(view):
    class Holder(Structure):
        item = Field(Pointer("Prompted"))

    made = []
    for count in (1, 2, 1):

        class Prompted(Structure):
            values = Field(Array("int", count))

        made.append(Prompted)
    holder = Holder(view, BASE)
    holder.item = OTHER
    assert type(holder.item) is made[0]


def after_its_target(count: int) -> tuple[type[Structure], type[Structure]]:
    class Bag(Structure):
        items = Field(Array("int", count))

    class Owner(Structure):
        bag = Field(Pointer("Bag"))

    return Owner, Bag


def before_its_target(count: int) -> tuple[type[Structure], type[Structure]]:
    class Owner(Structure):
        bags = Field(Array(Pointer("Bag"), 1))

    class Bag(Structure):
        items = Field(Array("int", count))

    return Owner, Bag


def around_its_target(count: int) -> tuple[type[Structure], type[Structure]]:
    class Owner(Structure):
        class Bag(Structure):
            items = Field(Array("int", count))

        bag = Field(Pointer("Bag"))

    return Owner, Owner.Bag


@pytest.mark.parametrize("make", [after_its_target, before_its_target, around_its_target])
@pytest.mark.parametrize("order", [1, -1])
def test_a_function_makes_pointers_to_its_own_classes(view, make, order):
    pairs = [make(count) for count in (1, 2, 3)]
    view.write_pointer(OTHER, BASE)
    gc.collect()
    for owner, bag in pairs[::order]:
        live = owner(view, BASE)
        found = live.bags[0] if make is before_its_target else live.bag
        assert type(found) is bag


def test_a_class_that_nobody_else_holds_is_found(view):
    owners = [make(1)[0] for make in (after_its_target, before_its_target)]
    gc.collect()
    view.write_pointer(OTHER, BASE)
    assert owners[0](view, BASE).bag.items[0] == 0
    assert owners[1](view, BASE).bags[0].items[0] == 0


def test_functions_in_threads_make_pointers_to_their_own_classes(view):
    turn = threading.Barrier(2)
    pairs = []

    def make() -> None:
        turn.wait(30)

        class Bag(Structure):
            items = Field("int")

        turn.wait(30)

        class Owner(Structure):
            bag = Field(Pointer("Bag"))

        pairs.append((Owner, Bag))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    view.write_pointer(OTHER, BASE)
    assert len(pairs) == 2
    assert all(type(owner(view, BASE).bag) is bag for owner, bag in pairs)


def test_a_class_that_is_declared_again_at_a_prompt_counts(view, monkeypatch):
    prompt = types.ModuleType("prompt")
    monkeypatch.setitem(sys.modules, "prompt", prompt)
    declarations = "class Item(Structure):\n    values = Field(Array('int', {}))"
    vars(prompt).update(Structure=Structure, Field=Field, Array=Array, Pointer=Pointer)
    exec("class Holder(Structure):\n    item = Field(Pointer('Item'))", vars(prompt))
    holder = prompt.Holder(view, BASE)
    holder.item = OTHER
    for count in (2, 1, 3):
        exec(declarations.format(count), vars(prompt))
        assert type(holder.item) is prompt.Item
        assert len(holder.item.values) == count


def test_a_name_is_looked_for_from_the_inside(view, monkeypatch):
    scope = types.ModuleType("scope")
    monkeypatch.setitem(sys.modules, "scope", scope)
    vars(scope).update(Structure=Structure, Field=Field, Pointer=Pointer)
    exec(
        "class Item(Structure):\n    far = Field('int')\n"
        "class Game:\n"
        "    class Item(Structure):\n        near = Field('int')\n"
        "    class Holder(Structure):\n        item = Field(Pointer('Item'))\n"
        "class Holder(Structure):\n    item = Field(Pointer('Item'))\n",
        vars(scope),
    )
    view.write_pointer(OTHER, BASE)
    assert type(scope.Game.Holder(view, BASE).item) is scope.Game.Item
    assert type(scope.Holder(view, BASE).item) is scope.Item


def test_a_pointer_finds_what_its_module_has_imported(view, monkeypatch):
    monkeypatch.setitem(globals(), "Imported", Item)
    made = declare("Made", __module__=__name__, item=Field(Pointer("Imported")))(view, BASE)
    made.item = OTHER
    assert type(made.item) is Item


def test_a_field_of_a_base_points_to_the_base(view):
    class Linked(Structure):
        next = Field(Pointer("Linked"))

    class Longer(Linked):
        value = Field("int")

    longer = Longer(view, BASE)
    longer.next = longer
    assert type(longer.next) is Linked


def test_a_class_with_a_constructor_of_its_own_is_found_all_the_same(view):
    class Found(Structure):
        value = Field("int")
        next = Field(Pointer("Found"))

        def __init__(self, view: MemoryView) -> None:
            super().__init__(view, BASE)

    class Holder(Structure):
        found = Field(Found)
        many = Field(Array(Found, 2))

    found = Found(view)
    found.next = OTHER
    assert (addressof(found), addressof(found.next)) == (BASE, OTHER)
    assert addressof(Holder(view, OTHER).many[1]) == OTHER + 2 * sizeof(Found, view)


def test_a_class_that_is_made_again_points_to_itself(view):
    def make() -> type[Structure]:
        class Node(Structure):
            next = Field(Pointer("Node"))

        return Node

    first, second = make(), make()
    for node in (first, second):
        live = node(view, BASE)
        live.next = live
        assert type(live.next) is node


# -- as a whole


def test_the_whole_is_one_read_from_the_first_field_to_the_last(game, player):
    values = player.read()
    first, end = 0x10, offsetof(Player, "wide", game.bitness) + 16
    assert game.reads == [(BASE + first, end - first)]
    assert list(values) == list(Player._fields)
    assert values["bag"] == [{"kind": 0, "count": 0}] * 4


def test_what_is_contiguous_is_one_write_and_gaps_are_left_alone(game, player):
    game.writes.clear()
    player.write(
        {
            "position": [1, 2, 3],
            "health": 5,
            "best": {"kind": 1, "count": 2},
            "bag": [{}, {}, {}, {"count": 9}],
        }
    )
    assert game.writes == [
        (BASE + 0x10, struct.pack("<f", 5)),
        (BASE + 0x30, struct.pack("<3f", 1, 2, 3)),
        (BASE + 0x7C, b"\x09\0"),
        (BASE + 0x80, b"\1\0\0\0\2\0"),
    ]


def test_what_was_read_can_be_written(view, player):
    view.write(bytes(range(1, 9)) * 4, BASE)
    view.write_string("Ada", BASE + 0x20)
    before = view.read(0x200, BASE)
    player.write(player.read())
    assert view.read(0x200, BASE) == before


def test_a_structure_is_written_from_another_one(view, player):
    player.write({"health": 3, "bag": [{"kind": 1, "count": 2}] * 4, "name": "Ada"})
    other = Player(view, OTHER)
    other.write(player)
    assert other.read() == player.read()
    player.best = player.bag[0]
    assert player.best.read() == {"kind": 1, "count": 2}


def test_a_structure_is_written_from_one_that_is_made_of_it(view):
    class Better(Item):
        gems = Field("int")

    better = Better(view, OTHER)
    better.write({"kind": 1, "count": 2, "gems": 3})
    item = Item(view, BASE)
    item.write(better)
    assert item.read() == {"kind": 1, "count": 2}
    with pytest.raises(TypeError, match=r"^Better takes a dict of fields, or another Better, not Item$"):
        better.write(item)


def test_structures_are_copied_between_programs_of_other_widths():
    small, large = FakeProcess(1, bitness=32), FakeProcess(2, bitness=64)
    for program in (small, large):
        program.map(BASE, SIZE)
    with small.open("rw") as view, large.open("rw") as other:
        Player(other, BASE).write({"health": 5, "score": 0x1234})
        Player(view, BASE).write(Player(other, BASE).read())
        assert Player(view, BASE).read() == Player(other, BASE).read()
        Player(other, BASE).score = 1 << 40
        with pytest.raises(OverflowError, match=r"^Player\.score: "):
            Player(view, BASE).write(Player(other, BASE).read())


class Variant(Structure):
    number = Field("int", 0)
    fraction = Field("float", 0)
    flag = Field("bool", 0)


class Variants(Structure):
    first = Field(Variant)
    second = Field(Variant)
    many = Field(Array(Variant, 3))
    more = Field(Array(Variant, 3))


SIGNALING = -5000000
"""As a float it is a signaling NaN, which Python does not keep; as a bool it is no 0 or 1."""


@pytest.fixture
def variants(view) -> Variants:
    made = Variants(view, BASE)
    for number, each in enumerate([made.first, *made.many]):
        each.number = SIGNALING + number
    return made


def test_a_union_is_copied_as_its_bytes(variants):
    variants.second = variants.first
    variants.more = variants.many
    assert variants.second.number == SIGNALING
    assert [each.number for each in variants.more] == [SIGNALING + 1, SIGNALING + 2, SIGNALING + 3]
    variants.more[::-1] = variants.many
    assert [each.number for each in variants.more] == [SIGNALING + 3, SIGNALING + 2, SIGNALING + 1]
    variants.more[:2] = variants.many[1:]
    variants.more[2] = variants.first
    assert [each.number for each in variants.more] == [SIGNALING + 2, SIGNALING + 3, SIGNALING]
    variants.first.write(variants.more[1])
    variants.more.write(variants.many)
    assert (variants.first.number, variants.more[0].number) == (SIGNALING + 3, SIGNALING + 1)


def test_what_was_read_of_a_union_can_be_written(view, variants):
    saved = variants.read()
    before = view.read(sizeof(variants), BASE)
    variants.write(saved)
    assert view.read(sizeof(variants), BASE) == before
    view.write(bytes(sizeof(variants)), BASE)
    variants.write(saved)
    assert view.read(sizeof(variants), BASE) == before


def test_a_union_is_written_from_a_ctypes_instance(view, variants):
    record = view.read_struct(Variants.as_ctypes(view), BASE)
    record.second.number = SIGNALING - 1
    variants.write(record)
    variants.many[0] = record.second
    numbers = [variants.first.number, variants.second.number, variants.many[0].number]
    assert numbers == [SIGNALING, SIGNALING - 1, SIGNALING - 1]


def test_fields_over_each_other_that_differ_are_refused(game, view):
    variant = Variant(view, BASE)
    for values in (
        {"number": 9, "fraction": 0.0},
        {"flag": False, "number": 5},
        variant.read() | {"number": 9},
    ):
        with pytest.raises(
            ValueError, match=r"^Variant: [\w, ]+ and \w+ lie over each other and differ; give "
        ):
            variant.write(values)
    with pytest.raises(ValueError, match=r"^Variant: number and fraction lie over each other and differ; "):
        Variants(view, BASE).write({"first": {"number": 1, "fraction": 1.0}})
    assert game.writes == []
    variant.write({"flag": True, "number": 5})
    assert variant.number == 5


class Mixed(Structure):
    text = Field(String(8), 0)
    raw = Field(Array("uint8", 8), 0)
    low = Field("bool", 2)
    item = Field(Item, 4)
    behind = Field("float", 12)
    bits = Field("uint32", 12)
    alone = Field("int")


@given(st.binary(min_size=20, max_size=20))
def test_a_union_is_never_corrupted_by_what_was_read_of_it(data):
    data = bytes(byte & 0x7F if number < 8 else byte for number, byte in enumerate(data))
    game = FakeProcess()
    game.map(BASE, data + bytes(SIZE))
    with game.open("rw") as view:
        mixed = Mixed(view, BASE)
        saved = mixed.read()
        view.write(bytes(20), BASE)
        mixed.write(saved)
        assert (view.read(8, BASE), view.read(8, BASE + 12)) == (data[:8], data[12:])
        assert repr(mixed.read()) == repr(saved)


@pytest.mark.parametrize("copied", ["best", "target", "far", "chain"])
def test_pointers_are_not_copied_into_another_process(game, view, copied):
    made = declare(
        best=Field(Item),
        target=Field(Player),
        far=Field(Array(Pointer(Item), 2)),
        chain=Field(Array(Player, 1)),
    )
    other = FakeProcess(77, "other.exe", bitness=view.bitness)
    other.map(BASE, SIZE)
    with other.open() as elsewhere:
        here, there = made(view, BASE), made(elsewhere, BASE)
        if copied == "best":  # which has no pointers
            here.best = there.best
            return
        with pytest.raises(
            ValueError, match=r" has pointers, which mean nothing in process 5556; give what "
        ):
            setattr(here, copied, getattr(there, copied))
        with pytest.raises(ValueError, match=r" has pointers, "):
            here.write(there)
        assert game.writes == []
        setattr(here, copied, getattr(there, copied).read())
        assert game.writes


def test_text_that_is_none_is_copied_all_the_same(view, player):
    view.write(b"\xff\xfe", BASE + 0x20)
    Player(view, OTHER).write(player)
    assert view.read(2, OTHER + 0x20) == b"\xff\xfe"


def test_a_union_is_fields_at_the_same_place(view):
    class Either(Structure):
        whole = Field("uint32", 0)
        halves = Field(Array("uint16", 2), 0)
        first = Field("uint8", 0)

    either = Either(view, BASE)
    either.whole = 0x00020001
    assert (list(either.halves), either.first, sizeof(Either, view)) == ([1, 2], 1, 4)
    either.write({"halves": [0xFFFF, 0xFFFF], "whole": 0xFFFFFFFF})
    assert either.whole == 0xFFFFFFFF
    record = view.read_struct(Either.as_ctypes(view), BASE)
    record.halves[1] = 5
    assert (record.whole, record.first) == (0x0005FFFF, 0xFF)


def test_read_only_memory_is_written_by_force_alone(game):
    game.map(0x500000, SIZE, "r--")
    with game.open("rw") as view:
        player = Player(view, 0x500000)
        for write in (lambda: player.write({"health": 5}), lambda: setattr(player, "health", 5)):
            with pytest.raises(NotWritableError):
                write()
        player.write({"health": 5, "name": "Ada"}, force=True)
        player.position.write([1, 2, 3], force=True)
        assert (player.health, player.name, list(player.position)) == (5, "Ada", [1, 2, 3])


@pytest.fixture
def torn(game) -> Iterator[MemoryView]:
    """Two pages that can be written, and one between them that can't."""
    game.map(0x500000, SIZE)
    game.map(0x501000, SIZE, "r--")
    game.map(0x502000, SIZE)
    with game.open("rw") as view:
        yield view


class Torn(Structure):
    first = Field("int", 0xFF0)
    second = Field("int", 0x1010)
    third = Field("int", 0x2000)


def test_a_write_that_fails_half_way_counts_what_was_written(torn):
    live = Torn(torn, 0x500000)
    with pytest.raises(PartialWriteError) as caught:
        live.write({"first": 7, "second": 8, "third": 9})
    error = caught.value
    assert (error.transferred, error.address, error.size) == (4, 0x500FF0, 12)
    assert error.code == 998
    assert str(error) == "Can't write 4 bytes to address 0x501010 of process memory, error code 998"
    assert error.explanation.endswith(" What lies before it was written: 4 bytes from 0x500ff0 on.")
    assert error.region is not None
    assert (live.first, live.second, live.third) == (7, 0, 0)


def test_a_write_that_fails_at_once_was_no_part(torn):
    with pytest.raises(NotWritableError) as caught:
        Torn(torn, 0x500000).write({"second": 8, "third": 9})
    assert type(caught.value) is NotWritableError
    assert caught.value.transferred == 0


@pytest.mark.parametrize(
    "write",
    [
        lambda made, values: setattr(made, "items", values),
        lambda made, values: made.items.write(values),
        lambda made, values: operator.setitem(made.items, slice(None), values),
        lambda made, values: operator.setitem(made.items, slice(None, None, 2), values[::2]),
    ],
    ids=["attribute", "write", "slice", "every second"],
)
def test_an_array_that_is_written_in_part_says_so(torn, write):
    made = declare("Made", items=Field(Array(Item, 300)))(torn, 0x500F00)
    with pytest.raises(PartialWriteError) as caught:
        write(made, [{"kind": 1}] * 300)
    written = [item["kind"] for item in made.items.read()].count(1)
    assert caught.value.transferred == 4 * written > 0


def test_nothing_is_written_where_a_part_leaves_the_address_space(game, view):
    top = (1 << view.bitness) - 0x40
    with pytest.raises(OverflowError):
        Player(view, top).write({"health": 5, "bag": [{"count": 1}] * 4})
    assert game.writes == []


def test_errors_explain_themselves(view):
    with pytest.raises(NotReadableError) as caught:
        Player(view, 0).health  # noqa: B018
    assert (caught.value.address, caught.value.size) == (0x10, 4)
    assert caught.value.explanation


@given(
    st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=6)), max_size=12),
)
def test_runs_write_what_the_pieces_would(pieces):
    memory, again = bytearray(b"." * 64), bytearray(b"." * 64)
    for offset, data in pieces:
        memory[offset : offset + len(data)] = data
    found = runs(pieces)
    for offset, data in found:
        again[offset : offset + len(data)] = data
    assert again == memory
    assert all(data for _, data in found)
    ends = [(offset, offset + len(data)) for offset, data in found]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ends))


# -- what can be asked


def test_sizes_and_offsets_are_asked_of_classes_and_of_what_is_live(view, player):
    assert sizeof(Player, view) == sizeof(player) == sizeof(Player, view.bitness)
    assert (sizeof(player.bag), sizeof(player.bag[0]), sizeof(player.grid)) == (32, 8, 12)
    assert offsetof(Player, "target", view) == offsetof(player, "target") == 0x88
    assert (addressof(player), addressof(player, "bag"), addressof(player.bag[1])) == (
        BASE,
        BASE + 0x60,
        BASE + 0x68,
    )


@pytest.mark.parametrize(
    ("ask", "error", "text"),
    [
        (
            lambda _: sizeof(Player),
            TypeError,
            "the layout of Player depends on the program: give a view of it too",
        ),
        (
            lambda _: sizeof(Player, 16),
            ValueError,
            "a MemoryView, or a bitness of 32 or 64 is needed, not 16",
        ),
        (lambda _: sizeof(Player, []), ValueError, "a MemoryView, or a bitness of 32 or 64 is needed, not"),
        (lambda _: sizeof(5, 64), TypeError, "a class of Structure, or a live one is needed, not 5"),
        (
            lambda _: offsetof(Player, "heath", 64),
            ValueError,
            "Player has no field 'heath'; did you mean 'health'",
        ),
        (lambda _: offsetof(Player, [], 64), ValueError, "Player has no field"),
        (lambda player: addressof(player, "heath"), ValueError, "Player has no field 'heath'"),
        (lambda player: addressof(player.bag, "kind"), TypeError, "an array has items and no fields"),
        (lambda _: addressof(Player), TypeError, "a live structure or array is needed, not <class"),
    ],
)
def test_questions_without_an_answer(player, ask, error, text):
    with pytest.raises(error) as caught:
        ask(player)
    assert str(caught.value).startswith(text)


# -- ctypes


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_int32)]


class Choice(ctypes.Union):
    _fields_ = [("number", ctypes.c_uint32), ("point", Point)]


class Plain(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [
        ("tag", ctypes.c_char),
        ("flag", ctypes.c_bool),
        ("points", Point * 2),
        ("choice", Choice),
        ("name", ctypes.c_char * 8),
        ("numbers", ctypes.c_int16 * 3),
        ("weight", ctypes.c_double),
    ]


class Linked(ctypes.Structure):
    pass


Linked._fields_ = [
    ("value", ctypes.c_int32),
    ("next", ctypes.POINTER(Linked)),
    ("anything", ctypes.c_void_p),
    ("number", ctypes.POINTER(ctypes.c_int16)),
    ("call", ctypes.CFUNCTYPE(None)),
]


def test_a_ctypes_structure_is_read_live(view):
    source = Plain(b"t", True, (Point * 2)((1, 2), (3, 4)), Choice(point=(5, 6)), b"caf\xe9", (7, 8, 9), 0.5)
    view.write_struct(source, BASE)
    plain = Structure.from_ctypes(Plain)(view, BASE)
    assert plain.read() == {
        "tag": b"t",
        "flag": True,
        "points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}],
        "choice": {"number": 5, "point": {"x": 5, "y": 6}},
        "name": "caf\udce9",
        "numbers": [7, 8, 9],
        "weight": 0.5,
    }
    plain.points[1].y += 1
    plain.write(plain.read())
    source.points[1].y = 5
    assert view.read(ctypes.sizeof(Plain), BASE) == bytes(source)


def test_a_ctypes_type_stands_in_a_field(view):
    class Holder(Structure):
        first = Field("char")
        spawn = Field(Point)
        points = Field(Array(Point, 2))
        to = Field(Pointer(Point))
        handle = Field(ctypes.c_uint32)
        numbers = Field(ctypes.c_int16 * 3)
        plain = Field(Plain)

    assert [
        offsetof(Holder, name, 64) for name in ("spawn", "points", "to", "handle", "numbers", "plain")
    ] == [
        4,
        12,
        32,
        40,
        44,
        50,
    ]
    holder = Holder(view, BASE)
    holder.spawn.x = 5
    holder.spawn = {"y": 6}
    assert holder.spawn.read() == {"x": 5, "y": 6}
    holder.spawn = Point(7, 8)
    holder.points = [Point(1, 2), {"x": 3, "y": 4}]
    holder.to = holder.spawn
    assert (holder.spawn.y, holder.points[1].y, holder.to.x) == (8, 4, 7)
    with pytest.raises(OverflowError, match=r"^Holder\.handle: "):
        holder.handle = 1 << 32
    with pytest.raises(TypeError):
        holder.spawn = Choice()


def test_ctypes_values_are_what_they_stand_for(view):
    class Holder(Structure):
        number = Field("int")
        letter = Field("wchar")
        numbers = Field(Array("short", 3))
        rows = Field(Array(Array("uint8", 2), 2))
        points = Field(Array(Point, 2))
        anything = Field("pointer")
        to = Field(Pointer(Point))

    holder = Holder(view, BASE)
    holder.number = ctypes.c_int(-5)
    holder.letter = ctypes.c_wchar("x")
    holder.numbers = (ctypes.c_short * 3)(1, 2, 3)
    holder.numbers[1] = ctypes.c_int8(7)
    holder.rows = ((ctypes.c_uint8 * 2) * 2)((1, 2), (3, 4))
    holder.points = (Point * 2)((5, 6), (7, 8))
    holder.anything = ctypes.c_void_p(OTHER)
    holder.to = ctypes.c_void_p(BASE)
    assert holder.read() == {
        "number": -5,
        "letter": "x",
        "numbers": [1, 7, 3],
        "rows": [[1, 2], [3, 4]],
        "points": [{"x": 5, "y": 6}, {"x": 7, "y": 8}],
        "anything": OTHER,
        "to": BASE,
    }
    holder.write({"numbers": [ctypes.c_short(9), 8, 7], "anything": ctypes.c_void_p(), "to": None})
    assert (holder.numbers[:], holder.anything, holder.to) == ([9, 8, 7], 0, None)
    holder.anything = OTHER
    holder.anything = None
    assert holder.anything == 0


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("number", ctypes.c_double(1.5), TypeError),
        ("number", ctypes.c_uint32(1 << 31), OverflowError),
        ("number", None, TypeError),
        ("number", ctypes.c_void_p(), TypeError),
        ("letter", ctypes.c_char_p(b"x"), TypeError),
        ("letter", ctypes.c_wchar_p("x"), TypeError),
        ("numbers", (ctypes.c_short * 2)(), ValueError),
        ("numbers", (ctypes.c_int * 3)(1, 2, 1 << 20), OverflowError),
        ("numbers", (ctypes.c_double * 3)(), TypeError),
        ("numbers", (Point * 3)(), TypeError),
        ("to", ctypes.pointer(Point()), TypeError),
        ("to", ctypes.c_char_p(b"x"), TypeError),
        ("anything", ctypes.py_object(5), TypeError),
        ("anything", ctypes.pointer(Point()), TypeError),
    ],
)
def test_ctypes_values_of_other_types_are_refused(view, field, value, error):
    class Holder(Structure):
        number = Field("int")
        letter = Field("wchar")
        numbers = Field(Array("short", 3))
        to = Field(Pointer(Point))
        anything = Field("pointer")

    before = view.read(64, BASE)
    with pytest.raises(error, match=rf"^Holder\.{field}: "):
        setattr(Holder(view, BASE), field, value)
    assert view.read(64, BASE) == before


def test_a_class_is_made_of_a_ctypes_structure_once():
    assert Structure.from_ctypes(Point) is Structure.from_ctypes(Point)
    assert Structure.from_ctypes(Point).__name__ == "Point"


def test_pointers_of_ctypes_are_followed_where_they_have_the_programs_width():
    linked = Structure.from_ctypes(Linked)
    game = FakeProcess(bitness=OWN_BITNESS)
    game.map(BASE, SIZE)
    with game.open("rw") as view:
        first = linked(view, BASE)
        first.write({"value": 1, "next": OTHER, "anything": BASE, "number": OTHER})
        linked(view, OTHER).value = 7
        assert (first.next.value, first.next.next, first.anything, first.number[0], first.call) == (
            7,
            None,
            BASE,
            7,
            0,
        )
        assert type(first.next) is linked
    other = FakeProcess(bitness=OTHER_BITNESS)
    other.map(BASE, SIZE)
    with other.open() as view, pytest.raises(TypeError, match=r"^Linked holds pointers, which have "):
        linked(view, BASE)
    holder = declare(linked=Field(Linked), plain=Field(ctypes.c_void_p))
    assert sizeof(holder, OWN_BITNESS)
    with pytest.raises(TypeError, match=r"^Linked holds pointers, which have "):
        sizeof(holder, OTHER_BITNESS)


class Bits(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint32, 3), ("high", ctypes.c_uint32, 29)]


class Named(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p)]


class Reading(ctypes.Structure):
    _fields_ = [("read", ctypes.c_int32)]


class Big(ctypes.BigEndianStructure):
    _fields_ = [("number", ctypes.c_int32)]


class Long(ctypes.Structure):
    _fields_ = [("number", ctypes.c_longdouble)]


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (Bits, TypeError, "Bits.low is a bit field, which has no address of its own; "),
        (Named, TypeError, "Named holds a c_char_p, c_wchar_p or py_object, which Python would follow"),
        (Reading, ValueError, "Reading.read can't be a field: that name is Structure's own"),
        (Big, TypeError, "a field of a structure can't be a c_"),
        (int, TypeError, "a class made of ctypes.Structure or ctypes.Union is needed, not <class 'int'>"),
        (ctypes.c_int32, TypeError, "a class made of ctypes.Structure or ctypes.Union is needed, not <class"),
        ([], TypeError, "a class made of ctypes.Structure or ctypes.Union is needed, not []"),
        (Point(), TypeError, "a class made of ctypes.Structure or ctypes.Union is needed, not <"),
    ],
    ids=str,
)
def test_a_ctypes_structure_that_can_not_be_one_of_ours(source, error, text):
    with pytest.raises(error) as caught:
        Structure.from_ctypes(source)
    assert str(caught.value).startswith(text)


class Wide(ctypes.Structure):
    _fields_ = [("name", ctypes.c_wchar * 8), ("letter", ctypes.c_wchar)]


def test_wide_text_of_ctypes_is_text_where_it_has_the_programs_width(view):
    if ctypes.sizeof(ctypes.c_wchar) != 2:
        # As wide as in programs of Linux, so that the class can be made.
        with pytest.raises(
            TypeError, match=r"^Wide holds a c_wchar, which has 4 bytes in this Python and 2 in "
        ):
            Structure.from_ctypes(Wide)(view, BASE)
        assert Structure.from_ctypes(Wide)._layout_for(LINUX_64).size == 36
        return
    view.write(bytes(Wide("Gräfin", "ß")), BASE)
    assert Structure.from_ctypes(Wide)(view, BASE).read() == {"name": "Gräfin", "letter": "ß"}


def test_wide_text_of_ctypes_may_be_half_a_character(view):
    view.write(struct.pack("<4H", 0x41, 0xD800, 0x42, 0xD801), BASE)
    name = Field(_declared._any_text(8, "utf-16"))
    made = declare(name=name)(view, BASE)
    assert made.name == "A\ud800B\ud801"
    made.name = "\udc00x"
    assert made.read() == {"name": "\udc00x"}


def test_a_ctypes_structure_gets_its_fields_before_it_is_taken():
    class Late(ctypes.Structure):
        pass

    for use in (lambda: Structure.from_ctypes(Late), lambda: declare(late=Field(Late))):
        with pytest.raises(TypeError, match=r"^Late has no _fields_ yet$"):
            use()
    Late._fields_ = [("value", ctypes.c_int32)]
    assert sizeof(Structure.from_ctypes(Late), 64) == 4


def test_threads_get_the_same_class_of_ctypes_and_from_it(monkeypatch):
    made = []
    turn = threading.Barrier(2)

    def slow(*arguments: Any) -> Any:
        turn.wait(30)
        return _padded.padded_structure(*arguments)

    monkeypatch.setattr(_layout, "padded_structure", slow)
    one = declare("One", value=Field("int"))
    threads = [threading.Thread(target=lambda: made.append(one.as_ctypes(64))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 2
    assert made[0] is made[1]


def test_a_ctypes_instance_of_another_width_is_named(view):
    record = Player.as_ctypes(96 - view.bitness)()
    with pytest.raises(TypeError, match=rf"other than Player\.as_ctypes\({view.bitness}\)$"):
        Player(view, BASE).write(record)


@pytest.mark.skipif(ctypes.c_longdouble is ctypes.c_double, reason="it is a double here")
def test_a_long_double_is_no_field():
    with pytest.raises(TypeError, match=r"^a field of a structure can't be a c_longdouble$"):
        Structure.from_ctypes(Long)


@pytest.mark.parametrize("bitness", [64, 32])
def test_a_structure_made_for_ctypes_is_what_a_view_takes(bitness):
    game = FakeProcess(bitness=bitness)
    game.map(BASE, SIZE)
    with game.open("rw") as view:
        player = Player(view, BASE)
        player.write({"health": 5, "name": "Ada", "target": OTHER, "wide": "Zoë", "grid": [[1, 2, 3]] * 2})
        layout = Player.as_ctypes(view)
        record = view.read_struct(layout, BASE)
        assert (record.health, record.name, record.target) == (5, b"Ada", OTHER)
        assert (list(record.wide[:4]), list(record.grid[1])) == ([90, 111, 235, 0], [1, 2, 3])
        record.health = 6
        record.bag[3].count = 7
        player.write(record)
        assert (player.health, player.bag[3].count) == (6, 7)
        view.write_struct(record, OTHER)
        assert Player(view, OTHER).health == 6
    assert Player.as_ctypes(bitness) is layout
    assert ctypes.sizeof(layout) == sizeof(Player, bitness)


def test_a_ctypes_instance_leaves_what_is_between_the_fields_alone(view):
    class Stats(Structure, size=0x20):
        gold = Field("int", 8)

    class Holder(Structure):
        first = Field("char")
        stats = Field(Stats)

    record = view.read_struct(Holder.as_ctypes(view), BASE)
    view.write(b"\xff" * sizeof(Holder, view), BASE)
    Holder(view, BASE).write(record)
    assert Holder(view, BASE).read() == {"first": b"\0", "stats": {"gold": 0}}
    assert view.read(12, BASE) == b"\0" + b"\xff" * 11
    assert view.read(4, BASE + 0x10) == b"\xff" * 4


def test_a_structure_made_for_ctypes_can_be_nested():
    class Party(ctypes.Structure):
        _fields_ = [("first", ctypes.c_uint8), ("leader", Item.as_ctypes(64)), ("u", Variant.as_ctypes(64))]

    assert (Party.leader.offset, Party.u.offset, ctypes.sizeof(Party)) == (4, 12, 16)
    holder = declare(first=Field("uint8"), leader=Field(Item.as_ctypes(64)))
    assert offsetof(holder, "leader", 64) == 4


def test_a_packed_structure_is_packed_for_ctypes_too():
    packed = declare("Packed", kind=Field("uint8", 0), length=Field("uint32", 1))
    made = packed.as_ctypes(64)
    assert (ctypes.alignment(made), ctypes.sizeof(made), made.length.offset) == (1, 5, 1)


@pytest.mark.parametrize("name", ["_padding_4", "_padding", "_alone_b", "_union", "_union_"])
@pytest.mark.parametrize("offset", [0, 8])
def test_a_field_may_have_the_name_of_padding(name, offset):
    made = declare(**{name: Field("int", 0), "b": Field("short", offset)}).as_ctypes(64)
    assert [getattr(made, each).offset for each in (name, "b")] == [0, offset]
    record = made()
    setattr(record, name, 5)
    assert getattr(record, name) == 5


def test_there_and_back_is_the_same_layout():
    for bitness in (64, 32):
        again = Structure.from_ctypes(Player.as_ctypes(bitness))
        for name in Player._fields:
            assert offsetof(again, name, bitness) == offsetof(Player, name, bitness)


def test_a_view_is_not_held_by_what_is_known_of_classes(game):
    view = game.open()
    Player(view, BASE).read()
    gone = weakref.ref(view)
    view.close()
    del view
    gc.collect()
    assert gone() is None


def test_an_index_of_numpys_kind_is_an_address(view):
    class Index:
        def __index__(self):
            return OTHER

    player = Player(view, BASE)
    player.target = Index()
    assert operator.eq(addressof(player.target), OTHER)


def test_an_address_may_be_an_expression(game, view):
    view.write_pointer(BASE, OTHER + 0x100)
    player = Player(view, f"[{OTHER + 0x100:x}]")
    player.health = 2.5
    assert Player(view, BASE).health == 2.5
    view.write_pointer(OTHER, OTHER + 0x100)
    assert addressof(player) == OTHER  # it is followed anew at each use
    with pytest.raises(AddressSyntaxError):
        Player(view, "[1").health  # noqa: B018


def test_a_live_structure_is_in_a_program_already(view):
    player = Player(view, BASE)
    for ask in (
        lambda: sizeof(player, 32),
        lambda: offsetof(player, "health", view),
        lambda: sizeof(player, "x"),
    ):
        with pytest.raises(TypeError, match="is in a program already"):
            ask()


@pytest.mark.parametrize("name", ["_anonymous_", "_pack_", "_layout_"])
def test_names_that_mean_something_to_ctypes_are_no_fields(name):
    with pytest.raises(
        ValueError, match=rf"^Wrong\.{name} can't be a field: that name means something to ctypes"
    ):
        type("Wrong", (Structure,), {name: Field("int")})


@pytest.mark.parametrize(
    "field", [lambda: Field("int", 1 << 70), lambda: Field(Array("int", sys.maxsize // 2))]
)
def test_a_structure_has_no_more_bytes_than_can_be_counted(field):
    with pytest.raises(ValueError, match="more bytes than this Python can count"):
        type("Huge", (Structure,), {"one": field()})
