"""Reading programs of Linux, natively: beside Python's own ``pread`` and the bare call of the C library."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import struct
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reads import all_of, bandwidth
from rounds import interleaved, per_call, table, times, value_of, verdict
from subjects import MIB, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subjects import Peers

    Reader = Callable[[int], object]
    """Reads at an address: gives the bytes, or puts them into a buffer."""

PAGE = 4096
APART = 2 * PAGE
"""So far from each other, places have a page between them that nobody asked for."""
IOVECS = 1024
"""The kernel takes no more in one call."""
BATCHES = (2, 10, 100, 1000, 10_000)
BULKS = ((MIB, 64 * MIB, 15), (64 * MIB, 256 * MIB, 9), (1024 * MIB, 1024 * MIB, 5))
"""How much is read in one call, in all, and in how many rounds."""


class Program(NamedTuple):
    """A program with a block of numbers of 4 bytes, each of which is the number of those before it."""

    pid: int
    address: int

    def number_at(self, address: int) -> int:
        """The number there."""
        return (address - self.address) // 4


@contextlib.contextmanager
def counting(executable: str, size: int) -> Iterator[Program]:
    """A running program that has so much memory, and has written to all of it."""
    with subprocess.Popen(executable, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = json.loads(process.stdout.readline())["pid"]
        process.stdin.write(f"count {size // 4}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "base" in answer, answer
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert resident >= size, "the system has put some of its memory aside"
        yield Program(pid, answer["base"])
        process.communicate("quit\n")


# -- the bare ways


class Iovec(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def bare_call() -> Any:
    """``process_vm_readv``, declared once and unchecked."""
    function = ctypes.CDLL(None).process_vm_readv
    iovecs = (ctypes.c_void_p, ctypes.c_ulong)
    function.argtypes = (ctypes.c_int, *iovecs, *iovecs, ctypes.c_ulong)
    function.restype = ctypes.c_ssize_t
    return function


@contextlib.contextmanager
def memory_file(pid: int) -> Iterator[int]:
    """The descriptor of a program's memory."""
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# -- one value


def measure_typed(executable: str) -> None:
    """One int, and what has eight bytes."""
    with (
        counting(executable, MIB) as program,
        opened(program.pid) as peers,
        memory_file(program.pid) as file,
    ):
        place = program.address + 8 * 1234
        measure_int(program, peers, file, place)
        measure_others(peers, file, place)


def measure_int(program: Program, peers: Peers, file: int, place: int) -> None:
    """Everyone's way to read an int."""
    unpack = struct.Struct("<i").unpack
    readers: dict[str, Callable[[], object]] = {
        "os.pread": lambda: os.pread(file, 4, place),
        "os.pread, unpacked": lambda: unpack(os.pread(file, 4, place))[0],
        "bare process_vm_readv": bare_int_reader(program.pid, place),
        "memaccess read_int": lambda: peers.view.read_int(place),
    }
    if peers.editor is not None:
        readers["PyMemoryEditor read_int"] = lambda: peers.editor.read_int(place)
    expected = program.number_at(place)
    for name, read in readers.items():
        assert read() in (expected, struct.pack("<i", expected)), name
    figures = interleaved({name: per_call(read, 20_000) for name, read in readers.items()}, rounds=15)
    table("typed read, an int", "us", figures, times(figures, "os.pread"))
    pread = value_of(figures, "os.pread")
    verdict("memaccess read_int / os.pread", value_of(figures, "memaccess read_int") / pread, 1.5)


def bare_int_reader(pid: int, place: int) -> Callable[[], int]:
    """The fastest read of an int that ctypes can do: everything prebuilt, one buffer for all."""
    readv, buffer = bare_call(), ctypes.c_int()
    here, there = Iovec(ctypes.addressof(buffer), 4), Iovec(place, 4)
    own, other = ctypes.byref(here), ctypes.byref(there)

    def read() -> int:
        readv(pid, own, 1, other, 1, 0)
        return buffer.value

    return read


