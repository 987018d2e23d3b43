"""What systems tell and users are given, as records."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

State = Literal["committed", "reserved", "free"]
Kind = Literal["private", "mapped", "image"]

PAGE = 4096
"""Bytes of a page: what may be done with memory never changes within one."""


def whole_pages(size: int) -> int:
    """The bytes of all pages that so many bytes need."""
    return -(-size // PAGE) * PAGE


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
    """The protection as the operating system writes it; ``PAGE_*`` on Windows, ``PROT_*`` on Linux. 0 where there is none."""
    allocation_base: int = 0
    """Where the allocation begins that it is a part of: a DLL, a heap, a stack. 0 where it is free."""
    allocation_protection: int = 0
    """The protection that the allocation was made with, as the operating system writes it."""
    raw_state: int = 0
    """The state as the operating system writes it; ``MEM_COMMIT`` and the like on Windows, 0 on Linux."""
    raw_kind: int = 0
    """The kind as the operating system writes it; ``MEM_PRIVATE`` and the like on Windows, ``MAP_SHARED`` or
    ``MAP_PRIVATE`` on Linux."""

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


class PartialRead(NamedTuple):
    """What could be read of a range of memory, and what could not."""

    address: int
    """Where the range begins."""
    data: bytes
    """All of the range, with zeros where nothing could be read."""
    missing: tuple[tuple[int, int], ...]
    """The parts that could not be read, each as its address and its size in bytes, in order."""

    @property
    def is_complete(self) -> bool:
        """Whether all of it could be read."""
        return not self.missing

    def __repr__(self) -> str:
        holes = ", ".join(f"{size} at 0x{address:x}" for address, size in self.missing)
        return f"<PartialRead of {len(self.data)} bytes at 0x{self.address:x}, missing: {holes or 'none'}>"

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        r"""The parts that could be read.

        :returns: an iterator over their addresses and their bytes, in order.

        >>> [(hex(address), data) for address, data in view.read_available(4, 0x401FFE).pieces()]
        [('0x401ffe', b'\x00\x00')]
        """
        position = self.address
        for address, size in (*self.missing, (self.address + len(self.data), 0)):
            if address > position:
                yield position, self.data[position - self.address : address - self.address]
            position = address + size


class Module(NamedTuple):
    """A program or DLL that is loaded into a program."""

    name: str
    """File name, such as ``'kernel32.dll'``."""
    path: str
    """The file with its folder."""
    base: int
    """Address of its first byte."""
    size: int
    """Bytes that it takes in memory."""
    entry: int | None
    """Address at which it begins to run; None where it has no such code."""
    bitness: int | None
    """32 or 64; None where its header can't be read."""
    timestamp: int | None = None
    """When it was linked, or another number that tells its builds apart, as its header says; None
    where that can't be read."""

    @property
    def end(self) -> int:
        """Address of the first byte behind it."""
        return self.base + self.size

    def __repr__(self) -> str:
        return f"<Module {self.name!r} at 0x{self.base:x}-0x{self.end:x}>"


class Export(NamedTuple):
    """Something that a module offers to others: a function, or data."""

    name: str | None
    """Its name; None where it has only a number."""
    ordinal: int
    """Its number in the module."""
    address: int | None
    """Where it is; None where it is in another module."""
    forwarder: str | None
    """Where it is instead, such as ``'NTDLL.RtlAllocateHeap'``."""


_HEXADECIMAL = frozenset("0123456789abcdef")
_PUNCTUATION = frozenset("_.?@$~:")


def written(name: str) -> str:
    """The name of a module or a symbol as an address expression has it: quoted where it has to be."""
    plain = name and all(letter.isalnum() or letter in _PUNCTUATION for letter in name)
    like_a_number = set(name.lower().removeprefix("0x").removeprefix("$")) <= _HEXADECIMAL
    return name if plain and not like_a_number else f'"{name}"'


def written_symbol(name: str) -> str:
    """The name of a symbol as it stands behind its module: digits alone are no number there."""
    plain = set(name.lower()) <= _HEXADECIMAL or (name[:1] == "#" and name[1:].isdecimal())
    return name if plain and name else written(name)


def qualified(module: str, symbol: str) -> str:
    """A module's symbol as an address expression has it."""
    return f"{written(module)}!{written_symbol(symbol)}"


def without_version(name: str) -> str:
    """A module's name without the numbers of a library of Linux, as in ``libc.so.6``."""
    start, so, version = name.rpartition(".so.")
    return f"{start}.so" if so and version.replace(".", "").isdecimal() else name


def stem(name: str) -> str:
    """A module's name as symbols are written with it: without the ending of a DLL or a library."""
    name = without_version(name)
    start, dot, ending = name.rpartition(".")
    return start if dot and start and ending.lower() in ("dll", "so") else name


class Symbol(NamedTuple):
    """A place in a module, by the nearest name before it.

    ``str()`` is its :attr:`expression`.
    """

    module: Module
    """The module that it is in."""
    name: str | None
    """The name, or ``'#'`` and the ordinal of an export without one; None where there is none before it."""
    offset: int
    """How many bytes behind the name it is, or behind the module's first byte where there is no name."""
    expression: str
    """The place as an address expression, which a view takes: by the name where that leads back."""

    def __str__(self) -> str:
        return self.expression

    def __repr__(self) -> str:
        return f"<Symbol {self}>"


class SourceLine(NamedTuple):
    """A line of source code, as debug symbols tell it."""

    file: str
    """The file as the compiler was given it."""
    line: int
    """Its number, counted from 1."""
    address: int
    """Where its code begins."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Access(enum.Flag):
    """What a view may do to a program's memory."""

    READ = enum.auto()
    WRITE = enum.auto()


class ProcessInfo(NamedTuple):
    """A running program, as the system lists it."""

    pid: int
    name: str
    """File name of the program, such as ``'game.exe'``."""
    path: str | None
    """The program's file with its folder; None where the system does not tell this user."""
    parent_pid: int
    """Pid of the process that started it; that one may be gone, and the pid taken anew."""
    bitness: int | None
    """32 or 64; None where the system does not tell this user."""


class WindowInfo(NamedTuple):
    """A top-level window on the screen."""

    title: str
    pid: int
