"""Starting programs under Wine 8, whose CreateProcess fails now and then."""

from __future__ import annotations

import sys
from typing import Any

from support import leaks

if sys.platform == "win32":
    import _winapi

_ERROR_INTERNAL_ERROR = 1359
"""What Wine gives for a program that died while it was being started: two of some 4,000 starts did."""
_ATTEMPTS = 4


def be_patient() -> None:
    """Have :mod:`subprocess` start a program again where Wine could not; what it leaks then is forgiven."""
    create = _winapi.CreateProcess

    def create_patiently(*arguments: Any) -> Any:
        for _ in range(_ATTEMPTS - 1):
            before = leaks.handle_count()
            try:
                return create(*arguments)
            except OSError as error:
                if error.winerror != _ERROR_INTERNAL_ERROR:
                    raise
            leaks.forgiven += max(0, leaks.handle_count() - before)
        return create(*arguments)

    _winapi.CreateProcess = create_patiently
