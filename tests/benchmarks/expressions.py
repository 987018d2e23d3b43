"""Following pointers: ``[[game.exe+X]+18]+158`` and the same by hand."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import TYPE_CHECKING, Any

from rounds import interleaved, over, per_call, table, times
from subjects import MIB, opened, other_process, replaced_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subjects import Peers

DEPTHS = (2, 4)
OFFSETS = (0x18, 0x20, 0x28, 0x158)
"""What is added to each pointer; of shorter chains the last ones."""
PYMEM = "Pymem resolve_offsets, from the program"


def measure_expressions(stub: str) -> None:
    """Chains of pointers: through the system, and with the system's part taken out."""
    for depth in DEPTHS:
        with other_process(MIB) as (pid, _), opened(pid, "rw") as peers, chain(peers.view, depth) as root:
            contenders = followers(peers, root, depth)
            figures = interleaved({name: per_call(each, 300) for name, each in contenders.items()}, rounds=9)
        title = f"a chain of {depth} pointers, through the system"
        table(title, "us", figures, times(figures, "bare"))
    for depth in DEPTHS:
        # In this process, which the stub can read.
        with opened(os.getpid(), "rw") as peers, chain(peers.view, depth) as root:
            followers(peers, root, depth)  # lists the modules while the system still answers
            with replaced_by(stub, ReadProcessMemory="StubCopy"):
                contenders = followers(peers, root, depth)
                contenders.pop(PYMEM, None)  # asks the system for the modules each time
                calls = {name: per_call(each, 2000) for name, each in contenders.items()}
                figures = interleaved(calls, rounds=21)
        title = f"the same {depth} pointers, the system's part taken out (stub)"
        table(title, "us", figures, over(figures, "bare"))


@contextlib.contextmanager
def chain(view: Any, depth: int) -> Iterator[int]:
    """A block in which the program has a chain of so many pointers; where the first of them is."""
    with view.allocate(0x1000 * (depth + 1)) as memory:
        place = memory.address
        for number, offset in enumerate(OFFSETS[-depth:], 1):
            pointer = memory.address + 0x1000 * number
            view.write_pointer(pointer, place)
            place = pointer + offset
        yield memory.address


def followers(peers: Peers, root: int, depth: int) -> dict[str, Callable[[], int]]:
    """Every contender's way along the chain that begins at *root*; all have come to the same place."""
    view, offsets = peers.view, OFFSETS[-depth:]
    program = view.modules()[0]
    distance = root - program.base
    named = view.address(
        chain_text(f"{program.name}{'+' if distance >= 0 else '-'}{abs(distance):X}", offsets)
    )
    numbered = view.address(chain_text(f"{root:X}", offsets))
    followers: dict[str, Callable[[], int]] = {
        f"bare calls, {depth} reads": bare_follower(view, root, offsets),
        "memaccess read_pointer, by hand": by_hand(view.read_pointer, root, offsets),
        "memaccess, from an address": lambda: int(numbered),
        "memaccess, from the program": lambda: int(named),
    }
    if peers.pymem is not None:
        wide = view.pointer_size == 8
        read = peers.pymem.read_ulonglong if wide else peers.pymem.read_uint
        followers[f"Pymem {read.__name__}, by hand"] = by_hand(read, root, offsets)
        followers[PYMEM] = lambda: peers.pymem.resolve_offsets(distance, offsets)
    if peers.editor is not None:
        pointer = peers.editor.get_pointer(root, offsets)
        followers["PyMemoryEditor get_pointer"] = lambda: pointer.address
    places = {name: follow() for name, follow in followers.items()}
    assert len(set(places.values())) == 1, places
    return followers


def chain_text(place: str, offsets: tuple[int, ...]) -> str:
    """The chain in Cheat Engine's notation."""
    for offset in offsets:
        place = f"[{place}]+{offset:X}"
    return place


def by_hand(read: Callable[[int], int], root: int, offsets: tuple[int, ...]) -> Callable[[], int]:
    """Following with a library's way to read one pointer."""

    def follow() -> int:
        place = root
        for offset in offsets:
            place = read(place) + offset
        return place

    return follow


def bare_follower(view: Any, root: int, offsets: tuple[int, ...]) -> Callable[[], int]:
    """Following as fast as ctypes can: everything prebuilt, one buffer for all."""
    from memaccess._backend.windows import _process

    read, handle = _process._read_memory, view._process._handle
    buffer = ctypes.c_size_t()
    pointer, size = ctypes.byref(buffer), ctypes.sizeof(buffer)

    def follow() -> int:
        place = root
        for offset in offsets:
            read(handle, place, pointer, size, None)
            place = buffer.value + offset
        return place

    return follow
