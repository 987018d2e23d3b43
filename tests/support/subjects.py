"""What the contract tests run on: one program in memory, one on the real system, told apart by nothing else.

Both have the same pages, under the names that ``tests/targets/pages.c`` gives them, and two that
every program lacks: ``null`` and ``kernel``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import known_linux
import pytest

from memaccess import MemoryView
from memaccess.testing import FakeProcess
from support import targets

if TYPE_CHECKING:
    from typing_extensions import Self

    from support.outcomes import Outcome

PAGE = 4096
NOWHERE = {
    64: {"null": 0, "kernel": 0xFFFF_8000_0000_0000},
    # Under Wine a 32-bit program has its Linux stack right below 0xFFFFE000; only above it is nothing.
    32: {"null": 0, "kernel": 0xFFFF_F000},
}
CODE = bytes.fromhex("b82a000000c3")  # mov eax, 42; ret


def kept_exit_code(code: int, *, is_real: bool = True) -> int:
    """What the system keeps of an exit code: Linux its last byte."""
    return code & 0xFF if is_real and known_linux.IS_LINUX else code


class Subject(Protocol):
    """A program with a page of every kind."""

    bitness: int
    is_real: bool

    def has(self, page: str) -> bool:
        """Whether its system has such pages."""
        ...

    def address(self, page: str) -> int: ...
    def open(self, mode: str) -> MemoryView: ...
    def peek(self, page: str, offset: int, size: int) -> bytes:
        """The bytes as the program itself sees them."""
        ...

    def protection(self, page: str, offset: int = 0) -> int:
        """The protection as the program itself is told it."""
        ...

    def query(self, page: str) -> dict[str, int]:
        """What the program itself is told of the page, by Windows' names."""
        ...

    def end(self, code: int) -> None:
        """Let it exit, and wait until it has."""
        ...

    def kill(self) -> None:
        """End it from outside, and wait until it has."""
        ...


class FakeSubject:
    """A :class:`FakeProcess` with the pages of ``pages.c``."""

    is_real = False

    def __init__(self, bitness: int) -> None:
        self.bitness = bitness
        self._fake = FakeProcess(name=f"pages-{bitness}.exe", bitness=bitness)
        self._pages = dict(NOWHERE[bitness])
        self._next = 0x40_0000 if bitness == 32 else 0x1_4000_0000
        self._map("readwrite", b"read and write", "rw-")
        self._map("readonly", b"read only", "r--")
        self._map("execute_read", CODE, "r-x")
        self._map("noaccess", b"no access", "---")
        self._map("guard", b"guarded", "rw-", guard=True)
        self._fake.reserve(self._take("reserved"), PAGE)
        self._map("border_ansi", PAGE, "rw-")
        self._map("behind_border", PAGE, "---", beside=True)
        self._map("run", b"a" * PAGE, "rw-")
        self._map("run2", b"b" * PAGE, "r--", beside=True)
        self._map("run3", b"c" * PAGE, "rw-", beside=True)
        self._map("lonely", PAGE, "rw-")
        self._take("free")
        self._load()

    def _load(self) -> None:
        """The modules that every Windows program has, as far as the tests name them."""
        self._fake.load(self._fake.name, 0x0100_0000)
        self._fake.load("ntdll.dll", 0x7000_0000, exports={"RtlAllocateHeap": 0x1000, "NtClose": 0x1100})
        forwarded = {"HeapAlloc": "NTDLL.RtlAllocateHeap", "GetTickCount": 0x1000}
        self._fake.load("kernel32.dll", 0x7100_0000, exports=forwarded)
        self._start_thread(0x7100_1009)

    def _start_thread(self, called_from: int) -> None:
        """A thread whose first function was called from that place."""
        stack, width = self._take("stack"), self.bitness // 8
        self._fake.map(
            stack, bytes(PAGE - 0x80) + called_from.to_bytes(width, "little") + bytes(0x80 - width)
        )
        self._fake.stack_bases.append(stack + PAGE)

    def _take(self, page: str, *, beside: bool = False) -> int:
        if not beside:
            self._next += 0x10000 - self._next % 0x10000
        self._pages[page] = self._next
        self._next += PAGE
        return self._pages[page]

    def _map(
        self, page: str, content: bytes | int, protection: str, *, guard: bool = False, beside: bool = False
    ) -> None:
        self._fake.map(self._take(page, beside=beside), content, protection, guard=guard)

    def has(self, page: str) -> bool:
        return page in self._pages

    def address(self, page: str) -> int:
        return self._pages[page]

    def open(self, mode: str) -> MemoryView:
        return self._fake.open(mode)

    def peek(self, page: str, offset: int, size: int) -> bytes:
        return self._fake.peek(size, self.address(page) + offset)

    def protection(self, page: str, offset: int = 0) -> int:
        with self.open("r") as view:
            region = view.region_at(self.address(page) + offset)
        assert region is not None
        return region.protection

    def query(self, page: str) -> dict[str, int]:
        state = 0x2000 if page == "reserved" else 0x1000
        return {"state": state, "type": 0x20000, "allocation_base": self.address(page)}

    def end(self, code: int) -> None:
        self._fake.exit(code)

    def kill(self) -> None:
        self._fake.exit(1)

    def is_suspended(self) -> bool:
        """Whether it stands still."""
        return self._fake.suspensions > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._fake.open_handles == 0, "a view was left open"
        assert self._fake.suspensions == 0, "it was left suspended"


