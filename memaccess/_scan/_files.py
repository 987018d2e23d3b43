"""Files that are replaced once all of the new one is written."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "xb", encoding: str | None = None) -> Iterator[Any]:
    """A new file to write to, which takes the place of the one at *path* at the end of the block.

    Where the block fails, that one stays as it was.

    :raises OSError: it can't be written, or not there.
    """
    unfinished = f"{os.fspath(path)}.{os.getpid()}-{threading.get_ident()}.new"
    file = open(unfinished, mode, encoding=encoding)  # noqa: SIM115 - what fails here has made nothing
    try:
        with file:
            yield file
        os.replace(unfinished, path)
    except BaseException:
        os.remove(unfinished)
        raise
