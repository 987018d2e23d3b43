"""Searches that go on as their results are taken: patterns, texts, regular expressions."""

from __future__ import annotations

from array import array
from contextlib import nullcontext
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from memaccess._errors import AmbiguousPatternError, PatternNotFoundError, SearchCancelledError
from memaccess._scan import _sweep
from memaccess._scan._comparing import _kernels
from memaccess._scan._monitor import Monitor

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from typing_extensions import Self

    from memaccess._scan._area import Area
    from memaccess._scan._comparing._kernels import Kernels
    from memaccess._scan._patterns._pattern import Sought
    from memaccess._scan._sweep import Look, Memory

T = TypeVar("T")

_SHOWN = 3
"""So many places an error names."""


class Match(NamedTuple):
    """What a regular expression has found."""

    address: int
    """Where it begins."""
    data: bytes
    """The bytes, as they were."""
    groups: tuple[bytes | None, ...]
    """The bytes of its groups; None for those that took no part."""

    @property
    def end(self) -> int:
        """Address of the first byte behind it."""
        return self.address + len(self.data)

    def __repr__(self) -> str:
        return f"<Match at 0x{self.address:x}: {self.data!r}>"


Match.__module__ = (
    "memaccess.searching"  # where users have it from; a NamedTuple does not take it in its body
)


class Search(Generic[T]):
    """What is found in a program's memory, as an iterator: it reads on as its results are taken.

    See :meth:`MemoryView.find <memaccess.MemoryView.find>`.
    """

    __module__ = "memaccess.searching"

    def __init__(
        self, what: str, found: Iterator[T], area: Area, monitor: Monitor, address: Callable[[T], int]
    ) -> None:
        self._what = what
        self._found = found
        self._area = area
        self._monitor = monitor
        self._address = address
        self._lock: AbstractContextManager[object] = RLock()
        """Given up at the end of the search, since on Windows it holds a handle."""
        self._count = 0
        self._first_few: list[T] = []
        self._end: str | None = None
        """Why it can't go on, where it has ended with an error."""

    @property
    def done(self) -> int:
        """How many bytes it has gone over."""
        return self._monitor.done

    @property
    def total(self) -> int:
        """How many bytes it goes over in all."""
        return self._monitor.total

    @property
    def skipped(self) -> int:
        """How many of them went away before it came there, or can't be read."""
        return self._monitor.skipped

    @property
    def left_out(self) -> int:
        """How many bytes it was asked for that had no readable memory, or not such as was wanted."""
        return self._area.left_out

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        with self._lock:
            if self._end is not None:
                raise SearchCancelledError(self._end)
            try:
                found = next(self._found)
            except BaseException as error:
                if not isinstance(error, StopIteration):
                    self._end = self._why_ended(error)
                self._lock = nullcontext()
                raise
            self._count += 1
            if self._count <= _SHOWN:
                self._first_few.append(found)
            return found

    def _why_ended(self, error: BaseException) -> str:
        """What is said of it from now on: what it has found is not all, and to go on would look as if it were."""
        if isinstance(error, SearchCancelledError):
            return str(error)
        reason = f"{type(error).__name__}: {error}"
        return f"The search ended after {self.done} of {self.total} bytes, with {reason}"

    def first(self) -> T | None:
        """The first result, also where others were taken since.

        :returns: it, or None where there is none. ``next(search, None)`` is the next one.
        :raises MemoryAccessError: the program has ended, or the view was closed.
        :raises SearchCancelledError: it was cancelled, or an error had ended it before.

        >>> view.find('5A 6F ??').first() == 0x401010
        True
        """
        return self._first_few[0] if self._first_few else next(self, None)

    def one(self) -> T:
        """The only result; those that were taken before count too.

        :returns: it.
        :raises PatternNotFoundError: there is none.
        :raises AmbiguousPatternError: there are several; the error has their number.
        :raises MemoryAccessError: the program has ended, or the view was closed.
        :raises SearchCancelledError: it was cancelled, or an error had ended it before.

        >>> hex(view.find_text('Zoë').one())
        '0x401010'
        """
        for _ in self:
            pass
        count, results = self._count, self._first_few
        if count == 1:
            return results[0]
        where = f"{self.total} bytes" + (
            f", {self.skipped} of which could not be read" if self.skipped else ""
        )
        if not count:
            raise PatternNotFoundError(f"{self._what} is nowhere in the {where} that were searched")
        addresses = tuple(map(self._address, results))
        shown = ", ".join(f"0x{address:x}" for address in addresses) + (
            ", ..." if count > len(addresses) else ""
        )
        raise AmbiguousPatternError(
            f"{self._what} is at {count} places in the {where} that were searched, not at one: {shown}",
            count,
            addresses,
        )

    def cancel(self) -> None:
        """Have it end with a SearchCancelledError; any thread may call it.

        >>> search = view.find('5A 6F ??')
        >>> search.cancel()
        """
        self._monitor.cancel()

    def __repr__(self) -> str:
        return f"<Search for {self._what}: {self.done} of {self.total} bytes done>"


