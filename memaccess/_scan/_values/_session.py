"""A scan: a first look at all of the memory, and next ones at what was found."""

from __future__ import annotations

import contextlib
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, overload

from memaccess._arguments import shown
from memaccess._scan._comparing import _kernels
from memaccess._scan._monitor import Monitor
from memaccess._scan._values import _passes, _saving
from memaccess._scan._values._hits import Hit
from memaccess._scan._values._kinds import Number
from memaccess._scan._values._passes import Means, Track
from memaccess._scan._values._states import NOTHING, State

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import SupportsIndex, TypeAlias

    from typing_extensions import Self

    from memaccess._scan._area import Area
    from memaccess._scan._values._hits import ScannedView
    from memaccess._scan._values._kinds import Kind, Test
    from memaccess._scan._values._states import Plan

    Since: TypeAlias = Literal["last", "first"]

_UNDONE = 8
"""So many steps can be undone; what the earlier ones kept is let go, but for the first."""

_SHOWN = 60
"""So many characters of a value are shown with a step."""

_PAGE = 4096
"""So many hits are read together."""


class Scan:
    """A search for a value that narrows down; see :meth:`MemoryView.scan <memaccess.MemoryView.scan>`.

    Its first step looks at all of the memory, the next ones at what is left. Every step returns the scan itself. Where
    one fails or is cancelled, the scan stays what it was. As a sequence it has its hits: by the number, by
    slices, in loops.

    Every step raises :exc:`~memaccess.SearchCancelledError` where it was cancelled, a
    :exc:`~memaccess.MemoryAccessError` where the program has ended or the view was closed, :exc:`!OSError` where there
    is no room on the disk for what it keeps, and :exc:`!RuntimeError` while another step of the scan is under way.
    """

    __module__ = "memaccess.searching"

    def __init__(
        self,
        view: ScannedView,
        plan: Plan,
        area_of: Callable[[], Area],
        progress: Callable[[int, int], object] | None,
        folder: str | None,
    ) -> None:
        self._view = view
        self._plan = plan
        self._area_of = area_of
        self._progress = progress
        self._folder = folder
        self._states: tuple[State, ...] = ()
        """They are replaced and not changed: who reads hits has those of one step, and a copy goes its own way."""
        self._first: State | None = None
        self._monitor = Monitor(0, progress)
        self._at_work = threading.Lock()

    @property
    def skipped(self) -> int:
        """How many bytes the last step could not read: they went away meanwhile."""
        return self._state.skipped

    @property
    def lost(self) -> int:
        """How many hits of the step before the last one could not be read any more."""
        return self._state.lost

    # -- first and next scans

    def exact(self, value: Any) -> Self:
        """Keep what has that value.

        :param value: what it is. For floats it is what is shown of it: 100 is anything that is shown as 100, and
            ``'100.0'`` or ``100.0`` what is shown so with one digit; see *rounding* of :meth:`MemoryView.scan
            <memaccess.MemoryView.scan>`. A float that was calculated may have seventeen digits: round it. Of a group it
            is a dict of values, or of tuples of what they lie between, by their distances.
        :returns: the scan.
        :raises TypeError: the value is not of the type, and so with the next two.
        :raises ValueError: it is none.
        :raises OverflowError: it does not fit.
        :raises SearchCancelledError: it was cancelled.
        :raises MemoryAccessError: the program has ended, or the view was closed.

        >>> view.scan('int').exact(100)
        <Scan for int: 1 hit after exact(100)>
        """
        return self._step(f"exact({_briefly(value)})", lambda kind: kind.exact(value))

    def not_equal(self, value: Any) -> Self:
        """Keep what has another value; NaN has.

        :param value: what it is not, as in :meth:`exact`.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`.

        >>> view.scan('int', within=(0x401000, 8)).not_equal(100)
        <Scan for int: 1 hit after not_equal(100)>
        """
        return self._step(f"not_equal({_briefly(value)})", lambda kind: kind.not_equal(value))

    def bigger_than(self, value: Any) -> Self:
        """Keep what is more.

        :param value: what it is more than; floats are not rounded here.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`; and texts and bytes are never more.

        >>> view.scan('int', within=(0x401000, 8)).bigger_than(99)
        <Scan for int: 1 hit after bigger_than(99)>
        """
        return self._step(f"bigger_than({_briefly(value)})", lambda kind: kind.bigger(value))

    def smaller_than(self, value: Any) -> Self:
        """Keep what is less.

        :param value: what it is less than; floats are not rounded here.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`; and texts and bytes are never less.

        >>> view.scan('int', within=(0x401000, 8)).smaller_than(99)
        <Scan for int: 1 hit after smaller_than(99)>
        """
        return self._step(f"smaller_than({_briefly(value)})", lambda kind: kind.smaller(value))

    def between(self, low: Any, high: Any) -> Self:
        """Keep what lies between two values.

        :param low: the least that it may be; floats are not rounded here.
        :param high: the most that it may be.
        :returns: the scan.
        :raises TypeError: as in :meth:`exact`; and texts and bytes are never between others.
        :raises ValueError: the first is more than the second.

        >>> view.scan('int', within=(0x401000, 8)).between(90, 110)
        <Scan for int: 1 hit after between(90, 110)>
        """
        return self._step(f"between({_briefly(low)}, {_briefly(high)})", lambda kind: kind.between(low, high))

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
        if not all(isinstance(kind, Number) for kind in self._plan.kinds):
            raise ValueError("unknown() is for numbers; texts, bytes and groups begin with exact()")
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
        """Keep what is more than it was. Texts, bytes and groups never are.

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
        """Keep what is less than it was. Texts, bytes and groups never are.

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
        return self._relate_by("increased_by", (amount,), lambda kind: kind.by(amount, is_less=False), since)

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
        return self._relate_by("decreased_by", (amount,), lambda kind: kind.by(amount, is_less=True), since)

    def increased_by_percent(self, low: Any, most: Any = None, since: Since = "last") -> Self:
        """Keep what is more by a share of what it was. What was 0 is left out.

        :param low: by how many hundredths of it at least.
        :param most: by how many at most; None for any.
        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: *low* is negative, *most* is less than it, or the scan has not begun.
        :raises TypeError: they are no numbers.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(110, 0x401000)
        >>> len(scan.increased_by_percent(9, 11))
        1
        """
        return self._relate_by(
            "increased_by_percent",
            (low, most),
            lambda kind: kind.percent(low, most, is_less=False),
            since,
        )

    def decreased_by_percent(self, low: Any, most: Any = None, since: Since = "last") -> Self:
        """Keep what is less by a share of what it was. What was 0 is left out.

        :param low: by how many hundredths of it at least.
        :param most: by how many at most; None for any.
        :param since: compare with the last scan, or with the ``'first'``.
        :returns: the scan.
        :raises ValueError: *low* is negative, *most* is less than it, or the scan has not begun.
        :raises TypeError: they are no numbers.

        >>> scan = view.scan('int').exact(100)
        >>> view.write_int(90, 0x401000)
        >>> len(scan.decreased_by_percent(9, 11))
        1
        """
        return self._relate_by(
            "decreased_by_percent",
            (low, most),
            lambda kind: kind.percent(low, most, is_less=True),
            since,
        )

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

        Where none is, nothing happens: the next step begins anew.

        >>> scan = view.scan('int', progress=lambda done, total: done > 1 << 30 and scan.cancel())
        >>> scan.exact(100)
        <Scan for int: 1 hit after exact(100)>
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
        first, last = self._first, self._state
        if first is None:
            raise ValueError("the scan has not begun; there is nothing to save")
        chosen = [first.generations[self._index(first, kind)] for kind in last.kinds]
        first = first._replace(kinds=last.kinds, generations=tuple(chosen))
        _saving.save(path, self._view._program(), self._plan.wished, last, first)

    def _restore(self, first: State, last: State) -> Self:
        """Go on where a file left off."""
        self._first, self._states = first, (last,)
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
        if not hasattr(index, "__index__"):
            raise TypeError(f"a hit is taken by its number or a slice, not {shown(index)}")
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
        state = self._state
        what = ", ".join(kind.name for kind in state.kinds or self._plan.kinds)
        if state is NOTHING:
            return f"<Scan for {what}: not begun>"
        return f"<Scan for {what}: {state.size:,} hit{'s' * (state.size != 1)} after {state.what}>"

    @property
    def _state(self) -> State:
        states = self._states
        return states[-1] if states else NOTHING

    def _hits(self, state: State, start: int, stop: int) -> Iterator[Hit]:
        kernels = _kernels.kernels()
        for kind, generation in zip(state.kinds, state.generations, strict=True):
            first, last = max(start, 0), min(stop, generation.count)
            if first < last:
                for address, data in generation.items(kernels, first, last):
                    yield Hit(self._view, kind, address, data)
            start, stop = start - generation.count, stop - generation.count

    # -- steps

    def _relate(self, how: Any, since: Since) -> Self:
        return self._relate_by(how, (), lambda kind: kind.relation(how), since)

    def _relate_by(
        self, name: str, arguments: tuple[Any, ...], make_test: Callable[[Kind], Test], since: Since
    ) -> Self:
        if since not in ("last", "first"):
            raise ValueError(f"a scan compares with the 'last' one or the 'first', not with {shown(since)}")
        if not self._states:
            raise ValueError("there is no scan yet to compare with; begin with a value, or with unknown()")
        words = [_briefly(each) for each in arguments if each is not None]
        words += [] if since == "last" else [f"since={since!r}"]
        return self._step(f"{name}({', '.join(words)})", make_test, since)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """What changes the scan, of which there is one thing at a time."""
        if not self._at_work.acquire(blocking=False):
            raise RuntimeError("a step of this scan is under way; wait for it, or cancel() it")
        try:
            yield
        finally:
            self._at_work.release()

    def _step(self, what: str, make_test: Callable[[Kind], Test | None], since: Since = "last") -> Self:
        with self._working():
            kinds, tests = _tests(map(self._alternatives, self._state.kinds or self._plan.kinds), make_test)
            self._monitor = Monitor(0, self._progress)
            state = self._scan_next(kinds, tests, since) if self._states else self._scan_first(kinds, tests)
            state = state._replace(what=what, skipped=self._monitor.skipped)
            self._first = self._first or state
            self._states = (*self._states, state)[-_UNDONE - 1 :]
        return self

    def _alternatives(self, kind: Kind) -> list[Kind]:
        sibling = self._plan.siblings.get(kind.name)
        return [kind] if sibling is None else [kind, sibling]

    def _index(self, state: State, kind: Kind) -> int:
        """Which of a state's kinds it is; it may have been the other of two siblings then."""
        return next(
            index
            for index, each in enumerate(state.kinds)
            if kind.name in [alternative.name for alternative in self._alternatives(each)]
        )

    @property
    def _means(self) -> Means:
        return Means(self._view, _kernels.kernels(), self._monitor, self._folder)

    def _scan_first(self, kinds: Sequence[Kind], tests: Sequence[Test | None]) -> State:
        area = self._area_of()
        self._monitor.total = area.size
        sized = tuple(kind.sized(test) for kind, test in zip(kinds, tests, strict=True))
        tracks = [
            Track(kind, self._plan.grid_of(kind), test) for kind, test in zip(sized, tests, strict=True)
        ]
        generations = _passes.first_scan(self._means, area.runs, tracks)
        return State(sized, tuple(generations), "")

    def _scan_next(self, kinds: Sequence[Kind], tests: Sequence[Test | None], since: Since) -> State:
        before = self._state
        compared = before if since == "last" else self._first
        assert compared is not None
        olds = [before.generations[self._index(before, kind)] for kind in kinds]
        self._monitor.total = sum(map(_passes.weight, olds))
        outcomes = []
        for kind, old, test in zip(kinds, olds, tests, strict=True):
            reference = compared.generations[self._index(compared, kind)]
            track = Track(kind, old.grid, test)
            outcomes.append(_passes.next_scan(self._means, old, reference, track))
        generations = tuple(outcome.generation for outcome in outcomes)
        return State(tuple(kinds), generations, "", lost=sum(outcome.lost for outcome in outcomes))


def _tests(
    choices: Iterable[Sequence[Kind]], make_test: Callable[[Kind], Test | None]
) -> tuple[list[Kind], list[Test | None]]:
    """What is wanted of each kind, of the first of each choice that can be so; the others are left out.

    :raises Exception: none can; it is what the first of all says.
    """
    kinds: list[Kind] = []
    tests: list[Test | None] = []
    complaints: list[Exception] = []
    for choice in choices:
        for kind in choice:
            try:
                test = make_test(kind)
            except (TypeError, ValueError, OverflowError) as complaint:
                complaints.append(complaint)
            else:
                kinds.append(kind)
                tests.append(test)
                break
    if complaints and not kinds:
        raise complaints[0]
    return kinds, tests


def _briefly(value: Any) -> str:
    """*value* as a step shows it: texts and bytes may be long."""
    text = shown(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
