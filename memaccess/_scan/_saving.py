"""Scans in files: to go on with them later, also in a program that was started anew.

A file begins with a line that says what it is. A line of JSON follows, with what the scan was for, of which program, and
where in the rest of the file its places and values are.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._scan._blocks import NUMBER, Dense, Few, Generation, Layout, Sparse, Writer, numbers_of
from memaccess._scan._describing import described, kind_of
from memaccess._scan._files import replacing
from memaccess._scan._store import Ref, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from memaccess._records import Module
    from memaccess._scan._blocks import Block
    from memaccess._scan._kernels import Kernels
    from memaccess._scan._kinds import Kind
    from memaccess._scan._states import Program, State
    from memaccess._types import DataModel

_MAGIC = b"memaccess scan 1\n"


class Saved(NamedTuple):
    """What a file has."""

    wished: dict[str, Any]
    kinds: tuple[Kind, ...]
    last: tuple[Generation, ...]
    first: tuple[Generation, ...]
    what: str
    lost: int
    """Hits that have no place in the program that runs now."""


def save(
    path: str | os.PathLike[str], program: Program, wished: dict[str, Any], last: State, first: State
) -> None:
    """Write a scan to a file.

    :raises OSError: it can't be written.
    """
    refs: list[Ref] = []
    is_first = all(one is other for one, other in zip(last.generations, first.generations, strict=True))
    header = {
        "wished": wished,
        "model": list(program.model),
        "identity": list(program.identity),
        "modules": [[each.name, each.base, each.size, each.timestamp] for each in program.modules],
        "kinds": [described(kind) for kind in last.kinds],
        "layouts": [list(generation.layout) for generation in last.generations],
        "what": last.what,
        "last": [_listed(generation, refs) for generation in last.generations],
        "first": None if is_first else [_listed(generation, refs) for generation in first.generations],
    }
    with replacing(path) as file:
        file.write(_MAGIC)
        file.write(json.dumps(header).encode() + b"\n")
        for ref in refs:
            file.write(ref.load())


def _listed(generation: Generation, refs: list[Ref]) -> list[Any]:
    """Its blocks, with the numbers of their parts in the file."""

    def part(data: Ref | bytes | None) -> Any:
        if data is None or isinstance(data, bytes):
            return None if data is None else data.hex()
        refs.append(data)
        return data.size

    found = []
    for block in generation.blocks:
        if isinstance(block, Dense):
            found.append(
                ["dense", block.address, block.hits, block.places, part(block.bits), part(block.values)]
            )
        else:
            found.append(["sparse", block.address, block.hits, 0, part(block.numbers), part(block.values)])
    return found


def load(
    path: str | os.PathLike[str],
    program: Program,
    kernels: Kernels,
    folder: str | None,
    restarted: bool | None,
) -> Saved:
    """Read a scan from a file; in a program that was started anew, its places in modules.

    :param restarted: whether it was; None to have its identity tell.
    :raises OSError: the file can't be read.
    :raises ValueError: it is no such file, or of a program of another width.
    """
    with open(path, "rb") as file:
        if file.readline(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{os.fspath(path)} is not a saved scan")
        try:
            header = json.loads(file.readline())
            width, *_ = model = header["model"]
            if model == list(program.model):
                saved = _read(file, header, program.model, folder)
            moves = _moves(header["modules"], program.modules)
            is_same = header["identity"] == list(program.identity)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f"{os.fspath(path)} is a damaged file of a scan: {error!r}") from None
    if model != list(program.model):
        raise ValueError(_of_another_program(width, program.model))
    if not (not is_same if restarted is None else restarted):
        return saved
    last = tuple(_moved(each, moves, kernels, folder) for each in saved.last)
    first = last
    if saved.first is not saved.last:
        first = tuple(_moved(each, moves, kernels, folder) for each in saved.first)
    lost = sum(each.count for each in saved.last) - sum(each.count for each in last)
    return saved._replace(last=last, first=first, lost=lost)


def _of_another_program(width: Any, model: DataModel) -> str:
    if width != model.pointer_size:
        return f"the scan is of a {width * 8}-bit program, this one has {model.bitness} bits"
    return "the scan is of a program of another system, whose types have other sizes"


def _read(file: BinaryIO, header: dict[str, Any], model: DataModel, folder: str | None) -> Saved:
    kinds = tuple(kind_of(each, model) for each in header["kinds"])
    layouts = tuple(Layout(*map(int, each)) for each in header["layouts"])
    reader = _Reader(file, Store(folder))
    last = reader.generations(header["last"], layouts)
    first = last if header["first"] is None else reader.generations(header["first"], layouts)
    return Saved(dict(header["wished"]), kinds, last, first, str(header["what"]), 0)


class _Reader:
    """Takes the parts of a file one after the other."""

    def __init__(self, file: BinaryIO, store: Store) -> None:
        self._file = file
        self._store = store

    def generations(self, listed: list[Any], layouts: tuple[Layout, ...]) -> tuple[Generation, ...]:
        return tuple(
            Generation(layout, [self._block(each) for each in blocks])
            for layout, blocks in zip(layouts, listed, strict=True)
        )

    def _block(self, listed: list[Any]) -> Block:
        form, address, hits, places, numbers, values = listed
        kept = None if numbers is None else self._part(numbers)
        content = bytes.fromhex(values) if isinstance(values, str) else self._part(values)
        if form == "dense":
            return Dense(int(address), int(places), int(hits), kept, content)
        if kept is None:
            raise TypeError("a block has no places")
        return Sparse(int(address), int(hits), kept, content)

    def _part(self, size: int) -> Ref:
        data = self._file.read(size)
        if len(data) < size:
            raise ValueError(f"the file of a scan ends {size - len(data)} bytes too early")
        return self._store.put(data)


class _Move(NamedTuple):
    """A module of then, and how much further it is now."""

    start: int
    end: int
    distance: int


def _moves(modules: list[list[Any]], now: Sequence[Module]) -> list[_Move]:
    """The modules of then that are there now, in the same build."""
    known = {(module.name.lower(), module.size, module.timestamp): module.base for module in reversed(now)}
    found = []
    for name, base, size, timestamp in modules:
        here = known.get((name.lower(), size, timestamp))
        if here is not None:
            found.append(_Move(base, base + size, here - base))
    return found


def _moved(generation: Generation, moves: list[_Move], kernels: Kernels, folder: str | None) -> Generation:
    """The candidates that are in modules, where those are now."""
    layout = generation.layout
    parts = [part for block in generation.blocks for part in _parts(generation, block, moves, kernels)]
    writer = Writer(kernels, layout, None, Store(folder))
    for part in sorted(parts):  # modules may have changed places
        writer.add(part)
    return writer.finish()


def _parts(generation: Generation, block: Block, moves: list[_Move], kernels: Kernels) -> Iterator[Few]:
    step, width = generation.layout.step, generation.layout.width
    numbers = values = None
    for start, end, distance in moves:
        if numbers is None:
            numbers = numbers_of(kernels, block)
        first, stop = kernels.between(
            numbers,
            max(-(-(start - block.address) // step), 0),
            max(-(-(end - width + 1 - block.address) // step), 0),
        )
        if first < stop:
            if values is None:
                values = generation.values_at(kernels, block, numbers)
            here = numbers[NUMBER * first : NUMBER * stop]
            skipped = int.from_bytes(here[:NUMBER], "little")
            yield Few(
                block.address + skipped * step + distance,
                stop - first,
                kernels.shift(here, -skipped),
                values[width * first : width * stop],
            )
