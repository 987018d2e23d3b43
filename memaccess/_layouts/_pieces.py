"""Writing many pieces in few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memaccess._layouts._form import Piece
    from memaccess._view import MemoryView


def runs(pieces: Sequence[Piece]) -> list[Piece]:
    """The same bytes with neighbours joined; where pieces overlap, the later one counts."""
    found: list[Piece] = []
    cluster: list[int] = []
    end = 0
    for number in sorted(range(len(pieces)), key=lambda number: pieces[number][0]):
        start, data = pieces[number]
        if cluster and start > end:
            found.append(_joined([pieces[each] for each in sorted(cluster)]))
            cluster = []
        end = max(end, start + len(data)) if cluster else start + len(data)
        cluster.append(number)
    if cluster:
        found.append(_joined([pieces[each] for each in sorted(cluster)]))
    return [run for run in found if run[1]]


def _joined(pieces: Sequence[Piece]) -> Piece:
    """Pieces without a gap between them as one."""
    first = min(start for start, _ in pieces)
    whole = bytearray(max(start + len(data) for start, data in pieces) - first)
    for start, data in pieces:
        whole[start - first : start - first + len(data)] = data
    return first, bytes(whole)


def write_pieces(view: MemoryView, place: int, pieces: Sequence[Piece], *, force: bool = False) -> None:
    """Write *pieces* behind *place*, after a check that all of them lie in the address space."""
    if len(pieces) == 1:
        offset, data = pieces[0]
        view.write(data, place + offset, force=force)
        return
    ready = [(view._checked_address(place + offset, len(data)), data) for offset, data in runs(pieces)]
    for address, data in ready:
        view.write(data, address, force=force)
