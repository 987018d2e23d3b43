"""Every type, read and written, and held against what the program itself says: a C program and a
Python program, of both widths.
"""

from __future__ import annotations

import array
import ctypes
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import targets

from memaccess import MemoryView
from memaccess._types import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.everywhere

STARTERS: dict[str, Callable[[str, int], targets.Target]] = {
    "c": targets.start,
    "python": targets.start_python,
}
PROGRAMS = [(language, bitness) for language in STARTERS for bitness in targets.BITNESSES]

VARIABLES = {name: name for name in TYPES} | {
    "int8": "signed_char",
    "uint8": "unsigned_char",
    "int16": "short",
    "uint16": "unsigned_short",
    "int32": "int",
    "uint32": "unsigned_int",
    "int64": "long_long",
    "uint64": "unsigned_long_long",
}
"""The variable of the program that has the type."""

NEW_VALUES: dict[str, tuple[Any, Any]] = {
    "char": (b"\xfe", b"\0"),
    "signed_char": (127, -1),
    "unsigned_char": (0, 255),
    "bool": (False, True),
    "wchar": ("ß", "\uffff"),
    "short": (32767, -1),
    "unsigned_short": (0, 54321),
    "int": (2**31 - 1, -123456789),
    "unsigned_int": (0, 0xDEADBEEF),
    "long": (-(2**31), 123456789),
    "unsigned_long": (0, 2**32 - 1),
    "long_long": (2**63 - 1, -1234567890123456789),
    "unsigned_long_long": (0, 0xFEDCBA9876543210),
    "float": (0.5, -3.4028234663852886e38),
    "double": (2.2250738585072014e-308, -0.1),
    "pointer": (0, 0xFFFFFFF0),
    "size_t": (1, 0x80000000),
}


@pytest.fixture(scope="module", params=PROGRAMS, ids=lambda program: f"{program[0]}-{program[1]}")
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    """A program of values; tests write other values than they find."""
    language, bitness = request.param
    with STARTERS[language]("values", bitness) as started:
        yield started


@pytest.fixture(scope="module", params=targets.BITNESSES)
def c_target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    """The C program of values, which has a structure too."""
    with targets.start("values", request.param) as started:
        yield started


@pytest.fixture(scope="module")
def view(target: targets.Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid, "rw") as opened:
        yield opened


@pytest.fixture(scope="module")
def c_view(c_target: targets.Target) -> Iterator[MemoryView]:
    with MemoryView(c_target.pid, "rw") as opened:
        yield opened


def said(target: targets.Target, variable: str) -> Any:
    """What the program says that a variable is now, as the value that memaccess has for it."""
    value = target.ask("dump")["values"][variable]
    if variable in ("char", "bytes"):
        return bytes(value)
    if variable == "wchar":
        return "".join(map(chr, value))
    return value


def units(text: str) -> list[int]:
    """The numbers of the UTF-16 code units of a text."""
    return list(memoryview(text.encode("utf-16-le")).cast("H"))


# -- one value


def test_every_type_has_a_variable_and_new_values() -> None:
    assert set(VARIABLES) == set(TYPES)
    assert set(VARIABLES.values()) == set(NEW_VALUES)


def test_a_view_knows_how_wide_the_program_is(target, view) -> None:
    assert view.pointer_size == target.facts["pointer_size"]


@pytest.mark.parametrize("type", VARIABLES)
def test_a_value_is_read_as_the_program_says_it(target, view, type: str) -> None:
    variable = VARIABLES[type]
    assert getattr(view, f"read_{type}")(target.addresses[variable]) == said(target, variable)


@pytest.mark.parametrize("type", VARIABLES)
def test_a_written_value_is_what_the_program_says(target, view, type: str) -> None:
    variable = VARIABLES[type]
    for value in NEW_VALUES[variable]:
        getattr(view, f"write_{type}")(value, target.addresses[variable])
        assert said(target, variable) == value


