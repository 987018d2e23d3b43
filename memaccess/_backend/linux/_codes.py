"""Error numbers of Linux, and what memaccess has to know of each.

https://man7.org/linux/man-pages/man3/errno.3.html
"""

from __future__ import annotations

import errno
import os

from memaccess._errors import Cause, SystemFailure

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What has nothing to do with the process that is asked about: this Python can open no more files."""
_CAUSES = {
    errno.EACCES: Cause.DENIED,
    errno.EPERM: Cause.DENIED,
    errno.EFAULT: Cause.INACCESSIBLE,
    errno.EIO: Cause.INACCESSIBLE,
}
"""Those that mean the same after every function."""


def failure_of(api: str, error: OSError) -> SystemFailure:
    """The failure of a function that ended with that error."""
    return failure_with(api, error.errno or errno.EINVAL)


def failure_with(
    api: str, code: int, *, cause: Cause | None = None, transferred: int = 0, text: str = ""
) -> SystemFailure:
    """The failure of a function that ended with that error number.

    :param cause: what it means after that function, where the number alone does not say.
    """
    return SystemFailure(
        api,
        _CAUSES.get(code, Cause.OTHER) if cause is None else cause,
        errno=code,
        text=text or f"{os.strerror(code)}.",
        transferred=transferred,
    )


def failure_from(cause: Cause, api: str = "", text: str = "") -> SystemFailure:
    """A failure that memaccess knows of itself, with the number that the system would give."""
    failure = SystemFailure(api, cause)
    failure.text = text or f"{os.strerror(failure.errno)}."
    return failure
