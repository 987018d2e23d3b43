"""``THREADSTACK0`` in programs that exist only here."""

from __future__ import annotations

import pytest

from memaccess import MissingRightError, SymbolNotFoundError
from memaccess.testing import FakeProcess

KERNEL32 = 0x7100_0000
BASE = 0x2_0000


@pytest.fixture(params=[64, 32])
def game(request):
    game = FakeProcess(name="game.exe", bitness=request.param)
    game.load("game.exe", 0x40_0000, exports={"ThreadStack0": 0x1000, "ThreadStackSize": 0x1004})
    game.load("kernel32.dll", KERNEL32)
    return game


def add_thread(game, base: int, pointers: dict[int, int], size: int = 0x1000) -> None:
    """A thread whose stack has those pointers so many bytes below where it begins."""
    width = game.bitness // 8
    stack = bytearray(size)
    for below, pointer in pointers.items():
        stack[size - below : size - below + width] = pointer.to_bytes(width, "little")
    game.map(base - size, bytes(stack))
    game.stack_bases.append(base)


def find(game, text: str) -> int:
    with game.open() as view:
        return int(view.address(text))


def test_the_first_pointer_into_kernel32_counts(game):
    end = KERNEL32 + 0x3000
    with game.open() as view:
        assert view.module("kernel32").end == end
    add_thread(game, BASE, {8: end, 16: KERNEL32 - 1, 24: 0x40_1000, 0x30: end - 1, 0x38: KERNEL32})
    assert find(game, "THREADSTACK0") == BASE - 0x30
    assert find(game, "ThreadStack-10") == BASE - 0x40


def test_a_pointer_counts_at_the_borders_of_what_is_searched(game):
    width = game.bitness // 8
    add_thread(game, BASE, {0x1000: KERNEL32})
    add_thread(game, 2 * BASE, {width: KERNEL32 + 0x2FFF})
    assert find(game, "THREADSTACK0") == BASE - 0x1000
    assert find(game, "THREADSTACK1") == 2 * BASE - width
    add_thread(game, 4 * BASE, {0x1000 + width: KERNEL32}, size=0x2000)
    with pytest.raises(SymbolNotFoundError, match=r"stack of thread 2 has no pointer into kernel32\.dll"):
        find(game, "THREADSTACK2")


def test_a_pointer_that_is_not_aligned_is_none(game):
    add_thread(game, BASE, {0x31: KERNEL32, 0x40: KERNEL32 + 1})
    assert find(game, "THREADSTACK0") == BASE - 0x40


@pytest.mark.parametrize("base", [1, 0x1000, 0x50_0000, (1 << 32) - 1, (1 << 64) - 1])
def test_a_stack_that_is_nowhere_is_said_to_be_unreadable(game, base):
    game.stack_bases.append(base)
    with pytest.raises(SymbolNotFoundError, match=rf"the stack of thread 0, at 0x{base:x}, can't be read"):
        find(game, "THREADSTACK0")


def test_every_thread_that_there_is_can_be_named_and_no_other(game):
    for number in range(12):
        add_thread(game, BASE * (number + 1), {0x20: KERNEL32 + number})
    assert find(game, "threadstack11+8") == BASE * 12 - 0x20 + 8
    for text in ("THREADSTACK12", "THREADSTACK999999999"):
        with pytest.raises(SymbolNotFoundError, match=r"there is no thread (12|999999999) with a stack"):
            find(game, text)


def test_symbols_of_such_a_name_need_their_module(game):
    add_thread(game, BASE, {0x20: KERNEL32})
    assert find(game, "ThreadStack0") == BASE - 0x20
    assert find(game, "game!ThreadStack0") == 0x40_1000
    assert find(game, "game.ThreadStack0") == 0x40_1000
    assert find(game, "ThreadStackSize") == 0x40_1004
    with pytest.raises(SymbolNotFoundError, match="no module and no symbol is called"):
        find(game, "THREADSTACK0x1")


def test_without_kernel32_there_is_no_such_place():
    game = FakeProcess(name="game.exe")
    add_thread(game, BASE, {0x20: KERNEL32})
    with pytest.raises(SymbolNotFoundError, match=r"no module is called 'kernel32\.dll'"):
        find(game, "THREADSTACK0")


def test_who_may_not_read_is_told_so(game):
    add_thread(game, BASE, {0x20: KERNEL32})
    with game.open("w") as view, pytest.raises(MissingRightError):
        view.write(b"x", "THREADSTACK0")
