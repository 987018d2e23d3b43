"""What type checkers and editors see of structures; mypy --strict reads this file, and nobody runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes
    from typing import Any

    from typing_extensions import assert_type

    from memaccess import MemoryView
    from memaccess.structures import (
        Array,
        Field,
        LiveArray,
        Pointer,
        String,
        Structure,
        addressof,
        offsetof,
        sizeof,
    )

    class POINT(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_int32)]

    class Item(Structure):
        kind = Field("int")
        count = Field("unsigned_short")

    class Player(Structure, size=0x200):
        health = Field("float", 0x10)
        alive = Field("bool")
        grade = Field("char")
        letter = Field("wchar")
        name = Field(String(16), 0x20)
        position = Field(Array("float", 3))
        grid = Field(Array(Array("int", 4), 2))
        names = Field(Array(String(8, "utf-16", errors="replace"), 2))
        best = Field(Item)
        bag = Field(Array(Item, 8))
        weapon = Field(Pointer(Item))
        weapons = Field(Pointer(Array(Item, 4)))
        score = Field(Pointer("int"))
        speed = Field(Pointer("float"))
        title = Field(Pointer(String(64, "utf-16")))
        far = Field(Pointer(Pointer(Item)))
        target = Field(Pointer("Player"))
        spawn = Field(POINT)
        handle = Field(ctypes.c_uint32)
        leader = Field(ctypes.POINTER(POINT))

    class Boss(Player):
        rage = Field("uint8")

    def what_is_read(player: Player, boss: Boss) -> None:
        assert_type(player.health, float)
        assert_type(player.alive, bool)
        assert_type(player.grade, bytes)
        assert_type(player.letter, str)
        assert_type(player.name, str)
        assert_type(player.position, LiveArray[float])
        assert_type(player.position[0], float)
        assert_type(player.position[1:], list[float])
        assert_type(player.grid[0][1], int)
        assert_type(player.names[0], str)
        assert_type(player.best, Item)
        assert_type(player.best.kind, int)
        assert_type(player.bag[2].count, int)
        assert_type([item.kind for item in player.bag], list[int])
        assert_type(player.weapon, Item | None)
        assert_type(player.weapons, LiveArray[Item] | None)
        assert_type(player.score, LiveArray[int] | None)
        assert_type(player.speed, LiveArray[float] | None)
        assert_type(player.title, str | None)
        assert_type(player.far, LiveArray[Item | None] | None)
        assert_type(player.target, Any)
        assert_type(player.spawn, Any)
        assert_type(player.handle, int)
        assert_type(boss.health, float)
        assert_type(boss.rage, int)
        assert_type(player.read(), dict[str, Any])
        assert_type(player.bag.read(), list[Any])

    def what_is_written(player: Player, item: Item) -> None:
        player.health = 5
        player.health -= 1.5
        player.name = "Ada"
        player.position = [1, 2, 3]
        player.position[0] += 1
        player.position[:2] = (1, 2)
        player.best = item
        player.best = {"kind": 1}
        player.bag = [item, {"kind": 1}]
        player.bag[2].count += 1
        player.weapon = item
        player.weapon = 0x401000
        player.weapon = None
        player.title = 0x401000
        player.score = player.score
        player.target = player
        player.handle = 4
        player.write({"health": 5}, force=True)
        player.write(player.read())
        player.best.write(item)
        player.bag.write([{"count": 1}], force=True)

    def what_is_asked(view: MemoryView, player: Player) -> None:
        assert_type(sizeof(Player, view), int)
        assert_type(sizeof(player), int)
        assert_type(sizeof(player.bag), int)
        assert_type(offsetof(Player, "health", 32), int)
        assert_type(addressof(player, "health"), int)
        assert_type(addressof(player.bag[2]), int)
        assert_type(view.read_struct(Player.as_ctypes(view), 1), ctypes.Structure)
        assert_type(Structure.from_ctypes(POINT), type[Any])
        assert_type(Player.health, Field[float, float])

    def what_is_refused(view: MemoryView, player: Player) -> None:
        Field("itn")  # type: ignore[call-overload]
        Field(4)  # type: ignore[call-overload]
        Array("int")  # type: ignore[call-overload]
        String("utf-8")  # type: ignore[arg-type]
        player.health = "5"  # type: ignore[assignment]
        player.name = b"Ada"  # type: ignore[assignment]
        player.position = 5  # type: ignore[assignment]
        player.weapon = "0x401000"  # type: ignore[assignment]
        player.title = "Sir"  # type: ignore[assignment]
        player.heath = 5  # type: ignore[attr-defined]
        player.write(5)  # type: ignore[arg-type]
        Player(0x401000, view)  # type: ignore[arg-type]
        sizeof(POINT, view)  # type: ignore[arg-type]
