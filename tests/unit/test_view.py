"""MemoryView over a program in memory: what it takes, what it gives, how long it lives."""

from __future__ import annotations

import array
import contextlib
import copy
import ctypes
import gc
import itertools
import operator
import pickle
import re
import struct
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from support.stubs import StubSystem, answering, failing

from memaccess import (
    AddressSyntaxError,
    AmbiguousProcessError,
    ClosedViewError,
    MemoryAccessError,
    MemoryView,
    MissingRightError,
    NotReadableError,
    NotWritableError,
    PartialReadError,
    PartialWriteError,
    ProcessDeniedError,
    ProcessNotFoundError,
    Region,
    TargetExitedError,
    UnterminatedStringError,
    _backend,
)
from memaccess._backend import _pages
from memaccess._types import TYPES
from memaccess._win32._codes import failure_with
from memaccess.testing import FakeProcess, FakeSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PID = 5556
BASE = 0x40_1000
PAGE = 0x1000
END = BASE + PAGE
FREE = 0x60_0000
LIMITS = {32: 1 << 32, 64: 1 << 64}

AN_ADDRESS: dict[str, Callable[[MemoryView, Any], Any]] = {
    "read": lambda view, address: view.read(4, address),
    "read_into": lambda view, address: view.read_into(bytearray(4), address),
    "read_available": lambda view, address: view.read_available(4, address),
    "read_int": lambda view, address: view.read_int(address),
    "read_long": lambda view, address: view.read_long(address),
    "read_wchar": lambda view, address: view.read_wchar(address),
    "read_string": lambda view, address: view.read_string(address),
    "read_array": lambda view, address: view.read_array("int", 1, address),
    "read_struct": lambda view, address: view.read_struct("i", address),
    "read_layout": lambda view, address: view.read_struct(ctypes.c_int32, address),
    "read_many": lambda view, address: view.read_many([("int", address)]),
    "write": lambda view, address: view.write(b"abcd", address),
    "write_forced": lambda view, address: view.write(b"abcd", address, force=True),
    "write_int": lambda view, address: view.write_int(1, address),
    "write_string": lambda view, address: view.write_string("abc", address),
    "write_array": lambda view, address: view.write_array("int", [1], address),
    "write_struct": lambda view, address: view.write_struct("i", (1,), address),
    "write_layout": lambda view, address: view.write_struct(ctypes.c_int32(1), address),
}
"""Every method that takes an address, on four bytes there."""
READING = [name for name in AN_ADDRESS if name.startswith("read")]
WRITING = [name for name in AN_ADDRESS if name.startswith("write")]
A_STATE: dict[str, Callable[[MemoryView], Any]] = {
    "region_at": lambda view: view.region_at(BASE),
    "regions": lambda view: list(view.regions()),
    "is_alive": lambda view: view.is_alive(),
    "exit_code": lambda view: view.exit_code(),
    "enter": lambda view: view.__enter__(),
    "close": lambda view: view.close(),
}
"""Everything else that needs an open view."""

every_method = pytest.mark.parametrize("method", AN_ADDRESS.values(), ids=AN_ADDRESS.keys())


