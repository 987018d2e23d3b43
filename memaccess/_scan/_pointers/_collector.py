"""Memory goes in piece by piece, and its pointers are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._scan._pointers._collected import Pointers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from memaccess._scan._pointers._engines import Engine


class Collector:
    """Collects the aligned words of memory that point into given ranges.

    :param width: bytes of a pointer.
    :param targets: the ranges, each as its address and its size: the memory that can be read.
    :param engine: who does the work; None for the fastest at hand.
    """

    def __init__(
        self, width: Literal[4, 8], targets: Iterable[tuple[int, int]], engine: Engine | None = None
    ) -> None:
        self.engine = engine or fastest()
        self.pointers = Pointers(width, targets)
        self._end = 0
        self._rest = b""
        """The word that the last piece had only the beginning of."""

    def add(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Keep the pointers of a piece of memory, and nothing else of it.

        A word may begin in one piece and end in the next, if these touch. Not while a search is under way.

        :raises ValueError: it does not lie behind all pieces before it.
        """
        if address < self._end:
            raise ValueError(f"0x{address:x} lies before 0x{self._end:x}, where the last piece ended")
        width = self.pointers.width
        with memoryview(data) as given, given.cast("B") as piece:
            rest = self._rest if address == self._end else b""
            first = -address % width
            last = max(first, len(piece) - (address + len(piece)) % width)
            word = rest + bytes(piece[:first])
            if len(word) == width:
                self._collect(address + first - width, memoryview(word))
            with piece[first:last] as words:
                self._collect(address + first, words)
            if first < len(piece):
                self._rest = bytes(piece[last:])
            else:
                self._rest = word if rest and len(word) < width else b""
            self._end = address + len(piece)

    def _collect(self, address: int, words: memoryview) -> None:
        if words:
            first = self.pointers.look_at(address, len(words) // self.pointers.width)
            self.engine.collect(self.pointers, words, first)


def fastest() -> Engine:
    """The engine that has NumPy, where NumPy is installed."""
    try:
        from memaccess._scan._pointers._arrays import ArrayEngine  # noqa: PLC0415
    except ImportError:
        from memaccess._scan._pointers._plain import PlainEngine  # noqa: PLC0415

        return PlainEngine()
    return ArrayEngine()
