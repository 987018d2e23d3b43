"""Functions of libxcb, through which programs talk to an X server, and what they give.

libxcb and not libX11, which is built on it and never there without it. libX11 ends the process where a server
refuses a request, as it does for each window that has closed meanwhile, unless there is a handler for
errors; and that is one for the whole process, where a GUI toolkit in the same Python has its own.
libxcb gives each refusal to whoever sent the request, and two connections have nothing in common.

https://xcb.freedesktop.org/, and the protocol itself:
https://www.x.org/releases/current/doc/xproto/x11protocol.html#Encoding
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
from typing import Any

_dll = ctypes.CDLL("libxcb.so.1")


def _declare(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(_dll, name)
    function.restype = result
    function.argtypes = arguments
    return function


class Cookie(ctypes.Structure):
    """What a request gives at once: the number by which its reply is asked for."""

    _fields_ = [("sequence", ctypes.c_uint)]


class Setup(ctypes.Structure):
    """``xcb_setup_t``, what a server says of itself at first, as far as it is asked here."""

    _fields_ = [
        ("status", ctypes.c_uint8),
        ("pad0", ctypes.c_uint8),
        ("protocol_major_version", ctypes.c_uint16),
        ("protocol_minor_version", ctypes.c_uint16),
        ("length", ctypes.c_uint16),
        ("release_number", ctypes.c_uint32),
        ("resource_id_base", ctypes.c_uint32),
        ("resource_id_mask", ctypes.c_uint32),
    ]


class Screen(ctypes.Structure):
    """``xcb_screen_t``, as far as it is asked here."""

    _fields_ = [("root", ctypes.c_uint32)]


class ScreenIterator(ctypes.Structure):
    """``xcb_screen_iterator_t``."""

    _fields_ = [("data", ctypes.POINTER(Screen)), ("rem", ctypes.c_int), ("index", ctypes.c_int)]


class Part(ctypes.Structure):
    """``struct iovec``: a part of a request."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


RESERVED_PARTS = 2
"""How many parts libxcb wants for itself before the first one of a request."""


class Request(ctypes.Structure):
    """``xcb_protocol_request_t``: what libxcb has to know of a request that is no function here."""

    _fields_ = [
        ("count", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("opcode", ctypes.c_uint8),
        ("is_void", ctypes.c_uint8),
    ]


XCB_REQUEST_CHECKED = 1
XCB_CONN_CLOSED_PARSE_ERR = 5
XCB_ATOM_CARDINAL = 6
XCB_ATOM_STRING = 31
XCB_ATOM_WINDOW = 33
XCB_ATOM_WM_CLIENT_MACHINE = 36
XCB_ATOM_WM_NAME = 39
XCB_MAP_STATE_UNMAPPED = 0

_pointer = ctypes.POINTER
_connection, _window, _atom = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32

xcb_connect = _declare("xcb_connect", _connection, ctypes.c_char_p, _pointer(ctypes.c_int))
xcb_connection_has_error = _declare("xcb_connection_has_error", ctypes.c_int, _connection)
xcb_disconnect = _declare("xcb_disconnect", None, _connection)

xcb_get_setup = _declare("xcb_get_setup", _pointer(Setup), _connection)
xcb_setup_roots_iterator = _declare("xcb_setup_roots_iterator", ScreenIterator, _pointer(Setup))
xcb_screen_next = _declare("xcb_screen_next", None, _pointer(ScreenIterator))

xcb_intern_atom = _declare(
    "xcb_intern_atom", Cookie, _connection, ctypes.c_uint8, ctypes.c_uint16, ctypes.c_char_p
)
xcb_get_property = _declare(
    "xcb_get_property",
    Cookie,
    _connection,
    ctypes.c_uint8,
    _window,
    _atom,
    _atom,
    ctypes.c_uint32,
    ctypes.c_uint32,
)
xcb_query_tree = _declare("xcb_query_tree", Cookie, _connection, _window)
xcb_get_window_attributes = _declare("xcb_get_window_attributes", Cookie, _connection, _window)
xcb_query_extension = _declare("xcb_query_extension", Cookie, _connection, ctypes.c_uint16, ctypes.c_char_p)
xcb_send_request = _declare(
    "xcb_send_request", ctypes.c_uint, _connection, ctypes.c_int, _pointer(Part), _pointer(Request)
)
xcb_wait_for_reply = _declare(
    "xcb_wait_for_reply", ctypes.c_void_p, _connection, ctypes.c_uint, _pointer(ctypes.c_void_p)
)


class _Reply(ctypes.Structure):
    """What every reply begins with."""

    _fields_ = [
        ("response_type", ctypes.c_uint8),
        ("detail", ctypes.c_uint8),
        ("sequence", ctypes.c_uint16),
        ("length", ctypes.c_uint32),
    ]


class Reply(_Reply):
    """A reply without anything of its own; further bytes may follow its 32, *length* times four."""

    _fields_ = [("pad", ctypes.c_uint8 * 24)]


class InternAtomReply(_Reply):
    """``xcb_intern_atom_reply_t``."""

    _fields_ = [("atom", ctypes.c_uint32)]


class GetPropertyReply(_Reply):
    """``xcb_get_property_reply_t``, whose *detail* is the format: how many bits wide the values are."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("bytes_after", ctypes.c_uint32),
        ("value_len", ctypes.c_uint32),
    ]


class QueryTreeReply(_Reply):
    """``xcb_query_tree_reply_t``."""

    _fields_ = [
        ("root", ctypes.c_uint32),
        ("parent", ctypes.c_uint32),
        ("children_len", ctypes.c_uint16),
    ]


class GetWindowAttributesReply(_Reply):
    """``xcb_get_window_attributes_reply_t``, as far as it is asked here."""

    _fields_ = [
        ("visual", ctypes.c_uint32),
        ("class_", ctypes.c_uint16),
        ("bit_gravity", ctypes.c_uint8),
        ("win_gravity", ctypes.c_uint8),
        ("backing_planes", ctypes.c_uint32),
        ("backing_pixel", ctypes.c_uint32),
        ("save_under", ctypes.c_uint8),
        ("map_is_installed", ctypes.c_uint8),
        ("map_state", ctypes.c_uint8),
    ]


class QueryExtensionReply(_Reply):
    """``xcb_query_extension_reply_t``, as far as it is asked here."""

    _fields_ = [("present", ctypes.c_uint8), ("major_opcode", ctypes.c_uint8)]
