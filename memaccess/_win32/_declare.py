"""How a Windows function is declared: DLL, name, result, arguments, check, in one statement."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
from typing import TYPE_CHECKING, Any

from memaccess._win32._codes import failure_with
from memaccess._win32._constants import INVALID_HANDLE_VALUE, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from memaccess._errors import SystemFailure

_INVALID_HANDLE = ctypes.c_void_p(INVALID_HANDLE_VALUE).value


def load(name: str) -> ctypes.WinDLL:
    """A DLL of our own, so that no other user of ctypes in the program shares our declarations."""
    return ctypes.WinDLL(name, use_last_error=True)


def declare(
    dll: ctypes.WinDLL,
    name: str,
    result: Any,
    *arguments: Any,
    check: Callable[[Any], bool] | None = None,
) -> Any:
    """The function *name*; where there is a *check*, a result that it refuses raises SystemFailure."""
    function = getattr(dll, name)
    function.restype = result
    function.argtypes = arguments
    if check is not None:
        function.errcheck = _checking(name, check)
    return function


def declare_optional(
    dll: ctypes.WinDLL,
    name: str,
    result: Any,
    *arguments: Any,
    check: Callable[[Any], bool] | None = None,
) -> Any | None:
    """As :func:`declare`, and None where this Windows does not have the function."""
    return declare(dll, name, result, *arguments, check=check) if hasattr(dll, name) else None


def nonzero(result: int) -> bool:
    """For functions whose documentation says: if it fails, the return value is zero."""
    return result != 0


def given(result: int | None) -> bool:
    """For functions that return NULL in place of an address."""
    return bool(result)


def handle(result: ctypes.c_void_p) -> bool:
    """For functions that return NULL in place of a handle."""
    return bool(result.value)


def valid_handle(result: ctypes.c_void_p) -> bool:
    """For functions that return INVALID_HANDLE_VALUE in place of a handle."""
    return result.value != _INVALID_HANDLE


def waited(result: int) -> bool:
    """For functions that return WAIT_FAILED where they could not wait."""
    return result != Wait.FAILED


def last_failure(api: str) -> SystemFailure:
    """What went wrong in the last call that this thread made."""
    return failure(api, ctypes.get_last_error())


def failure(api: str, code: int) -> SystemFailure:
    """A failure with that Windows error code, in Windows' words."""
    return failure_with(api, code, ctypes.FormatError(code).strip())


def _checking(name: str, check: Callable[[Any], bool]) -> Callable[[Any, Any, Any], Any]:
    def errcheck(result: Any, _function: Any, arguments: Any) -> Any:
        if not check(result):
            del arguments  # the traceback would keep the handles in it open
            raise last_failure(name)
        return result

    return errcheck
