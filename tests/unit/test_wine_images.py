"""Programs of Windows as they lie in memory under Wine, made up here."""

from __future__ import annotations

import struct

import pytest

from memaccess._backend.linux import _wine
from memaccess._backend.linux._maps import Mapping
from memaccess._errors import Cause, SystemFailure

PAGE = 4096
GAME, NTDLL = 0x1_4000_0000, 0x1_7000_0000
DLL = 0x2000
CODE = 0x6000_0020
DATA = 0x4000_0040


def image(sections, *, kind: int = DLL, size: int = 0x5000, bitness: int = 64) -> bytes:
    """The first page; sections are (name, place in memory, bytes in the file, place in the file, flags)."""
    optional_size = {64: 240, 32: 224}[bitness]
    page = bytearray(0x98 + optional_size)
    page[:2] = b"MZ"
    struct.pack_into("<I", page, 0x3C, 0x80)
    machine, magic = {64: (0x8664, 0x20B), 32: (0x14C, 0x10B)}[bitness]
    struct.pack_into("<4s2HI8x2H", page, 0x80, b"PE\0\0", machine, len(sections), 77, optional_size, kind)
    struct.pack_into("<H14xI36xI", page, 0x98, magic, 0x1000, size)
    for name, offset, file_size, file_offset, flags in sections:
        page += struct.pack("<8s4I12xI", name, file_size, offset, file_size, file_offset, flags)
    return bytes(page.ljust(PAGE, b"\0"))


PROGRAM = [(b".text", 0x1000, 0x800, 0x400, CODE), (b".data", 0x2000, 0x200, 0xC00, DATA)]
"""As most programs are: what the file has is not where memory has it."""
PAGED = [(b".text", 0x1000, 0x1000, 0x1000, CODE), (b".data", 0x2000, 0x1000, 0x2000, DATA)]
"""As Wine's own are: both are the same."""


class Memory:
    """What is mapped, and what is in it."""

    def __init__(self) -> None:
        self.mappings: list[Mapping] = []
        self._pages: dict[int, bytes] = {}
        self._inodes = 0

    def map(self, start: int, pages: int, rights: str, path: str = "", offset: int = 0) -> Mapping:
        same = [each.identity for each in self.mappings if path and each.path == path]
        self._inodes += bool(path)
        identity = same[0] if same else ("08:02", self._inodes if path else 0)
        found = Mapping(start, start + pages * PAGE, rights, offset, identity, path)
        self.mappings = sorted([*self.mappings, found])
        return found

    def load(self, start: int, path: str, page: bytes, *, paged: bool = False) -> None:
        """As Wine's map_image_into_view does."""
        self._pages[start] = page
        self.map(start, 1, "r--p", path)
        self.map(start + PAGE, 1, "r-xp", *((path, PAGE) if paged else ()))
        self.map(start + 2 * PAGE, 1, "rw-p", *((path, 2 * PAGE) if paged else ()))

    def view(self, start: int, path: str, page: bytes, rights: str = "r--p") -> None:
        """As a file that is only read."""
        self._pages[start] = page
        self.map(start, 3, rights, path)

    def read(self, size: int, address: int) -> bytes:
        start = address // PAGE * PAGE
        data = self._pages.get(start, b"")[address - start :][:size]
        if len(data) < size:
            raise SystemFailure("pread", Cause.INACCESSIBLE)
        return data

    @property
    def images(self) -> list[_wine.Image]:
        return list(_wine.images(self.read, self.mappings))


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    memory.load(GAME, "/games/My Game.exe", image(PROGRAM, kind=0))
    memory.load(NTDLL, "/wine/x86_64-windows/ntdll.dll", image(PAGED), paged=True)
    return memory


def test_images_are_what_lies_as_programs_want_it(memory):
    memory.view(0x1_0000, "/games/other.dll", image(PROGRAM))
    memory.view(0x2_0000, "/wine/user32.dll", image(PAGED))
    memory.view(0x3_0000, "/wine/apisetschema.dll", image(PAGED), "r--s")
    memory.map(0x4_0000, 1, "r-xp", "/usr/lib/libc.so.6")
    memory.map(0x5_0000, 1, "rw-p")
    assert [(each.name, each.base) for each in memory.images] == [("My Game.exe", GAME), ("ntdll.dll", NTDLL)]


def test_modules_have_what_their_headers_say(memory):
    program, loader = _wine.modules(memory.images, NTDLL)
    assert (program.name, program.base, program.size, program.bitness) == ("ntdll.dll", NTDLL, 0x5000, 64)
    assert (loader.entry, loader.timestamp, loader.path) == (GAME + 0x1000, 77, "/games/My Game.exe")


