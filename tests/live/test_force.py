"""``force=True`` on real programs: what it leaves behind, as the program itself is told."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import targets
from support.subjects import PAGE

from memaccess import MemoryView, NotWritableError
from memaccess._win32._codes import ERROR_NOACCESS, failure_with

if sys.platform == "win32":
    from memaccess._backend.windows import _process
    from memaccess._win32 import kernel32, ntdll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READONLY, READWRITE, EXECUTE_READWRITE, GUARD = 0x02, 0x04, 0x40, 0x100
STATUS_ACCESS_VIOLATION = -0x3FFFFFFB
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


class Spy:
    """Stands in the place of a function of Windows: notes that it was called, and may refuse."""

    def __init__(self, function: Callable[..., Any], refusal: int | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.before: Callable[[], object] = lambda: None
        self._function = function
        self._refusal = refusal

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        self.before()
        if self._refusal is None:
            return self._function(*arguments)
        ctypes.set_last_error(ERROR_NOACCESS)
        return self._refusal


@pytest.fixture
def no_write(monkeypatch: pytest.MonkeyPatch) -> Spy:
    """Have every write to a program fail, in both ways to write."""
    spy = Spy(_process._write_memory, refusal=0)
    monkeypatch.setattr(_process, "_write_memory", spy)
    monkeypatch.setattr(ntdll, "NtWow64WriteVirtualMemory64", lambda *_: spy() or STATUS_ACCESS_VIOLATION)
    return spy


# -- it writes


@pytest.mark.parametrize("page", ["readonly", "execute_read"])
def test_the_program_sees_what_was_forced(pages: Pages, page: str) -> None:
    pages.view.write(TEXT, pages.address(page, 100), force=True)
    assert pages.peek(page, 100, len(TEXT)) == TEXT


@pytest.mark.parametrize("bitness", [each for each in targets.BITNESSES if each <= targets.OWN_BITNESS])
def test_a_constant_of_the_program_is_changed(bitness: int) -> None:
    with targets.start("pages", bitness) as target, MemoryView(target.pid, "w") as view:
        pages = Pages(target, view)
        before = pages.protection("rdata")
        view.write(b"variable", pages.address("rdata"), force=True)
        assert pages.peek("rdata", 0, 13) == b"variable data"
        assert pages.protection("rdata") == before == READONLY


def test_typed_writes_force_too(pages: Pages) -> None:
    pages.view.write_int(0x04030201, pages.address("readonly", 8), force=True)
    pages.view.write_string("text", pages.address("readonly", 12), force=True)
    pages.view.write_array("short", [1, 2], pages.address("readonly", 17), force=True)
    pages.view.write_struct("<bb", (3, 4), pages.address("readonly", 21), force=True)
    assert pages.peek("readonly", 8, 15) == b"\1\2\3\4text\0\1\0\2\0\3\4"


def test_a_write_within_one_page_lifts_only_that_page(pages: Pages, monkeypatch) -> None:
    spy = Spy(kernel32.VirtualProtectEx)
    monkeypatch.setattr(kernel32, "VirtualProtectEx", spy)
    pages.view.write(b"x", pages.address("run", PAGE + 7), force=True)
    assert [call[1:4] for call in spy.calls] == [
        (pages.address("run", PAGE + 7), 1, READWRITE),
        (pages.address("run", PAGE + 7), 1, READONLY),
    ]


def test_what_can_be_written_is_not_lifted(pages: Pages, monkeypatch) -> None:
    spy = Spy(kernel32.VirtualProtectEx)
    monkeypatch.setattr(kernel32, "VirtualProtectEx", spy)
    pages.view.write(TEXT, pages.address("readwrite"), force=True)
    pages.view.write(TEXT, pages.address("execute_readwrite"), force=True)
    assert spy.calls == []


def test_the_processor_is_told_of_changed_code(pages: Pages, monkeypatch) -> None:
    spy = Spy(kernel32.FlushInstructionCache)
    monkeypatch.setattr(kernel32, "FlushInstructionCache", spy)
    pages.view.write(TEXT, pages.address("execute_read"), force=True)
    assert [call[1:] for call in spy.calls] == [(pages.address("execute_read"), len(TEXT))]


# -- it leaves everything as it was


@pytest.mark.parametrize("page", CLOSED)
def test_no_protection_is_changed_by_a_write(pages: Pages, page: str) -> None:
    before = pages.protections()
    pages.view.write(TEXT, pages.address(page), force=True)
    assert pages.protections() == before


@pytest.mark.parametrize(("offset", "size"), [(0, 3 * PAGE), (10, PAGE), (PAGE - 1, 2), (2 * PAGE - 1, 2)])
def test_no_protection_is_changed_by_a_write_across_pages(pages: Pages, offset: int, size: int) -> None:
    before = pages.protections()
    pages.view.write(b"x" * size, pages.address("run", offset), force=True)
    assert pages.peek("run", offset, size) == b"x" * size
    assert pages.protections() == before


@pytest.mark.parametrize("page", CLOSED)
def test_the_protection_is_lifted_for_a_write_that_fails_and_put_back(
    pages: Pages, no_write: Spy, page: str
) -> None:
    before = pages.protections()
    seen = []
    no_write.before = lambda: seen.append(pages.protection(page))
    with pytest.raises(NotWritableError):
        pages.view.write(TEXT, pages.address(page), force=True)
    assert seen == [EXECUTE_READWRITE if page.startswith("execute") else READWRITE]
    assert pages.protections() == before


def test_a_write_across_pages_that_fails_leaves_no_protection_changed(pages: Pages, no_write: Spy) -> None:
    before = pages.protections()
    with pytest.raises(NotWritableError):
        pages.view.write(b"y" * 3 * PAGE, pages.address("run"), force=True)
    assert pages.protections() == before
    assert no_write.calls


def test_ctrl_c_during_the_write_leaves_no_protection_changed(pages: Pages, no_write: Spy) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    before = pages.protections()
    no_write.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        pages.view.write(TEXT, pages.address("readonly"), force=True)
    assert pages.protections() == before


def test_nothing_is_written_or_changed_where_a_part_has_no_memory(pages: Pages) -> None:
    before = pages.protections(), pages.peek("lonely", PAGE - 8, 8)
    with pytest.raises(NotWritableError) as caught:
        pages.view.write(TEXT, pages.address("lonely", PAGE - 8), force=True)
    assert caught.value.region is not None
    assert caught.value.region.base == pages.address("lonely", PAGE)
    assert (pages.protections(), pages.peek("lonely", PAGE - 8, 8)) == before


@pytest.mark.parametrize("page", ["reserved", "free"])
def test_nothing_is_changed_where_there_is_no_memory_at_all(pages: Pages, page: str) -> None:
    before = pages.protections()
    with pytest.raises(NotWritableError):
        pages.view.write(TEXT, pages.address(page), force=True)
    assert pages.protections() == before


def test_a_page_that_can_not_be_lifted_leaves_those_before_it_as_they_were(pages: Pages, monkeypatch) -> None:
    real = kernel32.VirtualProtectEx
    second = pages.address("run", PAGE)

    def refuse_the_second(handle: Any, address: int, size: int, protection: int, previous: Any) -> Any:
        if address == second and protection != READONLY:
            raise failure_with("VirtualProtectEx", ERROR_NOACCESS)
        return real(handle, address, size, protection, previous)

    def make_readonly() -> None:
        real(pages.view._process._handle, pages.address("run"), PAGE, READONLY | GUARD, ctypes.c_uint32())

    make_readonly()
    before = pages.protections(), pages.protection("run")
    monkeypatch.setattr(kernel32, "VirtualProtectEx", refuse_the_second)
    with pytest.raises(NotWritableError):
        pages.view.write(b"z" * 2 * PAGE, pages.address("run"), force=True)
    assert (pages.protections(), pages.protection("run")) == before
    assert before[1] == READONLY | GUARD


def test_without_force_no_protection_is_touched(pages: Pages, monkeypatch) -> None:
    spy = Spy(kernel32.VirtualProtectEx)
    monkeypatch.setattr(kernel32, "VirtualProtectEx", spy)
    pages.view.write(TEXT, pages.address("readwrite"))
    assert spy.calls == []
