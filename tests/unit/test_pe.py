"""Headers and exports of programs and DLLs, sound and damaged."""

from __future__ import annotations

import contextlib
import struct

import pefile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memaccess import BadImageError, Export
from memaccess._errors import Cause, SystemFailure
from memaccess._fake_images import make_image
from memaccess._pe import Header, read_exports, read_header

BASE = 0x40_0000


def image(*, magic: int = 0x20B, machine: int = 0x8664, entry: int = 0x1000, offset: int = 0x80) -> bytes:
    """The first page of a program."""
    optional = struct.pack("<H14xI36xI", magic, entry, 0x5000)
    header = b"MZ" + bytes(0x3A) + struct.pack("<I", offset)
    page = bytearray(header.ljust(offset, b"\0") + b"PE\0\0" + struct.pack("<H18x", machine) + optional)
    return bytes(page.ljust(4096, b"\0"))


def reader(page: bytes):
    """Reads the page, which repeats for ever: a damaged header may point anywhere."""

    def read(size: int, address: int) -> bytes:
        start = (address - BASE) % len(page)
        return (page[start:] + page * (size // len(page) + 1))[:size]

    return read


@pytest.mark.parametrize(
    ("page", "header"),
    [
        (image(), Header(64, 0x8664, 0x5000, 0x1000, (0, 0), b"", 0, is_dll=False)),
        (image(magic=0x10B, machine=0x14C), Header(32, 0x14C, 0x5000, 0x1000, (0, 0), b"", 0, is_dll=False)),
        (image(entry=0), Header(64, 0x8664, 0x5000, None, (0, 0), b"", 0, is_dll=False)),
        (image(offset=0x200), Header(64, 0x8664, 0x5000, 0x1000, (0, 0), b"", 0, is_dll=False)),
    ],
)
def test_a_header_is_read(page, header):
    assert read_header(reader(page), BASE) == header


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"ZM" + image()[2:], "there is no 'MZ'"),
        (image().replace(b"PE\0\0", b"NE\0\0"), "there is no 'PE'"),
        (image(magic=0x107), "0x107 is no format"),
        (image()[:0x3C] + struct.pack("<I", 0xFFFF_FFF0) + image()[0x40:], "there is no 'PE'"),
        (bytes(4096), "no program and no DLL begins at 0x400000"),
    ],
)
def test_a_damaged_header_is_named(page, message):
    with pytest.raises(BadImageError, match=message):
        read_header(reader(page), BASE)


@given(st.binary(min_size=64, max_size=400))
def test_no_bytes_make_it_fail_in_another_way(data):
    try:
        header = read_header(reader(b"MZ" + data), BASE)
    except BadImageError:
        return
    assert header.bitness in (32, 64)


@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=20))
def test_no_damage_makes_it_fail_in_another_way(damages):
    page = bytearray(image())
    for position, byte in damages:
        page[position] = byte
    with contextlib.suppress(BadImageError):
        read_header(reader(bytes(page)), BASE)


# -- exports

EXPORTS = {"Fire": 0x1000, "Jump": "physics.Jump", "Add": 0x1010, 7: 0x1020, 9: "physics.#3", "Alias": 0x1000}


@pytest.fixture(params=[32, 64])
def loaded(request):
    """An image with exports, and where they are."""
    return make_image(request.param, "engine.dll", 0x1000, 0x1000, EXPORTS)


def within(content: bytes):
    """Reads the image, and fails outside of it."""

    def read(size: int, address: int) -> bytes:
        if not BASE <= address <= address + size <= BASE + len(content):
            raise SystemFailure("read", Cause.INACCESSIBLE)
        return content[address - BASE : address - BASE + size]

    return read


def exports_of(content: bytes):
    read = within(content)
    header = read_header(read, BASE)
    return read_exports(read, BASE, header._replace(size=min(header.size, len(content))))


