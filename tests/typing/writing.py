"""What type checkers and editors see of writing; mypy --strict reads this file, and nobody runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

    from memaccess import MemoryView

    class Player(ctypes.Structure):
        _fields_ = [("health", ctypes.c_int32)]

    def every_c_type(view: MemoryView) -> None:
        view.write_char(b"a", 1)
        view.write_signed_char(1, 2)
        view.write_unsigned_char(1, 2)
        view.write_bool(True, 2)
        view.write_wchar("a", 2)
        view.write_short(1, 2)
        view.write_unsigned_short(1, 2)
        view.write_int(1, 2)
        view.write_unsigned_int(1, 2)
        view.write_long(1, 2)
        view.write_unsigned_long(1, 2)
        view.write_long_long(1, 2)
        view.write_unsigned_long_long(1, 2)
        view.write_float(1.5, 2)
        view.write_float(1, 2)
        view.write_double(1.5, 2)
        view.write_pointer(1, 2)
        view.write_size_t(1, 2)
        view.write_int8(1, 2)
        view.write_uint8(1, 2)
        view.write_int16(1, 2)
        view.write_uint16(1, 2)
        view.write_int32(1, 2)
        view.write_uint32(1, 2)
        view.write_int64(1, 2)
        view.write_uint64(1, 2)

    def everything_else(view: MemoryView) -> None:
        view.write(b"a", 1)
        view.write(bytearray(1), 1, force=True)
        view.write_string("a", 1, "utf-16", terminate=False, limit=8, errors="replace", force=True)
        view.write_array("int", [1, 2], 1)
        view.write_array("int", (value for value in (1, 2)), 1, force=True)
        view.write_struct("if", (1, 2.5), 1)
        view.write_struct("if", [1, 2.5], 1, force=True)
        view.write_struct(Player(1), 1)
        view.write_struct(Player(1), 1, force=True)

    def arguments_by_name(view: MemoryView) -> None:
        view.write_int(value=1, address=2, force=True)
        view.write_int(1, 2, force=True)
        view.write(values=b"a", address=1, force=True)
        view.write_struct(layout="i", values=(1,), address=1)
        view.write_int(1, "[game.exe+10]+8")
        view.write_int(1, view.address("[game.exe+10]") + 8)

    def what_is_refused(view: MemoryView) -> None:
        view.write_int("1", 2)  # type: ignore[arg-type]
        view.write_int(1.5, 2)  # type: ignore[arg-type]
        view.write_int(1, b"2")  # type: ignore[arg-type]
        view.write_int(1)  # type: ignore[call-arg]
        view.write_int(1, 2, force="yes")  # type: ignore[arg-type]
        view.write_char("a", 1)  # type: ignore[arg-type]
        view.write_char(97, 1)  # type: ignore[arg-type]
        view.write_wchar(b"a", 1)  # type: ignore[arg-type]
        view.write_bool("True", 1)  # type: ignore[arg-type]
        view.write_float("1.5", 1)  # type: ignore[arg-type]
        view.write_string(b"a", 1)  # type: ignore[arg-type]
        view.write_array("int", 1, 2)  # type: ignore[arg-type]
