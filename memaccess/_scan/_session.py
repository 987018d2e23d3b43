"""A scan: a first look at all of the memory, and next ones at what was found."""

from __future__ import annotations

import contextlib
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from memaccess._arguments import shown
from memaccess._scan import _kernels, _passes, _saving
from memaccess._scan._hits import Hit
from memaccess._scan._kinds import Number
from memaccess._scan._monitor import Monitor
from memaccess._scan._passes import Track

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from typing import SupportsIndex, TypeAlias

    from typing_extensions import Self

    from memaccess._scan._area import Area
    from memaccess._scan._blocks import Generation, Layout
    from memaccess._scan._hits import ScannedView
    from memaccess._scan._kinds import Kind, Test
    from memaccess._scan._saving import Saved

    Since: TypeAlias = Literal["last", "first"]

_UNDONE = 8
"""So many steps can be undone; what the earlier ones kept is let go, but for the first."""

_PAGE = 4096
"""So many hits are read together."""


class _State(NamedTuple):
    """What a scan has after a step: what it looks for, and the candidates of each."""

    kinds: tuple[Kind, ...]
    layouts: tuple[Layout, ...]
    generations: tuple[Generation, ...]
    what: str

    @property
    def size(self) -> int:
        """How many candidates there are."""
        return sum(generation.count for generation in self.generations)


_NOTHING = _State((), (), (), "")
"""Before the first step."""


