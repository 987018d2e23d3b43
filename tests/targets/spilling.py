"""A target that is in the middle of a scan, with a file of what it has found so far, until it is killed.

spilling.py PID ADDRESS SIZE FOLDER
"""

from __future__ import annotations

import json
import os
import sys

from memaccess import MemoryView
from memaccess._scan._values import _store


def pause(done: int, total: int) -> None:
    """Say how far the scan is, and stay there."""
    print(json.dumps({"pid": os.getpid(), "done": done, "total": total}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    pid, address, size, folder = sys.argv[1:]
    _store.IN_MEMORY = 1 << 16
    with MemoryView(int(pid)) as view:
        place = int(address), int(size)
        view.scan("int", place, writable=None, progress=pause, folder=folder).unknown()
