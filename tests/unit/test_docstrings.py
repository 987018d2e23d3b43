"""The examples in the docstrings do what they show."""

from __future__ import annotations

import ast
import ctypes
import doctest
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import memaccess
from memaccess import MemoryView, searching, snapshots, structures, testing
from memaccess.structures import Array, Field, String, Structure
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUSE = Path(memaccess.__file__).parent
PID = 5555
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """Every docstring below a node, from the source: so also those that can't be imported here."""
    for below in ast.iter_child_nodes(node):
        yield from docstrings(below, f"{name}.{below.name}" if hasattr(below, "name") else name)
    if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
        yield name, ast.get_docstring(node)


def examples() -> dict[str, doctest.DocTest]:
    """The docstrings that have examples in them, by the name of what they describe."""
    parser = doctest.DocTestParser()
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        module = ".".join(("memaccess", *path.relative_to(HOUSE).with_suffix("").parts))
        for name, text in docstrings(ast.parse(path.read_text("utf-8")), module):
            found[name] = parser.get_doctest(text, {}, name, str(path), None)
    for name in dir(MemoryView):
        method = getattr(MemoryView, name)
        if getattr(method, "__module__", "") == "memaccess" and inspect.isfunction(
            method
        ):  # made from the table of C types, and in no source
            found[method.__qualname__] = parser.get_doctest(method.__doc__, {}, name, None, None)
    return {name: test for name, test in found.items() if test.examples}


EXAMPLES = examples()


class Item(Structure):
    kind = Field("int")
    count = Field("int")


class Player(Structure):
    """What the examples about structures call a player."""

    health = Field("int")
    name = Field(String(16), 0x10)
    bag = Field(Array(Item, 2), 0x20)


def make_game() -> FakeProcess:
    """The program that the examples are about, with the memory that they show."""
    game = FakeProcess(PID, "game.exe", windows=("The Game",))
    game.map(0x401000, 0x1000)
    with game.open("w") as view:
        view.write_int(100, 0x401000)
        view.write_string("Zoë", 0x401010)
        view.write_array("int", [1, 2, 3], 0x401020)
        view.write_struct("if", (7, 2.5), 0x401030)
        view.write_double(2.5, 0x401038)
        view.write_int(7, 0x401008)
    game.load("game.exe", 0x140000000)
    with game.open("w") as view:
        view.write_pointer(0x401000, 0x140002010)
    game.load(
        "engine.dll",
        0x180000000,
        exports={"Fire": 0x1000, "Jump": 0x1200},
        symbols={"reload": 0x1020},
        lines={0x1000: ("engine.c", 7)},
    )
    return game


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What an example finds: all that is public, and a view on a program as it was at the start."""
    monkeypatch.chdir(tmp_path)  # some write files
    every_door = (memaccess, searching, snapshots, structures, testing)
    doors = {name: getattr(door, name) for door in every_door for name in door.__all__}
    with FakeSystem(make_game()), MemoryView(PID, "rw") as view:
        others = {"memaccess": memaccess, "ctypes": ctypes, "Player": Player}
        yield {**doors, **others, "view": view, "pid": PID, "player": Player(view, 0x401000)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_it_shows(name, names):
    test, report = EXAMPLES[name], []
    test.globs = names
    failed, tried = doctest.DocTestRunner().run(test, out=report.append, clear_globs=False)
    assert tried
    assert not failed, "".join(report)


def test_an_example_that_is_wrong_would_be_seen(names):
    wrong = doctest.DocTestParser().get_doctest(
        ">>> view.read_int(0x401000)\n99\n", names, "wrong", None, None
    )
    assert doctest.DocTestRunner().run(wrong, out=lambda _: None).failed == 1