class Scan:
    """A search for a value that narrows down; see :meth:`MemoryView.scan <memaccess.MemoryView.scan>`.

    Its first step looks at all of the memory, the next ones at what is left. Every step returns the scan itself. Where
    one fails or is cancelled, the scan stays what it was. As a sequence it has its hits: by the number, by
    slices, in loops.
    """

    __module__ = "memaccess.searching"

    skipped: int
    """Bytes that the last step could not read: they went away meanwhile."""
    lost: int
    """Candidates that the last step lost that way."""

    def __init__(
        self,
        view: ScannedView,
        kinds: Sequence[Kind],
        layout_of: Callable[[Kind], Layout],
        area_of: Callable[[], Area],
        progress: Callable[[int, int], object] | None,
        siblings: dict[str, Kind],
        folder: str | None,
    ) -> None:
        self._view = view
        self._kinds = tuple(kinds)
        self._layout_of = layout_of
        self._area_of = area_of
        self._progress = progress
        self._siblings = siblings
        self._folder = folder
        self._states: tuple[_State, ...] = ()
        """They are replaced and not changed: who reads hits has those of one step, and a copy goes its own way."""
        self._first: _State | None = None
        self._monitor = Monitor(0, progress)
        self._at_work = threading.Lock()
        self.skipped = 0
        self.lost = 0

    # -- first and next scans

    def exact(self, value: Any) -> Self:
        """Keep what has that value.

        :param value: what it is. For floats it is what is shown of it: 100 is anything that is shown as 100,
            ``'100.0'`` what is shown so with one digit; see *rounding* of :meth:`MemoryView.scan
            <memaccess.MemoryView.scan>`.
        :returns: the scan.
        :raises TypeError: the value is not of the type, and so with the next two.
        :raises ValueError: it is none.
        :raises OverflowError: it does not fit.
        :raises SearchCancelledError: it was cancelled.
        :raises MemoryAccessError: the program has ended, or the view was closed.

        >>> view.scan('int').exact(100)
        <Scan for int: 1 hit after exact(100)>
        """
        return self._step(f"exact({shown(value)})", lambda kind: kind.exact(value))

    def not_equal(self, value: Any) -> Self:
        """Keep what has another value.

        :param value: what it is not, as in :meth:`exact`.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`.

        >>> view.scan('int', within=(0x401000, 8)).not_equal(100)
        <Scan for int: 1 hit after not_equal(100)>
        """
        return self._step(f"not_equal({shown(value)})", lambda kind: kind.not_equal(value))

    def bigger_than(self, value: Any) -> Self:
        """Keep what is more.

        :param value: what it is more than.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`; and texts and bytes are never more.

        >>> view.scan('int', within=(0x401000, 8)).bigger_than(99)
        <Scan for int: 1 hit after bigger_than(99)>
        """
        return self._step(f"bigger_than({shown(value)})", lambda kind: kind.bigger(value))

    def smaller_than(self, value: Any) -> Self:
        """Keep what is less.

        :param value: what it is less than.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`; and texts and bytes are never less.

        >>> view.scan('int', within=(0x401000, 8)).smaller_than(99)
        <Scan for int: 1 hit after smaller_than(99)>
        """
        return self._step(f"smaller_than({shown(value)})", lambda kind: kind.smaller(value))

    def between(self, low: Any, high: Any) -> Self:
        """Keep what lies between two values.

        :param low: the least that it may be.
        :param high: the most that it may be.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`; and texts and bytes are never between others.
        :raises ValueError: the first is more than the second.

        >>> view.scan('int', within=(0x401000, 8)).between(90, 110)
        <Scan for int: 1 hit after between(90, 110)>
        """
        return self._step(f"between({shown(low)}, {shown(high)})", lambda kind: kind.between(low, high))

    def unknown(self) -> Self:
        """Begin with all values there are: for one that is not known, to see later how it changes.

        :returns: the scan.
        :raises ValueError: the scan has begun already, or is for texts or bytes.
        :raises OSError: there is no room on the disk: all of the memory is kept, in a file from 8 MiB on.

        >>> scan = view.scan('int', within=(0x401000, 8)).unknown()
        >>> view.write_int(99, 0x401000)
        >>> scan.decreased()
        <Scan for int: 1 hit after decreased()>
        """
        if self._states:
            raise ValueError("unknown() begins a scan, and this one has begun; reset() makes it a new one")
        if not all(isinstance(kind, Number) for kind in self._kinds):
            raise ValueError("unknown() is for numbers; begin with exact()")
        return self._step("unknown()", lambda _kind: None)

    # -- next scans

    def changed(self, since: Since = "last") -> Self:
        """Keep what has changed. Bits count: a float that went from 0.0 to -0.0 has.

        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: the scan has not begun.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(99, 0x401000)
        >>> len(scan.changed())
        1
        """
        return self._relate("changed", since)

    def unchanged(self, since: Since = "last") -> Self:
        """Keep what is the same.

        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: the scan has not begun.

        >>> len(view.scan('int').exact(100).unchanged())
        1
        """
        return self._relate("unchanged", since)

    def increased(self, since: Since = "last") -> Self:
        """Keep what is more than it was.

        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: the scan has not begun.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(101, 0x401000)
        >>> len(scan.increased())
        1
        """
        return self._relate("increased", since)

    def decreased(self, since: Since = "last") -> Self:
        """Keep what is less than it was.

        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: the scan has not begun.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(99, 0x401000)
        >>> len(scan.decreased())
        1
        """
        return self._relate("decreased", since)

    def increased_by(self, amount: Any, since: Since = "last") -> Self:
        """Keep what is more by an amount.

        :param amount: by how much; of floats as it is shown, as in :meth:`exact`.
        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: the amount is negative, or the scan has not begun.
        :raises TypeError: it is no number, or not whole for ints.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(105, 0x401000)
        >>> len(scan.increased_by(5))
        1
        """
        return self._relate_by(
            f"increased_by({shown(amount)})", lambda kind: kind.by(amount, is_less=False), since
        )

    def decreased_by(self, amount: Any, since: Since = "last") -> Self:
        """Keep what is less by an amount.

        :param amount: by how much; of floats as it is shown, as in :meth:`exact`.
        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: the amount is negative, or the scan has not begun.
        :raises TypeError: it is no number, or not whole for ints.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(95, 0x401000)
        >>> len(scan.decreased_by(5))
        1
        """
        return self._relate_by(
            f"decreased_by({shown(amount)})", lambda kind: kind.by(amount, is_less=True), since
        )

    def increased_by_percent(self, percent: Any, most: Any = float("inf"), since: Since = "last") -> Self:
        """Keep what is more by a share of what it was.

        :param percent: by how many hundredths of it at least.
        :param most: by how many at most.
        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: it is negative, *most* is less, or the scan has not begun.
        :raises TypeError: they are no numbers.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(110, 0x401000)
        >>> len(scan.increased_by_percent(9, 11))
        1
        """
        what = f"increased_by_percent({shown(percent)}, {shown(most)})"
        return self._relate_by(what, lambda kind: kind.percent(percent, most, is_less=False), since)

    def decreased_by_percent(self, percent: Any, most: Any = float("inf"), since: Since = "last") -> Self:
        """Keep what is less by a share of what it was.

        :param percent: by how many hundredths of it at least.
        :param most: by how many at most.
        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: it is negative, *most* is less, or the scan has not begun.
        :raises TypeError: they are no numbers.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(90, 0x401000)
        >>> len(scan.decreased_by_percent(9, 11))
        1
        """
        what = f"decreased_by_percent({shown(percent)}, {shown(most)})"
        return self._relate_by(what, lambda kind: kind.percent(percent, most, is_less=True), since)

    def undo(self) -> Self:
        """Take the last step back; up to eight of them.

        :returns: the scan.
        :raises ValueError: there is none to take back.

        >>> scan = view.scan('int').exact(100)
        >>> scan.changed()
        <Scan for int: 0 hits after changed()>
        >>> scan.undo()
        <Scan for int: 1 hit after exact(100)>
        """
        with self._working():
            if len(self._states) < 2:
                raise ValueError("there is no next scan to take back")
            self._states = self._states[:-1]
        return self

    def reset(self) -> Self:
        """Begin anew, with a first scan.

        :returns: the scan.

        >>> view.scan('int').exact(100).reset()
        <Scan for int: not begun>
        """
        with self._working():
            self._states, self._first = (), None
        return self

    def cancel(self) -> None:
        """Have the step under way end with a SearchCancelledError; any thread may call it.

        >>> scan = view.scan('int')
        >>> scan.cancel()
        """
        self._monitor.cancel()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the scan to a file, for :meth:`MemoryView.load_scan <memaccess.MemoryView.load_scan>`.

        :param path: the file; one that is there is replaced once all is written.
        :raises ValueError: the scan has not begun.
        :raises OSError: the file can't be written.
        :raises MemoryAccessError: the program has ended, or the view was closed.

        It has the hits with their values, those of the first scan, and which modules the program has; steps
        before the last one are left out.

        >>> view.scan('int').exact(100).save('health.scan')
        >>> view.load_scan('health.scan')
        <Scan for int: 1 hit after exact(100)>
        """
        state, first = self._state, self._first
        if first is None:
            raise ValueError("the scan has not begun; there is nothing to save")
        chosen = [first.generations[self._index(first, kind)] for kind in state.kinds]
        is_first = all(one is other for one, other in zip(chosen, state.generations, strict=True))
        earlier = state.generations if is_first else chosen
        _saving.save(path, self._view._program(), state.kinds, state.generations, earlier, state.what)

    def _restore(self, saved: Saved) -> Self:
        """Go on where a file left off."""
        self._first = _State(saved.kinds, saved.layouts, saved.first, saved.what)
        self._states = (_State(saved.kinds, saved.layouts, saved.last, saved.what),)
        self.lost = saved.lost
        return self

    # -- what was found

    def __len__(self) -> int:
        return self._state.size

    def __bool__(self) -> bool:
        return self._state.size > 0

    @overload
    def __getitem__(self, index: SupportsIndex) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> list[Hit]: ...
    def __getitem__(self, index: Any) -> Any:
        state = self._state
        if isinstance(index, slice):
            numbers = range(state.size)[index]
            if abs(numbers.step) > _PAGE:
                return [next(self._hits(state, number, number + 1)) for number in numbers]
            forward = numbers if numbers.step > 0 else numbers[::-1]
            hits = islice(self._hits(state, forward.start, forward.stop), 0, None, forward.step)
            return list(hits) if forward is numbers else list(hits)[::-1]
        try:
            number = range(state.size)[index]
        except IndexError:
            raise IndexError(
                f"the scan has {state.size} hits, and none with the number {shown(index)}"
            ) from None
        return next(self._hits(state, number, number + 1))

    def __iter__(self) -> Iterator[Hit]:
        state = self._state
        for start in range(0, state.size, _PAGE):
            yield from self._hits(state, start, start + _PAGE)

    def __repr__(self) -> str:
        what, state = ", ".join(kind.name for kind in self._kinds), self._state
        if state is _NOTHING:
            return f"<Scan for {what}: not begun>"
        return f"<Scan for {what}: {state.size:,} hit{'s' * (state.size != 1)} after {state.what}>"

    @property
    def _state(self) -> _State:
        states = self._states
        return states[-1] if states else _NOTHING

    def _hits(self, state: _State, start: int, stop: int) -> Iterator[Hit]:
        kernels = _kernels.kernels()
        for kind, generation in zip(state.kinds, state.generations, strict=True):
            first, last = max(start, 0), min(stop, generation.count)
            if first < last:
                for address, data in generation.items(kernels, first, last):
                    yield Hit(self._view, kind, address, data)
            start, stop = start - generation.count, stop - generation.count

    # -- steps

    def _relate(self, how: Any, since: Since) -> Self:
        what = f"{how}()" if since == "last" else f"{how}({shown(since)})"
        return self._relate_by(what, lambda kind: kind.relation(how), since)

    def _relate_by(self, what: str, make_test: Callable[[Kind], Test], since: Since) -> Self:
        if since not in ("last", "first"):
            raise ValueError(f"a scan compares with the 'last' one or the 'first', not with {shown(since)}")
        if not self._states:
            raise ValueError("there is no scan yet to compare with; begin with a value, or with unknown()")
        return self._step(what, make_test, since)

    def _step(self, what: str, make_test: Callable[[Kind], Test | None], since: Since = "last") -> Self:
        with self._working():
            kinds, tests = self._tests(make_test)
            self._monitor = Monitor(0, self._progress)
            if self._states:
                state = self._scan_next(what, kinds, tests, since)
            else:
                state = self._scan_first(what, kinds, tests)
            self.skipped = self._monitor.skipped
            self._first = self._first or state
            self._states = (*self._states, state)[-_UNDONE - 1 :]
        return self

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """What changes the scan, of which there is one thing at a time."""
        if not self._at_work.acquire(blocking=False):
            raise RuntimeError("this scan is at work already, in another thread")
        try:
            yield
        finally:
            self._at_work.release()

    def _tests(self, make_test: Callable[[Kind], Test | None]) -> tuple[list[Kind], list[Test | None]]:
        """What is wanted of each kind; of several, those are left out that can't be so."""
        if self._states:
            kinds: Sequence[Kind] = self._states[-1].kinds
        else:
            kinds = self._kinds
        found: list[Kind] = []
        tests: list[Test | None] = []
        trouble: Exception | None = None
        for kind in kinds:
            for each in (kind, self._siblings.get(kind.name)):
                if each is None:
                    continue
                try:
                    test = make_test(each)
                except (TypeError, ValueError, OverflowError) as error:
                    trouble = trouble or error
                    continue
                found.append(each if self._states else each.sized(test))
                tests.append(test)
                break
        if not found and trouble is not None:
            raise trouble
        return found, tests

    def _index(self, state: _State, kind: Kind) -> int:
        """Which of a state's kinds it is; it may have been the other of two siblings then."""
        return next(
            index for index, each in enumerate(state.kinds) if kind in (each, self._siblings.get(each.name))
        )

    def _scan_first(self, what: str, kinds: list[Kind], tests: list[Test | None]) -> _State:
        area = self._area_of()
        self._monitor.total = area.size
        layouts = tuple(map(self._layout_of, kinds))
        tracks = [Track(*each) for each in zip(kinds, layouts, tests, strict=True)]
        generations = _passes.first(
            self._view, area.runs, tracks, _kernels.kernels(), self._monitor, self._folder
        )
        self.lost = 0
        return _State(tuple(kinds), layouts, tuple(generations), what)

    def _scan_next(self, what: str, kinds: list[Kind], tests: list[Test | None], since: Since) -> _State:
        before, compared = self._states[-1], self._states[-1] if since == "last" else self._first
        assert compared is not None
        chosen = [self._index(before, kind) for kind in kinds]
        self._monitor.total = sum(_passes.weight(before.generations[index]) for index in chosen)
        outcomes = []
        for kind, index, test in zip(kinds, chosen, tests, strict=True):
            old = before.generations[index]
            track = Track(kind, before.layouts[index], test)
            reference = old if since == "last" else compared.generations[self._index(compared, kind)]
            outcomes.append(
                _passes.next_scan(
                    self._view, old, reference, track, _kernels.kernels(), self._monitor, self._folder
                )
            )
        self.lost = sum(outcome.lost for outcome in outcomes)
        layouts = tuple(before.layouts[index] for index in chosen)
        return _State(tuple(kinds), layouts, tuple(outcome.generation for outcome in outcomes), what)
