"""Reading: one int, and much at once."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any

from rounds import interleaved, over, per_call, table, times, value_of, verdict
from subjects import MIB, opened, other_process, replaced_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from subjects import Peers


def bare_read(function: Any, handle: Any, address: int) -> Callable[[], int]:
    """The fastest read of an int that ctypes can do: everything prebuilt, one buffer for all."""
    buffer = ctypes.c_int()
    pointer = ctypes.byref(buffer)

    def read() -> int:
        function(handle, address, pointer, 4, None)
        return buffer.value

    return read


def int_readers(peers: Peers, address: int) -> dict[str, Callable[[], object]]:
    """Every contender's way to read an int of another process."""
    from memaccess._backend.windows import _process

    readers: dict[str, Callable[[], object]] = {
        "bare call": bare_read(_process._read_memory, peers.view._process._handle, address),
        "memaccess read_int": lambda: peers.view.read_int(address),
    }
    if peers.pymem is not None:
        readers["Pymem read_int"] = lambda: peers.pymem.read_int(address)
    if peers.editor is not None:
        readers["PyMemoryEditor read_int"] = lambda: peers.editor.read_int(address)
    return readers


def measure_typed_read(stub: str) -> None:
    """Reading one int: through the system, and with the system's part taken out."""
    with other_process(MIB) as (pid, address), opened(pid) as peers:
        contenders = int_readers(peers, address)
        figures = interleaved({name: per_call(each, 2000) for name, each in contenders.items()}, rounds=7)
        table("typed read, through the system", "us", figures, times(figures, "bare"))
        with replaced_by(stub, ReadProcessMemory="StubRead"):
            stubbed = int_readers(peers, address)
            figures = interleaved({name: per_call(each, 50_000) for name, each in stubbed.items()}, rounds=7)
    table(
        "typed read, the system's part taken out (stub)",
        "us",
        figures,
        over(figures, "bare"),
    )
    bare = value_of(figures, "bare call")
    theirs = [f.value - bare for f in figures if not f.name.startswith(("bare", "memaccess"))]
    if theirs:
        verdict("memaccess / best peer", (value_of(figures, "memaccess read_int") - bare) / min(theirs), 0.5)


def measure_bulk_read() -> None:
    """Reading much, against the bare call with one buffer for all. The peers make new bytes each time."""
    size, chunk = 64 * MIB, MIB
    with other_process(size) as (pid, address), opened(pid) as peers:
        places = range(address, address + size, chunk)
        contenders = {
            name: bandwidth(all_of(reader, places), size)
            for name, reader in chunk_readers(peers, chunk).items()
        }
        figures = interleaved(contenders, rounds=15)
    table("bulk read, 64 MiB in pieces of 1 MiB", "GB/s", figures, times(figures, "bare"))
    best = value_of(figures, "bare call")
    verdict("memaccess / bare call", value_of(figures, "memaccess read_into") / best, 0.95, at_least=True)


def chunk_readers(peers: Peers, chunk: int) -> dict[str, Callable[[int], object]]:
    """Every contender's way to read a chunk of another process."""
    from memaccess._backend.windows import _process

    buffer = bytearray(chunk)
    start_of_buffer = ctypes.byref(ctypes.c_char.from_buffer(buffer))
    handle, read = peers.view._process._handle, _process._read_memory
    readers: dict[str, Callable[[int], object]] = {
        "bare call": lambda place: read(handle, place, start_of_buffer, chunk, None),
        "memaccess read_into": lambda place: peers.view.read_into(buffer, place),
        "memaccess read": lambda place: peers.view.read(chunk, place),
    }
    if peers.pymem is not None:
        readers["Pymem read_bytes"] = lambda place: peers.pymem.read_bytes(place, chunk)
    if peers.editor is not None:
        readers["PyMemoryEditor read"] = lambda place: peers.editor.read_process_memory(place, bytes, chunk)
    return readers


def all_of(reader: Callable[[int], object], places: range) -> Callable[[], None]:
    """Reading all the places once."""

    def read_all() -> None:
        for place in places:
            reader(place)

    return read_all


def bandwidth(function: Callable[[], object], size: int) -> Callable[[], float]:
    """A measurement of *function*, which copies *size* bytes, in GB/s."""

    def measure() -> float:
        start = time.perf_counter()
        function()
        return size / (time.perf_counter() - start) / 1e9

    return measure
