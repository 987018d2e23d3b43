"""File descriptors that know their owner."""

from __future__ import annotations

import os
from typing import Any


class OwnedDescriptor(int):
    """A file descriptor that is closed with the last reference to it.

    A call under way holds such a reference. So a descriptor that one thread gives up while another
    is inside a call with it stays open until that call returns, and its number can't come to
    mean another file meanwhile.
    """

    def __reduce__(self) -> Any:
        raise TypeError("a file descriptor can't be copied: both would close it")

    def __del__(self, close: Any = os.close) -> None:
        close(self)
