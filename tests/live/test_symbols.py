"""Names of real programs, against what their own loader answers and what pefile reads in the files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pefile
import pytest
from known_wine import IS_WINE
from support import targets
from support.win32 import toolhelp_modules

from memaccess import (
    ClosedViewError,
    MemoryView,
    MissingRightError,
    SymbolNotFoundError,
    TargetExitedError,
    WrongBitnessError,
    list_windows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.targets import Target

    from memaccess import Export, Module

SYSTEM = [
    "ntdll.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "user32.dll",
    "advapi32.dll",
    "ucrtbase.dll",
    "msvcrt.dll",
    "ws2_32.dll",
    "comctl32.dll",
    "oleaut32.dll",
]
"""Those that programs have; comctl32 and oleaut32 export by ordinals alone, ws2_32 by both."""
VISIBLE = [bitness for bitness in targets.BITNESSES if bitness <= targets.OWN_BITNESS]


@pytest.fixture(scope="module", params=VISIBLE)
def loader(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A program that has loaded them all."""
    with targets.start_python("loader", request.param) as target:
        for name in SYSTEM:
            assert ask(target, load=name)["base"]
        yield target


def ask(target: Target, **request: Any) -> dict[str, Any]:
    return target.ask(json.dumps(request))


def named(view: MemoryView, module: str, export: Export) -> int | None:
    """Where the export is, by its name as users write it; None where there is nothing."""
    name = f"#{export.ordinal}" if export.name is None else export.name
    try:
        return view._names().find(module, name)
    except SymbolNotFoundError:
        return None


@pytest.mark.parametrize("name", SYSTEM)
def test_every_export_is_where_the_loader_of_the_program_finds_it(loader: Target, name: str) -> None:
    with MemoryView(loader.facts["pid"]) as view:
        module, exports = view.module(name), view.exports(name)
        names = [export.name for export in exports if export.name is not None]
        numbers = sorted({export.ordinal for export in exports})
        found = ask(loader, find=module.base, names=names, ordinals=numbers)
        wrong = [
            (export, named(view, name, export), found["names"][export.name])
            for export in exports
            if export.name is not None and named(view, name, export) != found["names"][export.name]
        ]
        by_number = {number: view._names().find(name, f"#{number}") for number in numbers[:2000]}
    assert exports
    assert not wrong
    assert by_number == dict(zip(numbers[:2000], found["ordinals"][:2000], strict=True))


def file_of(module: Module) -> str:
    """The file that the module was really loaded from."""
    path = module.path.lower()
    if IS_WINE and module.name.lower() == "ntdll.dll" and module.bitness == 32 and targets.OWN_BITNESS == 64:
        return path.replace("system32", "syswow64")  # Wine 8 maps it itself, under the other's name
    if IS_WINE and module.name.lower() == "vcruntime140.dll":
        return "C:\\windows\\system32\\vcruntime140.dll"  # its own in place of the program's
    return module.path