def test_exports_are_listed_by_name_and_then_by_ordinal(loaded):
    assert exports_of(loaded.content) == [
        Export("Add", 1, BASE + 0x1010, None),
        Export("Alias", 2, BASE + 0x1000, None),
        Export("Fire", 3, BASE + 0x1000, None),
        Export("Jump", 4, None, "physics.Jump"),
        Export(None, 7, BASE + 0x1020, None),
        Export(None, 9, None, "physics.#3"),
    ]


def test_what_exports_nothing_has_no_exports():
    image = make_image(64, "game.exe", 0x1000, 0x1000, {})
    assert exports_of(image.content) == []


def test_sections_are_known(loaded):
    header = read_header(within(loaded.content), BASE)
    assert [offset for offset, _ in header.sections] == [0x1000, 0x2000, 0x3000]


def test_pefile_reads_the_same(loaded):
    image = pefile.PE(data=loaded.content, fast_load=True)
    assert image.OPTIONAL_HEADER.SizeOfImage == len(loaded.content)
    # A file has sections elsewhere than memory has them.
    for section in image.sections:
        section.PointerToRawData = section.VirtualAddress
        section.SizeOfRawData = section.Misc_VirtualSize
    image.parse_data_directories(pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"])
    assert {
        ((each.name or b"").decode() or None, each.ordinal, (each.forwarder or b"").decode() or None)
        for each in image.DIRECTORY_ENTRY_EXPORT.symbols
        if each.address
    } == {(export.name, export.ordinal, export.forwarder) for export in exports_of(loaded.content)}


def exports_table(content: bytes) -> int:
    start, _ = read_header(within(content), BASE).exports
    return start


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (20, 0x7FFF_FFFF, "2147483647 exports with 4 names are more than there can be"),
        (24, 0x10001, "9 exports with 65537 names"),
        (28, 0xFFFF_FFF0, "lies outside of it"),
        (32, 0xFFFF_FFF0, "lies outside of it"),
        (36, 0xFFFF_FFF0, "lies outside of it"),
    ],
)
def test_a_damaged_table_is_named(loaded, field, value, message):
    content = bytearray(loaded.content)
    struct.pack_into("<I", content, exports_table(loaded.content) + field, value)
    with pytest.raises(BadImageError, match=message) as caught:
        exports_of(bytes(content))
    assert caught.value.base == BASE


def test_a_name_without_an_end_is_named(loaded):
    content = bytearray(loaded.content)
    names = exports_table(loaded.content) + 40 + 4 * 9
    struct.pack_into("<I", content, names, len(content) - 4)
    content[-4:] = b"name"
    with pytest.raises(BadImageError, match=r"the name at .* has no end"):
        exports_of(bytes(content))


@given(
    st.sampled_from([32, 64]),
    st.lists(st.tuples(st.integers(0, 0x3FFF), st.integers(0, 255)), max_size=30),
    st.lists(st.tuples(st.integers(0, 140), st.integers(0, 0xFFFF_FFFF)), max_size=4),
)
def test_no_damage_to_exports_makes_them_fail_in_another_way(bitness, bytes_, words):
    content = bytearray(make_image(bitness, "engine.dll", 0x1000, 0x1000, EXPORTS).content)
    for position, byte in bytes_:
        content[position % len(content)] = byte
    for position, word in words:
        struct.pack_into("<I", content, 0x3000 + position, word)
    try:
        exports = exports_of(bytes(content))
    except (BadImageError, SystemFailure):
        return
    assert all((export.address is None) != (export.forwarder is None) for export in exports)
    assert len(exports) <= 2 << 16


def test_names_that_repeat_a_long_text_take_no_memory():
    image = make_image(64, "engine.dll", 0x1000, 0x10000, {f"f{number}": 0x1000 for number in range(5000)})
    content = bytearray(image.content)
    content[0x2000:0x5FFF] = b"a" * 0x3FFF
    names = exports_table(image.content) + 40 + 4 * 5000
    for number in range(5000):
        struct.pack_into("<I", content, names + 4 * number, 0x2000)
    with pytest.raises(BadImageError, match="its names have more than"):
        exports_of(bytes(content))
