"""The measurements themselves; they run in a Windows Python. ``python measure.py STUB [ROW…]``."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1 << 20


class Figure(NamedTuple):
    """What was measured of one contender."""

    name: str
    value: float
    lowest: float
    highest: float


def interleaved(contenders: dict[str, Callable[[], float]], rounds: int) -> list[Figure]:
    """Let all contenders run in turn, *rounds* times; the median of each, and its extremes."""
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            values[name].append(measure())
    return [Figure(name, median(each), min(each), max(each)) for name, each in values.items()]


def table(title: str, unit: str, figures: list[Figure], ratio: Callable[[Figure], str]) -> None:
    """Print figures as rows, with what each is in relation to the one that counts."""
    print(f"\n{title}")
    for figure in figures:
        extremes = f"({figure.lowest:.3g}-{figure.highest:.3g})"
        print(f"  {figure.name:<34}{figure.value:>9.3g} {unit:<5}{extremes:>18}  {ratio(figure)}")


def verdict(what: str, value: float, bar: float, *, at_least: bool = False) -> None:
    """Print whether a ratio keeps its bar."""
    kept = value >= bar if at_least else value <= bar
    print(f"  {'kept  ' if kept else 'MISSED'}  {what}: {value:.2f}, the bar is {bar:g}")


def value_of(figures: list[Figure], name: str) -> float:
    """The median of that contender."""
    return next(figure.value for figure in figures if figure.name == name)


# -- import

IMPORTS = {
    "bare Python": "pass",
    "ctypes": "import ctypes",
    "memaccess": "import memaccess",
    "Pymem": "import pymem",
    "PyMemoryEditor, NumPy hidden": "import sys; sys.modules['numpy'] = None; import PyMemoryEditor",
    "PyMemoryEditor": "import PyMemoryEditor",
}


def start_seconds(code: str) -> float:
    """How long a Python takes that runs *code* and ends, in milliseconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return (time.perf_counter() - start) * 1e3


def importable(code: str) -> bool:
    """Whether the Python at hand has what *code* imports."""
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def measure_import() -> None:
    """The cost of importing, over a bare start of Python."""
    contenders = {
        name: (lambda code=code: start_seconds(code)) for name, code in IMPORTS.items() if importable(code)
    }
    figures = interleaved(contenders, rounds=9)
    bare = value_of(figures, "bare Python")
    table("import, cold process", "ms", figures, lambda figure: f"{figure.value - bare:+8.1f} ms over bare")
    own = value_of(figures, "memaccess") - bare
    for peer, bar in (("Pymem", 0.5), ("PyMemoryEditor", 0.25)):
        if peer in contenders:
            verdict(f"memaccess / {peer}", own / (value_of(figures, peer) - bare), bar)


# -- typed read


def per_call(function: Callable[[], object], calls: int) -> Callable[[], float]:
    """A measurement of one call of *function*, in microseconds."""

    def measure() -> float:
        repeat = range(calls)
        start = time.perf_counter()
        for _ in repeat:
            function()
        return (time.perf_counter() - start) / calls * 1e6

    return measure


def bare_read(function: Any, handle: Any, address: int) -> Callable[[], int]:
    """The fastest read of an int that ctypes can do: everything prebuilt, one buffer for all."""
    buffer = ctypes.c_int()
    pointer = ctypes.byref(buffer)

    def read() -> int:
        function(handle, address, pointer, 4, None)
        return buffer.value

    return read


class Peers(NamedTuple):
    """What reads another process's memory, opened on it."""

    view: Any
    pymem: Any
    editor: Any


@contextlib.contextmanager
def opened(pid: int) -> Iterator[Peers]:
    """A block with the process opened by memaccess, and by the peers that this Python has."""
    from memaccess import MemoryView

    with contextlib.ExitStack() as stack:
        view = stack.enter_context(MemoryView(pid))
        pymem = editor = None
        with contextlib.suppress(ImportError):
            import pymem as pymem_package

            pymem = pymem_package.Pymem(pid)
            stack.callback(pymem.close_process)
        with contextlib.suppress(ImportError):
            import PyMemoryEditor

            editor = PyMemoryEditor.OpenProcess(pid=pid)
            stack.callback(editor.close)
        yield Peers(view, pymem, editor)


