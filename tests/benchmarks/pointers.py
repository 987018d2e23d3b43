"""The pointer search: in a program beside the peers, and step by step on a heap that is made up here.

    python tests/benchmarks [--here] pointers
    python tests/benchmarks/pointers.py [plain]    only the steps; plain: without NumPy

Both heaps have nodes of 64 bytes, half of whose words are pointers to nodes, and the others random. 4096
static pointers lead into it. In the steps nothing is read of a program: what that takes comes on top.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    sys.path += [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from rounds import Figure, interleaved, table, verdict
from subjects import opened

from memaccess._scan._pointers._collector import Collector, fastest
from memaccess._scan._pointers._plain import PlainEngine
from memaccess._scan._pointers._search import chains

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator
    from typing import Any, Literal

    from memaccess._scan._pointers._engines import Engine

MIB = 1 << 20
NODE = 64
STATICS = 4096
PIECE = MIB
DEPTH = 4
MAX_OFFSET = 0x400
MOST = 100_000
"""Chains of a peer, at which it stops."""
PLANTED = (0x18, 0x40, 0x28, 0x10)
"""What is added to the pointers of the chain that is known."""
HEAPS = ((8, 64, 50), (8, 64, 10), (8, 64, 100), (8, 256, 5), (4, 32, 50))
"""Bytes of a pointer, MiB of heap, and how many words of a hundred are pointers."""


class Heap(NamedTuple):
    """Memory that is searched."""

    width: Literal[4, 8]
    base: int
    data: bytes
    static_base: int
    static: bytes

    @property
    def targets(self) -> list[tuple[int, int]]:
        """The heap, the static memory, and ranges without pointers, as programs have them by the hundred."""
        beyond = self.base + len(self.data) + MIB
        others = [(beyond + index * 0x10000, 0x3000) for index in range(300)]
        return [(self.static_base, len(self.static)), (self.base, len(self.data)), *others]

    def collected(self, engine: Engine) -> Collector:
        """Its pointers."""
        collector = Collector(self.width, self.targets, engine)
        collector.add(self.static_base, self.static)
        with memoryview(self.data) as view:
            for start in range(0, len(view), PIECE):
                collector.add(self.base + start, view[start : start + PIECE])
        return collector

    def search(self, collector: Collector, **options: Any) -> Any:
        """The chains to a value in one of its nodes."""
        target = self.base + NODE * 12345 + 0x10
        static = [(self.static_base, len(self.static))]
        return chains(collector, target, static, DEPTH, MAX_OFFSET, **options)


def made_up(width: Literal[4, 8], mib: int, share: int) -> Heap:
    """A heap of which so many words of a hundred are pointers; the same each time."""
    import numpy as np

    base, static_base = (0x7F12_0000_0000, 0x5555_0000_4000) if width == 8 else (0x2000_0000, 0x40_4000)
    chance = np.random.default_rng(1)
    nodes, count = mib * MIB // NODE, mib * MIB // width
    kind = f"<u{width}"
    words = chance.integers(0, 1 << width * 8 - 1, count, np.int64).astype(kind)
    is_pointer = chance.random(count) < share / 100
    words[is_pointer] = base + NODE * chance.integers(0, nodes, int(is_pointer.sum()))
    static = (base + NODE * chance.integers(0, nodes, STATICS)).astype(kind)
    return Heap(width, base, words.tobytes(), static_base, static.tobytes())


PROGRAMS = ((64, 10), (64, 50))
"""MiB of heap of a program, and how many words of a hundred are pointers."""


@contextlib.contextmanager
def heaps(executable: str, mib: int, share: int) -> Iterator[dict[str, int]]:
    """A running program with such a heap; ``heap.c`` says where a chain of it begins and where it leads to."""
    with subprocess.Popen(
        [executable, str(mib), str(share)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        answer = json.loads(program.stdout.readline())
        assert "value" in answer, answer
        yield answer
        program.communicate("quit\n")


def measure_search(executable: str) -> None:
    """All of a search in a program, with reading it; and whether the chain that was put there is found."""
    for mib, share in PROGRAMS:
        with heaps(executable, mib, share) as answer, opened(answer["pid"]) as peers:
            found: dict[str, str] = {}
            searches = {"memaccess": partial(own_chains, peers.view)}
            if peers.editor is not None:
                searches["PyMemoryEditor"] = partial(chains_of_editor, peers.editor)
            contenders = {
                name: seconds(partial(_look, found, name, search, answer))
                for name, search in searches.items()
            }
            figures = [
                *interleaved({"memaccess": contenders.pop("memaccess")}, rounds=5),
                *interleaved(contenders, rounds=1),  # which may take a minute
            ]
        title = f"a pointer search, depth {DEPTH}, {mib} MiB of heap, {share} % of it pointers"
        table(title, "s", figures, partial(_found_by, found))
        verdict("memaccess, seconds", figures[0].value, 1)


Search = Callable[[int], "list[tuple[int, tuple[int, ...]]]"]
"""Finds the chains to an address: where each begins, and its offsets."""


def _look(found: dict[str, str], name: str, search: Search, answer: dict[str, int]) -> None:
    chains = search(answer["value"])
    is_there = (answer["root"], PLANTED) in chains
    found[name] = f"{len(chains)} chains, the planted one {'found' if is_there else 'MISSED'}"


def _found_by(found: dict[str, str], figure: Figure) -> str:
    return found[figure.name]


def own_chains(view: Any, value: int) -> list[tuple[int, tuple[int, ...]]]:
    """Those that memaccess finds."""
    bases = {module.name: module.base for module in view.modules()}
    chains = view.find_pointers(value, depth=DEPTH, max_offset=MAX_OFFSET)
    return [(bases[each.module] + each.base, each.offsets) for each in chains]


def chains_of_editor(editor: Any, value: int) -> list[tuple[int, tuple[int, ...]]]:
    """Those that PyMemoryEditor finds, up to some number."""
    chains = editor.scan_pointer_paths(value, max_depth=DEPTH, max_offset=MAX_OFFSET, max_results=MOST)
    return [(each.base_address, tuple(each.offsets)) for each in chains]


def seconds(step: Callable[[], object]) -> Callable[[], float]:
    """A measurement of one call."""

    def measure() -> float:
        start = time.perf_counter()
        step()
        return time.perf_counter() - start

    return measure


def measure_pointers(engine: Engine, rounds: int) -> None:
    """Every heap: how long each step takes, and what is kept."""
    for width, mib, share in HEAPS:
        heap = made_up(width, mib, share)
        steps: dict[str, list[float]] = {}
        for _ in range(rounds):
            pointers, found = one_round(heap, engine, steps)
        title = (
            f"{mib} MiB, {width * 8}-bit, {share} % of {mib * MIB // width / 1e6:.1f} M words are pointers"
        )
        print(f"\n{title}\n  {pointers} pointers, {found} chains; {peaks(heap, engine)}")
        for name, values in steps.items():
            print(
                f"  {name:<24}{median(values) * 1e3:8.0f} ms  ({min(values) * 1e3:.0f}-{max(values) * 1e3:.0f})"
            )


def one_round(heap: Heap, engine: Engine, steps: dict[str, list[float]]) -> tuple[int, int]:
    """Note what each step takes; how many pointers there are, and chains."""
    start = time.perf_counter()
    collector = heap.collected(engine)
    collected = time.perf_counter()
    watched = Watched(engine)
    collector.engine = watched
    count = 0
    for _ in heap.search(collector):
        if not count:
            first = time.perf_counter()
        count += 1
    end = time.perf_counter()
    steps.setdefault("collecting", []).append(collected - start)
    steps.setdefault("first chain after", []).append(first - collected)
    for name, value in watched.times.items():
        steps.setdefault(name, []).append(value)
    steps.setdefault("walking, writing", []).append(end - collected - sum(watched.times.values()))
    steps.setdefault("all together", []).append(end - start)
    return len(collector.pointers), count


class Watched:
    """An engine of which it is noted how long each level takes."""

    def __init__(self, engine: Engine) -> None:
        self.times: dict[str, float] = {}
        self.collect, self.chains = engine.collect, engine.chains
        self.reach = self._timed("reach of levels", engine.reach)
        self.hits = self._timed("pointers within reach", engine.hits)

    def _timed(self, name: str, function: Callable[..., array[int]]) -> Callable[..., array[int]]:
        def timed(*arguments: object) -> array[int]:
            start = time.perf_counter()
            found = function(*arguments)
            self.times[name] = self.times.get(name, 0) + time.perf_counter() - start
            return found

        return timed


def peaks(heap: Heap, engine: Engine) -> str:
    """What is kept, and the most that is needed besides, with the heap itself not counted."""
    if isinstance(engine, PlainEngine):
        return "memory was not traced, which takes minutes"
    tracemalloc.start()
    collector = heap.collected(engine)
    kept, highest = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in heap.search(collector):
        pass
    _, searching = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return f"{kept / MIB:.1f} MiB kept, {highest / MIB:.1f} at most, {searching / MIB:.1f} in the search"


def measure_all_pointers(program: str) -> None:
    """The search in a program, and its steps."""
    measure_search(program)
    with contextlib.suppress(ImportError):  # without NumPy nothing is made up
        measure_pointers(fastest(), rounds=5)


if __name__ == "__main__":
    plain = "plain" in sys.argv[1:]
    measure_pointers(PlainEngine() if plain else fastest(), rounds=1 if plain else 7)