class Integer:
    """As the integers of NumPy are: no int, but good for one."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


class Player(ctypes.LittleEndianStructure):
    _fields_ = [("health", ctypes.c_int32), ("speed", ctypes.c_float), ("name", ctypes.c_char * 8)]


class Node(ctypes.Structure):
    _fields_ = [("value", ctypes.c_int32), ("link", ctypes.c_void_p)]


def make_game(bitness: int = 64) -> FakeProcess:
    """A program with one page of memory."""
    game = FakeProcess(PID, "game.exe", bitness=bitness, windows=("The Game",))
    game.map(BASE, PAGE)
    return game


@pytest.fixture
def game() -> FakeProcess:
    return make_game()


@pytest.fixture
def view(game: FakeProcess) -> Iterator[MemoryView]:
    with game.open("rw") as view:
        yield view


def untouchable(game: FakeProcess) -> StubSystem:
    """A system on which no access to memory may happen at all."""
    touched = failing(AssertionError("the system was asked"))
    return StubSystem(game, read=touched, read_into=touched, write=touched, write_forced=touched)


# -- modes and pids


@pytest.mark.parametrize("mode", ["r", "w", "rw", "wr"])
def test_a_view_knows_its_mode(game, mode):
    with game.open(mode) as view:
        assert view.mode == mode


def test_a_view_is_for_reading_unless_asked_otherwise(game):
    with MemoryView(PID, system=FakeSystem(game)) as view:
        assert view.mode == "r"


@pytest.mark.parametrize("mode", ["", "rr", "ww", "rwr", "rwx", "x", "R", "r ", "r+", "rb"])
def test_a_mode_that_is_none_is_refused_before_anything_is_opened(game, mode):
    system = StubSystem(game)
    with pytest.raises(ValueError, match=f"^Invalid access mode: {mode.replace('+', '.')}$"):
        MemoryView(PID, mode, system=system)
    assert system.opened == []


@pytest.mark.parametrize("mode", [None, 1, b"r", ["r"]], ids=repr)
def test_a_mode_that_is_no_str_is_refused(game, mode):
    with pytest.raises(TypeError, match=f"^a mode is a str, not {type(mode).__name__}$"):
        game.open(mode)


@pytest.mark.parametrize("pid", ["game.exe", 1.0, None, b"4"], ids=repr)
def test_a_pid_that_is_no_int_is_refused_with_the_way_to_open_by_name(pid):
    with pytest.raises(TypeError, match=rf"not {type(pid).__name__}; MemoryView.from_name\(\)"):
        MemoryView(pid, system=FakeSystem())


@pytest.mark.parametrize("pid", [-1, 2**32, 2**32 + PID, 2**64])
def test_a_pid_is_never_cut_to_32_bits(game, pid):
    with pytest.raises(OverflowError, match=f"^{pid} is no pid"):
        MemoryView(pid, system=FakeSystem(game))


def test_a_pid_may_be_anything_that_stands_for_an_int(game):
    with MemoryView(Integer(PID), system=FakeSystem(game)) as view:
        assert view.pid == PID
        assert type(view.pid) is int


def test_the_largest_pid_is_one():
    with pytest.raises(ProcessNotFoundError):
        MemoryView(2**32 - 1, system=FakeSystem())


def test_arguments_that_are_missing_are_just_a_type_error():
    with pytest.raises(TypeError, match="pid"):
        MemoryView()
    gc.collect()  # a complaint of __del__ would fail this test


def test_a_system_without_a_backend_says_what_it_lacks(monkeypatch):
    monkeypatch.setattr(sys, "platform", "haiku1")
    monkeypatch.setattr(_backend, "_own_system", _backend._own_system.__wrapped__)
    with pytest.raises(
        NotImplementedError, match="can't open programs on haiku1, only on Windows and on Linux"
    ):
        MemoryView(PID)


@pytest.mark.parametrize("bitness", [32, 64])
def test_a_view_tells_what_it_is_opened_on(bitness):
    with make_game(bitness).open() as view:
        assert (view.pid, view.name) == (PID, "game.exe")
        assert (view.bitness, view.pointer_size) == (bitness, bitness // 8)


# -- other ways to open


def test_a_program_opens_by_its_name(game):
    with MemoryView.from_name("GAME", "rw", system=FakeSystem(game)) as view:
        assert (view.pid, view.mode) == (PID, "rw")


def test_a_program_opens_by_the_title_of_its_window(game):
    with MemoryView.from_window("the game", "w", system=FakeSystem(game)) as view:
        assert (view.pid, view.mode) == (PID, "w")


def test_the_program_that_asks_opens_itself(game):
    system = FakeSystem(FakeProcess(4), game, current=game)
    with MemoryView.from_current_process("rw", system=system) as view:
        assert (view.pid, view.mode) == (PID, "rw")


class Successor(FakeSystem):
    """A system on which the program ends as it is opened, and the given one takes its pid."""

    def __init__(self, first: FakeProcess, second: FakeProcess) -> None:
        super().__init__(first)
        self._second = second

    def open(self, pid: int, access: Any, /) -> Any:
        self._processes[:] = [self._second]
        return super().open(pid, access)


@pytest.mark.parametrize(
    ("opener", "key"), [(MemoryView.from_name, "game"), (MemoryView.from_window, "The Game")]
)
def test_a_program_that_takes_the_pid_of_another_is_not_opened_in_its_place(opener, key):
    other = FakeProcess(5556, "other.exe")
    with pytest.raises(ProcessNotFoundError):
        opener(key, system=Successor(FakeProcess(5556, windows=("The Game",)), other))
    assert other.open_handles == 0


def test_a_program_that_was_started_anew_is_not_the_one_that_was_found():
    system = Successor(FakeProcess(5556), FakeProcess(5556, "other.exe"))

    def open_and_start(pid: int, access: Any, /) -> Any:
        process = Successor.open(system, pid, access)
        system.start(FakeProcess(6000))
        return process

    system.open = open_and_start  # type: ignore[method-assign]
    with pytest.raises(ProcessNotFoundError, match="Process 5556 is no longer what was found"):
        MemoryView.from_name("game", system=system)


@pytest.mark.parametrize("opener", [MemoryView.from_name, MemoryView.from_window])
def test_a_wrong_mode_is_found_before_a_missing_program(opener):
    with pytest.raises(ValueError, match=r"^Invalid access mode: x$"):
        opener("nobody", "x", system=FakeSystem())


@pytest.mark.parametrize("opener", [MemoryView.from_name, MemoryView.from_window])
def test_a_program_that_nobody_runs_is_not_found(game, opener):
    with pytest.raises(ProcessNotFoundError):
        opener("nobody", system=FakeSystem(game))


@pytest.mark.parametrize(
    ("opener", "key"), [(MemoryView.from_name, "game"), (MemoryView.from_window, "The Game")]
)
def test_a_program_that_runs_twice_is_ambiguous(game, opener, key):
    other = FakeProcess(4, "Game.EXE", windows=("THE GAME",))
    with pytest.raises(AmbiguousProcessError) as caught:
        opener(key, system=FakeSystem(game, other))
    assert caught.value.pids == (4, PID)


# -- addresses and sizes


@pytest.mark.parametrize("address", [1.0, b"4", [1], ()], ids=repr)
@every_method
def test_an_address_that_is_no_int_is_refused_before_the_system_is_asked(game, method, address):
    with (
        MemoryView(PID, "rw", system=untouchable(game)) as view,
        pytest.raises(
            TypeError, match=f"^an address is an int, or a str such as .*, not {type(address).__name__}$"
        ),
    ):
        method(view, address)


@pytest.mark.parametrize("address", [-1, -(2**64) + BASE])
@every_method
def test_a_negative_address_is_refused_before_the_system_is_asked(game, method, address):
    with (
        MemoryView(PID, "rw", system=untouchable(game)) as view,
        pytest.raises(OverflowError, match=f"^address {address} is negative$"),
    ):
        method(view, address)


@pytest.mark.parametrize("beyond", [0, 1, BASE, 2**64])
@pytest.mark.parametrize("bitness", [32, 64])
@every_method
def test_an_address_beyond_the_width_of_the_program_is_refused_and_never_wraps(method, bitness, beyond):
    with (
        MemoryView(PID, "rw", system=untouchable(make_game(bitness))) as view,
        pytest.raises(OverflowError, match=f"address space of a {bitness}-bit program, which ends at 0xf+$"),
    ):
        method(view, LIMITS[bitness] + beyond)


@pytest.mark.parametrize("bitness", [32, 64])
@pytest.mark.parametrize("name", [name for name in AN_ADDRESS if name not in ("read_string", "read_wchar")])
def test_a_range_that_crosses_the_top_of_the_program_is_refused(name, bitness):
    with (
        MemoryView(PID, "rw", system=untouchable(make_game(bitness))) as view,
        pytest.raises(OverflowError, match=f"^4 bytes at address 0x{LIMITS[bitness] - 3:x} don't lie in"),
    ):
        AN_ADDRESS[name](view, LIMITS[bitness] - 3)


@pytest.mark.parametrize("bitness", [32, 64])
@pytest.mark.parametrize("name", READING)
def test_the_last_bytes_below_the_top_are_asked_for(name, bitness):
    with make_game(bitness).open() as view:
        if name == "read_available":
            assert not view.read_available(4, LIMITS[bitness] - 4).is_complete
            return
        with pytest.raises(NotReadableError):
            AN_ADDRESS[name](view, LIMITS[bitness] - 4)


@pytest.mark.parametrize("address", [LIMITS[32], -1, 1.5])
def test_the_map_is_asked_for_addresses_of_the_program_alone(address):
    with make_game(32).open() as view, pytest.raises((OverflowError, TypeError)):
        view.region_at(address)


@every_method
def test_an_address_may_be_anything_that_stands_for_an_int(view, method):
    method(view, Integer(BASE))


@pytest.mark.parametrize("size", [-1, -(2**64)])
def test_a_negative_size_is_refused_before_the_system_is_asked(game, size):
    with MemoryView(PID, system=untouchable(game)) as view:
        for action in (
            lambda: view.read(size, BASE),
            lambda: view.read_available(size, BASE),
            lambda: view.read_array("int", size, BASE),
            lambda: view.read_many([(size, BASE)]),
        ):
            with pytest.raises(ValueError, match=f"^a size or count can't be negative: {size}$"):
                action()


@pytest.mark.parametrize("size", [4.0, "4", None, b"4"], ids=repr)
def test_a_size_that_is_no_int_is_refused(view, size):
    for action in (lambda: view.read(size, BASE), lambda: view.read_array("int", size, BASE)):
        with pytest.raises(TypeError, match=f"^a size or count is an int, not {type(size).__name__}$"):
            action()


def test_sizes_and_counts_may_be_anything_that_stands_for_an_int(view):
    assert view.read(Integer(2), BASE) == bytes(2)
    assert view.read_array("int", Integer(2), BASE) == [0, 0]
    assert view.read_many([(Integer(2), BASE)]) == [bytes(2)]


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="a 32-bit Python counts no more than 2 GiB")
def test_a_size_of_many_gigabytes_reaches_the_system_whole(game):
    asked = []
    system = StubSystem(game, read=lambda _, size, address: asked.append((size, address)) or b"")
    with MemoryView(PID, system=system) as view:
        view.read(2**33 + 1, 2**40)
    assert asked == [(2**33 + 1, 2**40)]


# -- nothing at all


@pytest.mark.parametrize("address", [0, BASE, FREE, LIMITS[64]])
def test_no_bytes_can_be_read_anywhere(view, address):
    assert view.read(0, address) == b""
    assert view.read_array("int", 0, address) == []
    assert view.read_struct("", address) == ()
    assert view.read_many([(0, address)]) == [b""]
    assert view.read_available(0, address).is_complete
    assert view.read_into(bytearray(), address) is None


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("address", [0, BASE, FREE, LIMITS[64]])
def test_no_bytes_can_be_written_anywhere(view, address, force):
    view.write(b"", address, force=force)
    view.write_array("int", [], address, force=force)
    view.write_struct("", (), address, force=force)
    view.write_string("", address, terminate=False, force=force)


def test_a_batch_of_nothing_is_nothing(view):
    assert view.read_many([]) == []


# -- bytes


def test_what_was_written_is_read(view):
    view.write(b"abcdef", BASE + 1)
    assert view.read(8, BASE) == b"\0abcdef\0"


def test_a_read_that_fails_half_way_carries_what_arrived(game, view):
    view.write(b"yz", END - 2)
    with pytest.raises(PartialReadError) as caught:
        view.read(4, END - 2)
    assert (caught.value.data, caught.value.transferred) == (b"yz", 2)


def test_a_write_that_fails_half_way_says_how_far_it_came(game, view):
    with pytest.raises(PartialWriteError) as caught:
        view.write(b"wxyz", END - 2)
    assert caught.value.transferred == 2
    assert game.peek(2, END - 2) == b"wx"


@pytest.mark.parametrize(
    "values",
    [
        b"\1\2\3\4",
        bytearray(b"\1\2\3\4"),
        memoryview(b"\1\2\3\4"),
        memoryview(b"\1\2\3\4").cast("I"),
        memoryview(bytearray(b"\1\2\3\4")).cast("B", (2, 2)),
        memoryview(b"\0\1\2\3\4\0")[1:5],
        memoryview(b"\1_\2_\3_\4_")[::2],
        memoryview(b"\4\3\2\1")[::-1],
        array.array("B", [1, 2, 3, 4]),
        array.array("H", [0x201, 0x403]),
        (ctypes.c_uint16 * 2)(0x201, 0x403),
        ctypes.c_uint32(0x4030201),
    ],
    ids=lambda values: type(values).__name__,
)
def test_bytes_like_objects_of_any_shape_are_written_whole(view, values):
    view.write(values, BASE)
    assert view.read(5, BASE) == b"\1\2\3\4\0"


@pytest.mark.parametrize(
    "values", [memoryview(b"1_2_")[::2], memoryview(b"21")[::-1]], ids=["gaps", "reversed"]
)
def test_what_reaches_the_system_has_no_gaps(game, values):
    reached = []
    system = StubSystem(game, write=lambda _, data, address: reached.append(memoryview(data)))
    with MemoryView(PID, "w", system=system) as view:
        view.write(values, BASE)
    assert reached[0].c_contiguous
    assert bytes(reached[0]) == b"12"


@pytest.mark.parametrize("values", ["abcd", 4, None, [1, 2], 1.5], ids=repr)
def test_what_is_no_bytes_like_object_is_not_written(view, values):
    with pytest.raises(TypeError, match=f"^a bytes-like object is needed, not {type(values).__name__}$"):
        view.write(values, BASE)
    assert view.read(8, BASE) == bytes(8)


@pytest.mark.parametrize(
    "buffer",
    [
        bytearray(4),
        memoryview(bytearray(4)),
        memoryview(bytearray(4)).cast("I"),
        memoryview(bytearray(4)).cast("B", (2, 2)),
        array.array("B", bytes(4)),
        array.array("H", [0, 0]),
        (ctypes.c_uint16 * 2)(),
        ctypes.c_uint32(),
    ],
    ids=lambda buffer: type(buffer).__name__,
)
def test_writable_buffers_of_any_shape_are_filled(view, buffer):
    view.write(b"\1\2\3\4\5", BASE)
    view.read_into(buffer, BASE)
    assert bytes(buffer) == b"\1\2\3\4"


def test_a_structure_is_filled_in_place(view):
    view.write(struct.pack("<if8s", 7, 2.5, b"Ada"), BASE)
    player = Player()
    view.read_into(player, BASE)
    assert (player.health, player.speed, player.name) == (7, 2.5, b"Ada")


def test_only_the_slice_that_was_given_is_filled(view):
    view.write(b"\1\2\3\4", BASE)
    buffer = bytearray(6)
    view.read_into(memoryview(buffer)[1:5], BASE)
    assert buffer == b"\0\1\2\3\4\0"


@pytest.mark.parametrize(
    "buffer", [b"abcd", memoryview(b"abcd"), memoryview(bytearray(4)).toreadonly()], ids=repr
)
def test_a_buffer_that_is_read_only_is_refused(view, buffer):
    with pytest.raises(TypeError, match=f"and this {type(buffer).__name__} is read-only$"):
        view.read_into(buffer, BASE)


@pytest.mark.parametrize("step", [2, -1])
def test_a_buffer_with_gaps_is_refused(view, step):
    with pytest.raises(ValueError, match=r"^a contiguous buffer is needed"):
        view.read_into(memoryview(bytearray(8))[::step], BASE)


@pytest.mark.parametrize("buffer", ["abcd", 4, None, [0, 0]], ids=repr)
def test_what_is_no_buffer_is_refused(view, buffer):
    with pytest.raises(
        TypeError, match=f"^a writable bytes-like object is needed, not {type(buffer).__name__}$"
    ):
        view.read_into(buffer, BASE)


def test_a_buffer_holds_what_arrived_before_the_failure(view):
    view.write(b"yz", END - 2)
    buffer = bytearray(b"1234")
    with pytest.raises(PartialReadError) as caught:
        view.read_into(buffer, END - 2)
    assert buffer == b"yz34"
    assert (caught.value.data, caught.value.size) == (b"yz", 4)


def test_a_buffer_is_free_again_when_it_is_filled(view):
    buffer = bytearray(4)
    view.read_into(buffer, BASE)
    buffer.append(1)  # a buffer that is still in use can't grow


# -- typed


@pytest.mark.parametrize("bitness", [32, 64])
@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_read_as_it_was_written(name, bitness):
    value = {"char": b"A", "wchar": "A", "bool": True, "float": 1.5, "double": 1.5}.get(name, 100)
    with make_game(bitness).open("rw") as view:
        getattr(view, f"write_{name}")(value, BASE)
        assert getattr(view, f"read_{name}")(BASE) == value


@pytest.mark.parametrize("bitness", [32, 64])
@pytest.mark.parametrize("name", TYPES)
def test_every_type_takes_as_many_bytes_as_it_has_in_the_target(name, bitness):
    with make_game(bitness).open("rw") as view:
        size = TYPES[name].codec(view._model).size
        getattr(view, f"read_{name}")(END - size)
        with pytest.raises(NotReadableError) as caught:
            getattr(view, f"read_{name}")(END - size + 1)
    assert (caught.value.size, caught.value.address) == (size, END - size + 1)


@pytest.mark.parametrize(("bitness", "value"), [(32, 0x4030201), (64, 0x807060504030201)])
def test_a_pointer_is_as_wide_as_the_program(bitness, value):
    with make_game(bitness).open("rw") as view:
        view.write(bytes(range(1, 9)), BASE)
        assert view.read_pointer(BASE) == view.read_size_t(BASE) == value


def test_a_value_that_does_not_fit_changes_nothing(view):
    with pytest.raises(OverflowError, match=r"^2147483648 does not fit int"):
        view.write_int(2**31, BASE)
    assert view.read(8, BASE) == bytes(8)


def test_an_address_that_is_missing_is_no_address(view):
    for action in (lambda: view.read_int(None), lambda: view.write_int(1, None)):
        with pytest.raises(TypeError, match=r"^an address is an int, or a str such as .*, not NoneType$"):
            action()


def test_arguments_may_be_named(view):
    view.write_int(value=7, address=BASE, force=True)
    assert view.read_int(address=BASE) == 7


# -- text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "latin-1", "cp1252"])
def test_a_text_is_read_as_it_was_written(view, encoding):
    view.write_string("Zoë", BASE + 1, encoding)
    assert view.read_string(BASE + 1, encoding) == "Zoë"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_string_may_end_with_the_last_byte_that_can_be_read(view, encoding):
    data = "Zoë\0".encode(encoding + ("-le" if encoding != "utf-8" else ""))
    view.write(data, END - len(data))
    assert view.read_string(END - len(data), encoding) == "Zoë"


def test_a_string_without_an_end_fails_where_the_memory_does(view):
    view.write(b"abcd", END - 4)
    with pytest.raises(PartialReadError) as caught:
        view.read_string(END - 4)
    assert (caught.value.address, caught.value.size, caught.value.data) == (END - 4, 5, b"abcd")
    assert (caught.value.transferred, caught.value.region.base) == (4, END)


def test_a_limit_is_where_a_string_ends_at_the_latest(view):
    view.write(b"abcd", END - 4)
    assert view.read_string(END - 4, limit=4) == "abcd"
    assert view.read_string(END - 4, limit=2) == "ab"
    assert view.read_string(END - 4, limit=0) == ""


def test_an_end_before_the_limit_counts(view):
    view.write(b"ab\0cd", BASE)
    assert view.read_string(BASE, limit=5) == "ab"


def test_a_string_without_an_end_within_a_mebibyte_is_unterminated():
    game = FakeProcess(PID)
    game.map(BASE, b"a" * (1 << 21))
    with game.open() as view, pytest.raises(UnterminatedStringError) as caught:
        view.read_string(BASE + 1)
    assert str(caught.value) == (
        "no end of string within 1048576 bytes at address 0x401001; give a limit to read so many"
    )
    assert (caught.value.address, caught.value.data) == (0x401001, b"a" * (1 << 20))


def test_a_string_reaches_the_top_of_the_program_at_the_most(game):
    system = StubSystem(game, read=lambda _, size, address: b"a" * size)
    with MemoryView(PID, system=system) as view, pytest.raises(UnterminatedStringError) as caught:
        view.read_string(LIMITS[64] - 3)
    assert caught.value.data == b"aaa"


@pytest.mark.parametrize(("encoding", "limit"), [("utf-16", 3), ("utf-32", 6)])
def test_a_limit_is_a_whole_number_of_code_units(view, encoding, limit):
    with pytest.raises(ValueError, match=f"^limit is {limit} bytes"):
        view.read_string(BASE, encoding, limit=limit)


@pytest.mark.parametrize(("limit", "error"), [(-1, ValueError), (1.0, TypeError), ("4", TypeError)])
def test_a_limit_is_a_count(view, limit, error):
    with pytest.raises(error, match=r"^a size or count"):
        view.read_string(BASE, limit=limit)
    with pytest.raises(error, match=r"^a size or count"):
        view.write_string("text", BASE, limit=limit)


@pytest.mark.parametrize("encoding", ["utf-7", "unicode_escape"])
def test_an_encoding_without_a_zero_code_unit_is_refused(view, encoding):
    with pytest.raises(ValueError, match=r"has none$"):
        view.read_string(BASE, encoding)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, pickle.dumps], ids=lambda each: each.__name__
)
def test_a_view_has_no_copies(view, duplicate):
    with pytest.raises(TypeError, match="can't be copied or pickled"):
        duplicate(view)


def test_bytes_that_are_no_text_are_an_error_unless_asked_otherwise(view):
    view.write(b"a\xff\0", BASE)
    with pytest.raises(UnicodeDecodeError):
        view.read_string(BASE)
    assert view.read_string(BASE, errors="replace") == "a�"


def test_an_encoding_that_python_lacks_is_a_lookup_error(view):
    with pytest.raises(LookupError):
        view.read_string(BASE, "utf-9")
    with pytest.raises(LookupError):
        view.write_string("a", BASE, "utf-9")


def test_a_text_is_written_with_its_end(view):
    view.write(b"\xff" * 8, BASE)
    view.write_string("ab", BASE)
    view.write_string("c", BASE + 4, terminate=False)
    assert view.read(6, BASE) == b"ab\0\xffc\xff"


def test_a_text_that_needs_more_room_than_there_is_changes_nothing(view):
    view.write_string("Ada", BASE, limit=4)
    with pytest.raises(ValueError, match=r"^'Grace' takes 6 bytes, and there is room for 5$"):
        view.write_string("Grace", BASE, limit=5)
    assert view.read_string(BASE) == "Ada"


@pytest.mark.parametrize(("text", "error"), [("a\0b", ValueError), ("漢", UnicodeEncodeError)])
def test_a_text_that_cannot_be_written_changes_nothing(view, text, error):
    with pytest.raises(error):
        view.write_string(text, BASE, "latin-1")
    assert view.read(4, BASE) == bytes(4)


# -- arrays and structures


def test_an_array_is_read_as_it_was_written(view):
    view.write_array("unsigned short", (value for value in (1, 2, 65535)), BASE)
    assert view.read(6, BASE) == b"\1\0\2\0\xff\xff"
    assert view.read_array("unsigned_short", 3, BASE) == [1, 2, 65535]


def test_an_array_with_one_wrong_item_changes_nothing(view):
    with pytest.raises(OverflowError, match=r"^256 does not fit uint8"):
        view.write_array("uint8", [1, 256], BASE)
    assert view.read(2, BASE) == bytes(2)


def test_an_array_of_an_unknown_type_is_refused(view):
    with pytest.raises(ValueError, match=r"^no type is called 'dword'"):
        view.read_array("dword", 1, BASE)
    with pytest.raises(ValueError, match=r"^no type is called 'dword'"):
        view.write_array("dword", [1], BASE)


@pytest.mark.parametrize("bitness", [32, 64])
def test_a_format_is_laid_out_as_the_target_does_it(bitness):
    with make_game(bitness).open("rw") as view:
        view.write_struct("cPc", (b"a", 7, b"b"), BASE)
        word = bitness // 8
        assert view.read(2 * word + 1, BASE) == b"a".ljust(word, b"\0") + b"\7".ljust(word, b"\0") + b"b"
        assert view.read_struct("cPc", BASE) == (b"a", 7, b"b")


def test_an_instance_is_written_and_read_back_as_one(view):
    view.write_struct(Player(7, 2.5, b"Ada"), BASE)
    player = view.read_struct(Player, BASE)
    assert type(player) is Player
    assert bytes(player) == view.read(16, BASE) == struct.pack("<if8s", 7, 2.5, b"Ada")


def test_a_structure_is_read_without_asking_its_constructor(view):
    class Picky(Player):
        def __init__(self, *, strength: int) -> None:
            raise AssertionError(strength)

    view.write_int(7, BASE)
    assert view.read_struct(Picky, BASE).health == 7


def test_a_structure_of_another_width_is_refused_both_ways():
    other = {8: 32, 4: 64}[ctypes.sizeof(ctypes.c_void_p)]
    with make_game(other).open("rw") as view:
        with pytest.raises(TypeError, match=r"^Node holds pointers"):
            view.read_struct(Node, BASE)
        with pytest.raises(TypeError, match=r"^Node holds pointers"):
            view.write_struct(Node(), BASE)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda view: view.write_struct("i", (1,)), "takes a format, its values and an address"),
        (lambda view: view.write_struct(Player(), (1,), BASE), "takes an instance and an address"),
        (lambda view: view.write_struct(7, BASE), "a struct format or a ctypes type is needed"),
        (lambda view: view.write_struct(Player, BASE), "a bytes-like object is needed, not PyCStructType"),
        (lambda view: view.read_struct(Player(), BASE), "a struct format or a ctypes type is needed"),
        (lambda view: view.read_struct(int, BASE), "a struct format or a ctypes type is needed"),
    ],
)
def test_a_structure_that_is_given_in_the_wrong_way_is_refused(view, action, message):
    with pytest.raises(TypeError, match=message):
        action(view)


def test_values_that_do_not_match_a_format_change_nothing(view):
    with pytest.raises(ValueError, match=r"^\(1,\) does not match the format"):
        view.write_struct("ii", (1,), BASE)
    assert view.read(8, BASE) == bytes(8)


# -- batches


@pytest.fixture
def counted(game: FakeProcess) -> Iterator[tuple[MemoryView, list[tuple[int, int]]]]:
    """A view, and the list of the reads that reach the system."""
    reads: list[tuple[int, int]] = []

    def note(read: Callable[[int, int], bytes], size: int, address: int) -> bytes:
        reads.append((size, address))
        return read(size, address)

    with MemoryView(PID, "rw", system=StubSystem(game, read=note)) as view:
        yield view, reads


def test_a_batch_gives_every_value_in_its_place(view):
    view.write_int(-5, BASE + 100)
    view.write_float(2.5, BASE)
    view.write(b"abc", BASE + 102)
    requests = [("int", BASE + 104), (3, BASE + 102), ("float", BASE), (3, BASE + 102)]
    assert view.read_many(iter(requests)) == [99, b"abc", 2.5, b"abc"]


def test_neighbours_are_read_in_one_call(counted):
    view, reads = counted
    assert view.read_many([("int", BASE + 8 * number) for number in reversed(range(100))]) == [0] * 100
    assert reads == [(796, BASE)]


def test_requests_on_distant_pages_are_read_apart(game, counted):
    view, reads = counted
    game.map(FREE, 16)
    view.read_many([("int", FREE), ("int", BASE)])
    assert reads == [(4, BASE), (4, FREE)]


def test_the_first_request_that_fails_is_the_error(view):
    with pytest.raises(NotReadableError) as caught:
        view.read_many([("int", BASE), ("short", FREE + PAGE), ("int", FREE)])
    assert (caught.value.address, caught.value.size) == (FREE + PAGE, 2)


def test_errors_take_the_places_of_values_where_that_is_wanted(view):
    view.write_short(7, END - 2)
    requests = [("int", FREE), ("short", END - 2), ("int", END - 2), (2, END)]
    first, second, third, fourth = view.read_many(requests, return_errors=True)
    assert [type(first), second, type(third), type(fourth)] == [
        NotReadableError,
        7,
        PartialReadError,
        NotReadableError,
    ]
    assert (first.address, third.data) == (FREE, b"\7\0")


@pytest.mark.parametrize("return_errors", [False, True])
def test_wrong_requests_are_errors_before_anything_is_read(game, return_errors):
    with MemoryView(PID, system=untouchable(game)) as view:
        for request, error in [
            (("dword", BASE), ValueError),
            ((-1, BASE), ValueError),
            (("int", -1), OverflowError),
            ((None, BASE), TypeError),
            (("int",), ValueError),
        ]:
            with pytest.raises(error):
                view.read_many([("int", BASE), request], return_errors=return_errors)


def test_a_batch_from_a_program_that_has_ended_is_all_errors(game, view):
    game.exit()
    results = view.read_many([("int", BASE), (2, FREE)], return_errors=True)
    assert [type(result) for result in results] == [TargetExitedError, TargetExitedError]


# -- what can be read of a range


def test_all_that_can_be_read_is_read_and_the_rest_is_named(view):
    view.write(b"yz", END - 2)
    partial = view.read_available(4, END - 2)
    assert (partial.address, partial.data, partial.missing) == (END - 2, b"yz\0\0", ((END, 2),))


def test_a_range_that_can_be_read_takes_one_call(counted):
    view, reads = counted
    assert view.read_available(PAGE, BASE).is_complete
    assert reads == [(PAGE, BASE)]


@pytest.mark.parametrize("address", [0, 8, FREE, 0xFFFF_8000_0000_0000])
def test_a_range_without_memory_is_missing_altogether(view, address):
    assert view.read_available(8, address).missing == ((address, 8),)


def test_a_program_that_has_ended_is_no_missing_memory(game, view):
    game.exit(3)
    with pytest.raises(TargetExitedError):
        view.read_available(8, BASE)


def test_a_program_that_ends_meanwhile_is_no_missing_memory(game):
    def end(_: object, address: int) -> None:
        game.exit(3)

    with MemoryView(PID, system=StubSystem(game, region_at=end)) as view, pytest.raises(TargetExitedError):
        view.read_available(8, FREE)


def test_a_program_that_ends_in_a_later_part_brings_no_bytes_of_that(game):
    game.map(FREE, PAGE)
    game.map(FREE + 2 * PAGE, PAGE)

    def read(original: Callable[..., bytes], size: int, address: int) -> bytes:
        if address == FREE + 2 * PAGE:
            game.exit(9)
            raise failure_with("ReadProcessMemory", 299, transferred=8, data=b"ZZZZZZZZ")
        return original(size, address)

    with (
        MemoryView(PID, system=StubSystem(game, read=read)) as view,
        pytest.raises(TargetExitedError) as caught,
    ):
        view.read_available(3 * PAGE, FREE)
    assert (caught.value.address, caught.value.transferred, caught.value.data) == (FREE, 0, b"")


def test_what_the_view_may_not_read_is_no_missing_memory(game):
    with game.open("w") as view, pytest.raises(MissingRightError):
        view.read_available(8, BASE)


# -- the map


@pytest.mark.parametrize("bitness", [32, 64])
def test_regions_cover_the_address_space_without_gaps(bitness):
    with make_game(bitness).open() as view:
        regions = list(view.regions())
    assert regions[0].base == 0
    assert all(before.end == after.base for before, after in itertools.pairwise(regions))
    assert [str(each) for each in regions if each.state != "free"] == [
        "0x401000-0x402000 (committed rw- private)"
    ]


def test_the_region_at_an_address_begins_with_its_page(game):
    game.map(FREE, 3 * PAGE, "r-x", kind="image")
    with game.open("w") as view:
        region = view.region_at(FREE + PAGE + 8)
    assert (region.base, region.size, region.kind) == (FREE + PAGE, 2 * PAGE, "image")
    assert region.rights == "r-x"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, 7),
        ({"state": "free"}, 3),
        ({"state": "committed"}, 3),
        ({"state": "reserved"}, 1),
        ({"kind": "image"}, 1),
        ({"kind": "private"}, 3),
        ({"readable": True}, 3),
        ({"writable": True}, 2),
        ({"writable": False, "state": "committed"}, 1),
        ({"executable": True}, 1),
        ({"guarded": True}, 1),
        ({"guarded": False, "readable": True}, 2),
    ],
)
def test_regions_are_filtered(game, wanted, found):
    game.map(FREE, PAGE, "r-x", kind="image")
    game.map(FREE + PAGE, PAGE, guard=True)
    game.reserve(FREE + 2 * PAGE, PAGE)
    with game.open() as view:
        assert len(list(view.regions(**wanted))) == found


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ({"state": "busy"}, ValueError, "state is one of 'committed', 'reserved', 'free', not 'busy'"),
        ({"kind": 1}, ValueError, "kind is one of 'private', 'mapped', 'image', not 1"),
        ({"readable": "r"}, TypeError, "readable is True, False or None, not 'r'"),
        ({"start": -1}, OverflowError, "negative"),
        ({"stop": 1 << 65}, OverflowError, "address space"),
        ({"start": b"game.exe"}, TypeError, "an address is an int"),
        ({"start": "[game.exe"}, AddressSyntaxError, "no ']'"),
    ],
)
def test_a_filter_that_is_none_is_refused_at_once(view, wanted, error, message):
    with pytest.raises(error, match=message):
        view.regions(**wanted)


def test_a_closed_view_has_no_regions(game):
    view = game.open()
    view.close()
    with pytest.raises(ClosedViewError, match="Can't query the memory map of process 5556, error code 6"):
        view.regions()


def test_a_walk_begins_and_ends_where_it_should(game):
    game.map(FREE, 3 * PAGE, "r-x", kind="image")
    with game.open() as view:
        assert [str(each) for each in view.regions(FREE + PAGE + 1, FREE + PAGE + 2)] == [
            "0x601000-0x603000 (committed r-x image)"
        ]
        assert list(view.regions(FREE, FREE)) == []


def test_a_map_that_changes_under_the_walk_does_not_stop_it(game):
    game.map(FREE, PAGE)
    with game.open() as view:
        walk = view.regions(state="committed")
        first = next(walk)
        game.unmap(FREE)
        game.map(FREE + 8 * PAGE, PAGE, "r--")
        rest = list(walk)
    assert (first.base, [each.base for each in rest]) == (BASE, [FREE + 8 * PAGE])


def test_a_walk_ends_where_a_system_goes_in_circles(game):
    backwards = Region(0, 0, "free", None, False, False, False, False, 0)
    with MemoryView(PID, system=StubSystem(game, region_at=answering(backwards))) as view:
        assert list(view.regions()) == []


def test_a_file_is_named_where_memory_is_one_s(game):
    game.map(FREE, 2 * PAGE, "r--", kind="image", file="C:\\game\\game.exe")
    with game.open() as view:
        assert view.mapped_file(FREE + PAGE) == "C:\\game\\game.exe"
        assert view.mapped_file(BASE) is None
    with pytest.raises(ValueError, match="private memory is no file's"):
        game.map(FREE + 8 * PAGE, PAGE, file="C:\\x")


def test_modules_are_the_images_with_the_program_first(game):
    game.map(0x100_0000, PAGE, "r-x", kind="image", file="C:\\windows\\first.dll")
    game.map(0x140_0000, PAGE, "r--", kind="image", file="C:\\game.exe")
    game.map(0x140_2000, PAGE, "r-x", kind="image", file="C:\\game.exe")
    game.map(0x180_0000, PAGE, "r--", kind="mapped", file="C:\\data.bin")
    with game.open() as view:
        modules = view.modules()
    assert [(each.name, each.base, each.size) for each in modules] == [
        ("game.exe", 0x140_0000, 3 * PAGE),
        ("first.dll", 0x100_0000, PAGE),
    ]
    assert repr(modules[0]) == "<Module 'game.exe' at 0x1400000-0x1403000>"
    assert {each.bitness for each in modules} == {64}


def test_modules_out_of_reach_of_a_32_bit_program_are_left_out(monkeypatch):
    # Windows has its own ntdll above 4 GiB in every 32-bit program.
    game = FakeProcess(name="game.exe", bitness=32)
    game.load("game.exe", 0x40_0000)
    game.load("ntdll.dll", 0x7000_0000, exports={"NtClose": 0x1000})
    with game.open() as view:
        own = view.modules()
        far = own[1]._replace(base=0x7FFA_0000_0000, bitness=64)
        monkeypatch.setattr(type(view._process), "modules", lambda _self: [own[0], far, own[1]])
        assert view.modules() == own
        assert operator.index(view.address("ntdll!NtClose")) == 0x7000_1000


def test_a_view_that_may_not_read_has_no_modules(game):
    with game.open("w") as view, pytest.raises(MissingRightError, match="error code 5") as caught:
        view.modules()
    assert caught.value.api == ""


def test_modules_are_told_while_the_program_lives_and_the_view_is_open(game):
    with game.open() as view:
        game.exit(2)
        with pytest.raises(TargetExitedError, match="Can't list the modules of process 5556, error code 5"):
            view.modules()
    with pytest.raises(ClosedViewError, match="Can't list the modules of process 5556, error code 6"):
        view.modules()


def test_there_is_no_region_above_the_highest_address_of_programs(view):
    assert view.region_at(0xFFFF_8000_0000_0000) is None


# -- rights


@pytest.mark.parametrize("name", WRITING)
def test_a_view_for_reading_refuses_to_write_before_the_system_is_asked(game, name):
    with MemoryView(PID, "r", system=untouchable(game)) as view, pytest.raises(MissingRightError):
        AN_ADDRESS[name](view, BASE)


@pytest.mark.parametrize("name", READING)
def test_a_view_for_writing_refuses_to_read_before_the_system_is_asked(game, name):
    with MemoryView(PID, "w", system=untouchable(game)) as view, pytest.raises(MissingRightError):
        AN_ADDRESS[name](view, BASE)


@pytest.mark.parametrize("name", WRITING)
def test_a_view_for_writing_writes_without_reading(game, name):
    with game.open("w") as view:
        AN_ADDRESS[name](view, BASE)
    assert game.peek(4, BASE) != bytes(4)


def test_a_view_may_always_ask_whether_the_program_lives(game):
    for mode in ("r", "w", "rw"):
        with game.open(mode) as view:
            assert view.is_alive()
            assert view.exit_code() is None


def test_a_program_that_has_ended_lives_no_more(game, view):
    game.exit(259)
    assert not view.is_alive()
    assert view.exit_code() == 259


# -- force


KINDS_OF_PAGES = ["r--", "---", "--x", "r-x", "rwx", "rw-"]


@pytest.fixture
def shielded(game: FakeProcess) -> FakeProcess:
    """The game with neighbouring pages of every protection, from FREE on."""
    for number, protection in enumerate(KINDS_OF_PAGES):
        game.map(FREE + number * PAGE, PAGE, protection)
    game.map(FREE + 6 * PAGE, PAGE, "rw-", guard=True)
    return game


def protections(game: FakeProcess) -> list[int]:
    """The protection of every page from FREE on."""
    with game.open() as view:
        return [view.region_at(FREE + number * PAGE).protection for number in range(8)]


@pytest.mark.parametrize("page", range(7), ids=[*KINDS_OF_PAGES, "guarded"])
def test_force_writes_to_every_page_and_leaves_its_protection_as_it_was(shielded, page):
    before = protections(shielded)
    with shielded.open("w") as view:
        view.write(b"new", FREE + page * PAGE + 8, force=True)
    assert shielded.peek(5, FREE + page * PAGE + 7) == b"\0new\0"
    assert protections(shielded) == before


def test_force_writes_across_pages_of_different_protections(shielded):
    before = protections(shielded)
    with shielded.open("w") as view:
        view.write(b"z" * (6 * PAGE), FREE + 8, force=True)
    pieces = [shielded.peek(PAGE, FREE + number * PAGE) for number in range(7)]
    assert b"".join(pieces) == bytes(8) + b"z" * (6 * PAGE) + bytes(PAGE - 8)
    assert protections(shielded) == before


@pytest.mark.parametrize("name", ["write_forced", "write_int", "write_string", "write_array", "write_struct"])
def test_every_way_to_write_can_be_forced(shielded, name):
    actions = {
        "write_forced": lambda view: view.write(b"a", FREE, force=True),
        "write_int": lambda view: view.write_int(97, FREE, force=True),
        "write_string": lambda view: view.write_string("a", FREE, force=True),
        "write_array": lambda view: view.write_array("char", [b"a"], FREE, force=True),
        "write_struct": lambda view: view.write_struct("c", (b"a",), FREE, force=True),
    }
    with shielded.open("w") as view:
        actions[name](view)
    assert shielded.peek(1, FREE) == b"a"


def test_without_force_a_page_stays_as_it_is(shielded):
    with shielded.open("w") as view, pytest.raises(NotWritableError):
        view.write(b"new", FREE)
    assert shielded.peek(3, FREE) == bytes(3)


def test_the_protection_is_put_back_when_the_write_fails(shielded):
    before = protections(shielded)
    lifted: list[list[int]] = []

    def fail(_: object, data: Any, address: int) -> None:
        lifted.append(protections(shielded))
        raise failure_with("WriteProcessMemory", 299, transferred=1)

    with (
        MemoryView(PID, "w", system=StubSystem(shielded, write=fail)) as view,
        pytest.raises(PartialWriteError),
    ):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert lifted[0] != before  # so there was something to put back
    assert protections(shielded) == before


def test_the_protection_is_put_back_when_lifting_it_fails_half_way(shielded):
    before = protections(shielded)

    def protect(original: Callable[..., None], address: int, size: int, protection: int) -> None:
        if address >= FREE + 2 * PAGE:
            raise failure_with("VirtualProtectEx", 487)
        original(address, size, protection)

    with (
        MemoryView(PID, "w", system=StubSystem(shielded, set_protection=protect)) as view,
        pytest.raises(NotWritableError) as caught,
    ):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert caught.value.api == "VirtualProtectEx"
    assert "could not be put back" not in caught.value.explanation
    assert shielded.peek(1, FREE) == b"\0"
    assert protections(shielded) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=repr)
def test_the_protection_is_put_back_whatever_interrupts_the_write(shielded, error):
    before = protections(shielded)
    with (
        MemoryView(PID, "w", system=StubSystem(shielded, write=failing(error))) as view,
        pytest.raises(type(error)),
    ):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert protections(shielded) == before


def stuck_once_lifted(game: FakeProcess, **replacements: Any) -> StubSystem:
    """A system that does not give the second page its protection back."""
    own = protections(game)[1]

    def protect(original: Callable[..., None], address: int, size: int, protection: int) -> None:
        if (address, protection) == (FREE + PAGE, own):
            raise failure_with("VirtualProtectEx", 5, "Access denied.")
        original(address, size, protection)

    return StubSystem(game, set_protection=protect, **replacements)


def test_as_many_protections_are_put_back_as_can_be_and_the_rest_is_named(shielded):
    before = protections(shielded)
    with (
        MemoryView(PID, "w", system=stuck_once_lifted(shielded)) as view,
        pytest.raises(NotWritableError) as caught,
    ):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    pairs = zip(before, protections(shielded), strict=True)
    assert [number for number, (old, new) in enumerate(pairs) if old != new] == [1]
    assert caught.value.transferred == 4 * PAGE
    assert caught.value.explanation == (
        "All bytes were written, but then VirtualProtectEx failed: Access denied. "
        "The protection was lifted and could not be put back; it was: 0x601000-0x602000 (committed --- private)."
    )
    assert (caught.value.winerror, caught.value.region.base) == (5, FREE + PAGE)


def test_a_title_that_changes_meanwhile_does_not_matter():
    game = FakeProcess(PID, windows=("The Game",))

    class Busy(FakeSystem):
        def open(self, pid: int, access: Any, /) -> Any:
            game.windows = ("The Game, level 2",)
            return super().open(pid, access)

    MemoryView.from_window("The Game", system=Busy(game)).close()


@pytest.mark.parametrize("code", [5, 1450])
def test_a_write_whose_end_fails_says_that_all_was_written(shielded, code):
    flush = failing(failure_with("FlushInstructionCache", code, "No."))
    before = protections(shielded)
    with (
        MemoryView(PID, "w", system=StubSystem(shielded, flush_code=flush)) as view,
        pytest.raises(NotWritableError) as caught,
    ):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert (caught.value.winerror, caught.value.transferred) == (code, 4 * PAGE)
    assert caught.value.explanation == "All bytes were written, but then FlushInstructionCache failed: No."
    assert protections(shielded) == before


def test_an_interrupted_flush_leaves_no_protection_lifted(shielded):
    before = protections(shielded)
    system = StubSystem(
        shielded,
        write=failing(failure_with("WriteProcessMemory", 299, transferred=1)),
        flush_code=failing(KeyboardInterrupt()),
    )
    with MemoryView(PID, "w", system=system) as view, pytest.raises(KeyboardInterrupt):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert protections(shielded) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
@pytest.mark.parametrize("before_it", [True, False])
@pytest.mark.parametrize("moment", range(10))
def test_whatever_interrupts_a_change_of_protection_leaves_none_behind(shielded, error, before_it, moment):
    before = protections(shielded)
    numbers = itertools.count()

    def interrupted(original: Callable[..., None], *arguments: int) -> None:
        number = next(numbers)
        if number == moment and before_it:
            raise error
        original(*arguments)
        if number == moment:
            raise error

    system = StubSystem(shielded, set_protection=interrupted)
    with MemoryView(PID, "w", system=system) as view, contextlib.suppress(error):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert protections(shielded) == before
    assert _pages._turns.wanted == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("moment", range(6))
def test_a_change_of_rights_that_is_interrupted_changes_nothing(shielded, error, moment):
    before = protections(shielded)
    numbers = itertools.count()

    def interrupted(original: Callable[..., None], *arguments: int) -> None:
        original(*arguments)
        if next(numbers) == moment:
            raise error

    system = StubSystem(shielded, set_protection=interrupted)
    with MemoryView(PID, "w", system=system) as view, pytest.raises(error):
        view.protect("rwx", 6 * PAGE, FREE)
    assert protections(shielded) == before


def test_rights_that_a_system_refuses_are_explained(shielded):
    before = protections(shielded)
    own = before[0]

    def refuse(original: Callable[..., None], address: int, size: int, protection: int) -> None:
        if address == FREE + 2 * PAGE or (address, protection) == (FREE, own):
            raise failure_with("VirtualProtectEx", 5, "Access denied.")
        original(address, size, protection)

    system = StubSystem(shielded, set_protection=refuse)
    with MemoryView(PID, "w", system=system) as view, pytest.raises(MemoryAccessError) as caught:
        view.protect("rwx", 6 * PAGE, FREE)
    assert type(caught.value) is MemoryAccessError
    assert caught.value.explanation == (
        "The protection of 0x602000-0x603000 (committed --x private) could not be changed: Access denied. "
        "The protection could not be put back; it was: 0x600000-0x601000 (committed r-- private)."
    )
    assert protections(shielded)[1:] == before[1:]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda view: view.protect("rw", 1, BASE), ValueError, "rights are one of .*, not 'rw'"),
        (lambda view: view.protect(4, 1, BASE), TypeError, "rights are a str such as 'rw-', not int"),
        (lambda view: view.protect("-w-", 1, BASE), ValueError, "not '-w-'"),
        (lambda view: view.protect("rw-", 0, BASE), ValueError, "1 or more"),
        (lambda view: view.protect("rw-", -1, BASE), ValueError, "negative"),
        (lambda view: view.protect("rw-", 1, 1 << 64), OverflowError, "address space"),
        (lambda view: view.allocate(0), ValueError, "1 or more"),
        (lambda view: view.allocate("1"), TypeError, "an int"),
        (lambda view: view.allocate(1, "x"), ValueError, "not 'x'"),
        (lambda view: view.allocate(1, near=-1), OverflowError, "negative"),
        (lambda view: view.free(-1), OverflowError, "negative"),
        (lambda view: view.free(b"game"), TypeError, "an address is an int"),
        (lambda view: view.free("[game"), AddressSyntaxError, "no ']'"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_at_once(game, change, error, message):
    with MemoryView(PID, "rw", system=untouchable(game)) as view, pytest.raises(error, match=message):
        change(view)


def test_an_allocation_stands_for_its_address(game):
    with game.open("rw") as view, view.allocate(16) as memory:
        view.write_int(7, memory)
        assert view.read_many([("int", memory)]) == [7]
        assert (int(memory), memory.end) == (memory.address, memory.address + PAGE)


def test_a_block_that_closes_the_view_says_that_memory_is_left(game):
    view = game.open("rw")
    with pytest.raises(ClosedViewError), view.allocate(16):
        view.close()


def test_a_change_that_is_always_interrupted_ends(shielded):
    stop = failing(KeyboardInterrupt())
    system = StubSystem(shielded, set_protection=stop)
    with MemoryView(PID, "w", system=system) as view, pytest.raises(KeyboardInterrupt):
        view.write(b"z" * 4 * PAGE, FREE, force=True)


@pytest.mark.parametrize("code", [5, 87, 487])
def test_a_protection_that_can_not_be_lifted_is_named(shielded, code):
    refused = failing(failure_with("VirtualProtectEx", code, "No."))
    with (
        MemoryView(PID, "w", system=StubSystem(shielded, set_protection=refused)) as view,
        pytest.raises(NotWritableError) as caught,
    ):
        view.write(b"a", FREE, force=True)
    assert (caught.value.winerror, caught.value.region.base, caught.value.transferred) == (code, FREE, 0)
    assert re.fullmatch(
        r"The protection of 0x600000-0x\w+ \(.*\) could not be lifted: No\.", caught.value.explanation
    )


def test_forced_writes_to_one_program_do_not_wait_for_another(shielded):
    other = FakeProcess(PID + 4)
    other.map(FREE, PAGE, "r--")

    def write_to_the_other(*_: object) -> None:
        done = threading.Thread(target=lambda: other_view.write(b"a", FREE, force=True), daemon=True)
        done.start()
        done.join(10)
        assert not done.is_alive()

    with (
        other.open("w") as other_view,
        MemoryView(PID, "w", system=StubSystem(shielded, write=write_to_the_other)) as view,
    ):
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert other.peek(1, FREE) == b"a"


def test_a_write_that_fails_says_too_what_could_not_be_put_back(shielded):
    failure = failure_with("WriteProcessMemory", 299, transferred=1)
    system = stuck_once_lifted(shielded, write=failing(failure))
    with MemoryView(PID, "w", system=system) as view, pytest.raises(PartialWriteError) as caught:
        view.write(b"z" * 4 * PAGE, FREE, force=True)
    assert caught.value.api == "WriteProcessMemory"
    assert "could not be put back; it was: 0x601000-0x602000 (" in caught.value.explanation


def test_a_page_that_takes_no_other_protection_gets_a_private_copy(shielded):
    tried = []

    def protect(original: Callable[..., None], address: int, size: int, protection: int) -> None:
        tried.append(protection)
        if protection == 0x04:  # PAGE_READWRITE
            raise failure_with("VirtualProtectEx", 87)
        original(address, size, protection)

    with MemoryView(PID, "w", system=StubSystem(shielded, set_protection=protect)) as view:
        view.write(b"a", FREE, force=True)
    assert tried == [0x04, 0x08, 0x02]  # READWRITE, WRITECOPY, and READONLY again
    assert shielded.peek(1, FREE) == b"a"


def test_force_onto_addresses_without_memory_changes_nothing(shielded):
    before = protections(shielded)
    with shielded.open("w") as view, pytest.raises(NotWritableError):
        view.write(b"z" * 2 * PAGE, FREE + 6 * PAGE, force=True)
    assert shielded.peek(1, FREE + 6 * PAGE) == b"\0"
    assert protections(shielded) == before


def test_the_processor_is_told_of_changed_code(shielded):
    flushed = []
    system = StubSystem(shielded, flush_code=lambda _, address, size: flushed.append((address, size)))
    with MemoryView(PID, "w", system=system) as view:
        view.write(b"\x90\x90", FREE + 3 * PAGE + 4, force=True)
    assert flushed == [(FREE + 3 * PAGE + 4, 2)]


def test_memory_that_can_be_written_anyway_keeps_its_protection_all_the_time(game):
    never = failing(AssertionError("the protection was changed"))
    with MemoryView(PID, "w", system=StubSystem(game, set_protection=never)) as view:
        view.write(b"a", BASE, force=True)
    assert game.peek(1, BASE) == b"a"


# -- life time


def test_closing_gives_the_handle_back(game):
    view = game.open()
    assert (game.open_handles, view.closed) == (1, False)
    view.close()
    assert (game.open_handles, view.closed) == (0, True)


def test_a_second_close_is_an_error_without_asking_the_system(game):
    system = StubSystem(game)
    view = MemoryView(PID, system=system)
    view.close()
    system.opened[0].close = failing(AssertionError("the system was asked"))
    with pytest.raises(ClosedViewError, match=r"^Can't close process handle, error code 6"):
        view.close()


def test_leaving_a_with_block_closes_the_view(game):
    with game.open() as view:
        assert not view.closed
    assert view.closed
    assert game.open_handles == 0


def test_leaving_a_with_block_after_close_is_quiet(game):
    with game.open() as view:
        view.close()
    assert game.open_handles == 0


def test_an_error_in_a_with_block_comes_out_and_the_view_is_closed(game):
    with pytest.raises(ZeroDivisionError), game.open() as view:
        1 / 0  # noqa: B018 - the error is what matters
    assert view.closed


@pytest.mark.parametrize(
    "action",
    [
        *(lambda view, method=method: method(view, BASE) for method in AN_ADDRESS.values()),
        *A_STATE.values(),
    ],
    ids=[*AN_ADDRESS, *A_STATE],
)
def test_a_closed_view_can_be_used_for_nothing_and_asks_nobody(game, action):
    asked = failing(AssertionError("the system was asked"))
    names = ("read", "read_into", "write", "write_forced", "region_at", "is_alive", "exit_code")
    view = MemoryView(PID, "rw", system=StubSystem(game, **dict.fromkeys(names, asked)))
    view.close()
    with pytest.raises(ClosedViewError):
        action(view)


def test_a_closed_view_still_tells_what_it_was(game):
    view = game.open("rw")
    view.close()
    assert (view.pid, view.name, view.mode, view.bitness, view.pointer_size) == (PID, "game.exe", "rw", 64, 8)


def test_a_forgotten_view_warns_and_gives_its_handle_back(game):
    view = game.open()
    text = repr(view)
    with pytest.warns(ResourceWarning) as caught:
        del view
    assert [str(each.message) for each in caught] == [f"unclosed {text}"]
    assert type(caught[0].source) is MemoryView
    assert game.open_handles == 0


def test_a_closed_view_is_forgotten_without_a_warning(game):
    game.open().close()
    gc.collect()  # a warning is an error here


def test_a_view_that_could_not_be_opened_is_forgotten_without_a_warning(game):
    game.denied = True
    with pytest.raises(ProcessDeniedError):
        game.open()
    gc.collect()
    assert game.open_handles == 0


def test_a_forgotten_view_gives_its_handle_back_even_where_warnings_are_errors(game, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    view = game.open()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del view
    assert [each.exc_type for each in complaints] == [ResourceWarning]
    assert game.open_handles == 0


@pytest.mark.parametrize("bitness", [32, 64])
def test_a_view_shows_what_it_is(bitness):
    with make_game(bitness).open("rw") as view:
        assert repr(view) == f"<MemoryView of process 5556 'game.exe', {bitness}-bit, mode 'rw'>"


def test_a_closed_view_shows_that_it_is(game):
    view = game.open()
    view.close()
    assert repr(view) == "<MemoryView of process 5556 'game.exe', 64-bit, mode 'r', closed>"


def test_a_view_of_an_ended_program_shows_its_exit_code(game, view):
    game.exit(3)
    assert repr(view) == "<MemoryView of process 5556 'game.exe', 64-bit, mode 'rw', ended with 3>"


def test_a_program_without_a_name_is_shown_without_one():
    game = FakeProcess(PID, "")
    with game.open() as view:
        assert repr(view) == "<MemoryView of process 5556, 64-bit, mode 'r'>"


def test_a_view_that_is_closed_at_this_very_moment_can_be_shown(game):
    closing = failing(failure_with("GetExitCodeProcess", 6))
    with MemoryView(PID, system=StubSystem(game, exit_code=closing)) as view:
        assert repr(view) == "<MemoryView of process 5556 'game.exe', 64-bit, mode 'r'>"


# -- threads


class Readers:
    """Threads that read until the view is closed, and keep what they saw."""

    def __init__(self, view: MemoryView, count: int) -> None:
        self.seen: set[bytes] = set()
        self.errors: list[BaseException] = []
        self.started = threading.Barrier(count + 1)
        self._view = view
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        try:
            self.seen.add(self._view.read(PAGE, BASE))
            self.started.wait()
            while True:
                self.seen.add(self._view.read(PAGE, BASE))
        except BaseException as error:
            self.errors.append(error)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("_round", range(10))
def test_threads_get_whole_values_or_a_closed_view(game, _round):
    view = game.open("rw")
    readers = Readers(view, 8)
    readers.started.wait()
    for number in range(1, 200):
        view.write(bytes([number]) * PAGE, BASE)
    view.close()
    readers.join()
    assert {type(error) for error in readers.errors} == {ClosedViewError}
    assert all(value == value[:1] * PAGE for value in readers.seen)


def test_of_many_threads_that_close_exactly_one_succeeds(game):
    view = game.open()
    ready = threading.Barrier(8)
    outcomes = []

    def close() -> None:
        ready.wait()
        try:
            view.close()
        except ClosedViewError:
            outcomes.append("refused")
        else:
            outcomes.append("closed")

    threads = [threading.Thread(target=close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["closed"] + ["refused"] * 7
    assert game.open_handles == 0


@pytest.mark.parametrize("name", ["read", "read_int", "read_available", "write", "write_forced"])
def test_a_view_that_is_closed_while_a_call_is_under_way_is_a_closed_view(game, name):
    def close_first(original: Callable[..., Any], *arguments: Any) -> Any:
        view.close()
        return original(*arguments)

    system = StubSystem(game, read=close_first, write=close_first, write_forced=close_first)
    view = MemoryView(PID, "rw", system=system)
    with pytest.raises(ClosedViewError):
        AN_ADDRESS[name](view, BASE)


@pytest.mark.parametrize("name", ["is_alive", "exit_code", "region_at"])
def test_a_question_during_which_the_view_is_closed_is_one_to_a_closed_view(game, name):
    def close_first(original: Callable[..., Any], *arguments: Any) -> Any:
        view.close()
        return original(*arguments)

    view = MemoryView(PID, system=StubSystem(game, **{name: close_first}))
    with pytest.raises(ClosedViewError):
        A_STATE[name](view)
