"""The functions of the recipes, on programs that exist only in this Python.

The recipes as a whole are carried out on real programs, in ``tests/live``.
"""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import pytest

from docs.pages import ROOT
from memaccess.testing import FakeProcess, FakeSystem

notepad = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "recipes" / "notepad.py")))

BASE = 0x10000
OLD, NEW = "old oak", "new elm"


def _put(program, text, address):
    with program.open("w") as view:
        view.write_string(text, address, "utf-16", terminate=False)


def _find(program, text):
    with program.open() as view:
        return notepad.find_text(view, text)


@pytest.mark.parametrize("before", range(len(OLD) * 2 + 1))
def test_text_is_found_once_wherever_two_chunks_meet_in_it(before):
    program = FakeProcess()
    program.map(BASE, 3 * notepad.CHUNK)
    place = BASE + notepad.CHUNK - before
    _put(program, OLD, place)
    assert _find(program, OLD) == [place]


def test_text_is_found_at_both_ends_of_a_region_and_beside_itself():
    program = FakeProcess()
    program.map(BASE, OLD.encode("utf-16-le") * 2)
    end = BASE + 0x1000
    _put(program, OLD, end - 2 * len(OLD))
    assert _find(program, OLD) == [BASE, BASE + 2 * len(OLD), end - 2 * len(OLD)]


def test_copies_that_overlap_are_all_found():
    program = FakeProcess()
    program.map(BASE, "ananas anana".encode("utf-16-le"))
    assert _find(program, "ana") == [BASE + 2 * place for place in (0, 2, 7, 9)]


@pytest.mark.parametrize(
    "memory",
    [
        {"protection": "r--"},
        {"protection": "r-x"},
        {"protection": "---"},
        {"guard": True},
        {"kind": "image"},
        {"kind": "mapped"},
    ],
    ids=str,
)
def test_text_is_left_alone_where_the_program_keeps_no_data(memory):
    program = FakeProcess()
    program.map(BASE, OLD.encode("utf-16-le"), **memory)
    assert _find(program, OLD) == []


def test_all_copies_are_replaced_and_nothing_beside_them():
    program = FakeProcess()
    program.map(BASE, f"an {OLD}, an {OLD}!".encode("utf-16-le"))
    wanted = f"an {NEW}, an {NEW}!\0".encode("utf-16-le")
    with program.open("rw") as view:
        assert notepad.replace_text(view, OLD, NEW) == [BASE + 6, BASE + 30]
    assert program.peek(len(wanted), BASE) == wanted


@pytest.mark.parametrize(
    ("old", "new"), [("oak", "willow"), ("oak", ""), ("", ""), ("ab", "\U0001f333\U0001f333")]
)
def test_a_text_of_another_length_is_refused_before_anything_is_written(old, new):
    program = FakeProcess()
    program.map(BASE, "oak ab".encode("utf-16-le"))
    before = program.peek(0x1000, BASE)
    with program.open("rw") as view, pytest.raises(ValueError, match="of the same length, and not empty"):
        notepad.replace_text(view, old, new)
    assert program.peek(0x1000, BASE) == before


def test_the_recipe_says_where_it_changed_what(capsys):
    program = FakeProcess(5556, "notepad.exe")
    program.map(BASE, OLD.encode("utf-16-le"))
    with FakeSystem(program):
        notepad.main([OLD, NEW])
    assert capsys.readouterr().out.splitlines() == [
        "<MemoryView of process 5556 'notepad.exe', 64-bit, mode 'rw'>",
        "0x10000 in 0x10000-0x11000 (committed rw- private)",
        "Copies changed: 1. Press Ctrl+A in Notepad, and it draws its text again.",
    ]
