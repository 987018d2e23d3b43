"""Structures of programs of Linux, held against what a C compiler makes of them in both widths.

i386 aligns 8 bytes to 4, where 64-bit Linux and all of Windows align them to 8.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import json
import random
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support import targets

from memaccess import MemoryView
from memaccess._structs import OWN_MODEL, alignment_of, check_layout, compile_format
from memaccess._types import LINUX_32, LINUX_64, TYPES, DataModel
from memaccess.structures import Array, Field, Pointer, String, Structure, addressof, offsetof, sizeof

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.targets import Target

MODELS = {32: LINUX_32, 64: LINUX_64}
every_bitness = pytest.mark.parametrize("bitness", MODELS)


class Item(Structure):
    kind = Field("int")
    count = Field("unsigned_short")


class Cell(Structure):
    tag = Field("char")
    weight = Field("double")
    items = Field(Array(Item, 2))
    end = Field("char")


class Either(Structure):
    whole = Field("long_long", 0)
    halves = Field(Array("unsigned_int", 2), 0)
    text = Field(String(12), 0)


class Mixed(Structure):
    grade = Field("char")
    id = Field("long_long")
    health = Field("float")
    position = Field(Array("double", 3))
    mark = Field("char")
    cells = Field(Array(Cell, 2))
    grid = Field(Array(Array("short", 3), 2))
    either = Field(Either)
    alive = Field("bool")
    flags = Field("unsigned_long")
    title = Field(String(28, "utf-32"))
    name = Field(String(5))
    mass = Field("size_t")
    target = Field(Pointer("Mixed"))
    motto = Field(Pointer(String(64, "utf-32")))
    debt = Field("long")
    handler = Field("pointer")
    level = Field("int")
    score = Field("uint64")
    last = Field("char")


class Boss(Mixed):
    rage = Field("char")
    power = Field("long_long")


class Packet(Structure):
    kind = Field("char", 0)
    payload = Field("double", 2)
    length = Field("int", 10)
    check = Field("char", 14)


PROBES = {
    f"struct probe_{name}": type(
        f"probe_{name}", (Structure,), {"before": Field("char"), "it": Field(name), "after": Field("char")}
    )
    for name in TYPES
}
CLASSES: dict[str, type[Structure]] = {
    "struct item": Item,
    "struct cell": Cell,
    "union either": Either,
    "struct mixed": Mixed,
    "struct boss": Boss,
    "struct packet": Packet,
    **PROBES,
}


@pytest.fixture(params=MODELS)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("layouts", request.param) as started:
        yield started


@pytest.fixture
def view(target: Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid, "rw") as opened:
        yield opened


def test_every_structure_lies_as_the_compiler_has_it(target: Target, view: MemoryView) -> None:
    facts = target.facts
    assert {name: sizeof(cls, view) for name, cls in CLASSES.items()} == facts["sizes"]
    alignments = {name: cls._layout_for(view._model).align for name, cls in CLASSES.items()}
    assert alignments == facts["alignments"]
    fields = [key.split(".") for key in facts["offsets"]]
    offsets = {f"{name}.{field}": offsetof(CLASSES[name], field, view) for name, field in fields}
    assert offsets == facts["offsets"]
    assert {f"struct mixed.{name}" for name in Mixed._fields} <= set(offsets)


def as_here(alignment: int) -> int:
    """What a class of ctypes has of it: no more than this Python aligns anything to."""
    return min(alignment, OWN_MODEL.largest_alignment)


def test_ctypes_gets_the_same_layouts(target: Target, view: MemoryView) -> None:
    for name, cls in CLASSES.items():
        layout = cls.as_ctypes(view)
        assert ctypes.sizeof(layout) == target.facts["sizes"][name]
        assert ctypes.alignment(layout) == as_here(target.facts["alignments"][name])
        check_layout(layout, view._model)
        again = Structure.from_ctypes(layout)
        assert again._layout_for(view._model).align == target.facts["alignments"][name]
        for field in cls._fields:
            assert getattr(layout, field).offset == offsetof(cls, field, view)


def told(target: Target) -> dict[str, Any]:
    """The values as the program reads them by their names."""
    return target.ask("dump")["values"]


def seen(mixed: Mixed) -> dict[str, Any]:
    """The same through the view, in one read."""
    values = mixed.read()
    return {
        "grade": values["grade"][0],
        "id": values["id"],
        "health": values["health"],
        "position": values["position"],
        "cells": [
            [cell["tag"][0], cell["weight"], *cell["items"][1].values(), cell["end"][0]]
            for cell in values["cells"]
        ],
        "grid": values["grid"],
        "whole": values["either"]["whole"],
        "flags": values["flags"],
        "mass": values["mass"],
        "debt": values["debt"],
        "level": values["level"],
        "score": values["score"],
        "last": values["last"][0],
    }


def test_values_are_those_of_the_program(target: Target, view: MemoryView) -> None:
    addresses = target.addresses
    mixed = Mixed(view, addresses["mixed"])
    assert seen(mixed) == told(target)
    assert (mixed.grade, mixed.id, mixed.either.halves[:]) == (b"A", -9_000_000_000, [2, 3])
    assert (mixed.title, mixed.name, mixed.motto) == ("Gräfin", "Zoë", "Grüße \N{SNAKE}")
    assert (mixed.alive, mixed.handler) == (True, 0)
    assert (addressof(mixed.target), mixed.target.grade) == (addresses["other"], b"B")
    assert mixed.target.target == mixed
    boss = Boss(view, addresses["boss"])
    assert (boss.grade, boss.rage, boss.power) == (b"C", b"r", 1 << 40)
    packet = Packet(view, addresses["packet"])
    assert packet.read() == {"kind": b"p", "payload": 0.5, "length": 7, "check": b"c"}


def test_the_program_sees_what_is_written(target: Target, view: MemoryView) -> None:
    mixed = Mixed(view, target.addresses["mixed"])
    mixed.id = 1 << 40
    mixed.position[2] = 0.125
    mixed.cells[1].weight = -7.5
    mixed.write({"score": 3, "debt": -(1 << 31), "either": {"whole": 5}, "last": b"x"})
    after = told(target)
    assert after["position"] == [1, -2, 0.125]
    assert (after["id"], after["cells"][1][1], after["score"]) == (1 << 40, -7.5, 3)
    assert (after["debt"], after["whole"], after["last"]) == (-(1 << 31), 5, ord("x"))
    assert seen(mixed) == after


def test_formats_and_ctypes_read_as_the_program_has_it(target: Target, view: MemoryView) -> None:
    address = target.addresses["mixed"]
    assert view.read_struct("cqf3dc", address) == (b"A", -9_000_000_000, 2.5, 1.0, -2.0, 3.5, b"m")
    record = view.read_struct(Mixed.as_ctypes(view), address)
    assert (record.id, record.score, record.cells[1].weight) == (-9_000_000_000, 1 << 63, 0.25)


# -- what ctypes has otherwise


class Wide(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int64), ("count", ctypes.c_int32)]


class Behind(ctypes.Structure):
    _fields_ = [("tag", ctypes.c_int32), ("rows", Wide * 2)]


class Late(ctypes.Structure):
    _fields_ = [("tag", ctypes.c_int32), ("weight", ctypes.c_double)]


class Bits(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint32, 3), ("weight", ctypes.c_double)]


class EitherOne(ctypes.Union):
    _fields_ = [("number", ctypes.c_uint64), ("text", ctypes.c_char * 12)]


class Made(Late):
    _fields_ = [("more", ctypes.c_int64)]


class Alike(ctypes.Structure):
    _fields_ = [("tag", ctypes.c_int32), ("rest", ctypes.c_int32), ("weight", ctypes.c_double)]


class AlikeToo(Alike):
    _fields_ = [("more", ctypes.c_int32), ("last", ctypes.c_uint8 * 4)]


class PackedLate(ctypes.Structure):
    _pack_ = 4
    _layout_ = "ms"
    _fields_ = [("tag", ctypes.c_int32), ("weight", ctypes.c_double), ("bits", ctypes.c_uint32, 3)]


class Few(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint32, 3), ("high", ctypes.c_uint32, 29), ("tag", ctypes.c_uint8)]


aligned_to_8 = pytest.mark.skipif(OWN_MODEL.largest_alignment != 8, reason="this Python aligns as i386 does")


@aligned_to_8
@pytest.mark.parametrize(
    ("layout", "where"),
    [
        (Wide, "the end of Wide"),
        (Behind, "the end of Wide"),
        (Wide * 3, "the end of Wide"),
        (Late, "Late.weight"),
        (Bits, "Bits.weight"),
        (EitherOne, "the end of EitherOne"),
        (Made, "Late.weight"),
    ],
)
def test_a_class_that_i386_lays_out_otherwise_is_refused_with_the_way_out(layout: Any, where: str) -> None:
    check_layout(layout, LINUX_64)
    with pytest.raises(TypeError) as caught:
        check_layout(layout, LINUX_32)
    assert str(caught.value) == (
        f"{layout.__name__} lies otherwise in the target, from {where} on: 8 bytes are aligned to 8 in this "
        "Python and to 4 there; declare it with _pack_ = 4"
    )


@aligned_to_8
@pytest.mark.parametrize("layout", [Alike, AlikeToo, PackedLate, Few, ctypes.c_int64, ctypes.c_double * 3])
def test_a_class_that_lies_alike_is_taken(layout: Any) -> None:
    check_layout(layout, LINUX_32)


@aligned_to_8
def test_a_ctypes_class_nested_is_aligned_as_the_program_has_it() -> None:
    outer = type("Outer", (Structure,), {"tag": Field("char"), "inner": Field(Alike), "end": Field("char")})
    assert (offsetof(outer, "inner", 64), offsetof(outer, "end", 64)) == (8, 24)
    layout = outer._layout_for(LINUX_32)
    assert (layout.slots["inner"].offset, layout.slots["end"].offset, layout.size) == (4, 20, 24)


@pytest.mark.skipif(ctypes.c_longdouble is ctypes.c_double, reason="it is a double here")
def test_a_long_double_is_taken_where_it_is_this_pythons() -> None:
    check_layout(ctypes.c_longdouble, OWN_MODEL)
    with pytest.raises(TypeError, match=r"^c_longdouble holds a c_longdouble, which differs between systems"):
        check_layout(ctypes.c_longdouble, LINUX_32 if OWN_MODEL == LINUX_64 else LINUX_64)


# -- any structure

C_NAMES = {
    "signed_char": "signed char",
    "unsigned_char": "unsigned char",
    "bool": "_Bool",
    "wchar": "wchar_t",
    "unsigned_short": "unsigned short",
    "unsigned_int": "unsigned int",
    "unsigned_long": "unsigned long",
    "long_long": "long long",
    "unsigned_long_long": "unsigned long long",
    "pointer": "void *",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
ALIGNED_TO_8 = ["long_long", "double", "int64", "uint64", "unsigned_long_long"]


class Member(NamedTuple):
    """A field: a C type by its name, or a structure by its number; an array where there are dimensions."""

    kind: str | int
    dimensions: tuple[int, ...]


class Shape(NamedTuple):
    """A structure or a union."""

    is_union: bool
    members: list[Member]


def drawn_shapes(count: int) -> list[Shape]:
    """Structures that have the earlier ones in them."""
    draw = random.Random(20)
    found: list[Shape] = []
    for number in range(count):
        members = []
        for _ in range(draw.randint(1, 7)):
            kind: str | int = draw.choice([draw.choice(list(TYPES)), draw.choice(ALIGNED_TO_8)])
            if number and draw.random() < 0.3:
                kind = draw.randrange(min(number, 30))
            few = 0 if draw.random() < 0.6 else draw.randint(1, 2)
            members.append(Member(kind, tuple(draw.randint(1, 3) for _ in range(few))))
        found.append(Shape(draw.random() < 0.2, members))
    return found


SHAPES = drawn_shapes(200)


def c_source() -> str:
    """A program that prints a line for each of them: its size, its alignment, its offsets."""
    lines = ["#include <stddef.h>", "#include <stdint.h>", "#include <stdio.h>", "#include <wchar.h>"]
    for number, shape in enumerate(SHAPES):
        lines.append(f"typedef {'union' if shape.is_union else 'struct'} {{")
        for field, (kind, dimensions) in enumerate(shape.members):
            name = f"S{kind}" if isinstance(kind, int) else C_NAMES.get(kind, kind)
            lines.append(f"    {name} f{field}{''.join(f'[{each}]' for each in dimensions)};")
        lines.append(f"}} S{number};")
    lines.append("int main(void) {")
    for number, shape in enumerate(SHAPES):
        numbers = [f"sizeof(S{number})", f"_Alignof(S{number})"]
        numbers += [f"offsetof(S{number}, f{field})" for field in range(len(shape.members))]
        said = ", ".join(f"(int){each}" for each in numbers)
        lines.append(f'    printf("[{", ".join(["%d"] * len(numbers))}]\\n", {said});')
    return "\n".join([*lines, "    return 0;", "}", ""])


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[list[int]]]:
    """What C says of each shape: its size, its alignment, and its offsets."""
    folder: Path = tmp_path_factory.mktemp("shapes")
    (folder / "shapes.c").write_text(c_source())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(targets.SOURCES)
        zig = importlib.import_module("_zig")
    said = {}
    for bitness in MODELS:
        zig.compile_program(bitness, folder / f"shapes-{bitness}", folder / "shapes.c", platform=zig.LINUX)
        lines = subprocess.run([folder / f"shapes-{bitness}"], check=True, stdout=subprocess.PIPE).stdout
        said[bitness] = [json.loads(line) for line in lines.splitlines()]
    return said


def arrayed(kind: Any, dimensions: tuple[int, ...], many: Any) -> Any:
    """The type, or an array of arrays of it."""
    for count in reversed(dimensions):
        kind = many(kind, count)
    return kind


@functools.cache
def ours(number: int) -> type[Structure]:
    """A shape as a class of ours."""
    shape = SHAPES[number]
    fields = {
        f"f{field}": Field(
            arrayed(ours(kind) if isinstance(kind, int) else kind, dimensions, Array),
            0 if shape.is_union else None,
        )
        for field, (kind, dimensions) in enumerate(shape.members)
    }
    return type(f"S{number}", (Structure,), fields)


@functools.cache
def theirs(number: int, model: DataModel, pack: int | None) -> Any:
    """A shape as a class of ctypes, in types of the width that they have in programs of that data model."""
    shape = SHAPES[number]
    fields = [
        (
            f"f{field}",
            arrayed(
                theirs(kind, model, pack) if isinstance(kind, int) else fixed(kind, model),
                dimensions,
                lambda item, count: item * count,
            ),
        )
        for field, (kind, dimensions) in enumerate(shape.members)
    ]
    packing = {} if pack is None else {"_pack_": pack, "_layout_": "ms"}
    base = ctypes.Union if shape.is_union else ctypes.Structure
    return type(f"S{number}", (base,), {**packing, "_fields_": fields})


def fixed(name: str, model: DataModel) -> Any:
    """A C type as a ctypes type of fixed width."""
    plain = {
        "char": ctypes.c_char,
        "bool": ctypes.c_bool,
        "float": ctypes.c_float,
        "double": ctypes.c_double,
    }
    codec = TYPES[name].codec(model)
    return plain.get(name) or getattr(ctypes, f"c_{'u' if codec.code.isupper() else ''}int{8 * codec.size}")


def facts_of(layout: Any) -> list[int]:
    """Size, alignment and offsets of a class of ctypes."""
    offsets = [getattr(layout, name).offset for name, _ in layout._fields_]
    return [ctypes.sizeof(layout), ctypes.alignment(layout), *offsets]


@every_bitness
def test_any_structure_lies_as_the_compiler_has_it(bitness: int, compiled: Any) -> None:
    for number, said in enumerate(compiled[bitness]):
        layout = ours(number)._layout_for(MODELS[bitness])
        assert [layout.size, layout.align, *(slot.offset for slot in layout.slots.values())] == said
        assert facts_of_made(ours(number), MODELS[bitness]) == [said[0], as_here(said[1]), *said[2:]]
    assert len(compiled[bitness]) == len(SHAPES)


def facts_of_made(cls: type[Structure], model: DataModel) -> list[int]:
    """As :func:`facts_of`, of the class of ctypes that is made of one of ours."""
    layout = cls._layout_for(model).ctype()
    offsets = [getattr(layout, name).offset for name in cls._fields]
    return [ctypes.sizeof(layout), ctypes.alignment(layout), *offsets]


def test_the_widths_differ_in_many_of_them(compiled: Any) -> None:
    """Else nothing would be shown."""
    differing = [one for one, other in zip(compiled[32], compiled[64], strict=True) if one != other]
    assert len(differing) > len(SHAPES) // 2


@aligned_to_8
@every_bitness
def test_a_class_of_ctypes_is_taken_exactly_where_it_lies_as_in_c(bitness: int, compiled: Any) -> None:
    model = MODELS[bitness]
    taken = refused = 0
    right: set[int] = set()
    for number, said in enumerate(compiled[bitness]):
        layout = theirs(number, model, None)
        inner = {kind for kind, _ in SHAPES[number].members if isinstance(kind, int)}
        size, _, *offsets = facts_of(layout)
        if [size, *offsets] == [said[0], *said[2:]] and inner <= right:
            right.add(number)
        assert alignment_of(layout, model) == said[1]
        made = Structure.from_ctypes(layout)
        if number in right:
            slots = made._layout_for(model).slots.values()
            assert [made._layout_for(model).size, *(slot.offset for slot in slots)] == [said[0], *said[2:]]
            taken += 1
        else:
            with pytest.raises(TypeError, match="lies otherwise in the target"):
                made._layout_for(model)
            refused += 1
    assert taken > 20
    assert refused > 20 or bitness == 64


@every_bitness
def test_a_class_of_ctypes_packed_as_it_is_told_lies_as_in_c(bitness: int, compiled: Any) -> None:
    model = MODELS[bitness]
    if model.largest_alignment > OWN_MODEL.largest_alignment:
        pytest.skip("packing makes no Python align more than it does")
    for number, said in enumerate(compiled[bitness]):
        layout = theirs(number, model, model.largest_alignment)
        assert facts_of(layout) == said
        check_layout(layout, model)


@every_bitness
def test_any_format_lies_as_the_compiler_has_it(bitness: int, compiled: Any) -> None:
    model, looked_at = MODELS[bitness], 0
    codes = {name: c_type.codec(model).code for name, c_type in TYPES.items()}
    codes |= {"long": "l", "unsigned_long": "L", "pointer": "P", "size_t": "N"}
    for shape, (size, align, *offsets) in zip(SHAPES, compiled[bitness], strict=True):
        if shape.is_union or any(isinstance(kind, int) for kind, _ in shape.members):
            continue
        looked_at += 1
        items = [
            f"{functools.reduce(int.__mul__, dimensions, 1)}{codes[kind]}"  # type: ignore[index]
            for kind, dimensions in shape.members
        ]
        before = ["", *itertools.accumulate(items)]
        for (kind, _), start, offset in zip(shape.members, before[:-1], offsets, strict=True):
            assert compile_format(f"{start}0{codes[kind]}", model).size == offset  # type: ignore[index]
        widest = {1: "b", 2: "h", 4: "i", 8: "q"}[align]
        assert compile_format(f"{before[-1]}0{widest}", model).size == size
    assert looked_at > 20


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="a 64-bit Python has the layout of 64-bit programs")
@pytest.mark.parametrize("format", ["cq", "cdb", "bl", "bN0q", "?P"])
def test_this_pythons_own_layout_is_that_of_64_bit_linux(format: str) -> None:
    assert compile_format(format, LINUX_64).size == struct.calcsize(format)
