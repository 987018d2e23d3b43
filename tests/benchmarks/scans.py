"""Scans of much memory, beside copying it and beside the peers: ``python tests/benchmarks scans``.

With ``--mib=1024`` it is so much memory. What each scan takes is shown as a multiple of what copying the same memory with
bare calls took in the same rounds; on two cores too it is the copying of one.
"""

from __future__ import annotations

import ctypes
import gc
import os
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path.append(str(HERE))
    if "--plain" in sys.argv:
        sys.modules["numpy"] = None  # type: ignore[assignment]  # as where it is not installed

from fields import MAGIC, TEXT, Field, copier, copier_in_threads, on_cores, running, without_copying
from rounds import Figure, interleaved, table
from subjects import MIB, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from subjects import Peers

PATTERN = "4D 41 47 49 43 ?? 77 6F 72 64"
LEADING = f"?? ?? {PATTERN}"
REGEX = rb"MAGIC-[a-z]+"
RANGE = (500_000_000, 500_100_000)
FLOAT = 100.3
COPY = "copying, bare calls"
CHUNK = MIB
"""Bytes that are copied with one call: with more of them none is faster."""
NEIGHBOURS = 4 * MIB
"""Bytes of a million ints."""
SCATTERED = (1 << 30, (1 << 31) - 1)
"""What every 64th of the ints is, and hardly another one."""
ROUNDS = 5


class Bars(NamedTuple):
    """How many times the copying a scan may take: on one core, and on two; and under Wine."""

    of_cores: tuple[float, float]
    under_wine: float = 1.2


OF_VALUES, OF_PATTERNS = Bars((1.7, 1)), Bars((3, 3))
SECONDS = {"unknown": 1.0, "unchanged, of 1 million side by side": 0.15}
"""What has a bar in seconds, of 256 MiB; the first one together with what is changed."""


class Kind(NamedTuple):
    """A scan that begins anew each time: by memaccess, and by those peers that have it."""

    name: str
    bars: Bars | None
    own: Callable[[Any, tuple[int, int]], int]
    editor: Callable[[Any, list[Any]], Any] | None = None
    pymem: Callable[[Any], Any] | None = None
    scanmem: str | None = None


def _number(type: str, how: str, *values: object, **options: Any) -> Callable[[Any, tuple[int, int]], int]:
    return lambda view, area: len(getattr(view.scan(type, area, **options), how)(*values))


def _pymem_bytes(data: bytes) -> Callable[[Any], Any]:
    return lambda pymem: pymem.pattern_scan_all(re.escape(data), return_multiple=True)


KINDS = (
    Kind(
        "exact int",
        OF_VALUES,
        _number("int", "exact", MAGIC),
        lambda editor, regions: editor.search_by_value(int, 4, MAGIC, memory_regions=regions),
    ),
    Kind(
        "exact int, unaligned",
        OF_VALUES,
        _number("int", "exact", MAGIC, alignment=1),
        lambda editor, regions: editor.search_by_value(int, 4, MAGIC, memory_regions=regions, aligned=False),
        _pymem_bytes(MAGIC.to_bytes(4, "little")),
        f"option scan_data_type int32;{MAGIC}",
    ),
    Kind(
        "range of ints",
        OF_VALUES,
        _number("int", "between", *RANGE),
        lambda editor, regions: editor.search_by_value_between(int, 4, *RANGE, memory_regions=regions),
        None,
        f"option scan_data_type int32;{RANGE[0]}..{RANGE[1]}",
    ),
    Kind(
        "exact float, rounded",
        OF_VALUES,
        _number("float", "exact", FLOAT),
    ),
    Kind(
        "text",
        OF_VALUES,
        lambda view, area: len(list(view.find_text(TEXT, area))),
        lambda editor, regions: editor.search_by_value(str, len(TEXT), TEXT, memory_regions=regions),
        _pymem_bytes(TEXT.encode()),
        f'option scan_data_type string;" {TEXT}',
    ),
    Kind(
        "pattern",
        OF_PATTERNS,
        lambda view, area: len(list(view.find(PATTERN, area))),
        lambda editor, regions: editor.search_by_pattern(PATTERN, memory_regions=regions),
        lambda pymem: pymem.pattern_scan_all(rb"MAGIC.word", return_multiple=True),
        f"option scan_data_type bytearray;{PATTERN}",
    ),
    Kind(
        "pattern, leading wildcards",
        OF_PATTERNS,
        lambda view, area: len(list(view.find(LEADING, area))),
        lambda editor, regions: editor.search_by_pattern(LEADING, memory_regions=regions),
        lambda pymem: pymem.pattern_scan_all(rb"..MAGIC.word", return_multiple=True),
    ),
    Kind(
        "regular expression",
        None,
        lambda view, area: len(list(view.find_regex(REGEX, area))),
    ),
    Kind("exact, all types at once", None, _number("all", "exact", 100)),
)
BARS = {
    **{kind.name: kind.bars for kind in KINDS},
    "changed, of all that stood still": OF_VALUES,
    "unchanged, of all that stood still": OF_VALUES,
    "changed, of all": OF_VALUES,
    "unchanged, of all": OF_VALUES,
}


