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


def readers(pid: int, address: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every contender's way to read an int of another process."""
    from memaccess import MemoryView
    from memaccess._backend import _windows

    view = MemoryView(pid)
    yield "bare call", bare_read(_windows._read_memory, view._process._handle, address)
    yield "memaccess read_int", lambda: view.read_int(address)
    with contextlib.suppress(ImportError):
        import pymem

        pm = pymem.Pymem(pid)
        yield "Pymem read_int", lambda: pm.read_int(address)
    with contextlib.suppress(ImportError):
        import PyMemoryEditor

        editor = PyMemoryEditor.OpenProcess(pid=pid)
        yield "PyMemoryEditor read_int", lambda: editor.read_int(address)


def measure_typed_read(stub: str) -> None:
    """Reading one int: through the system, and with the system's part taken out."""
    with other_process(MIB) as (pid, address):
        contenders = dict(readers(pid, address))
        figures = interleaved({name: per_call(each, 2000) for name, each in contenders.items()}, rounds=7)
        bare = value_of(figures, "bare call")
        table("typed read, through the system", "us", figures, lambda f: f"{f.value / bare:5.2f} x bare")
        with replaced_by(stub):
            stubbed = dict(readers(pid, address))
            figures = interleaved({name: per_call(each, 50_000) for name, each in stubbed.items()}, rounds=7)
    bare = value_of(figures, "bare call")
    table(
        "typed read, the system's part taken out (stub)",
        "us",
        figures,
        lambda f: f"{f.value - bare:+6.3f} us over bare",
    )
    peers = [f.value - bare for f in figures if not f.name.startswith(("bare", "memaccess"))]
    if peers:
        verdict("memaccess / best peer", (value_of(figures, "memaccess read_int") - bare) / min(peers), 0.5)


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
    yield
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
    """Filling a caller's buffer, against the bare call with the same buffer."""
    from memaccess import MemoryView
    from memaccess._backend import _windows

    size, chunk = 64 * MIB, MIB
    with other_process(size) as (pid, address), MemoryView(pid) as view:
        buffer = bytearray(chunk)
        start_of_buffer = ctypes.byref(ctypes.c_char.from_buffer(buffer))
        handle, read = view._process._handle, _windows._read_memory

        def bare() -> None:
            for offset in range(0, size, chunk):
                read(handle, address + offset, start_of_buffer, chunk, None)

        def ours() -> None:
            for offset in range(0, size, chunk):
                view.read_into(buffer, address + offset)

        contenders = {"bare call": bare, "memaccess read_into": ours}
        figures = interleaved({name: bandwidth(each, size) for name, each in contenders.items()}, rounds=15)
    best = value_of(figures, "bare call")
    table("bulk read, 64 MiB in pieces of 1 MiB", "GB/s", figures, lambda f: f"{f.value / best:5.2f} x bare")
    verdict("memaccess / bare call", value_of(figures, "memaccess read_into") / best, 0.95, at_least=True)


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
