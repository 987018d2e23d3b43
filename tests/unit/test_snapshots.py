"""Snapshots: what is taken of a program in memory, and what changed, against references in a few lines."""

from __future__ import annotations

import itertools
import math
import pickle
import struct
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.stubs import StubSystem

from memaccess import ClosedViewError, MemoryView, MissingRightError, TargetExitedError, _changes
from memaccess._errors import Cause
from memaccess._records import PAGE
from memaccess._snapshots import _PIECE, Snapshot, merged
from memaccess._types import TYPES, WINDOWS_32, WINDOWS_64
from memaccess._win32._codes import failure_from
from memaccess.testing import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PID = 5556
BASE = 0x40_1000
FREE = 0x60_0000
BORDER = 0x70_0000
"""Where two pieces meet: a multiple of the size of one."""
START = 0x1003
"""Where the small memories below begin: at no multiple of anything."""
CUT = 8
"""Pieces that touch do so at multiples of it, as real ones do at multiples of a page."""


# -- comparing: small memories with holes, cut into pieces in any way

Cells = list["int | None"]

bytes_ = st.sampled_from([None, 0, 0, 0, 1, 0x80, 0xFF])
memories = st.lists(bytes_, max_size=60)
cuts = st.sets(st.integers(START // CUT, START // CUT + 8).map(lambda number: number * CUT))
changed_memories = st.tuples(
    memories, st.dictionaries(st.integers(0, 59), bytes_), cuts, cuts, st.sampled_from([1, 3, 8, 4096])
)


def snapshot_of(cells: Cells, borders: set[int], model: Any = WINDOWS_64) -> Snapshot:
    """Those bytes from START on, without the holes, cut at the borders."""
    pieces: list[tuple[int, bytearray]] = []
    for address, cell in enumerate(cells, START):
        if cell is None:
            continue
        if not pieces or pieces[-1][0] + len(pieces[-1][1]) != address or address in borders:
            pieces.append((address, bytearray()))
        pieces[-1][1].append(cell)
    return Snapshot(model, tuple((address, bytes(data)) for address, data in pieces))


def altered(cells: Cells, changes: dict[int, int | None]) -> Cells:
    return [changes.get(position, cell) for position, cell in enumerate(cells)]


def naive_changes(before: Cells, after: Cells) -> list[tuple[int, bytes, bytes]]:
    """Byte after byte."""
    found: list[tuple[int, bytes, bytes]] = []
    for address, (old, new) in enumerate(zip(before, after, strict=True), START):
        if old is None or new is None or old == new:
            continue
        if found and found[-1][0] + len(found[-1][1]) == address:
            start, olds, news = found.pop()
            found.append((start, olds + bytes([old]), news + bytes([new])))
        else:
            found.append((address, bytes([old]), bytes([new])))
    return found


def naive_values(before: Cells, after: Cells, size: int, step: int) -> list[tuple[int, bytes, bytes]]:
    """Place after place."""
    found = []
    for address in range(START, START + len(before) - size + 1):
        old, new = (cells[address - START : address - START + size] for cells in (before, after))
        if address % step == 0 and None not in old + new and old != new:
            found.append((address, bytes(old), bytes(new)))  # type: ignore[arg-type]
    return found


@given(changed_memories)
@example(([1] * 40, dict.fromkeys(range(10, 30), 2), {0x1010, 0x1018}, {0x1018, 0x1020}, 3))
def test_the_changed_bytes_are_those_that_differ(case):
    before, changes, cuts, later_cuts, block = case
    after = altered(before, changes)
    with mock.patch.object(_changes, "_BLOCK", block):
        found = list(snapshot_of(before, cuts).changes(snapshot_of(after, later_cuts)))
    assert found == naive_changes(before, after)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=30)  # of each type
@given(
    case=changed_memories, model=st.sampled_from([WINDOWS_32, WINDOWS_64]), batch=st.sampled_from([1, 2, 64])
)
def test_the_changed_values_are_those_whose_bytes_differ(name, aligned, case, model, batch):
    before, changes, cuts, later_cuts, block = case
    after = altered(before, changes)
    codec = TYPES[name].codec(model)
    with mock.patch.multiple(_changes, _BLOCK=block, _BATCH=batch):
        one, other = snapshot_of(before, cuts, model), snapshot_of(after, later_cuts, model)
        found = list(one.changed_values(other, name, aligned=aligned))
    expected = naive_values(before, after, codec.size, codec.size if aligned else 1)
    # By their bytes: a NaN is not even equal to itself.
    assert [(each.address, codec.encode(each.before)) for each in found] == [
        (address, _as_written(codec, old)) for address, old, _ in expected
    ]
    assert [codec.encode(each.after) for each in found] == [_as_written(codec, new) for *_, new in expected]


def _as_written(codec: Any, data: bytes) -> bytes:
    """The bytes of the value that *data* is: the same, but for a bool and the kind of a NaN."""
    return codec.encode(codec.decode(data))


@given(memories, st.dictionaries(st.integers(0, 59), bytes_), cuts, cuts)
@example([1, None, 1], {1: 1}, set(), set())  # one range of the one reaches into two of the other
def test_what_only_one_has_is_lost_or_gained(before, changes, cuts, later_cuts):
    after = altered(before, changes)
    one, other = snapshot_of(before, cuts), snapshot_of(after, later_cuts)
    held, held_later = _addresses(one.ranges), _addresses(other.ranges)
    assert _addresses(one.lost(other)) == held - held_later
    assert _addresses(one.gained(other)) == held_later - held
    assert one.lost(other) == merged(one.lost(other)) == other.gained(one)


def _addresses(ranges: Any) -> set[int]:
    return {address for start, size in ranges for address in range(start, start + size)}


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=8))
def test_merged_ranges_are_the_same_memory_in_order_and_apart(ranges):
    found = merged(ranges)
    assert _addresses(found) == _addresses(ranges)
    assert all(one[0] + one[1] < other[0] for one, other in itertools.pairwise(found))
    assert all(size for _, size in found)