def measure_scans(program: str, mib: int) -> None:
    """All of it: on one core and on two, the peers, the limits, the memory, and without NumPy."""
    with running(program, mib * MIB) as field, opened(field.pid) as peers:
        for cores in (1, 2):
            with on_cores(cores):
                title = f"scans of {mib} MiB, {cores} core{'s' * (cores - 1)}"
                print_table(f"first {title}", interleaved(firsts(peers.view, field), ROUNDS), cores)
                print_table(f"next {title}", next_scans(peers.view, field, ROUNDS), cores)
        if mib <= 256:
            measure_peers(peers, field)
        measure_limits(peers.view, field)
        measure_peaks(peers, field)
    if mib <= 256 and sys.platform == "linux":
        subprocess.run([sys.executable, __file__, "--plain", program, str(min(mib, 64))], check=True)


def measure_plainly(program: str, mib: int) -> None:
    """What this Python does, which has no NumPy."""
    with running(program, mib * MIB) as field, opened(field.pid) as peers, on_cores(1):
        print_table(f"first scans of {mib} MiB without NumPy", interleaved(firsts(peers.view, field), 1), 0)
        print_table(f"next scans of {mib} MiB without NumPy", next_scans(peers.view, field, 1), 0)
        measure_peers(peers, field, rounds=1)


# -- first scans, and next ones


def milliseconds(step: Callable[[], object]) -> Callable[[], float]:
    """A measurement of one call."""

    def measure() -> float:
        start = time.perf_counter()
        step()
        return (time.perf_counter() - start) * 1e3

    return measure


def copying(copy: Callable[[], None]) -> Callable[[], float]:
    """A measurement of the copying, once it was done: a host may have put away what nobody looked at."""
    measure = milliseconds(copy)

    def copy_again() -> float:
        copy()
        return measure()

    return copy_again


def firsts(view: Any, field: Field) -> dict[str, Callable[[], float]]:
    """A measurement of every kind, and of the copying."""
    area = (field.base, field.size)
    contenders = {COPY: copying(copier(view, field, CHUNK))}
    threads = workers()
    if threads > 1:
        contenders[f"  by {threads} threads"] = copying(copier_in_threads(view, field, CHUNK, threads))
    for kind in KINDS:
        contenders[kind.name] = milliseconds(partial(kind.own, view, area))
    return contenders


def next_scans(view: Any, field: Field, rounds: int) -> list[Figure]:
    """An unknown value and what comes of it, and the next scans of a million places."""
    area = (field.base, field.size)
    near = view.scan("int", (field.base, min(NEIGHBOURS, field.size))).unknown()
    far = view.scan("int", area).between(*SCATTERED)
    values: dict[str, list[float]] = {}

    def timed(name: str, step: Callable[[], object]) -> None:
        values.setdefault(name, []).append(milliseconds(step)())

    copy = copying(copier(view, field, CHUNK))
    for _ in range(rounds):
        values.setdefault(COPY, []).append(copy())
        scan = view.scan("int", area)
        timed("unknown", scan.unknown)
        timed("changed, of all that stood still", scan.changed)
        scan.undo()
        timed("unchanged, of all that stood still", scan.unchanged)
        scan.undo()
        field.change()
        timed("changed, of all", scan.changed)
        timed(f"unchanged, of {millions(len(scan))}", scan.unchanged)
        scan.undo().undo()
        timed("unchanged, of all", scan.unchanged)
        timed("decreased, of all but few", scan.decreased)
        scan = None
        timed(f"unchanged, of {millions(len(near))} side by side", near.unchanged)
        timed(f"unchanged, of {millions(len(far))} scattered", far.unchanged)
        near.undo()
        far.undo()
    return [Figure(name, median(each), min(each), max(each)) for name, each in values.items()]


