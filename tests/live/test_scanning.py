"""Scans of a program whose values change, come and go, and which is started anew."""

from __future__ import annotations

import array
import gc
import itertools
import os
import struct
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import known_linux
import pytest
from known_wine import IS_WINE, expected
from support import targets
from support.leaks import handle_count

from memaccess import (
    ClosedViewError,
    MemoryView,
    SearchCancelledError,
    TargetExitedError,
    WrongBitnessError,
)
from memaccess._types import TYPES
from memaccess.searching import PointerChain, load_pointers, save_pointers

if sys.platform == "win32":
    from support.win32 import memory_committed
else:
    from support.linux import used_memory as memory_committed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.everywhere

MIB = 1 << 20
SOAK = float(os.environ.get("MEMACCESS_SOAK", "3"))
"""Seconds that a program whose memory comes and goes is scanned."""

NUMBERS = [name for name, row in TYPES.items() if row.value_type in (int, float)]

_keys = itertools.count(1)


@pytest.fixture(scope="module", params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    """A program that lives through several tests."""
    with targets.start("scanning", request.param) as started:
        yield started


@pytest.fixture(params=targets.BITNESSES)
def fresh(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    """A program for one test: which ends it, or changes it for good."""
    with targets.start("scanning", request.param) as started:
        yield started


@pytest.fixture
def view(target: targets.Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid, "rw") as opened:
        yield opened


def is_wide(target: targets.Target) -> bool:
    """Whether a 32-bit Python looks at a 64-bit program, whose map it can't see."""
    return bool(target.facts["pointer_size"] * 8 > targets.OWN_BITNESS)


def require_map(target: targets.Target) -> None:
    """Skip where this Python can't see what memory the program has."""
    if is_wide(target):
        pytest.skip("a 32-bit Python can't see the map of a 64-bit program")


def put(target: targets.Target, address: int, data: bytes) -> None:
    """Have the program itself write bytes."""
    key = next(_keys) % 255 + 1  # never twice the same line: its buffers must not look like the value
    assert target.ask(f"put {address} {key} {bytes(byte ^ key for byte in data).hex()}")["put"]


def mapped(target: targets.Target, size: int) -> int:
    """Memory that the program has allocated."""
    base: int = target.ask(f"map {size}")["base"]
    return base


def variables(target: targets.Target) -> dict[str, Any]:
    """Where to look for variables: everywhere, where that can be seen, else where the program has its own."""
    if not is_wide(target):
        return {}
    own = [place for name, place in target.addresses.items() if not name.startswith("health")]
    start = min(own) & -4096
    return {"within": (start, max(own) + 4096 - start), "writable": None}


def at(target: targets.Target, address: int, size: int) -> dict[str, Any]:
    """A range to look in; what it may not say of one that this Python can't see."""
    return {"within": (address, size), "writable": None if is_wide(target) else True}


def places(scan: Any) -> list[int]:
    return [hit.address for hit in scan]


# -- the classic: a value that is not known


@pytest.mark.parametrize("type", ["float", "int", "double"])
def test_a_health_that_is_not_known_is_found(target: targets.Target, view: MemoryView, type: str) -> None:
    address = target.addresses[type]
    code = {"float": "<f", "int": "<i", "double": "<d"}[type]

    def set_to(health: int) -> None:
        put(target, address, struct.pack(code, health))

    set_to(100)
    scan = view.scan(type, **variables(target)).unknown()
    counts = [len(scan)]
    for health, step in (
        (83, scan.decreased),
        (60, scan.decreased),
        (60, scan.unchanged),
        (90, scan.increased),
        (91, scan.changed),
    ):
        set_to(health)
        step()
        assert address in places(scan)
        counts.append(len(scan))
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0]
    assert address in places(scan.decreased(since="first"))
    set_to(100)
    assert places(scan.unchanged(since="first")) == [address]
    assert (scan[0].value, scan[0].type, scan.lost) == (100, type, 0)
    scan[0].write(75)
    assert scan[0].read() == struct.unpack(code, view.read(struct.calcsize(code), address))[0] == 75
    assert places(scan.decreased_by(25)) == [address]


@pytest.mark.parametrize(
    ("rounding", "given", "is_found"),
    [
        ("rounded", 100, True),
        ("rounded", 99, False),
        ("rounded", "99.7", True),
        ("rounded", "99.70", True),
        ("rounded", "99.6", False),
        ("truncated", 99, True),
        ("truncated", 100, False),
        ("extreme", 99, True),
        ("extreme", 100, True),
        ("extreme", 101, False),
        (None, 100, False),
        (None, 99.7, True),
    ],
)
def test_a_float_that_is_shown_as_100_is_found(
    target: targets.Target, view: MemoryView, rounding: Any, given: Any, is_found: bool
) -> None:
    address = target.addresses["float"]
    put(target, address, struct.pack("<f", 99.7))
    scan = view.scan("float", rounding=rounding, **at(target, address, 4)).exact(given)
    assert places(scan) == [address] * is_found
    everywhere = view.scan("float", rounding=rounding, **variables(target)).exact(given)
    assert (address in places(everywhere)) is is_found


# -- many candidates


def test_a_score_among_many_is_narrowed_down(fresh: targets.Target) -> None:
    count = 1 << 20 if IS_WINE else 10 << 20
    base = mapped(fresh, 4 * count)
    score = base + 4 * (count // 3)
    left: Any = range(count)
    with MemoryView(fresh.pid) as view:
        scan = view.scan("int", **at(fresh, base, 4 * count))
        for number in range(1, 20):
            assert fresh.ask(f"fill {base} {count} {number}")["filled"] == count
            put(fresh, score, struct.pack("<i", number % 10))
            scan.exact(number % 10)
            values = array.array("i", view.read(4 * count, base))
            left = [index for index in left if values[index] == number % 10]
            assert len(scan) == len(left)
            assert places(scan[:1000]) == [base + 4 * index for index in left[:1000]]
            assert number > 1 or len(scan) > count // 11
        assert places(scan) == [score]


# -- texts, bytes, groups, all types


@pytest.mark.parametrize(
    ("variable", "encoding", "python"), [("ansi", "cp1252", "cp1252"), ("utf16", "utf-16", "utf-16-le")]
)
def test_a_text_that_changes_is_found(
    target: targets.Target, view: MemoryView, variable: str, encoding: str, python: str
) -> None:
    address = target.addresses[variable]

    def set_to(text: str) -> None:
        put(target, address, (text + "\0").encode(python))

    set_to("Zoë the Brave")
    scan = view.scan("text", encoding=encoding, **variables(target)).exact("Zoë the Brave")
    assert address in places(scan)
    set_to("Zoë the Brief")
    assert places(scan.changed()) == [address]
    assert places(scan.exact("Zoë the Brief")) == [address]
    assert scan[0].value == "Zoë the Brief"
    scan[0].write("Max the Brief")
    assert scan[0].read() == view.read_string(address, encoding) == "Max the Brief"
    assert places(scan.not_equal("Zoë the Brief").unchanged()) == [address]
    loud = view.scan("text", encoding=encoding, ignore_case=True, **variables(target)).exact("MAX THE BRIEF")
    assert address in places(loud)


def test_bytes_that_change_are_found(target: targets.Target, view: MemoryView) -> None:
    address = target.addresses["bytes"] + 3
    put(target, address, bytes.fromhex("deadc0de0ff1ce"))
    scan = view.scan("bytes", **variables(target)).exact("DE AD ?? DE 0F F1 C?")
    assert places(scan) == [address]
    put(target, address, bytes.fromhex("deadc1de0ff1ce"))
    assert places(scan.changed()) == [address]
    assert scan[0].value == bytes.fromhex("deadc1de0ff1ce")
    assert places(scan.exact("DE AD C1 DE 0F F1 CE").unchanged()) == [address]


def test_values_at_known_distances_are_found(target: targets.Target, view: MemoryView) -> None:
    address = target.addresses["group"]

    def set_to(ammunition: int, speed: float) -> None:
        put(target, address, struct.pack("<iif", ammunition, ammunition * 7, speed))

    set_to(30, 1.5)
    scan = view.scan({0: "int", 8: "float"}, **variables(target)).exact({0: 30, 8: (1, 2)})
    assert places(scan) == [address]
    assert scan[0].value == {0: 30, 8: 1.5}
    set_to(29, 1.5)
    assert places(scan.changed().exact({0: 29})) == [address]
    assert places(scan.exact({8: "1.5"}).unchanged()) == [address]
    set_to(29, 2.5)
    assert len(scan.unchanged()) == 0


def test_a_value_of_any_type_is_found(target: targets.Target, view: MemoryView) -> None:
    codes = {"int": "<i", "float": "<f", "double": "<d"}
    for name, code in codes.items():
        put(target, target.addresses[name], struct.pack(code, 77))
    scan = view.scan("all", **variables(target)).exact(77)
    found = {(hit.type, hit.address) for hit in scan}
    assert found >= {
        (kind, target.addresses[name])
        for name, kind in (("int", "int8"), ("int", "int32"), ("float", "float"), ("double", "double"))
    }
    put(target, target.addresses["double"], struct.pack("<d", 78.0))
    assert [(hit.type, hit.address) for hit in scan.increased_by(1)] == [
        ("double", target.addresses["double"])
    ]


@pytest.mark.parametrize("offset", [0x40, 0x81], ids=["aligned", "unaligned"])
@pytest.mark.parametrize("type", NUMBERS)
def test_every_type_goes_through_every_step(
    target: targets.Target, view: MemoryView, type: str, offset: int
) -> None:
    page = target.addresses["numbers"]
    address = page + offset
    codec = TYPES[type].codec(view._model)
    put(target, page + 0x40, bytes(0x60))

    def set_to(value: int) -> None:
        put(target, address, codec.encode(float(value) if codec.code in "fd" else value))

    set_to(100)
    where = at(target, page, 256)
    alignment = None if offset % 8 == 0 else 1
    for first in (
        lambda scan: scan.exact(100),
        lambda scan: scan.between(99, 101),
        lambda scan: scan.bigger_than(99).smaller_than(101),
        lambda scan: scan.unknown().bigger_than(99).not_equal(101).smaller_than(101),
    ):
        found = first(view.scan(type, alignment=alignment, **where))
        assert address in places(found)
    scan = view.scan(type, alignment=alignment, **where).unknown()
    total = len(scan)
    assert len(scan.unchanged()) == total
    steps: list[tuple[int, Callable[[Any], Any]]] = [
        (110, lambda scan: scan.changed()),
        (110, lambda scan: scan.increased()),
        (110, lambda scan: scan.increased_by(10)),
        (110, lambda scan: scan.increased_by_percent(9.5, 10.5)),
        (110, lambda scan: scan.increased(since="first")),
        (90, lambda scan: scan.changed()),
        (90, lambda scan: scan.decreased()),
        (90, lambda scan: scan.decreased_by(10)),
        (90, lambda scan: scan.decreased_by_percent(9.5, 10.5)),
        (90, lambda scan: scan.decreased_by(10, since="first")),
        (100, lambda scan: scan.unchanged()),
        (100, lambda scan: scan.unchanged(since="first")),
        (100, lambda scan: scan.exact(100)),
    ]
    for value, step in steps:
        set_to(value)
        assert address in places(step(scan)), (value, scan)
        assert {hit.address: hit.value for hit in scan}[address] == value
        if value != 100:
            assert len(scan) < 2 * codec.size
        assert len(scan.undo()) == total
    set_to(110)
    assert address in places(scan.increased())
    set_to(90)
    assert address in places(scan.decreased_by(20))
    assert address in places(scan.undo())
    assert {hit.address: hit.value for hit in scan}[address] == 110


# -- a program that is started anew


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_a_saved_scan_goes_on_in_a_program_that_was_started_anew(tmp_path: Path, bitness: int) -> None:
    path = tmp_path / "a.scan"
    with targets.start("scanning", bitness) as target, MemoryView(target.pid) as view:
        require_map(target)
        static = [target.addresses["int"], target.addresses["numbers"] + 8]
        heap = [target.addresses["health of set"], target.addresses["health of unset"]]
        for place in (*static, *heap):
            put(target, place, struct.pack("<i", 4711))
        scan = view.scan("int").exact(4711)
        assert places(scan) == sorted((*static, *heap))
        scan.save(path)
        assert len(view.load_scan(path)) == 4
        before = {name: place - view.modules()[0].base for name, place in target.addresses.items()}
    with targets.start("scanning", bitness, "1000") as anew, MemoryView(anew.pid, "rw") as view:
        scan = view.load_scan(path)
        base = view.modules()[0].base
        moved = [anew.addresses["int"], anew.addresses["numbers"] + 8]
        assert {name: place - base for name, place in anew.addresses.items() if "health" not in name} == {
            name: place for name, place in before.items() if "health" not in name
        }
        assert places(scan) == sorted(moved)
        assert (scan.lost, [hit.value for hit in scan]) == (2, [4711, 4711])
        assert {int(view.address(str(hit))) for hit in scan} == set(moved)
        assert {str(hit).partition("+")[0].strip('"') for hit in scan} == {view.modules()[0].name}
        put(anew, moved[0], struct.pack("<i", 4700))
        assert places(scan.decreased_by(11)) == [moved[0]]
        scan[0].write(4712)
        assert places(scan.increased(since="first")) == [moved[0]]


def test_what_is_zeros_at_first_is_a_module_s_as_well(target: targets.Target) -> None:
    for name in ("int", "numbers", "unset"):
        with MemoryView(target.pid) as view:  # which has listed no modules yet
            if is_wide(target):
                with pytest.raises(WrongBitnessError):
                    view.module_at(target.addresses[name])
                continue
            module = view.module_at(target.addresses[name])
            assert module is not None
            assert module.base < target.addresses[name] < module.end
            assert module == view.modules()[0]
            assert view.module_at(target.addresses["health of set"]) is None


@pytest.mark.parametrize("pointer", ["set", "unset"])
@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_a_chain_of_pointers_still_leads_there_after_a_restart(
    tmp_path: Path, bitness: int, pointer: str
) -> None:
    path = tmp_path / "health.pointers"
    with targets.start("scanning", bitness) as target:
        require_map(target)
        with MemoryView(target.pid) as view:
            module = view.module_at(target.addresses[pointer])
            assert module is not None
            assert module == view.modules()[0]
            right = PointerChain(module.name, target.addresses[pointer] - module.base, (0x18, 0x158))
            health = target.addresses[f"health of {pointer}"]
            found = list(view.find_pointers(health, depth=3, max_offset=0x200))
            assert right in found
            assert [len(chain.offsets) for chain in found] == sorted(len(chain.offsets) for chain in found)
            assert view.pointers_to(health, found) == found
            assert list(view.find_pointers(health, depth=2, ends_with=(0x18, 0x158), modules=module)) == [
                right
            ]
            assert save_pointers(path, found) == len(found)
    with targets.start("scanning", bitness, "1000") as anew, MemoryView(anew.pid, "rw") as view:
        moved = anew.addresses[f"health of {pointer}"]
        kept = view.pointers_to(moved, load_pointers(path))
        assert right in kept
        assert view.read_int(str(right)) == {"set": 111, "unset": 222}[pointer]
        view.write_int(9, str(right))
        assert view.read_int(moved) == 9


def test_a_32_bit_python_scans_a_64_bit_program_where_it_is_told(tmp_path: Path) -> None:
    if targets.OWN_BITNESS != 32:
        pytest.skip("a 32-bit Python and a 64-bit program are what it is about")
    with targets.start("scanning", 64) as target, MemoryView(target.pid, "rw") as view:
        address = target.addresses["int"]
        health = target.addresses["health of set"]
        for complaint in (
            lambda: view.scan("int").unknown(),
            lambda: view.scan("int", (address, 64)).unknown(),
            lambda: view.scan("int", "ntdll.dll"),
            lambda: list(view.find_pointers(health)),
            lambda: list(view.find_pointers(health, within=(address, 64), writable=None)),
        ):
            with pytest.raises(WrongBitnessError, match="64-bit"):
                complaint()
        put(target, address, struct.pack("<i", 4711))
        scan = view.scan("int", (address, 64), writable=None).exact(4711)
        assert (places(scan), scan[0].value) == ([address], 4711)
        assert str(scan[0]) == f"0x{address:x}"
        with pytest.raises(WrongBitnessError, match="64-bit"):
            scan.save(tmp_path / "a.scan")  # it could not be gone on with after a restart
        assert list(tmp_path.iterdir()) == []
        put(target, address, struct.pack("<i", 4712))
        assert places(scan.increased_by(1)) == [address]


# -- a program that stands still


def test_of_a_program_that_stands_still_all_is_of_one_moment(fresh: targets.Target) -> None:
    if known_linux.IS_LINUX and not known_linux.CAN_STOP:
        pytest.skip(known_linux.WHY_NOT_STOPPED)
    count = 1 << 20
    base = mapped(fresh, 4 * count)
    with MemoryView(fresh.pid, "rw") as view:
        view.write(bytes(4 * count), base)
        assert fresh.ask(f"spin {base} {count}")["threads"] == 1
        scan = view.scan("unsigned_int", **at(fresh, base, 4 * count))
        with view.suspend():
            scan.unknown()
            first, last = scan[0].value, scan[-1].value
            assert first - last in (0, 1)
            assert (len(scan), len(scan.unchanged())) == (count, count)
            assert len(scan.between(last, first)) == count
            counted = len(scan.exact(first))
            assert places(scan)[-1] == base + 4 * (counted - 1)  # those that it has come to in this round
        end = base + 4 * (count - 1)
        now = view.read_unsigned_int(end)
        while view.read_unsigned_int(end) - now < 2:
            time.sleep(0.001)
        assert len(scan.increased()) == counted
        assert fresh.ask("rest")["rounds"] > 0


# -- the program ends, the view is closed, the scan is cancelled


class Meanwhile:
    """Something that is done once in the middle of a step."""

    def __init__(self) -> None:
        self.action: Callable[[], object] | None = None

    def __call__(self, _done: int, _total: int) -> None:
        action, self.action = self.action, None
        if action is not None:
            action()


LARGE = 64 * MIB


@contextmanager
def large_scan(target: targets.Target, folder: Path) -> Iterator[tuple[MemoryView, Any, Meanwhile, int]]:
    """A scan of so much memory that its steps have a middle."""
    base = mapped(target, LARGE)
    meanwhile = Meanwhile()
    with MemoryView(target.pid) as view:
        scan = view.scan("int", progress=meanwhile, folder=str(folder), **at(target, base, LARGE))
        yield view, scan, meanwhile, base
        scan.reset()
    gc.collect()
    assert list(folder.iterdir()) == []


def in_another_thread(action: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        thread = threading.Thread(target=action)
        thread.start()
        thread.join()

    return run


def check_what_it_still_has(scan: Any, base: int) -> None:
    """It is what it was before the step that failed."""
    assert repr(scan) == f"<Scan for int: {LARGE // 4:,} hits after unknown()>"
    assert (scan[0].value, scan[0].address, scan[-1].address) == (1, base, base + LARGE - 4)
    assert [hit.value for hit in scan[1023:1026]] == [0, 1, 0]
    with pytest.raises(ValueError, match="no next scan to take back"):
        scan.undo()


def test_a_program_that_is_killed_meanwhile_ends_a_first_scan(fresh: targets.Target, tmp_path: Path) -> None:
    with large_scan(fresh, tmp_path) as (_view, scan, meanwhile, _base):
        for first in (scan.unknown, lambda: scan.exact(1)):
            meanwhile.action = fresh.kill
            with pytest.raises(TargetExitedError, match=r"^Can't (read|query the memory map)"):
                first()
            assert (repr(scan), len(scan), list(scan)) == ("<Scan for int: not begun>", 0, [])
        assert repr(scan.reset()) == "<Scan for int: not begun>"


def test_a_program_that_is_killed_meanwhile_ends_a_next_scan(fresh: targets.Target, tmp_path: Path) -> None:
    with large_scan(fresh, tmp_path) as (_view, scan, meanwhile, base):
        scan.unknown()
        meanwhile.action = fresh.kill
        with pytest.raises(TargetExitedError, match=r"^Can't read"):
            scan.changed()
        for again in (
            scan.unchanged,
            lambda: scan.exact(1),
            lambda: scan.save(tmp_path / "a.scan"),
            scan[0].read,
        ):
            with pytest.raises(TargetExitedError):
                again()
        check_what_it_still_has(scan, base)


@pytest.mark.parametrize("how", ["first", "next"])
def test_a_view_that_another_thread_closes_meanwhile_ends_it(
    fresh: targets.Target, tmp_path: Path, how: str
) -> None:
    with large_scan(fresh, tmp_path) as (view, scan, meanwhile, base):
        if how == "next":
            scan.unknown()
        meanwhile.action = in_another_thread(view._close)
        with pytest.raises(ClosedViewError):
            scan.changed() if how == "next" else scan.unknown()
        with pytest.raises(ClosedViewError):
            scan.exact(1)
        if how == "next":
            check_what_it_still_has(scan, base)
            with pytest.raises(ClosedViewError):
                scan[0].read()
        else:
            assert repr(scan) == "<Scan for int: not begun>"


@pytest.mark.parametrize("how", ["first", "next"])
def test_another_thread_cancels_it_at_once(fresh: targets.Target, tmp_path: Path, how: str) -> None:
    with large_scan(fresh, tmp_path) as (_view, scan, meanwhile, base):
        if how == "next":
            scan.unknown()
        begun = threading.Event()
        cancelled: list[float] = []

        def cancel() -> None:
            begun.wait()
            cancelled.append(time.perf_counter())
            scan.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        meanwhile.action = begun.set
        with pytest.raises(SearchCancelledError, match=f"of {LARGE} bytes"):
            scan.changed() if how == "next" else scan.unknown()
        assert time.perf_counter() - cancelled[0] < 1
        thread.join()
        if how == "next":
            check_what_it_still_has(scan, base)
            assert len(scan.unchanged()) == LARGE // 4
        else:
            assert len(scan.unknown()) == LARGE // 4


# -- memory that comes and goes


@pytest.mark.parametrize("first", ["unknown", "many", "few"])
def test_candidates_whose_memory_is_unmapped_are_lost_and_counted(fresh: targets.Target, first: str) -> None:
    size = 16 * 65536
    bases = sorted(mapped(fresh, size) for _ in range(3))
    for number, base in enumerate(bases):
        fresh.ask(f"fill {base} {size // 4} {number}")
        for offset in range(8, size, size // 16):
            put(fresh, base + offset, struct.pack("<i", 4711))
    filters = {"writable": None} if is_wide(fresh) else {}
    with MemoryView(fresh.pid) as view:
        scan = view.scan("int", [(base, size) for base in bases], **filters)
        begin = {"unknown": scan.unknown, "many": lambda: scan.exact(7), "few": lambda: scan.exact(4711)}
        before = places(begin[first]())
        gone = {address for address in before if bases[1] <= address < bases[1] + size}
        assert fresh.ask(f"unmap {bases[1]} {size}")["unmapped"]
        if expected("skip memory that was freed", True):
            assert places(scan.unchanged()) == [address for address in before if address not in gone]
            # Of those that are few only their own bytes are read, of others all between them.
            assert (scan.lost, scan.skipped) == (len(gone), 4 * len(gone) if first == "few" else size)
        else:
            assert (scan.unchanged().lost, scan.skipped) == (0, 0)
            assert {hit.value for hit in scan if hit.address in gone} <= {0}
        assert fresh.ask(f"unmap {bases[0]} {size}")["unmapped"]
        left = places(scan.exact(4711))
        assert (
            left == [] if first == "many" else left == list(range(bases[2] + 8, bases[2] + size, size // 16))
        )


@pytest.mark.deadline(SOAK + 110)
def test_a_program_whose_memory_comes_and_goes_is_scanned_again_and_again(
    fresh: targets.Target, tmp_path: Path
) -> None:
    require_map(fresh)
    health = fresh.addresses["health of unset"]
    rounds = skipped = lost = hits = chains = 0
    memory: list[int] = []
    handles = 0
    threads = threading.active_count()
    with MemoryView(fresh.pid) as view:
        right = fresh.addresses["unset"] - view.modules()[0].base
        put(fresh, fresh.addresses["bytes"], bytes.fromhex("deadc0de0ff1ce"))
        put(fresh, fresh.addresses["int"], struct.pack("<i", 1234567))
        assert fresh.ask("churn 3")["threads"] == 3
        start = time.monotonic()
        while time.monotonic() - start < SOAK:
            search = view.find("DE AD C0 DE 0F F1 CE")
            assert fresh.addresses["bytes"] in list(search)
            exact = view.scan("int", folder=str(tmp_path)).exact(1234567)
            assert fresh.addresses["int"] in places(exact)
            scan = view.scan("int", folder=str(tmp_path)).unknown()
            skipped += search.skipped + exact.skipped + scan.skipped
            hits += len(scan.changed())
            skipped, lost = skipped + scan.skipped, lost + scan.lost
            scan.exact(0)
            skipped, lost = skipped + scan.skipped, lost + scan.lost
            pointers = view.find_pointers(health, depth=2, max_offset=0x200)
            found = list(pointers)
            assert (right, (0x18, 0x158)) in [(chain.base, chain.offsets) for chain in found]
            chains, skipped = chains + len(found), skipped + pointers.skipped
            del search, exact, scan, pointers
            rounds += 1
            memory.append(memory_committed())
            if rounds == 1:
                handles = handle_count()
        assert handle_count() <= handles
        churned = fresh.ask("rest")["rounds"]
    assert threading.active_count() == threads
    assert list(tmp_path.iterdir()) == []
    third = max(len(memory) // 3, 1)
    grown = max(memory[-third:]) - max(memory[:third])
    print(
        f"{rounds} rounds, {churned} times memory came and went, {skipped} bytes skipped, {lost} candidates lost, "
        f"{hits} changed, {chains} chains; memory {memory[0]} to {memory[-1]}, grown by {grown}"
    )
    assert churned > 0
    assert grown < 32 * MIB


# -- what is kept in a file


def test_a_python_that_is_killed_leaves_no_file(target: targets.Target, tmp_path: Path) -> None:
    base = mapped(target, LARGE)
    python = [sys.executable, targets.SOURCES / "spilling.py"]
    facts = [str(target.pid), str(base), str(LARGE), tmp_path]
    with targets.Target([*python, *facts]) as scanning:
        assert 0 < scanning.facts["done"] < scanning.facts["total"] == LARGE
        assert len(list(tmp_path.iterdir())) == (sys.platform == "win32")
        scanning.kill()
    assert list(tmp_path.iterdir()) == []
    assert target.ask(f"unmap {base} {LARGE}")["unmapped"]