def listed_by_pefile(module: Module) -> list[tuple[Any, ...]]:
    """The exports of a module's file: name, ordinal, offset, forwarder."""
    # kernel32 of Wine 8 removes this one when it starts (dlls/kernel32/kernel_main.c).
    removed = b"FT_Thunk" if IS_WINE and module.bitness == 32 else b""
    # It takes a file with more exports than 8192 for damaged, and NumPy's library for linear algebra has 9547.
    with pefile.PE(file_of(module), fast_load=True, max_symbol_exports=1 << 20) as image:
        image.parse_data_directories(pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"])
        directory = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
        return sorted(
            (
                (each.name or b"").decode(),
                each.ordinal,
                None if each.forwarder else each.address,
                (each.forwarder or b"").decode(),
            )
            for each in (directory.symbols if directory else ())
            if each.address and each.name != removed
        )


def listed_by_us(view: MemoryView, module: Module) -> list[tuple[Any, ...]]:
    return sorted(
        (
            export.name or "",
            export.ordinal,
            None if export.address is None else export.address - module.base,
            export.forwarder or "",
        )
        for export in view.exports(module.path)
    )


@pytest.mark.parametrize("name", SYSTEM)
def test_the_exports_are_those_of_the_file(loader: Target, name: str) -> None:
    with MemoryView(loader.facts["pid"]) as view:
        module = view.module(name)
        assert listed_by_us(view, module) == listed_by_pefile(module)


def test_this_python_has_the_modules_and_exports_that_its_files_have() -> None:
    with MemoryView.from_current_process() as view:
        modules = listed_by_toolhelp(view)
        for module in modules:
            assert listed_by_us(view, module) == listed_by_pefile(module), module.name
    assert len(modules) > 10


NOTEPAD = {64: "C:\\windows\\notepad.exe", 32: "C:\\windows\\syswow64\\notepad.exe"}


def listed_by_toolhelp(view: MemoryView) -> list[Module]:
    """The modules of a program, once toolhelp lists the same: it is still loading at first."""
    for _ in range(100):
        modules = view.modules()
        if {(each.name.lower(), each.base, each.size) for each in modules} == toolhelp_modules(view.pid):
            return modules
        time.sleep(0.05)
    pytest.fail(f"toolhelp lists others: {toolhelp_modules(view.pid)}")


def wait_for_window(pid: int) -> None:
    """Until the program has a window: then its DLLs have been loaded and have run."""
    for _ in range(200):
        if any(window.pid == pid for window in list_windows()):
            return
        time.sleep(0.05)
    pytest.fail("it shows no window")


@pytest.mark.parametrize("bitness", VISIBLE)
def test_notepad_has_the_modules_and_exports_that_its_files_have(bitness: int) -> None:
    with subprocess.Popen([NOTEPAD[bitness]]) as notepad:
        try:
            wait_for_window(notepad.pid)
            with MemoryView(notepad.pid) as view:
                # toolhelp of Wine 8 fails for a program of the other width.
                modules = listed_by_toolhelp(view) if bitness == targets.OWN_BITNESS else view.modules()
                for module in modules:
                    assert listed_by_us(view, module) == listed_by_pefile(module), module.name
        finally:
            notepad.kill()
    assert modules[0].name.lower() == "notepad.exe"
    assert {each.bitness for each in modules} == {bitness}


def test_a_place_gets_the_name_before_it_and_the_name_the_place(loader: Target) -> None:
    with MemoryView(loader.facts["pid"]) as view:
        for export in view.exports("ntdll"):
            if export.name is None or export.address is None:
                continue
            symbol = view.symbol_at(export.address)
            assert symbol is not None
            assert symbol.module.name.lower() == "ntdll.dll"
            assert symbol.name is not None
            # Several names may be one place.
            assert view._names().find("ntdll", symbol.name) == export.address
        found = view._names().find("kernel32", "HeapAlloc")
        assert str(view.symbol_at(found)) == "ntdll!RtlAllocateHeap"
        assert str(view.symbol_at(found + 0x1A)) == "ntdll!RtlAllocateHeap+0x1A"


def test_api_sets_stand_for_their_dlls(loader: Target) -> None:
    with MemoryView(loader.facts["pid"]) as view:
        for name in ("api-ms-win-core-heap-l1-1-0", "API-MS-Win-Core-Heap-L1-2-9.dll"):
            assert view.module(name).name.lower() == "kernelbase.dll"
        base = ask(loader, load="api-ms-win-core-heap-l1-1-0.dll")["base"]
        assert view.module("api-ms-win-core-heap-l1-1-0").base == base
        with pytest.raises(SymbolNotFoundError):
            view.module("api-ms-win-core-nothing-l1-1-0")


def test_a_name_that_is_wrong_gets_the_right_one_suggested(loader: Target) -> None:
    with MemoryView(loader.facts["pid"]) as view:
        with pytest.raises(SymbolNotFoundError, match=r"did you mean 'kernel32\.dll'\?"):
            view.module("kernal32")
        with pytest.raises(SymbolNotFoundError, match=r"did you mean 'HeapAlloc'\?"):
            view._names().find("kernel32", "HeapAloc")


@pytest.mark.parametrize("bitness", VISIBLE)
def test_a_module_that_was_loaded_or_freed_meanwhile_is_noticed(bitness: int) -> None:
    name = "wintrust.dll"
    with targets.start_python("loader", bitness) as target, MemoryView(target.facts["pid"]) as view:
        with pytest.raises(SymbolNotFoundError):
            view.module(name)
        for _ in range(3):
            base = ask(target, load=name)["base"]
            assert view.module(name).base == base
            assert view._names().find("wintrust", "WinVerifyTrust") > base
            inside = view.module_at(base + 0x1010)
            assert inside is not None
            assert inside.base == base
            assert ask(target, free=name)["freed"]
            with pytest.raises(SymbolNotFoundError):
                view.module(name)
            assert view.module_at(base + 0x1010) is None
            assert view.symbol_at(base + 0x1010) is None


def test_what_is_no_modules_has_no_name(loader: Target) -> None:
    with MemoryView(loader.facts["pid"], "rw") as view, view.allocate(100) as memory:
        assert view.symbol_at(memory) is None
        assert view.module_at(memory) is None
        assert view.module_at(0) is None


@pytest.mark.skipif(sys.maxsize > 1 << 32, reason="a 32-bit Python is what it is about")
def test_a_32_bit_python_says_that_it_has_no_names_of_a_64_bit_program() -> None:
    with targets.start("values", 64) as target, MemoryView(target.pid) as view:
        with pytest.raises(WrongBitnessError):
            view.module("ntdll")
        with pytest.raises(WrongBitnessError):
            view.exports("ntdll")


def test_views_without_the_right_or_without_a_program_say_so() -> None:
    with targets.start("values") as target:
        with MemoryView(target.pid, "w") as view, pytest.raises(MissingRightError):
            view.module("ntdll")
        view = MemoryView(target.pid)
        place = view._names().find("ntdll", "RtlAllocateHeap")
        target.kill()
        with view:
            for ask_again in (lambda: view.module("ntdll"), lambda: view.exports("ntdll")):
                with pytest.raises(TargetExitedError):
                    ask_again()
            with pytest.raises(TargetExitedError):
                view.symbol_at(place)
        with pytest.raises(ClosedViewError):
            view.module("ntdll")


@pytest.mark.parametrize("bitness", VISIBLE)
def test_more_modules_than_a_list_has_room_for_at_first_are_all_listed(bitness: int, tmp_path: Path) -> None:
    count = 1100
    small = targets.executable("small", bitness).with_suffix(".dll")
    for number in range(count):
        shutil.copy(small, tmp_path / f"small{number}.dll")
    with targets.start_python("loader", bitness) as target, MemoryView(target.facts["pid"]) as view:
        assert ask(target, load_all=str(tmp_path))["loaded"] == count
        names = [module.name for module in view.modules()]
        assert {f"small{number}.dll" for number in range(count)} <= set(names)
        assert len(set(names)) == len(names)
        last = view.module("small1099")
        assert view.module_at(last.base + 1) == last
