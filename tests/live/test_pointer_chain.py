"""The recipe ``docs/recipes/pointer_chain.py``, on a program that is restarted at another base."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import targets
from support.game import NAME, moved, true_chain

from memaccess import BrokenChainError, MemoryView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

RECIPE = Path(__file__).resolve().parents[2] / "docs" / "recipes" / "pointer_chain.py"
VISIBLE = [bitness for bitness in targets.BITNESSES if bitness <= targets.OWN_BITNESS]


@pytest.fixture(params=VISIBLE)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The game's file, under a name that no other test's program has."""
    copy = tmp_path / f"{NAME}.exe"
    shutil.copy(targets.executable("chain", request.param), copy)
    return copy


@pytest.fixture
def game(program: Path) -> Iterator[Target]:
    with targets.Target([program]) as target:
        yield target


def start_recipe(*words: str, lines: list[str]) -> subprocess.CompletedProcess[str]:
    """Run it as a user does."""
    return subprocess.run(
        [sys.executable, RECIPE, *words],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def run_recipe(*words: str, lines: list[str] | None = None) -> list[str]:
    """The lines that it prints."""
    result = start_recipe(*words, lines=lines or [])
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def find_health(target: Target) -> list[str]:
    return run_recipe("find", NAME, hex(target.addresses["health"]))


def test_the_chain_that_the_program_has_is_found(game: Target) -> None:
    chains = find_health(game)
    assert true_chain(game) in chains
    assert len(set(chains)) == len(chains)


def test_the_chain_leads_to_the_health_of_every_level(game: Target) -> None:
    chain = true_chain(game)
    assert chain in find_health(game)
    with MemoryView(game.pid) as view:
        place = view.address(chain)
        for damage in (30, 20, 10):
            game.ask(f"hit {damage}")
            assert view.read_int(chain) == view.read_int(place) == 100 - damage
            before = int(place)
            after = game.ask("level")["addresses"]["health"]
            assert after != before
            assert int(view.address(chain)) == int(place) == after
            assert view.read_int(chain) == view.read_int(place) == 100


def test_in_the_menu_the_chain_is_broken_at_the_player(game: Target) -> None:
    chain = true_chain(game)
    menu = game.ask("menu")["addresses"]
    with MemoryView(game.pid) as view:
        place = view.address(chain)
        for asked in (chain, place):
            with pytest.raises(BrokenChainError) as caught:
                view.read_int(asked)
            error = caught.value
            link = f"the pointer at {chain[1 : -len(']+158')]}, which is {hex(menu['player'])}, is null"
            assert str(error) == f"Can't follow {chain}: {link}"
            assert (error.address, error.expression, error.position) == (menu["player"], chain, 0)
        [line] = run_recipe("check", NAME, lines=[chain])
        assert line == f"{chain} is broken: {error}"
        after = game.ask("level")["addresses"]["health"]
        assert int(place) == after
    assert run_recipe("check", NAME, lines=[chain]) == [f"{chain} = 100"]


def test_the_chain_leads_to_the_health_after_a_restart_at_another_base(program: Path) -> None:
    with targets.Target([program]) as first:
        chain, chains = true_chain(first), find_health(first)
        assert chain in chains
    with targets.Target([moved(program), "40"]) as second:
        assert second.facts["base"] != first.facts["base"]
        assert not set(second.addresses.values()) & set(first.addresses.values())
        second.ask("hit 9")
        answers = run_recipe("check", NAME, lines=chains)
        assert f"{chain} = 91" in answers
        assert len(answers) == len(chains)
        with MemoryView(second.pid) as view:
            assert int(view.address(chain)) == second.addresses["health"]
        assert chain in find_health(second)


@pytest.mark.skipif(targets.OWN_BITNESS != 32, reason="a 32-bit Python is what it is about")
@pytest.mark.parametrize("command", ["find", "check"])
def test_a_32_bit_python_says_that_it_can_t_do_this_to_a_64_bit_program(tmp_path: Path, command: str) -> None:
    copy = tmp_path / f"{NAME}.exe"
    shutil.copy(targets.executable("chain", 64), copy)
    with targets.Target([copy]) as target:
        address = [hex(target.addresses["health"])] if command == "find" else []
        result = start_recipe(command, NAME, *address, lines=[true_chain(target)])
    assert result.returncode == 1
    assert result.stdout == ""
    assert "memaccess.WrongBitnessError: " in result.stderr
