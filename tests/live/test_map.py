"""The map of real programs, against what the system says by other ways."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import sys
from typing import TYPE_CHECKING

import pytest
from support import targets
from support.subjects import PAGE

from memaccess import MemoryView, find_process

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
