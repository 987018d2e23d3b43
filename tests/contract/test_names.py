"""Modules, exports and addresses by name, on the fake and on real programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.subjects import is_linux, is_wide, require_windows

from memaccess import (
    AddressSyntaxError,
    BrokenChainError,
    ClosedViewError,
    MissingRightError,
    SymbolNotFoundError,
    TargetExitedError,
    WrongBitnessError,
)

if TYPE_CHECKING:
    from support.subjects import Subject

    from memaccess import MemoryView


class Known(NamedTuple):
    """A library that every program of the system has, and something that it exports."""

    module: str
    export: str
    other_spellings: tuple[str, ...]

    @property
    def symbol(self) -> str:
        return f'"{self.module}"!{self.export}'


@pytest.fixture
def known(subject: Subject) -> Known:
    if is_linux(subject):
        return Known("[vdso]", "__vdso_clock_gettime", ("[VDSO]",))
    return Known("ntdll", "RtlAllocateHeap", ("NTDLL.dll", "kernel32.DLL"))


@pytest.fixture
def view(subject: Subject):
    """A view on a program whose modules this Python can list."""
    if is_wide(subject):
        pytest.skip("a 32-bit Python can't list the modules of a 64-bit program")
    with subject.open("rw") as view:
        yield view


def test_modules_have_names_and_places(view: MemoryView, known: Known) -> None:
    listed = view.modules()
    assert listed[0].name.lower() == view.name.lower()
    for module in listed:
        assert view.module_at(module.base) == module
        assert view.module_at(module.end - 1) == module
    for name in (known.module, *known.other_spellings):
        assert view.module(name) in listed
    assert view.module(view.name.removesuffix(".exe")) == listed[0]
    name = view.module(known.module).name
    wrong = name.replace("d", "b")
    with pytest.raises(SymbolNotFoundError, match=re.escape(f"{wrong!r}; did you mean {name!r}")):
        view.module(wrong)


def test_exports_lead_to_places_and_back(view: MemoryView, known: Known) -> None:
    module = view.module(known.module)
    exports = {export.name: export for export in view.exports(known.module)}
    place = exports[known.export].address
    assert place is not None
    assert module.base < place < module.end
    assert int(view.address(known.symbol)) == place
    assert int(view.address(known.export)) == place
    assert int(view.address(f'"{known.module}"!#{exports[known.export].ordinal}')) == place
    found = view.symbol_at(place + 2)
    assert (found.module, found.offset) == (module, 2)
    assert exports[found.name].address == place
    assert int(view.address(str(found))) == place + 2


def test_names_are_written_as_cheat_engine_writes_them(subject: Subject, view: MemoryView) -> None:
    require_windows(subject, "module names have dots and versions there")
    assert int(view.address("ntdll.rtlallocateheap")) == int(view.address("ntdll!RtlAllocateHeap"))
    assert str(view.symbol_at("ntdll!RtlAllocateHeap+2")) == "ntdll!RtlAllocateHeap+0x2"


def test_forwarders_are_followed(subject: Subject, view: MemoryView) -> None:
    require_windows(subject, "libraries of Linux forward nothing")
    (export,) = (each for each in view.exports("kernel32") if each.name == "HeapAlloc")
    assert export.address is None
    assert export.forwarder is not None
    assert export.forwarder.upper() == "NTDLL.RTLALLOCATEHEAP"
    assert int(view.address("kernel32!HeapAlloc")) == int(view.address("ntdll!RtlAllocateHeap"))


def test_the_stacks_of_threads_are_counted_from_the_call_of_their_first_function(
    subject: Subject, view: MemoryView
) -> None:
    require_windows(subject, "they begin elsewhere there")
    start = int(view.address("THREADSTACK0"))
    assert view.module_at(view.read_pointer(start)) == view.module("kernel32")
    assert int(view.address('"ThreadStack00"-00000378')) == start - 0x378
    with pytest.raises(SymbolNotFoundError, match="there is no thread 999 with a stack") as caught:
        view.read(1, "[THREADSTACK999-8]+4")
    assert caught.value.position == 1


def test_addresses_by_name_are_read_and_written(subject: Subject, view: MemoryView) -> None:
    program = f'"{view.name}"'
    assert view.read(4, program)[:2] in (b"MZ", b"\x7fE")
    assert view.read(2, f"{subject.address('readwrite'):x}") == b"re"
    place = subject.address("readwrite")
    view.write_pointer(place + 0x100, place + 0x40)
    view.write_pointer(place + 0x200, place + 0x118)
    view.write_int(77, place + 0x208)
    chain = f"[[{place:x}+40]+18]+8"
    assert view.read_int(chain) == 77
    kept = view.address(chain)
    view.write_int(78, kept)
    view.write_pointer(place + 0x1FC, place + 0x118)
    assert int(kept) == place + 0x204
    assert subject.peek("readwrite", 0x208, 4) == b"\x4e\0\0\0"


def test_a_chain_that_breaks_says_where(subject: Subject, view: MemoryView) -> None:
    place = subject.address("readwrite")
    with pytest.raises(BrokenChainError, match="is null") as caught:
        view.read_int(f"[[{place + 0x400:x}]+8]")
    assert (caught.value.address, caught.value.position) == (place + 0x400, 1)
    nowhere = subject.address("kernel")
    with pytest.raises(BrokenChainError, match="can't be read, error code") as caught:
        view.read_int(f"4+[{nowhere:x}]")
    assert (caught.value.address, caught.value.position) == (nowhere, 2)


def test_what_is_no_modules_has_no_name(subject: Subject, view: MemoryView) -> None:
    for page in ("readwrite", "free", "null", "kernel"):
        assert view.module_at(subject.address(page)) is None
        assert view.symbol_at(subject.address(page)) is None


def test_names_are_refused_as_everything_else_is(subject: Subject, known: Known) -> None:
    if is_wide(subject):
        with subject.open("r") as view, pytest.raises(WrongBitnessError):
            view.read(1, f'"{known.module}"')
        return
    with subject.open("w") as view:
        for use in (lambda: view.module(known.module), lambda: view.write(b"", f'"{known.module}"')):
            with pytest.raises(MissingRightError):
                use()
        with pytest.raises(AddressSyntaxError):
            view.write(b"", "[ntdll")
    with pytest.raises(ClosedViewError):
        view.module(known.module)
    with subject.open("r") as view:
        place = view.address(known.symbol)
        assert int(place)
        subject.end(0)
        with pytest.raises(TargetExitedError):
            view.read(1, place)
        with pytest.raises(TargetExitedError):
            view.exports(known.module)
