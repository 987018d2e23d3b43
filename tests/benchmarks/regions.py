"""Walking over all regions of a process."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any

from rounds import interleaved, over, table, times
from subjects import MIB, like, opened, other_process, replaced_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from subjects import Peers

    Walk = Callable[[], int]
    """Goes over all regions; how many there were."""

LIMIT = 1 << (47 if ctypes.sizeof(ctypes.c_void_p) == 8 else 32)


def measure_regions(stub: str) -> None:
    """Walking over all regions: through the system, and with the system's part taken out."""
    with other_process(MIB) as (pid, _), opened(pid) as peers:
        query = bare_query()
        walks = walkers(peers, query)
        counts = ", ".join(f"{walk()} by {name}" for name, walk in walks.items())
        figures = interleaved({name: per_region(walk, 2) for name, walk in walks.items()}, rounds=21)
        title = "all regions of another process, each region, through the system"
        table(title, "us", figures, times(figures, "bare"))
        print(f"  regions: {counts}")
        with replaced_by(stub, VirtualQueryEx="StubQuery"):
            walks = walkers(peers, like(stub, "StubQuery", query))
            figures = interleaved({name: per_region(walk, 3) for name, walk in walks.items()}, rounds=21)
        title = "the same, the system's part taken out (stub; no region is a file's)"
        table(title, "us", figures, over(figures, "bare"))


def per_region(walk: Walk, walks: int) -> Callable[[], float]:
    """A measurement of *walk*, for each region that it finds, in microseconds."""

    def measure() -> float:
        count = 0
        start = time.perf_counter()
        for _ in range(walks):
            count += walk()
        return (time.perf_counter() - start) / count * 1e6

    return measure


def walkers(peers: Peers, query: Any) -> dict[str, Walk]:
    """Every contender's way over all regions."""
    from memaccess._backend.windows import _opening
    from memaccess._win32._constants import ProcessAccess

    # Wine 8 answers no handle with less.
    handle = _opening.open_process(peers.view.pid, ProcessAccess.QUERY_INFORMATION)
    walks: dict[str, Walk] = {
        "bare call": bare_walk(query, handle),
        "memaccess regions": lambda: len(list(peers.view.regions())),
    }
    if peers.pymem is not None:
        walks["Pymem virtual_query, by hand"] = pymem_walk(peers.pymem)
    if peers.editor is not None:
        # With it comes the file of every region that is one's; there is no walk without.
        walks["PyMemoryEditor get_memory_regions"] = lambda: len(list(peers.editor.get_memory_regions()))
    return walks


def bare_query() -> Any:
    """VirtualQueryEx, declared once and unchecked."""
    function = ctypes.WinDLL("kernel32").VirtualQueryEx
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    function.restype = ctypes.c_size_t
    return function


def bare_walk(query: Any, handle: Any) -> Walk:
    """The fastest walk that ctypes can do: everything prebuilt, one structure for all."""
    from memaccess._win32._structures import MEMORY_BASIC_INFORMATION

    info = MEMORY_BASIC_INFORMATION()
    pointer, size = ctypes.byref(info), ctypes.sizeof(info)

    def walk() -> int:
        address = count = 0
        while address < LIMIT and query(handle, address, pointer, size):
            count += 1
            address = info.BaseAddress + info.RegionSize
        return count

    return walk


def pymem_walk(process: Any) -> Walk:
    """The walk that users of Pymem write: it has the question, and none of all regions."""
    import pymem

    def walk() -> int:
        address = count = 0
        while address < LIMIT:
            try:
                info = pymem.memory.virtual_query(process.process_handle, address)
            except pymem.exception.WinAPIError:
                break
            count += 1
            address = info.BaseAddress + info.RegionSize
        return count

    return walk