@given(memories, cuts, st.integers(-5, 65), st.integers(0, 65))
def test_a_snapshot_gives_what_it_has_and_no_more(cells, cuts, offset, size):
    snapshot = snapshot_of(cells, cuts)
    wanted = [cells[place] if 0 <= place < len(cells) else None for place in range(offset, offset + size)]
    assert snapshot._cells(size, START + offset) == wanted
    if None in wanted:
        with pytest.raises(
            LookupError, match=f"^0x{START + offset + wanted.index(None):x} is not in the snapshot"
        ):
            snapshot.read(size, START + offset)
    else:
        assert snapshot.read(size, START + offset) == bytes(wanted)


# -- comparing: what is said of it


def comparison(before: bytes, after: bytes) -> tuple[Snapshot, Snapshot]:
    return Snapshot(WINDOWS_64, ((BASE, before),)), Snapshot(WINDOWS_64, ((BASE, after),))


def values_changed(before: bytes, after: bytes, type: str) -> list[tuple[Any, Any]]:
    one, other = comparison(before, after)
    return [(each.before, each.after) for each in one.changed_values(other, type)]


def test_a_nan_that_stayed_is_no_change():
    nan = struct.pack("<f", math.nan)
    assert values_changed(nan + b"1234", nan + b"1234", "float") == []
    [(before, after)] = values_changed(nan, struct.pack("<f", 1.5), "float")
    assert math.isnan(before)
    assert after == 1.5


def test_a_zero_that_became_negative_is_a_change():
    [(before, after)] = values_changed(struct.pack("<d", 0.0), struct.pack("<d", -0.0), "double")
    assert (str(before), str(after)) == ("0.0", "-0.0")


def test_characters_and_truths_are_values_too():
    assert values_changed(b"Zoe", b"Zac", "char") == [(b"o", b"a"), (b"e", b"c")]
    assert values_changed("Zoë".encode("utf-16-le"), "Zoe".encode("utf-16-le"), "wchar") == [("ë", "e")]
    assert values_changed(b"\0\1", b"\1\1", "bool") == [(False, True)]
    assert values_changed(b"\1", b"\2", "bool") == [(True, True)]  # its byte did change


def test_changes_have_names_for_what_they_are():
    one, other = comparison(b"\x64\0\0\0", b"\x63\0\0\0")
    [change] = one.changes(other)
    assert (change.address, change.before, change.after) == (BASE, b"d", b"c")
    assert repr(change) == "<ByteChange at 0x401000: b'd' -> b'c'>"
    [value] = one.changed_values(other, "unsigned int")
    assert (value.address, value.before, value.after) == (BASE, 100, 99)
    assert repr(value) == "<ValueChange at 0x401000: 100 -> 99>"


def test_all_bytes_of_much_memory_are_one_change():
    one, other = comparison(bytes(3 * 4096 + 1), b"\1" * (3 * 4096 + 1))
    assert list(one.changes(other)) == [(BASE, bytes(3 * 4096 + 1), b"\1" * (3 * 4096 + 1))]