def measure_others(peers: Peers, file: int, place: int) -> None:
    """Values whose readers are made otherwise than that of int, and bytes."""
    view, editor = peers.view, peers.editor
    width = view.pointer_size
    readers: dict[str, Callable[[], object]] = {
        "os.pread": lambda: os.pread(file, 8, place),
        "memaccess read_double": lambda: view.read_double(place),
        "memaccess read_pointer": lambda: view.read_pointer(place),
        "memaccess read": lambda: view.read(8, place),
    }
    data = os.pread(file, 8, place)
    number, pointer = struct.unpack("<d", data)[0], int.from_bytes(data[:width], "little")
    if editor is not None:
        readers["PyMemoryEditor read_double"] = lambda: editor.read_double(place)
        read_pointer = editor.read_ulonglong if width == 8 else editor.read_uint
        readers[f"PyMemoryEditor {read_pointer.__name__}"] = lambda: read_pointer(place)
        readers["PyMemoryEditor read_bytes"] = lambda: editor.read_bytes(place, 8)
    for name, read in readers.items():
        assert read() in (number, pointer, data), name
    figures = interleaved({name: per_call(read, 20_000) for name, read in readers.items()}, rounds=15)
    table("other reads of eight bytes", "us", figures, times(figures, "os.pread"))
    pread = value_of(figures, "os.pread")
    for name in ("read_double", "read_pointer"):
        verdict(f"memaccess {name} / os.pread", value_of(figures, f"memaccess {name}") / pread, 1.5)


# -- many values


