"""What /proc/PID/maps says, and what is made of it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memaccess._backend.linux._maps import Mapping, Span, found_at, parse, regions

PAGE = 4096
END = 0x7FFF_FFFF_F000
TEXT = r"""55d0c0000000-55d0c0001000 r--p 00000000 08:02 173521                     /usr/bin/a game
55d0c0001000-55d0c0003000 r-xp 00001000 08:02 173521                     /usr/bin/a game
55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000001000 rw-s 00000000 00:01 2048                       /dev/zero (deleted)
7f0000010000-7f0000011000 r--s 00000000 08:02 99                         /tmp/new\012line (deleted)
7f0000020000-7f0000021000 ---p 00000000 00:00 0 
7f0000030000-7f0000032000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
"""  # noqa: W291 - the kernel writes it so


def mapping(start: int, pages: int, rights: str = "rw-p", inode: int = 0, path: str = "", offset: int = 0):
    return Mapping(start, start + pages * PAGE, rights, offset, ("08:02", inode), path)


def told(mappings, address=0, spans=()):
    return [
        (each.base, each.size // PAGE, each.rights, each.kind, each.allocation_base)
        for each in regions(mappings, address, END, spans)
        if each.state == "committed"
    ]


def test_every_line_is_a_mapping():
    found = parse(TEXT)
    assert len(found) == 8
    assert found[1] == Mapping(
        0x55D0_C000_1000, 0x55D0_C000_3000, "r-xp", 0x1000, ("08:02", 173521), "/usr/bin/a game"
    )
    assert [each.path for each in found[2:6]] == [
        "[heap]",
        "/dev/zero (deleted)",
        "/tmp/new\nline (deleted)",
        "",
    ]


def test_a_file_is_what_has_a_path():
    assert [each.file for each in parse(TEXT)] == [
        *["/usr/bin/a game"] * 2,
        None,
        None,
        "/tmp/new\nline",
        *[None] * 3,
    ]


def test_regions_have_kinds_and_allocations():
    program, vdso = 0x55D0_C000_0000, 0x7F00_0003_0000
    assert told(parse(TEXT)) == [
        (program, 1, "r--", "image", program),
        (program + PAGE, 2, "r-x", "image", program),
        (0x55D0_C100_0000, 0x21, "rw-", "private", 0x55D0_C100_0000),
        (0x7F00_0000_0000, 1, "rw-", "mapped", 0x7F00_0000_0000),
        (0x7F00_0001_0000, 1, "r--", "mapped", 0x7F00_0001_0000),
        (0x7F00_0002_0000, 1, "---", "private", 0x7F00_0002_0000),
        (vdso, 2, "r-x", "image", vdso),
    ]


def test_a_span_makes_one_image_of_all_that_is_in_it():
    first = mapping(0x40_0000, 1, "r--p", 7, "/game.exe")
    code, data = mapping(0x40_1000, 2, "r-xp"), mapping(0x40_3000, 4)
    span = Span(first, 0x40_5000)
    assert told([first, code, data], 0, [span]) == [
        (0x40_0000, 1, "r--", "image", 0x40_0000),
        (0x40_1000, 2, "r-x", "image", 0x40_0000),
        (0x40_3000, 2, "rw-", "image", 0x40_0000),
        (0x40_5000, 2, "rw-", "private", 0x40_5000),
    ]
    assert told([first, code, data], 0x40_4000, [span])[0] == (0x40_4000, 1, "rw-", "image", 0x40_0000)


@pytest.mark.parametrize("address", [0, 0x3F_FFFF, 0x40_3000, END])
def test_nothing_is_found_where_nothing_is(address):
    assert found_at([mapping(0x40_0000, 1), mapping(0x40_2000, 1)], address) is None


@st.composite
def maps(draw):
    """Mappings in order with gaps, and spans over some of them."""
    position, found, spans = 0x1_0000, [], []
    for inode in range(draw(st.integers(0, 12))):
        position += draw(st.integers(0, 2)) * PAGE
        rights = draw(st.sampled_from(["r--p", "rw-p", "r-xp", "---p", "rw-s"]))
        pages = draw(st.integers(1, 4))
        found.append(mapping(position, pages, rights, draw(st.sampled_from([0, inode + 1])), "/f"))
        if draw(st.booleans()) and (not spans or spans[-1].end <= position):
            spans.append(Span(found[-1], position + draw(st.integers(1, 8)) * PAGE))
        position += pages * PAGE
    return found, spans


@given(maps(), st.integers(0, 40))
def test_regions_cover_all_addresses_once_and_as_they_are_mapped(case, page):
    mappings, spans = case
    start = page * PAGE
    end = 0x40_0000
    found = list(regions(mappings, start + 5, end, spans))
    assert found[0].base == start
    assert found[-1].end == end
    assert all(one.end == other.base for one, other in itertools.pairwise(found))
    for each in found:
        line = found_at(mappings, each.base)
        assert (line is None) == (each.state == "free")
        if line is not None:
            span = found_at(spans, each.base)
            assert span is None or (each.kind, each.allocation_base) == ("image", span.start)
            for page in range(each.base, each.end, PAGE):
                line = found_at(mappings, page)
                assert line is not None
                assert each.rights == line.rights[:3]
                assert found_at(spans, page) is span or line.identity[1]


GAME = """\
400000-401000 r--p 00000000 fe:00 77 /game.exe
401000-402000 rw-p 00000000 00:00 0
402000-403000 rw-p 00000000 00:00 0
403000-404000 r--p 00000000 00:00 0
404000-405000 rw-p 00000000 00:00 0
405000-406000 rw-p 00000000 00:00 0
"""


def test_pages_of_an_image_with_the_same_rights_are_one_region_whatever_lines_they_have():
    mappings = parse(GAME)
    found = regions(mappings, 0x400000, 0x406000, [Span(mappings[0], 0x405000)])
    assert [(each.base, each.size, each.rights, each.kind) for each in found] == [
        (0x400000, 0x1000, "r--", "image"),
        (0x401000, 0x2000, "rw-", "image"),
        (0x403000, 0x1000, "r--", "image"),
        (0x404000, 0x1000, "rw-", "image"),
        (0x405000, 0x1000, "rw-", "private"),
    ]


def test_neighbours_that_are_no_file_may_be_allocations_of_their_own():
    mappings = parse("1000-2000 rw-p 00000000 00:00 0\n2000-3000 rw-p 00000000 00:00 0\n")
    assert [each.allocation_base for each in regions(mappings, 0x1000, 0x3000)] == [0x1000, 0x2000]