COMPARE: dict[str, Callable[[Snapshot, Any], Any]] = {
    "changes": lambda one, other: one.changes(other),
    "changed_values": lambda one, other: one.changed_values(other, "int"),
    "lost": lambda one, other: one.lost(other),
    "gained": lambda one, other: one.gained(other),
}
every_comparison = pytest.mark.parametrize("name", COMPARE)


@every_comparison
def test_only_snapshots_are_compared(name):
    with pytest.raises(TypeError, match="compared with a Snapshot, not bytes"):
        COMPARE[name](Snapshot(WINDOWS_64, ()), b"1234")


@every_comparison
def test_only_programs_of_one_width_are_compared(name):
    with pytest.raises(ValueError, match="32-bit program can't be compared with one of a 64-bit"):
        COMPARE[name](Snapshot(WINDOWS_32, ()), Snapshot(WINDOWS_64, ()))


def test_a_type_that_is_none_is_refused_at_once():
    one, other = comparison(b"1", b"2")
    with pytest.raises(ValueError, match="no type is called 'dword'"):
        one.changed_values(other, "dword")
    with pytest.raises(TypeError):
        one.changed_values(other, int)  # type: ignore[arg-type]


def test_a_pointer_has_the_width_of_the_program():
    before, after = bytes(8), b"\1\0\0\0\2\0\0\0"
    for model, expected in ((WINDOWS_32, [1, 2]), (WINDOWS_64, [0x2_0000_0001])):
        one, other = (Snapshot(model, ((BASE, data),)) for data in (before, after))
        assert [each.after for each in one.changed_values(other, "pointer")] == expected


def test_a_snapshot_tells_why_it_lacks_a_byte():
    snapshot = Snapshot(WINDOWS_64, ((BASE, b"1234"),), [(BASE + 4, 4)])
    with pytest.raises(
        LookupError, match=f"^0x{BASE + 4:x} is not in the snapshot, which could not read it$"
    ):
        snapshot.read(8, BASE)
    with pytest.raises(
        LookupError, match=f"^0x{BASE + 8:x} is not in the snapshot, which was not asked for it$"
    ):
        snapshot.read(1, BASE + 8)


def test_a_snapshot_refuses_what_no_read_takes():
    snapshot = Snapshot(WINDOWS_32, ((BASE, b"1234"),))
    with pytest.raises(ValueError, match="negative"):
        snapshot.read(-1, BASE)
    with pytest.raises(OverflowError):
        snapshot.read(1, 1 << 32)
    with pytest.raises(TypeError):
        snapshot.read("4", BASE)  # type: ignore[arg-type]
    assert snapshot.read(0, FREE) == b""


def test_a_snapshot_shows_how_much_it_has():
    assert repr(Snapshot(WINDOWS_64, ())) == "<Snapshot of 0 bytes in 0 ranges>"
    assert repr(Snapshot(WINDOWS_64, ((BASE, b"12"),))) == "<Snapshot of 2 bytes in 1 range>"
    two = Snapshot(WINDOWS_64, ((BASE, b"12"), (BASE + 3, b"45")), [(FREE, 16), (FREE + 32, 4)])
    assert repr(two) == "<Snapshot of 4 bytes in 2 ranges, 20 missing>"
    assert two.size == 4
    assert two.ranges == ((BASE, 2), (BASE + 3, 2))


def test_a_snapshot_can_be_kept_on_disk():
    one, other = comparison(b"1234", b"1235")
    assert list(pickle.loads(pickle.dumps(one)).changes(other)) == list(one.changes(other))


# -- taking


@pytest.fixture
def game() -> FakeProcess:
    made = FakeProcess(PID)
    made.map(BASE, b"Zoe")
    return made


@pytest.fixture
def view(game: FakeProcess) -> Iterator[MemoryView]:
    with game.open("rw") as opened:
        yield opened


def test_without_ranges_it_is_what_the_program_can_write_to(game, view):
    game.map(0x50_0000, 16, "r--")
    game.map(0x50_1000, 16, "rwx")
    game.map(0x50_2000, 16, guard=True)
    game.map(0x50_3000, 16, "---")
    game.map(0x50_4000, 16, kind="image", file="C:\\game.exe")
    game.reserve(0x50_5000, 16)
    assert view.snapshot().ranges == ((BASE, PAGE), (0x50_1000, PAGE), (0x50_4000, PAGE))
    assert view.snapshot().missing == ()


