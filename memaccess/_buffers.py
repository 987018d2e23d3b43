"""Objects with the buffer protocol, of any item size and shape, as memory to copy from and to."""

from __future__ import annotations

from typing import Any


def as_source(data: Any) -> bytes | memoryview:
    """*data* as contiguous memory to copy from; copied only where it isn't contiguous.

    :raises TypeError: it is no bytes-like object.
    """
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"a bytes-like object is needed, not {type(data).__name__}") from None
    return view if view.c_contiguous else view.tobytes()


def as_target(buffer: Any) -> memoryview:
    """*buffer* as contiguous memory to copy to.

    :raises TypeError: it is no bytes-like object, or can't be written.
    :raises ValueError: it isn't contiguous.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a writable bytes-like object is needed, not {type(buffer).__name__}") from None
    if view.readonly:
        raise TypeError(f"a writable buffer is needed, and this {type(buffer).__name__} is read-only")
    if not view.c_contiguous:
        raise ValueError("a contiguous buffer is needed; copy the slice, or read into all of it")
    return view


def byte_count(data: bytes | memoryview) -> int:
    """How many bytes *data* has, whatever the size of its items."""
    return len(data) if isinstance(data, bytes) else data.nbytes
