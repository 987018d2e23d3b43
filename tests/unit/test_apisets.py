"""The table of API sets, sound and damaged, in both of its layouts."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memaccess import BadImageError, SymbolNotFoundError
from memaccess._apisets import NO_API_SETS, may_be_api_set, read_api_sets
from memaccess.testing import FakeProcess

HEAP = "api-ms-win-core-heap-l1-1-0"
HOSTS = {
    HEAP: [("", "kernelbase.dll")],
    # kernel32 itself gets kernelbase here, everybody else kernel32: so on real Windows.
    "api-ms-win-core-processthreads-l1-1-2": [("", "kernel32.dll"), ("kernel32.dll", "kernelbase.dll")],
    "ext-ms-win-nobody-l1-1-0": [("", "")],
    "ext-ms-win-none-l1-1-0": [],
}
Table = dict[str, list[tuple[str, str]]]


class Builder:
    """Rows first, then whatever they point to."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def text(self, text: str) -> tuple[int, int]:
        return self.add(text.encode("utf-16-le")), 2 * len(text)

    def add(self, data: bytes) -> int:
        place = len(self.data)
        self.data += data
        return place

    def values(self, hosts: list[tuple[str, str]], before: bytes = b"") -> int:
        rows = b"".join(
            struct.pack("<5I", 0, *self.text(importer), *self.text(host)) for importer, host in hosts
        )
        return self.add(before + rows)


def version_6(hosts: Table) -> bytes:
    table = Builder(28 + 24 * len(hosts))
    for number, (name, values) in enumerate(hosts.items()):
        place, size = table.text(name)
        hashed = 2 * name.rindex("-")
        row = struct.pack("<6I", 1, place, size, hashed, table.values(values), len(values))
        table.data[28 + 24 * number : 52 + 24 * number] = row
    struct.pack_into("<7I", table.data, 0, 6, len(table.data), 0, len(hosts), 28, 0, 31)
    return bytes(table.data)


def version_4(hosts: Table) -> bytes:
    table = Builder(16 + 24 * len(hosts))
    for number, (name, values) in enumerate(hosts.items()):
        place, size = table.text(name[4:])
        data = table.values(values, struct.pack("<2I", 0, len(values)))
        row = struct.pack("<6I", 1, place, size, place, size, data)
        table.data[16 + 24 * number : 40 + 24 * number] = row
    struct.pack_into("<4I", table.data, 0, 4, len(table.data), 0, len(hosts))
    return bytes(table.data)


def reader(data: bytes):
    return lambda size, address: data[address : address + size]


@pytest.fixture(params=[version_6, version_4])
def api_sets(request):
    return read_api_sets(reader(request.param(HOSTS)), 0)


def test_a_name_stands_for_its_dll(api_sets):
    assert api_sets.host(HEAP, "") == "kernelbase.dll"
    assert api_sets.host(HEAP.upper() + ".DLL", "game.exe") == "kernelbase.dll"


def test_who_asks_may_get_another_one(api_sets):
    name = "api-ms-win-core-processthreads-l1-1-2"
    assert api_sets.host(name, "game.exe") == "kernel32.dll"
    assert api_sets.host(name, "KERNEL32.dll") == "kernelbase.dll"


@pytest.mark.parametrize("name", ["ext-ms-win-nobody-l1-1-0", "ext-ms-win-none-l1-1-0", "kernel32", ""])
def test_what_stands_for_nothing_has_no_dll(api_sets, name):
    assert api_sets.host(name, "") is None


def test_the_last_number_does_not_count_from_windows_10_on():
    name = "api-ms-win-core-heap-l1-1-7"
    assert read_api_sets(reader(version_6(HOSTS)), 0).host(name, "") == "kernelbase.dll"
    assert read_api_sets(reader(version_4(HOSTS)), 0).host(name, "") is None


