"""Exports of libraries of both widths, against their files, their loader, and what the program does with them.

The library is compiled with each table that a loader looks names up in. A target maps it, which needs
nothing of the machine; where the machine has glibc of that width, its own loader loads it too.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import pytest
from support import elf, linux, targets

from memaccess import MemoryView
from memaccess._elf import find_symbols, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.targets import Target

    from memaccess import Export, Module

HASHES = {"DT_HASH", "DT_GNU_HASH"}
TABLES = {
    "sysv": {"DT_HASH"},
    "gnu": {"DT_GNU_HASH"},
    "both": HASHES,
}
EXPORTED = {"table", "counter", "twice", "weak", "calls_missing", "changed", "chosen"}
every_table = pytest.mark.parametrize("table", TABLES)
every_way = pytest.mark.parametrize("how", ["offsets", "addresses"])


def library(table: str, bitness: int) -> Path:
    """The library of that width, with that table."""
    return targets.executable("loader", bitness).with_name(f"offered-{bitness}-{table}.so")


@pytest.fixture(params=targets.BITNESSES)
def mapper(request: pytest.FixtureRequest) -> Iterator[Target]:
    with targets.start("mapper", request.param) as target:
        yield target


@pytest.fixture(params=targets.BITNESSES, scope="module")
def loader(request: pytest.FixtureRequest) -> Iterator[Target]:
    program = targets.executable("loader", request.param)
    needed = elf.loader_in_file(str(program))
    if not os.path.exists(needed):
        pytest.skip(f"there is no {needed}: the C library of {request.param}-bit programs is not installed")
    with targets.Target([program]) as target:
        yield target


def bitness_of(target: Target) -> int:
    return 8 * target.facts["pointer_size"]


def expected(module: Module) -> dict[str, int]:
    """Where the file says that its symbols are."""
    moved = module.base - elf.start_in_file(module.path)
    return {name: moved + symbol["st_value"] for name, symbol in elf.symbols_in_file(module.path).items()}


def found(exports: list[Export]) -> dict[str | None, int | None]:
    return {export.name: export.address for export in exports}


@every_way
@every_table
def test_a_mapped_library_offers_what_its_file_does(mapper: Target, table: str, how: str) -> None:
    path = library(table, bitness_of(mapper))
    assert elf.tags_in_file(str(path)) & HASHES == TABLES[table]
    base = mapper.ask(f"map {how} {path}")["base"]
    with MemoryView(mapper.pid) as view:
        modules = [each for each in view.modules() if each.path == str(path)]
        assert len(modules) == 1
        module = modules[0]
        assert (module.path, module.base, module.bitness) == (str(path), base, bitness_of(mapper))
        assert view.module(f"offered-{bitness_of(mapper)}-{table}") == module
        exports = view.exports(module.name)
        assert found(exports) == expected(module)
        assert {export.name for export in exports} == EXPORTED
        check_names(view, module, exports)


def check_names(view: MemoryView, module: Module, exports: list[Export]) -> None:
    """Every export is found by its name, and its name by its place."""
    for export in exports:
        assert export.address == int(view.address(f'"{module.name}"!{export.name}'))
        assert int(view.address(str(view.symbol_at(export.address)))) == export.address


@every_way
@every_table
def test_the_program_finds_there_what_was_found(mapper: Target, table: str, how: str) -> None:
    path = library(table, bitness_of(mapper))
    mapper.ask(f"map {how} {path}")
    with MemoryView(mapper.pid) as view:
        places = found(view.exports(path.name))
        assert view.read_array("int", 4, f'"{path.name}"!table') == [1, 2, 3, 0]
        assert view.read_int(f'"{path.name}"!counter') == 0
        assert mapper.ask(f"call {places['twice']} 21") == {"result": 49}
        assert mapper.ask(f"call {places['weak']} 5") == {"result": 5}
        assert mapper.ask(f"call {places['changed']} 5") == {"result": 6}  # the version that new programs get


@every_table
def test_the_tables_themselves_are_where_the_file_has_them(mapper: Target, table: str) -> None:
    path = library(table, bitness_of(mapper))
    base = mapper.ask(f"map offsets {path}")["base"]
    with MemoryView(mapper.pid) as view, open(path, "rb") as file:
        sections = elf.elffile.ELFFile(file)
        names, versions = (sections.get_section_by_name(each) for each in (".dynsym", ".gnu.version"))
        symbols = find_symbols(view.read, base, read_header(view.read, base))
        assert symbols is not None
        start = elf.start_in_file(str(path))
        assert symbols.symbol_count == names.num_symbols()
        assert (symbols.table, symbols.size) == (names["sh_addr"] - start, names["sh_size"])
        assert symbols.versions == versions["sh_addr"] - start


def loaded(loader: Target, name: str) -> dict[str, Any]:
    """The library of that name, or of that path, as its loader has it."""
    path = str(library(name, bitness_of(loader))) if name in TABLES else name
    loader.ask(f"find missing {path}")
    with MemoryView(loader.pid) as view:
        module = view.module(os.path.basename(path))
        return {"module": module, "exports": view.exports(module.name), "path": path}


@pytest.mark.parametrize("name", [*TABLES, "libc.so.6", "libm.so.6"])
def test_every_export_is_what_the_file_offers_and_where_the_loader_finds_it(
    loader: Target, name: str
) -> None:
    module, exports, path = loaded(loader, name).values()
    assert module.bitness == bitness_of(loader)
    assert found(exports) == expected(module)
    symbols = elf.symbols_in_file(module.path)
    plain = [each for each in exports if not elf.is_ifunc(symbols[each.name])]
    places = {each.name: loader.ask(f"find {each.name} {path}")["place"] for each in plain}
    # The program itself, and what comes before a library, may have a symbol of that name too.
    differing = [each for each in plain if places[each.name] != each.address]
    assert not [each for each in differing if module.base <= places[each.name] < module.end]
    assert len(differing) <= len(plain) // 10
    assert len(plain) >= len(EXPORTED) - 1


def test_the_program_itself_offers_what_it_was_linked_to_offer(loader: Target) -> None:
    with MemoryView(loader.pid) as view:
        program = view.modules()[0]
        assert found(view.exports(program.name)) == expected(program)
        assert int(view.address(f'"{program.name}"!missing')) == loader.facts["missing"]
        assert elf.start_in_file(program.path) == program.base != 0


def test_all_that_a_loader_has_loaded_is_a_module(loader: Target) -> None:
    loader.ask("find cos libm.so.6")
    loader.ask(f"find twice {library('both', bitness_of(loader))}")
    with MemoryView(loader.pid) as view:
        modules = view.modules()
        # Each once, although every part of a small file is mapped from its beginning.
        assert sorted(module.path for module in modules) == sorted(linux.code_files(loader.pid))
        for module in modules:
            assert module.bitness == bitness_of(loader)
            assert view.read(4, module.base) == b"\x7fELF"
        # Where the program begins to run, its header says.
        program = modules[0]
        size = program.bitness // 8
        entry = view.read(size, program.base + 24)
        assert program.entry == struct.unpack({4: "<I", 8: "<Q"}[size], entry)[0]
