"""Regions out of the lines of ``/proc/PID/maps``."""

from __future__ import annotations

from memaccess._backend.linux._maps import Span, parse, regions

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
