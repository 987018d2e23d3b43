"""Functions of user32.dll."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes

from memaccess._win32._declare import declare, load, nonzero
from memaccess._win32._types import BOOL, DWORD, HWND, LPARAM, LPWSTR

_dll = load("user32")
_pointer = ctypes.POINTER

# https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-enumwindows
WNDENUMPROC = ctypes.WINFUNCTYPE(BOOL, HWND, LPARAM)
EnumWindows = declare(_dll, "EnumWindows", BOOL, WNDENUMPROC, LPARAM, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-getwindowtextlengthw
GetWindowTextLengthW = declare(_dll, "GetWindowTextLengthW", ctypes.c_int, HWND)
# https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-getwindowtextw
GetWindowTextW = declare(_dll, "GetWindowTextW", ctypes.c_int, HWND, LPWSTR, ctypes.c_int)
# https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-getwindowthreadprocessid
GetWindowThreadProcessId = declare(_dll, "GetWindowThreadProcessId", DWORD, HWND, _pointer(DWORD))
