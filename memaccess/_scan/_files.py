"""Files that are there whole, or as they were before."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

TEXT_ERRORS = "surrogatepass"
"""What is done with halves of characters: file names of Windows may have such."""

_numbers = itertools.count()


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to be written, which takes the place of that one when the block has ended without an error.

    :raises OSError: it can't be written.
    """
    goal = os.fsdecode(path)
    unfinished = f"{goal}.{os.getpid()}-{next(_numbers)}.new"  # several threads may write the same one
    with open(unfinished, "wb") as file:
        try:
            yield file
            file.close()
            os.replace(unfinished, goal)
        except BaseException:
            file.close()
            os.remove(unfinished)
            raise