class RealSubject:
    """The ``pages`` target, running."""

    is_real = True

    def __init__(self, bitness: int, name: str = "pages") -> None:
        self.bitness = bitness
        self._target = targets.start(name, bitness)

    def has(self, page: str) -> bool:
        return page in NOWHERE[self.bitness] or page in self._target.facts["pages"]

    def address(self, page: str) -> int:
        if page in NOWHERE[self.bitness]:
            return NOWHERE[self.bitness][page]
        self._require(page)
        return self._target.facts["pages"][page]["base"]

    def open(self, mode: str) -> MemoryView:
        return MemoryView(self._target.pid, mode)

    def peek(self, page: str, offset: int, size: int) -> bytes:
        return bytes.fromhex(self._target.ask(f"peek {page} {offset} {size}")["bytes"])

    def _require(self, page: str) -> None:
        if not self.has(page):
            pytest.skip("this system has no such pages")

    def protection(self, page: str, offset: int = 0) -> int:
        self._require(page)
        return self._target.ask(f"query {page} {offset}")["protect"]

    def query(self, page: str) -> dict[str, int]:
        return self._target.ask(f"query {page} 0")

    def end(self, code: int) -> None:
        assert self._target.tell(f"exit {code}") == kept_exit_code(code)

    def kill(self) -> None:
        self._target.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._target.__exit__()


SUBJECTS = [
    pytest.param((FakeSubject, 64), id="fake-64"),
    pytest.param((FakeSubject, 32), id="fake-32"),
    pytest.param((RealSubject, 64), id="real-64", marks=pytest.mark.live),
    pytest.param((RealSubject, 32), id="real-32", marks=pytest.mark.live),
]
"""Parameters for a fixture: what makes a subject, and how wide it is."""


def is_wide(subject: Subject) -> bool:
    """Whether this Python reaches it through the NtWow64 functions: it is 32-bit, and the program is not."""
    return subject.is_real and sys.platform == "win32" and subject.bitness > targets.OWN_BITNESS


def told(subject: Subject, outcome: Outcome) -> Outcome:
    """An outcome with the code of the subject's system; it is given with that of Windows."""
    return known_linux.expected("", outcome) if is_linux(subject) else outcome


def code_of(subject: Subject, windows: int) -> int:
    """The error code of the subject's system, where that of Windows is this one."""
    return known_linux.CODES[windows] if is_linux(subject) else windows


def is_linux(subject: Subject) -> bool:
    """Whether it is a program of Linux."""
    return subject.is_real and known_linux.IS_LINUX


def require_windows(subject: Subject, why: str) -> None:
    """Skip what programs of Linux do not have."""
    if is_linux(subject):
        pytest.skip(f"no test for programs of Linux: {why}")


def require_changes(subject: Subject) -> None:
    """Skip where this Python can't stop a program of Linux to change its memory map."""
    if is_linux(subject) and not known_linux.CAN_STOP:
        pytest.skip(known_linux.WHY_NOT_STOPPED)


def require_reach(subject: Subject, page: str) -> None:
    """Skip where the page is too far up for what this Python is to ask about it."""
    if is_wide(subject) and subject.address(page) >= 1 << 32:
        pytest.skip("the system put the memory above 4 GiB, where a 32-bit Python can't ask about it")
