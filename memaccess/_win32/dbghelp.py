"""Functions of dbghelp.dll, which is loaded when it is first asked for.

None of them may run while another does, in whatever thread.
https://learn.microsoft.com/windows/win32/debug/dbghelp-functions
"""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes

from memaccess._win32._declare import declare, load, nonzero
from memaccess._win32._structures import IMAGEHLP_LINEW64, IMAGEHLP_MODULEW64
from memaccess._win32._types import BOOL, DWORD, HANDLE, LPWSTR, PVOID, ULONG64

_dll = load("dbghelp")
_pointer = ctypes.POINTER

# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symsetoptions
SymSetOptions = declare(_dll, "SymSetOptions", DWORD, DWORD)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-syminitializew
SymInitializeW = declare(_dll, "SymInitializeW", BOOL, HANDLE, LPWSTR, BOOL, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symcleanup
SymCleanup = declare(_dll, "SymCleanup", BOOL, HANDLE, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symgetsearchpathw
SymGetSearchPathW = declare(_dll, "SymGetSearchPathW", BOOL, HANDLE, LPWSTR, DWORD, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symsetsearchpathw
SymSetSearchPathW = declare(_dll, "SymSetSearchPathW", BOOL, HANDLE, LPWSTR, check=nonzero)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symloadmoduleexw
SymLoadModuleExW = declare(
    _dll, "SymLoadModuleExW", ULONG64, HANDLE, HANDLE, LPWSTR, LPWSTR, ULONG64, DWORD, PVOID, DWORD
)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symunloadmodule64
SymUnloadModule64 = declare(_dll, "SymUnloadModule64", BOOL, HANDLE, ULONG64)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symgetmoduleinfow64
SymGetModuleInfoW64 = declare(
    _dll, "SymGetModuleInfoW64", BOOL, HANDLE, ULONG64, _pointer(IMAGEHLP_MODULEW64), check=nonzero
)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symfromnamew
SymFromNameW = declare(_dll, "SymFromNameW", BOOL, HANDLE, LPWSTR, PVOID)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nc-dbghelp-psym_enumeratesymbols_callbackw
SYMENUMERATESYMBOLSPROC = ctypes.WINFUNCTYPE(BOOL, PVOID, DWORD, PVOID)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symenumsymbolsw
SymEnumSymbolsW = declare(
    _dll, "SymEnumSymbolsW", BOOL, HANDLE, ULONG64, LPWSTR, SYMENUMERATESYMBOLSPROC, PVOID
)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symfromaddrw
SymFromAddrW = declare(_dll, "SymFromAddrW", BOOL, HANDLE, ULONG64, _pointer(ULONG64), PVOID)
# https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symgetlinefromaddrw64
SymGetLineFromAddrW64 = declare(
    _dll, "SymGetLineFromAddrW64", BOOL, HANDLE, ULONG64, _pointer(DWORD), _pointer(IMAGEHLP_LINEW64)
)
