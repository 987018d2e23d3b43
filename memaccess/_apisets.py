"""API sets: names such as ``api-ms-win-core-heap-l1-1-0`` that stand for a DLL; pure.

Windows maps one table of them into every program, and the loader looks there first. Its layout is not
documented by Microsoft: version 6 (Windows 10 and later) is ``API_SET_NAMESPACE`` and its neighbours in
Wine's include/apiset.h, version 4 (Windows 8.1) those of ReactOS's sdk/lib/apisets.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from memaccess._errors import BadImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from memaccess._image import Read

    Hosts: TypeAlias = dict[str, str]
    """The DLLs that an API set stands for, by the DLL that asks; ``''`` is for all that have no row."""

_LARGEST = 1 << 22
_MOST_HOSTS = 256
_LONGEST_NAME = 512
"""Bytes; those that there are have about a hundred."""
_MOST_VALUES = 1 << 15
"""Of all API sets together; Windows 11 has about a thousand."""
_VALUE = struct.Struct("<4x4I")


class ApiSets:
    """The table of a program.

    :param hosts: what each API set stands for, by its name as :meth:`_key` makes it.
    :param version: the version of the table's layout; 0 where a program has none.
    """

    def __init__(self, hosts: dict[str, Hosts], version: int) -> None:
        self._hosts = hosts
        self._version = version

    def host(self, name: str, importer: str) -> str | None:
        """The DLL that the API set *name* stands for; None where it is no API set, or for no DLL."""
        hosts = self._hosts.get(self._key(name.lower().partition(".")[0]), {})
        return hosts.get(importer.lower()) or hosts.get("") or None

    def _key(self, name: str) -> str:
        # Version 4 leaves the prefix out; later ones look at all but the last number.
        return name[4:] if self._version == 4 else name.rpartition("-")[0]


NO_API_SETS = ApiSets({}, 0)


def may_be_api_set(name: str) -> bool:
    """Whether that may be the name of an API set."""
    return name[:4].lower() in ("api-", "ext-")


def read_api_sets(read: Read, address: int) -> ApiSets:
    """The table at *address*; an empty one where it has a layout that nobody knows.

    :param read: reads so many bytes at an address.
    :raises BadImageError: its numbers make no sense.
    """
    version, size = struct.unpack("<2I", read(8, address))
    if version not in _ROWS:
        return NO_API_SETS
    if not 28 <= size <= _LARGEST:
        raise BadImageError(f"the table of API sets at 0x{address:x} claims to have {size} bytes", address)
    data = read(size, address)
    try:
        return ApiSets(_bounded(data, _ROWS[version](data)), version)
    # An offset that a 32-bit Python can't count to is an OverflowError.
    except (struct.error, UnicodeDecodeError, OverflowError):
        raise BadImageError(f"the table of API sets at 0x{address:x} is damaged", address) from None


def _bounded(data: bytes, rows: Iterator[tuple[str, int, int]]) -> dict[str, Hosts]:
    """What each API set stands for; damaged tables may name the same places again and again.

    :param rows: for each its name, where its values are, and how many.
    """
    found: dict[str, Hosts] = {}
    total = 0
    for name, values, count in rows:
        total += 1 + count
        if total > _MOST_VALUES:
            raise struct.error
        found[name] = _hosts(data, values, count)
    return found


def _rows_6(data: bytes) -> Iterator[tuple[str, int, int]]:
    count, first = struct.unpack_from("<2I", data, 12)
    for row in range(count):
        name, _, hashed, values, value_count = struct.unpack_from("<4x5I", data, first + 24 * row)
        yield _text(data, name, hashed), values, value_count


def _rows_4(data: bytes) -> Iterator[tuple[str, int, int]]:
    (count,) = struct.unpack_from("<I", data, 12)
    for row in range(count):
        name, length, values = struct.unpack_from("<4x2I8xI", data, 16 + 24 * row)
        (value_count,) = struct.unpack_from("<4xI", data, values)
        yield _text(data, name, length), values + 8, value_count


_ROWS = {6: _rows_6, 4: _rows_4}


def _hosts(data: bytes, values: int, count: int) -> Hosts:
    if count > _MOST_HOSTS:
        raise struct.error
    found = {}
    for place in range(count):
        name, name_length, host, host_length = _VALUE.unpack_from(data, values + _VALUE.size * place)
        found[_text(data, name, name_length)] = _text(data, host, host_length)
    return found


def _text(data: bytes, offset: int, length: int) -> str:
    if length > _LONGEST_NAME or offset + length > len(data):
        raise struct.error
    return data[offset : offset + length].decode("utf-16-le").lower()
