"""The map of real programs, against what the system says by other ways."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import mmap
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import targets
from support.leaks import handle_count
from support.subjects import PAGE

from memaccess import (
    ClosedViewError,
    MemoryAccessError,
    MemoryView,
    MissingRightError,
    TargetExitedError,
    WrongBitnessError,
    find_process,
)

if sys.platform == "win32":
    from memaccess._backend.windows import _modules

if TYPE_CHECKING:
    from pathlib import Path


def module_base(name: str | None) -> int:
    """Where the loader says that a DLL of this Python begins; without a name, the program."""
    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.GetModuleHandleW.restype = ctypes.c_void_p
    kernel32.GetModuleHandleW.argtypes = (ctypes.c_wchar_p,)
    return kernel32.GetModuleHandleW(name)


@pytest.mark.parametrize("name", ["ntdll.dll", "kernel32.dll"])
def test_the_file_of_a_dll_is_named(name: str) -> None:
    with MemoryView.from_current_process() as view:
        path = view.mapped_file(module_base(name))
        region = view.region_at(module_base(name))
    assert path is not None
    assert os.path.basename(path).lower() == name
    assert path[1:3] == ":\\"
    assert region is not None
    assert (region.kind, region.allocation_base) == ("image", module_base(name))


def test_the_file_of_the_program_itself_is_the_one_that_the_list_has() -> None:
    with MemoryView.from_current_process() as view:
        path = view.mapped_file(module_base(None))
    listed = find_process(os.getpid()).path
    assert path is not None
    assert listed is not None
    assert os.path.samefile(path, listed)


def test_the_file_of_mapped_data_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(b"data" * PAGE)
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        buffer = (ctypes.c_char * 4).from_buffer(mapped)
        with MemoryView.from_current_process() as view:
            address = ctypes.addressof(buffer)
            region, path = view.region_at(address), view.mapped_file(address)
        del buffer
    assert region is not None
    assert (region.kind, region.rights) == ("mapped", "rw-")
    assert path is not None
    assert os.path.samefile(path, file)


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_a_walk_has_no_gap_and_ends_at_the_top(bitness: int) -> None:
    with targets.start("pages", bitness) as target, MemoryView(target.pid) as view:
        if bitness > targets.OWN_BITNESS:
            pytest.skip("a 32-bit Python has no map of a 64-bit program above 4 GiB")
        regions = list(view.regions())
    assert regions[0].base == 0
    assert all(before.end == after.base for before, after in itertools.pairwise(regions))
    assert regions[-1].end > (0x7FFE_0000 if bitness == 32 else 0x7FFF_FFF0_0000)
    for page in target.facts["pages"].values():
        inside = [each for each in regions if each.base <= page["base"] < each.end]
        assert len(inside) == 1
    assert {each.kind for each in regions} >= {"private", "image", None}


@pytest.mark.skipif(sys.platform == "win32" and sys.maxsize < 1 << 32, reason="it sees no map above 4 GiB")
def test_a_program_that_is_only_starting_has_a_map() -> None:
    for _ in range(5):
        with targets.start("exit", 64) as target, MemoryView(target.pid) as view:
            assert any(each.executable for each in view.regions(kind="image"))


def test_the_modules_of_this_python_are_where_its_loader_says() -> None:
    with MemoryView.from_current_process() as view:
        modules = view.modules()
    assert modules[0].base == module_base(None)
    assert os.path.samefile(modules[0].path, sys.executable)
    for module in modules:
        assert module_base(module.name) == module.base
        assert module.bitness == targets.OWN_BITNESS
        assert module.size % PAGE == 0
        assert module.entry is None or module.base < module.entry < module.end
    assert {"ntdll.dll", "kernel32.dll"} <= {each.name.lower() for each in modules}


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_the_modules_of_a_program_are_mapped_where_they_are_said_to_be(bitness: int) -> None:
    with targets.start("values", bitness) as target, MemoryView(target.pid) as view:
        if bitness > targets.OWN_BITNESS:
            with pytest.raises(WrongBitnessError, match=r"^Can't list the modules of process"):
                view.modules()
            return
        modules = view.modules()
        files = [view.mapped_file(each.base) for each in modules]
        starts = [view.read(2, each.base) for each in modules]
        regions = [view.region_at(each.base) for each in modules]
    assert modules[0].name.lower() == f"values-{bitness}.exe"
    assert {"ntdll.dll", "kernel32.dll"} <= {each.name.lower() for each in modules}
    assert modules[0].bitness == bitness
    assert starts == [b"MZ"] * len(modules)
    for module, file, region in zip(modules, files, regions, strict=True):
        assert file is not None
        assert os.path.basename(file).lower() == module.name.lower()
        assert region is not None
        assert (region.kind, region.allocation_base) == ("image", module.base)


@pytest.mark.skipif(sys.platform == "win32" and sys.maxsize < 1 << 32, reason="it sees no 64-bit modules")
def test_a_program_that_was_started_this_moment_has_modules() -> None:
    for _ in range(5):
        command = [str(targets.executable("values", 64))]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            with MemoryView(process.pid) as view:
                names = {each.name.lower() for each in view.modules()}
            process.kill()
        assert "values-64.exe" in names


def test_a_view_that_only_writes_does_not_list_modules() -> None:
    with MemoryView.from_current_process("w") as view, pytest.raises(MissingRightError) as caught:
        view.modules()
    assert caught.value.api == ""


def test_a_program_that_ended_has_no_modules() -> None:
    with targets.start("values") as target, MemoryView(target.pid) as view:
        target.kill()
        with pytest.raises(TargetExitedError, match=r"^Can't list the modules of process"):
            view.modules()
    with pytest.raises(ClosedViewError):
        view.modules()


def test_a_program_that_ended_has_no_mapped_files() -> None:
    with targets.start("values") as target, MemoryView(target.pid) as view:
        base = view.modules()[0].base
        target.kill()
        with pytest.raises(TargetExitedError):
            view.mapped_file(base)


def test_a_program_that_ends_while_its_modules_are_listed_is_said_to_have(monkeypatch) -> None:
    with targets.start("values") as target, MemoryView(target.pid) as view:
        original = _modules._bases_once_loaded

        def list_and_end(*arguments: Any) -> list[int]:
            bases = original(*arguments)
            target.kill()
            return bases

        monkeypatch.setattr(_modules, "_bases_once_loaded", list_and_end)
        with pytest.raises(TargetExitedError):
            view.modules()


def test_kept_errors_of_listing_modules_hold_no_handles() -> None:
    kept = []
    with targets.start("values") as target, MemoryView(target.pid) as view:
        target.kill()
        before = handle_count()
        for _ in range(4):
            with pytest.raises(TargetExitedError) as caught:
                view.modules()
            kept.append(caught.value)
        assert handle_count() <= before + 1
    kept.clear()


def test_a_32_bit_python_allocates_where_it_can_name_the_memory() -> None:
    if targets.OWN_BITNESS == 64:
        pytest.skip("a 32-bit Python is what it is about")
    with (
        targets.start("pages", 64) as target,
        MemoryView(target.pid, "rw") as view,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(8):
            try:
                memory = stack.enter_context(view.allocate(0x1FFF_0000))
            except MemoryAccessError:
                break
            region = view.region_at(memory)
            assert region is not None
            assert (region.state, region.allocation_base) == ("committed", memory.address)
            assert memory.end <= 1 << 32