def _itself(address: int) -> int:
    return address


def find_pattern(
    memory: Memory,
    area: Area,
    wanted: Sought,
    what: str,
    alignment: int,
    progress: Callable[[int, int], object] | None,
) -> Search[int]:
    """The places of a pattern, lowest first; also such as overlap."""
    monitor = Monitor(area.size, progress)
    overlap = len(wanted.pattern) - 1
    kernels = _kernels.kernels()

    def found() -> Iterator[int]:
        for places in _sweep.sweep(
            memory, area.runs, overlap, lambda: _pattern_look(kernels, wanted, alignment), monitor
        ):
            yield from places.addresses(kernels)

    return Search(what, found(), area, monitor, _itself)


class _Places(NamedTuple):
    """Where a chunk has the pattern, in the form that takes less memory: they wait for those before them."""

    first: int
    """The address of the slot with the number 0."""
    step: int
    slots: int
    numbers: bytes | None
    """The numbers of the slots that have it, each as 4 bytes."""
    bits: bytes
    """Where there are no numbers: one for each slot."""

    def addresses(self, kernels: Kernels) -> Iterator[int]:
        numbers = self.numbers
        if numbers is None:
            numbers = kernels.positions(kernels.from_bitmap(self.bits, 0, self.slots))
        return (self.first + number * self.step for number in memoryview(numbers).cast("I"))


def _pattern_look(kernels: Kernels, wanted: Sought, alignment: int) -> Look[_Places]:
    find = kernels.finder(wanted.pattern)
    length, confirm = len(wanted.pattern), wanted.confirm

    def look(address: int, data: bytearray, size: int, places: int) -> _Places | None:
        with kernels.apart():
            return look_apart(address, data, size, places)

    def look_apart(address: int, data: bytearray, size: int, places: int) -> _Places | None:
        first = -address % alignment
        limit = min(places, size - length + 1)
        if limit <= first:
            return None
        mask, slots = find(data, limit), limit
        if alignment > 1:
            mask, slots = kernels.every(mask, first, alignment), len(range(first, limit, alignment))
        numbers = kernels.few(mask)
        if numbers is None and kernels.count(mask) <= slots // 32:
            numbers = kernels.positions(mask)
        if numbers is None and confirm is None:
            return _Places(address + first, alignment, slots, None, kernels.bitmap(mask))
        if confirm is not None:
            here = memoryview(kernels.positions(mask)).cast("I")
            right = (
                number
                for number in here
                if confirm(bytes(data[(place := first + number * alignment) : place + length]))
            )
            numbers = array("I", right).tobytes()
        return _Places(address + first, alignment, slots, numbers, b"") if numbers else None

    return look


def find_regex(
    memory: Memory,
    area: Area,
    regex: re.Pattern[bytes],
    longest: int,
    alignment: int,
    progress: Callable[[int, int], object] | None,
) -> Search[Match]:
    """The matches of a regular expression, lowest first; none overlaps another."""
    monitor = Monitor(area.size, progress)
    pieces = _sweep.sweep(memory, area.runs, longest - 1, lambda: _sweep.copy_of, monitor)
    return Search(
        repr(regex.pattern), _matches(pieces, regex, longest, alignment), area, monitor, _address_of
    )


def _address_of(match: Match) -> int:
    return match.address


def _matches(
    pieces: Iterator[_sweep.Piece], regex: re.Pattern[bytes], longest: int, alignment: int
) -> Iterator[Match]:
    """A match is found in the piece that has its first byte; the next one begins behind its end."""
    free = 0
    before = _sweep.Piece(0, b"", 0)
    for piece in pieces:
        # What an expression looks back at, and "^" not to match where a piece begins.
        end_before = before.address + before.places
        behind = before.data[: before.places][-longest:] if piece.address == end_before else b""
        data, base = behind + piece.data, piece.address - len(behind)
        start, stop = max(free - base, len(behind)), len(behind) + piece.places
        while start < stop:
            found: Any = regex.search(data, start)
            if found is None or found.start() >= stop:
                break
            start = found.start()
            if found.end() - start > longest:
                found = regex.match(data, start, start + longest)
            if found is None or not found.group() or (base + start) % alignment:
                start += 1
                continue
            yield Match(base + start, found.group(), found.groups())
            start = found.end()
        free = base + start
        before = piece
