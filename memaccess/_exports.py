"""The exports of one module, found by name, by ordinal and by address; pure."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memaccess._records import Export

_LONGEST_ORDINAL = len("#65535")


class ExportTable:
    """The exports of one module, by name, by ordinal and by address."""

    def __init__(self, exports: list[Export], base: int, sections: Iterable[tuple[int, int]]) -> None:
        self.exports = exports
        # Of two exports with one name the loader takes the first.
        self._named = {each.name: each for each in reversed(exports) if each.name is not None}
        self._numbered = {each.ordinal: each for each in reversed(exports)}
        self._lowered: dict[str, list[Export]] | None = None
        placed = sorted((each for each in exports if each.address is not None), key=address_of)
        self._placed = placed
        self._addresses = [address_of(each) for each in placed]
        self._sections = [(base + offset, base + offset + size) for offset, size in sections]

    @property
    def names(self) -> Iterable[str]:
        return self._named

    def find(self, name: str) -> Export | None:
        """The export of that name; ``'#17'`` is the one with that ordinal."""
        if name.startswith("#") and name[1:].isdecimal() and len(name) <= _LONGEST_ORDINAL:
            return self._numbered.get(int(name[1:]))
        return self._named.get(name)

    def find_regardless_of_case(self, name: str) -> Export | None:
        """Cheat Engine's users type names in lower case; two that differ in nothing else are not guessed."""
        if self._lowered is None:
            lowered: dict[str, list[Export]] = {}
            for each, export in self._named.items():
                lowered.setdefault(each.lower(), []).append(export)
            self._lowered = lowered  # whole, because another thread may be looking
        found = self._lowered.get(name.lower(), ())
        return found[0] if len(found) == 1 else None

    def before(self, address: int) -> Export | None:
        """The nearest export at or before that address, in the same section."""
        place = bisect.bisect_right(self._addresses, address) - 1
        if place < 0:
            return None
        # Of several names for one place, the first one.
        first = self._placed[bisect.bisect_left(self._addresses, self._addresses[place])]
        return first if self.is_one_section(address_of(first), address) else None

    def is_one_section(self, place: int, address: int) -> bool:
        """Whether a place before an address is in the section of that."""
        return place >= next((start for start, end in self._sections if start <= address < end), 0)


def address_of(export: Export) -> int:
    assert export.address is not None
    return export.address
