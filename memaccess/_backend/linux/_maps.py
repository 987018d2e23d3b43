"""What ``/proc/PID/maps`` says, as regions; pure.

https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memaccess._records import PAGE, Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memaccess._records import Kind

_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE = 1, 2
_DELETED = " (deleted)"
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
    def source(self) -> tuple[str, int] | str:
        """What tells that it shows the same file as another one, or the same of the kernel's own."""
        return self.identity if self.identity[1] else self.path

    @property
    def file(self) -> str | None:
        """The path of the file; None where it is none that has a path."""
        path = self.path.removesuffix(_DELETED)
        if not path.startswith("/"):
            return None
        return None if path != self.path and path.startswith(_NO_FILES) else path


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


def mapping_at(mappings: Iterable[Mapping], address: int) -> Mapping | None:
    """The mapping that has that address."""
    return next((each for each in mappings if each.start <= address < each.end), None)


def regions(mappings: list[Mapping], address: int, end: int) -> Iterator[Region]:
    """The regions from the page of *address* on, what is free between them too.

    :param end: where the program's addresses end.
    """
    images = {each.identity for each in mappings if each.is_executable and each.identity[1]}
    position = address // PAGE * PAGE
    allocation: Mapping | None = None
    for each in mappings:
        if allocation is None or not each.identity[1] or allocation.identity != each.identity:
            allocation = each
        if each.end <= position or each.start >= end:
            continue
        if position < each.start:
            yield _free(position, each.start)
            position = each.start
        is_image = each.identity in images or each.path == VDSO
        yield _region(each, position, allocation, is_image=is_image)
        position = each.end
    if position < end:
        yield _free(position, end)


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
        protection=_protection(rights),
        allocation_base=allocation.start,
        allocation_protection=_protection(allocation.rights),
        raw_kind=_MAP_SHARED if rights[3] == "s" else _MAP_PRIVATE,
    )


def _kind(mapping: Mapping, *, is_image: bool) -> Kind:
    if is_image:
        return "image"
    return "mapped" if mapping.identity[1] or mapping.rights[3] == "s" else "private"


def _protection(rights: str) -> int:
    bits = (("r", _PROT_READ), ("w", _PROT_WRITE), ("x", _PROT_EXEC))
    return sum(bit for letter, bit in bits if letter in rights)