def test_a_layout_that_nobody_knows_has_no_names():
    assert read_api_sets(reader(struct.pack("<7I", 7, 28, 0, 0, 0, 0, 0)), 0) is NO_API_SETS
    assert NO_API_SETS.host(HEAP, "") is None


def test_names_are_known_by_their_beginning():
    assert may_be_api_set("API-ms-win-x-l1-1-0")
    assert may_be_api_set("ext-ms-win-x-l1-1-0")
    assert not may_be_api_set("apisetschema.dll")


@pytest.mark.parametrize("make", [version_6, version_4])
@given(damages=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12))
def test_damage_is_named_and_nothing_else_happens(make, damages):
    data = bytearray(make(HOSTS))
    for position, byte in damages:
        data[position % len(data)] = byte
    if int.from_bytes(data[4:8], "little") > len(data):
        data[4:8] = len(data).to_bytes(4, "little")
    with contextlib.suppress(BadImageError):
        read_api_sets(reader(bytes(data)), 0)


@pytest.mark.parametrize("make", [version_6, version_4])
def test_forwarders_lead_through_api_sets_to_the_dll_of_the_one_that_asks(make):
    name = "api-ms-win-core-processthreads-l1-1-2"
    game = FakeProcess(name="game.exe")
    game.load("kernel32.dll", 0x1_8000_0000, exports={"Start": f"{name}.Start", "Wait": 0x1000})
    game.load("kernelbase.dll", 0x1_9000_0000, exports={"Start": 0x1010})
    game.load("engine.dll", 0x2_0000_0000, exports={"Pause": f"{name}.Wait"})
    game.map(0x1000_0000, make(HOSTS))
    game.api_sets = 0x1000_0000
    with game.open() as view:
        assert int(view.address("kernel32!Start")) == 0x1_9000_1010
        assert int(view.address("engine!Pause")) == 0x1_8000_1000
        assert view.module(name).name == "kernel32.dll"
        assert int(view.address(f'"{name}"!Wait')) == 0x1_8000_1000
        with pytest.raises(SymbolNotFoundError, match="no module is called 'ext-ms-win-nobody-l1-1-0'"):
            view.module("ext-ms-win-nobody-l1-1-0")


def test_a_damaged_table_leaves_the_modules_their_own_names():
    game = FakeProcess(name="game.exe")
    game.load("api-ms-mine.dll", 0x1_8000_0000)
    game.map(0x1000_0000, struct.pack("<7I", 6, 28, 0, 5, 28, 0, 31))
    game.api_sets = 0x1000_0000
    with game.open() as view:
        assert view.module("api-ms-mine").base == 0x1_8000_0000
        with pytest.raises(SymbolNotFoundError):
            view.module(HEAP)


@pytest.mark.parametrize("make", [version_6, version_4])
def test_texts_and_counts_have_limits(make):
    for hosts in ({HEAP: [("", "x" * 300)]}, {HEAP: [("", "a.dll")] * 257}):
        with pytest.raises(BadImageError, match="is damaged"):
            read_api_sets(reader(make(hosts)), 0)


def test_a_table_that_claims_to_be_huge_is_not_read():
    data = struct.pack("<7I", 6, 1 << 31, 0, 1, 28, 0, 31)
    with pytest.raises(BadImageError, match="claims to have 2147483648 bytes"):
        read_api_sets(reader(data), 0)


def test_a_table_that_names_the_same_places_again_and_again_is_damaged():
    rows, values = 1000, 256
    start = 28 + 24 * rows
    text = start + 20 * values
    data = struct.pack("<7I", 6, text + 512, 0, rows, 28, text, 0)
    data += struct.pack("<6I", 0, text, 512, 508, start, values) * rows
    data += struct.pack("<5I", 0, text, 512, text, 512) * values
    data += "a".encode("utf-16-le") * 256
    with pytest.raises(BadImageError, match="damaged"):
        read_api_sets(lambda size, address: data[address : address + size], 0)
