"""``force=True`` on real programs: what it leaves behind, as the program itself is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import targets
from support.subjects import PAGE

from memaccess import MemoryView, NotWritableError
from memaccess._errors import ERROR_NOACCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READONLY, READWRITE, EXECUTE_READWRITE = 0x02, 0x04, 0x40
CLOSED = ["readonly", "execute_read", "execute", "noaccess", "guard"]
TEXT = b"written by force"


class Pages:
    """The ``pages`` target, and a view that writes to it."""

    def __init__(self, target: targets.Target, view: MemoryView) -> None:
        self.target = target
        self.view = view

    def address(self, page: str, offset: int = 0) -> int:
        return self.target.facts["pages"][page]["base"] + offset

    def protections(self) -> dict[str, Any]:
        """What the program is told of all its pages, those inside a run too."""
        run = [self.target.ask(f"query run {offset}") for offset in (0, PAGE, 2 * PAGE)]
        return {**self.target.ask("protect"), "pages of the run": run}

    def protection(self, page: str, offset: int = 0) -> int:
        return self.target.ask(f"query {page} {offset}")["protect"]

    def peek(self, page: str, offset: int, size: int) -> bytes:
        return bytes.fromhex(self.target.ask(f"peek {page} {offset} {size}")["bytes"])


@pytest.fixture(scope="module", params=targets.BITNESSES)
def pages(request: pytest.FixtureRequest) -> Iterator[Pages]:
    with targets.start("pages", request.param) as target, MemoryView(target.pid, "w") as view:
        view.region_at(0x10000)  # opens the handle that Wine wants for that, before leaks are looked for
        yield Pages(target, view)


@pytest.fixture
def replace_write(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Have another function in the place of the one that writes to a program."""

    def replace(write: Callable[..., Any]) -> None:
        monkeypatch.setattr("memaccess._backend._windows._write_memory", write)
        monkeypatch.setattr("memaccess._win32.ntdll.NtWow64WriteVirtualMemory64", write)

    return replace


def refusing(*_: Any) -> int:
    """A WriteProcessMemory that fails, and an NtWow64WriteVirtualMemory64 that does."""
    import ctypes

    ctypes.set_last_error(ERROR_NOACCESS)
    return 0


# -- it writes


def test_a_constant_of_the_program_is_changed(pages: Pages) -> None:
    pages.view.write(b"variable", pages.address("rdata"), force=True)
    assert pages.peek("rdata", 0, 13) == b"variable data"


@pytest.mark.parametrize("page", ["readonly", "execute_read"])
def test_the_program_sees_what_was_forced(pages: Pages, page: str) -> None:
    pages.view.write(TEXT, pages.address(page, 100), force=True)
    assert pages.peek(page, 100, len(TEXT)) == TEXT
