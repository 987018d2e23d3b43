"""Snapshots: memory as it was at one moment, taken piece by piece, and compared."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any, Protocol

from memaccess import _changes
from memaccess._arguments import checked_address, checked_count, shown
from memaccess._errors import NotReadableError, WrongBitnessError
from memaccess._ranges import merged, without
from memaccess._records import PartialRead
from memaccess._regions import walk
from memaccess._types import type_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import SupportsIndex

    from memaccess._arguments import Address
    from memaccess._changes import ByteChange, Pieces, ValueChange
    from memaccess._ranges import Range
    from memaccess._records import Region
    from memaccess._types import DataModel

_PIECE = 1 << 20
"""Pieces end at its multiples, so that those of two snapshots are the same and compare without a copy.
One call for much more would bring nothing, and keep Wine's server from all else."""


class Snapshot:
    """Memory as it was when it was taken; see :meth:`MemoryView.snapshot <memaccess.MemoryView.snapshot>`.

    It has no tie to the view that it was taken with: it can be kept, compared and pickled after that
    was closed.
    """

    __module__ = "memaccess.snapshots"

    ranges: tuple[tuple[int, int], ...]
    """What it has, each as its address and its size in bytes, in order; ranges that touch are one."""
    missing: tuple[tuple[int, int], ...]
    """What was asked for and could not be read, in the same form."""

    def __init__(self, model: DataModel, pieces: Pieces, missing: Iterable[Range] = ()) -> None:
        self._model = model
        self._pieces = pieces
        self._starts = [address for address, _ in pieces]
        self.ranges = tuple(merged((address, len(data)) for address, data in pieces))
        self.missing = tuple(merged(missing))

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(size for _, size in self.ranges)

    def read(self, size: SupportsIndex, address: SupportsIndex) -> bytes:
        r"""The *size* bytes that were at *address*.

        :param size: how many bytes; 0 gives ``b''``, whatever the address is.
        :param address: where they begin in the program's memory; an int, as a snapshot knows no names.
        :returns: *size* bytes.
        :raises LookupError: the snapshot does not have all of them; the message names the first that it
            lacks.
        :raises TypeError: the address is a str: give ``int(view.address(...))``.
        :raises ValueError: the size is negative.
        :raises OverflowError: the range does not lie in the program's address space.

        >>> before = view.snapshot()
        >>> view.write_int(99, 0x401000)
        >>> before.read(4, 0x401000)
        b'd\x00\x00\x00'
        """
        count = checked_count(size)
        if isinstance(address, str):
            raise TypeError(f"a snapshot knows no names; give int(view.address({address!r}))")
        number = checked_address(address, count, self._model.bitness)
        data = b"".join(piece for _, piece in self._between(number, number + count))
        if len(data) < count:
            raise LookupError(self._what_is_lacking(number, count))
        return data

    def changes(self, after: Snapshot) -> Iterator[ByteChange]:
        r"""The bytes that differ in a later snapshot.

        :param after: the later snapshot.
        :returns: an iterator over the runs of neighbouring bytes that all changed, from the lowest
            address to the highest. Only memory that both have is compared: :meth:`lost` and
            :meth:`gained` tell the rest.
        :raises TypeError: *after* is no snapshot.
        :raises ValueError: it is of a program of another width.

        >>> before = view.snapshot()
        >>> view.write_int(99, 0x401000)
        >>> list(before.changes(view.snapshot(before)))
        [<ByteChange at 0x401000: b'd' -> b'c'>]
        """
        return _changes.byte_changes(self._pieces, self._comparable(after)._pieces)

    def changed_values(self, after: Snapshot, type: str, *, aligned: bool = True) -> Iterator[ValueChange]:
        """The values of a C type that differ in a later snapshot.

        :param after: the later snapshot.
        :param type: name of the type, such as ``'int'``; its size is the program's.
        :param aligned: whether only values at multiples of their size are wanted, which is where
            compilers put them. With False it is every place at which the bytes of such a value differ.
        :returns: an iterator over them, from the lowest address to the highest; of memory that both
            have. Bytes are compared: a NaN that stayed is no change, and 0.0 that became -0.0 is one.
        :raises ValueError: there is no such type, or *after* is of a program of another width.
        :raises TypeError: *after* is no snapshot.

        >>> before = view.snapshot()
        >>> view.write_int(99, 0x401000)
        >>> list(before.changed_values(view.snapshot(before), 'int'))
        [<ValueChange at 0x401000: 100 -> 99>]
        """
        codec = type_named(type).codec(self._model)
        later = self._comparable(after)._pieces
        return _changes.value_changes(self._pieces, later, codec, codec.size if aligned else 1)

    def lost(self, after: Snapshot) -> list[tuple[int, int]]:
        """What a later snapshot lacks: memory that went, or that it was not asked for.

        :param after: the later snapshot.
        :returns: the ranges that only this one has, each as its address and its size, in order.
        :raises TypeError: *after* is no snapshot.
        :raises ValueError: it is of a program of another width.

        >>> with view.allocate(4096) as memory:
        ...     before = view.snapshot()
        >>> before.lost(view.snapshot()) == [(memory.address, 4096)]
        True
        """
        return without(self.ranges, self._comparable(after).ranges)

    def gained(self, after: Snapshot) -> list[tuple[int, int]]:
        """What only a later snapshot has: memory that came, or that this one was not asked for.

        :param after: the later snapshot.
        :returns: the ranges that only that one has, each as its address and its size, in order.
        :raises TypeError: *after* is no snapshot.
        :raises ValueError: it is of a program of another width.

        >>> before = view.snapshot()
        >>> memory = view.allocate(4096)
        >>> before.gained(view.snapshot()) == [(memory.address, 4096)]
        True
        """
        return without(self._comparable(after).ranges, self.ranges)

    def __repr__(self) -> str:
        ranges = f"{len(self.ranges)} range{'s' * (len(self.ranges) != 1)}"
        missing = f", {sum(size for _, size in self.missing)} missing" if self.missing else ""
        return f"<Snapshot of {self.size} bytes in {ranges}{missing}>"

    def _between(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """What it has from *start* to *stop*: addresses and bytes."""
        first = max(bisect.bisect_right(self._starts, start) - 1, 0)
        for index in range(first, bisect.bisect_left(self._starts, stop)):
            address, data = self._pieces[index]
            part = data[max(start - address, 0) : stop - address]
            if part:
                yield max(start, address), part

    def _cells(self, size: int, address: int) -> list[int | None]:
        """The bytes there one by one; None for each that it does not have."""
        cells: list[int | None] = [None] * size
        for start, data in self._between(address, address + size):
            cells[start - address : start - address + len(data)] = data
        return cells

    def _comparable(self, after: Any) -> Snapshot:
        """*after*, which can be compared with this one."""
        if not isinstance(after, Snapshot):
            raise TypeError(f"a snapshot is compared with a Snapshot, not {type(after).__name__}")
        if after._model != self._model:
            raise ValueError(
                f"a snapshot of a {self._model.bitness}-bit program can't be compared with one of a "
                f"{after._model.bitness}-bit program"
            )
        return after

    def _what_is_lacking(self, address: int, size: int) -> str:
        """Why not all of the range can be given."""
        first, _ = without([(address, size)], self.ranges)[0]
        if without([(first, 1)], self.missing):
            return f"0x{first:x} is not in the snapshot, which was not asked for it"
        return f"0x{first:x} is not in the snapshot, which could not read it"


class Memory(Protocol):
    """What a snapshot is taken of: a view."""

    def _regions_from(self, number: int) -> Iterable[Region]: ...
    def read(self, size: SupportsIndex, address: Address) -> bytes: ...
    def read_available(self, size: SupportsIndex, address: Address) -> PartialRead: ...


def ranges_of(what: Any) -> Iterator[tuple[Any, Any]]:
    """The addresses and sizes of what a snapshot can be asked for; they may be anything yet.

    :raises TypeError: it is none of that.
    """
    if isinstance(what, Snapshot):
        yield from (*what.ranges, *what.missing)
        return
    # A region or a module alone would be taken for an iterable, which a tuple is.
    alone = hasattr(what, "base") or hasattr(what, "address") or not hasattr(what, "__iter__")
    for each in [what] if alone else what:
        yield _range_of(each)


def _range_of(each: Any) -> tuple[Any, Any]:
    if hasattr(each, "base") and hasattr(each, "size"):
        return each.base, each.size
    if hasattr(each, "address") and hasattr(each, "size"):
        return each.address, each.size
    try:
        address, size = each
    except (TypeError, ValueError):
        raise TypeError(
            f"a snapshot is taken of regions, modules, allocations, or pairs of address and size, not of {shown(each)}"
        ) from None
    return address, size


def take(memory: Memory, model: DataModel, ranges: Iterable[Range]) -> Snapshot:
    """Read all of those ranges that can be read."""
    pieces: list[tuple[int, bytes]] = []
    missing: list[Range] = []
    for address, size in merged(ranges):
        for start, stop, is_readable in _parts(memory, address, address + size):
            if not is_readable:
                missing.append((start, stop - start))
                continue
            for found in _read(memory, start, stop):
                pieces.extend(found.pieces())
                missing.extend(found.missing)
    return Snapshot(model, tuple(pieces), missing)


def _parts(memory: Memory, address: int, stop: int) -> Iterator[tuple[int, int, bool]]:
    """The range cut by regions: start, stop, and whether to read it.

    Guard pages stay untouched, since a read would take their guard away. Wine would read those, and
    closed memory too; but what is taken does not depend on the system.
    """
    try:
        for region in walk(memory._regions_from, address, stop):
            end = min(region.end, stop)
            yield address, end, region.readable and not region.guarded
            address = end
    except WrongBitnessError:
        yield address, stop, True  # a 32-bit Python can't see the map above 4 GiB
        return
    if address < stop:
        yield address, stop, False


def _read(memory: Memory, start: int, stop: int) -> Iterator[PartialRead]:
    while start < stop:
        end = min((start // _PIECE + 1) * _PIECE, stop)
        try:
            yield PartialRead(start, memory.read(end - start, start), ())
        except NotReadableError:
            yield memory.read_available(end - start, start)  # which asks for the map once more
        start = end
