"""The small game of ``tests/targets/chain.c``, under a name that no other test's program has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pefile

if TYPE_CHECKING:
    from pathlib import Path

    from support.targets import Target

NAME = f"game{os.getpid()}"
OTHER_BASES = {64: 0x1_9000_0000, 32: 0x3000_0000}
MAY_MOVE = 0x40  # IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE


def moved(program: Path) -> Path:
    """A copy of the same name that is loaded elsewhere, at an address of its own."""
    copy = program.parent / "moved" / program.name
    copy.parent.mkdir()
    # What pefile has not parsed, relocate_image() can't move twice.
    with pefile.PE(str(program), fast_load=True) as image:
        bitness = 64 if image.PE_TYPE == pefile.OPTIONAL_HEADER_MAGIC_PE_PLUS else 32
        image.relocate_image(OTHER_BASES[bitness])
        assert image.DIRECTORY_ENTRY_BASERELOC
        image.OPTIONAL_HEADER.DllCharacteristics &= ~MAY_MOVE
        image.write(str(copy))
    return copy


def true_chain(target: Target) -> str:
    """The way to the health as ``tests/targets/chain.c`` has it."""
    offset = target.addresses["world"] - target.facts["base"]
    return f"[[{NAME}.exe+{offset:X}]+18]+158"
