"""The functions of ``docs/recipes/pointer_chain.py``, on programs that exist only in this Python.

``tests/live/test_pointer_chain.py`` carries it out on a real program.
"""

from __future__ import annotations

import io
import runpy
import sys
from types import SimpleNamespace

import pytest

from docs.pages import ROOT
from memaccess import TargetExitedError
from memaccess.testing import FakeProcess, FakeSystem

recipe = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "recipes" / "pointer_chain.py")))

BASE = 0x400000
STATIC = BASE + 0x2010
HEAP = 0x90000000  # above 2 GiB, where signed numbers of 4 bytes end
WORLD, PLAYER = HEAP + 0x100, HEAP + 0x10000
HEALTH = PLAYER + 0x158
CHAIN = "[[game.exe+2010]+18]+158"


@pytest.fixture(params=[64, 32])
def game(request):
    """A game with a world, a player, and nothing else."""
    game = FakeProcess(5556, "game.exe", bitness=request.param)
    game.load("game.exe", BASE)
    game.map(HEAP, 0x20000)
    put(game, {STATIC: WORLD, WORLD + 0x18: PLAYER})
    put_int(game, 100, HEALTH)
    return game


def put(program, pointers):
    with program.open("w") as view:
        for address, target in pointers.items():
            view.write_pointer(target, address)


def put_int(program, value, address):
    with program.open("w") as view:
        view.write_int(value, address)


def find_chains(program, address):
    with program.open() as view:
        return recipe.find_chains(view, address)


def printed(capsys):
    return capsys.readouterr().out.splitlines()


# -- finding


def test_the_chain_is_found(game):
    assert find_chains(game, HEALTH) == [CHAIN]


def test_every_chain_is_found_the_shortest_first(game):
    put(game, {STATIC + 0x20: PLAYER + 0x100, HEAP + 0x200: STATIC})
    assert find_chains(game, HEALTH) == ["[game.exe+2030]+58", CHAIN]


def test_a_place_in_a_module_needs_no_pointer(game):
    assert find_chains(game, STATIC) == ["game.exe+2010"]


def test_where_no_chain_leads_none_is_found(game):
    assert find_chains(game, HEAP + 0x8000) == []


@pytest.mark.parametrize(("offset", "found"), [(-1, False), (0, True), (0x400, True), (0x401, False)])
def test_how_far_behind_a_pointer_an_address_may_be(game, offset, found):
    wanted = HEAP + 0x8000
    put(game, {STATIC + 8: wanted - offset})
    assert find_chains(game, wanted) == ([f"[game.exe+2018]+{offset:X}"] if found else [])


def test_three_pointers_are_followed_and_no_fourth(game):
    put(game, {PLAYER: HEAP + 0x8000, HEAP + 0x8000: HEAP + 0x9000})
    assert find_chains(game, HEAP + 0x8004) == ["[[[game.exe+2010]+18]+0]+4"]
    assert find_chains(game, HEAP + 0x9000) == []


def test_pointers_in_a_circle_come_to_an_end(game):
    put(game, {PLAYER: PLAYER, PLAYER + 8: WORLD})
    ring = "[[[game.exe+2010]+18]+0]+158"
    assert find_chains(game, HEALTH) == [CHAIN, ring]


@pytest.mark.parametrize("before", [-8, 0, 8])
def test_pointers_are_found_on_both_sides_of_the_border_of_two_chunks(game, before):
    large = HEAP + 0x100000
    game.map(large, 2 * recipe.CHUNK)
    place = large + recipe.CHUNK - before
    put(game, {STATIC: place - 0x18, place: PLAYER})
    assert find_chains(game, HEALTH) == [CHAIN]


def test_the_last_pointer_of_a_region_is_found(game):
    size = game.model.pointer_size
    put(game, {BASE + 0x3000 - size: PLAYER})
    assert f"[game.exe+{0x3000 - size:X}]+158" in find_chains(game, HEALTH)


def test_pointers_are_aligned(game):
    put(game, {STATIC + 0x21: PLAYER})
    assert find_chains(game, HEALTH) == [CHAIN]


@pytest.mark.parametrize("memory", [{"protection": "r--"}, {"protection": "---"}, {"guard": True}], ids=str)
def test_pointers_are_not_looked_for_where_the_program_can_t_change_them(game, memory):
    game.map(HEAP + 0x100000, PLAYER.to_bytes(8, "little"), **memory)
    put(game, {STATIC + 8: HEAP + 0x100000})
    assert find_chains(game, HEALTH) == [CHAIN]


def test_pointers_of_a_32_bit_program_have_4_bytes():
    program = FakeProcess(bitness=32)
    program.load("game.exe", BASE)
    program.map(HEAP, 0x1000)
    put(program, {STATIC: HEAP, STATIC + 4: HEAP + 0x10})
    assert find_chains(program, HEAP + 0x20) == ["[game.exe+2010]+20", "[game.exe+2014]+10"]


