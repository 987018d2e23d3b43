"""Places at regular distances in a buffer."""

from __future__ import annotations

from typing import NamedTuple

FEW_SLOTS = 128
"""So many wanted slots of a mask are listed one by one, whatever else there is."""


class Slots(NamedTuple):
    """Where values may stand in a buffer: side by side, or overlapping each other."""

    data: bytes | bytearray
    offset: int
    """Where the first is."""
    length: int
    """How many there are."""
    step: int
    """Bytes from one to the next."""
    width: int
    """Bytes of a value."""

    @property
    def size(self) -> int:
        """Bytes from the first of the first value to the last of the last one."""
        return (self.length - 1) * self.step + self.width
