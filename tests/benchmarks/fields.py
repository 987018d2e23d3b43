"""The program that is scanned: a field of ints, and ways to copy it that do nothing else."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from reads import all_of
from subjects import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC = 0x7A5C1234
TEXT = "MAGIC-word-of-the-field"
CHANGED = 1000
"""Every 1000th is changed by :meth:`Field.change`."""


class Field(NamedTuple):
    """The field; ``field.c`` says what it has."""

    pid: int
    base: int
    size: int
    program: Any

    def change(self) -> None:
        """Have the program change a share of the ints."""
        self.program.stdin.write(f"change {CHANGED}\n")
        self.program.stdin.flush()
        assert "changed" in json.loads(self.program.stdout.readline())


@contextlib.contextmanager
def running(executable: str, size: int) -> Iterator[Field]:
    """A running program with a field of so many bytes."""
    with subprocess.Popen(
        [executable, str(size // MIB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        answer = json.loads(program.stdout.readline())
        assert "base" in answer, answer
        yield Field(answer["pid"], answer["base"], size, program)
        with contextlib.suppress(BrokenPipeError):
            program.stdin.write("quit\n")
            program.stdin.flush()


BUFFERS = 5
"""Which pages the system gives a buffer decides how well the processor's cache keeps it: by a factor of two and more."""


def copier(view: Any, field: Field, chunk: int) -> Callable[[], None]:
    """Copying all of a field with the bare call, always into the same buffer: what no scan can be faster than.

    In pieces of so many bytes, or of an eighth of that, whichever is faster.
    """
    part = min(field.size, 64 * MIB)
    buffers = [ctypes.create_string_buffer(size) for size in (chunk, chunk // 8) for _ in range(BUFFERS)]
    times = []
    for buffer in buffers:
        copy = bare_copy(view, field, buffer)
        start = time.perf_counter()
        all_of(copy, range(field.base, field.base + part, len(buffer)))()
        times.append(time.perf_counter() - start)
    best = buffers[times.index(min(times))]
    whole = range(field.base, field.base + field.size, len(best))
    copy_all = all_of(bare_copy(view, field, best), whole)

    def copy_into_best() -> None:
        assert len(best) == whole.step  # it is kept alive here: an iovec does not do that
        copy_all()

    return copy_into_best


def copier_in_threads(view: Any, field: Field, chunk: int, count: int) -> Callable[[], None]:
    """The same by so many threads, each of which copies its share: what no scan by as many can be faster than."""
    share = field.size // count
    copies = [
        copier(view, field._replace(base=field.base + part * share, size=share), chunk)
        for part in range(count)
    ]

    def copy_all() -> None:
        threads = [threading.Thread(target=copy) for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return copy_all


def bare_copy(view: Any, field: Field, buffer: Any) -> Callable[[int], object]:
    """The bare call that fills a buffer from an address on."""
    size = len(buffer)
    if sys.platform == "win32":
        from memaccess._backend.windows import _process

        read, handle = _process._read_memory, view._process._handle
        return lambda address: read(handle, address, buffer, size, None)
    from native import Iovec, bare_call

    readv, there = bare_call(), Iovec(0, size)
    own, other = ctypes.byref(Iovec(ctypes.addressof(buffer), size)), ctypes.byref(there)

    def copy(address: int) -> None:
        there.base = address
        readv(field.pid, own, 1, other, 1, 0)

    return copy


@contextlib.contextmanager
def on_cores(count: int) -> Iterator[None]:
    """A block in which memaccess has so many threads, and this program runs on so many cores, where Linux can say so."""
    from memaccess._scan import _sweep

    threads, _sweep.WORKERS = _sweep.WORKERS, count
    cores = os.sched_getaffinity(0) if sys.platform == "linux" else set()
    if cores:
        os.sched_setaffinity(0, sorted(cores)[-count:])
    try:
        yield
    finally:
        _sweep.WORKERS = threads
        if cores:
            os.sched_setaffinity(0, cores)


class Still:
    """A process whose memory is copied into each buffer once: what is left of a scan is all but the copying."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self._filled: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    def read_into(self, buffer: memoryview, address: int, /) -> None:
        """Nothing, but for the first time."""
        here = id(buffer.obj)
        if here not in self._filled:
            self._filled.add(here)
            self._process.read_into(buffer, address)


@contextlib.contextmanager
def without_copying(view: Any) -> Iterator[None]:
    """A block in which a view's scans copy nothing."""
    process = view._process
    view._process = Still(process)
    try:
        yield
    finally:
        view._process = process
