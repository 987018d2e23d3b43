"""Chains of pointers from modules to an address, as results of a search and in files."""

from __future__ import annotations

import bisect
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._arguments import shown
from memaccess._records import written
from memaccess._scan import _sweep
from memaccess._scan._files import TEXT_ERRORS, replacing
from memaccess._scan._monitor import Monitor
from memaccess._scan._pointers._collector import Collector
from memaccess._scan._pointers._search import chains
from memaccess._scan._search import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from memaccess._ranges import Range
    from memaccess._records import Module
    from memaccess._scan._area import Area
    from memaccess._scan._sweep import Memory

_FORMAT = "memaccess pointers 1"


class PointerChain(NamedTuple):
    """Pointers that lead from a module to an address.

    :meth:`MemoryView.find_pointers <memaccess.MemoryView.find_pointers>` finds them. A view takes a chain wherever an
    address is wanted, and ``str()`` is its address expression.
    """

    module: str
    """The module in which the first pointer is."""
    base: int
    """How many bytes behind the module's first byte that is."""
    offsets: tuple[int, ...]
    """What is added to each pointer, the first of them first."""

    @property
    def expression(self) -> str:
        """The address expression: ``'[[game.exe+2010]+8]+158'``."""
        text = f"{written(self.module)}+{self.base:X}"
        for offset in self.offsets:
            text = f"[{text}]{'-' if offset < 0 else '+'}{abs(offset):X}"
        return text

    def __str__(self) -> str:
        return self.expression

    def __repr__(self) -> str:
        return f"<PointerChain {self.expression}>"


PointerChain.__module__ = "memaccess.searching"


class Question(NamedTuple):
    """What chains are looked for."""

    target: int
    depth: int
    least: int
    most: int
    ends_with: tuple[int, ...]
    through_static: bool


def find_pointers(
    memory: Memory,
    area: Area,
    targets: Sequence[Range],
    modules: Sequence[tuple[Module, str]],
    width: int,
    question: Question,
    progress: Callable[[int, int], object] | None,
) -> Search[PointerChain]:
    """The chains that lead to the target, the shortest first.

    :param area: where pointers are looked for.
    :param targets: where pointers may point to: all memory there is.
    :param modules: where chains may begin, and what finds each of them again.
    """
    monitor = Monitor(area.size, progress)
    known = sorted((module.base, module.size, name) for module, name in modules)
    starts = [base for base, _, _ in known]

    def found() -> Iterator[PointerChain]:
        collector = Collector(8 if width == 8 else 4, targets)
        for piece in _sweep.sweep(memory, area.runs, 0, lambda: _sweep.copy_of, monitor):
            collector.add(piece.address, piece.data)
        for base, offsets in chains(
            collector,
            question.target,
            [(start, size) for start, size, _ in known],
            question.depth,
            question.most,
            min_offset=question.least,
            ends_with=question.ends_with,
            through_static=question.through_static,
            checkpoint=monitor.check_cancelled,
        ):
            start, _, name = known[bisect.bisect_right(starts, base) - 1]
            yield PointerChain(name, base - start, offsets)

    what = f"a chain of pointers to 0x{question.target:x}"
    bases = {name: start for start, _, name in known}
    return Search(what, found(), area, monitor, lambda chain: bases[chain.module] + chain.base)


def ends_of(
    module: Callable[[str], Module],
    read_each: Callable[[Sequence[tuple[int, int]]], Iterable[bytes | None]],
    width: int,
    given: Sequence[PointerChain],
) -> list[int | None]:
    """Where each chain leads now; None where it leads nowhere. Pointers that several have are read once."""
    bases = {name: _base_of(module, name) for name in {chain.module for chain in given}}
    limit = (1 << 8 * width) - width
    places: list[int | None] = []
    for chain in given:
        base = bases[chain.module]
        places.append(None if base is None else base + chain.base)
    for step in range(max((len(chain.offsets) for chain in given), default=0)):
        going = [index for index, chain in enumerate(given) if step < len(chain.offsets)]
        wanted = sorted(
            {place for place in map(places.__getitem__, going) if place is not None and 0 <= place <= limit}
        )
        found = zip(wanted, read_each([(width, place) for place in wanted]), strict=True)
        values = {place: int.from_bytes(data, "little") for place, data in found if data is not None}
        for index in going:
            value = values.get(places[index])  # type: ignore[arg-type]  # None leads nowhere
            places[index] = None if value is None else value + given[index].offsets[step]
    return places


def _base_of(module: Callable[[str], Module], name: str) -> int | None:
    try:
        return module(name).base
    except LookupError:
        return None


def save_pointers(path: str | os.PathLike[str], pointers: Iterable[PointerChain]) -> int:
    """Write chains of pointers to a file, a line for each.

    :param path: the file; one that is there is replaced once all is written.
    :param pointers: the chains: a search for them, or some of it.
    :returns: how many there are.
    :raises OSError: the file can't be written.

    >>> save_pointers('health.pointers', view.find_pointers(0x401000))
    1
    """
    count = 0
    with replacing(path) as file:
        file.write(_line(_FORMAT))
        for chain in pointers:
            file.write(_line([chain.module, chain.base, *chain.offsets]))
            count += 1
    return count


def _line(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", TEXT_ERRORS) + b"\n"


def load_pointers(path: str | os.PathLike[str]) -> list[PointerChain]:
    """The chains of pointers that a file has.

    :param path: what :func:`save_pointers` has written.
    :returns: the chains, in the same order.
    :raises OSError: the file can't be read.
    :raises ValueError: it is none of pointers, or is damaged.

    >>> save_pointers('health.pointers', view.find_pointers(0x401000))
    1
    >>> load_pointers('health.pointers')
    [<PointerChain [game.exe+2010]+0>]
    """
    found = []
    with open(path, encoding="utf-8", errors=TEXT_ERRORS) as file:
        try:
            if json.loads(file.readline()) != _FORMAT:
                raise ValueError("its first line is another")
            for line in file:
                found.append(_chain(*json.loads(line)))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{os.fspath(path)} is not a file of pointers: {error}") from None
    return found


def _chain(module: Any, base: Any, *offsets: Any) -> PointerChain:
    """The chain of a line.

    :raises ValueError: it is none; and so with TypeError.
    """
    numbers = (base, *offsets)
    if not isinstance(module, str) or not all(type(each) is int for each in numbers):
        raise ValueError(f"{shown([module, *numbers])} is no chain of pointers")
    if not 0 <= base < 1 << 64 or not all(-1 << 63 <= each < 1 << 63 for each in offsets):
        raise ValueError(
            f"{shown([module, *numbers])} has a number of more than 64 bits, or begins before its module"
        )
    return PointerChain(module, base, offsets)
