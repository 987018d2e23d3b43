"""A game without a screen, to try memaccess on. It knows nothing of memaccess."""

import ctypes
import os


class Player(ctypes.Structure):
    """The player, as a game written in C would have it."""

    _fields_ = [
        ("health", ctypes.c_int),
        ("speed", ctypes.c_float),
        ("gold", ctypes.c_int64),
        ("name", ctypes.c_char * 16),
    ]


player = Player(100, 1.5, 250, b"Ada")
place = ctypes.addressof(player)
print(f"I am process {os.getpid()}, and my player is at 0x{place:08x}.")
while True:
    name = player.name.decode()
    print(f"{name} has {player.health} health and {player.gold} gold", end="")
    print(f", and runs at {player.speed}.")
    input("Enter to go on. ")
