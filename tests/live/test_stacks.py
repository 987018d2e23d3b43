"""``THREADSTACK0`` and so on, in programs that say where their threads have things."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from support import targets

from memaccess import MemoryView, SymbolNotFoundError, TargetExitedError, WrongBitnessError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.targets import Target

VISIBLE = [bitness for bitness in targets.BITNESSES if bitness <= targets.OWN_BITNESS]


@pytest.fixture(params=VISIBLE)
def program(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("stacks", request.param) as target:
        yield target


@pytest.fixture
def view(program: Target) -> Iterator[MemoryView]:
    with MemoryView(program.pid, "rw") as view:
        yield view


def place(view: MemoryView, text: str) -> int:
    return int(view.address(text))


def test_stacks_are_where_the_program_has_them(program: Target, view: MemoryView) -> None:
    bases = [program.facts["stack_base"], *(program.ask("start")["stack_base"] for _ in range(3))]
    assert [view._stack_base(number) for number in range(4)] == bases
    assert view._stack_base(4) is None
    for number, base in enumerate(bases):
        start = place(view, f"THREADSTACK{number}")
        assert base - 4096 <= start < base
        assert view.module_at(view.read_pointer(start)) == view.module("kernel32")
        behind = range(start + view.bitness // 8, base, view.bitness // 8)
        assert not any(view.read_pointer(each) in range(*span(view)) for each in behind)


def span(view: MemoryView) -> tuple[int, int]:
    kernel32 = view.module("kernel32.dll")
    return kernel32.base, kernel32.end


def test_variables_of_the_same_function_are_equally_far_in_all_stacks(
    program: Target, view: MemoryView
) -> None:
    threads = [program.ask("start") for _ in range(3)]
    offset = place(view, "THREADSTACK1") - threads[0]["health"]
    assert offset > 0
    for thread in threads:
        text = f'"THREADSTACK{thread["number"]}"-{offset:08X}'
        assert place(view, text) == thread["health"]
        assert view.read_int(text) == 100 + thread["number"]
    view.write_int(-1, f"threadstack2-{offset:x}")
    assert view.read_int(threads[1]["health"]) == -1


def test_the_way_to_a_variable_of_the_first_thread_leads_there_in_a_new_start(
    program: Target, tmp_path: Path
) -> None:
    with MemoryView(program.pid) as view:
        offset = place(view, "THREADSTACK0") - program.facts["health"]
        assert place(view, "THREADSTACK") == place(view, "THREADSTACK0")
    # The length of its path and its arguments move what is above it in the stack of some systems.
    copy = tmp_path / f"longer-name-{os.getpid()}.exe"
    shutil.copy(targets.executable("stacks", program.facts["pointer_size"] * 8), copy)
    with targets.Target([copy, "argument" * 20]) as again, MemoryView(again.pid) as view:
        assert place(view, f"THREADSTACK0-{offset:X}") == again.facts["health"]
        assert view.read_int(f"THREADSTACK0-{offset:X}") == 100


def test_a_thread_that_ends_gives_its_number_to_the_next(program: Target, view: MemoryView) -> None:
    bases = [program.ask("start")["stack_base"] for _ in range(3)]
    kept = view.address("THREADSTACK2")
    assert bases[1] - 4096 <= int(kept) < bases[1]
    program.ask("end 2")
    assert [view._stack_base(number) for number in range(4)] == [
        program.facts["stack_base"],
        bases[0],
        bases[2],
        None,
    ]
    assert bases[2] - 4096 <= int(kept) < bases[2]
    program.ask("end 3")
    with pytest.raises(SymbolNotFoundError, match="there is no thread 2"):
        int(kept)


def test_a_thread_that_has_not_run_has_no_place(program: Target, view: MemoryView) -> None:
    assert program.ask("sleep")["number"] == 1
    with pytest.raises(SymbolNotFoundError, match=r"thread 1 .*(has not run yet|with a stack)") as caught:
        view.read(1, "[THREADSTACK1-10]")
    assert (caught.value.expression, caught.value.position) == ("[THREADSTACK1-10]", 1)


def test_an_ended_program_has_no_threads(program: Target, view: MemoryView) -> None:
    kept = view.address("THREADSTACK0")
    assert int(kept)
    program.kill()
    with pytest.raises(TargetExitedError):
        int(kept)
    with pytest.raises(TargetExitedError):
        view._stack_base(0)


@pytest.mark.skipif(targets.OWN_BITNESS != 32, reason="a 32-bit Python is what it is about")
def test_a_32_bit_python_does_not_know_the_stacks_of_a_64_bit_program() -> None:
    with targets.start("stacks", 64) as target, MemoryView(target.pid) as view:
        with pytest.raises(WrongBitnessError):
            view.read(1, "THREADSTACK0")
        with pytest.raises(WrongBitnessError):
            view._stack_base(0)
