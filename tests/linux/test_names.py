"""Modules and exports of programs of Linux, against what their loader answers and what pyelftools reads in the files."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import elf, linux, targets

from memaccess import BadImageError, MemoryView, NotReadableError, SymbolNotFoundError, TargetExitedError
from memaccess._elf import find_symbols, read_exports, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

    from memaccess import Module

HERE = Path(__file__).resolve().parent
LIBRARIES = ["libc", "libm", {64: "ld-linux-x86-64.so.2", 32: "ld-linux.so.2"}[targets.OWN_BITNESS]]


@pytest.fixture(scope="module")
def loader() -> Iterator[Target]:
    with targets.Target([sys.executable, HERE / "loader.py"]) as target:
        target.ask(json.dumps({"library": "libm.so.6", "find": ["cos"]}))
        yield target


@pytest.fixture
def view(loader: Target) -> Iterator[MemoryView]:
    with MemoryView(loader.pid) as view:
        yield view


def test_the_modules_are_those_that_the_kernel_has_mapped(loader: Target, view: MemoryView) -> None:
    modules = view.modules()
    assert modules[0].path == os.path.realpath(sys.executable)
    mapped = linux.code_files(loader.pid)
    assert {module.path for module in modules} == mapped
    for module in modules:
        assert view.read(4, module.base) == b"\x7fELF"
        assert view.module_at(module.base) == module
        assert view.module_at(module.end - 1) == module
        assert view.module(module.name) == module
        assert int(view.address(f'"{module.name}"+10')) == module.base + 0x10
        assert module.bitness == targets.OWN_BITNESS
        assert view.region_at(module.base).kind == "image"


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_export_is_what_the_file_offers_and_where_the_loader_finds_it(
    loader: Target, view: MemoryView, name: str
) -> None:
    module = view.module(name)
    exports = {export.name: export.address for export in view.exports(name)}
    in_file = elf.symbols_in_file(module.path)
    assert exports == {name: module.base + symbol["st_value"] for name, symbol in in_file.items()}
    plain = [name for name, symbol in in_file.items() if not elf.is_ifunc(symbol)]
    places = loader.ask(json.dumps({"library": module.path, "find": plain}))["places"]
    # The program itself, and what comes before a library, may have a symbol of that name too.
    differing = [each for each in plain if places[each] != exports[each]]
    assert len(plain) > 10
    assert not [each for each in differing if view.module_at(places[each] or 0) == module]


def test_names_lead_to_places_and_back(view: MemoryView) -> None:
    place = int(view.address("libc!malloc"))
    for text in ("libc.so.6!malloc", "LIBC!MALLOC", "libc.malloc", f'"{view.module("libc").path}"!malloc'):
        assert int(view.address(text)) == place
    assert int(view.address(str(view.symbol_at(place + 3)))) == place + 3
    for export in view.exports("libm")[::50]:
        assert int(view.address(str(view.symbol_at(export.address)))) == export.address
    with pytest.raises(SymbolNotFoundError, match="did you mean 'malloc'"):
        view.read(1, "libc!mallok")
    with pytest.raises(SymbolNotFoundError, match="no module is called 'kernel32"):
        view.read(1, "THREADSTACK0")


def test_what_ends_has_no_modules() -> None:
    with targets.Target([sys.executable, HERE / "loader.py"]) as target, MemoryView(target.pid) as view:
        assert view.module("libc")
        target.kill()
        for question in (view.modules, lambda: view.module("libc"), lambda: view.address("libc!malloc") + 0):
            with contextlib.suppress(AttributeError), pytest.raises(TargetExitedError):
                int(question())  # type: ignore[call-overload]


def test_a_static_program_is_its_one_module() -> None:
    for bitness in targets.BITNESSES:
        with targets.start("pages", bitness) as target, MemoryView(target.pid) as view:
            module, *others = view.modules()
            assert (module.name, module.bitness) == (view.name, bitness)
            assert {other.name for other in others} <= {"[vdso]"}
            assert view.exports(module.name) == []
            assert int(view.address(f'"{module.name}"+20')) == module.base + 0x20
            assert view.module(others[0].name) == others[0]
            assert view.exports("[vdso]")


@functools.cache
def vdso() -> tuple[Module, bytes]:
    with MemoryView.from_current_process() as view:
        module = view.module("[vdso]")
        return module, view.read(module.size, module.base)


@given(st.data())
def test_damaged_images_are_errors_of_ours_or_exports(data: st.DataObject) -> None:
    module, image = vdso()
    damaged = bytearray(image)
    for _ in range(data.draw(st.integers(1, 8))):
        # Most of what is read lies at the beginning.
        place = data.draw(st.integers(0, 0x600) | st.integers(0, len(image) - 1))
        damaged[place] = data.draw(st.integers(0, 255))

    def read(size: int, address: int) -> bytes:
        start = address - module.base
        if start < 0 or start + size > len(damaged):
            raise NotReadableError("outside")
        return bytes(damaged[start : start + size])

    with contextlib.suppress(BadImageError, NotReadableError):
        header = read_header(read, module.base)
        symbols = find_symbols(read, module.base, header)
        if symbols is not None:
            for export in read_exports(read, module.base, header, symbols):
                assert export.address is not None
                assert module.base <= export.address < module.base + header.size
