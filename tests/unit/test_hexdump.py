"""Hex dumps: what a line looks like, and what is marked in it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stubs import StubSystem, failing

from memaccess import ClosedViewError, MemoryView, MissingRightError, TargetExitedError
from memaccess._errors import Cause
from memaccess._records import PAGE
from memaccess._win32._codes import failure_from
from memaccess.testing import FakeProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

PID = 5556
BASE = 0x40_1000
IMAGE = 0x1_4000_0000
FREE = 0x60_0000


@pytest.fixture
def game() -> FakeProcess:
    made = FakeProcess(PID)
    made.map(BASE, bytes(range(256)))
    made.map(IMAGE, b"MZ" + bytes(14), "r--", kind="image", file="C:\\game.exe")
    made.map(IMAGE + PAGE, b"Zo\xc3\xab ~\x7f\x80", kind="image", file="C:\\game.exe")
    return made


@pytest.fixture
def view(game: FakeProcess) -> Iterator[MemoryView]:
    with game.open("rw") as opened:
        yield opened


def shown(dump: object) -> list[str]:
    return str(dump).split("\n")


# -- lines


def test_a_line_has_address_bytes_and_text(view):
    assert shown(view.hexdump(32, BASE + 0x40)) == [
        "0000000000401040  40 41 42 43 44 45 46 47  48 49 4A 4B 4C 4D 4E 4F  @ABCDEFGHIJKLMNO",
        "0000000000401050  50 51 52 53 54 55 56 57  58 59 5A 5B 5C 5D 5E 5F  PQRSTUVWXYZ[\\]^_",
    ]


def test_an_address_is_as_wide_as_the_program():
    game = FakeProcess(PID, bitness=32)
    game.map(BASE, b"Zoe")
    with game.open() as view:
        assert shown(view.hexdump(3, BASE + 0)) == ["00401000  5A 6F 65  Zoe"]


def test_a_prompt_shows_no_more_than_the_first_lines(view):
    dump = view.hexdump(256 * 16, 0x500000)
    assert repr(dump) == str(dump)
    for size, text in ((256 * 16 + 1, "... 1 more line; "), (1 << 24, "... 1048320 more lines; ")):
        dump = view.hexdump(size, 0x500000)
        lines = repr(dump).split("\n")
        assert lines[:-1] == list(itertools.islice(dump, 256))
        assert lines[-1] == text + "print() or iterate"


def test_the_first_line_begins_where_it_was_asked_to(view):
    assert shown(view.hexdump(18, BASE + 0x43)) == [
        "0000000000401043  43 44 45 46 47 48 49 4A  4B 4C 4D 4E 4F 50 51 52  CDEFGHIJKLMNOPQR",
        "0000000000401053  53 54                                             ST",
    ]


def test_what_is_no_printable_ascii_is_a_dot(view):
    [line] = shown(view.hexdump(8, IMAGE + PAGE))
    assert line.endswith("  Zo.. ~..")


def test_a_module_has_a_column(view):
    assert shown(view.hexdump(8, IMAGE)) == [
        "0000000140000000  game.exe+0  4D 5A 00 00 00 00 00 00  MZ......"
    ]


def test_the_column_is_as_wide_as_it_has_to_be(view):
    starts = [line[:35] for line in shown(view.hexdump(0x40, IMAGE + 0xFE8))]
    assert starts == [
        "0000000140000FE8  game.exe+FE8   00",
        "0000000140000FF8  game.exe+FF8   00",
        "0000000140001008  game.exe+1008  00",
        "0000000140001018  game.exe+1018  00",
    ]


def test_memory_without_a_module_has_an_empty_place(view):
    starts = [line[:35] for line in shown(view.hexdump(0x20, IMAGE - 0x10))]
    assert starts == [
        "000000013FFFFFF0              ?? ??",
        "0000000140000000  game.exe+0  4D 5A",
    ]


def test_a_line_that_only_ends_in_a_module_is_not_of_it(view):
    assert shown(view.hexdump(16, IMAGE - 8))[0].startswith("000000013FFFFFF8  ?? ??")


def test_what_can_not_be_read_is_shown_as_such(view):
    assert shown(view.hexdump(20, BASE + PAGE - 2)) == [
        "0000000000401FFE  00 00 ?? ?? ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  ..??????????????",
        "000000000040200E  ?? ?? ?? ??                                       ????",
    ]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (1, "0000000000401041  41  A"),
        (4, "0000000000401041  41 42 43 44  ABCD"),
        (8, "0000000000401041  41 42 43 44 45 46 47 48  ABCDEFGH"),
        (10, "0000000000401041  41 42 43 44 45 46 47 48  49 4A  ABCDEFGHIJ"),
    ],
)
def test_a_line_is_as_wide_as_wanted(view, width, line):
    dump = view.hexdump(2 * width, BASE + 0x41, width=width)
    assert len(dump.lines) == 2
    assert dump.lines[0] == line


def test_a_dump_of_nothing_is_empty(view):
    assert str(view.hexdump(0, BASE)) == str(view.hexdump(0, FREE)) == ""
    assert view.hexdump(0, FREE).lines == []


# -- the dump as an object


def test_a_dump_shows_itself(view):
    dump = view.hexdump(40, BASE)
    assert repr(dump) == str(dump) == "\n".join(dump) == "\n".join(dump.lines)


def test_a_dump_has_what_it_shows(view):
    dump = view.hexdump(PAGE, BASE + PAGE - 2)
    assert (dump.address, dump.size) == (BASE + PAGE - 2, PAGE)
    assert dump.data == bytes(PAGE)
    assert dump.missing == ((BASE + PAGE, PAGE - 2),)
    assert view.hexdump(3, BASE + 1).data == b"\1\2\3"
    assert view.hexdump(3, BASE + 1).missing == ()


def test_lines_are_made_when_they_are_wanted(game, view):
    game.map(FREE, 64 << 20)
    dump = view.hexdump(64 << 20, FREE)
    assert list(itertools.islice(dump, 1)) == [
        "0000000000600000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................"
    ]


def test_a_dump_stays_what_it_was(view):
    dump = view.hexdump(4, BASE)
    text = str(dump)
    view.write(b"new!", BASE)
    view.close()
    assert str(dump) == text


# -- marks


def test_what_changed_since_an_earlier_dump_is_marked(view):
    before = view.hexdump(16, BASE + 0x40)
    view.write(b"*", BASE + 0x40)
    view.write(b"--", BASE + 0x47)
    view.write(b"!", BASE + 0x4F)
    assert shown(view.hexdump(16, BASE + 0x40, since=before)) == [
        "0000000000401040 *2A 41 42 43 44 45 46*2D *2D 49 4A 4B 4C 4D 4E*21  *ABCDEF--IJKLMN!"
    ]


def test_an_earlier_dump_of_other_memory_counts_where_both_are(view):
    before = view.hexdump(4, BASE + 4)
    view.write(bytes(8), BASE + 2)
    [line] = shown(view.hexdump(10, BASE, since=before))
    assert line.startswith("0000000000401000  00 01 00 00*00*00*00*00  00 00  ..........")


def test_what_changed_since_a_snapshot_is_marked(view):
    before = view.snapshot([(BASE, 2), (BASE + 3, 1)])
    view.write(b"\xff" * 4, BASE)
    assert view.hexdump(4, BASE, since=before, width=4).lines == ["0000000000401000 *FF*FF FF*FF  ...."]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_changed_since_bytes_were_read_is_marked(view, kind):
    before = kind(view.read(4, BASE))
    view.write(b"\xff", BASE + 2)
    assert view.hexdump(4, BASE, since=before, width=4).lines == ["0000000000401000  00 01*FF 03  ...."]


def test_what_was_or_is_unknown_is_not_marked(game, view):
    before = view.hexdump(4, BASE + PAGE - 2)
    game.map(BASE + PAGE, b"new")
    dump = view.hexdump(4, BASE + PAGE - 2, since=before, width=4)
    assert dump.lines == ["0000000000401FFE  00 00 6E 65  ..ne"]
    game.unmap(BASE + PAGE)
    assert view.hexdump(4, BASE + PAGE - 2, since=dump, width=4).lines == [
        "0000000000401FFE  00 00 ?? ??  ..??"
    ]


@given(
    before=st.binary(min_size=1, max_size=70),
    changes=st.dictionaries(st.integers(0, 69), st.integers(0, 255)),
    width=st.integers(1, 40),
    offset=st.integers(0, 20),
)
def test_every_byte_is_in_its_place_and_marked_if_it_changed(before, changes, width, offset):
    now = bytes(changes.get(place, byte) for place, byte in enumerate(before))
    game = FakeProcess(PID, bitness=32)
    game.map(BASE, PAGE)
    with game.open("rw") as view:
        view.write(now, BASE + offset)
        dump = view.hexdump(len(now), BASE + offset, width=width, since=before)
    for place, byte in enumerate(now):
        row, column = divmod(place, width)
        line = dump.lines[row]
        position = 9 + 3 * column + column // 8
        mark = "*" if byte != before[place] else " "
        assert line[position : position + 3] == f"{mark}{byte:02X}"
        shown_width = min(width, len(now))  # a single line is no longer than it has to be
        text = 9 + 3 * shown_width + (shown_width - 1) // 8 + 2
        assert line[text + column] == (chr(byte) if 32 <= byte <= 126 else ".")
    assert [int(line[:8], 16) for line in dump] == [*range(BASE + offset, BASE + offset + len(now), width)]


# -- what is refused


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((-1, BASE), {}, ValueError, "negative"),
        ((16, -1), {}, OverflowError, "negative"),
        ((16, (1 << 64) - 1), {}, OverflowError, "address space"),
        (("16", BASE), {}, TypeError, "a size or count is an int"),
        ((16, BASE), {"width": 0}, ValueError, "1 byte or more, not 0"),
        ((16, BASE), {"width": -16}, ValueError, "negative"),
        ((16, BASE), {"width": "wide"}, TypeError, "is an int"),
        ((16, BASE), {"since": b"short"}, ValueError, "since has 5 bytes, and the dump has 16"),
        (
            (16, BASE),
            {"since": "0000"},
            TypeError,
            "since is a HexDump, a Snapshot or a bytes-like object, not str",
        ),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_before_anything_is_touched(game, arguments, options, error, message):
    refuse = failing(AssertionError("it was touched"))
    system = StubSystem(game, read=refuse, modules=refuse, region_at=refuse)
    with MemoryView(PID, system=system) as view, pytest.raises(error, match=message):
        view.hexdump(*arguments, **options)


def test_what_stands_for_an_int_is_taken(view):
    class Number:
        def __index__(self) -> int:
            return 8

    with view.allocate(16) as memory:
        assert view.hexdump(Number(), memory, width=Number()).data == bytes(8)


def test_where_modules_can_not_be_listed_there_are_none(game):
    refusal = failure_from(Cause.OUT_OF_REACH, "EnumProcessModulesEx", "It is too wide.")
    with MemoryView(PID, system=StubSystem(game, modules=failing(refusal))) as view:
        assert shown(view.hexdump(8, IMAGE, width=8)) == [
            "0000000140000000  4D 5A 00 00 00 00 00 00  MZ......"
        ]


def test_who_may_not_read_sees_nothing(game):
    with game.open("w") as view, pytest.raises(MissingRightError):
        view.hexdump(16, BASE)
    with pytest.raises(ClosedViewError):
        view.hexdump(16, BASE)


def test_of_a_program_that_ended_nothing_is_seen(game, view):
    game.exit()
    with pytest.raises(TargetExitedError) as caught:
        view.hexdump(16, BASE)
    assert caught.value.address == BASE


def test_a_change_marks_no_more_than_its_byte(view):
    before = view.hexdump(48, BASE)
    view.write(b"\xee", BASE + 20)
    dump = view.hexdump(48, BASE, since=before)
    assert [line.count("*") for line in dump] == [0, 1, 1]  # the last is the text of 0x2A