@pytest.mark.parametrize("type", VARIABLES)
def test_a_written_value_changes_no_other_variable(target, view, type: str) -> None:
    variable = VARIABLES[type]
    before = target.ask("dump")["values"]
    first, second = NEW_VALUES[variable]
    value = second if said(target, variable) == first else first
    getattr(view, f"write_{type}")(value, target.addresses[variable])
    after = target.ask("dump")["values"]
    assert [name for name in after if after[name] != before[name]] == [variable]


@pytest.mark.parametrize("type", ["pointer", "size_t"])
def test_a_word_of_the_program_has_its_whole_width(target, view, type: str) -> None:
    highest = (1 << view.bitness) - 1
    getattr(view, f"write_{type}")(highest, target.addresses[type])
    assert said(target, type) == highest
    with pytest.raises(OverflowError):
        getattr(view, f"write_{type}")(highest + 1, target.addresses[type])


def test_a_pointer_leads_to_what_it_points_to(c_target, c_view) -> None:
    pointer = c_view.read_pointer(c_target.addresses["record.next"])
    assert pointer == c_target.addresses["double"]
    assert c_view.read_double(pointer) == said(c_target, "double")


# -- text


def test_ansi_text_is_read(target, view) -> None:
    view.write(b"plain old text\0", target.addresses["ansi"])
    assert view.read_string(target.addresses["ansi"], "ascii") == "plain old text"


@pytest.mark.parametrize("text", ["Grüße € 🐍", "", "q"])
def test_utf8_text_is_written_and_read(target, view, text: str) -> None:
    view.write_string(text, target.addresses["utf8"], limit=32)
    assert bytes(said(target, "utf8")) == text.encode()
    assert view.read_string(target.addresses["utf8"]) == text


@pytest.mark.parametrize("text", ["Grüße € 🐍", "", "Ā\u0100a"])
def test_utf16_text_is_written_and_read(target, view, text: str) -> None:
    view.write_string(text, target.addresses["utf16"], "utf-16", limit=64)
    assert said(target, "utf16") == units(text)
    assert view.read_string(target.addresses["utf16"], "utf-16") == text


def test_text_of_a_code_page_is_written_and_read(target, view) -> None:
    view.write_string("déjà vu €", target.addresses["ansi"], "cp1252", limit=32)
    assert bytes(said(target, "ansi")) == "déjà vu €".encode("cp1252")
    assert view.read_string(target.addresses["ansi"], "cp1252") == "déjà vu €"


def test_text_that_fills_its_array_needs_a_limit(target, view) -> None:
    view.write_string("x" * 32, target.addresses["ansi"], terminate=False, limit=32)
    assert bytes(said(target, "ansi")) == b"x" * 32
    assert view.read_string(target.addresses["ansi"], limit=32) == "x" * 32


# -- arrays, structures, batches


def test_an_array_is_read(target, view) -> None:
    numbers = view.read_array("int", 16, target.addresses["int_array"])
    assert numbers == said(target, "int_array")


def test_an_array_is_written(target, view) -> None:
    numbers = [number * -number for number in range(16)]
    view.write_array("int", numbers, target.addresses["int_array"])
    assert said(target, "int_array") == numbers


def test_a_part_of_an_array_is_written(target, view) -> None:
    before = said(target, "int_array")
    view.write_array("int", [7, 8], target.addresses["int_array"] + 12)
    assert said(target, "int_array") == [*before[:3], 7, 8, *before[5:]]


def record_of(target: targets.Target) -> tuple[Any, ...]:
    tag, *others = (said(target, f"record.{name}") for name in ("tag", "id", "weight", "next", "tail"))
    return (bytes(tag), *others)


def test_a_structure_is_read_by_a_format(c_target, c_view) -> None:
    assert c_view.read_struct("cidPh", c_target.addresses["record"]) == record_of(c_target)


