"""Chains of pointers from modules, as a view finds, keeps and follows them."""

from __future__ import annotations

import re

import pytest

from memaccess import SearchCancelledError, SymbolNotFoundError, TargetExitedError
from memaccess.searching import PointerChain, WatchList, load_pointers, save_pointers
from memaccess.testing import FakeProcess


def a_game(bitness: int, shift: int = 0) -> tuple[FakeProcess, int]:
    """A program in which [[[game.exe+2010]+18]+8]+24 is its player's health; and where that is now."""
    base = 0x400000 + shift if bitness == 32 else 0x140000000 + shift
    fake = FakeProcess(bitness=bitness)
    fake.load("game.exe", base)
    fake.load("my engine.dll", base + 0x100000)
    world, player, body = 0x10000000 + shift, 0x11000000 + shift, 0x12000000 + shift
    for heap in (world, player, body):
        fake.map(heap, 0x1000)
    with fake.open("w") as view:
        view.write_pointer(world, base + 0x2010)
        view.write_pointer(player, world + 0x18)
        view.write_pointer(body, player + 8)
        view.write_pointer(body + 0x40, base + 0x102000)  # points behind it
        view.write_int(100, body + 0x24)
    return fake, body + 0x24


@pytest.mark.parametrize("bitness", [64, 32])
def test_chains_are_found_kept_and_still_right_after_a_restart(kernels, bitness, tmp_path):
    fake, health = a_game(bitness)
    path = tmp_path / "health.pointers"
    with fake.open() as view:
        found = list(view.find_pointers(health, max_offset=0x100))
        assert found == [PointerChain("game.exe", 0x2010, (0x18, 8, 0x24))]
        assert str(found[0]) == "[[[game.exe+2010]+18]+8]+24"
        assert view.read_int(str(found[0])) == view.read_int(found[0]) == 100
        assert str(view.address(found[0]) + 8) == f"{found[0]}+8"
        assert WatchList(view).add("health", found[0], "int").place == str(found[0])
        more = list(view.find_pointers(health, max_offset=0x100, min_offset=-0x40))
        assert more == [PointerChain("my engine.dll", 0x2000, (-0x1C,)), *found]
        assert str(more[0]) == '["my engine.dll"+2000]-1C'
        assert save_pointers(path, more) == 2
    anew, moved = a_game(bitness, 0x1230000)
    with anew.open("rw") as view:
        view.write_pointer(0, view.module("my engine").base + 0x2000)
        assert view.pointers_to(moved, load_pointers(path)) == found
        assert view.read_int(str(found[0])) == 100


def test_where_chains_begin_and_how_they_end(kernels):
    fake, health = a_game(64)
    with fake.open() as view:
        assert list(view.find_pointers(health, modules="my engine")) == []
        assert len(list(view.find_pointers(health, modules=[view.module("game")]))) == 1
        assert len(list(view.find_pointers(health, ends_with=[8, 0x24]))) == 1
        assert list(view.find_pointers(health, ends_with=[0x20])) == []
        assert list(view.find_pointers(health, depth=2)) == []
        assert view.find_pointers(health, within="game").left_out > 0
        with pytest.raises(SymbolNotFoundError):
            view.find_pointers(health, modules="other")
        with pytest.raises(TypeError, match="by their names, or as modules"):
            view.find_pointers(health, modules=5)
        with pytest.raises(TypeError, match=r"as find_pointers\(\) gives them"):
            view.pointers_to(health, ["[game.exe+10]"])


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"depth": 0}, ValueError, "1 pointer or more"),
        ({"depth": 10**9}, ValueError, "at most 64 pointers"),
        ({"modules": 5}, TypeError, "by their names, or as modules, not as 5"),
        ({"modules": [5]}, TypeError, "by their names, or as modules, not as 5"),
        ({"depth": -1}, ValueError, "can't be negative"),
        ({"min_offset": 8, "max_offset": 4}, ValueError, "the least offset, 8, is more than the most, 4"),
        ({"depth": 1, "ends_with": [1, 2]}, ValueError, "can't end with 2 offsets"),
        ({"max_offset": 1 << 70}, OverflowError, "64 bits"),
        ({"address": -1}, OverflowError, "negative"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, error, complaint):
    fake, health = a_game(64)
    with fake.open() as view, pytest.raises(error, match=re.escape(complaint)):
        view.find_pointers(**{"address": health, **arguments})


def test_it_ends_with_the_program_and_when_it_is_cancelled():
    fake, health = a_game(64)
    with fake.open() as view:
        search = view.find_pointers(health)
        search.cancel()
        with pytest.raises(SearchCancelledError):
            search.first()
        chains = list(view.find_pointers(health))
        search = view.find_pointers(health)
        fake.exit()
        with pytest.raises(TargetExitedError):
            search.first()
        with pytest.raises(TargetExitedError):
            view.pointers_to(health, chains)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "a.pointers"
    for text in ("", "hello\n", '"memaccess pointers 1"\n[1]\n', '"memaccess pointers 1"\nnothing\n'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not a file of pointers"):
            load_pointers(path)
    path.write_text("before")
    with pytest.raises(ZeroDivisionError):
        save_pointers(path, (PointerChain("a", 0, (1 // 0,)) for _ in range(3)))
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "line",
    ["[]", '["a", 1, 1e999]', '["a", 1.5, 2]', '[["a"], 1, 2]', '["a", "5", 6]', '["a", -5, 6]'],
)
def test_lines_that_are_no_chains_are_refused(tmp_path, line):
    path = tmp_path / "a.pointers"
    for text in (line, f'["a", 1, {1 << 70}]', "[" * 100000):
        path.write_text(f'"memaccess pointers 1"\n["a", 1, 2]\n{text}\n')
        with pytest.raises(ValueError, match="not a file of pointers"):
            load_pointers(path)


def test_names_that_are_half_a_character_are_kept_too(tmp_path):
    path, chains = tmp_path / "a.pointers", [PointerChain("a\ud800.so", 1, (-2,))]
    assert save_pointers(path, chains) == 1
    assert load_pointers(path) == chains


def test_of_two_modules_with_one_name_the_right_one_is_meant(kernels):
    fake = FakeProcess()
    for folder, base in (("a", 0x10000000), ("b", 0x20000000)):
        fake.load(f"C:\\{folder}\\mod.dll", base)
    fake.map(0x30000000, 0x1000)
    with fake.open("rw") as view:
        view.write_int(12345678, 0x20002100)
        view.write_pointer(0x30000010, 0x20002000)
        view.write_pointer(0x30000010, 0x10002008)
        chains = list(view.find_pointers(0x30000010, max_offset=0))
        assert chains == [
            PointerChain("mod.dll", 0x2008, (0,)),
            PointerChain("C:\\b\\mod.dll", 0x2000, (0,)),
        ]
        assert [int(view.address(str(chain))) for chain in chains] == [0x30000010] * 2
        assert view.pointers_to(0x30000010, chains) == chains
        (hit,) = view.scan("int").exact(12345678)
        assert view.read_int(str(hit)) == 12345678
