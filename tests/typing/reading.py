"""What type checkers and editors see of reading; mypy --strict reads this file, and nobody runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterator
    from typing import Any

    from typing_extensions import assert_type

    from memaccess import AddressExpression, MemoryView, Module, PartialRead, Region, Symbol
    from memaccess.snapshots import ByteChange, HexDump, Snapshot, ValueChange

    class Player(ctypes.Structure):
        health: int
        _fields_ = [("health", ctypes.c_int32)]

    def every_c_type(view: MemoryView) -> None:
        assert_type(view.read_char(1), bytes)
        assert_type(view.read_signed_char(1), int)
        assert_type(view.read_unsigned_char(1), int)
        assert_type(view.read_bool(1), bool)
        assert_type(view.read_wchar(1), str)
        assert_type(view.read_short(1), int)
        assert_type(view.read_unsigned_short(1), int)
        assert_type(view.read_int(1), int)
        assert_type(view.read_unsigned_int(1), int)
        assert_type(view.read_long(1), int)
        assert_type(view.read_unsigned_long(1), int)
        assert_type(view.read_long_long(1), int)
        assert_type(view.read_unsigned_long_long(1), int)
        assert_type(view.read_float(1), float)
        assert_type(view.read_double(1), float)
        assert_type(view.read_pointer(1), int)
        assert_type(view.read_size_t(1), int)
        assert_type(view.read_int8(1), int)
        assert_type(view.read_uint8(1), int)
        assert_type(view.read_int16(1), int)
        assert_type(view.read_uint16(1), int)
        assert_type(view.read_int32(1), int)
        assert_type(view.read_uint32(1), int)
        assert_type(view.read_int64(1), int)
        assert_type(view.read_uint64(1), int)

    def everything_else(view: MemoryView) -> None:
        assert_type(view.read(8, 1), bytes)
        assert_type(view.read_available(8, 1), PartialRead)
        assert_type(view.read_string(1), str)
        assert_type(view.read_string(1, "utf-16", limit=8, errors="replace"), str)
        assert_type(view.read_array("int", 3, 1), list[Any])
        assert_type(view.read_struct("if", 1), tuple[Any, ...])
        assert_type(view.read_struct(Player, 1), Player)
        assert_type(view.read_struct(Player, 1).health, int)
        assert_type(view.read_many([("int", 1), (4, 2)]), list[Any])
        assert_type(view.region_at(1), Region | None)
        assert_type(view.regions(), Iterator[Region])

    def snapshots(view: MemoryView) -> None:
        before = view.snapshot()
        assert_type(before, Snapshot)
        assert_type(view.snapshot(before), Snapshot)
        assert_type(view.snapshot(view.regions()), Snapshot)
        assert_type(view.snapshot(view.modules()), Snapshot)
        assert_type(view.snapshot([(1, 4), (Index(), Index())]), Snapshot)
        assert_type(before.read(4, 1), bytes)
        assert_type(before.changes(before), Iterator[ByteChange])
        assert_type(before.changed_values(before, "int", aligned=False), Iterator[ValueChange])
        assert_type(before.lost(before), list[tuple[int, int]])
        assert_type(view.hexdump(16, 1), HexDump)
        view.hexdump(16, 1, width=8, since=before)
        view.hexdump(16, 1, since=view.hexdump(16, 1))
        view.hexdump(16, 1, since=bytearray(16))
        view.snapshot([1])  # type: ignore[list-item]
        view.hexdump(16, 1, since="text")  # type: ignore[arg-type]

    def arguments_by_name(view: MemoryView) -> None:
        assert_type(view.read_int(address=1), int)
        assert_type(view.read(size=4, address=1), bytes)
        assert_type(view.read_struct(layout="i", address=1), tuple[Any, ...])
        assert_type(view.read_array(type="int", count=1, address=1), list[Any])
        view.read_into(buffer=bytearray(4), address=1)

    def addresses_by_name(view: MemoryView) -> None:
        place = view.address("[game.exe+10]+8")
        assert_type(place, AddressExpression)
        assert_type(view.read_int(place), int)
        assert_type(view.read_int("[game.exe+10]+8"), int)
        assert_type(int(place + 4), int)
        assert_type(view.symbol_at("ntdll!RtlAllocateHeap"), Symbol | None)
        assert_type(view.module("ntdll"), Module)

    def what_is_refused(view: MemoryView) -> None:
        view.read_int(b"401000")  # type: ignore[arg-type]
        view.read_int(1.5)  # type: ignore[arg-type]
        view.read_int(None)  # type: ignore[arg-type]
        view.read_int()  # type: ignore[call-arg]
        view.read_int(1, 2)  # type: ignore[call-arg]
        view.read(4)  # type: ignore[call-arg]
        view.read("4", 1)  # type: ignore[arg-type]
        view.read_string(1, limit="8")  # type: ignore[arg-type]
        view.read_array(int, 3, 1)  # type: ignore[arg-type]
        view.read_many([1, 2])  # type: ignore[list-item]
        view.read_dword(1)  # type: ignore[attr-defined]

    class Index:
        def __index__(self) -> int: ...

    def what_stands_for_an_int(view: MemoryView) -> None:
        view.read(Index(), Index())
        view.read_int(Index())
        view.read_array("int", Index(), Index())
        view.read_many([(Index(), Index())])
        view.read_into(ctypes.c_int32(), Index())

    class Watched(MemoryView):
        pass

    def a_view_of_ones_own() -> None:
        assert_type(Watched.from_name("game"), Watched)
        assert_type(MemoryView.read_int(Watched(4), 1), int)
