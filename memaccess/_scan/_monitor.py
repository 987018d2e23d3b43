"""What is known of a search while it goes on, and how it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memaccess._arguments import shown
from memaccess._errors import SearchCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable


class Monitor:
    """How far a search is; shared by the threads that work on it."""

    def __init__(self, total: int, progress: Callable[[int, int], object] | None = None) -> None:
        if progress is not None and not callable(progress):
            raise TypeError(f"progress is told by calling it, so it is a function, not {shown(progress)}")
        self.total = total
        self.done = 0
        self.skipped = 0
        self._progress = progress
        self._is_cancelled = False
        self.is_over = False
        """Set while threads are given up whose results nobody waits for; a scan for several types goes on after that."""

    def cancel(self) -> None:
        """Have it end with an error; from any thread."""
        self._is_cancelled = True

    def check(self) -> None:
        """Go on, or not: what reads memory asks.

        :raises SearchCancelledError: it was cancelled, or is over.
        """
        if self.is_over:
            raise SearchCancelledError("The search is over")
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Go on, or not: what works on what was read asks.

        :raises SearchCancelledError: it was cancelled.
        """
        if self._is_cancelled:
            raise SearchCancelledError(f"The search was cancelled after {self.done} of {self.total} bytes")

    def advance(self, size: int, skipped: int) -> None:
        """Count what was gone over, and tell it."""
        self.done += size
        self.skipped += skipped
        if self._progress is not None:
            self._progress(self.done, self.total)
