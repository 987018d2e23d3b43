"""The titles that X11 has for windows, as text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memaccess._backend.linux._titles import COMPOUND_TEXT, UTF8_STRING, text_of

# What Xutf8TextListToTextProperty(…, XCompoundTextStyle, …) of libX11 1.8.4 makes of these texts.
COMPOUND = {
    "abc": b"abc",
    "Grüße": b"Gr\xfc\xdfe",
    "日本語 ひらがな": b"\x1b$(BF|K\\8l\x1b(B \x1b$(B$R$i$,$J",
    "Привет мир": b"\x1b-L\xbf\xe0\xd8\xd2\xd5\xe2 \xdc\xd8\xe0",
    "Ελληνικά": b"\x1b-F\xc5\xeb\xeb\xe7\xed\xe9\xea\xdc",
    "שלום": b"\x1b%G\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d\x1b%@",
    "中文 编": b"\x1b$(BCfJ8\x1b(B \x1b$(A1`",
    "한국어": b"\x1b$(CGQ19>n",
    "naïve €5 “q” ş ğ": b"na\xefve \x1b-b\xa45 \x1b-Y\xb4q\xa1 \x1b-B\xba \x1b-C\xbb",
    "emoji 🎮 game": b"emoji \x1b%G\xf0\x9f\x8e\xae\x1b%@ game",
    "ｶﾀｶﾅ": b"\x1b)I\xb6\xc0\xb6\xc5",
    "ü 日 Ж x": b"\xfc \x1b$(BF|\x1b(B \x1b-L\xb6 x",
}


@pytest.mark.parametrize(("text", "data"), COMPOUND.items(), ids=COMPOUND)
def test_compound_text_is_what_xlib_made_it_of(text, data):
    assert text_of(COMPOUND_TEXT, data) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b$)A\xd6\xd0 \x1b-A\xfc", "中 ü"),  # two bytes above 0x80 for each character
        (b"a\x1b%/2\x80\x8bbig5-0\x02\xa4\xa4xxb", "a\ufffdb"),  # an encoding that has no name here
        (b"\x9b2]\xe4\x9b]", "ä"),  # written from right to left
        (b"\x1b$(Gabcd\x1b(Be", "\ufffde"),
        (b"\x1b$)G\xa1\xa1b", "\ufffdb"),
        (b"\x1b", "\ufffd"),
        (b"\x1b%G\xc3\xbc", "ü"),
    ],
)
def test_compound_text_of_other_kinds(data, text):
    assert text_of(COMPOUND_TEXT, data) == text


def test_each_type_has_its_encoding():
    data = "ü".encode()
    assert text_of(UTF8_STRING, data) == "ü"
    assert text_of("STRING", data) == "Ã¼"
    assert text_of(COMPOUND_TEXT, data) == "Ã¼"


@pytest.mark.parametrize("kind", [UTF8_STRING, COMPOUND_TEXT, "STRING"])
def test_a_title_ends_where_a_c_program_ends_it(kind):
    assert text_of(kind, b"title\0more") == "title"


@given(
    st.binary()
    | st.lists(st.sampled_from([b"\x1b", b"$", b"(", b")", b"%", b"/", b"G", b"A", b"\xa4", b"\x9b"])).map(
        b"".join
    )
)
@example(b"\x1b%/0\xff\xff")
def test_any_bytes_have_a_text(data):
    for kind in (UTF8_STRING, COMPOUND_TEXT, "STRING"):
        text_of(kind, data).encode()
