"""What pyelftools reads in ELF files."""

from __future__ import annotations

from typing import Any

import pytest

elffile = pytest.importorskip("elftools.elf.elffile")

IFUNC, TLS = "STT_LOOS", "STT_TLS"


def symbols_in_file(path: str) -> dict[str, Any]:
    """The symbols that the file offers by the version that new programs get, by name."""
    with open(path, "rb") as file:
        image = elffile.ELFFile(file)
        table, versions = image.get_section_by_name(".dynsym"), image.get_section_by_name(".gnu.version")
        found = {}
        for index, symbol in enumerate(table.iter_symbols()):
            ndx = versions.get_symbol(index)["ndx"] if versions else 1
            hidden = isinstance(ndx, int) and ndx & 0x8000
            offered = symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK", "STB_LOOS")
            there = symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS") and symbol["st_info"]["type"] != TLS
            if offered and there and not hidden and symbol.name:
                found[symbol.name] = symbol
        return found


def is_ifunc(symbol: Any) -> bool:
    """Whether it is a function that is chosen when the program starts."""
    return bool(symbol["st_info"]["type"] == IFUNC)


def tags_in_file(path: str) -> set[str]:
    """What the table for the loader has."""
    with open(path, "rb") as file:
        dynamic = elffile.ELFFile(file).get_section_by_name(".dynamic")
        return {tag["d_tag"] for tag in dynamic.iter_tags()}


def start_in_file(path: str) -> int:
    """The address that it was linked for."""
    with open(path, "rb") as file:
        segments = elffile.ELFFile(file).iter_segments("PT_LOAD")
        return int(min(segment["p_vaddr"] for segment in segments)) // 4096 * 4096


def loader_in_file(path: str) -> str:
    """The loader that a program asks for."""
    with open(path, "rb") as file:
        return str(next(elffile.ELFFile(file).iter_segments("PT_INTERP")).get_interp_name())
