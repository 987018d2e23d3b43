"""Address expressions: what they say, how they are written, and where they break."""

from __future__ import annotations

import contextlib
import sys
import traceback

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memaccess import (
    AddressSyntaxError,
    AmbiguousSymbolError,
    BrokenChainError,
    ClosedViewError,
    MissingRightError,
    NotReadableError,
    SymbolNotFoundError,
    TargetExitedError,
)
from memaccess._address import Cast, Name, Negative, Number, Pointer, Product, Sum, parse
from memaccess.testing import FakeProcess

BASES = {64: 0x1_4000_0000, 32: 0x0040_0000}
HEAP = 0x1000_0000


class Places:
    """A program in which names are the sums of their letters, and pointers their places plus one."""

    def find(self, module, name):
        return sum(map(ord, (module or "") + name))

    def follow(self, address):
        return address + 1


def value(text: str) -> int:
    return parse(text).evaluate(Places())


@pytest.fixture(params=[64, 32])
def game(request):
    """A game with a chain of pointers: static at game.exe+2010, then +18, then the health at +8."""
    game = FakeProcess(name="game.exe", bitness=request.param)
    base = BASES[request.param]
    game.load("game.exe", base, exports={"Score": 0x2040})
    game.load("engine.dll", base + 0x10_0000, exports={"Fire": 0x1000})
    game.load("other.dll", base + 0x20_0000, exports={"Fire": 0x1000})
    game.map(HEAP, 0x1000)
    with game.open("w") as view:
        view.write_pointer(HEAP, base + 0x2010)
        view.write_pointer(HEAP + 0x100, HEAP + 0x18)
        view.write_int(77, HEAP + 0x108)
        view.write_pointer(0x7000_0000, HEAP + 0x20)
        view.write_pointer(base + 0x20_1000, HEAP + 0x28)
    return game


@pytest.fixture
def view(game):
    with game.open("rw") as view:
        yield view


@pytest.fixture
def base(game):
    return BASES[game.bitness]


