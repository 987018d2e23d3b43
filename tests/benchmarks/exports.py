"""What modules export: looked up for the first time, and again and again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from typing import TYPE_CHECKING, Any

from rounds import interleaved, over, per_call, table, times
from subjects import MIB, opened, other_process, replaced_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from subjects import Peers

DLLS = ("ntdll.dll", "kernel32.dll")
NAME, FORWARDED = "ntdll!RtlAllocateHeap", "kernel32!HeapAlloc"


def measure_exports(stub: str) -> None:
    """Exports: both DLLs' for the first time, one place again, and one module by its name."""
    with other_process(MIB) as (pid, _), opened(pid) as peers:
        measure_cold(peers)
        measure_module(peers)
        contenders = lookups(peers)
        figures = interleaved({name: per_call(each, 300) for name, each in contenders.items()}, rounds=9)
        title = "one place that was asked for before, through the system"
        table(title, "us", figures, times(figures, "bare"))
    # In this process, which the stub can read: what a module begins with is compared at every look-up.
    with opened(os.getpid()) as peers:
        for each in lookups(peers).values():
            each()  # lists the modules while the system still answers
        with replaced_by(stub, ReadProcessMemory="StubCopy", VirtualQueryEx="StubQueryImage"):
            contenders = lookups(peers)
            figures = interleaved(
                {name: per_call(each, 2000) for name, each in contenders.items()}, rounds=21
            )
    title = "the same, the system's part taken out (stub)"
    table(title, "us", figures, over(figures, "bare"))


# -- for the first time


def measure_cold(peers: Peers) -> None:
    """All exports of both DLLs, on a view that knows nothing; and as pefile has them from the files."""
    view = peers.view
    modules = [view.module(dll) for dll in DLLS]
    contenders = {
        "bare calls, the same bytes": milliseconds(bare_directories(view, modules)),
        "memaccess exports, modules listed too": cold(view.pid, listed=False),
        "memaccess exports, modules known": cold(view.pid, listed=True),
    }
    with contextlib.suppress(ImportError):
        contenders["pefile, from the files"] = milliseconds(pefile_exports([each.path for each in modules]))
    figures = interleaved(contenders, rounds=9)
    counts = ", ".join(f"{len(view.exports(dll))} of {dll}" for dll in DLLS)
    base = "pefile" if len(contenders) == 4 else "bare"
    table("all exports of two DLLs, for the first time", "ms", figures, times(figures, base))
    print(f"  exports: {counts}; {len(view.modules())} modules are listed")
    print("  Pymem and PyMemoryEditor can't: neither knows exports")


def milliseconds(function: Callable[[], object]) -> Callable[[], float]:
    """A measurement of one call."""

    def measure() -> float:
        start = time.perf_counter()
        function()
        return (time.perf_counter() - start) * 1e3

    return measure


def cold(pid: int, *, listed: bool) -> Callable[[], float]:
    """A measurement of the exports on a new view, which may have *listed* the modules before."""
    from memaccess import MemoryView

    def measure() -> float:
        with MemoryView(pid) as view:
            if listed:
                view.module(DLLS[0])
            return milliseconds(lambda: [view.exports(dll) for dll in DLLS])()

    return measure


def bare_directories(view: Any, modules: list[Any]) -> Callable[[], None]:
    """Reading the page of the header and the directory of exports of each, and understanding nothing."""
    from memaccess._backend.windows import _process
    from memaccess._pe import read_header

    read, handle = _process._read_memory, view._process._handle
    places = []
    for module in modules:
        offset, size = read_header(view.read, module.base).exports
        places += [(module.base, 4096), (module.base + offset, size)]
    buffer = ctypes.create_string_buffer(max(size for _, size in places))

    def read_all() -> None:
        for address, size in places:
            read(handle, address, buffer, size, None)

    return read_all


def pefile_exports(paths: list[str]) -> Callable[[], object]:
    """The exports of files, with nothing else of them understood."""
    import pefile

    directory = pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"]

    def parse() -> list[object]:
        found = []
        for path in paths:
            with pefile.PE(path, fast_load=True) as image:
                image.parse_data_directories(directories=[directory])
                found += [(each.name, each.address) for each in image.DIRECTORY_ENTRY_EXPORT.symbols]
        return found

    return parse


# -- again


def lookups(peers: Peers) -> dict[str, Callable[[], object]]:
    """Asking for places by name and for names by place, and the read that tells whether a module is there."""
    from memaccess._backend.windows import _process

    view = peers.view
    base = view.module(DLLS[0]).base
    place = int(view.address(NAME)) + 0x12
    read, handle = _process._read_memory, view._process._handle
    buffer = ctypes.create_string_buffer(1024)
    return {
        "bare call, 1 KiB of the module": lambda: read(handle, base, buffer, 1024, None),
        "memaccess address, a function": lambda: int(view.address(NAME)),
        "memaccess address, a forwarded one": lambda: int(view.address(FORWARDED)),
        "memaccess symbol_at": lambda: view.symbol_at(place),
    }


def measure_module(peers: Peers) -> None:
    """One module by its name: memaccess keeps the list and checks the module, the peers list them all."""
    dll = DLLS[0]
    contenders: dict[str, Callable[[], object]] = {"memaccess module": lambda: peers.view.module(dll)}
    if peers.pymem is not None:
        from pymem.process import module_from_name

        contenders["Pymem module_from_name"] = lambda: module_from_name(peers.pymem.process_handle, dll)
    if peers.editor is not None:
        contenders["PyMemoryEditor get_modules"] = lambda: next(
            each for each in peers.editor.get_modules() if each.name.lower() == dll
        )
    figures = interleaved({name: per_call(each, 10) for name, each in contenders.items()}, rounds=9)
    table(
        "a module by its name, asked for before",
        "us",
        figures,
        times(figures, "memaccess"),
    )
    listings: dict[str, Callable[[], object]] = {"memaccess modules": peers.view.modules}
    if peers.pymem is not None:
        listings["Pymem list_modules, with their names"] = lambda: [
            each.filename for each in peers.pymem.list_modules()
        ]
    if peers.editor is not None:
        listings["PyMemoryEditor get_modules"] = lambda: list(peers.editor.get_modules())
    figures = interleaved({name: milliseconds(each) for name, each in listings.items()}, rounds=9)
    table("all modules", "ms", figures, times(figures, "memaccess"))
