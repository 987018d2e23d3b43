"""Scans in files: to go on with them later, also in a program that was started anew.

A file begins with a line that says what it is. A line of JSON follows, with what the scan was for, of which program, and
where in the rest of the file its places and values are.
"""

from __future__ import annotations

import json
import operator
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from memaccess._arguments import checked_text, shown
from memaccess._scan._files import replacing
from memaccess._scan._values._blocks import NUMBER, Dense, Few, Generation, Grid, Sparse, Writer, numbers_of
from memaccess._scan._values._describing import described, kind_of
from memaccess._scan._values._store import Ref, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from memaccess._records import Module
    from memaccess._scan._comparing._kernels import Kernels
    from memaccess._scan._values._blocks import Block
    from memaccess._scan._values._kinds import Kind
    from memaccess._scan._values._states import Program, State
    from memaccess._types import DataModel

_MAGIC = b"memaccess scan 1\n"
_LONGEST = 1 << 24
"""Bytes of a block of which most places are hits; a scan makes no larger ones."""


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
        "grids": [list(generation.grid) for generation in last.generations],
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
    name, model = os.fspath(path), program.model
    with open(path, "rb") as file:
        if file.readline(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{name} is not a saved scan")
        try:
            header = json.loads(file.readline())
            width, is_of_it = _checked_count(header["model"][0]), header["model"] == list(model)
            if is_of_it:
                saved = _read(file, header, kernels, model, folder)
                moves = _moves(header["modules"], program.modules)
                identity = header["identity"]
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{name} is a damaged file of a scan: {error!r}") from None
    if not is_of_it:
        raise ValueError(
            f"the scan is of a {width * 8}-bit program, this one has {model.bitness} bits"
            if width != model.pointer_size
            else "the scan is of a program of another system, whose types have other sizes"
        )
    if restarted is None:
        restarted = identity != list(program.identity)
    return _restarted(saved, moves, kernels, folder) if restarted else saved


def _read(
    file: BinaryIO, header: dict[str, Any], kernels: Kernels, model: DataModel, folder: str | None
) -> Saved:
    """What the file has; what does not fit together is an error."""
    kinds = tuple(kind_of(each, model) for each in header["kinds"])
    grids = tuple(map(_grid, kinds, header["grids"]))
    reader = _Reader(file, Store(folder), kernels, model.address_limit)
    last = first = reader.generations(header["last"], grids)
    if header["first"] is not None:
        first = reader.generations(header["first"], grids)
        for some, earlier in zip(last, first, strict=True):
            _check_same_places(kernels, some, earlier)
    return Saved(dict(header["wished"]), kinds, last, first, checked_text("a step", header["what"]), 0)


def _restarted(saved: Saved, moves: list[_Move], kernels: Kernels, folder: str | None) -> Saved:
    """What is left of it in a program that was started anew."""
    last = first = tuple(_moved(each, moves, kernels, folder) for each in saved.last)
    if saved.first is not saved.last:
        first = tuple(_moved(each, moves, kernels, folder) for each in saved.first)
    lost = sum(each.count for each in saved.last) - sum(each.count for each in last)
    return saved._replace(last=last, first=first, lost=lost)


def _grid(kind: Kind, listed: list[Any]) -> Grid:
    width, step = map(_checked_count, listed)
    if width != kind.width or not step:
        raise ValueError(f"{kind.name} has {kind.width} bytes, not {width}, or has places {step} bytes apart")
    return Grid(width, step)


def _checked_count(number: Any) -> int:
    """A number of a file, where one is expected that is not negative and has no more bits than an address."""
    if type(number) is not int or not 0 <= number < 1 << 64:
        raise ValueError(f"{shown(number)} is not the number that it should be")
    return number


class _Reader:
    """Takes the parts of a file one after the other. What does not fit together is a ValueError."""

    def __init__(self, file: BinaryIO, store: Store, kernels: Kernels, limit: int) -> None:
        self._file = file
        self._store = store
        self._kernels = kernels
        self._limit = limit
        self._left = os.fstat(file.fileno()).st_size - file.tell()

    def generations(self, listed: list[Any], grids: tuple[Grid, ...]) -> tuple[Generation, ...]:
        return tuple(
            Generation(grid, list(self._blocks(grid, blocks)))
            for grid, blocks in zip(grids, listed, strict=True)
        )

    def _blocks(self, grid: Grid, listed: list[Any]) -> Iterator[Block]:
        free = 0
        for form, *numbers, places, values in listed:
            address, hits, count = map(_checked_count, numbers)
            if form == "dense":
                block, end = self._dense(grid, Dense(address, count, hits, self._part(places), b""))
            elif form == "sparse":
                block, end = self._sparse(Sparse(address, hits, self._store.put(self._data(places)), b""))
            else:
                raise ValueError(f"there are no blocks that are {shown(form)}")
            kept = bytes.fromhex(values) if isinstance(values, str) else self._part(values)
            size = grid.width * hits if form == "sparse" else grid.slots(b"", 0, count).size
            # Of values that did not change there may be more: those of an earlier step, before memory went away.
            if kept is None or (len(kept) != grid.width if isinstance(kept, bytes) else kept.size < size):
                raise ValueError(f"a block has other values than of the {size} bytes that it should have")
            last = address + (end - 1) * grid.step
            if address < free or last + grid.width > self._limit:
                raise ValueError(f"a block lies at 0x{address:x}, where it can't be")
            free = last + 1
            yield block._replace(values=kept)

    def _dense(self, grid: Grid, block: Dense) -> tuple[Block, int]:
        """A block, and the number of the place behind its last one."""
        if not block.places or grid.slots(b"", 0, block.places).size > _LONGEST:
            raise ValueError(f"a block has {block.places} places, {grid.step} bytes apart")
        hits = block.places
        if block.bits is not None:
            if block.bits.size != -(-block.places // 8):
                raise ValueError(f"{block.bits.size} bytes of bits are for {block.places} places")
            hits = self._kernels.count(self._kernels.from_bitmap(block.bits.load(), 0, block.places))
        if not hits or hits != block.hits:
            raise ValueError(f"a block has {hits} hits, not {block.hits}")
        return block, block.places

    def _sparse(self, block: Sparse) -> tuple[Block, int]:
        if not block.hits or block.numbers.size != NUMBER * block.hits:
            raise ValueError(f"{block.numbers.size} bytes number {block.hits} places")
        data = block.numbers.load()
        numbers = memoryview(data).cast("I")
        if not all(map(operator.lt, numbers, numbers[1:])):
            raise ValueError("the places of a block are out of order")
        return block, numbers[-1] + 1

    def _part(self, size: Any) -> Ref | None:
        return None if size is None else self._store.put(self._data(size))

    def _data(self, size: Any) -> bytes:
        if _checked_count(size) > self._left:
            raise ValueError(f"the file of a scan ends {size - self._left} bytes too early")
        self._left -= size
        return self._file.read(size)


def _check_same_places(kernels: Kernels, some: Generation, earlier: Generation) -> None:
    """Whether an earlier scan has all candidates of a later one.

    :raises ValueError: it has not; and so with LookupError and OverflowError.
    """
    for block in some.blocks:
        if not earlier.has(kernels, block.address, numbers_of(kernels, block)):
            raise ValueError("the first scan has not all that the last one has")


class _Move(NamedTuple):
    """A module of then, and how much further it is now."""

    start: int
    end: int
    distance: int


def _moves(modules: list[list[Any]], now: Sequence[Module]) -> list[_Move]:
    """The modules of then that are there now, in the same build."""
    known: dict[Any, list[int]] = {}
    for module in now:
        known.setdefault((module.name.lower(), module.size, module.timestamp), []).append(module.base)
    found = []
    for name, base, size, timestamp in modules:
        here = known.get((checked_text("a module", name).lower(), _checked_count(size), timestamp))
        if here:  # one that was loaded twice is taken for the first of its kind, the other for the second
            found.append(_Move(_checked_count(base), base + size, here.pop(0) - base))
    return found


def _moved(generation: Generation, moves: list[_Move], kernels: Kernels, folder: str | None) -> Generation:
    """The candidates that are in modules, where those are now."""
    grid = generation.grid
    parts = [part for block in generation.blocks for part in _parts(generation, block, moves, kernels)]
    writer = Writer(kernels, grid, None, Store(folder))
    for part in sorted(parts):  # modules may have changed places
        writer.add(part)
    return writer.finish()


def _parts(generation: Generation, block: Block, moves: list[_Move], kernels: Kernels) -> Iterator[Few]:
    step, width = generation.grid.step, generation.grid.width
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
