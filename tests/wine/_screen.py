"""A screen nobody sees, for programs with windows."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from _impossible import ImpossibleError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def virtual_screen(*options: str) -> Iterator[str]:
    """Start an X server on a display number of its own choice; yield the value for ``DISPLAY``."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-nolisten", "tcp", *options],
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(writer)
    try:
        with open(reader) as answer:
            number = answer.readline().strip()
        if not number:
            raise ImpossibleError("The virtual screen (Xvfb) does not start.")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
