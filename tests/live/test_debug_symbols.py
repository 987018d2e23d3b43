"""Private names and source lines of real programs, out of the PDB beside them."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import targets

from memaccess import (
    AmbiguousSymbolError,
    ClosedViewError,
    MemoryView,
    MissingRightError,
    SymbolNotFoundError,
    WrongBitnessError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

VISIBLE = [bitness for bitness in targets.BITNESSES if bitness <= targets.OWN_BITNESS]


@pytest.fixture(autouse=True, scope="module")
def loaded() -> None:
    """dbghelp itself: it keeps a handle of its own from its first use on (Wine 8)."""
    with MemoryView.from_current_process() as view, view.debug_symbols():
        view.symbol_at("ntdll!RtlAllocateHeap")


@pytest.fixture(params=VISIBLE)
def named(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("named", request.param) as target:
        yield target


def symbol(view: MemoryView, name: str) -> str:
    return f'"{view.name}"!{name}'


def test_private_names_are_known_while_they_are_asked_for(named: Target) -> None:
    where = named.facts["addresses"]
    with MemoryView(named.facts["pid"], "rw") as view:
        with pytest.raises(SymbolNotFoundError, match="has no export 'take_damage'"):
            view.read(1, symbol(view, "take_damage"))
        with view.debug_symbols() as symbols:
            for name, address in where.items():
                assert int(view.address(symbol(view, name))) == address
                assert int(view.address(name)) == address
                assert str(view.symbol_at(address)) == symbol(view, name)
            assert str(view.symbol_at(where["take_damage"] + 3)) == symbol(view, "take_damage+0x3")
            assert view.read_int("player_health") == 100
            view.write_int(50, "player_health")
            line = symbols.line_at(symbol(view, "take_damage"))
            assert line is not None
            assert Path(line.file.replace("\\", "/")).name == "named.c"
            assert line.line in range(named.facts["line"] - 4, named.facts["line"])
            assert line.address == where["take_damage"]
            assert symbols.line_at("player_health") is None
            assert symbols.line_at(0) is None
            with pytest.raises(SymbolNotFoundError, match="no export and no debug symbol 'heal'"):
                view.read(1, symbol(view, "heal"))
        with pytest.raises(SymbolNotFoundError):
            view.read(1, symbol(view, "take_damage"))
    assert named.ask("hit 8")["health"] == 42


def test_a_name_that_two_files_of_the_source_have_is_ambiguous(named: Target) -> None:
    with MemoryView(named.facts["pid"]) as view, view.debug_symbols():
        for name, places in named.facts["twice"].items():
            for text in (name, symbol(view, name)):
                with pytest.raises(AmbiguousSymbolError, match=f"several '{name}': at 0x"):
                    view.read(1, text)
            for place in places:
                assert int(view.address(str(view.symbol_at(place)))) == place


def test_letter_case_counts_in_private_names(named: Target) -> None:
    with MemoryView(named.facts["pid"]) as view, view.debug_symbols(), pytest.raises(SymbolNotFoundError):
        view.read(1, symbol(view, "TAKE_DAMAGE"))


def test_every_line_of_a_function_is_told(named: Target) -> None:
    start = named.facts["addresses"]["take_damage"]
    with MemoryView(named.facts["pid"]) as view, view.debug_symbols() as symbols:
        lines = {line.line for offset in range(12) if (line := symbols.line_at(start + offset))}
    assert named.facts["line"] - 1 in lines


def test_exports_keep_their_places(named: Target) -> None:
    with MemoryView(named.facts["pid"]) as view:
        plain = int(view.address("ntdll!RtlAllocateHeap"))
        with view.debug_symbols():
            assert int(view.address("ntdll!RtlAllocateHeap")) == plain
            assert int(view.address("kernel32!HeapAlloc")) == plain
            for offset in (0, 4, 0x20):
                assert str(view.symbol_at(plain + offset)).partition("+")[0] == "ntdll!RtlAllocateHeap"
                assert int(view.address(str(view.symbol_at(plain + offset)))) == plain + offset


@pytest.mark.parametrize("bitness", VISIBLE)
def test_symbols_are_looked_for_where_the_user_says(bitness: int, tmp_path: Path) -> None:
    program = targets.executable("named", bitness)
    alone = tmp_path / "program" / program.name
    alone.parent.mkdir()
    shutil.copy(program, alone)
    away = tmp_path / "symbols"
    away.mkdir()
    with targets.Target([alone]) as target, MemoryView(target.facts["pid"]) as view:
        with view.debug_symbols(), pytest.raises(SymbolNotFoundError):
            view.read(1, symbol(view, "take_damage"))
        shutil.copy(program.with_suffix(".pdb"), away)
        with view.debug_symbols(str(away)):
            found = int(view.address(symbol(view, "take_damage")))
        assert found == target.facts["addresses"]["take_damage"]


def test_symbols_of_another_build_are_not_used(named: Target) -> None:
    with MemoryView(named.facts["pid"], "rw") as view:
        base = view.modules()[0].base
        timestamp = base + view.read_uint32(base + 0x3C) + 8
        view.write_uint32(view.read_uint32(timestamp) ^ 1, timestamp, force=True)
        with view.debug_symbols(), pytest.raises(SymbolNotFoundError):
            view.read(1, symbol(view, "take_damage"))
        view.write_uint32(view.read_uint32(timestamp) ^ 1, timestamp, force=True)
        with view.debug_symbols():
            assert int(view.address(symbol(view, "take_damage"))) == named.facts["addresses"]["take_damage"]


def test_several_sessions_and_threads_are_kept_apart(named: Target) -> None:
    wanted = named.facts["addresses"]["take_damage"]
    views = [MemoryView(named.facts["pid"]) for _ in range(4)]
    sessions = [view.debug_symbols() for view in views]

    def ask(view: MemoryView) -> set[int]:
        return {int(view.address(symbol(view, "take_damage"))) for _ in range(25)}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, views)) == [{wanted}] * 4
    sessions[0].close()
    sessions[0].close()
    with pytest.raises(SymbolNotFoundError):
        views[0].read(1, symbol(views[0], "take_damage"))
    assert ask(views[1]) == {wanted}
    for view in views:
        view.close()
    assert all(not session._info._open for session in sessions)
    for session in sessions:
        session.close()


def test_views_that_may_not_are_told(named: Target) -> None:
    with MemoryView(named.facts["pid"], "w") as view, pytest.raises(MissingRightError):
        view.debug_symbols()
    view = MemoryView(named.facts["pid"])
    session = view.debug_symbols()
    view.close()
    with pytest.raises(ClosedViewError):
        view.debug_symbols()
    with pytest.raises(ClosedViewError):
        session.line_at(named.facts["addresses"]["take_damage"])


@pytest.mark.skipif(sys.maxsize > 1 << 32, reason="a 32-bit Python is what it is about")
def test_a_32_bit_python_knows_no_names_of_a_64_bit_program() -> None:
    with (
        targets.start("named", 64) as target,
        MemoryView(target.facts["pid"]) as view,
        view.debug_symbols(),
        pytest.raises(WrongBitnessError),
    ):
        view.read(1, "player_health")
