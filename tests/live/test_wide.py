"""A 64-bit program seen from a 32-bit Python, whose own pointers end at 4 GiB."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import targets
from support.subjects import PAGE

from memaccess import MemoryView, NotReadableError, NotWritableError, WrongBitnessError

if sys.platform == "win32":
    from memaccess._win32 import kernel32, ntdll

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(targets.OWN_BITNESS != 32, reason="a 32-bit Python is what it is about")

GIB_4 = 1 << 32


@pytest.fixture(scope="module")
def values() -> Iterator[targets.Target]:
    with targets.start("values", 64) as target:
        yield target


@pytest.fixture(scope="module")
def pages() -> Iterator[targets.Target]:
    with targets.start("pages", 64) as target:
        yield target


def low_page(pages: targets.Target) -> int:
    """An address below 4 GiB at which the program has memory."""
    address: int = pages.facts["pages"]["lonely"]["base"]
    assert address < GIB_4
    return address


def high_variable(values: targets.Target) -> int:
    """An address above 4 GiB at which the program has an int."""
    assert values.addresses["int"] > GIB_4
    return values.addresses["int"]


# -- it works


def test_memory_above_4_gib_is_read_and_written(values) -> None:
    address = high_variable(values)
    with MemoryView(values.pid, "rw") as view:
        view.write_int(view.read_int(address) + 5, address)
    assert values.ask("dump")["values"]["int"] == values.facts["values"]["int"] + 5


def test_a_pointer_above_4_gib_is_followed(values) -> None:
    with MemoryView(values.pid) as view:
        pointer = view.read_pointer(values.addresses["pointer"])
        assert pointer > GIB_4
        assert view.read_int(pointer) == values.ask("dump")["values"]["int"]


def test_memory_below_4_gib_is_forced(pages) -> None:
    address = pages.facts["pages"]["readonly"]["base"]
    if address >= GIB_4:
        pytest.skip("the system put the page above 4 GiB")
    with MemoryView(pages.pid, "w") as view:
        view.write(b"forced", address, force=True)
    assert bytes.fromhex(pages.ask("peek readonly 0 6")["bytes"]) == b"forced"


# -- no address is cut to 32 bits


def test_an_address_is_not_read_modulo_4_gib(pages) -> None:
    address = low_page(pages)
    with MemoryView(pages.pid, "rw") as view:
        view.write(b"low memory", address)
        assert view.read(10, address) == b"low memory"
        with pytest.raises(NotReadableError) as caught:
            view.read(10, address + GIB_4)
    assert caught.value.address == address + GIB_4


def test_an_address_is_not_written_modulo_4_gib(pages) -> None:
    address = low_page(pages)
    with MemoryView(pages.pid, "rw") as view:
        view.write(b"low memory", address)
        with pytest.raises(NotWritableError):
            view.write(b"overwritten", address + GIB_4)
        assert view.read(10, address) == b"low memory"


def test_a_read_does_not_wrap_at_4_gib(pages) -> None:
    with MemoryView(pages.pid) as view, pytest.raises(NotReadableError):
        view.read(2 * PAGE, GIB_4 - PAGE)


def test_the_map_is_not_asked_modulo_4_gib(pages, monkeypatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(kernel32, "VirtualQueryEx", lambda *arguments: asked.append(arguments))
    with MemoryView(pages.pid) as view, pytest.raises(WrongBitnessError):
        view.region_at(low_page(pages) + GIB_4)
    assert asked == []


def test_force_does_not_reach_above_4_gib(values) -> None:
    address = high_variable(values)
    before = values.ask("dump")["values"]
    with MemoryView(values.pid, "w") as view, pytest.raises(WrongBitnessError) as caught:
        view.write(b"1234", address, force=True)
    assert caught.value.address == address
    assert f"0x{address:x}" in caught.value.explanation
    assert values.ask("dump")["values"] == before


def test_force_does_not_lift_protections_modulo_4_gib(pages, monkeypatch) -> None:
    lifted: list[Any] = []
    monkeypatch.setattr(kernel32, "VirtualProtectEx", lambda *arguments: lifted.append(arguments))
    with MemoryView(pages.pid, "w") as view, pytest.raises(WrongBitnessError):
        view.write(b"1234", pages.facts["pages"]["readonly"]["base"] + GIB_4, force=True)
    assert lifted == []


def test_force_does_not_reach_across_4_gib(pages) -> None:
    with MemoryView(pages.pid, "w") as view, pytest.raises(WrongBitnessError):
        view.write(b"12345678", GIB_4 - 4, force=True)


# -- where Windows lacks the functions for it


def test_without_the_function_that_reads_nothing_is_read(values, monkeypatch) -> None:
    monkeypatch.setattr(ntdll, "NtWow64ReadVirtualMemory64", None)
    address = high_variable(values)
    with MemoryView(values.pid) as view, pytest.raises(WrongBitnessError, match="64-bit Python") as caught:
        view.read_int(address)
    assert caught.value.address == address


def test_without_the_function_that_writes_nothing_is_written(values, monkeypatch) -> None:
    monkeypatch.setattr(ntdll, "NtWow64WriteVirtualMemory64", None)
    with MemoryView(values.pid, "w") as view, pytest.raises(WrongBitnessError):
        view.write_int(1, high_variable(values))


def test_without_the_functions_a_low_address_is_refused_too(pages, monkeypatch) -> None:
    """ReadProcessMemory could name it; but then a view would work for some addresses and not for others."""
    monkeypatch.setattr(ntdll, "NtWow64ReadVirtualMemory64", None)
    with MemoryView(pages.pid) as view, pytest.raises(WrongBitnessError):
        view.read(4, low_page(pages))


def test_the_view_of_a_program_of_its_own_width_needs_no_such_function(monkeypatch) -> None:
    monkeypatch.setattr(ntdll, "NtWow64ReadVirtualMemory64", None)
    with targets.start("values", 32) as target, MemoryView(target.pid) as view:
        assert view.read_int(target.addresses["int"]) == target.facts["values"]["int"]
