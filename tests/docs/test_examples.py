"""Every example of the README and of the pages runs, and does what the page says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from docs import linux_world, worlds
from docs.pages import NOT_EXECUTED, PAGES, blocks, name_of, run

if TYPE_CHECKING:
    from pathlib import Path

WORLDS = {
    "README.rst": worlds.fake_game,
    "docs/index.rst": worlds.fake_game,
    "docs/quickstart.rst": worlds.fake_quickstart,
    "docs/guide/reading-and-writing.rst": worlds.fake_game,
    "docs/guide/structures.rst": worlds.fake_game,
    "docs/guide/map.rst": worlds.fake_game,
    "docs/guide/names.rst": worlds.fake_game,
    "docs/guide/finding.rst": worlds.fake_game,
    "docs/guide/snapshots.rst": worlds.fake_game,
    "docs/guide/scanning.rst": worlds.fake_game,
    "docs/guide/pointers.rst": worlds.fake_game,
    "docs/guide/processes.rst": worlds.fake_game,
    "docs/guide/errors.rst": worlds.fake_game,
    "docs/guide/linux.rst": linux_world.fake_linux,
    "docs/guide/testing.rst": worlds.nowhere,
}
"""Where the examples of a page take place; a page that is not here has none."""

LIVE_WORLDS = {
    "README.rst": worlds.live_game,
    "docs/index.rst": worlds.live_game,
    "docs/quickstart.rst": worlds.live_quickstart,
}
"""The pages that run on a real program of Windows too."""

LINUX_WORLDS = {
    "docs/quickstart.rst": linux_world.live_quickstart,
    "docs/guide/linux.rst": linux_world.live_linux,
}
"""Those that run on one of Linux."""


def _run(page: Path, world: worlds.World) -> int:
    with world() as replace:
        return run(replace(page.read_text(encoding="utf-8")), name_of(page), {"__name__": "__main__"})


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_examples_of_a_page_do_what_it_says(page):
    world = WORLDS.get(name_of(page), worlds.nowhere)
    assert bool(_run(page, world)) == (name_of(page) in WORLDS)


@pytest.mark.live
@pytest.mark.skipif(sys.platform != "win32", reason="the pages show a program of Windows")
@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) in LIVE_WORLDS], ids=name_of)
def test_the_first_examples_are_true_of_a_real_program(page):
    assert _run(page, LIVE_WORLDS[name_of(page)])


@pytest.mark.live
@pytest.mark.skipif(sys.platform != "linux", reason="the pages show a program of Linux")
@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) in LINUX_WORLDS], ids=name_of)
def test_what_a_page_shows_of_linux_is_true_of_a_real_program(page):
    assert _run(page, LINUX_WORLDS[name_of(page)])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_not_executed_has_a_reason(page):
    languages = {block.language for block in blocks(page.read_text(encoding="utf-8"))}
    assert languages <= {"python", "doctest", *NOT_EXECUTED}
