"""Struct formats against what C compilers do, and which ctypes structures fit a target.

The numbers of COMPILED are what this prints, with ``-target x86_64-windows-gnu`` and
``-target x86-windows-gnu`` (clang of ziglang 0.15.2)::

    #define O(s, m) (int)offsetof(struct s, m)
    struct a { char a; short b; int c; long long d; };                  // and so on, as in COMPILED
    const int facts_a[] = { O(a, a), O(a, b), O(a, c), O(a, d), sizeof(struct a) };

    python -m ziglang cc -target x86_64-windows-gnu -S -o - structs.c | grep -A5 facts_
"""

from __future__ import annotations

import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.alignment import as_windows_aligns

from memaccess._structs import check_layout, compile_format, pack
from memaccess._types import WINDOWS_32, WINDOWS_64, DataModel

OWN_POINTER = struct.calcsize("P")
HOST = DataModel(
    pointer_size=OWN_POINTER,
    long_size=struct.calcsize("l"),
    wchar_size=2,
    largest_alignment=ctypes.alignment(ctypes.c_int64),
)
OWN_WIDTH = {8: WINDOWS_64, 4: WINDOWS_32}[OWN_POINTER]
OTHER_WIDTH = {4: WINDOWS_64, 8: WINDOWS_32}[OWN_POINTER]

# The items of a C struct as a format, and then its offsets and its size, for each width.
COMPILED = {
    "char a; short b; int c; long long d": (["c", "h", "i", "q"], [0, 2, 4, 8, 16], [0, 2, 4, 8, 16]),
    "char a; double b; char c; float d": (["c", "d", "c", "f"], [0, 8, 16, 20, 24], [0, 8, 16, 20, 24]),
    "char a; long b; char c; void *d": (["c", "l", "c", "P"], [0, 4, 8, 16, 24], [0, 4, 8, 12, 16]),
    "short a; size_t b; char c; ptrdiff_t d": (["h", "N", "c", "n"], [0, 8, 16, 24, 32], [0, 4, 8, 12, 16]),
    "bool a; long long b; char c[3]; unsigned long d": (
        ["?", "q", "3B", "L"],
        [0, 8, 16, 20, 24],
        [0, 8, 16, 20, 24],
    ),
    "char a[5]; int b[3]; double c": (["5s", "3i", "d"], [0, 8, 24, 32], [0, 8, 24, 32]),
    "void *a; char b; unsigned short c; void *d; char e": (
        ["P", "b", "H", "P", "b"],
        [0, 8, 10, 16, 24, 32],
        [0, 4, 6, 8, 12, 16],
    ),
}
WINDOWS = {"windows64": WINDOWS_64, "windows32": WINDOWS_32}

# What Windows calls each code, as ctypes types of the same size on every host.
FIXED = {
    "c": ctypes.c_char,
    "b": ctypes.c_int8,
    "B": ctypes.c_uint8,
    "?": ctypes.c_bool,
    "h": ctypes.c_int16,
    "H": ctypes.c_uint16,
    "i": ctypes.c_int32,
    "I": ctypes.c_uint32,
    "l": ctypes.c_int32,
    "L": ctypes.c_uint32,
    "q": ctypes.c_int64,
    "Q": ctypes.c_uint64,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}
WORDS = {
    4: {"n": ctypes.c_int32, "N": ctypes.c_uint32, "P": ctypes.c_uint32},
    8: {"n": ctypes.c_int64, "N": ctypes.c_uint64, "P": ctypes.c_uint64},
}

VALUES = {
    "c": st.binary(min_size=1, max_size=1),
    "?": st.booleans(),
    "e": st.floats(width=16, allow_nan=False),
    "f": st.floats(width=32, allow_nan=False),
    "d": st.floats(allow_nan=False),
    **{code: st.integers(-128, 127) for code in "bhilqn"},
    **{code: st.integers(0, 255) for code in "BHILQNP"},
}
codes = st.sampled_from(list(VALUES))
counted = st.builds(lambda count, code: f"{count or ''}{code}", st.integers(0, 4), codes)
formats = st.lists(counted | st.sampled_from(["x", "3x", "0q", "0P", "2s", "0s", "4p", " "]), max_size=8).map(
    "".join
)


def offsets(items: list[str], model: DataModel) -> list[int]:
    """Where each item begins."""
    return [
        compile_format("".join(items[: number + 1]), model).size - compile_format(item, model).size
        for number, item in enumerate(items)
    ]


def layout_of(model: DataModel, items: list[tuple[str, int]]) -> type[ctypes.Structure]:
    """A ctypes structure of arrays of fixed-width types."""
    types = {**FIXED, **WORDS[model.pointer_size]}
    fields = [(f"item{number}", types[code] * count) for number, (code, count) in enumerate(items)]
    return type("Layout", (ctypes.Structure,), {"_fields_": fields})


