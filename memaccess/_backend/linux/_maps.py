"""What ``/proc/PID/maps`` says, as regions; pure.

https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
"""

from __future__ import annotations

import bisect
import operator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from memaccess._records import PAGE, Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memaccess._records import Kind

_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE = 1, 2
DELETED = " (deleted)"
"""Behind the path of a file that is not there any more."""
VDSO = "[vdso]"
"""The library that the kernel maps into every program."""
_NO_FILES = ("/dev/zero", "/memfd:", "/SYSV", "/dev/shm/", "/anon_hugepage")
"""How memory that programs share begins where it is no file that one could open."""


class Mapping(NamedTuple):
    """A line: pages that were mapped with the same rights."""

    start: int
    end: int
    rights: str
    """As ``r-xp``: what may be done there, and ``s`` where other programs share it."""
    offset: int
    """Where in the file it begins."""
    identity: tuple[str, int]
    """The device and the inode of the file; the inode is 0 where there is none."""
    path: str
    """Of the file; or what the kernel calls it, as ``[heap]``; or ``''``."""

    @property
    def is_executable(self) -> bool:
        return self.rights[2] == "x"

    @property
    def is_shared(self) -> bool:
        return self.rights[3] == "s"

    @property
    def source(self) -> tuple[str, int] | str:
        """What tells that it shows the same file as another one, or the same of the kernel's own."""
        return self.identity if self.identity[1] else self.path

    @property
    def file(self) -> str | None:
        """The path of the file; None where it is none that has a path."""
        path = self.path.removesuffix(DELETED)
        if not path.startswith("/"):
            return None
        return None if path != self.path and path.startswith(_NO_FILES) else path


class Span(NamedTuple):
    """Mappings that are one program or DLL, though not all of them show its file."""

    first: Mapping
    end: int

    @property
    def start(self) -> int:
        return self.first.start


def parse(text: str) -> list[Mapping]:
    """The mappings, from the lowest address to the highest."""
    found = []
    for line in text.split("\n"):  # names may have what else Python takes for an end of a line
        if not line:
            continue
        addresses, rights, offset, device, inode, *path = line.split(" ", 5)
        start, end = addresses.split("-")
        found.append(
            Mapping(
                int(start, 16),
                int(end, 16),
                rights,
                int(offset, 16),
                (device, int(inode)),
                # The kernel writes a line break in a name so.
                path[0].lstrip(" ").replace("\\012", "\n") if path else "",
            )
        )
    return found


T = TypeVar("T", Mapping, Span)

_start = operator.attrgetter("start")


def found_at(places: Sequence[T], address: int) -> T | None:
    """The one that has that address, of several in order."""
    place = bisect.bisect_right(places, address, key=_start) - 1
    return places[place] if place >= 0 and address < places[place].end else None


def regions(
    mappings: Sequence[Mapping], address: int, end: int, spans: Sequence[Span] = ()
) -> Iterator[Region]:
    """The regions from the page of *address* on, what is free between them too.

    :param end: where the program's addresses end.
    :param spans: what else is an image than the files that are run, in order.
    """
    last: Region | None = None
    for each in _pieces(mappings, address, end, spans):
        if last is not None and _go_on(last, each):
            last = last._replace(size=each.end - last.base)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last


def _go_on(first: Region, second: Region) -> bool:
    """Whether neighbours are one region: the kernel has several lines for some pages of the same attributes."""
    return (first.allocation_base, first.protection, first.kind, first.raw_kind) == (
        second.allocation_base,
        second.protection,
        second.kind,
        second.raw_kind,
    )


def _pieces(mappings: Sequence[Mapping], address: int, end: int, spans: Sequence[Span]) -> Iterator[Region]:
    """The same, line by line."""
    images = {each.identity for each in mappings if each.is_executable and each.identity[1]}
    position = address // PAGE * PAGE
    allocation: Mapping | None = None
    for each in _cut(mappings, spans):
        span = found_at(spans, each.start)
        if span is not None:
            allocation = span.first
        elif allocation is None or not each.identity[1] or allocation.identity != each.identity:
            allocation = each
        if each.end <= position or each.start >= end:
            continue
        if position < each.start:
            yield _free(position, each.start)
            position = each.start
        is_image = span is not None or each.identity in images or each.path == VDSO
        yield _region(each, position, allocation, is_image=is_image)
        position = each.end
    if position < end:
        yield _free(position, end)


def _cut(mappings: Iterable[Mapping], spans: Sequence[Span]) -> Iterator[Mapping]:
    """The mappings, in pieces where a span ends inside of one: neighbours without a file are one line."""
    for each in mappings:
        rest = each
        while (span := found_at(spans, rest.start)) is not None and span.end < rest.end:
            yield rest._replace(end=span.end)
            rest = rest._replace(start=span.end, offset=rest.offset + span.end - rest.start)
        yield rest


def _free(start: int, end: int) -> Region:
    return Region(
        start,
        end - start,
        "free",
        None,
        readable=False,
        writable=False,
        executable=False,
        guarded=False,
        protection=0,
    )


def _region(mapping: Mapping, start: int, allocation: Mapping, *, is_image: bool) -> Region:
    rights = mapping.rights
    return Region(
        base=start,
        size=mapping.end - start,
        state="committed",
        kind=_kind(mapping, is_image=is_image),
        readable=rights[0] == "r",
        writable=rights[1] == "w",
        executable=rights[2] == "x",
        guarded=False,
        protection=protection(rights),
        allocation_base=allocation.start,
        allocation_protection=protection(allocation.rights),
        raw_kind=_MAP_SHARED if mapping.is_shared else _MAP_PRIVATE,
    )


def _kind(mapping: Mapping, *, is_image: bool) -> Kind:
    if is_image:
        return "image"
    return "mapped" if mapping.identity[1] or mapping.is_shared else "private"


def protection(rights: str) -> int:
    """The PROT_ bits of rights."""
    bits = (("r", _PROT_READ), ("w", _PROT_WRITE), ("x", _PROT_EXEC))
    return sum(bit for letter, bit in bits if letter in rights)
