"""Live access to the memory of another program."""

from memaccess._errors import (
    AddressSyntaxError,
    AmbiguousProcessError,
    AmbiguousSymbolError,
    BadImageError,
    BrokenChainError,
    ClosedViewError,
    MemoryAccessError,
    MissingRightError,
    NotReadableError,
    NotWritableError,
    PartialReadError,
    PartialWriteError,
    ProcessDeniedError,
    ProcessNotFoundError,
    ProcessOpenError,
    ProcessProtectedError,
    SymbolNotFoundError,
    TargetExitedError,
    UnterminatedStringError,
    WrongBitnessError,
)
from memaccess._map import Allocation, Protection
from memaccess._names import AddressExpression
from memaccess._processes import (
    find_process,
    find_processes,
    find_window,
    list_processes,
    list_windows,
    wait_for_process,
)
from memaccess._records import Export, Module, PartialRead, ProcessInfo, Region, Symbol, WindowInfo
from memaccess._view import MemoryView

__version__ = "0.1.0"

__all__ = [
    "AddressExpression",
    "AddressSyntaxError",
    "Allocation",
    "AmbiguousProcessError",
    "AmbiguousSymbolError",
    "BadImageError",
    "BrokenChainError",
    "ClosedViewError",
    "Export",
    "MemoryAccessError",
    "MemoryView",
    "MissingRightError",
    "Module",
    "NotReadableError",
    "NotWritableError",
    "PartialRead",
    "PartialReadError",
    "PartialWriteError",
    "ProcessDeniedError",
    "ProcessInfo",
    "ProcessNotFoundError",
    "ProcessOpenError",
    "ProcessProtectedError",
    "Protection",
    "Region",
    "Symbol",
    "SymbolNotFoundError",
    "TargetExitedError",
    "UnterminatedStringError",
    "WindowInfo",
    "WrongBitnessError",
    "find_process",
    "find_processes",
    "find_window",
    "list_processes",
    "list_windows",
    "wait_for_process",
]
