"""Constants of Windows, as flags of the parameter that takes them."""

from __future__ import annotations

import enum


class ProcessAccess(enum.IntFlag):
    """Rights of a process handle.

    https://learn.microsoft.com/windows/win32/procthread/process-security-and-access-rights
    """

    VM_OPERATION = 0x0008
    VM_READ = 0x0010
    VM_WRITE = 0x0020
    QUERY_INFORMATION = 0x0400
    SUSPEND_RESUME = 0x0800
    QUERY_LIMITED_INFORMATION = 0x1000
    SYNCHRONIZE = 0x100000


class ThreadAccess(enum.IntFlag):
    """Rights of a thread handle.

    https://learn.microsoft.com/windows/win32/procthread/thread-security-and-access-rights
    """

    GET_CONTEXT = 0x0008
    QUERY_INFORMATION = 0x0040


class PageProtection(enum.IntFlag):
    """Protection of pages.

    https://learn.microsoft.com/windows/win32/memory/memory-protection-constants
    """

    NOACCESS = 0x01
    READONLY = 0x02
    READWRITE = 0x04
    WRITECOPY = 0x08
    EXECUTE = 0x10
    EXECUTE_READ = 0x20
    EXECUTE_READWRITE = 0x40
    EXECUTE_WRITECOPY = 0x80
    GUARD = 0x100
    NOCACHE = 0x200
    WRITECOMBINE = 0x400


class MemoryState(enum.IntEnum):
    """State of pages, in MEMORY_BASIC_INFORMATION.

    https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-memory_basic_information
    """

    COMMIT = 0x1000
    RESERVE = 0x2000
    FREE = 0x10000


class MemoryType(enum.IntEnum):
    """Type of pages, in MEMORY_BASIC_INFORMATION."""

    PRIVATE = 0x20000
    MAPPED = 0x40000
    IMAGE = 0x1000000


class Allocation(enum.IntFlag):
    """How VirtualAllocEx allocates, and how VirtualFreeEx frees.

    https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualallocex
    """

    COMMIT = 0x1000
    RESERVE = 0x2000
    RELEASE = 0x8000


class Snapshot(enum.IntFlag):
    """What CreateToolhelp32Snapshot takes in.

    https://learn.microsoft.com/windows/win32/api/tlhelp32/nf-tlhelp32-createtoolhelp32snapshot
    """

    PROCESS = 0x2


class Wait(enum.IntEnum):
    """Results of WaitForSingleObject.

    https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-waitforsingleobject
    """

    TIMEOUT = 0x102
    FAILED = 0xFFFFFFFF


INVALID_HANDLE_VALUE = -1

LIST_MODULES_ALL = 3
"""Of both widths, for EnumProcessModulesEx.

https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-enumprocessmodulesex
"""

PROCESS_PROTECTION_LEVEL_INFO = 7
"""The class of GetProcessInformation that tells of protected processes.

https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocessinformation
"""
PROTECTION_LEVEL_NONE = 0xFFFFFFFE

PROCESS_BASIC_INFORMATION_CLASS = 0
"""What NtQueryInformationProcess is asked for.

https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntqueryinformationprocess
"""


CONTEXT_CONTROL = {4: 0x1_0001, 8: 0x10_0001}
"""The part of a thread's CONTEXT that says where it is, by the bytes of the caller's pointers.

https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-context
"""

THREAD_BASIC_INFORMATION_CLASS = 0
"""What NtQueryInformationThread is asked for.

https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntqueryinformationthread
"""


class SymbolOption(enum.IntFlag):
    """https://learn.microsoft.com/windows/win32/api/dbghelp/nf-dbghelp-symsetoptions"""

    UNDNAME = 0x2
    LOAD_LINES = 0x10
    FAIL_CRITICAL_ERRORS = 0x200
    EXACT_SYMBOLS = 0x400
    INCLUDE_32BIT_MODULES = 0x2000
    NO_PROMPTS = 0x80000


class SymbolTag(enum.IntEnum):
    """What a symbol is.

    https://learn.microsoft.com/visualstudio/debugger/debug-interface-access/symtagenum
    """

    FUNCTION = 5
    DATA = 7


class SymbolType(enum.IntEnum):
    """What kind of symbols a module has; those of a PDB are 3.

    https://learn.microsoft.com/windows/win32/api/dbghelp/ne-dbghelp-sym_type
    """

    NONE = 0
    EXPORT = 4
    DEFERRED = 5
    VIRTUAL = 8
