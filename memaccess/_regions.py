"""A stretch of a program's address space, and what the memory in it is."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["committed", "reserved", "free"]
Kind = Literal["private", "mapped", "image"]

PAGE = 4096
"""Bytes of a page: what may be done with memory never changes within one."""


class AddressSpace(NamedTuple):
    """Where a program can have memory."""

    lowest: int
    """Below it nothing is ever mapped: an address there is a null pointer, or one plus an offset."""
    end: int
    """One past the highest address."""


class Region(NamedTuple):
    """Neighbouring pages with the same attributes."""

    base: int
    """Address of the first byte."""
    size: int
    """Length in bytes."""
    state: State
    """``'committed'`` (there is memory), ``'reserved'`` (only the addresses are taken) or ``'free'``."""
    kind: Kind | None
    """``'private'``, ``'mapped'`` (a file's or shared memory), ``'image'`` (a program's or a DLL's), or
    None where it is free."""
    readable: bool
    writable: bool
    executable: bool
    guarded: bool
    """The next touch raises an alarm in the program: the end of a growing stack, usually."""
    protection: int
    """The protection as the operating system writes it; ``PAGE_*`` on Windows. 0 where there is none."""

    @property
    def end(self) -> int:
        """Address of the first byte behind it."""
        return self.base + self.size

    @property
    def rights(self) -> str:
        """What the program may do there, as ``'rwx'`` with ``-`` for what it may not."""
        rights = ((self.readable, "r"), (self.writable, "w"), (self.executable, "x"))
        return "".join(letter if allowed else "-" for allowed, letter in rights)

    def __repr__(self) -> str:
        return f"<Region {self}>"

    def __str__(self) -> str:
        what: list[str] = [self.state]
        if self.state == "committed":
            what += [self.rights, *(["guarded"] if self.guarded else [])]
        if self.kind:
            what.append(self.kind)
        return f"0x{self.base:x}-0x{self.end:x} ({' '.join(what)})"
