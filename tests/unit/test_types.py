"""The table of C types: sizes, ranges, conversions, and the methods that come from it."""

from __future__ import annotations

import inspect
import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memaccess import MemoryView, _types
from memaccess._types import LINUX_32, LINUX_64, TYPES, WINDOWS_32, WINDOWS_64, DataModel, type_named

MODELS = {"windows32": WINDOWS_32, "windows64": WINDOWS_64, "linux64": LINUX_64, "linux32": LINUX_32}

# name: signed?, then the size in every model above
INTEGERS = {
    "signed_char": (True, 1, 1, 1, 1),
    "unsigned_char": (False, 1, 1, 1, 1),
    "short": (True, 2, 2, 2, 2),
    "unsigned_short": (False, 2, 2, 2, 2),
    "int": (True, 4, 4, 4, 4),
    "unsigned_int": (False, 4, 4, 4, 4),
    "long": (True, 4, 4, 8, 4),
    "unsigned_long": (False, 4, 4, 8, 4),
    "long_long": (True, 8, 8, 8, 8),
    "unsigned_long_long": (False, 8, 8, 8, 8),
    "pointer": (False, 4, 8, 8, 4),
    "size_t": (False, 4, 8, 8, 4),
    "int8": (True, 1, 1, 1, 1),
    "uint8": (False, 1, 1, 1, 1),
    "int16": (True, 2, 2, 2, 2),
    "uint16": (False, 2, 2, 2, 2),
    "int32": (True, 4, 4, 4, 4),
    "uint32": (False, 4, 4, 4, 4),
    "int64": (True, 8, 8, 8, 8),
    "uint64": (False, 8, 8, 8, 8),
}
OTHERS = {
    "char": (1, 1, 1, 1),
    "bool": (1, 1, 1, 1),
    "wchar": (2, 2, 4, 4),
    "float": (4, 4, 4, 4),
    "double": (8, 8, 8, 8),
}
SIZES = {**{name: row[1:] for name, row in INTEGERS.items()}, **OTHERS}
NOT_TYPED = {"into", "available", "string", "array", "struct", "many"}
"""What read_ and write_ methods are about, besides the types of the table."""

LARGEST_FLOAT = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
FIRST_TOO_LARGE = 2.0**128 - 2.0**103
"""Half a step above the largest float: rounds up, out of range."""

every_integer = pytest.mark.parametrize("name", INTEGERS)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
every_type = pytest.mark.parametrize("name", SIZES)


def limits(name: str, model: DataModel) -> tuple[int, int]:
    """The range of an integer type, from the table above."""
    signed, *sizes = INTEGERS[name]
    bits = 8 * sizes[list(MODELS.values()).index(model)]
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def values(name: str, model: DataModel) -> st.SearchStrategy[object]:
    """All values of a type."""
    if name in INTEGERS:
        return st.integers(*limits(name, model))
    last = chr(0xFFFF if model.wchar_size == 2 else 0x10FFFF)
    return {
        "char": st.binary(min_size=1, max_size=1),
        "bool": st.booleans(),
        "wchar": st.characters(max_codepoint=ord(last), exclude_categories=()),
        "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
    }[name]


def test_the_table_has_these_types_and_no_others():
    assert set(TYPES) == set(SIZES)


def test_every_type_of_the_module_is_in_the_table_under_its_name():
    rows = [each for each in vars(_types).values() if isinstance(each, _types.CType)]
    assert {id(row) for row in rows} == {id(row) for row in TYPES.values()}
    assert all(TYPES[row.name] is row for row in rows)


@pytest.mark.parametrize("position", range(len(MODELS)), ids=list(MODELS))
@every_type
def test_a_type_has_the_size_that_it_has_in_the_target(name, position):
    assert TYPES[name].codec(list(MODELS.values())[position]).size == SIZES[name][position]


@every_type
def test_only_a_type_of_one_size_everywhere_is_fixed(name):
    fixed = TYPES[name].fixed_codec
    assert (fixed is not None) == (len(set(SIZES[name])) == 1)


@every_model
def test_a_data_model_knows_its_width_and_where_its_addresses_end(model):
    assert model.bitness == 8 * model.pointer_size
    assert model.address_limit == 256**model.pointer_size


