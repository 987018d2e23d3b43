"""What a value may be beside the one that was there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Literal


class Relation(NamedTuple):
    """How a new value stands to an old one."""

    how: Literal["changed", "unchanged", "increased", "decreased", "by", "percent"]
    """``'changed'`` and ``'unchanged'`` are about bits; the others about numbers, of which NaN is none.

    ``'by'``: the new value is more by :attr:`low` to :attr:`high`, the difference of floats in double
    precision. ``'percent'``: it is more by :attr:`low` to :attr:`high` of what the old one has without its sign,
    all in double precision; of an old one that is 0 there is no share.
    What stood still is more by 0, also where a share of a very small number rounds to 0.
    """
    low: float = 0
    high: float = 0
    is_less: bool = False
    """Of ``'percent'``: whether less is meant instead of more."""

    @property
    def of_still(self) -> bool | None:
        """Whether it holds of every value whose bytes stayed the same; None where that depends on the value."""
        if self.how in ("by", "percent"):
            return False if self.low > 0 or self.high < 0 else None
        return self.how == "unchanged"
