"""Windows' names for C types, with Windows' widths on every system.

``ctypes.wintypes`` has the widths of the system at hand: off Windows its DWORD has 8 bytes.
"""

from __future__ import annotations

import ctypes

DWORD = ctypes.c_uint32
LONG = ctypes.c_int32
BOOL = ctypes.c_int32
NTSTATUS = ctypes.c_int32
ULONG = ctypes.c_uint32
ULONG64 = ctypes.c_uint64
WCHAR = ctypes.c_uint16
"""A UTF-16 code unit; ``c_wchar`` has 4 bytes off Windows."""
SIZE_T = ctypes.c_size_t
PVOID = ctypes.c_void_p
LPARAM = ctypes.c_ssize_t
LPWSTR = ctypes.c_wchar_p
LPCSTR = ctypes.c_char_p
HWND = ctypes.c_void_p


class HANDLE(ctypes.c_void_p):
    """A handle. A type of its own, so that ctypes returns it as an object and not as an int."""
