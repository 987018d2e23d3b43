"""``THREADSTACK0`` and so on: a fixed place in the stack of a thread, as Cheat Engine counts from it.

A thread begins in a function of kernel32, which calls the program. Where that call returns to stands in
the stack at the same distance from what the program has in its first functions, wherever the stack
is. So the pointers that a pointer scan finds in stacks are written from there
(``GetStackStart`` in ``Cheat Engine/CEFuncProc.pas``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memaccess._errors import NotReadableError, SymbolNotFoundError

if TYPE_CHECKING:
    from memaccess._modules import Program
    from memaccess._records import Module

_NAME = re.compile("THREADSTACK([0-9]{0,9})", re.IGNORECASE | re.ASCII)
_SEARCHED = 4096
"""Bytes from the beginning of the stack on, as in Cheat Engine."""


def thread_in(name: str) -> int | None:
    """The number of the thread whose stack that name means; None where it is another name."""
    found = _NAME.fullmatch(name)
    return int(found[1] or "0") if found else None


def place_in_stack(program: Program, thread: int, kernel32: Module) -> int:
    """The place from which that thread's stack is counted.

    :raises SymbolNotFoundError: there is none.
    """
    base = program._stack_base(thread)
    if base is None:
        raise SymbolNotFoundError(f"there is no thread {thread} with a stack; the first one is thread 0")
    width = program.bitness // 8
    try:
        data = program.read(_SEARCHED, max(base, _SEARCHED) - _SEARCHED)
    except (NotReadableError, OverflowError):
        raise SymbolNotFoundError(f"the stack of thread {thread}, at 0x{base:x}, can't be read") from None
    for offset in range(_SEARCHED - width, -1, -width):
        pointer = int.from_bytes(data[offset : offset + width], "little")
        if kernel32.base <= pointer < kernel32.end:
            return base - _SEARCHED + offset
    raise SymbolNotFoundError(
        f"the stack of thread {thread} has no pointer into {kernel32.name} where it begins, at 0x{base:x}; "
        "a thread that has not run yet has none"
    )
