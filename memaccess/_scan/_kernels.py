"""What looks and compares: NumPy where it is installed, else Python itself."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memaccess._scan._pattern import Pattern


class Kernels(Protocol):
    """The rooms ``_vectors`` and ``_plain``, which do the same."""

    def finder(self, pattern: Pattern) -> Callable[[bytearray, int], Sequence[int]]: ...


@functools.cache
def kernels() -> Kernels:
    """The fastest that is here."""
    try:
        from memaccess._scan import _vectors
    except ImportError:
        from memaccess._scan import _plain

        return _plain
    return _vectors
