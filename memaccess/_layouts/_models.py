"""Which data model is meant, where users say which program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._types import WINDOWS_32, WINDOWS_64
from memaccess._view import MemoryView

if TYPE_CHECKING:
    from memaccess._types import DataModel

_MODELS = {32: WINDOWS_32, 64: WINDOWS_64}


def model_of(target: MemoryView | int) -> DataModel:
    """The data model of a view's program, or of Windows programs that are 32 or 64 bits wide.

    :raises ValueError: it is another number.
    """
    if isinstance(target, MemoryView):
        return target._model
    if target not in tuple(_MODELS):
        raise ValueError(f"a MemoryView, or a bitness of 32 or 64 is needed, not {target!r}")
    return _MODELS[target]
