"""Text in memory: where a string ends, and that nothing behind it is touched."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memaccess._records import PAGE
from memaccess._strings import encode_terminated, read_terminated, text_encoding

UNITS = {
    "utf-8": 1,
    "utf-16": 2,
    "utf-32": 4,
    "latin-1": 1,
    "cp1252": 1,
    "gbk": 1,
    "big5": 1,
    "shift_jis": 1,
}
BASE = 0x40_0000
"""A page boundary; strings begin somewhere in the page before it."""


class Unreadable(Exception):
    """What a read of a missing page ends in."""


class Memory:
    """Bytes at an address with whole readable pages around them, and a record of what is read."""

    def __init__(self, content: bytes, address: int) -> None:
        self.start = address // PAGE * PAGE
        self.end = -(-(address + len(content)) // PAGE) * PAGE
        before = address - self.start
        self.data = b"\xff" * before + content + b"\xff" * (self.end - address - len(content))
        self.reads: list[tuple[int, int]] = []

    def read(self, size: int, address: int) -> bytes:
        self.reads.append((size, address))
        if address < self.start or address + size > self.end:
            raise Unreadable(size, address)
        return self.data[address - self.start : address - self.start + size]

    @property
    def total(self) -> int:
        """How many bytes were read."""
        return sum(size for size, _ in self.reads)


def texts(encoding: str) -> st.SearchStrategy[str]:
    """All text that an encoding has, without NUL; often longer than a read or a page."""
    codec = "utf-8" if encoding.startswith("utf") else encoding
    # The last two come back from Shift JIS as others.
    text = st.text(st.characters(codec=codec, exclude_characters="\0¥‾"))
    # Two pages are enough, and hypothesis complains of what it can't print.
    return st.builds(
        lambda part, times: (part * times)[:9000], text, st.sampled_from([1, 1, 1, 30, 700, 3000])
    )


@st.composite
def strings(draw: st.DrawFn) -> tuple[str, bytes, int, int]:
    """An encoding, the bytes of a text in it, its code unit, and an address around a page boundary."""
    name = draw(st.sampled_from(list(UNITS)))
    encoding = text_encoding(name)
    data = draw(texts(name)).encode(encoding.name)
    before = draw(st.integers(0, PAGE) | st.integers(0, 8) | st.just(len(data) % PAGE))
    return encoding.name, data, encoding.unit, BASE - before


def naive(data: bytes, unit: int) -> tuple[bytes, bool]:
    """Code unit by code unit: the bytes before the first zero one, and whether there is one."""
    for position in range(0, len(data) - unit + 1, unit):
        if not any(data[position : position + unit]):
            return data[:position], True
    return data, False


def first_page_reads(memory: Memory) -> list[tuple[int, int]]:
    """The page of the first and of the last byte of every read."""
    return [(address // PAGE, (address + size - 1) // PAGE) for size, address in memory.reads]


@given(string=strings())
@example(string=("utf-16-le", "aĀ".encode("utf-16-le"), 2, BASE - 3))
@example(string=("utf-16-le", "a".encode("utf-16-le") * 2048, 2, BASE - 1))
@example(string=("utf-32-le", "\U00010000".encode("utf-32-le"), 4, BASE - 6))
def test_a_string_comes_back_whole_though_the_next_page_is_missing(string):
    encoding, data, unit, address = string
    memory = Memory(data + bytes(unit), address)
    found, ended = read_terminated(memory.read, address, unit, 1 << 20)
    assert ended
    assert found == data
    assert found.decode(encoding) == data.decode(encoding)


@given(string=strings())
def test_no_byte_is_read_twice_nor_one_before_the_string(string):
    _, data, unit, address = string
    memory = Memory(data + bytes(unit), address)
    read_terminated(memory.read, address, unit, 1 << 20)
    position = address
    for size, start in memory.reads:
        assert start == position
        position += size


@given(string=strings())
def test_no_read_crosses_a_page_or_touches_one_behind_the_end(string):
    _, data, unit, address = string
    memory = Memory(data + bytes(unit), address)
    read_terminated(memory.read, address, unit, 1 << 20)
    last_page_needed = (address + len(data) + unit - 1) // PAGE
    assert all(first == last <= last_page_needed for first, last in first_page_reads(memory))


@given(string=strings())
def test_few_reads_are_made(string):
    _, data, unit, address = string
    memory = Memory(data + bytes(unit), address)
    read_terminated(memory.read, address, unit, 1 << 20)
    pages = (address + len(data) + unit - 1) // PAGE - address // PAGE + 1
    assert len(memory.reads) <= pages + 1


@given(string=strings(), data=st.data())
def test_a_limit_gives_what_a_naive_reader_finds_within_it(string, data):
    _, content, unit, address = string
    whole = content + bytes(unit)
    limit = data.draw(st.integers(0, len(whole) // unit + 2).map(lambda units: units * unit))
    memory = Memory(whole.ljust(limit, b"\xff"), address)
    assert read_terminated(memory.read, address, unit, limit) == naive(whole[:limit], unit)


@given(string=strings(), data=st.data())
def test_no_byte_behind_the_limit_is_read(string, data):
    _, content, unit, address = string
    limit = data.draw(st.integers(0, len(content) // unit).map(lambda units: units * unit))
    memory = Memory(content + bytes(unit), address)
    read_terminated(memory.read, address, unit, limit)
    assert memory.total <= limit


@given(string=strings())
def test_a_string_that_fills_its_limit_needs_no_end_and_no_page_behind_it(string):
    _, data, unit, _ = string
    memory = Memory(data, BASE - len(data))
    assert read_terminated(memory.read, BASE - len(data), unit, len(data)) == (data, False)
    assert memory.total == len(data)


@given(content=st.binary(max_size=64), before=st.integers(0, 64), unit=st.sampled_from([1, 2, 4]))
@example(content=b"a\0\0b\0\0", before=3, unit=2)
@example(content=b"\1\0\0\0\0\0\0\1\0\0\0\0", before=5, unit=4)
@example(content=b"a\0\0\0", before=3, unit=2)
@example(content=b"\0" * 12, before=1, unit=4)
def test_only_a_whole_zero_code_unit_in_its_place_ends_a_string(content, before, unit):
    limit = len(content) // unit * unit
    memory = Memory(content + b"\xff", BASE - before)
    assert read_terminated(memory.read, BASE - before, unit, limit) == naive(content[:limit], unit)


def test_an_unterminated_string_ends_where_the_memory_does():
    memory = Memory(b"a" * 300, BASE - 300)
    with pytest.raises(Unreadable):
        read_terminated(memory.read, BASE - 300, 1, 1 << 20)
    assert memory.total == 300 + PAGE  # the last of them is the one that failed


def test_a_limit_of_nothing_reads_nothing():
    memory = Memory(b"a\0", BASE)
    assert read_terminated(memory.read, BASE, 1, 0) == (b"", False)
    assert memory.reads == []


def test_a_short_string_takes_one_read_of_less_than_a_page():
    memory = Memory(b"short\0", BASE)
    read_terminated(memory.read, BASE, 1, 1 << 20)
    assert memory.reads == [(256, BASE)]


# -- encodings


@pytest.mark.parametrize(("name", "unit"), UNITS.items())
def test_an_encoding_knows_the_size_of_its_code_unit(name, unit):
    assert text_encoding(name).unit == unit


@pytest.mark.parametrize("name", ["utf-16", "UTF16", "utf_16", "U16"])
def test_utf_16_means_little_endian_without_a_mark(name):
    encoding = text_encoding(name)
    assert encoding == ("utf-16-le", 2)
    assert encode_terminated("A", encoding, "strict", True) == b"A\0\0\0"


def test_utf_32_means_little_endian_without_a_mark():
    assert encode_terminated("A", text_encoding("utf-32"), "strict", True) == b"A\0\0\0\0\0\0\0"


@pytest.mark.parametrize(("name", "unit"), [("utf-16-be", 2), ("utf-32-be", 4), ("utf-16-le", 2)])
def test_an_order_that_was_asked_for_is_kept(name, unit):
    assert text_encoding(name) == (name, unit)


@pytest.mark.parametrize("name", ["utf-9", "", "hex", "base64", "rot13"])
def test_what_is_no_text_encoding_is_a_lookup_error(name):
    with pytest.raises(LookupError):
        text_encoding(name)


@pytest.mark.parametrize("name", ["utf-7", "unicode_escape", "punycode"])
def test_an_encoding_without_a_zero_code_unit_has_no_strings_that_end(name):
    with pytest.raises(ValueError, match=r"^strings in memory end with a zero code unit, and .* has none$"):
        text_encoding(name)


@pytest.mark.parametrize("name", [None, 8, b"utf-8"], ids=repr)
def test_an_encoding_that_is_no_str_is_refused(name):
    with pytest.raises(TypeError, match=f"by its name, as a str, not {type(name).__name__}$"):
        text_encoding(name)


@given(name=st.sampled_from(list(UNITS)), data=st.data())
def test_what_was_encoded_is_read_back(name, data):
    encoding = text_encoding(name)
    text = data.draw(texts(name))
    raw = encode_terminated(text, encoding, "strict", True)
    found, ended = read_terminated(Memory(raw, BASE).read, BASE, encoding.unit, 1 << 20)
    assert ended
    assert found.decode(encoding.name) == text.encode(encoding.name).decode(encoding.name)


@given(name=st.sampled_from(list(UNITS)), data=st.data())
def test_the_end_of_a_string_is_one_zero_code_unit(name, data):
    encoding = text_encoding(name)
    text = data.draw(texts(name))
    bare = encode_terminated(text, encoding, "strict", False)
    assert encode_terminated(text, encoding, "strict", True) == bare + bytes(encoding.unit)


@pytest.mark.parametrize("text", ["\0", "a\0b", "ab\0"])
def test_a_text_that_would_end_early_is_refused(text):
    with pytest.raises(ValueError, match=r"NUL character in it.*terminate=False writes it$"):
        encode_terminated(text, text_encoding("utf-16"), "strict", True)
    assert len(encode_terminated(text, text_encoding("utf-16"), "strict", False)) == 2 * len(text)


@pytest.mark.parametrize("text", [b"a", None, 4], ids=repr)
def test_a_text_that_is_no_str_is_refused(text):
    with pytest.raises(TypeError, match=f"^a string is written from a str, not {type(text).__name__}$"):
        encode_terminated(text, text_encoding("utf-8"), "strict", True)


def test_a_character_that_the_encoding_lacks_is_an_error_unless_asked_otherwise():
    encoding = text_encoding("latin-1")
    with pytest.raises(UnicodeEncodeError):
        encode_terminated("漢", encoding, "strict", True)
    assert encode_terminated("漢", encoding, "replace", True) == b"?\0"
