"""What a field's type is in a program of one data model: a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._layouts._place import looked_up

if TYPE_CHECKING:
    import types
    from collections.abc import Iterable
    from typing import TypeAlias

    from memaccess._arguments import Address
    from memaccess._view import MemoryView

    Piece: TypeAlias = tuple[int, bytes]
    """Bytes to write, and how far behind the beginning."""
    Range: TypeAlias = tuple[int, int]
    """How far behind the beginning, and how many bytes."""


class Form:
    """A type of definite size: the way from bytes to a value and back, and to live access."""

    size: int
    align: int
    is_read = False
    """Whether live access begins with reading it; :meth:`live_of` goes on from there."""

    has_pointers = False
    """Whether there are values in it that mean something in one program alone."""

    def ranges(self) -> list[Range]:
        """Where its values are: all of it but padding."""
        return [(0, self.size)]

    def is_like(self, other: Form, /) -> bool:
        """Whether the bytes of the other one are the same values as this one."""
        return other is self

    def raw_pieces(self, data: bytes, start: int = 0) -> list[Piece]:
        """What to write for its values as they are; *data* begins so many bytes behind the beginning."""
        return [(offset, data[offset - start : offset - start + size]) for offset, size in self.ranges()]

    def decode(self, data: bytes) -> Any:
        """The value of *data*, which has exactly :attr:`size` bytes."""
        raise NotImplementedError

    def decode_many(self, data: bytes, count: int, /) -> list[Any]:
        """The values of an array of *count* items, which are all of *data*."""
        size = self.size
        return [self.decode(data[number * size : number * size + size]) for number in range(count)]

    def pieces(self, value: Any, view: MemoryView, /) -> list[Piece]:
        """What to write for *value* in the program of *view*; nothing is written yet.

        :raises TypeError: it is of another type. ValueError, OverflowError: it does not fit.
        """
        raise NotImplementedError

    def pieces_of_many(self, values: Iterable[Any], view: MemoryView, /) -> list[Piece]:
        """What to write for the items of an array."""
        return [
            (number * self.size + offset, data)
            for number, value in enumerate(values)
            for offset, data in self.pieces(value, view)
        ]

    def live(self, view: MemoryView, place: Address) -> Any:
        """What a field gives that is there: a value that is read now, or what reads it when asked."""
        return self.decode(view.read(self.size, looked_up(view, place)))

    def live_of(self, value: Any, _view: MemoryView, /) -> Any:
        """What live access gives where *value* was read."""
        return value

    def pointed(self, view: MemoryView, address: int, /) -> Any:
        """What a pointer gives that leads there."""
        return self.live(view, address)

    def fits(self, _live: object, /) -> bool:
        """Whether a pointer to it may lead to that live object."""
        return True

    def ctype(self) -> Any:
        """The same as a ctypes type of fixed width."""
        raise NotImplementedError


class Slot(NamedTuple):
    """A field in its place."""

    name: str
    offset: int
    form: Form

    @property
    def end(self) -> int:
        return self.offset + self.form.size


class Naming:
    """Puts a name before the text of an error that says what is wrong with a value."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        if isinstance(error, (UnicodeDecodeError, UnicodeEncodeError)):
            # Its text is made of its parts.
            error.reason = f"{error.reason}, in {self._name}"
        elif error is not None and self._name and type(error) in (TypeError, ValueError, OverflowError):
            error.args = (f"{self._name}: {error}",)