# -- what they say


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", 0x10),
        ("0x10", 0x10),
        ("$10", 0x10),
        ("0X1f", 0x1F),
        ("#10", 10),
        ("00007ff6`12340000", 0x7FF612340000),
        ("ace", 0xACE),
        ("10+4", 0x14),
        (" 10 + 4 ", 0x14),
        ("10-4", 0xC),
        ("10-4-4", 8),
        ("10-(4-4)", 0x10),
        ("2*3+4", 0xA),
        ("2+3*4", 0xE),
        ("2*3*4", 0x18),
        ("2*-4", -8),
        ("-10", -0x10),
        ("+10", 0x10),
        ("10--4", 0x14),
        ("10+-4", 0xC),
        ("(400000+4)*2", 0x800008),
        ("[10]", 0x11),
        ("[[10]+4]-8", 0xE),
        ("[ [ 10 ] + 4 ]", 0x16),
        ("[10]*4+[20]", 0x65),
        ("(byte)1234", 0x34),
        ("(WORD)12345678", 0x5678),
        ("(dword)[FFFFFFFFFF]", 0),
        ("(char)FF", -1),
        ("(short)[FFFE]", -1),
        ("(dword)10*2", 0x20),
        ("(qword)-1", (1 << 64) - 1),
        ("x - y.dll", ord("x") - sum(map(ord, "y.dll"))),
        ("a.b-y.dll", sum(map(ord, "a.b")) - sum(map(ord, "y.dll"))),
        ("[x+y]+g.exe+z!w", sum(map(ord, "xy")) + 1 + sum(map(ord, "g.exezw"))),
    ],
)
def test_arithmetic_is_as_everywhere(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "module", "name", "written"),
    [
        ("game.exe", None, "game.exe", "game.exe"),
        ('"game.exe"', None, "game.exe", "game.exe"),
        ("My Game.exe", None, "My Game.exe", '"My Game.exe"'),
        ('"My Game"', None, "My Game", '"My Game"'),
        ("notepad++.exe", None, "notepad++.exe", '"notepad++.exe"'),
        ("my-game.exe", None, "my-game.exe", '"my-game.exe"'),
        ("libfoo-2.0.so.6", None, "libfoo-2.0.so.6", '"libfoo-2.0.so.6"'),
        ('"ace"', None, "ace", '"ace"'),
        ('"0x10"', None, "0x10", '"0x10"'),
        ("ace.dll", None, "ace.dll", "ace.dll"),
        ("kernel32.HeapAlloc", None, "kernel32.HeapAlloc", "kernel32.HeapAlloc"),
        ("kernel32!HeapAlloc", "kernel32", "HeapAlloc", "kernel32!HeapAlloc"),
        ("kernel32.dll ! HeapAlloc", "kernel32.dll", "HeapAlloc", "kernel32.dll!HeapAlloc"),
        ("api-ms-win-core-heap-l1-1-0!add", "api-ms-win-core-heap-l1-1-0", "add", None),
        ('"My Game"!"operator new"', "My Game", "operator new", '"My Game"!"operator new"'),
        ("dead!beef", "dead", "beef", '"dead"!beef'),
        ("ws2_32!#3", "ws2_32", "#3", "ws2_32!#3"),
        ("game!?fire@Gun@@QEAAXXZ", "game", "?fire@Gun@@QEAAXXZ", "game!?fire@Gun@@QEAAXXZ"),
        ("game!ns::fire", "game", "ns::fire", "game!ns::fire"),
        ("mono-2.0-bdwgc.dll", None, "mono-2.0-bdwgc.dll", '"mono-2.0-bdwgc.dll"'),
        ("mono-2.0-bdwgc!main", "mono-2.0-bdwgc", "main", '"mono-2.0-bdwgc"!main'),
        ('"C:\\Games (x86)\\game.exe"', None, "C:\\Games (x86)\\game.exe", '"C:\\Games (x86)\\game.exe"'),
        ("Spiel-Größe.exe", None, "Spiel-Größe.exe", '"Spiel-Größe.exe"'),
    ],
)
def test_names_are_what_users_type(text, module, name, written):
    for whole in (text, f"{text}+10", f"[{text}]", f" {text} + 10"):
        found = parse(whole)
        while not isinstance(found, Name):
            found = found.left if isinstance(found, Sum) else found.inside
        assert (found.module, found.name) == (module, name)
        assert str(found) == written or written is None


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "a number or a name is missing in the address '', at character 1"),
        ("   ", 3, "a number or a name is missing"),
        ("[game.exe+10", 0, r"there is no ']' for this '\['"),
        ("[[game.exe]+0]+[1", 15, r"there is no ']' for this '\['"),
        ("(1+2", 0, r"there is no '\)' for this '\('"),
        ("[1)", 0, r"there is no ']' for this '\['"),
        ("game.exe+10]", 11, "']' is not expected here"),
        ("game.exe+", 9, "a number or a name is missing"),
        ("game.exe+*4", 9, r"a number or a name is missing before '\*'"),
        ("1**2", 2, r"a number or a name is missing before '\*'"),
        ("[]", 1, "a number or a name is missing before ']'"),
        ('"game.exe+10', 0, "a quote is not closed"),
        ('""+10', 0, "there is no name between quotes"),
        ("game!", 5, "the name of a symbol is missing"),
        ("game!+10", 5, "the name of a symbol is missing"),
        ("!Fire", 0, "a number or a name is missing before '!'"),
        ("10 20", 3, "'2' is not expected here"),
        ("game.exe 10", 9, "'1' is not expected here"),
        ("`", 0, "there is no number between the marks"),
    ],
)
def test_an_error_points_at_the_place(view, text, position, message):
    for understand in (parse, view.address, view.read_int, lambda text: view.read(4, text)):
        with pytest.raises(AddressSyntaxError, match=message) as caught:
            understand(text)
        assert (caught.value.expression, caught.value.position) == (text, position)
        note = caught.value.__notes__[-1].splitlines()
        assert note == [f"  {text}", "  " + " " * position + "^"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "1+" * 150 + "1",
        "-" * 3000 + "1",
        "x+" * 99 + "x" + " " * 3800 + "y z",
        "(" * 101 + "1" + ")" * 101,
    ],
)
def test_what_nobody_types_is_refused(text):
    with pytest.raises(AddressSyntaxError, match=r"too long|too many|not expected"):
        parse(text)