@pytest.mark.parametrize("width", WINDOWS)
@pytest.mark.parametrize("declaration", COMPILED)
def test_items_lie_where_a_c_compiler_puts_them(declaration, width):
    items, *compiled = COMPILED[declaration]
    assert offsets(items, WINDOWS[width]) == compiled[list(WINDOWS).index(width)][:-1]


@pytest.mark.parametrize("width", WINDOWS)
@pytest.mark.parametrize("declaration", COMPILED)
def test_a_zero_count_pads_the_end_to_the_size_that_c_gives(declaration, width):
    items, *compiled = COMPILED[declaration]
    widest = "0q" if {"q", "d"} & set(items) else "0P"
    size = compile_format("".join([*items, widest]), WINDOWS[width]).size
    assert size == compiled[list(WINDOWS).index(width)][-1]


@given(format=formats, prefix=st.sampled_from(["", "@"]))
def test_a_target_as_wide_as_this_python_has_its_native_layout(format, prefix):
    assert compile_format(prefix + format, HOST).size == struct.calcsize(prefix + format)


@given(
    items=st.lists(codes.filter(lambda code: code != "e"), max_size=8).flatmap(
        lambda items: st.tuples(st.just(items), st.tuples(*(VALUES[code] for code in items)))
    )
)
def test_values_lie_as_in_the_native_layout(items):
    codes, values = items
    assert compile_format("".join(codes), HOST).pack(*values) == struct.pack("".join(codes), *values)


@as_windows_aligns
@given(
    model=st.sampled_from(list(WINDOWS.values())),
    items=st.lists(
        st.tuples(st.sampled_from([*FIXED, "n", "N", "P"]), st.integers(1, 4)), min_size=1, max_size=8
    ),
)
def test_both_widths_lay_out_as_ctypes_does_with_types_of_fixed_width(model, items):
    layout = layout_of(model, items)
    expected = [getattr(layout, name).offset for name, _ in layout._fields_]
    assert offsets([f"{count}{code}" for code, count in items], model) == expected


@given(
    model=st.sampled_from(list(WINDOWS.values())),
    prefix=st.sampled_from(["", "@", "=", "<", ">", "!"]),
    data=st.data(),
)
def test_what_was_packed_unpacks_to_the_same_values(model, prefix, data):
    items = data.draw(st.lists(codes.filter(lambda code: prefix in "@" or code not in "nNP"), max_size=8))
    values = data.draw(st.tuples(*(VALUES[code] for code in items)))
    compiled = compile_format(prefix + "".join(items), model)
    raw = pack(compiled, values)
    assert len(raw) == compiled.size
    assert compiled.unpack(raw) == values


@given(format=formats.filter(lambda items: not set(items) & set("nNP")), prefix=st.sampled_from("<>=!"))
def test_a_prefix_asks_for_the_standard_layout_of_every_target(format, prefix):
    assert compile_format(prefix + format, WINDOWS_32).size == struct.calcsize(prefix + format)


def test_native_layout_means_little_endian():
    assert compile_format("i", WINDOWS_64).pack(1) == b"\1\0\0\0"
    assert compile_format("=i", WINDOWS_64).pack(1) == b"\1\0\0\0"


@pytest.mark.parametrize("prefix", [">", "!"])
def test_a_format_may_ask_for_big_endian(prefix):
    assert compile_format(prefix + "i", WINDOWS_64).pack(1) == b"\0\0\0\1"


@pytest.mark.parametrize(
    ("format", "sizes"), [("l", (4, 4)), ("L", (4, 4)), ("P", (8, 4)), ("n", (8, 4)), ("N", (8, 4))]
)
def test_a_code_that_differs_between_systems_has_the_size_of_the_target(format, sizes):
    assert (compile_format(format, WINDOWS_64).size, compile_format(format, WINDOWS_32).size) == sizes


def test_blanks_between_items_do_not_count():
    assert compile_format(" c  i ", WINDOWS_64).size == compile_format("ci", WINDOWS_64).size


@pytest.mark.parametrize("format", ["", "@", "<", " "])
def test_an_empty_format_is_a_structure_without_bytes(format):
    assert compile_format(format, WINDOWS_64).size == 0


@pytest.mark.parametrize(
    "format",
    [
        "k",
        "i$",
        "3",
        "i3",
        "3 i",
        "i,i",
        "é",
        "٣i",
        "@@i",
        "i<i",
        "<k",
        "<3",
        "=P",
        ">n",
        "i\0",
        "9" * 30 + "i",
    ],
)
def test_what_is_no_format_is_a_value_error(format):
    with pytest.raises(ValueError, match=r"."):
        compile_format(format, WINDOWS_64)


def test_the_error_says_where_a_format_goes_wrong():
    with pytest.raises(ValueError, match=r"^'ci\$' is not a struct format: bad character at 2$"):
        compile_format("ci$", WINDOWS_64)


@pytest.mark.parametrize("format", [b"i", None, 4, ["i"]], ids=repr)
def test_a_format_that_is_no_str_is_refused(format):
    with pytest.raises(TypeError, match=f"^a struct format is a str, not {type(format).__name__}$"):
        compile_format(format, WINDOWS_64)


