"""Where a scan keeps what it found: in memory while that is little, else in a file that is gone with it."""

from __future__ import annotations

import os
import tempfile
import threading
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Buffer

IN_MEMORY = 1 << 23
"""So many bytes are kept without a file."""


_preadv = getattr(os, "preadv", None)
"""Reads a file without moving in it; Windows has none."""


class Store:
    """Bytes that are put once and taken again; several threads may use it.

    The system removes the file when this Python ends, however it ends: on Linux it has no name from the
    beginning, and on Windows it is one that goes with its last handle.

    :param folder: where the file is made; the system's folder for such files, where it is None.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._starts: list[int] = []
        self._parts: list[bytes] = []
        """What is in memory: a bytearray that grows is copied to new pages again and again."""
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
            if self._file is None and start + size > IN_MEMORY:
                self._spill()
            if self._file is None:
                self._starts.append(start)
                self._parts.append(bytes(view))
            else:
                self._file.seek(start)
                self._write(view)
            self._size += size
        return Ref(self, start, size)

    def _spill(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="memaccess-", dir=self._folder, buffering=0)  # noqa: SIM115
        for part in self._parts:
            self._write(memoryview(part))
        self._starts, self._parts = [], []

    def _write(self, data: memoryview) -> None:
        done = 0
        while done < data.nbytes:
            done += self._file.write(data[done:])  # a file without a buffer may take less than all

    def take(self, start: int, buffer: memoryview) -> None:
        """Fill a buffer with bytes that were put together, from there on."""
        size = buffer.nbytes
        with self._lock:
            if self._file is None:
                index = bisect_right(self._starts, start) - 1
                first = start - self._starts[index]
                buffer[:] = memoryview(self._parts[index])[first : first + size]
                return
            if _preadv is None:
                self._file.seek(start)
                count = self._file.readinto(buffer)
        if _preadv is not None:
            count = _preadv(self._file.fileno(), [buffer], start)
        if count < size:
            raise OSError(f"the file of a scan has lost {size - count} bytes")

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
        return bytes(self.load_into(bytearray(self.size)))

    def load_into(self, buffer: bytearray) -> bytearray:
        """The bytes, or as many as there is room for, at the beginning of a buffer: new pages cost more on Windows than the file."""
        with memoryview(buffer) as whole, whole[: self.size] as room:
            self.store.take(self.start, room)
        return buffer