def test_other_alphabets_have_no_casts_and_no_digits():
    with pytest.raises(AddressSyntaxError):
        parse("(\u017fhort)10")
    for text in ("\u0661", "#\u0663"):
        assert parse(text) == Name(None, text, 0)


def test_a_place_is_pointed_at_in_one_line(view):
    with pytest.raises(AddressSyntaxError) as caught:
        view.address("game.exe\n+\t[10")
    assert caught.value.__notes__ == ["  game.exe + [10\n             ^"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="older tracebacks show no notes")
def test_a_traceback_shows_the_place(view):
    with pytest.raises(AddressSyntaxError) as caught:
        view.read_int("[game.exe+10")
    assert "".join(traceback.format_exception(caught.value)).endswith("\n  [game.exe+10\n  ^\n")


# -- written and read again

numbers = st.builds(Number, st.integers(0, (1 << 64) - 1))
texts = st.text(
    st.characters(blacklist_characters='"\0', blacklist_categories=["Cs"]), min_size=1, max_size=12
)
# Blanks at the ends are nobody's name.
words = st.sampled_from(["game.exe", "ace", "my game", "a-b.dll", "0x1", "#5", "byte", "x"]) | texts
names = st.builds(Name, st.none() | words, words, st.just(0))
casts = st.sampled_from(["byte", "dword", "char", "int64"])


def larger(nodes):
    return st.one_of(
        st.builds(Pointer, nodes, st.just(0)),
        st.builds(Sum, nodes, st.sampled_from("+-"), nodes),
        st.builds(Product, nodes, nodes),
        st.builds(Negative, nodes),
        st.builds(Cast, casts, nodes),
    )


def without_places(node):
    """What a node is, wherever in a text it stood."""
    facts = {
        key: without_places(part) if hasattr(part, "evaluate") else part
        for key, part in node._asdict().items()
    }
    return type(node), {**facts, "start": None}


@given(st.recursive(numbers | names, larger, max_leaves=12))
@example(Sum(Name(None, "x", 0), "+", Name(None, "game.exe", 0)))
@example(Sum(Name(None, "x", 0), "-", Product(Name(None, "y!", 0), Number(1))))
@example(Sum(Name(None, "my", 0), "+", Name("game", "x", 0)))
def test_what_is_written_is_understood_as_it_was_meant(node):
    text = str(node)
    again = parse(text)
    assert without_places(again) == without_places(node)
    assert str(again) == text


@given(st.text('[]()+-*"!.#$x0aF gdl`', max_size=30) | st.text(max_size=30))
def test_no_text_does_anything_else_than_mean_something_or_not(text):
    node = None
    with contextlib.suppress(AddressSyntaxError):
        node = parse(text)
    if node is not None:
        assert without_places(parse(str(node))) == without_places(node)


# -- worked out in a program


def test_addresses_are_taken_by_every_method(view, base):
    chain = "[[game.exe+2010]+18]+8"
    assert view.read_int(chain) == 77
    view.write_int(78, chain)
    assert view.read(4, chain) == b"\x4e\0\0\0"
    assert view.read_array("int", 1, chain) == [78]
    assert view.read_many([("int", chain), (4, HEAP + 0x108)]) == [78, b"\x4e\0\0\0"]
    assert view.read_struct("i", chain) == (78,)
    assert view.read_available(4, chain).address == HEAP + 0x108
    buffer = bytearray(4)
    view.read_into(buffer, chain)
    assert buffer == b"\x4e\0\0\0"
    view.write_string("Ada", chain)
    assert view.read_string(chain) == "Ada"
    view.write_struct("i", (5,), chain)
    view.write_array("int", [6], chain)
    view.write(b"\x07", chain)
    assert view.region_at(chain).base == HEAP
    assert next(view.regions("game.exe+2000", "game.exe+3000")).base == base + 0x2000
    assert view.mapped_file("game.exe") == "C:\\game.exe"
    assert view.module_at("engine!Fire").name == "engine.dll"
    assert str(view.symbol_at("engine.Fire+4")) == "engine!Fire+0x4"
    with view.protect("r--", 4, chain):
        assert view.region_at(chain).rights == "r--"
    with view.allocate(10, near="game.exe") as memory:
        view.free(f"{memory.address:x}")
        memory._is_freed = True


