"""Which programs and libraries are loaded: those mapped files whose memory begins as an image does."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, TypeVar

from memaccess._backend.linux._maps import VDSO
from memaccess._elf import read_header
from memaccess._errors import BadImageError, SystemFailure
from memaccess._records import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memaccess._backend.linux._maps import Mapping
    from memaccess._image import Read

T = TypeVar("T")


def modules(read: Read, mappings: list[Mapping], program: str | None) -> list[Module]:
    """What is loaded, the program itself first, and the rest by their addresses.

    :param program: the file of the program, as far as it is known.
    """
    found = list(_images(read, mappings))
    return sorted(found, key=lambda module: (module.path != program, module.base))


def _images(read: Read, mappings: list[Mapping]) -> Iterator[Module]:
    code: dict[tuple[str, int] | str, list[int]] = {}
    for each in mappings:
        if each.is_executable:
            code.setdefault(each.source, []).append(each.start)
    ends: dict[tuple[str, int] | str, int] = {}
    for each in mappings:
        path = each.path if each.path == VDSO else each.file
        places = code.get(each.source)
        # Of a small file every part is mapped from its beginning, with what lies before it there.
        if each.offset or path is None or not places or each.start < ends.get(each.source, 0):
            continue
        header = header_at(read_header, read, each.start)
        if header is None:
            continue
        # A file that is only being read has no code of its own there.
        if any(each.start <= place < each.start + header.size for place in places):
            ends[each.source] = each.start + header.size
            entry = None if header.entry is None else each.start + header.entry
            yield Module(os.path.basename(path), path, each.start, header.size, entry, header.bitness)


def header_at(parse: Callable[[Read, int], T], read: Read, address: int) -> T | None:
    """What *parse* reads there; None where there is nothing of the kind.

    :raises SystemFailure: there is no process to ask any more.
    """
    try:
        return parse(read, address)
    except BadImageError:
        return None
    except SystemFailure as trouble:
        # Its modules must not seem to be few, only because it ends meanwhile.
        if trouble.errno in (errno.ESRCH, errno.EBADF):
            raise
        return None
