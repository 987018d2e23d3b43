"""Fields that lie over each other: what is written where several of them are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from memaccess._layouts._form import Piece, Slot

    Given: TypeAlias = tuple[Slot, list[Piece]]
    """A field, and what is to be written for its value."""


def agreed(owner: str, given: Sequence[Given]) -> list[Piece]:
    """What to write for all of them.

    :raises ValueError: fields that lie over each other are given values that can't be there both.
    """
    return [piece for group in _groups(given) for piece in _agreed(owner, group)]


def overlap(slots: Sequence[Slot]) -> bool:
    """Whether any of them lie over each other."""
    return any(len(group) > 1 for group in _groups([(slot, []) for slot in slots]))


def _groups(given: Sequence[Given]) -> Iterator[list[Given]]:
    """Those that lie over each other, or over the same third one, together; each group in the order given."""
    group: list[int] = []
    end = 0
    for number in sorted(range(len(given)), key=lambda number: given[number][0].offset):
        slot = given[number][0]
        if group and slot.offset >= end:
            yield [given[each] for each in sorted(group)]
            group = []
        group.append(number)
        end = max(end, slot.end)
    if group:
        yield [given[each] for each in sorted(group)]


def _agreed(owner: str, group: list[Given]) -> list[Piece]:
    """What to write for one group: the bytes of one of them have to hold the values of the others too.

    A bool holds less than the int it lies over, and a NaN less than its bits. So it is not the bytes
    that have to be the same, but what is read from them.
    """
    if len(group) == 1:
        return group[0][1]
    for chosen in group:
        pieces = [piece for each in group if each is not chosen for piece in each[1]] + chosen[1]
        if all(_is_held(each, pieces) for each in group):
            return pieces
    *names, last = [slot.name for slot, _ in group]
    raise ValueError(
        f"{owner}: {', '.join(names)} and {last} lie over each other and differ; give one of them"
    )


def _is_held(given: Given, pieces: list[Piece]) -> bool:
    """Whether the value of a field can be read after all the pieces of its group were written."""
    slot, own = given
    found = _laid(bytes(slot.form.size), slot.offset, pieces)
    wanted = _laid(found, slot.offset, own)
    if found == wanted:
        return True
    try:
        # Their texts, as a NaN is not equal to itself.
        return repr(slot.form.decode(found)) == repr(slot.form.decode(wanted))
    except UnicodeDecodeError:
        return False


def _laid(data: bytes, start: int, pieces: list[Piece]) -> bytes:
    """*data*, which begins at *start*, with all of the pieces on it that lie there."""
    laid = bytearray(data)
    for offset, piece in pieces:
        part = piece[max(start - offset, 0) : max(start + len(data) - offset, 0)]
        at = max(offset - start, 0)
        laid[at : at + len(part)] = part
    return bytes(laid)