def test_a_place_follows_the_program(game, view):
    health = view.address("[[game.exe+2010]+18]+8")
    assert int(health) == HEAP + 0x108
    view.write_pointer(HEAP + 0x200, HEAP + 0x18)
    assert int(health) == HEAP + 0x208
    assert view.read_int(health) == 0
    assert str(health) == "[[game.exe+2010]+18]+8"
    assert repr(health) == f"<AddressExpression [[game.exe+2010]+18]+8 = 0x{HEAP + 0x208:x}>"


def test_places_beside_a_place(view):
    health = view.address("[game.exe+2010]")
    assert int(health + 0x18) == HEAP + 0x18
    assert int(health + 0x18 - 8) == HEAP + 0x10
    assert str(health - 8 + 0x20) == "[game.exe+2010]+18"
    assert str(0x20 + health - 0x28) == "[game.exe+2010]-8"
    for wrong in (lambda: health + "8", lambda: health + health, lambda: health - health):
        with pytest.raises(TypeError):
            wrong()


def test_a_place_can_be_moved_for_ever(view, base):
    place = view.address("game.exe")
    for _ in range(300):
        place = place + 4
    assert int(place) == base + 1200
    assert str(place) == "game.exe+4B0"


def test_an_address_may_be_made_of_what_stands_for_one(view):
    assert str(view.address(0x401000)) == "401000"
    assert str(view.address(view.address("game.exe+10"))) == "game.exe+10"
    with pytest.raises(OverflowError):
        view.address(-1)
    with pytest.raises(TypeError):
        view.address(1.5)


def test_a_place_in_a_module_to_come_is_not_looked_up(game, view):
    place = view.address("late.dll+10")
    assert repr(place).startswith(
        "<AddressExpression late.dll+10 (no module and no symbol is called 'late.dll'"
    )
    game.load("late.dll", 0x6000_0000)
    assert int(place) == 0x6000_0010


def test_a_link_that_is_null_is_named(view, base):
    view.write_pointer(0, HEAP + 0x18)
    with pytest.raises(BrokenChainError) as caught:
        view.read_int("[[game.exe+2010]+18]+8")
    error = caught.value
    where = f"[game.exe+2010]+18, which is 0x{HEAP + 0x18:x},"
    assert str(error) == f"Can't follow [[game.exe+2010]+18]+8: the pointer at {where} is null"
    assert (error.address, error.pid, error.size) == (HEAP + 0x18, view.pid, view.pointer_size)
    assert (error.expression, error.position) == ("[[game.exe+2010]+18]+8", 0)
    assert "menus" in error.explanation
    assert error.__notes__ == [error.explanation, "  [[game.exe+2010]+18]+8\n  ^"]
    assert isinstance(error, NotReadableError)


def test_a_link_that_can_not_be_read_is_named(view):
    with pytest.raises(BrokenChainError) as caught:
        view.read_int("4+[[[game.exe+2010]+20]+30]")
    error = caught.value
    assert str(error) == (
        "Can't follow 4+[[[game.exe+2010]+20]+30]: the pointer at [[game.exe+2010]+20]+30, which is 0x70000030, "
        "can't be read, error code 299"
    )
    assert (error.position, error.address, error.winerror) == (2, 0x7000_0030, 299)
    assert error.region.state == "free"
    assert error.explanation.startswith("Nothing is at 0x70000030")


def test_a_link_that_can_be_read_in_part_keeps_what_arrived(view):
    view.write(b"\x07\x08", HEAP + 0xFFE)
    with pytest.raises(BrokenChainError, match="error code 299") as caught:
        view.read_int(f"[{HEAP + 0xFFE:x}]")
    assert (caught.value.transferred, caught.value.data, caught.value.api) == (
        2,
        b"\x07\x08",
        "ReadProcessMemory",
    )


