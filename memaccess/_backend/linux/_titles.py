"""The titles of windows as text: X11 has three encodings for them.

https://specifications.freedesktop.org/wm-spec/latest/ar01s05.html#id-1.6.2 (UTF8_STRING),
https://www.x.org/releases/current/doc/xorg-docs/icccm/icccm.html#Text_Properties (STRING), and
https://www.x.org/releases/current/doc/xorg-docs/ctext/ctext.html (COMPOUND_TEXT)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UTF8_STRING, COMPOUND_TEXT = "UTF8_STRING", "COMPOUND_TEXT"

_PARTS = re.compile(
    rb"\x1b%G(?P<utf8>.*?)(?:\x1b%@|\Z)"
    rb"|\x1b%/[0-4](?P<size>[\x80-\xff]{2})"  # of what follows, which has an encoding of its own
    rb"|\x1b(?P<set>[ -/]+[0-~])"
    rb"|\x9b[ -?]*[@-~]"  # the direction of writing
    rb"|(?P<left>[\x00-\x1a\x1c-\x7f]+)"
    rb"|(?P<right>[\x80-\x9a\x9c-\xff]+)"
    rb"|(?P<damaged>.)",
    re.DOTALL,
)
_LATIN = {
    b"A": "iso8859-1",
    b"B": "iso8859-2",
    b"C": "iso8859-3",
    b"D": "iso8859-4",
    b"F": "iso8859-7",
    b"G": "iso8859-6",
    b"H": "iso8859-8",
    b"L": "iso8859-5",
    b"M": "iso8859-9",
    b"T": "iso8859-11",
    b"V": "iso8859-10",
    b"Y": "iso8859-13",
    b"_": "iso8859-14",
    b"b": "iso8859-15",
    b"f": "iso8859-16",
}
_WIDE = {b"A": "gb2312", b"B": "euc_jp", b"C": "euc_kr"}
_RIGHT = {
    **{b"-" + letter: name for letter, name in _LATIN.items()},
    **{b"$)" + letter: name for letter, name in _WIDE.items()},
    b")I": "shift_jis",  # whose single bytes are the katakana of JIS X 0201
}
"""What the bytes from 0x80 up mean after that escape sequence."""
_LEFT = {b"(B": "ascii", b"(J": "ascii", **{b"$(" + letter: name for letter, name in _WIDE.items()}}
"""What those below mean. Python's names are for the same characters 0x80 further up, where they are wide."""
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def text_of(encoding: str, data: bytes) -> str:
    """The text of a title; characters that can't be told are U+FFFD.

    :param encoding: the type that its property has.
    """
    data = data.partition(b"\0")[0]  # some programs count the end of the string, or have more texts behind it
    if encoding == UTF8_STRING:
        return data.decode("utf-8", "replace")
    if encoding == COMPOUND_TEXT:
        return "".join(_compound(data))
    return data.decode("latin-1")


def _compound(data: bytes) -> Iterator[str]:
    left, right, place = "ascii", "latin-1", 0
    while part := _PARTS.match(data, place):
        place = part.end()
        kind = part.lastgroup
        if kind == "utf8":
            yield part["utf8"].decode("utf-8", "replace")
        elif kind == "size":
            high, low = part["size"]
            place += (high & 0x7F) << 7 | low & 0x7F
            yield _UNKNOWN
        elif kind == "set":
            if part["set"] in _RIGHT:
                right = _RIGHT[part["set"]]
            elif part["set"][-2:-1] in b")-":
                right = ""
            else:
                left = _LEFT.get(part["set"], "")
        elif kind == "left":
            yield _decoded(part["left"], left, high=left != "ascii")
        elif kind == "right":
            yield _decoded(part["right"], right)
        elif kind == "damaged":
            yield _UNKNOWN


def _decoded(data: bytes, encoding: str, *, high: bool = False) -> str:
    if not encoding:
        return _UNKNOWN
    return (bytes(each | 0x80 for each in data) if high else data).decode(encoding, "replace")