def millions(count: int) -> str:
    """A number of places, in words that stay the same."""
    return f"{count / 1e6:.2g} million" if count >= 1e5 else "a few"


def workers() -> int:
    """The threads of a search."""
    from memaccess._scan import _sweep

    return _sweep.WORKERS


def print_table(title: str, figures: list[Figure], cores: int) -> None:
    """Print the figures as multiples of the copying, with the bars; none for 0 cores."""
    copying = next(figure for figure in figures if figure.name == COPY)

    def beside(figure: Figure) -> str:
        ratio, least = figure.value / copying.value, figure.lowest / copying.lowest
        shown = f"{ratio:6.2f} x copying ({least:.2f} of the fastest)"
        bar = bar_of(figure.name, cores) if cores else None
        if figure.name in SECONDS and cores:
            verdict = "" if figure.value < 1e3 * SECONDS[figure.name] else "MISSED"
            return f"{shown}   bar {SECONDS[figure.name]:g} s {verdict}"
        if bar is None:
            return shown
        return f"{shown}   bar {bar:g} {'MISSED' if ratio > bar else ''}"

    table(title, "ms", figures, beside)


def bar_of(name: str, cores: int) -> float | None:
    """How many times the copying that may take."""
    bars = BARS.get(name)
    return None if bars is None else bars.under_wine if is_wine() else bars.of_cores[cores - 1]


def is_wine() -> bool:
    """Whether every call is a message to Wine's server, beside which nothing counts."""
    if sys.platform != "win32":
        return False
    from memaccess._backend.windows import _process

    return _process._IS_WINE


# -- the peers


def measure_peers(peers: Peers, field: Field, rounds: int = 3) -> None:
    """The same by those that can do it, beside memaccess with as many threads as it likes."""
    view, pymem, editor = peers
    contenders = {COPY: copying(copier(view, field, CHUNK))}
    regions = []
    if editor is not None:
        regions = [
            each
            for each in editor.snapshot_memory_regions()
            if each.address < field.base + field.size and field.base < each.address + each.size
        ]
    scanmem = shutil.which("scanmem") if sys.platform == "linux" else None
    for kind in KINDS:
        contenders[f"memaccess, {kind.name}"] = milliseconds(
            partial(kind.own, view, (field.base, field.size))
        )
        if kind.editor is not None and editor is not None:
            look = partial(kind.editor, editor, regions)
            contenders[f"  PyMemoryEditor, {kind.name}"] = milliseconds(lambda look=look: list(look()))
        if kind.pymem is not None and pymem is not None:
            contenders[f"  Pymem, {kind.name}"] = milliseconds(partial(kind.pymem, pymem))
        if kind.scanmem is not None and scanmem is not None:
            contenders[f"  scanmem, {kind.name}"] = milliseconds(
                partial(run_scanmem, scanmem, field.pid, kind.scanmem)
            )
    if editor is not None:
        addresses = list(range(field.base, field.base + min(NEIGHBOURS, field.size), 4))
        look = partial(editor.search_by_addresses, int, 4, addresses, memory_regions=regions)
        contenders["  PyMemoryEditor, a million side by side"] = milliseconds(lambda: list(look()))
    if scanmem is not None:
        contenders["  scanmem, unknown"] = milliseconds(partial(run_scanmem, scanmem, field.pid, "snapshot"))
    title = f"peers, {field.size // MIB} MiB, {os.cpu_count()} cores"
    print_table(title, interleaved(contenders, rounds), 0)


def run_scanmem(scanmem: str, pid: int, commands: str) -> None:
    """All of a run of it, of which its start is the least part."""
    subprocess.run([scanmem, "-p", str(pid), "-c", f"{commands};exit"], check=True, capture_output=True)


