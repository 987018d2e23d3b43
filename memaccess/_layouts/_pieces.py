"""Writing many pieces in few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._errors import NotWritableError, PartialWriteError

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
    done = 0
    for address, data in ready:
        try:
            view.write(data, address, force=force)
        except NotWritableError as error:
            if not done:
                raise
            raise _partial(error, done, ready) from None
        done += len(data)


def _partial(error: NotWritableError, done: int, ready: Sequence[Piece]) -> PartialWriteError:
    """The error of a write of several runs, the first of which were written."""
    kept = f"{error.explanation} " if error.explanation else ""
    found = PartialWriteError(
        str(error),
        pid=error.pid,
        address=ready[0][0],
        size=sum(len(data) for _, data in ready),
        region=error.region,
        explanation=f"{kept}What lies before it was written: {done} bytes from 0x{ready[0][0]:x} on.",
    )
    found.errno, found.winerror, found.api = error.errno, error.winerror, error.api
    found.transferred = done + error.transferred
    return found