@every_type
@given(model=st.sampled_from(list(MODELS.values())), data=st.data())
def test_a_value_survives_the_way_to_bytes_and_back(name, model, data):
    codec = TYPES[name].codec(model)
    value = data.draw(values(name, model))
    raw = codec.encode(value)
    assert len(raw) == codec.size
    assert codec.decode(raw) == value
    assert type(codec.decode(raw)) is type(value)


@every_type
@given(model=st.sampled_from(list(MODELS.values())), data=st.data())
def test_an_array_is_its_values_one_behind_the_other(name, model, data):
    codec = TYPES[name].codec(model)
    items = data.draw(st.lists(values(name, model), max_size=5))
    raw = codec.encode_array(items)
    assert raw == b"".join(map(codec.encode, items))
    assert codec.decode_array(raw) == items


@every_integer
@given(model=st.sampled_from(list(MODELS.values())), data=st.data())
def test_integers_are_little_endian(name, model, data):
    codec = TYPES[name].codec(model)
    value = data.draw(st.integers(*limits(name, model)))
    assert codec.encode(value) == value.to_bytes(codec.size, "little", signed=INTEGERS[name][0])


@every_integer
@every_model
def test_the_limits_of_an_integer_fit(name, model):
    codec = TYPES[name].codec(model)
    for limit in limits(name, model):
        assert codec.decode(codec.encode(limit)) == limit


@pytest.mark.parametrize("side", [0, 1], ids=["below", "above"])
@every_integer
@every_model
def test_one_beyond_the_limit_is_refused_with_type_and_range(name, model, side):
    low, high = limits(name, model)
    value = (low - 1, high + 1)[side]
    with pytest.raises(OverflowError) as caught:
        TYPES[name].codec(model).encode(value)
    assert str(caught.value) == f"{value} does not fit {name}, which holds {low} to {high}"


@pytest.mark.parametrize("value", [1.0, "1", b"1", None, [1], Decimal(1)], ids=repr)
@every_integer
def test_what_is_no_integer_is_refused_with_both_types(name, value):
    with pytest.raises(TypeError) as caught:
        TYPES[name].codec(WINDOWS_64).encode(value)
    assert str(caught.value) == f"{name} takes an int, not {type(value).__name__}"


class Seven:
    """As the integers of NumPy are: no int, but good for one."""

    def __index__(self) -> int:
        return 7


@every_integer
def test_anything_that_stands_for_an_int_is_taken(name):
    codec = TYPES[name].codec(WINDOWS_64)
    assert codec.decode(codec.encode(Seven())) == 7


# -- char


def test_a_char_keeps_every_byte_as_it_is():
    codec = TYPES["char"].codec(WINDOWS_64)
    assert [codec.encode(bytes([each])) for each in range(256)] == [bytes([each]) for each in range(256)]


@pytest.mark.parametrize("value", [b"", b"ab"])
def test_a_char_of_another_length_is_refused(value):
    with pytest.raises(ValueError, match=f"^char takes one byte, not {len(value)}$"):
        TYPES["char"].codec(WINDOWS_64).encode(value)


@pytest.mark.parametrize("value", ["a", 97, None, bytearray(b"a")], ids=repr)
def test_a_char_that_is_no_bytes_object_is_refused(value):
    with pytest.raises(
        TypeError, match=f"^char takes a bytes object of length 1, not {type(value).__name__}$"
    ):
        TYPES["char"].codec(WINDOWS_64).encode(value)


# -- bool


@pytest.mark.parametrize("byte", [1, 2, 128, 255])
def test_every_byte_but_zero_reads_as_true(byte):
    assert TYPES["bool"].codec(WINDOWS_64).decode(bytes([byte])) is True
    assert TYPES["bool"].codec(WINDOWS_64).decode(b"\0") is False


@pytest.mark.parametrize(("value", "raw"), [(True, b"\1"), (False, b"\0"), (1, b"\1"), (0, b"\0")])
def test_a_bool_is_written_as_one_or_zero(value, raw):
    assert TYPES["bool"].codec(WINDOWS_64).encode(value) == raw


@pytest.mark.parametrize("value", ["False", "", b"\0", None, 1.0, []], ids=repr)
def test_what_merely_has_a_truth_is_no_bool(value):
    with pytest.raises(TypeError, match=f"^bool takes True or False, not {type(value).__name__}$"):
        TYPES["bool"].codec(WINDOWS_64).encode(value)