@pytest.mark.parametrize(
    ("format", "values"),
    [
        ("ii", (1,)),
        ("i", (1, 2)),
        ("i", ("one",)),
        ("i", (2**31,)),
        ("B", (-1,)),
        ("f", (1e300,)),
        ("c", (b"ab",)),
        ("P", (2**32,)),
    ],
)
def test_values_that_do_not_match_the_format_are_shown(format, values):
    with pytest.raises(ValueError, match=r" does not match the format ") as caught:
        pack(compile_format(format, WINDOWS_32), values)
    assert str(caught.value).startswith(repr(values))


# -- ctypes layouts


class Plain(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int32), ("bits", ctypes.c_uint32, 3), ("name", ctypes.c_char * 16)]


class Node(ctypes.Structure):
    _fields_ = [("value", ctypes.c_int32), ("link", ctypes.c_void_p)]


class Inherited(Node):
    _fields_ = [("more", ctypes.c_int32)]


class InheritedTwice(Inherited):
    pass


class Nested(ctypes.Structure):
    _fields_ = [("inner", Node)]


class Rows(ctypes.Structure):
    _fields_ = [("rows", Node * 2 * 3)]


class Either(ctypes.Union):
    _fields_ = [("number", ctypes.c_int32), ("link", ctypes.POINTER(ctypes.c_int32))]


class PlainEither(ctypes.Union):
    _fields_ = [("number", ctypes.c_int32), ("rows", Plain * 2)]


class Callback(ctypes.Structure):
    _fields_ = [("call", ctypes.CFUNCTYPE(None))]


class Linked(ctypes.Structure):
    pass


Linked._fields_ = [("next", ctypes.POINTER(Linked))]


class OwnPointer(ctypes.c_void_p):
    """A type of its own, as HANDLE is."""


WITH_POINTERS = [
    Node,
    Inherited,
    InheritedTwice,
    Nested,
    Rows,
    Either,
    Callback,
    Linked,
    OwnPointer,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_int),
    ctypes.CFUNCTYPE(ctypes.c_int),
    ctypes.c_void_p * 4,
]
WITHOUT = [Plain, PlainEither, Plain * 3, ctypes.c_int32, ctypes.c_char * 8, ctypes.c_double, ctypes.c_bool]


@pytest.mark.parametrize("layout", WITH_POINTERS, ids=lambda layout: layout.__name__)
def test_a_layout_with_pointers_of_another_width_is_refused_with_the_way_out(layout):
    with pytest.raises(TypeError) as caught:
        check_layout(layout, OTHER_WIDTH)
    assert str(caught.value) == (
        f"{layout.__name__} holds pointers, which have {OWN_POINTER} bytes in this Python and "
        f"{12 - OWN_POINTER} in the target; declare them as c_uint{8 * (12 - OWN_POINTER)}"
    )


@pytest.mark.parametrize("layout", WITH_POINTERS, ids=lambda layout: layout.__name__)
def test_pointers_as_wide_as_the_target_has_them_are_fine(layout):
    check_layout(layout, OWN_WIDTH)


@pytest.mark.parametrize("layout", [ctypes.c_char_p, ctypes.c_wchar_p, ctypes.py_object])
def test_what_python_would_follow_in_its_own_memory_is_refused(layout):
    with pytest.raises(TypeError, match="would follow in its own memory"):
        check_layout(layout * 2, OWN_WIDTH)


class Named(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int32), ("name", ctypes.c_char_p)]


class NamedTwice(Named):
    _fields_ = [("row", Plain)]


FOLLOWED = [
    ctypes.c_char_p,
    ctypes.c_wchar_p,
    ctypes.py_object,
    ctypes.c_char_p * 2,
    Named,
    NamedTwice,
    Named * 2,
]


@pytest.mark.parametrize("model", WINDOWS.values(), ids=WINDOWS.keys())
@pytest.mark.parametrize("layout", FOLLOWED, ids=lambda layout: layout.__name__)
def test_a_pointer_that_python_would_follow_in_its_own_memory_is_refused(layout, model):
    with pytest.raises(TypeError, match=f"^{layout.__name__} holds a .*; declare it as c_void_p$"):
        check_layout(layout, model)


@pytest.mark.parametrize("model", WINDOWS.values(), ids=WINDOWS.keys())
@pytest.mark.parametrize("layout", WITHOUT, ids=lambda layout: layout.__name__)
def test_a_layout_without_pointers_fits_every_target(layout, model):
    check_layout(layout, model)


@pytest.mark.parametrize("layout", [int, str, object, struct.Struct, None, 4, Plain(), b"i"], ids=repr)
def test_what_is_no_ctypes_type_is_refused(layout):
    with pytest.raises(TypeError, match=r"^a struct format or a ctypes type is needed, not "):
        check_layout(layout, WINDOWS_64)
