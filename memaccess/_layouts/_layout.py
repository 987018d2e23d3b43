"""The layout of a structure in programs of one data model: where its fields lie, and how long it is."""

from __future__ import annotations

import ctypes
import difflib
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._layouts._form import Form, Slot
from memaccess._layouts._live import refuse_pointers_from_elsewhere
from memaccess._layouts._padded import padded_structure
from memaccess._layouts._place import looked_up
from memaccess._layouts._unions import agreed, overlap
from memaccess._structs import round_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memaccess._arguments import Address
    from memaccess._layouts._form import Piece, Range
    from memaccess._layouts._live import LiveStructure
    from memaccess._view import MemoryView


_UNPACKED = 1 << 16
"""More than any type is aligned to."""


class Whole(NamedTuple):
    """What a declaration says of a structure as a whole, where it says it."""

    size: int | None = None
    align: int | None = None
    source: Any = None
    """The ctypes type that it was made of."""


class Layout(Form):
    """A structure with its fields in their places."""

    def __init__(
        self, cls: type[LiveStructure], slots: Iterable[Slot], whole: Whole, align: int, pack: int = _UNPACKED
    ) -> None:
        self.cls = cls
        self.pack = pack
        self.slots = {slot.name: slot for slot in slots}
        self.first = min((slot.offset for slot in self.slots.values()), default=0)
        self.end = max((slot.end for slot in self.slots.values()), default=0)
        self.has_pointers = any(slot.form.has_pointers for slot in self.slots.values())
        self._overlap = overlap(list(self.slots.values()))
        self._source = whole.source
        self._made: dict[str, Any] = {}
        if whole.size is None:
            self.align = align
            self.size = round_up(self.end, align)
        else:
            # A compiler makes the size a multiple of the alignment: what isn't one is packed.
            self.align = whole.align or math.gcd(align, whole.size) or 1
            self.size = whole.size

    def slot(self, name: str) -> Slot:
        """The field of that name.

        :raises ValueError: there is none.
        """
        try:
            return self.slots[name]
        except (KeyError, TypeError):  # what can't be hashed is no name either
            raise ValueError(no_such_field(self.cls, name, self.slots)) from None

    def read(self, view: MemoryView, place: Address) -> dict[str, Any]:
        """The values of all fields, in one read from the first to the last."""
        if not self.slots:
            return {}
        data = view.read(self.end - self.first, looked_up(view, place) + self.first)
        return self.decode(data, self.first)

    def decode(self, data: bytes, start: int = 0) -> dict[str, Any]:
        """The values of all fields; *data* begins so many bytes behind the beginning."""
        return {
            slot.name: slot.form.decode(data[slot.offset - start : slot.end - start])
            for slot in self.slots.values()
        }

    def pieces(self, value: Any, view: MemoryView, /) -> list[Piece]:
        if isinstance(value, self.cls):
            return self._pieces_of_live(value, view)
        if isinstance(value, (ctypes.Structure, ctypes.Union)) and type(value) in self._ctypes():
            # Without its bytes between the fields, which are of the time when it was read.
            return self.raw_pieces(bytes(value))
        if not isinstance(value, Mapping):
            name = self.cls.__name__
            kind = type(value).__name__
            if isinstance(value, (ctypes.Structure, ctypes.Union)):
                kind = f"a ctypes structure {kind} other than {name}.as_ctypes({view.bitness})"
            raise TypeError(f"{name} takes a dict of fields, or another {name}, not {kind}")
        return self._pieces_of_fields(value, view)

    def _pieces_of_live(self, value: LiveStructure, view: MemoryView) -> list[Piece]:
        """What to write to have the values of another one here."""
        refuse_pointers_from_elsewhere(self, value, view)
        if not self.is_like(value._layout_for(value._view._model)):
            whole = value.read()
            return self._pieces_of_fields({name: whole[name] for name in self.slots}, view)
        if not self.slots:
            return []
        # Its bytes as they are: not all of them are kept by what they mean, such as a NaN.
        data = value._view.read(self.end - self.first, value._address() + self.first)
        return self.raw_pieces(data, self.first)

    def _pieces_of_fields(self, values: Mapping[str, Any], view: MemoryView) -> list[Piece]:
        slots = [(self.slot(name), each) for name, each in values.items()]
        given = [
            (slot, [(slot.offset + offset, data) for offset, data in slot.form.pieces(each, view)])
            for slot, each in slots
        ]
        if self._overlap:
            return agreed(self.cls.__name__, given)
        return [piece for _, pieces in given for piece in pieces]

    def ranges(self) -> list[Range]:
        return [
            (slot.offset + offset, size)
            for slot in self.slots.values()
            for offset, size in slot.form.ranges()
        ]

    def is_like(self, other: Form, /) -> bool:
        # A class that is made of another one has its very slots.
        return isinstance(other, Layout) and all(
            other.slots.get(name) is slot for name, slot in self.slots.items()
        )

    def live(self, view: MemoryView, place: Address) -> LiveStructure:
        return self.cls._at(view, place)

    def fits(self, live: object, /) -> bool:
        return isinstance(live, self.cls)

    def ctype(self) -> Any:
        if not self._made:
            fields = [(slot.name, slot.offset, slot.form.ctype()) for slot in self.slots.values()]
            # All threads get the one that is there first.
            self._made.setdefault("ctype", padded_structure(self.cls.__name__, fields, self.size, self.align))
        return self._made["ctype"]

    def _ctypes(self) -> tuple[Any, ...]:
        """The ctypes types that have this layout."""
        return (self._source, self._made.get("ctype"))


def lay_out(
    cls: type[LiveStructure], base: Layout | None, forms: Iterable[Slot | tuple[str, Form]], whole: Whole
) -> Layout:
    """Put every form that has no offset behind the one before it, aligned as C does it.

    :raises ValueError: a field leaves the size that is given.
    """
    slots = [] if base is None else list(base.slots.values())
    cursor, align, pack = (0, 1, _UNPACKED) if base is None else (base.size, base.align, base.pack)
    for each in forms:
        if isinstance(each, Slot):
            slot = each
            pack = min(pack, _packing_shown_by(slot))
        else:
            name, form = each
            slot = Slot(name, round_up(cursor, form.align), form)
        slots.append(slot)
        cursor, align = slot.end, max(align, slot.form.align)
    layout = Layout(cls, slots, whole, min(align, pack), pack)
    if max(layout.end, layout.size) > sys.maxsize:
        raise ValueError(f"{cls.__name__} would have more bytes than this Python can count")
    if layout.end > layout.size:
        last = max(slots, key=lambda slot: slot.end)
        raise ValueError(
            f"{cls.__name__} has a size of 0x{layout.size:x} bytes, and its field {last.name} ends at "
            f"0x{last.end:x}"
        )
    return layout


def _packing_shown_by(slot: Slot) -> int:
    """The most that the fields of its structure are aligned to, as its place shows.

    A field that is not where its type would have it shows that the structure is packed.
    """
    alignment = math.gcd(slot.offset, slot.form.align)
    return alignment if alignment < slot.form.align else _UNPACKED


def no_such_field(cls: type, name: object, names: Iterable[str]) -> str:
    """A text that says so, and which field may have been meant."""
    close = difflib.get_close_matches(name, names, 1) if isinstance(name, str) else []
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{cls.__name__} has no field {name!r}{hint}"
