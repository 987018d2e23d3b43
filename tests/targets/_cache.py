"""The cache folder: things made once, outside the checkout, found again by what they were made of.

A folder in the cache carries the digest of its recipe in its name and appears there by one rename,
so "it exists" means "it is complete and current". Nothing else needs to be asked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # LK_LOCK gives up after ten tries, one second apart; a compilation takes longer.
        while True:
            try:
                return msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            except OSError:
                continue

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def cache_folder() -> Path:
    """Return the folder everything is kept in; it exists afterwards."""
    named = os.environ.get("MEMACCESS_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(named) if named else Path(shared) / "memaccess"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def digest(*parts: str | bytes | Path) -> str:
    """Return a short name for a recipe: text as it is, files by their content."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part
        data = data.encode() if isinstance(data, str) else data
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:12]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process at a time in; the lock falls with the process, however it ends."""
    with open(cache_folder() / f"{name}.lock", "ab") as file:
        _lock(file.fileno())
        yield


def made(folder: Path, make: Callable[[Path], None], message: str) -> Path:
    """Return ``folder``, made by ``make`` in a temporary place first if it is not there yet."""
    if folder.is_dir():
        return folder
    with locked(folder.name):
        if not folder.is_dir():
            say(message)
            _make_beside(folder, make)
    return folder


def _make_beside(folder: Path, make: Callable[[Path], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # What a killed run left behind goes, as far as that run's own children let go of it already; we
    # hold the lock, so nobody else works in one. A new name each time, for when they have not.
    beginning = f"unfinished-{folder.name}-"
    for left_behind in folder.parent.glob(f"{beginning}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=beginning, dir=folder.parent))
    try:
        make(unfinished)
        unfinished.chmod(0o755)  # from mkdtemp's 0o700
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def say(message: str) -> None:
    """Print one line of progress, on standard error, which no program's output shares."""
    print(f"memaccess tests: {message}", file=sys.stderr, flush=True)
