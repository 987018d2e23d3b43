"""A target with windows of X11: one JSON object per line, and one as its answer.

Its first argument is the display. ``open`` makes a window with the PROPERTIES that it is given, ``in`` another one or
in the root, and it is ``shown`` or not; ``change`` gives a window other ones, and so does ``change_root`` with the
root window; ``close`` takes a window away. ``come_and_go`` opens and closes windows until the next line.

A property is a list of its type and either a text, whose characters are its bytes, or numbers.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import select
import struct
import sys
from typing import Any

xcb = ctypes.CDLL("libxcb.so.1")


class Cookie(ctypes.Structure):
    """What a request gives."""

    _fields_ = [("sequence", ctypes.c_uint)]


class Screens(ctypes.Structure):
    """Screens, one after the other; the first number of each is that of its root window."""

    _fields_ = [("root", ctypes.POINTER(ctypes.c_uint32)), ("left", ctypes.c_int), ("index", ctypes.c_int)]


def declared(name: str, result: Any, *arguments: Any) -> Any:
    """A function of libxcb, of a connection and more."""
    function = getattr(xcb, name)
    function.restype = result
    function.argtypes = (ctypes.c_void_p, *arguments)
    return function


u8, u16, u32, i16 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_int16
pointer = ctypes.c_void_p
xcb.xcb_connect.restype = ctypes.c_void_p
has_error = declared("xcb_connection_has_error", ctypes.c_int)
get_setup = declared("xcb_get_setup", pointer)
roots = declared("xcb_setup_roots_iterator", Screens)
wait = declared("xcb_wait_for_reply", pointer, ctypes.c_uint, pointer)
intern_atom = declared("xcb_intern_atom", Cookie, u8, u16, ctypes.c_char_p)
new_id = declared("xcb_generate_id", u32)
create = declared("xcb_create_window", Cookie, u8, u32, u32, i16, i16, u16, u16, u16, u16, u32, u32, pointer)
change = declared("xcb_change_property", Cookie, u8, u32, u32, u32, u8, u32, ctypes.c_char_p)
show = declared("xcb_map_window", Cookie, u32)
destroy = declared("xcb_destroy_window", Cookie, u32)
ask_focus = declared("xcb_get_input_focus", Cookie)

screen = ctypes.c_int()
connection = xcb.xcb_connect(sys.argv[1].encode(), ctypes.byref(screen))
assert not has_error(connection)
screens = roots(get_setup(connection))
for _ in range(screen.value):
    xcb.xcb_screen_next(ctypes.byref(screens))
root = screens.root[0]


def until_done() -> None:
    """Wait until the server has done what it was asked for."""
    assert wait(connection, ask_focus(connection).sequence, None)


def atom(name: str) -> int:
    reply = wait(connection, intern_atom(connection, False, len(name), name.encode()).sequence, None)
    return int(ctypes.c_uint32.from_address(reply + 8).value)


def give(window: int, properties: dict[str, Any]) -> None:
    for name, (kind, value) in properties.items():
        is_text = isinstance(value, str)
        data = value.encode("latin-1") if is_text else struct.pack(f"={len(value)}I", *value)
        width = 8 if is_text else 32
        change(connection, 0, window, atom(name), atom(kind), width, len(value), data)


def opened(properties: dict[str, Any], parent: int, shown: bool) -> int:
    window = int(new_id(connection))
    create(connection, 0, window, parent, 0, 0, 10, 10, 0, 0, 0, 0, None)
    give(window, properties)
    if shown:
        show(connection, window)
    return window


def come_and_go(properties: dict[str, Any]) -> None:
    for number in itertools.count():
        if select.select([sys.stdin], [], [], 0)[0]:
            break
        windows = [opened(properties, root, shown=True) for _ in range(number % 20)]
        until_done()
        for window in windows:
            destroy(connection, window)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    found = {}
    if "open" in request:
        found = {"window": opened(request["open"], request.get("in", root), request.get("shown", True))}
    elif "change" in request:
        give(request["change"], request["properties"])
    elif "change_root" in request:
        give(root, request["change_root"])
    elif "close" in request:
        destroy(connection, request["close"])
    until_done()
    return found


print(json.dumps({"pid": os.getpid()}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(answer(request)), flush=True)
    if "come_and_go" in request:
        come_and_go(request["come_and_go"])
