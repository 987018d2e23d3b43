"""A trainer, as somebody writes one on Windows; the test runs it on both systems, and compares what it prints.

    python trainer.py GAME CHAIN HERO PLAYER PAGES CODE READONLY ENDING

GAME, HERO, PAGES and ENDING are the names of programs, followed by places in them. A line that begins with ``>`` is
for the user to do; Enter goes on.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from memaccess import MemoryAccessError, MemoryView, TargetExitedError, find_process, wait_for_process
from memaccess.structures import Array, Field, Pointer, String, Structure, addressof, offsetof, sizeof

MODULES = ("kernel32.dll", "NTDLL.DLL", "kernelbase", "ucrtbase")
FUNCTIONS = ("kernel32!Sleep", "kernel32.HeapAlloc", "ntdll!NtClose", "KERNEL32!GetCurrentProcessId")
RETURN_42, RETURN_7 = bytes.fromhex("b82a000000c3"), bytes.fromhex("b807000000c3")


class Item(Structure):
    kind = Field("int")
    count = Field("unsigned_short")


class Cell(Structure):
    tag = Field("char")
    weight = Field("double")
    items = Field(Array(Item, 2))
    end = Field("char")


class Player(Structure):
    grade = Field("char")
    health = Field("float")
    name = Field(String(16))
    title = Field(Array("wchar", 13))
    bag = Field(Array(Item, 3))
    cell = Field(Cell)
    position = Field(Array("double", 3))
    grid = Field(Array(Array("short", 3), 2))
    target = Field(Pointer("Player"))
    motto = Field(Pointer(String(64, "utf-16")))
    clan = Field(Pointer(String(32)))
    score = Field(Pointer("int"))
    alive = Field("bool")
    id = Field("long_long")
    flags = Field("long")
    mass = Field("size_t")
    handler = Field("pointer")


def ask_user(what: str) -> None:
    print(">", what, flush=True)
    input()


def look_around(view: MemoryView, info_name: str) -> None:
    print("name:", view.name, "bitness:", view.bitness, "pointers:", view.pointer_size)
    print("pid:", view)
    first, *_ = modules = view.modules()
    print("program:", first.name, hex(first.base), hex(first.size), hex(first.entry or 0), first.timestamp)
    print("path:", first.path)
    print("listed:", sorted({each.name.lower() for each in modules if each.bitness == view.bitness}))
    for name in MODULES:
        module = view.module(name)
        print(f"{name}:", module, module.bitness, module.timestamp, view.module_at(module.base + 8) == module)
        print("path:", module.path)
    for name in FUNCTIONS:
        address = view.address(name)
        print(f"{name}: 0x{int(address):x}", view.symbol_at(address), view.region_at(address).rights)
        print("code:", view.read(8, address).hex(), view.symbol_at(address + 2))
    named = [each for each in view.exports("kernel32") if each.name in ("Sleep", "HeapAlloc", "VirtualAlloc")]
    for export in named:
        print("export:", export)
        print("ordinal:", hex(int(view.address(f"kernel32!#{export.ordinal}"))))
    print("exports:", len(view.exports("kernel32")), len(view.exports("ntdll")))
    for line in view.hexdump(96, info_name):
        print(line)
    for line in view.hexdump(64, f"{info_name}+3C"):
        print(line)
    stack = view.address("THREADSTACK0")
    print("stack:", stack, hex(view.read_pointer(stack)), view.symbol_at(view.read_pointer(stack)))


def play(view: MemoryView, chain: str) -> None:
    health = view.address(chain)
    static = chain[2:].partition("]")[0]
    print("chain:", health, view.read_int(chain), view.read_int(health), view.symbol_at(static))
    print("static:", view.region_at(static))
    # Each level is elsewhere: what is printed counts from the health.
    start = int(health)
    before = view.snapshot([(view.read_pointer(static), 0x20), (start - 0x40, 0x80)])
    dump = view.hexdump(8, start - 4)
    ask_user("game hit 30")
    after = view.snapshot(before)
    for found in (before.changed_values(after, "int"), before.changes(after)):
        for each in found:
            print("changed:", each.address - start, each.before, each.after)
    for line in view.hexdump(8, start - 4, since=dump):
        print("changed:", line.partition(" ")[2])
    view.write_int(100, chain)
    print("healed:", view.read_int(health), health)
    ask_user("game level")
    print("next level:", health, view.read_int(health))
    ask_user("game menu")
    try:
        print("in the menu:", view.read_int(health))
    except MemoryAccessError as error:
        print("in the menu:", type(error).__name__, error, error.explanation)
    ask_user("game level")


def change(view: MemoryView, place: str) -> None:
    player = Player(view, place)
    saved = player.read()
    for name, value in saved.items():
        print(f"player.{name}:", value, offsetof(Player, name, view), hex(addressof(player, name)))
    print("sizes:", sizeof(Player, view), sizeof(Player, view.bitness), sizeof(Cell, view))
    print(
        "pointers:", player.motto, player.clan, player.score[0], player.target.name, player.target.target.name
    )
    print("title:", "".join(player.title[:]).rstrip("\0"))
    motto = saved["motto"]
    print("motto:", view.read_string(motto, "utf-16"), view.read_string(motto, "utf-16", limit=8))
    print("motto:", view.read_array("wchar", 6, motto), view.read_array("unsigned_short", 6, motto))
    print(
        "long:",
        view.read_long(addressof(player, "flags")),
        view.read_array("long", 2, addressof(player, "id")),
    )
    print(
        "many:",
        view.read_many(
            [("float", addressof(player, "health")), ("wchar", motto), ("pointer", int(place, 0))]
        ),
    )
    player.flags -= 1
    player.health *= 2
    player.position = [4, 5, 6.5]
    player.title[0] = "X"
    view.write_string("Schöne Grüße", motto, "utf-16")
    print("written:", player.read())
    print("written:", view.read_struct("cxxxf16s", place), player.motto)
    ask_user("hero target")
    player.write(saved)
    view.write_string("Grüße \N{SNAKE}", motto, "utf-16")
    print("put back:", player.read() == saved, player.motto)


def patch(view: MemoryView, code: int, readonly: int) -> None:
    for address in (code, readonly, int(view.address("kernel32!Sleep"))):
        region = view.region_at(address)
        print("region:", hex(region.base), region.state, region.kind, region.rights, region.guarded)
        print("protection:", region.protection, region.raw_kind)
    print("code:", view.read(6, code) == RETURN_42)
    view.write(RETURN_7, code)
    print("patched:", view.read(6, code).hex())
    view.write(RETURN_42, code)
    with view.protect("rw-", 9, readonly):
        print("protect:", view.region_at(readonly).rights)
        view.write(b"READ ONLY", readonly)
    print("protect:", view.region_at(readonly).rights, view.read_string(readonly))
    view.write(b"read only", readonly, force=True)
    print("forced:", view.region_at(readonly).rights, view.read_string(readonly))
    sleep = int(view.address("kernel32!Sleep"))
    first = view.read(5, sleep)
    with view.allocate(64, "rwx", near="kernel32.dll") as cave:
        print(
            "cave:", abs(int(cave) - sleep) < 1 << 31, view.region_at(cave).rights, view.region_at(cave).kind
        )
        print("jump:", view.read(64, cave) == bytes(64))
        jump = b"\xe9" + (int(cave) - sleep - 5).to_bytes(4, "little", signed=True)
        view.write(first + b"\xe9" + (sleep - int(cave) - 5).to_bytes(4, "little", signed=True), cave)
        view.write(jump, sleep)
        print("jump:", view.read(5, sleep) == jump)
        view.write(first, sleep)
        place = int(cave)
    print("cave:", view.region_at(place).state, view.read(5, sleep) == first, view.region_at(sleep).rights)
    with suppress(MemoryAccessError):
        view.read(1, 0x10)
        print("null pointers can be read")


def wait_for_end(view: MemoryView) -> None:
    print("alive:", view.is_alive(), view.exit_code())
    ask_user("ending exit 300")
    while view.is_alive():
        time.sleep(0.01)
    try:
        view.read(1, "kernel32.dll")
    except TargetExitedError as error:
        print("ended:", type(error).__name__, isinstance(error, ProcessLookupError))
    print("exit code:", view.exit_code())


def main(words: list[str]) -> None:
    game, chain, hero, player, pages, code, readonly, ending = words
    print("found:", find_process(game.upper()).name, wait_for_process(hero, 5).bitness)
    with MemoryView.from_name(game, "rw") as view:
        look_around(view, f"{game}.exe")
        play(view, chain)
    with MemoryView.from_name(f"{hero}.exe", "rw") as view:
        change(view, player)
    with MemoryView.from_name(pages, "rw") as view:
        patch(view, int(code, 16), int(readonly, 16))
    with MemoryView.from_name(ending) as view:
        wait_for_end(view)


if __name__ == "__main__":
    main(sys.argv[1:])
