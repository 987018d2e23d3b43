"""Error codes of Windows, and what memaccess has to know of each.

https://learn.microsoft.com/windows/win32/debug/system-error-codes
"""

from __future__ import annotations

from memaccess._errors import Cause, SystemFailure

ERROR_ACCESS_DENIED = 5
ERROR_INVALID_HANDLE = 6
ERROR_NOT_ENOUGH_MEMORY = 8
ERROR_NO_MORE_FILES = 18
ERROR_NOT_SUPPORTED = 50
ERROR_UNEXP_NET_ERR = 59
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_NO_MORE_ITEMS = 259
ERROR_PARTIAL_COPY = 299
ERROR_INVALID_ADDRESS = 487
ERROR_NOACCESS = 998
ERROR_FILE_INVALID = 1006
ERROR_POSSIBLE_DEADLOCK = 1131

# Codes that mean the same after every function. Whoever closed a view, or knows that an address is
# out of reach, says so by a cause of its own.
_CAUSES = {
    ERROR_ACCESS_DENIED: Cause.DENIED,
    # Which of these three comes differs between Windows versions and Wine.
    ERROR_PARTIAL_COPY: Cause.INACCESSIBLE,
    ERROR_INVALID_ADDRESS: Cause.INACCESSIBLE,
    ERROR_NOACCESS: Cause.INACCESSIBLE,
}
_CODES = {
    Cause.NO_PROCESS: ERROR_INVALID_PARAMETER,
    Cause.DENIED: ERROR_ACCESS_DENIED,
    Cause.CLOSED: ERROR_INVALID_HANDLE,
    Cause.OUT_OF_REACH: ERROR_NOT_SUPPORTED,
    Cause.INACCESSIBLE: ERROR_NOACCESS,
    Cause.ITSELF: ERROR_POSSIBLE_DEADLOCK,
}


def failure_with(
    api: str,
    code: int,
    text: str = "",
    *,
    cause: Cause | None = None,
    transferred: int = 0,
    data: bytes = b"",
) -> SystemFailure:
    """The failure of a Windows function that ended with that code.

    :param cause: what it means after that function, where the code alone does not say.
    """
    return SystemFailure(
        api,
        _CAUSES.get(code, Cause.OTHER) if cause is None else cause,
        winerror=code,
        text=text,
        transferred=transferred,
        data=data,
    )


def failure_from(cause: Cause, api: str = "", text: str = "") -> SystemFailure:
    """The failure that Windows would report for that cause."""
    return failure_with(api, _CODES[cause], text, cause=cause)
