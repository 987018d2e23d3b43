"""Where a scan keeps what it found: in memory while that is little, else in a file that is gone with it."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Buffer

IN_MEMORY = 1 << 23
"""So many bytes are kept without a file."""


_pread = getattr(os, "pread", None)
"""Reads a file without moving in it; Windows has none."""


class Store:
    """Bytes that are put once and taken again; several threads may use it.

    The system removes the file when this Python ends, however it ends: on Linux it has no name from the
    beginning, and on Windows it is one that goes with its last handle.

    :param folder: where the file is made; the system's folder for such files, where it is None.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._memory: bytearray | None = bytearray()
        self._file: Any = None
        self._size = 0
        self._lock = threading.Lock()

    @property
    def is_spilled(self) -> bool:
        """Whether they are in a file."""
        return self._file is not None

    def put(self, data: Buffer) -> Ref:
        """Keep those bytes.

        :raises OSError: there is no room for the file.
        """
        with memoryview(data).cast("B") as view, self._lock:
            start, size = self._size, view.nbytes
            if self._memory is not None and start + size > IN_MEMORY:
                self._spill()
            if self._memory is not None:
                self._memory += view
            else:
                self._file.seek(start)
                self._write(view)
            self._size += size
        return Ref(self, start, size)

    def _spill(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="memaccess-", dir=self._folder, buffering=0)  # noqa: SIM115
        memory, self._memory = self._memory, None
        self._write(memoryview(memory or b""))

    def _write(self, data: memoryview) -> None:
        done = 0
        while done < data.nbytes:
            done += self._file.write(data[done:])  # a file without a buffer may take less than all

    def take(self, start: int, size: int) -> bytes:
        """The bytes from there on."""
        with self._lock:
            if self._memory is not None:
                return bytes(memoryview(self._memory)[start : start + size])
            if _pread is None:
                self._file.seek(start)
                data: bytes = self._file.read(size)
        if _pread is not None:
            data = _pread(self._file.fileno(), size, start)
        if len(data) < size:
            raise OSError(f"the file of a scan has lost {size - len(data)} bytes")
        return data

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


class Ref(NamedTuple):
    """Bytes in a store."""

    store: Store
    start: int
    size: int

    def load(self) -> bytes:
        """The bytes."""
        return self.store.take(self.start, self.size)
