"""Programs of Windows as Linux sees them: Wine maps their files, and tells Linux nothing else.

The first page of a program or DLL is mapped from the beginning of its file. Its sections are mapped from the
file only where that has them page by page; those of most programs have their own alignment, and lie in
memory without a name (``map_image_into_view`` in Wine's dlls/ntdll/unix/virtual.c).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from memaccess._backend.linux._maps import Span, found_at
from memaccess._backend.linux._modules import header_at
from memaccess._errors import SystemFailure
from memaccess._pe import Header, read_header
from memaccess._records import Module, whole_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memaccess._backend.linux._maps import Mapping
    from memaccess._image import Read

_LOADER = "ntdll.dll"
"""What is mapped into every program of Windows, before the program itself."""
_API_SETS = ("apisetschema.dll", b".apiset")
"""The file and the section of the table of API sets (``load_apiset_dll`` in Wine's dlls/ntdll/unix/loader.c)."""
_SELF = {64: 0x30, 32: 0x18}
"""Where an environment block has its own address (``NT_TIB`` in Wine's include/winnt.h)."""
_WOW_TEB_OFFSET = 0x180C
"""Where a 64-bit one has the distance to its 32-bit twin (``WowTebOffset`` in Wine's include/winternl.h)."""
_LONGEST_COMM = 15
"""Bytes of a program's name that the kernel keeps."""
_PROGRAM = ".exe"


class Image(NamedTuple):
    """A program or DLL that is mapped as one."""

    mapping: Mapping
    """Its first page."""
    path: str
    header: Header

    @property
    def base(self) -> int:
        return self.mapping.start

    @property
    def end(self) -> int:
        return self.base + whole_pages(self.header.size)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def may_be_windows(loader: str | None, comm: str, words: list[str]) -> bool:
    """Whether a process may run a program of Windows: what can be told without its memory map.

    :param loader: the file that Linux takes for its program; None where that is not known.
    :param comm: what it calls itself.
    :param words: its command line.
    """
    return (
        loader is None
        or "wine" in os.path.basename(loader).lower()
        or any(name.lower().endswith(_PROGRAM) for name in (comm, called(words)))
    )


def images(read: Read, mappings: Sequence[Mapping]) -> Iterator[Image]:
    """The programs and DLLs of Windows that are mapped, by their addresses."""
    for each in mappings:
        path = each.file
        if each.offset or path is None:
            continue
        header = header_at(read_header, read, each.start)
        if header is not None and _is_laid_out(header, each, mappings):
            yield Image(each, path, header)


def _is_laid_out(header: Header, first: Mapping, mappings: Sequence[Mapping]) -> bool:
    """Whether the sections lie where the program wants them, and not as in the file that is only being read."""
    if first.is_shared:
        return False
    for section in header.sections_in_file:
        place = first.start + section.offset
        found = found_at(mappings, place)
        if section.file_size and section.file_offset != section.offset:
            # Then the file itself goes on at that place, or it is too short, and something else is there.
            is_file = found is not None and found.identity == first.identity
            if is_file and found is not None and found.offset + place - found.start == section.offset:
                return False
        elif section.is_code and (found is None or not found.is_executable):
            return False
    return True


def is_windows(found: Sequence[Image]) -> bool:
    """Whether those are mapped into a program of Windows."""
    return any(each.name.lower() == _LOADER for each in found)


def program(found: Sequence[Image], comm: str, words: list[str]) -> Image | None:
    """The program itself among what is mapped; None where it is not there yet.

    A program may map others, and call itself as it likes.

    :param comm: what it calls itself.
    :param words: its command line.
    """
    programs = [each for each in found if not each.header.is_dll]
    wanted = called(words).lower()
    told = comm.lower()
    ranks: tuple[Callable[[str], bool], ...] = (
        lambda name: name.lower() == wanted,
        lambda name: name.lower().removesuffix(_PROGRAM) == wanted,
        lambda name: _cut(name).lower() == told,
        lambda name: name.lower().endswith(_PROGRAM),
    )
    for is_meant in ranks:
        for each in programs:
            if is_meant(each.name):
                return each
    return programs[0] if programs else None


def _cut(name: str) -> str:
    """What the kernel keeps of a name, which may end within a letter."""
    return os.fsdecode(os.fsencode(name)[:_LONGEST_COMM])


def called(words: list[str]) -> str:
    """The file name that a command line begins with, as Windows writes paths, or as Linux does."""
    return words[0].replace("\\", "/").rpartition("/")[2] if words else ""


def modules(found: Sequence[Image], program_base: int | None) -> list[Module]:
    """What the program has loaded: itself first, and the rest by their addresses."""
    return [_module(each) for each in sorted(found, key=lambda each: (each.base != program_base, each.base))]


def _module(image: Image) -> Module:
    header = image.header
    entry = None if header.entry is None else image.base + header.entry
    return Module(image.name, image.path, image.base, header.size, entry, header.bitness, header.timestamp)


def spans(found: Sequence[Image]) -> list[Span]:
    """Where they lie."""
    return [Span(each.mapping, each.end) for each in found]


def stack_base(read: Read, block: int, bitness: int, native_bitness: int) -> int | None:
    """Where the stack of a thread begins; None where it is no thread of Windows.

    Wine keeps the address of the thread's environment block (TEB) where Windows does
    (``signal_init_thread`` in dlls/ntdll/unix/signal_x86_64.c and signal_i386.c).

    :param block: what may be that address.
    :param bitness: how wide the program is; and its process for Linux.
    """
    width = bitness // 8
    try:
        if _word(read, block + _SELF[native_bitness], native_bitness // 8) != block:
            return None
        if bitness < native_bitness:
            block += _word(read, block + _WOW_TEB_OFFSET, 4)
        return _word(read, block + width, width) or None
    except SystemFailure:
        return None


def _word(read: Read, address: int, width: int) -> int:
    return int.from_bytes(read(width, address), "little")


def api_sets(read: Read, mappings: Sequence[Mapping]) -> int | None:
    """Where the table of API sets is; None where Wine has mapped none."""
    name, wanted = _API_SETS
    for each in mappings:
        if each.offset or os.path.basename(each.file or "").lower() != name:
            continue
        header = header_at(read_header, read, each.start)
        for section in header.sections_in_file if header is not None else ():
            if section.name == wanted:
                return each.start + section.file_offset  # it is mapped as a file, not as a DLL
    return None
