"""Going over memory: in pieces that fit the processor's cache, in several threads, in order.

One thread copies while another compares: the foreign call and NumPy both let go of Python's lock.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from memaccess._errors import SearchCancelledError, SystemFailure
from memaccess._scan._buffers import aligned_buffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from memaccess._backend._interface import Process
    from memaccess._ranges import Range
    from memaccess._records import PartialRead
    from memaccess._scan._monitor import Monitor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Job = TypeVar("Job")
R = TypeVar("R")

CHUNK = 1 << 21
"""Bytes that are read and looked at together. On Linux (AMD EPYC, 512 KiB of L2 for each core, 32 MiB of L3) ints take
1.3 times the copying with 1 MiB, 1.1 to 1.2 times with 2, and more again with 4: what Python does for each chunk counts
for more than the small cache, and the large one has room for 2 MiB."""

STRETCH = 1 << 23
"""Bytes that a thread is given at once, for the hand-over to cost little."""

_CHUNKS_OF_A_STRETCH = 256
"""Chunks that a thread is given at once, where they are small."""

WORKERS = min(os.cpu_count() or 1, 4)
"""Threads; more than a few only wait for the same memory."""

_AHEAD = 2
"""Stretches for each thread that may be done before their results are taken."""


class Memory(Protocol):
    """What is searched: a view."""

    def _opened(self, what: str) -> Process: ...
    def _read_available(self, size: int, address: int) -> PartialRead: ...


class Chunk(NamedTuple):
    """Memory that is read and looked at together."""

    address: int
    places: int
    """Bytes from there on at which a hit may begin."""
    size: int
    """Bytes that are read: the places, and those behind them that a hit may reach into."""


class Look(Protocol[T_co]):
    """What is done with memory that was read; one thread at a time uses it."""

    def __call__(self, address: int, data: bytearray, size: int, places: int, /) -> T_co | None:
        """What *data* has, of which the first *size* bytes are those at *address*.

        The buffer is used again: what is kept of it has to be copied.
        """
        ...


class Piece(NamedTuple):
    """Memory that was read."""

    address: int
    data: bytes
    places: int


def copy_of(address: int, data: bytearray, size: int, places: int) -> Piece:
    """The memory itself."""
    return Piece(address, bytes(memoryview(data)[:size]), places)


def chunks(runs: Iterable[Range], overlap: int) -> Iterator[Chunk]:
    """The memory of those runs; each chunk is read with *overlap* bytes behind it, as far as they are there."""
    step = max(CHUNK, overlap)  # so that none of it is read more than twice
    for start, size in runs:
        end = start + size
        for address in range(start, end, step):
            places = min(step, end - address)
            yield Chunk(address, places, min(places + overlap, end - address))


def stretches(all_chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """The chunks in groups, the first of which are small: whoever looks for one place may not need the others."""
    group: list[Chunk] = []
    size, enough = 0, CHUNK
    for chunk in all_chunks:
        group.append(chunk)
        size += chunk.places
        if size >= enough or len(group) >= _CHUNKS_OF_A_STRETCH:
            yield group
            group, size, enough = [], 0, min(2 * enough, STRETCH)
    if group:
        yield group


class Found(NamedTuple, Generic[T]):
    """What a stretch has."""

    results: list[T]
    done: int
    skipped: int


def sweep(
    memory: Memory,
    runs: Sequence[Range],
    overlap: int,
    make_look: Callable[[], Look[T]],
    monitor: Monitor,
) -> Iterator[T]:
    """What *look* says of all that memory, in order.

    Memory that went away meanwhile is left out, and counted by the monitor.

    :param make_look: makes what looks, one for each thread.
    :raises MemoryAccessError: the program has ended, or the view was closed.
    :raises SearchCancelledError: the monitor says so.
    """
    tools: list[tuple[bytearray, Look[T]]] = []
    # However long a hit may be, it ends with the memory that it lies in.
    largest = min(max(CHUNK, overlap) + overlap, max((size for _, size in runs), default=0))

    def work(stretch: list[Chunk]) -> Found[T]:
        try:
            buffer, look = tools.pop()
        except IndexError:  # to ask first would be a step in which another thread takes the last
            buffer, look = aligned_buffer(largest), make_look()
        try:
            return _look_at(memory, stretch, buffer, look, monitor)
        finally:
            tools.append((buffer, look))

    size = sum(size for _, size in runs)
    for found in in_order(stretches(chunks(runs, overlap)), work, monitor, is_small=size <= STRETCH):
        yield from found.results
        monitor.advance(found.done, found.skipped)


def in_order(
    jobs: Iterable[Job], work: Callable[[Job], R], monitor: Monitor, *, is_small: bool
) -> Iterator[R]:
    """The results of all jobs in their order; several threads work on them, a little ahead."""
    source = iter(jobs)
    if is_small or WORKERS == 1:
        yield from _one_by_one(source, work, monitor)
        return
    # Whoever needs no more than the first result has no threads made for it.
    yield from _one_by_one(itertools.islice(source, 1), work, monitor)
    first = next(source, None)
    if first is not None:
        yield from _in_threads(itertools.chain((first,), source), work, monitor)


def _one_by_one(jobs: Iterable[Job], work: Callable[[Job], R], monitor: Monitor) -> Iterator[R]:
    for job in jobs:
        monitor.check()
        yield work(job)


def _in_threads(source: Iterator[Job], work: Callable[[Job], R], monitor: Monitor) -> Iterator[R]:
    try:
        from concurrent.futures import ThreadPoolExecutor
    except RuntimeError:  # this Python ends, and gets no more threads
        yield from _one_by_one(source, work, monitor)
        return
    from threading import get_ident

    own: set[int] = set()
    pool = ThreadPoolExecutor(WORKERS, "memaccess-search", lambda: own.add(get_ident()))
    home = os.getpid()
    waiting: deque[Callable[[], R]] = deque()

    def begin(job: Job) -> Callable[[], R]:
        try:
            return pool.submit(work, job).result
        except RuntimeError:  # this Python ends, and starts no more threads
            return partial(work, job)

    try:
        for job in source:
            waiting.append(begin(job))
            if len(waiting) == WORKERS * _AHEAD:
                break
        while waiting:
            monitor.check()
            if os.getpid() != home:
                raise SearchCancelledError(
                    "The search was begun before this Python was forked from another one"
                )
            result = waiting.popleft()()
            for job in source:
                waiting.append(begin(job))
                break
            yield result
    finally:
        monitor.is_over = True
        # Python may collect a search that nobody has any more in whichever thread it likes.
        may_wait = get_ident() not in own
        pool.shutdown(wait=may_wait, cancel_futures=True)
        monitor.is_over = not may_wait


def fill(memory: Memory, process: Process, buffer: memoryview, address: int) -> PartialRead | None:
    """Fill a buffer with what is there: None. Where not all can be read, it is given instead, without what is missing."""
    try:
        process.read_into(buffer, address)
    except SystemFailure:
        return memory._read_available(buffer.nbytes, address)
    return None


def _look_at(
    memory: Memory, stretch: list[Chunk], buffer: bytearray, look: Look[T], monitor: Monitor
) -> Found[T]:
    process = memory._opened("search the memory")
    results: list[T] = []
    done = skipped = 0
    with memoryview(buffer) as whole:
        for chunk in stretch:
            monitor.check()
            pieces = fill(memory, process, whole[: chunk.size], chunk.address)
            if pieces is None:
                result = look(chunk.address, buffer, chunk.size, chunk.places)
                if result is not None:
                    results.append(result)
            else:
                results.extend(_look_at_pieces(pieces, look, chunk))
                skipped += _skipped(pieces, chunk)
            done += chunk.places
    return Found(results, done, skipped)


def _look_at_pieces(pieces: PartialRead, look: Look[T], chunk: Chunk) -> Iterator[T]:
    """What the pieces have that could be read of a chunk."""
    for address, data in pieces.pieces():
        places = min(chunk.address + chunk.places - address, len(data))
        if places > 0:
            result = look(address, bytearray(data), len(data), places)
            if result is not None:
                yield result


def _skipped(pieces: PartialRead, chunk: Chunk) -> int:
    """How many places of a chunk could not be read."""
    end = chunk.address + chunk.places
    return sum(max(min(address + size, end) - address, 0) for address, size in pieces.missing)
