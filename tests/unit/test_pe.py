"""Headers of programs and DLLs, sound and damaged."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memaccess._pe import BadImageError, Header, read_header

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
        (image(), Header(64, 0x8664, 0x5000, 0x1000)),
        (image(magic=0x10B, machine=0x14C), Header(32, 0x14C, 0x5000, 0x1000)),
        (image(entry=0), Header(64, 0x8664, 0x5000, None)),
        (image(offset=0x200), Header(64, 0x8664, 0x5000, 0x1000)),
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
