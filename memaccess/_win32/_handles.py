"""Handles that know their owner."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

from typing import Any

from memaccess._win32._constants import INVALID_HANDLE_VALUE
from memaccess._win32._declare import declare, load, nonzero
from memaccess._win32._types import BOOL, HANDLE

# https://learn.microsoft.com/windows/win32/api/handleapi/nf-handleapi-closehandle
CloseHandle = declare(load("kernel32"), "CloseHandle", BOOL, HANDLE, check=nonzero)


class OwnedHandle(HANDLE):
    """A handle that is closed with the last reference to it.

    A call under way holds such a reference. So a handle that one thread gives up while another
    is inside a call with it stays open until that call returns, and its number can't come to
    mean another object meanwhile.
    """

    def __reduce__(self) -> Any:
        raise TypeError("a handle can't be copied: both would close it")

    def __del__(self, close: Any = CloseHandle) -> None:
        if self.value not in _NOT_HANDLES:
            close(self)


_NOT_HANDLES = (None, HANDLE(INVALID_HANDLE_VALUE).value)