@pytest.mark.parametrize("value", [2, -1])
def test_an_integer_that_is_no_truth_value_does_not_fit_a_bool(value):
    with pytest.raises(OverflowError, match=f"^{value} does not fit bool, which holds False and True$"):
        TYPES["bool"].codec(WINDOWS_64).encode(value)


# -- wchar


@pytest.mark.parametrize("value", ["a", "é", "漢", "\0", "\uffff", "\ud83d"])
def test_a_wchar_is_a_code_unit_surrogates_included(value):
    codec = TYPES["wchar"].codec(WINDOWS_64)
    assert codec.encode(value) == value.encode("utf-16-le", "surrogatepass")
    assert codec.decode(codec.encode(value)) == value


def test_a_character_of_two_code_units_does_not_fit_a_wchar():
    with pytest.raises(OverflowError, match=r"^'😀' does not fit wchar, which holds 0 to 65535$"):
        TYPES["wchar"].codec(WINDOWS_64).encode("😀")


@pytest.mark.parametrize("value", ["", "ab"])
def test_a_wchar_of_another_length_is_refused(value):
    with pytest.raises(ValueError, match=f"^wchar takes one character, not {len(value)}$"):
        TYPES["wchar"].codec(WINDOWS_64).encode(value)


@pytest.mark.parametrize("value", [97, b"a", None], ids=repr)
def test_a_wchar_that_is_no_str_is_refused(value):
    with pytest.raises(TypeError, match=f"^wchar takes a str of length 1, not {type(value).__name__}$"):
        TYPES["wchar"].codec(WINDOWS_64).encode(value)


# -- float and double


@given(value=st.floats())
def test_a_double_keeps_every_bit(value):
    codec = TYPES["double"].codec(WINDOWS_64)
    raw = codec.encode(value)
    assert raw == struct.pack("<d", value)
    assert codec.encode(codec.decode(raw)) == raw


@given(value=st.floats(width=32, allow_nan=False))
def test_a_float_keeps_every_bit_of_what_it_can_hold(value):
    codec = TYPES["float"].codec(WINDOWS_64)
    assert math.copysign(1, codec.decode(codec.encode(value))) == math.copysign(1, value)
    assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize("name", ["float", "double"])
def test_a_nan_stays_one(name):
    codec = TYPES[name].codec(WINDOWS_64)
    assert math.isnan(codec.decode(codec.encode(math.nan)))


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0], ids=repr)
@pytest.mark.parametrize("name", ["float", "double"])
def test_infinities_and_the_negative_zero_stay_what_they_are(name, value):
    codec = TYPES[name].codec(WINDOWS_64)
    assert repr(codec.decode(codec.encode(value))) == repr(value)


@pytest.mark.parametrize(("name", "smallest"), [("float", 2.0**-149), ("double", 2.0**-1074)])
def test_the_smallest_denormal_is_not_lost(name, smallest):
    codec = TYPES[name].codec(WINDOWS_64)
    assert codec.encode(smallest) == b"\1".ljust(codec.size, b"\0")
    assert codec.decode(codec.encode(smallest)) == smallest


def test_a_float_rounds_to_the_nearest_that_it_can_hold():
    codec = TYPES["float"].codec(WINDOWS_64)
    assert codec.decode(codec.encode(0.1)) == struct.unpack("<f", struct.pack("<f", 0.1))[0] != 0.1


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_float_fits_and_what_rounds_to_it(sign):
    codec = TYPES["float"].codec(WINDOWS_64)
    below_the_limit = math.nextafter(FIRST_TOO_LARGE, 0)
    assert codec.decode(codec.encode(sign * LARGEST_FLOAT)) == sign * LARGEST_FLOAT
    assert codec.decode(codec.encode(sign * below_the_limit)) == sign * LARGEST_FLOAT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("float", FIRST_TOO_LARGE),
        ("float", -FIRST_TOO_LARGE),
        ("float", 1e300),
        ("float", 10**40),
        ("float", 10**400),
        ("float", Decimal("1e40")),
        ("double", 2**1024),
        ("double", -(10**400)),
        ("double", Fraction(10**400)),
    ],
)
def test_a_number_that_would_become_infinite_is_refused(name, value):
    with pytest.raises(OverflowError) as caught:
        TYPES[name].codec(WINDOWS_64).encode(value)
    assert str(caught.value) == f"{value!r} is too large for {name}"


