"""Snapshots and hex dumps of programs that change on command, against what they say they did."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from support import targets
from support.leaks import handle_count
from support.subjects import PAGE

from memaccess import MemoryView, TargetExitedError, WrongBitnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memaccess.snapshots import Snapshot

CHANGES = {
    "char": ("121", b"x", b"y"),
    "bool": ("1", False, True),
    "short": ("-1000", 1000, -1000),
    "int": ("99", 100, 99),
    "unsigned_long": ("0xFFFFFFFF", 7, 0xFFFF_FFFF),
    "long_long": ("0x123456789ABCDEF", -1, 0x123_4567_89AB_CDEF),
    "float": ("-0.25", 1.5, -0.25),
    "double": ("0.1", 2.5, 0.1),
    "wchar": ("0x20AC", "w", "€"),
}
"""What each variable is set to, and what it was and is in Python."""


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("changing", request.param) as started:
        yield started


def data_of(view: MemoryView, target: targets.Target) -> Any:
    """What to take to have the variables: all, or the pages of them where the map can't be seen."""
    if view.bitness <= targets.OWN_BITNESS:
        return None
    pages = {address // PAGE for address in target.addresses.values()}
    return [(page * PAGE, PAGE) for page in pages]


def require_map(target: targets.Target) -> None:
    if target.facts["pointer_size"] * 8 > targets.OWN_BITNESS:
        pytest.skip("a 32-bit Python has no map of a 64-bit program above 4 GiB")


def around(view: MemoryView, target: targets.Target, *commands: str) -> tuple[Snapshot, Snapshot]:
    """The memory before and after the program did that."""
    before = view.snapshot(data_of(view, target))
    for command in commands:
        target.ask(command)
    return before, view.snapshot(before)


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_value_is_found_by_its_type(target: targets.Target, name: str) -> None:
    value, old, new = CHANGES[name]
    address = target.addresses[name]
    with MemoryView(target.pid) as view:
        before, after = around(view, target, f"set {name} {value}")
        assert (address, old, new) in list(before.changed_values(after, name))
        assert (address, old, new) in list(before.changed_values(after, name, aligned=False))
        assert any(address <= each.address < address + 8 for each in before.changes(after))
        assert view.read_many([(name, address)]) == [new]


def test_a_pointer_is_found_by_the_width_of_the_program(target: targets.Target) -> None:
    high = 0x1_0000_0000 * (target.facts["pointer_size"] == 8)
    with MemoryView(target.pid) as view:
        before, after = around(view, target, f"set pointer {high + 0x1234}")
        changed = list(before.changed_values(after, "pointer"))
    assert (target.addresses["pointer"], target.addresses["int"], high + 0x1234) in changed


def test_a_value_at_an_odd_address_is_found_when_all_places_are_wanted(target: targets.Target) -> None:
    address = target.addresses["packed.value"]
    assert address % 4
    with MemoryView(target.pid) as view:
        before, after = around(view, target, "set packed.value 6")
        everywhere = list(before.changed_values(after, "int", aligned=False))
        aligned = list(before.changed_values(after, "int"))
    assert (address, 5, 6) in everywhere
    assert address not in [each.address for each in aligned]


def test_a_program_that_does_nothing_does_not_change(target: targets.Target) -> None:
    addresses = target.addresses.values()
    ranges = [(min(addresses), max(addresses) + 8 - min(addresses))]
    with MemoryView(target.pid) as view:
        before = view.snapshot(ranges)
        assert before.missing == ()
        assert list(before.changes(view.snapshot(before))) == []


def test_memory_comes_and_goes(target: targets.Target) -> None:
    require_map(target)
    size = 3 << 20
    with MemoryView(target.pid) as view:
        before = view.snapshot()
        base = target.ask(f"allocate {size}")["base"]
        between = view.snapshot()
        target.ask(f"free {base}")
        after = view.snapshot(between)
    assert any(start <= base and base + size <= start + length for start, length in before.gained(between))
    assert any(start <= base and base + size <= start + length for start, length in between.lost(after))
    assert any(start <= base and base + size <= start + length for start, length in after.missing)
    assert between.read(size, base) == bytes(size)


def test_modules_are_taken(target: targets.Target) -> None:
    with MemoryView(target.pid) as view:
        if view.bitness > targets.OWN_BITNESS:
            with pytest.raises(WrongBitnessError):
                view.snapshot(view.modules())
            return
        program = view.modules()[0]
        before = view.snapshot(view.modules())
        target.ask("set int 12345")
        after = view.snapshot(program)
    assert before.read(2, program.base) == b"MZ"
    changed = [each for each in before.changed_values(after, "int") if each.after == 12345]
    assert [each.address for each in changed] == [target.addresses["int"]]
    assert program.base <= target.addresses["int"] < program.end


def test_without_ranges_a_32_bit_python_says_what_it_can_not_do(target: targets.Target) -> None:
    if target.facts["pointer_size"] * 8 <= targets.OWN_BITNESS:
        pytest.skip("a 32-bit Python and a 64-bit program are what it is about")
    with MemoryView(target.pid) as view, pytest.raises(WrongBitnessError, match="64-bit Python"):
        view.snapshot()


def test_ranges_that_can_not_be_read_are_missing(target: targets.Target) -> None:
    address = min(target.addresses.values()) // PAGE * PAGE
    nowhere = 0x7000_0000_0000 if target.facts["pointer_size"] == 8 else 0
    with MemoryView(target.pid) as view:
        taken = view.snapshot([(address, PAGE), (nowhere, 2 * PAGE)])
    assert taken.ranges == ((address, PAGE),)
    assert taken.missing == ((nowhere, 2 * PAGE),)


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_a_program_that_is_killed_meanwhile_ends_it(bitness: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with targets.start("changing", bitness) as target, MemoryView(target.pid) as view:
        address = target.addresses["int"]
        ranges: list[Any] = [(address, 4), (address + 8, 4)]  # two reads
        if bitness <= targets.OWN_BITNESS:
            ranges += view.regions(writable=True)
        original, reads = MemoryView.read, itertools.count()

        def read_and_kill(self: MemoryView, *arguments: Any) -> Any:
            found = original(self, *arguments)
            if next(reads) == 0:
                target.kill()
            return found

        monkeypatch.setattr(MemoryView, "read", read_and_kill)
        with pytest.raises(TargetExitedError) as caught:
            view.snapshot(ranges)
        assert "has ended" in caught.value.explanation
        with pytest.raises(TargetExitedError):
            view.hexdump(16, address)


def test_a_snapshot_outlives_the_program_and_holds_no_handle() -> None:
    handles = handle_count()
    with targets.start("changing") as target, MemoryView(target.pid) as view:
        before, after = around(view, target, "set int 99")
    assert (target.addresses["int"], 100, 99) in list(before.changed_values(after, "int"))
    assert handle_count() <= handles


def test_a_dump_names_the_module_and_marks_the_change(target: targets.Target) -> None:
    address = target.addresses["int"]
    with MemoryView(target.pid, "rw") as view:
        target.ask(f"set int {0x61626364}")
        before = view.hexdump(4, address)
        target.ask(f"set int {0x61626341}")
        [line] = view.hexdump(4, address, since=before, width=4)
        place = ""
        if view.bitness <= targets.OWN_BITNESS:
            program = view.modules()[0]
            place = f"  {program.name}+{address - program.base:X}"
    assert line == f"{address:0{view.bitness // 4}X}{place} *41 63 62 61  Acba"