@pytest.mark.parametrize("name", ["my-game v2.exe", "1.2.dll", "ace", "Zoë.dll", "engine.dll"])
def test_what_is_found_is_understood_whatever_the_module_is_called(game, name):
    game.load(name, 0x800000)
    put(game, {0x802018: PLAYER})
    found = find_chains(game, HEALTH)
    assert len(found) == 2
    with game.open() as view:
        assert [view.read_int(chain) for chain in found] == [100, 100]


def test_modules_of_another_width_have_no_chains():
    program = FakeProcess(bitness=32)
    program.load("game.exe", BASE)
    program.load("wow64.dll", 0x800000)
    program.map(HEAP, 0x1000)
    put(program, {STATIC: HEAP, 0x802010: HEAP})
    assert find_chains(program, HEAP) == ["[game.exe+2010]+0", "[wow64.dll+2010]+0"]
    with program.open("w") as view:
        view.write_uint16(0x8664, 0x800084, force=True)
        view.write_uint16(0x20B, 0x800098, force=True)
    assert find_chains(program, HEAP) == ["[game.exe+2010]+0"]


# -- printing what was found


def test_an_expression_is_an_address_too(game, capsys):
    with game.open() as view:
        for address in (hex(HEALTH), CHAIN):
            recipe.find(view, address)
            assert printed(capsys) == [CHAIN]


def test_a_chain_that_leads_elsewhere_is_not_printed(capsys):
    program = FakeProcess()
    # Of two modules with one name, the name is the first one's.
    program.load("C:\\first\\engine.dll", 0x800000)
    program.load("C:\\second\\engine.dll", 0x900000)
    program.map(HEAP, 0x1000)
    put(program, {0x902010: HEAP, 0x802020: HEAP})
    assert find_chains(program, HEAP) == ["[engine.dll+2020]+0", "[engine.dll+2010]+0"]
    with program.open() as view:
        recipe.find(view, hex(HEAP))
        assert printed(capsys) == ["[engine.dll+2020]+0"]
        put(program, {0x802010: HEAP + 8})
        recipe.find(view, hex(HEAP))
        assert printed(capsys) == ["[engine.dll+2020]+0"]


# -- trying them again


def test_chains_are_followed_to_where_they_lead_now(game, capsys):
    with game.open() as view:
        recipe.check(view, [f"{CHAIN}\n", "\n", "  game.exe+2000 \n"])
        assert printed(capsys) == [f"{CHAIN} = 100", "game.exe+2000 = 0"]
        put(game, {STATIC: HEAP + 0x8000, HEAP + 0x8018: HEAP + 0x9000})
        put_int(game, -7, HEAP + 0x9158)
        recipe.check(view, [CHAIN])
        assert printed(capsys) == [f"{CHAIN} = -7"]


def test_what_is_broken_is_said_to_be_and_why_and_the_others_are_followed(game, capsys):
    put(game, {WORLD: 0, WORLD + 8: 0x10000, WORLD + 0x10: (1 << game.bitness) - 1})
    broken = {
        "[[game.exe+2010]+0]+158": "the pointer at [game.exe+2010]+0, which is 0x90000100, is null",
        "[[[game.exe+2010]+8]+0]+158": "the pointer at [[game.exe+2010]+8]+0, which is 0x10000, can't be read",
        "[[game.exe+2010]+8]+158": "Can't read 4 bytes of process memory at address 0x10158",
        "[[game.exe+2010]+10]+158": f"don't lie in the address space of a {game.bitness}-bit program",
        "[engine.dll+2010]+158": "no module and no symbol is called 'engine.dll'",
    }
    with game.open() as view:
        recipe.check(view, [*broken, CHAIN])
    *lines, last = printed(capsys)
    for line, (chain, reason) in zip(lines, broken.items(), strict=True):
        assert line.startswith(f"{chain} is broken: ")
        assert reason in line
    assert last == f"{CHAIN} = 100"


def test_a_program_that_has_ended_breaks_no_chain(game, capsys):
    with game.open() as view:
        game.exit()
        with pytest.raises(TargetExitedError):
            recipe.check(view, [CHAIN])
    assert printed(capsys) == []


# -- the recipe as a whole


def test_the_recipe_prints_what_it_takes(game, capsys, monkeypatch):
    with FakeSystem(game):
        recipe.main(["find", "game", hex(HEALTH)])
        found = capsys.readouterr().out
        assert found == f"{CHAIN}\n"
        monkeypatch.setattr(sys, "stdin", io.StringIO(found))
        recipe.main(["check", "game"])
    assert printed(capsys) == [f"{CHAIN} = 100"]


@pytest.mark.parametrize("words", [[], ["find", "game"], ["check", "game", "more"], ["chek", "game"]])
def test_whoever_calls_it_otherwise_is_told_how(words):
    with pytest.raises(SystemExit, match=r"python pointer_chain\.py find game 0x3704b8"):
        recipe.main(words)