@pytest.mark.parametrize("value", [3, True, Fraction(3, 2), Decimal("1.5"), Seven()], ids=repr)
@pytest.mark.parametrize("name", ["float", "double"])
def test_any_real_number_may_be_written_as_a_float(name, value):
    codec = TYPES[name].codec(WINDOWS_64)
    assert codec.decode(codec.encode(value)) in (3, 1, 1.5, 7)


@pytest.mark.parametrize("value", ["1.5", b"1.5", None, 1j, [1.5]], ids=repr)
@pytest.mark.parametrize("name", ["float", "double"])
def test_what_is_no_number_is_refused_with_both_types(name, value):
    with pytest.raises(TypeError, match=f"^{name} takes a float, not {type(value).__name__}$"):
        TYPES[name].codec(WINDOWS_64).encode(value)


# -- arrays


@pytest.mark.parametrize(
    ("name", "items", "kind", "message"),
    [
        ("int", [1, 2**31, 3], OverflowError, "2147483648 does not fit int, "),
        ("int", [1, "two", 3], TypeError, "int takes an int, not str"),
        ("float", [1.0, 1e39], OverflowError, r"1e\+39 is too large for float"),
        ("float", [1.0, None], TypeError, "float takes a float, not NoneType"),
        ("bool", [True, 7], OverflowError, "7 does not fit bool"),
        ("char", [b"a", b"bc"], ValueError, "char takes one byte, not 2"),
        ("wchar", ["a", "😀"], OverflowError, "'😀' does not fit wchar"),
    ],
)
def test_the_wrong_item_of_an_array_is_named(name, items, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        TYPES[name].codec(WINDOWS_64).encode_array(items)


def test_an_array_may_come_from_any_iterable():
    assert TYPES["uint8"].codec(WINDOWS_64).encode_array(iter(range(3))) == b"\0\1\2"


@every_type
def test_an_array_may_be_empty(name):
    codec = TYPES[name].codec(WINDOWS_64)
    assert codec.encode_array([]) == b""
    assert codec.decode_array(b"") == []


# -- names


@every_type
def test_a_type_is_found_by_its_name_with_blanks_too(name):
    assert type_named(name) is type_named(name.replace("_", " ")) is TYPES[name]


def test_an_unknown_name_is_an_error_that_names_those_there_are():
    with pytest.raises(ValueError, match=r"^no type is called 'dword'; there are char, .*uint64$"):
        type_named("dword")


@pytest.mark.parametrize("name", [int, None, 4, b"int"], ids=repr)
def test_a_type_that_is_not_given_as_a_str_is_refused(name):
    with pytest.raises(TypeError, match=f"as a str, not {type(name).__name__}$"):
        type_named(name)


# -- methods


@pytest.mark.parametrize("verb", ["read", "write"])
@every_type
def test_every_type_has_its_methods_named_and_described(name, verb):
    method = getattr(MemoryView, f"{verb}_{name}")
    assert method.__name__ == f"{verb}_{name}"
    assert method.__qualname__ == f"MemoryView.{verb}_{name}"
    assert method.__module__ == "memaccess"
    assert method.__doc__.startswith(f"{verb.capitalize()} a C ``{name}``: {TYPES[name].summary}.\n")


@every_type
def test_the_methods_of_every_type_tell_its_values(name):
    value = TYPES[name].value_type.__name__
    assert getattr(MemoryView, f"read_{name}").__annotations__["return"] == value
    assert getattr(MemoryView, f"write_{name}").__annotations__["value"] == value
    assert (
        type(TYPES[name].codec(WINDOWS_64).decode(bytes(TYPES[name].codec(WINDOWS_64).size))).__name__
        == value
    )


@pytest.mark.parametrize("verb", ["read", "write"])
def test_every_such_method_has_its_type(verb):
    found = {name.removeprefix(f"{verb}_") for name in dir(MemoryView) if name.startswith(f"{verb}_")}
    assert found - NOT_TYPED == set(TYPES)


@every_type
def test_the_methods_of_all_types_take_the_same_arguments(name):
    reading = inspect.signature(getattr(MemoryView, f"read_{name}")).parameters
    writing = inspect.signature(getattr(MemoryView, f"write_{name}")).parameters
    assert list(reading) == ["self", "address"]
    assert list(writing) == ["self", "value", "address", "force"]
    assert writing["force"].kind is inspect.Parameter.KEYWORD_ONLY
