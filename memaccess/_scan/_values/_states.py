"""What a scan is for, what it has after each step, and of which program that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memaccess._records import Module
    from memaccess._scan._values._blocks import Generation, Grid
    from memaccess._scan._values._kinds import Kind
    from memaccess._types import DataModel


class Program(NamedTuple):
    """Which program a scan is of."""

    model: DataModel
    identity: tuple[int, int]
    """Its pid and its beginning, by which no other process is taken for it."""
    modules: Sequence[Module]


class Plan(NamedTuple):
    """What a scan is for."""

    wished: dict[str, Any]
    """As the user said it; as JSON can have it."""
    kinds: tuple[Kind, ...]
    siblings: Mapping[str, Kind]
    """The unsigned type of some signed ones, by their names: what is looked for where a value fits only that."""
    grid_of: Callable[[Kind], Grid]


class State(NamedTuple):
    """What a scan has after a step: what it looks for, and the hits of each."""

    kinds: tuple[Kind, ...]
    generations: tuple[Generation, ...]
    what: str
    skipped: int = 0
    lost: int = 0

    @property
    def size(self) -> int:
        """How many hits there are."""
        return sum(generation.count for generation in self.generations)


NOTHING = State((), (), "")
"""Before the first step."""