@pytest.mark.parametrize(
    ("text", "kind", "position", "message"),
    [
        ("8+gmae.exe+10", SymbolNotFoundError, 2, r"'gmae\.exe'; did you mean 'game\.exe'\?"),
        ("[engine!Fier]", SymbolNotFoundError, 1, r"engine\.dll has no export 'Fier'; did you mean 'Fire'"),
        ("[[Fire]]", AmbiguousSymbolError, 2, "'Fire' may be engine!Fire or other!Fire"),
    ],
)
def test_a_name_that_leads_nowhere_is_pointed_at(view, text, kind, position, message):
    with pytest.raises(kind, match=message) as caught:
        view.read_int(text)
    assert (caught.value.expression, caught.value.position) == (text, position)
    assert caught.value.__notes__ == [f"  {text}\n  {' ' * position}^"]


@pytest.mark.parametrize(
    "text", ["-1", "game.exe-FFFFFFFFFF", "[0-1]", "FFFFFFFFFFFFFFFF+1", "[10*FFFFFFFFFFFFFFFF]"]
)
def test_what_leaves_the_address_space_is_refused(view, text):
    with pytest.raises(OverflowError):
        view.read_int(text)


def test_offsets_are_not_cut_to_the_programs_width(game, view):
    if game.bitness == 32:
        with pytest.raises(OverflowError, match="address space of a 32-bit program"):
            view.read_int("game.exe+FFFFFFFC")
    assert view.read(1, "game.exe+4-4") == b"M"


def test_a_view_that_may_not_read_follows_nothing(game):
    with game.open("w") as view:
        view.write_int(5, f"{HEAP:x}+108")
        with pytest.raises(MissingRightError):
            view.write_int(5, "[game.exe+2010]")
        with pytest.raises(MissingRightError):
            view.write_int(5, f"[{HEAP:x}]")


def test_a_program_that_ended_is_said_to_have(game, view):
    health = view.address("[[game.exe+2010]+18]+8")
    assert int(health)
    game.exit()
    for use in (lambda: int(health), lambda: view.read_int(health), lambda: view.read_int(f"[{HEAP:x}]")):
        with pytest.raises(TargetExitedError):
            use()
    assert "has ended" not in repr(health)
    assert "error code" in repr(health)


def test_a_view_that_was_closed_says_so(game):
    view = game.open()
    health = view.address("[game.exe+2010]+8")
    view.close()
    for use in (lambda: int(health), lambda: view.read_int("game.exe")):
        with pytest.raises(ClosedViewError):
            use()
    assert "error code 6" in repr(health)


def test_an_expression_is_understood_once(view, monkeypatch):
    view.read_int("[[game.exe+2010]+18]+8")
    before = parse.cache_info().hits
    view.read_int("[[game.exe+2010]+18]+8")
    assert parse.cache_info().hits == before + 1


def test_a_nul_is_in_no_name(view):
    with pytest.raises(AddressSyntaxError, match="NUL character"):
        view.read(1, '"game.exe\0b"')


def test_what_pointers_lead_to_outside_of_the_address_space_is_pointed_at(game, view):
    with game.open("w") as writer:
        writer.write_pointer((1 << game.bitness) - 1, HEAP + 0x40)
    text = f"[{HEAP + 0x40:x}]+40"
    with pytest.raises(OverflowError) as caught:
        view.read_int(text)
    assert (caught.value.expression, caught.value.position) == (text, 0)
    with pytest.raises(OverflowError):
        view.read_many([("int", text)])
    lost = [text, view.address(text), f"[[{HEAP + 0x40:x}]+40]", "Fire"]
    found = view.read_many([("int", HEAP + 0x108), *(("int", each) for each in lost)], return_errors=True)
    assert found[0] == 77
    assert [type(each) for each in found[1:]] == [
        OverflowError,
        OverflowError,
        OverflowError,
        AmbiguousSymbolError,
    ]
    with pytest.raises(OverflowError):
        view.read_many([("int", 1 << 64)], return_errors=True)


def test_a_sum_with_a_negative_name_is_understood_again():
    node = parse("game.exe - -engine!Fire")
    assert str(node) == "game.exe - -engine!Fire"
    assert value(str(node)) == value("game.exe - -engine!Fire")
