"""Which of the files that Wine has mapped is the program."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("the names are those that Linux cuts", allow_module_level=True)

from memaccess._backend.linux import _wine


def image(name: str, *, is_dll: bool = False) -> Any:
    return SimpleNamespace(name=name, header=SimpleNamespace(is_dll=is_dll))


GAME, OTHER = image("a日本語ゲーム.exe"), image("other.exe")
MAPPED: Any = [image("ntdll.dll", is_dll=True), OTHER, GAME]
CUT = os.fsdecode(os.fsencode(GAME.name)[:15])


@pytest.mark.parametrize("comm", [CUT, CUT.upper(), "Main Thread", "other.exe", ""])
def test_the_command_line_tells_it_whatever_the_process_calls_itself(comm):
    assert _wine.program(MAPPED, comm, ["C:\\Games\\A日本語ゲーム.EXE", "-windowed"]) is GAME
    assert _wine.program(MAPPED, comm, ["a日本語ゲーム"]) is GAME


@pytest.mark.parametrize("words", [[], [""], ["launcher"]])
def test_else_the_name_does_that_the_kernel_has_cut_within_a_letter(words):
    assert _wine.program(MAPPED, CUT, words) is GAME


def test_else_it_is_the_first_program():
    assert _wine.program(MAPPED, "Main Thread", []) is OTHER
    assert _wine.program(MAPPED[:1], "Main Thread", []) is None
