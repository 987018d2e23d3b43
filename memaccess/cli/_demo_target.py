"""The program that the demo looks into: a game without a screen.

It knows nothing of memaccess. It says where its player lies in memory, as a debugger or a search
would find out about a real game, and then says how the player is doing, each time it is asked.
"""

import ctypes
import json
import os
import sys


class Player(ctypes.Structure):
    """The player, as a game written in C would have it."""

    _fields_ = [
        ("health", ctypes.c_int),
        ("speed", ctypes.c_float),
        ("gold", ctypes.c_int64),
        ("name", ctypes.c_char * 16),
    ]


def main() -> None:
    """Play until the input ends."""
    player = Player(100, 1.5, 250, b"Ada")
    fields = ("health", "speed", "gold", "name")
    start = ctypes.addressof(player)
    addresses = {name: start + getattr(Player, name).offset for name in fields}
    print(json.dumps({"pid": os.getpid(), "addresses": addresses}), flush=True)
    for _ in sys.stdin:
        name = player.name.decode()
        print(
            f"{name} has {player.health} health and {player.gold} gold, and runs at {player.speed}",
            flush=True,
        )


if __name__ == "__main__":
    main()