def int_readers(peers: Peers, address: int) -> dict[str, Callable[[], object]]:
    """Every contender's way to read an int of another process."""
    from memaccess._backend import _windows

    readers: dict[str, Callable[[], object]] = {
        "bare call": bare_read(_windows._read_memory, peers.view._process._handle, address),
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
        bare = value_of(figures, "bare call")
        table("typed read, through the system", "us", figures, lambda f: f"{f.value / bare:5.2f} x bare")
        with replaced_by(stub):
            stubbed = int_readers(peers, address)
            figures = interleaved({name: per_call(each, 50_000) for name, each in stubbed.items()}, rounds=7)
    bare = value_of(figures, "bare call")
    table(
        "typed read, the system's part taken out (stub)",
        "us",
        figures,
        lambda f: f"{f.value - bare:+6.3f} us over bare",
    )
    theirs = [f.value - bare for f in figures if not f.name.startswith(("bare", "memaccess"))]
    if theirs:
        verdict("memaccess / best peer", (value_of(figures, "memaccess read_int") - bare) / min(theirs), 0.5)


@contextlib.contextmanager
def replaced_by(stub: str) -> Iterator[None]:
    """A block in which every contender's ReadProcessMemory is a function that does nothing."""
    from memaccess._backend import _windows

    places: list[tuple[Any, str]] = [(_windows, "_read_memory")]
    with contextlib.suppress(ImportError):
        from pymem.ressources import kernel32

        places.append((kernel32, "ReadProcessMemory"))
    with contextlib.suppress(ImportError):
        from PyMemoryEditor.win32 import functions

        places.append((functions.kernel32, "ReadProcessMemory"))
    originals = [getattr(place, name) for place, name in places]
    for (place, name), original in zip(places, originals, strict=True):
        setattr(place, name, like(stub, original))
    try:
        yield
    finally:
        for (place, name), original in zip(places, originals, strict=True):
            setattr(place, name, original)


def like(stub: str, original: Any) -> Any:
    """The stub, declared as *original* is."""
    dll = ctypes.WinDLL(stub, use_last_error=bool(original._flags_ & 0x10))
    function = dll.StubRead
    function.argtypes, function.restype = original.argtypes, original.restype
    return function


# -- bulk read


def measure_bulk_read() -> None:
    """Reading much, against the bare call with one buffer for all. The peers make new bytes each time."""
    size, chunk = 64 * MIB, MIB
    with other_process(size) as (pid, address), opened(pid) as peers:
        places = range(address, address + size, chunk)
        contenders = {
            name: bandwidth(over(reader, places), size)
            for name, reader in chunk_readers(peers, chunk).items()
        }
        figures = interleaved(contenders, rounds=15)
    best = value_of(figures, "bare call")
    table("bulk read, 64 MiB in pieces of 1 MiB", "GB/s", figures, lambda f: f"{f.value / best:5.2f} x bare")
    verdict("memaccess / bare call", value_of(figures, "memaccess read_into") / best, 0.95, at_least=True)


def chunk_readers(peers: Peers, chunk: int) -> dict[str, Callable[[int], object]]:
    """Every contender's way to read a chunk of another process."""
    from memaccess._backend import _windows

    buffer = bytearray(chunk)
    start_of_buffer = ctypes.byref(ctypes.c_char.from_buffer(buffer))
    handle, read = peers.view._process._handle, _windows._read_memory
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


def over(reader: Callable[[int], object], places: range) -> Callable[[], None]:
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


# -- the other process

HOLDER = """
import ctypes, os, sys
memory = ctypes.create_string_buffer(bytes(range(256)) * (int(sys.argv[1]) // 256))
print(os.getpid(), ctypes.addressof(memory), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def other_process(size: int) -> Iterator[tuple[int, int]]:
    """Another program with *size* bytes of memory: its pid, and the address of them."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid, address = map(int, process.stdout.readline().split())
        yield pid, address
        process.communicate("")


def main(stub: str, *rows: str) -> None:
    """Measure the rows that are named, or all."""
    measurements = {
        "import": measure_import,
        "typed": lambda: measure_typed_read(stub),
        "bulk": measure_bulk_read,
    }
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {ctypes.sizeof(ctypes.c_void_p) * 8}-bit"
    )
    for name, measure in measurements.items():
        if not rows or name in rows:
            measure()


if __name__ == "__main__":
    main(*sys.argv[1:])
