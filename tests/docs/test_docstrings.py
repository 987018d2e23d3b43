"""Every example in a docstring runs, on a game of its own."""

from __future__ import annotations

import doctest
import struct

import pytest

import memaccess
from docs.pages import run
from memaccess import MemoryView, _aggregates, _processes, _view, testing
from memaccess.testing import FakeProcess, FakeSystem

MODULES = (_view, _aggregates, _processes, testing)
DOCSTRINGS = {
    found.name: found.docstring
    for module in MODULES
    for found in doctest.DocTestFinder(exclude_empty=True).find(module)
    if found.examples
}


@pytest.fixture
def game():
    game = FakeProcess(5555, windows=("The Game",))
    game.map(0x401000, struct.pack("<i12x4s12x3i4xif", 100, "Zoë".encode(), 1, 2, 3, 7, 2.5))
    with FakeSystem(game):
        yield game


def test_there_are_docstrings_with_examples():
    assert len(DOCSTRINGS) > 10


@pytest.mark.parametrize("name", DOCSTRINGS)
def test_the_examples_of_a_docstring_do_what_it_says(name, game):
    names = {**vars(memaccess), **vars(testing), "pid": game.pid}
    with MemoryView(game.pid, "rw") as view:
        run(DOCSTRINGS[name], name, {**names, "view": view})