def measure_batch(executable: str) -> None:
    """Many ints: far from each other, and side by side."""
    with (
        counting(executable, BATCHES[-1] * APART) as program,
        opened(program.pid) as peers,
        memory_file(program.pid) as file,
    ):
        for step, where in ((APART, "on pages apart"), (64, "side by side")):
            for count in BATCHES:
                addresses = [program.address + index * step for index in range(count)]
                readers = batch_readers(program, peers, file, addresses)
                expected = [program.number_at(address) for address in addresses]
                for name, read in readers.items():
                    assert list(read()) == expected, name
                calls = max(1, 10_000 // count)
                measures = {name: each_value(read, calls, count) for name, read in readers.items()}
                figures = interleaved(measures, rounds=15)
                table(f"a batch of {count} ints {where}, each", "us", figures, times(figures, "os.pread"))


def each_value(read: Callable[[], object], calls: int, count: int) -> Callable[[], float]:
    """A measurement of a batch, for each of its values, in microseconds."""
    measure = per_call(read, calls)
    return lambda: measure() / count


def batch_readers(
    program: Program, peers: Peers, file: int, addresses: list[int]
) -> dict[str, Callable[[], Any]]:
    """Everyone's way to read ints from all over the place."""
    view, editor = peers.view, peers.editor
    unpack = struct.Struct("<i").unpack
    requests = [("int", address) for address in addresses]
    readers: dict[str, Callable[[], Any]] = {
        "os.pread, unpacked": lambda: [unpack(os.pread(file, 4, address))[0] for address in addresses],
        "bare process_vm_readv, prebuilt iovecs": bare_batch_reader(program.pid, addresses),
        "memaccess read_int": lambda: [view.read_int(address) for address in addresses],
        "memaccess read_many": lambda: view.read_many(requests),
    }
    if editor is not None:
        readers["PyMemoryEditor read_int"] = lambda: [editor.read_int(address) for address in addresses]
        regions = editor.snapshot_memory_regions()
        search = partial(editor.search_by_addresses, int, 4, addresses, memory_regions=regions)
        readers["PyMemoryEditor search_by_addresses"] = lambda: [value for _, value in search()]
    return readers


def bare_batch_reader(pid: int, addresses: list[int]) -> Callable[[], tuple[int, ...]]:
    """As few calls as can be, with everything prebuilt: what a batch can't be faster than."""
    readv, count = bare_call(), len(addresses)
    buffer = (ctypes.c_int * count)()
    start, layout = ctypes.addressof(buffer), struct.Struct(f"<{count}i")
    calls = []
    for first in range(0, count, IOVECS):
        part = addresses[first : first + IOVECS]
        here = Iovec(start + 4 * first, 4 * len(part))
        there = (Iovec * len(part))(*(Iovec(address, 4) for address in part))
        calls.append((pid, ctypes.byref(here), 1, ctypes.byref(there), len(part), 0))

    def read() -> tuple[int, ...]:
        for arguments in calls:
            readv(*arguments)
        return layout.unpack(buffer)

    return read


# -- much


def measure_bulk(executable: str) -> None:
    """Much at once: into one buffer for all, and as new bytes, whose pages the system has to find first."""
    with (
        counting(executable, max(whole for _, whole, _ in BULKS)) as program,
        opened(program.pid) as peers,
        memory_file(program.pid) as file,
    ):
        for size, whole, rounds in BULKS:
            places = range(program.address, program.address + whole, size)
            buffer = bytearray(size)
            readers = {
                **readers_into(program, peers, file, buffer),
                **readers_of_bytes(program, peers, file, size),
            }
            for name, read in readers.items():
                check(program, name, read, buffer, places)
            contenders = {name: bandwidth(all_of(read, places), whole) for name, read in readers.items()}
            figures = interleaved(contenders, rounds)
            title = f"bulk read, {whole // MIB} MiB in pieces of {size // MIB} MiB"
            table(title, "GB/s", figures, times(figures, "bare"))
            best = value_of(figures, "bare process_vm_readv")
            ratio = value_of(figures, "memaccess read_into") / best
            verdict("memaccess read_into / bare process_vm_readv", ratio, 0.95, at_least=True)


def readers_into(program: Program, peers: Peers, file: int, buffer: bytearray) -> dict[str, Reader]:
    """Everyone's way to fill a buffer."""
    readv, size = bare_call(), len(buffer)
    here = Iovec(ctypes.addressof(ctypes.c_char.from_buffer(buffer)), size)
    there = Iovec(0, size)
    own, other = ctypes.byref(here), ctypes.byref(there)

    def bare(place: int) -> int:
        there.base = place
        count: int = readv(program.pid, own, 1, other, 1, 0)
        return count

    readers: dict[str, Reader] = {
        "bare process_vm_readv": bare,
        "os.preadv": lambda place: os.preadv(file, [buffer], place),
        "memaccess read_into": lambda place: peers.view.read_into(buffer, place),
    }
    if peers.editor is not None:
        read_into = peers.editor.read_process_memory_into
        readers["PyMemoryEditor read_process_memory_into"] = lambda place: read_into(place, buffer)
    return readers


def readers_of_bytes(program: Program, peers: Peers, file: int, size: int) -> dict[str, Reader]:
    """Everyone's way to new bytes."""
    readv = bare_call()

    def bare(place: int) -> bytes:
        data = bytes(size)
        here = Iovec(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value, size)
        readv(program.pid, ctypes.byref(here), 1, ctypes.byref(Iovec(place, size)), 1, 0)
        return data

    readers: dict[str, Reader] = {
        "new bytes: bare process_vm_readv": bare,
        "new bytes: os.pread": lambda place: os.pread(file, size, place),
        "new bytes: memaccess read": lambda place: peers.view.read(size, place),
    }
    if peers.editor is not None:
        read = peers.editor.read_process_memory
        readers["new bytes: PyMemoryEditor"] = lambda place: read(place, bytes, size)
    return readers


def check(program: Program, name: str, read: Reader, buffer: bytearray, places: range) -> None:
    """Read everything once, and look at the first and the last number of each page."""
    for place in places:
        buffer[:] = bytes(len(buffer))
        result = read(place)
        data = result if isinstance(result, bytes) else buffer
        with memoryview(data).cast("I") as numbers:
            first, count = program.number_at(place), len(buffer) // 4
            assert len(numbers) == count, name
            step = PAGE // 4
            for start in (0, step - 1):
                expected = itertools.islice(itertools.count(first + start, step), count // step)
                assert numbers[start::step].tolist() == list(expected), name
