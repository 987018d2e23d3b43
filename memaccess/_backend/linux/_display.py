"""A connection to an X server, and what is asked of it.

Questions that don't depend on each other are sent together, since each answer is a way to the server and back.
Windows close while they are asked about: what is asked of one that has gone has None for an answer.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from memaccess._backend.linux._codes import failure_from
from memaccess._errors import Cause
from memaccess._libc import x11
from memaccess._libc.libc import free

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_HEAD = ctypes.sizeof(x11.Reply)
_ANY_TYPE = 0
_MOST_VALUE = 1 << 18
"""Of a property, in units of four bytes; no title and no list of windows is so long."""

# https://gitlab.freedesktop.org/xorg/proto/xorgproto/-/blob/master/resproto.txt
_RESOURCE = b"X-Resource"
_QUERY_CLIENT_IDS, _ALL_CLIENTS, _LOCAL_CLIENT_PID = 4, 0, 2


class Property(NamedTuple):
    """What a program has said of its window."""

    type: int
    format: int
    """How many bits wide its values are."""
    value: bytes

    def numbers(self, kind: int) -> tuple[int, ...]:
        """The values; none where they are not of that kind."""
        if (self.type, self.format) != (kind, 32):
            return ()
        return struct.unpack(f"={len(self.value) // 4}I", self.value)


class Display:
    """A connection to an X server. Use it in a ``with`` block, and in one thread.

    :param name: as ``DISPLAY`` gives it.
    :raises SystemFailure: there is no such server, or it refuses.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection = x11.xcb_connect(os.fsencode(name), None)
        error = x11.xcb_connection_has_error(self._connection)
        if error:
            x11.xcb_disconnect(self._connection)
            raise failure_from(Cause.OTHER, "xcb_connect", _why_not_connected(name, error))
        self._setup = x11.xcb_get_setup(self._connection)

    def check(self) -> None:
        """Raise where the connection has broken: then much has None for an answer."""
        if x11.xcb_connection_has_error(self._connection):
            text = f"The X server that DISPLAY names, {self._name!r}, has closed the connection. Try again."
            raise failure_from(Cause.OTHER, "xcb_wait_for_reply", text)

    def roots(self) -> list[int]:
        """The window of each screen that all others are in."""
        found = []
        screens = x11.xcb_setup_roots_iterator(self._setup)
        while screens.rem:
            found.append(screens.data.contents.root)
            x11.xcb_screen_next(ctypes.byref(screens))
        return found

    def atoms(self, names: Iterable[str]) -> list[int]:
        """The numbers of those names; 0 for one that nobody has used on this server."""
        encoded = [name.encode("ascii") for name in names]
        replies = self._replies(
            [x11.xcb_intern_atom(self._connection, True, len(each), each).sequence for each in encoded]
        )
        return [x11.InternAtomReply.from_buffer_copy(reply).atom if reply else 0 for reply in replies]

    def properties(self, wanted: Iterable[tuple[int, int]]) -> list[Property | None]:
        """What windows have under names; None where there is none.

        :param wanted: the window and the atom of each.
        """
        replies = self._replies(
            [
                x11.xcb_get_property(
                    self._connection, False, window, atom, _ANY_TYPE, 0, _MOST_VALUE
                ).sequence
                for window, atom in wanted
            ]
        )
        return [_property_in(reply) for reply in replies]

    def children(self, windows: Iterable[int]) -> list[list[int]]:
        """The windows in each, the lowest first."""
        replies = self._replies([x11.xcb_query_tree(self._connection, window).sequence for window in windows])
        return [_children_in(reply) for reply in replies]

    def shown(self, windows: Iterable[int]) -> list[bool]:
        """Whether each is on the screen, as far as others don't cover it."""
        replies = self._replies(
            [x11.xcb_get_window_attributes(self._connection, window).sequence for window in windows]
        )
        return [reply is not None and _is_shown_in(reply) for reply in replies]

    def client_of(self, window: int) -> int:
        """The number of the connection whose window that is."""
        mask: int = self._setup.contents.resource_id_mask
        return window & ~mask

    def client_pids(self) -> dict[int, int]:
        """By the number of its connection, the process that made it: what the server knows of itself.

        Empty where it knows none, or counts processes otherwise than this Python: a server on another machine,
        or outside of the container that this Python is in. There this connection has another pid than ours.
        """
        pids = self._client_pids()
        own = pids.get(self._setup.contents.resource_id_base)
        return pids if own == os.getpid() else {}

    def _client_pids(self) -> dict[int, int]:
        (reply,) = self._replies(
            [x11.xcb_query_extension(self._connection, len(_RESOURCE), _RESOURCE).sequence]
        )
        extension = reply and x11.QueryExtensionReply.from_buffer_copy(reply)
        if not extension or not extension.present:
            return {}
        request = struct.pack("=BBHIII", 0, _QUERY_CLIENT_IDS, 0, 1, _ALL_CLIENTS, _LOCAL_CLIENT_PID)
        (reply,) = self._replies([self._send(extension.major_opcode, request)])
        return {} if reply is None else dict(_pids_in(reply))

    def _send(self, opcode: int, request: bytes) -> int:
        """Send a request that libxcb itself has no function for."""
        data = ctypes.create_string_buffer(request, len(request))  # libxcb writes opcode and length into it
        parts = (x11.Part * (x11.RESERVED_PARTS + 1))()
        first = parts[x11.RESERVED_PARTS]
        first.base, first.length = ctypes.addressof(data), len(data)
        described = x11.Request(1, None, opcode, False)
        sequence: int = x11.xcb_send_request(
            self._connection, x11.XCB_REQUEST_CHECKED, ctypes.byref(first), ctypes.byref(described)
        )
        return sequence

    def _replies(self, sequences: list[int]) -> list[bytes | None]:
        return [self._reply(sequence) for sequence in sequences]

    def _reply(self, sequence: int) -> bytes | None:
        place = x11.xcb_wait_for_reply(self._connection, sequence, None)
        if not place:
            return None
        try:
            head = x11.Reply.from_address(place)
            return ctypes.string_at(place, _HEAD + 4 * head.length)
        finally:
            free(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        x11.xcb_disconnect(self._connection)


def _property_in(reply: bytes | None) -> Property | None:
    if reply is None:
        return None
    head = x11.GetPropertyReply.from_buffer_copy(reply)
    if not head.type:
        return None
    return Property(head.type, head.detail, reply[_HEAD : _HEAD + head.value_len * head.detail // 8])


def _children_in(reply: bytes | None) -> list[int]:
    if reply is None:
        return []
    count = x11.QueryTreeReply.from_buffer_copy(reply).children_len
    return list(struct.unpack_from(f"={count}I", reply, _HEAD))


def _is_shown_in(reply: bytes) -> bool:
    state: int = x11.GetWindowAttributesReply.from_buffer_copy(reply).map_state
    return state != x11.XCB_MAP_STATE_UNMAPPED


def _pids_in(reply: bytes) -> Iterable[tuple[int, int]]:
    place = _HEAD
    while place + 16 <= len(reply):
        client, kind, size, value = struct.unpack_from("=4I", reply, place)
        if kind == _LOCAL_CLIENT_PID:
            yield client, value
        place += 12 + size


def _why_not_connected(name: str, error: int) -> str:
    if error == x11.XCB_CONN_CLOSED_PARSE_ERR:
        return f"DISPLAY is {name!r}, and the name of an X server looks like ':0'."
    return (
        f"DISPLAY is {name!r}, and that X server does not run, or does not let this user in. It lets those in "
        "who have its key, in the file that XAUTHORITY names, or else in ~/.Xauthority."
    )