# -- what a scan can't be faster than


def measure_limits(view: Any, field: Field) -> None:
    """On one core: all but the copying, and with it the sum that both make one after the other."""
    with on_cores(1):
        whole = firsts(view, field)
        rest: dict[str, Callable[[], float]] = {}
        for name, measure in whole.items():
            if name != COPY:
                rest[f"{name}, nothing copied"] = partial(_still, view, measure)
        print_table("what comparing takes", interleaved({COPY: whole[COPY], **rest}, ROUNDS), 0)


def _still(view: Any, measure: Callable[[], float]) -> float:
    with without_copying(view):
        return measure()


# -- memory


def measure_peaks(peers: Peers, field: Field) -> None:
    """How much more memory a fresh Python has at most, for each kind."""
    print(f"\nmemory at most, over what was there before, of scans of {field.size // MIB} MiB")
    for name in [*PEAKS, *(PEAKS_OF_PEERS if peers.editor is not None and field.size <= 256 * MIB else ())]:
        words = [sys.executable, __file__, "--peak", name, *map(str, field[:3])]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        used, hits = map(int, done.stdout.split())
        bar = "" if name in PEAKS_OF_PEERS else f"bar 128 MiB {'MISSED' if used > 128 * MIB else ''}"
        print(f"  {name:<40}{used / MIB:9.1f} MiB   {hits:>10} hits   {bar}")


def tell_peak(name: str, pid: int, base: int, size: int) -> None:
    """Print how many bytes that takes at most, here, and how many hits it had."""
    with opened(pid) as peers:
        step = PEAKS[name] if name in PEAKS else PEAKS_OF_PEERS[name]
        step(peers, (base, min(size, MIB)))  # what is imported does not count
        gc.collect()
        before = memory_used(at_most=False)
        hits = step(peers, (base, size))
        print(max(memory_used(at_most=True) - before, 0), hits)


def _own(kind: Kind) -> Callable[[Peers, tuple[int, int]], int]:
    return lambda peers, area: kind.own(peers.view, area)


def _unknown_then(how: str) -> Callable[[Peers, tuple[int, int]], int]:
    return lambda peers, area: len(getattr(peers.view.scan("int", area).unknown(), how)())


def _editor(kind: Kind) -> Callable[[Peers, tuple[int, int]], int]:
    def search(peers: Peers, area: tuple[int, int]) -> int:
        assert kind.editor is not None
        regions = [
            each
            for each in peers.editor.snapshot_memory_regions()
            if each.address <= area[0] < each.address + each.size
        ]
        return len(list(kind.editor(peers.editor, regions)))

    return search


PEAKS: dict[str, Callable[[Peers, tuple[int, int]], int]] = {
    **{kind.name: _own(kind) for kind in KINDS},
    "unknown, then changed": _unknown_then("changed"),
    "unknown, then unchanged": _unknown_then("unchanged"),
}
PEAKS_OF_PEERS = {f"PyMemoryEditor, {kind.name}": _editor(kind) for kind in KINDS if kind.editor is not None}


def memory_used(*, at_most: bool) -> int:
    """Bytes of this process in memory: now, from where on the most of them is counted anew; or at most since then."""
    if sys.platform == "linux":
        if not at_most:
            Path("/proc/self/clear_refs").write_text("5")
        field = "VmHWM:" if at_most else "VmRSS:"
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    counters = Counters(ctypes.sizeof(Counters))
    function = ctypes.WinDLL("psapi").GetProcessMemoryInfo
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    function(ctypes.c_void_p(-1), ctypes.byref(counters), counters.cb)
    return counters.peak if at_most else counters.now  # Windows keeps the highest of all


class Counters(ctypes.Structure):
    """``PROCESS_MEMORY_COUNTERS``."""

    _fields_ = (
        ("cb", ctypes.c_uint32),
        ("faults", ctypes.c_uint32),
        ("peak", ctypes.c_size_t),
        ("now", ctypes.c_size_t),
        ("rest", ctypes.c_size_t * 6),
    )


if __name__ == "__main__":
    if sys.argv[1] == "--plain":
        measure_plainly(sys.argv[2], int(sys.argv[3]))
    else:
        tell_peak(sys.argv[2], *map(int, sys.argv[3:]))