FORMS: dict[str, Callable[[MemoryView], Any]] = {
    "regions": lambda view: view.regions(state="committed"),
    "a region": lambda view: view.region_at(BASE),
    "modules": lambda view: view.modules(),
    "a module": lambda view: view.modules()[0],
    "pairs": lambda view: [(BASE, 2 * PAGE)],
    "lists": lambda view: [[BASE, 2 * PAGE]],
    "a snapshot": lambda view: view.snapshot([(BASE, 2 * PAGE)]),
    "both": lambda view: [view.region_at(BASE), (BASE + 5, PAGE)],
}


@pytest.mark.parametrize("form", FORMS)
def test_ranges_come_in_many_forms(form):
    game = FakeProcess(PID)
    game.map(BASE, 2 * PAGE, kind="image", file="C:\\game.exe")
    with game.open() as view:
        assert view.snapshot(FORMS[form](view)).ranges == ((BASE, 2 * PAGE),)


def test_the_same_ranges_again_have_what_was_missing(game, view):
    before = view.snapshot([(BASE, 2 * PAGE)])
    assert before.missing == ((BASE + PAGE, PAGE),)
    game.map(BASE + PAGE, b"new")
    after = view.snapshot(before)
    assert (after.ranges, after.missing) == (((BASE, 2 * PAGE),), ())
    assert before.gained(after) == [(BASE + PAGE, PAGE)]


def test_memory_that_went_is_missing_the_next_time(game, view):
    game.map(FREE, 16)
    before = view.snapshot()
    game.unmap(FREE)
    after = view.snapshot(before)
    assert after.missing == ((FREE, PAGE),)
    assert before.lost(after) == [(FREE, PAGE)]
    assert list(before.changes(after)) == []


def test_a_change_on_both_sides_of_a_border_is_one(game):
    game.map(BORDER - PAGE, PAGE)
    game.map(BORDER, PAGE, "rwx")
    with game.open("rw") as view:
        before = view.snapshot()
        view.write(b"12345678", BORDER - 3)
        after = view.snapshot()
        values = list(before.changed_values(after, "int16", aligned=False))
    assert list(before.changes(after)) == [(BORDER - 3, bytes(8), b"12345678")]
    assert [each.address for each in values] == [*range(BORDER - 4, BORDER + 5)]
    assert values[3].after == int.from_bytes(b"34", "little")
    assert [each.address for each in before.changed_values(after, "int")] == [BORDER - 4, BORDER, BORDER + 4]


class Watched:
    """A game that notes what is read of it, and does something at the first read."""

    def __init__(self, game: FakeProcess, do: Callable[[], object] = lambda: None) -> None:
        self.reads: list[tuple[int, int]] = []
        self.asked = 0
        self._do = do
        self.view = MemoryView(PID, "rw", system=StubSystem(game, read=self._read, region_at=self._ask))

    def _read(self, original: Any, size: int, address: int) -> bytes:
        if not size:
            return b""
        self.reads.append((address, size))
        if len(self.reads) == 1:
            self._do()
        return original(size, address)

    def _ask(self, original: Any, address: int) -> Any:
        self.asked += 1
        return original(address)


def test_each_byte_is_read_once_and_in_pieces(game):
    game.map(BORDER - PAGE, 2 * _PIECE)
    watched = Watched(game)
    with watched.view as view:
        ranges = [(BORDER + 5, _PIECE), (BORDER - 7, _PIECE), (BASE + 1, 4), (BORDER, 3), (BASE + 3, 1)]
        taken = view.snapshot(ranges)
    assert taken.ranges == ((BASE + 1, 4), (BORDER - 7, _PIECE + 12))
    assert watched.reads == [(BASE + 1, 4), (BORDER - 7, 7), (BORDER, _PIECE), (BORDER + _PIECE, 5)]


def test_nothing_is_read_of_a_range_without_bytes(game):
    watched = Watched(game)
    with watched.view as view:
        assert view.snapshot([]).ranges == view.snapshot([(BASE, 0)]).ranges == ()
    assert watched.reads == []


def test_free_terabytes_take_no_reads(game):
    watched = Watched(game)
    with watched.view as view:
        taken = view.snapshot(view.regions())
        assert taken.size == PAGE
        assert sum(size for _, size in taken.missing) == game.space.end - PAGE
    assert watched.reads == [(BASE, PAGE)]