def test_a_structure_is_written_by_a_format(c_target, c_view) -> None:
    values = (b"w", 12345, -0.5, 0xFEDCBA98, 77)
    before = record_of(c_target)
    c_view.write_struct("cidPh", values, c_target.addresses["record"])
    assert record_of(c_target) == values
    c_view.write_struct("cidPh", before, c_target.addresses["record"])
    assert record_of(c_target) == before


def layout_of(bitness: int) -> type[ctypes.Structure]:
    class Record(ctypes.Structure):
        if sys.platform == "linux" and bitness == 32:
            _pack_ = 4  # 8 bytes are aligned to 4 there
        _fields_ = [
            ("tag", ctypes.c_char),
            ("id", ctypes.c_int32),
            ("weight", ctypes.c_double),
            ("next", ctypes.c_uint64 if bitness == 64 else ctypes.c_uint32),
            ("tail", ctypes.c_int16),
        ]

    return Record


def test_a_structure_is_read_into_a_class(c_target, c_view) -> None:
    record = c_view.read_struct(layout_of(c_view.bitness), c_target.addresses["record"])
    assert (record.tag, record.id, record.weight, record.next, record.tail) == record_of(c_target)
    assert bytes(record) == bytes(said(c_target, "record"))


def test_a_structure_is_written_from_an_instance(c_target, c_view) -> None:
    record = c_view.read_struct(layout_of(c_view.bitness), c_target.addresses["record"])
    record.id += 1
    record.weight *= -2
    c_view.write_struct(record, c_target.addresses["record"])
    assert record_of(c_target) == (record.tag, record.id, record.weight, record.next, record.tail)


def test_many_values_are_read_at_once(target, view) -> None:
    requests = [(name, target.addresses[variable]) for name, variable in VARIABLES.items()]
    assert view.read_many(requests) == [said(target, variable) for variable in VARIABLES.values()]


def test_many_values_may_be_bytes_and_may_fail(target) -> None:
    with MemoryView(target.pid) as view:
        data, error = view.read_many([(9, target.addresses["bytes"]), ("int", 0)], return_errors=True)
    assert data == said(target, "bytes")
    assert error.address == 0


# -- buffers


@pytest.mark.parametrize(
    "make",
    [
        ctypes.c_int32 * 16,
        lambda: bytearray(64),
        lambda: array.array("i", [0] * 16),
        lambda: memoryview(bytearray(128))[32:96],
    ],
    ids=["ctypes", "bytearray", "array", "memoryview"],
)
def test_a_buffer_is_filled(target, view, make) -> None:
    buffer = make()
    view.read_into(buffer, target.addresses["int_array"])
    assert list(memoryview(bytes(buffer)).cast("i")) == said(target, "int_array")


@pytest.mark.parametrize(
    "make",
    [ctypes.c_int32 * 16, lambda *numbers: array.array("i", numbers)],
    ids=["ctypes", "array"],
)
def test_a_buffer_of_wide_items_is_written_whole(target, view, make) -> None:
    numbers = [number * 1000003 for number in range(16)]
    view.write(make(*numbers), target.addresses["int_array"])
    assert said(target, "int_array") == numbers


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_64_mib_are_read_whole(bitness: int) -> None:
    count = 1 << 24
    with targets.start("pages", bitness) as target, MemoryView(target.pid) as view:
        base = target.ask(f"count {count}")["base"]
        data = view.read(4 * count, base)
        buffer = bytearray(4 * count)
        view.read_into(buffer, base)
    assert memoryview(data).cast("I") == array.array("I", range(count))
    assert buffer == data


# -- far up


@pytest.mark.skipif(sys.platform == "linux", reason="this one is linked for a low address there")
def test_the_values_of_a_64_bit_program_lie_above_4_gib() -> None:
    with targets.start("values", 64) as target:
        assert all(address > 1 << 32 for address in target.addresses.values())
