"""Arrays: a live sequence of items, and their form."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

from memaccess._arguments import shown
from memaccess._layouts._form import Form, Naming
from memaccess._layouts._live import Live, refuse_pointers_from_elsewhere
from memaccess._layouts._pieces import write_pieces
from memaccess._layouts._place import behind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import SupportsIndex

    from memaccess._arguments import Address
    from memaccess._layouts._form import Piece, Range
    from memaccess._view import MemoryView

Got = TypeVar("Got")

_BLOCK = 1 << 16
"""So many bytes are read at once for a loop: none is long, and a loop that is left early reads no more."""


class LiveArray(Live, Sequence[Got]):
    """An array in a program: what a field of :class:`Array` gives.

    It is a sequence of fixed length. An index reads or writes one item, a slice those items as a list,
    in one read unless it leaves out items; a loop reads 64 KiB at a time. Structures and arrays in it are
    live in turn. It is equal to a list of the same values, or of what a slice gives. Values that are not contiguous are written from the first to the last: where one can't be,
    it is a :class:`PartialWriteError <memaccess.PartialWriteError>`.

    >>> class Numbers(Structure):
    ...     numbers = Field(Array('int', 3))
    >>> numbers = Numbers(view, 0x401020).numbers
    >>> numbers[-1] += 1
    >>> len(numbers), numbers[0], numbers[1:], sum(numbers)
    (3, 1, [2, 4], 7)
    >>> numbers == [1, 2, 4]
    True
    """

    __slots__ = ("_count", "_item")
    __module__ = "memaccess.structures"
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, view: MemoryView, place: Address, item: Form, count: int) -> None:
        self._view = view
        self._place = place
        self._item = item
        self._count = count

    def read(self) -> list[Any]:
        """Read all of it in one read.

        :returns: the values; structures as dicts, arrays as lists, pointers as addresses.
        :raises MemoryAccessError: as in :meth:`~memaccess.MemoryView.read`.
        :raises UnicodeDecodeError: a text in it is none in its encoding.

        >>> player.bag.read()
        [{'kind': 1, 'count': 2}, {'kind': 3, 'count': 0}]
        """
        return self._read(0, self._count)

    def write(self, values: Iterable[Any], *, force: bool = False) -> None:
        """Write all of it.

        :param values: as many as there are items, each as the item takes it.
        :param force: write also where the program itself may not, as in :meth:`~memaccess.MemoryView.write`.
        :raises TypeError: a value is of another type; nothing is written.
        :raises ValueError: there are more values or fewer, or one does not fit; or an array of pointers is
            of another process. Nothing is written.
        :raises OverflowError: a value does not fit its type; nothing is written.
        :raises PartialWriteError: the first items were written, and the rest can't be; ``transferred``
            counts what was.
        :raises MemoryAccessError: as in :meth:`~memaccess.MemoryView.write`.

        >>> player.bag.write([{'count': 5}, {'count': 6}])
        >>> [item.count for item in player.bag]
        [5, 6]
        """
        self._write(self._pieces_for(self._count, values), force=force)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: SupportsIndex) -> Got: ...
    @overload
    def __getitem__(self, index: slice) -> list[Got]: ...
    def __getitem__(self, index: Any) -> Any:
        chosen = self._chosen(index)
        if isinstance(chosen, int):
            return self._item.live(self._view, self._place_of(chosen))
        return list(self._each(chosen, len(chosen) if abs(chosen.step) == 1 else None))

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        chosen = self._chosen(index)
        if isinstance(chosen, int):
            self._write_as(self._item, chosen * self._item.size, value)
            return
        if chosen and chosen.step == 1:
            start = chosen.start * self._item.size
            self._write([(start + offset, data) for offset, data in self._pieces_for(len(chosen), value)])
            return
        self._write(
            [
                (number * self._item.size + offset, data)
                for number, pieces in zip(chosen, self._pieces_of_each(len(chosen), value), strict=True)
                for offset, data in pieces
            ]
        )

    def __iter__(self) -> Iterator[Got]:
        return self._each(range(self._count))

    def __reversed__(self) -> Iterator[Got]:
        return self._each(range(self._count)[::-1])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LiveArray):
            return self.read() == other.read()
        if isinstance(other, (list, tuple)):
            return len(self) == len(other) and all(map(self._is, range(len(self)), self.read(), other))
        return NotImplemented

    def _is(self, number: int, value: object, other: object) -> bool:
        """Whether an item of that value is the same as something that may be live, or what a pointer gives."""
        if value == other or type(other) is type(value):
            return bool(value == other)
        if other is not None and not isinstance(other, (Live, str)):
            return False
        item = self._item
        live = (
            item.live_of(value, self._view) if item.is_read else item.live(self._view, self._place_of(number))
        )
        return bool(live == other)

    def _chosen(self, index: Any) -> Any:
        """The number of an item, or the range of several."""
        try:
            return range(self._count)[index]
        except IndexError:
            raise IndexError(f"an array of {self._count} has no item {shown(index)}") from None
        except TypeError:
            raise TypeError(
                f"an index of an array is an int or a slice, not {type(index).__name__}"
            ) from None

    def _each(self, chosen: range, at_once: int | None = None) -> Iterator[Any]:
        """Those items; what has to be read for them is read when they are wanted, so many at once."""
        if not self._item.is_read:
            for number in chosen:
                yield self._item.live(self._view, self._place_of(number))
            return
        step = max(abs(chosen.step) * self._item.size, 1)
        many = max(at_once or _BLOCK // step, 1)
        for start in range(0, len(chosen), many):
            part = chosen[start : start + many]
            first, last = min(part[0], part[-1]), max(part[0], part[-1])
            values = self._read(first, last - first + 1)
            for number in part:
                yield self._item.live_of(values[number - first], self._view)

    def __repr__(self) -> str:
        return f"<array of {self._count} {self._where()}>"

    def _place_of(self, number: int) -> Address:
        return behind(self._view, self._place, number * self._item.size)

    def _read(self, first: int, count: int) -> list[Any]:
        """The values of some items."""
        return self._item.decode_many(self._bytes(first, count), count)

    def _bytes(self, first: int, count: int) -> bytes:
        size = self._item.size
        return self._view.read(count * size, self._address() + first * size)

    def _pieces_for(self, count: int, values: Any) -> list[Piece]:
        return ArrayForm(self._item, count).pieces(values, self._view)

    def _pieces_of_each(self, count: int, values: Any) -> list[list[Piece]]:
        values = checked_items(self._item, count, values, self._view)
        if isinstance(values, LiveArray):
            data, size = values._bytes(0, count), self._item.size
            return [self._item.raw_pieces(data[number * size :][:size]) for number in range(count)]
        return [self._item.pieces(each, self._view) for each in values]

    def _write(self, pieces: list[Piece], *, force: bool = False) -> None:
        write_pieces(self._view, self._address(), pieces, force=force)


def checked_items(item: Form, count: int, values: Any, view: MemoryView) -> list[Any] | LiveArray[Any]:
    """*values* as a list of *count*, or as they are where they are an array of the same bytes."""
    if isinstance(values, LiveArray):
        refuse_pointers_from_elsewhere(item, values, view)
        if item.is_like(values._item) and len(values) == count:
            return values
    return checked_values(values, count)


def checked_values(values: Any, count: int) -> list[Any]:
    """*values* as a list of *count*."""
    if isinstance(values, LiveArray):
        values = values.read()
    if isinstance(values, ctypes.Array):
        values = list(values)
    if not isinstance(values, Iterable) or isinstance(values, (Mapping, AbstractSet)):
        raise TypeError(f"an array takes a sequence of values, not {type(values).__name__}")
    found = list(islice(values, count + 1))
    if len(found) != count:
        many = "more" if len(found) > count else len(found)
        raise ValueError(f"an array of {count} takes as many values, not {many}")
    return found


class ArrayForm(Form):
    """So many of the same form, one behind the other."""

    def __init__(self, item: Form, count: int, name: str = "") -> None:
        self.size = item.size * count
        self.align = item.align
        self._item = item
        self._count = count
        self._name = name
        self.has_pointers = item.has_pointers

    def decode(self, data: bytes) -> list[Any]:
        return self._item.decode_many(data, self._count)

    def pieces(self, value: Any, view: MemoryView, /) -> list[Piece]:
        with Naming(self._name):
            values = checked_items(self._item, self._count, value, view)
        if isinstance(values, LiveArray):
            # Its bytes as they are: not all of them are kept by what they mean, such as a NaN.
            return self.raw_pieces(values._bytes(0, self._count))
        return self._item.pieces_of_many(values, view)

    def ranges(self) -> list[Range]:
        ranges = self._item.ranges()
        if ranges == [(0, self._item.size)]:
            return [(0, self.size)]
        return [
            (number * self._item.size + offset, size)
            for number in range(self._count)
            for offset, size in ranges
        ]

    def is_like(self, other: Form, /) -> bool:
        return (
            isinstance(other, ArrayForm) and other._count == self._count and self._item.is_like(other._item)
        )

    def live(self, view: MemoryView, place: Address) -> LiveArray[Any]:
        return LiveArray(view, place, self._item, self._count)

    def ctype(self) -> Any:
        return self._item.ctype() * self._count