def test_guard_pages_and_closed_ones_are_not_touched(game):
    game.map(BASE + PAGE, 16, guard=True)
    game.map(BASE + 2 * PAGE, 16, "---")
    watched = Watched(game)
    with watched.view as view:
        assert view.snapshot([(BASE, 3 * PAGE)]).missing == ((BASE + PAGE, 2 * PAGE),)
    assert watched.reads == [(BASE, PAGE)]


def test_memory_that_goes_while_it_is_read_is_missing(game):
    game.map(FREE, 16)
    game.map(BORDER - PAGE, 2 * PAGE)

    def vanish() -> None:
        game.unmap(FREE)
        game.unmap(BORDER)
        game.map(BORDER - PAGE, b"half of it")

    with Watched(game, vanish).view as view:
        taken = view.snapshot()
    assert taken.missing == ((FREE, PAGE), (BORDER, PAGE))
    assert taken.read(10, BORDER - PAGE) == b"half of it"


def test_a_program_that_ends_meanwhile_ends_it(game):
    game.map(FREE, 16)
    with (
        Watched(game, lambda: game.exit(3)).view as view,
        pytest.raises(TargetExitedError, match="Can't read"),
    ):
        view.snapshot()


def test_a_view_that_is_closed_meanwhile_ends_it(game):
    game.map(FREE, 16)

    def close() -> None:
        watched.view.close()

    watched = Watched(game, close)
    with watched.view as view, pytest.raises(ClosedViewError):
        view.snapshot([(BASE, PAGE), (FREE, PAGE)])


@pytest.mark.parametrize("ranges", [None, [(BASE, 4)], [(FREE, 4)], []], ids=str)
def test_who_may_not_read_takes_no_snapshot(game, ranges):
    with game.open("w") as view, pytest.raises(MissingRightError):
        view.snapshot(ranges)
    with pytest.raises(ClosedViewError):
        view.snapshot(ranges)


@pytest.mark.parametrize(
    ("ranges", "error"),
    [
        (BASE, TypeError),
        ([BASE], TypeError),
        ((BASE, 16), TypeError),
        ([(BASE, 16, 0)], TypeError),
        ([(BASE, "16")], TypeError),
        ([(b"here", 16)], TypeError),
        ([None], TypeError),
        ([(BASE, -1)], ValueError),
        ([(-1, 1)], OverflowError),
        ([((1 << 64) - 1, 2)], OverflowError),
    ],
    ids=str,
)
def test_ranges_that_are_none_are_refused_before_anything_is_touched(game, ranges, error):
    watched = Watched(game)
    good = [(BASE, 16)]
    with watched.view as view, pytest.raises(error):
        view.snapshot(ranges if not isinstance(ranges, list) else good + ranges)
    assert (watched.reads, watched.asked) == ([], 0)


def test_where_the_map_can_not_be_seen_all_is_tried(game):
    def refuse(_: Any, address: int) -> Any:
        raise failure_from(Cause.OUT_OF_REACH, "VirtualQueryEx", "It is too far up.")

    game.map(BASE + 2 * PAGE, b"Ada", guard=True)
    game.map(BASE + 3 * PAGE, b"Ada")
    with MemoryView(PID, system=StubSystem(game, region_at=refuse)) as view:
        taken = view.snapshot([(BASE, 4 * PAGE)])
    assert taken.ranges == ((BASE, PAGE), (BASE + 3 * PAGE, PAGE))
    assert taken.missing == ((BASE + PAGE, 2 * PAGE),)


def test_a_snapshot_knows_no_names():
    snapshot = snapshot_of([1, 2, 3, 4], [])
    with pytest.raises(TypeError) as caught:
        snapshot.read(4, "game.exe+10")
    assert str(caught.value) == "a snapshot knows no names; give int(view.address('game.exe+10'))"


def test_an_allocation_is_a_range():
    with FakeProcess().open("rw") as view, view.allocate(4096) as memory:
        wanted = ((memory.address, memory.size),)
        assert view.snapshot(memory).ranges == view.snapshot([memory]).ranges == wanted


def test_one_region_alone_is_a_range():
    game = FakeProcess()
    game.map(0x401000, 4096)
    with game.open() as view:
        region = view.region_at(0x401000)
        assert region is not None
        assert view.snapshot(region).ranges == ((region.base, region.size),)


def test_what_is_no_range_at_all_is_said_to_be_none(game):
    with game.open() as view, pytest.raises(TypeError, match=r"a snapshot is taken of regions, .*, not of 5"):
        view.snapshot(5)
