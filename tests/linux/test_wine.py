"""Programs of Windows under Wine, watched from Linux: the same values from outside as from inside."""

from __future__ import annotations

import functools
import hashlib
import operator
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import linux
from support.inside import screen_of

from memaccess import MemoryView, ProcessNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.inside import Inside

API_SET = "api-ms-win-core-heap-l1-1-0"
EXPRESSIONS = [
    "kernel32!Sleep",
    "kernel32.Sleep",
    "KERNEL32.DLL!HeapAlloc",
    "ntdll!NtClose",
    "python.exe+10F4",
    f"{API_SET}!HeapAlloc",
    "[kernel32.dll+3C]",
    "THREADSTACK0",
    "THREADSTACK0-378",
]


@pytest.fixture(scope="module")
def about(inside: Inside) -> dict[str, Any]:
    """What the Windows Python says of itself."""
    return inside.ask(about=0, addresses=EXPRESSIONS)


@pytest.fixture
def view(inside: Inside) -> Iterator[MemoryView]:
    with MemoryView(inside.process.pid, "rw") as view:
        yield view


def pages(regions: list[list[Any]]) -> dict[int, tuple[Any, ...]]:
    return {page: tuple(rest) for base, size, *rest in regions for page in range(base, base + size, 4096)}


def test_a_program_of_windows_has_its_own_name_and_width(inside: Inside, view: MemoryView) -> None:
    found = inside.process
    assert (found.name, found.bitness) == ("python.exe", inside.bitness)
    assert linux.elf_class(found.pid) == (64 if inside.is_wow64 else inside.bitness)
    assert found.path is not None
    assert os.path.samefile(found.path, Path(found.path).with_name("python.exe"))
    assert (view.name, view.bitness, view.pid) == ("python.exe", inside.bitness, found.pid)


def test_the_modules_are_those_that_it_has_itself(
    inside: Inside, about: dict[str, Any], view: MemoryView
) -> None:
    outside = [
        [each.name.lower(), each.base, each.size, each.entry, each.bitness, each.timestamp]
        for each in view.modules()
    ]
    told = [[name.lower(), *rest] for name, *rest in about["modules"]]
    # A 32-bit Python inside is not told of the 64-bit ones that lead out of such a program.
    of_system = [each for each in outside if inside.is_wow64 and each[0].startswith("wow64")]
    assert sorted(outside, key=str) == sorted(told + of_system, key=str)
    assert outside[0] == told[0]
    assert all(os.path.isfile(each.path) for each in view.modules())


def test_names_mean_the_same_places(about: dict[str, Any], view: MemoryView) -> None:
    assert {each: operator.index(view.address(each)) for each in EXPRESSIONS} == about["addresses"]
    assert str(view.symbol_at("kernel32!Sleep")) == "kernel32!Sleep"


def test_exports_are_those_that_it_sees_itself(about: dict[str, Any], view: MemoryView) -> None:
    outside = {each.name: each.address for each in view.exports("kernel32.dll") if each.name}
    assert outside == about["exports"]


def test_its_modules_pages_are_told_as_inside(
    inside: Inside, about: dict[str, Any], view: MemoryView
) -> None:
    outside = [
        [region.base, region.size, region.rights, region.kind, region.allocation_base]
        for module in view.modules()
        if module.bitness == inside.bitness
        for region in view.regions(module.base, module.end)
    ]
    assert pages(outside) == pages(about["pages"])


def test_sections_without_a_name_are_their_file_s(view: MemoryView) -> None:
    program = view.module("python.exe")
    for region in view.regions(program.base, program.end):
        assert view.mapped_file(region.base) == program.path


def test_values_are_read_and_written_as_windows_has_them(inside: Inside, view: MemoryView) -> None:
    at = inside.target.addresses
    assert view.read_int(at["int"]) == -123456789
    assert view.read_long(at["long"]) == -5
    assert view.read_double(at["double"]) == 0.1
    assert view.read_int(view.read_pointer(at["pointer"])) == -123456789
    assert view.read_string(at["text"], "utf-16") == "Grüße \N{SNAKE}"
    view.write_long(-77, at["long"])
    view.write_string("outside", at["text"], "utf-16")
    assert inside.ask(value="long") == {"value": -77}
    assert inside.ask(value="text") == {"value": "outside"}
    view.write_long(-5, at["long"])
    view.write_string("Grüße \N{SNAKE}", at["text"], "utf-16")


def test_code_is_written_to_and_put_back(view: MemoryView) -> None:
    place = operator.index(view.address("kernel32!Sleep"))
    code = view.read(4, place)
    view.write(b"\xcc", place)
    assert view.read(4, place) == b"\xcc" + code[1:]
    view.write(code, place)


def test_memory_is_allocated_and_protected(inside: Inside, view: MemoryView) -> None:
    with view.allocate(100) as memory, view.allocate(100, "rwx", near="kernel32.dll") as near:
        assert memory.end <= 1 << inside.bitness
        assert abs(int(near) - view.module("kernel32.dll").base) < 1 << 31
        view.write(b"seen from inside\0", memory)
        assert bytes.fromhex(inside.ask(peek=int(memory), size=16)["bytes"]) == b"seen from inside"
        with view.protect("r--", 1, inside.target.addresses["text"]):
            assert view.region_at(inside.target.addresses["text"]).rights == "r--"
        assert view.region_at(inside.target.addresses["text"]).rights == "rw-"
    assert inside.ask(value="long") == {"value": -5}


def test_a_busy_program_goes_on_as_before(inside: Inside, view: MemoryView) -> None:
    # It is stopped in Windows' code too, which has 32 bits also where its process has 64.
    rounds = 1_000_000
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(inside.ask, digest=rounds)
        count = 0
        while not answer.done():
            with view.allocate(1) as memory, view.protect("r--", 1, memory):
                count += 1
            assert operator.index(view.address("THREADSTACK0"))
    assert count > 5
    right = functools.reduce(lambda data, _: hashlib.sha256(data).digest(), range(rounds), b"")
    assert answer.result()["digest"] == right.hex()


def test_a_program_that_it_starts_is_found_by_name(inside: Inside) -> None:
    started = inside.ask(start="notepad.exe")["pid"]
    try:
        found = inside.appeared("notepad")
        with MemoryView(found.pid) as view:
            told = inside.ask(about=started, addresses=["notepad.exe+1000", "user32!MessageBoxW"])
            assert view.read(2, "notepad.exe") == b"MZ"
            for expression, address in told["addresses"].items():
                assert operator.index(view.address(expression)) == address
            names = [each[0].lower() for each in told["modules"]]
            assert {"notepad.exe", "user32.dll"} <= {each.name.lower() for each in view.modules()}
            assert view.modules()[0].name == names[0] == "notepad.exe"
            with screen_of(found.pid), MemoryView.from_window("Untitled - Notepad") as same:
                assert same.pid == found.pid
            with pytest.raises(ProcessNotFoundError, match="Windows has other pids") as caught:
                MemoryView(started)
            assert f"notepad.exe is {found.pid}" in str(caught.value.explanation)
            inside.ask(end=started)
            while view.is_alive():
                time.sleep(0.01)
    finally:
        if inside.processes("notepad"):
            inside.ask(end=started)