def test_spans_are_as_long_as_the_images(memory):
    assert [(each.start, each.end) for each in _wine.spans(memory.images)] == [
        (GAME, GAME + 0x5000),
        (NTDLL, NTDLL + 0x5000),
    ]


def test_a_program_of_windows_has_an_ntdll(memory):
    assert _wine.is_windows(memory.images)
    assert not _wine.is_windows(memory.images[:1])


@pytest.mark.parametrize(
    ("comm", "words"),
    [
        ("My Game.exe", ["C:\\games\\My Game.exe", ""]),
        ("anything", ["Z:\\games\\MY GAME.EXE"]),
        ("anything", ["/games/My Game.exe"]),
        ("anything", ["my game", "-x"]),
        ("My Game.exe", ["start.exe"]),
        ("GameThread", [""]),
        ("GameThread", []),
    ],
)
def test_the_program_is_found_among_others(memory, comm, words):
    memory.load(0x1_0000, "/games/a tool.exe", image(PROGRAM, kind=0))
    memory.load(0x2_0000, "/games/engine.dll", image(PROGRAM))
    if comm == "GameThread":
        memory.mappings = [each for each in memory.mappings if "tool" not in each.path]
    assert _wine.program(memory.images, comm, words).name == "My Game.exe"


def test_a_long_name_is_known_by_its_beginning():
    memory = Memory()
    memory.load(0x1_0000, "/x/TheLongestName-launcher.exe", image(PROGRAM, kind=0))
    memory.load(0x2_0000, "/x/AnotherLongName.exe", image(PROGRAM, kind=0))
    assert _wine.program(memory.images, "AnotherLongName", []).name == "AnotherLongName.exe"


def test_a_program_with_another_ending_is_one():
    memory = Memory()
    memory.load(0x1_0000, "/x/screen.scr", image(PROGRAM, kind=0))
    assert _wine.program(memory.images, "explorer.exe", []).name == "screen.scr"
    assert _wine.program([], "explorer.exe", ["x"]) is None


@pytest.mark.parametrize(
    ("loader", "comm", "words", "may_be"),
    [
        ("/usr/lib/wine/wine64-preloader", "x", [], True),
        ("/opt/proton/bin/WINE", "x", [], True),
        ("/usr/bin/box64", "game.exe", [], True),
        ("/usr/bin/box64", "main", ["C:\\Game.EXE"], True),
        (None, "x", [], True),
        ("/usr/bin/python3", "python3", ["python3", "game.exe"], False),
        ("/usr/bin/python3", "python3", [""], False),
    ],
)
def test_most_processes_need_no_closer_look(loader, comm, words, may_be):
    assert _wine.may_be_windows(loader, comm, words) is may_be


def test_the_table_of_api_sets_is_in_a_file_that_is_only_read(memory):
    assert _wine.api_sets(memory.read, memory.mappings) is None
    sections = [(b".text", 0x1000, 0x200, 0x400, CODE), (b".apiset", 0x2000, 0x600, 0x600, DATA)]
    memory.view(0x3_0000, "/wine/ApiSetSchema.dll", image(sections), "r--s")
    assert _wine.api_sets(memory.read, memory.mappings) == 0x3_0600


def block(words: dict[int, int], width: int, size: int = PAGE) -> bytes:
    """An environment block, with words at offsets."""
    data = bytearray(size)
    for offset, value in words.items():
        data[offset : offset + width] = value.to_bytes(width, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("bitness", "native", "found"), [(64, 64, 0x70_0000), (32, 32, 0x60_0000), (32, 64, 0x60_0000)]
)
def test_stacks_are_found_from_environment_blocks(bitness, native, found):
    wide, narrow = 0x1_0000, 0x1_4000
    page = bytearray(block({0x30: wide, 8: 0x70_0000}, 8, 2 * PAGE))
    page[0x180C:0x1810] = (narrow - wide).to_bytes(4, "little")
    blocks = {wide: bytes(page), narrow: block({0x18: narrow, 4: 0x60_0000}, 4)}

    def read(size: int, address: int) -> bytes:
        for start, data in blocks.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start :][:size]
        raise SystemFailure("pread", Cause.INACCESSIBLE)

    place = wide if native == 64 else narrow
    assert _wine.stack_base(read, place, bitness, native) == found
    for wrong in (0, place + 8, 0x9_0000):
        assert _wine.stack_base(read, wrong, bitness, native) is None
