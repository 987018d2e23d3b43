"""A target written in Python: the protocol of ``values.c``, in memory that ctypes holds.

The names and the initial values are those of the C program, so that one test runs on both.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Holder = Any  # ctypes' own base class is private

NUMBERS: dict[str, Holder] = {
    "signed_char": ctypes.c_byte(-128),
    "unsigned_char": ctypes.c_ubyte(200),
    "bool": ctypes.c_ubyte(1),
    "short": ctypes.c_short(-32768),
    "unsigned_short": ctypes.c_ushort(65535),
    "int": ctypes.c_int(-(2**31)),
    "unsigned_int": ctypes.c_uint(2**32 - 1),
    "long": ctypes.c_long(-2),
    "unsigned_long": ctypes.c_ulong(4026531841),
    "long_long": ctypes.c_longlong(-(2**63)),
    "unsigned_long_long": ctypes.c_ulonglong(2**64 - 1),
    "float": ctypes.c_float(-0.1),
    "double": ctypes.c_double(1.7976931348623157e308),
    "size_t": ctypes.c_size_t(-1),
}
NUMBERS["pointer"] = ctypes.c_size_t(ctypes.addressof(NUMBERS["int"]))


def _units(kind: Any, values: Iterable[int], room: int) -> Holder:
    return (kind * room)(*values)


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-le")
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


LISTS: dict[str, Holder] = {
    "char": _units(ctypes.c_ubyte, b"x", 1),
    "wchar": _units({2: ctypes.c_ushort, 4: ctypes.c_uint}[ctypes.sizeof(ctypes.c_wchar)], [0x20AC], 1),
    "bytes": _units(ctypes.c_ubyte, [0, 1, 127, 128, 255, 10, 13, 34, 92], 9),
    "int_array": _units(ctypes.c_int, [0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8, 13, -13, 21, -21, 34], 16),
}
GREETING = "Grüße € \N{SNAKE}"
STRINGS: dict[str, Holder] = {
    "ansi": _units(ctypes.c_ubyte, b"plain old text", 32),
    "utf8": _units(ctypes.c_ubyte, GREETING.encode(), 32),
    "utf16": _units(ctypes.c_ushort, _utf16(GREETING), 32),
}


def _to_terminator(units: Iterable[int]) -> list[int]:
    found = list(units)
    return found[: found.index(0)] if 0 in found else found


def _dump() -> None:
    holders = {**NUMBERS, **LISTS, **STRINGS}
    line = {
        "pid": os.getpid(),
        "pointer_size": ctypes.sizeof(ctypes.c_void_p),
        "addresses": {name: ctypes.addressof(holder) for name, holder in holders.items()},
        "values": {
            **{name: holder.value for name, holder in NUMBERS.items()},
            **{name: list(holder) for name, holder in LISTS.items()},
            **{name: _to_terminator(holder) for name, holder in STRINGS.items()},
        },
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Obey the commands that come on standard input until it ends."""
    _dump()
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        if line.strip() == "dump":
            _dump()
        else:
            print(json.dumps({"error": "unknown command", "code": 0}), flush=True)


if __name__ == "__main__":
    main()
