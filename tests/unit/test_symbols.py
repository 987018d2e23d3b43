"""Modules and exports by name and by place, in programs that exist only here."""

from __future__ import annotations

import gc
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from memaccess import (
    AmbiguousSymbolError,
    BadImageError,
    BrokenChainError,
    ClosedViewError,
    MemoryAccessError,
    NotReadableError,
    SymbolNotFoundError,
)
from memaccess._errors import SystemFailure
from memaccess.testing import FakeProcess

GAME = 0x1_4000_0000
ENGINE = 0x1_8000_0000
PHYSICS = 0x1_9000_0000
ENGINE_EXPORTS = {
    "Fire": 0x1000,
    "Jump": "physics.Jump",
    "FireTwice": 0x1040,
    "Alias": 0x1000,
    "Lost": "nowhere.Jump",
    "Wrong": "physics.Nothing",
    "Numbered": "physics.#5",
    "Round": "physics.Round",
    "Score": 0x2010,
    7: 0x1080,
}
PHYSICS_EXPORTS = {"Jump": 0x1010, "Round": "engine.Round", "fire": 0x1020, "FIRE": 0x1030, 5: 0x1050}


@pytest.fixture
def game():
    game = FakeProcess(name="game.exe")
    game.load("game.exe", GAME)
    game.load("engine.dll", ENGINE, exports=ENGINE_EXPORTS)
    game.load("physics.dll", PHYSICS, exports=PHYSICS_EXPORTS)
    game.map(0x1000_0000, 0x1000)
    return game


@pytest.fixture
def view(game):
    with game.open() as view:
        yield view


# -- modules


@pytest.mark.parametrize("name", ["engine.dll", "engine", "ENGINE", "Engine.DLL", "C:\\engine.dll"])
def test_a_module_is_found_by_its_name(view, name):
    assert view.module(name).base == ENGINE


@pytest.mark.parametrize("name", ["", "engine.exe", "engin", ".dll", "C:\\", "engine.dll "])
def test_no_other_name_finds_it(view, name):
    with pytest.raises(SymbolNotFoundError, match="no module is called"):
        view.module(name)


def test_a_likely_name_is_suggested(view):
    with pytest.raises(SymbolNotFoundError, match=r"'phisics\.dll'; did you mean 'physics\.dll'\?"):
        view.module("phisics.dll")


@pytest.mark.parametrize("name", [None, 5, b"engine.dll"])
def test_a_name_is_text(view, name):
    with pytest.raises(TypeError, match="a module's name is a str, not"):
        view.module(name)
    with pytest.raises(TypeError, match="a module's name is a str, not"):
        view.exports(name)


def test_two_endings_are_not_guessed(game, view):
    game.load("engine.asi", 0x2_0000_0000)
    assert view.module("engine.asi").base == 0x2_0000_0000
    with pytest.raises(AmbiguousSymbolError, match=r"'engine' may be engine\.dll and engine\.asi"):
        view.module("engine")


def test_of_two_files_with_one_name_the_first_counts_and_both_have_paths(game, view):
    game.load("C:\\mods\\engine.dll", 0x2_0000_0000)
    assert view.module("engine").base == ENGINE
    assert view.module("C:\\mods\\engine.dll").base == 0x2_0000_0000


def test_a_module_of_the_programs_own_width_comes_first():
    game = FakeProcess(name="game.exe", bitness=32)
    game.load("game.exe", 0x40_0000)
    game.load("C:\\windows\\system32\\ntdll.dll", 0x1000_0000, exports={"A": 0x1000})
    with game.open("rw") as view:
        view.write_uint16(0x20B, 0x1000_0000 + 0x80 + 24, force=True)  # PE32+
        game.load("C:\\windows\\syswow64\\ntdll.dll", 0x2000_0000, exports={"A": 0x1000})
        assert view.module("ntdll").base == 0x2000_0000


@pytest.mark.parametrize(
    ("address", "base"),
    [(GAME, GAME), (ENGINE + 0x3FFF, ENGINE), (ENGINE - 1, None), (0x1000_0000, None), (0, None)],
)
def test_a_place_is_in_its_module(view, address, base):
    found = view.module_at(address)
    assert (found and found.base) == base


def test_modules_that_come_and_go_are_noticed(game, view):
    with pytest.raises(SymbolNotFoundError):
        view.module("late")
    game.load("late.dll", 0x2_0000_0000, exports={"Go": 0x1000})
    assert [export.name for export in view.exports("late")] == ["Go"]
    game.unmap(0x2_0000_0000)
    with pytest.raises(SymbolNotFoundError):
        view.module("late")
    game.load("other.dll", 0x2_0000_0000, exports={"Stop": 0x1000})
    game.load("late.dll", 0x2_1000_0000, exports={"Go": 0x1100})
    assert view.module("late").base == 0x2_1000_0000
    assert view._names().find("late", "Go") == 0x2_1000_1100
    assert view.module_at(0x2_0000_0000).name == "other.dll"


def test_a_module_whose_beginning_can_not_be_read_is_found_all_the_same(game, view):
    game.load("sealed.dll", 0x2_0000_0000, exports={"Go": 0x1000})
    with game.open("w") as writer:
        writer.protect("---", 1, 0x2_0000_0000)
    assert view.module("sealed").base == 0x2_0000_0000
    assert view.module("sealed").base == 0x2_0000_0000
    with pytest.raises(NotReadableError):
        view.exports("sealed")
    assert str(view.symbol_at(0x2_0000_1000)) == "sealed.dll+0x1000"


def test_the_list_is_asked_for_once(view, monkeypatch):
    asked = []
    original = type(view).modules
    monkeypatch.setattr(type(view), "modules", lambda self: asked.append(1) or original(self))
    for _ in range(3):
        view.module("engine")
        view.exports("engine")
        view.symbol_at(ENGINE + 0x1000)
    assert len(asked) == 1


def test_a_place_in_a_known_module_takes_one_read_and_its_name_two(view, monkeypatch):
    asked = []
    view.symbol_at(ENGINE + 0x1000)
    original = type(view).read
    monkeypatch.setattr(type(view), "read", lambda self, *what: asked.append(what) or original(self, *what))
    monkeypatch.setattr(type(view), "region_at", None)
    assert str(view.symbol_at(ENGINE + 0x1004)) == "engine!Alias+0x4"
    assert view.module_at(ENGINE).base == ENGINE
    directory = (270, ENGINE + 0x3000)
    assert asked == [(1024, ENGINE), directory, (1024, ENGINE)]


def test_what_is_no_image_is_not_looked_for_among_modules(view, monkeypatch):
    def forbidden(self):
        raise AssertionError("the modules were listed")

    monkeypatch.setattr(type(view), "modules", forbidden)
    assert view.module_at(0x1000_0000) is None
    assert view.symbol_at(0x1000_0000) is None


def test_names_keep_no_view_alive(game):
    gc.disable()
    try:
        view = game.open()
        view.module("engine")
        with pytest.warns(ResourceWarning, match="unclosed"):
            del view
        assert game.open_handles == 0
    finally:
        gc.enable()


# -- exports


def resolve(view, module, name):
    return view._names().find(module, name)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Fire", ENGINE + 0x1000),
        ("Alias", ENGINE + 0x1000),
        ("Score", ENGINE + 0x2010),
        ("score", ENGINE + 0x2010),
        ("FIRETWICE", ENGINE + 0x1040),
        ("#7", ENGINE + 0x1080),
        ("Jump", PHYSICS + 0x1010),
        ("Numbered", PHYSICS + 0x1050),
    ],
)
def test_an_export_is_found(view, name, address):
    assert resolve(view, "engine", name) == address


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Fier", r"^engine\.dll has no export 'Fier'; did you mean 'Fire'\?$"),
        ("#99", r"^engine\.dll has no export '#99'$"),
        ("", r"^engine\.dll has no export ''$"),
        ("Lost", r"^engine!Lost is forwarded to nowhere\.Jump, and no module is called 'nowhere'$"),
        ("Wrong", r"^engine!Wrong is forwarded to physics!Nothing, and physics\.dll has no export 'Nothing'"),
        (
            "Round",
            r"^engine!Round is forwarded to physics!Round is forwarded to engine!Round: that is a circle$",
        ),
    ],
)
def test_an_export_that_leads_nowhere_says_why(view, name, message):
    with pytest.raises(SymbolNotFoundError, match=message):
        resolve(view, "engine", name)


def test_names_that_differ_only_in_case_are_told_apart_and_never_guessed(view):
    assert resolve(view, "physics", "fire") == PHYSICS + 0x1020
    assert resolve(view, "physics", "FIRE") == PHYSICS + 0x1030
    with pytest.raises(SymbolNotFoundError):
        resolve(view, "physics", "Fire")


def test_a_name_without_a_module_is_looked_for_in_all(game, view):
    def anywhere(name):
        return view._names().find(None, name)

    assert anywhere("Score") == ENGINE + 0x2010
    assert anywhere("Jump") == PHYSICS + 0x1010  # engine's is forwarded there
    with pytest.raises(SymbolNotFoundError, match=r"^no module and no symbol is called 'Nothing'"):
        anywhere("Nothing")
    assert anywhere("engine.Score") == ENGINE + 0x2010  # as Cheat Engine writes it
    assert anywhere("engine.dll.Score") == ENGINE + 0x2010
    assert anywhere("engine.dll") == ENGINE
    game.load("other.dll", 0x2_0000_0000, exports={"Score": 0x1000})
    with pytest.raises(AmbiguousSymbolError, match=r"^'SCORE' may be engine!SCORE or other!SCORE$"):
        anywhere("SCORE")
    assert anywhere("Score") == ENGINE + 0x2010  # what was found once stays what it is


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (0x1000, "engine!Alias"),
        (0x1012, "engine!Alias+0x12"),
        (0x1040, "engine!FireTwice"),
        (0x1085, "engine!#7+0x5"),
        (0x2000, "engine.dll+0x2000"),  # the nearest name is in another section
        (0x2010, "engine!Score"),
        (0x10, "engine.dll+0x10"),
        (0, "engine.dll"),
    ],
)
def test_a_place_has_a_name(view, offset, text):
    symbol = view.symbol_at(ENGINE + offset)
    assert str(symbol) == text
    assert repr(symbol) == f"<Symbol {text}>"


def test_what_is_in_no_module_has_no_name(view):
    assert view.symbol_at(0x1000_0000) is None
    assert view.symbol_at(0) is None


def test_damaged_headers_are_named_and_leave_offsets(game, view):
    with game.open("w") as writer:
        writer.write(b"XX", ENGINE + 0x80, force=True)
    with pytest.raises(BadImageError, match="there is no 'PE'") as caught:
        view.exports("engine")
    assert caught.value.base == ENGINE
    assert str(view.symbol_at(ENGINE + 0x1000)) == "engine.dll+0x1000"
    with pytest.raises(SymbolNotFoundError, match="no module and no symbol is called 'Score'"):
        view._names().find(None, "Score")
    # Its own header is what the loader knows better.
    assert view.module("engine").base == ENGINE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("game.exe", "game.exe"),
        ("My Game.exe", '"My Game.exe"'),
        ("notepad++.exe", '"notepad++.exe"'),
        ("dead", '"dead"'),
        ("api-ms-win.dll", '"api-ms-win.dll"'),
    ],
)
def test_names_are_quoted_where_they_would_be_misread(name, text):
    game = FakeProcess(name="game")
    game.load(name, GAME)
    with game.open() as view:
        assert str(view.symbol_at(GAME)) == text


# -- debug symbols


@pytest.fixture
def built(game):
    game.load(
        "built.dll",
        0x2_0000_0000,
        exports={"Start": 0x1000},
        symbols={"Start": 0x1008, "reload": 0x1020, "ammo": 0x2000},
        lines={0x1000: ("built.c", 3), 0x1020: ("built.c", 9)},
    )
    return 0x2_0000_0000


def test_private_names_are_known_while_symbols_are_open(view, built):
    place = view.address("built!reload")
    with pytest.raises(SymbolNotFoundError, match=r"^built\.dll has no export 'reload'\n"):
        int(place)
    with view.debug_symbols() as symbols:
        assert int(place) == built + 0x1020
        assert int(view.address("ammo")) == built + 0x2000
        assert str(view.symbol_at(built + 0x1024)) == "built!reload+0x4"
        assert str(symbols.line_at(built + 0x1024)) == "built.c:9"
        assert symbols.line_at(built + 0x1024).address == built + 0x1020
        assert symbols.line_at(ENGINE + 0x1000) is None
        assert symbols.line_at(0x1000_0000) is None
        with pytest.raises(SymbolNotFoundError, match="has no export and no debug symbol 'Reloaded'"):
            view.read(1, "built!Reloaded")
    with pytest.raises(SymbolNotFoundError):
        int(place)
    assert str(view.symbol_at(built + 0x1024)) == "built!Start+0x24"
    with pytest.raises(ValueError, match="were let go"):
        symbols.line_at(built + 0x1024)
    with pytest.raises(ValueError, match="were let go"), symbols:
        pass


def test_an_export_is_where_the_export_table_has_it(view, built):
    with view.debug_symbols():
        assert int(view.address("built!Start")) == built + 0x1000
        assert str(view.symbol_at(built + 0x100A)) == "built!Start+0xA"


def test_private_names_of_damaged_headers_are_known(game, view, built):
    with game.open("w") as writer:
        writer.write(b"XX", built + 0x80, force=True)
    with view.debug_symbols():
        assert int(view.address("built!reload")) == built + 0x1020
        assert str(view.symbol_at(built + 0x1024)) == "built!reload+0x4"
        with pytest.raises(BadImageError):
            view.read(1, "built!nothing")


def test_closing_the_view_lets_go_of_symbols(game, built):
    view = game.open()
    symbols = view.debug_symbols()
    view.close()
    assert symbols._info._symbols == {}
    symbols.close()


def test_a_search_path_is_text(view):
    with pytest.raises(TypeError, match="a search path is a str, not int"):
        view.debug_symbols(5)


# -- what a hostile review broke


def test_symbols_of_files_with_one_name_are_told_apart_by_their_paths(game, view):
    game.load("C:\\winsxs\\engine.dll", 0x2_0000_0000, exports={"Fire": 0x1000})
    symbol = view.symbol_at(0x2_0000_1004)
    assert str(symbol) == '"C:\\winsxs\\engine.dll"!Fire+0x4'
    assert int(view.address(str(symbol))) == 0x2_0000_1004
    assert str(view.symbol_at(0x2_0000_0010)) == '"C:\\winsxs\\engine.dll"+0x10'
    assert str(view.symbol_at(ENGINE + 0x1044)) == "engine!FireTwice+0x4"


def test_symbols_of_names_that_differ_in_their_endings_are_written_whole(game, view):
    game.load("engine.asi", 0x2_0000_0000, exports={"Fire": 0x1000})
    for address in (0x2_0000_1000, ENGINE + 0x1040):
        symbol = view.symbol_at(address)
        assert int(view.address(str(symbol))) == address
    assert str(symbol) == "engine.dll!FireTwice"


def test_a_name_that_leads_elsewhere_is_not_written(game, view, monkeypatch):
    game.load("two.dll", 0x2_0000_0000, symbols={"init": 0x1010, 'operator "" _km': 0x1100})
    with view.debug_symbols() as symbols:
        assert str(view.symbol_at(0x2_0000_1012)) == "two!init+0x2"
        assert str(view.symbol_at(0x2_0000_1104)) == "two.dll+0x1104"
        assert view.symbol_at(0x2_0000_1104).name == 'operator "" _km'
        monkeypatch.setattr(symbols._info, "name_at", lambda module, _: ("init", module.base + 0x1060))
        symbol = view.symbol_at(0x2_0000_1064)
        assert (str(symbol), symbol.name, symbol.offset) == ("two.dll+0x1064", "init", 4)


def test_the_exact_name_comes_before_one_in_another_case(game, view):
    game.load(
        "built.dll", 0x2_0000_0000, exports={"Reload": 0x1000, "Start": 0x1010}, symbols={"reload": 0x1020}
    )
    with view.debug_symbols():
        assert resolve(view, "built", "reload") == 0x2_0000_1020
        assert resolve(view, "built", "Reload") == 0x2_0000_1000
        assert resolve(view, "built", "start") == 0x2_0000_1010
        assert str(view.symbol_at(0x2_0000_1024)) == "built!reload+0x4"


def test_forwarders_lead_where_the_loader_goes(game, view):
    game.load("engine.exe", 0x2_0000_0000, exports={"Fire": 0x1000})
    game.load("C:\\windows\\version.dll", 0x2_1000_0000, exports={"GetInfo": 0x1000})
    game.load("a.dll", 0x2_2000_0000, exports={"Go": "engine.Fire", "Get": "C:\\windows\\version.GetInfo"})
    assert resolve(view, "a", "Go") == ENGINE + 0x1000
    assert resolve(view, "a", "Get") == 0x2_1000_1000
    assert view.module("C:\\Windows\\version").base == 0x2_1000_0000


def test_a_forwarder_to_a_number_that_is_none_is_not_found(game, view):
    game.load("a.dll", 0x2_0000_0000, exports={"Stop": "engine.#" + "9" * 5000})
    game.load("b.dll", 0x2_1000_0000, exports={"Stop": 0x1000})
    with pytest.raises(SymbolNotFoundError):
        resolve(view, "a", "Stop")
    assert int(view.address("Stop")) == 0x2_1000_1000


def test_a_module_that_is_swapped_after_it_was_listed_is_not_believed(game, view, monkeypatch):
    original = type(view).modules

    def list_and_swap(self):
        modules = original(self)
        if any(each.name == "engine.dll" for each in modules):
            game.unmap(ENGINE)
            game.load("other.dll", ENGINE, code=0x3000, exports={"Fire": 0x1500})
        return modules

    monkeypatch.setattr(type(view), "modules", list_and_swap)
    view.module("physics")
    assert view.module_at(ENGINE + 0x1500).name == "other.dll"
    assert str(view.symbol_at(ENGINE + 0x1500)) == "other!Fire"
    with pytest.raises(SymbolNotFoundError):
        view.module("engine")


def test_a_module_that_is_swapped_while_its_exports_are_read_is_looked_for_anew(game, view, monkeypatch):
    names = view._names()
    original = names._read_table

    def read_and_swap(module):
        if module.base == ENGINE and module.name == "engine.dll":
            game.unmap(ENGINE)
            game.load("late.dll", ENGINE, code=0x3000, exports={"Fire": 0x1500})
            game.load("engine.dll", 0x2_0000_0000, exports={"Fire": 0x1700})
        return original(module)

    with monkeypatch.context() as patch:
        patch.setattr(names, "_read_table", read_and_swap)
        view.module("engine")
        with pytest.raises(SymbolNotFoundError):
            resolve(view, "gone", "Fire")
    assert resolve(view, "engine", "Fire") == ENGINE + 0x1000
    with monkeypatch.context() as patch:
        names._tables.clear()
        patch.setattr(names, "_read_table", read_and_swap)
        with pytest.raises(SymbolNotFoundError):
            resolve(view, "engine", "Never")
    assert resolve(view, "engine", "Fire") == 0x2_0000_1700
    assert resolve(view, "late", "Fire") == ENGINE + 0x1500


def test_a_missing_name_is_not_compared_with_everything(game, view, monkeypatch):
    compared = []
    monkeypatch.setattr("memaccess._symbols.likely", lambda *args: compared.append(args) or "")
    with pytest.raises(SymbolNotFoundError):
        view.read(1, "NoSuchName")
    assert int(view.address("Score"))
    assert len(compared) == 1


def test_threads_share_one_table_and_find_every_name(game):
    exports = {f"Function{number}": 0x1000 + number for number in range(2000)}
    game.load("many.dll", 0x2_0000_0000, code=0x1000, exports=exports)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(5):
            with game.open() as view, ThreadPoolExecutor(8) as pool:
                names = [f"many!function{number}" for number in range(1990, 1998)]
                found = list(pool.map(lambda name, view=view: int(view.address(name)), names))
                assert found == [0x2_0000_1000 + number for number in range(1990, 1998)]
    finally:
        sys.setswitchinterval(before)


def test_a_session_that_is_opened_while_the_view_is_closed_is_let_go(game, monkeypatch):
    view = game.open()
    names = view._names()
    original = names.add
    opened = []

    def add_and_close(info):
        opened.append(info)
        view.close()
        original(info)

    monkeypatch.setattr(names, "add", add_and_close)
    with pytest.raises(ClosedViewError):
        view.debug_symbols()
    assert opened[0]._symbols == {}


def test_what_was_found_in_symbols_is_looked_for_anew_without_them(game, view, built):
    with view.debug_symbols():
        assert int(view.address("reload")) == built + 0x1020
    game.load("later.dll", 0x2_4000_0000, exports={"reload": 0x1000})
    assert int(view.address("reload")) == 0x2_4000_1000


@pytest.mark.parametrize("name", ["", " "])
def test_a_module_without_an_ending_has_its_own_name_only(game, view, name):
    game.load("plain", 0x2_0000_0000)
    assert view.module("plain").base == 0x2_0000_0000
    with pytest.raises(SymbolNotFoundError):
        view.module(name)


def test_damaged_headers_are_pointed_at_in_an_address(game, view):
    with game.open("w") as writer:
        writer.write(b"XX", ENGINE + 0x80, force=True)
    place = view.address("8+engine!Fire")
    with pytest.raises(BadImageError) as caught:
        int(place)
    assert (caught.value.expression, caught.value.position) == ("8+engine!Fire", 2)
    assert "is damaged" in repr(place)


def test_batches_go_on_where_one_address_leads_nowhere(game, view):
    game.map(0x3000_0000, b"\x07")
    requests = [("int", 0x3000_0000), ("int", "[30000010]"), ("int", "gone.dll+10"), (1, 0x3000_0000)]
    first, null, unknown, last = view.read_many(requests, return_errors=True)
    assert (first, last) == (7, b"\x07")
    assert isinstance(null, BrokenChainError)
    assert isinstance(unknown, SymbolNotFoundError)
    with pytest.raises(BrokenChainError):
        view.read_many(requests)


@pytest.mark.parametrize(
    "arguments",
    [
        {"exports": {0: 0x1000}},
        {"exports": {70000: 0x1000}},
        {"exports": {"A": 0}},
        {"exports": {"A": -1}},
        {"exports": {"A": 0x3000}},
        {"exports": {"A": 1 << 40}},
        {"exports": {"": 0x1000}},
        {"exports": {"\ud800": 0x1000}},
        {"exports": {"A\0": 0x1000}},
        {"code": -4096},
        {"name": "engine.dll"},
        {"base": 0x2_0000_1000},
        {"base": ENGINE},
    ],
    ids=repr,
)
def test_a_fake_loads_what_windows_could_load(game, arguments):
    with game.open() as view:
        before = view.modules()
        with pytest.raises(ValueError, match=r"an? |is loaded|Windows loads|there is"):
            game.load(**{"name": "wrong.dll", "base": 0x2_0000_0000, **arguments})
        assert view.modules() == before


def test_of_two_endings_one_may_be_gone_by_now(game, view):
    game.load("engine.asi", 0x2_0000_0000)
    with pytest.raises(AmbiguousSymbolError):
        view.module("engine")
    game.unmap(0x2_0000_0000)
    assert view.module("engine").base == ENGINE


def test_what_debug_symbols_refuse_is_an_error_for_users(view, built, monkeypatch):
    def refuse(*_):
        raise SystemFailure("SymSetSearchPathW", winerror=87, text="No.")

    with view.debug_symbols() as symbols:
        for method in ("find", "name_at", "line_at"):
            monkeypatch.setattr(symbols._info, method, refuse)
        for ask in (
            lambda: view.read(1, "built!reload"),
            lambda: view.symbol_at(built + 0x1024),
            lambda: symbols.line_at(built + 0x1024),
        ):
            with pytest.raises(
                MemoryAccessError, match="Can't look up debug symbols of process 5556, error code 87"
            ):
                ask()


# -- modules that come and go


def replace(game, name: str, exports: dict) -> None:
    """Load another build of a module in its place; nothing in the headers tells them apart."""
    head = game.peek(1024, ENGINE)
    game.unmap(ENGINE)
    game.load(name, ENGINE, exports=exports)
    with game.open("w") as writer:
        writer.write(head, ENGINE, force=True)


def test_another_build_with_the_same_headers_is_read_anew(game, view):
    assert int(view.address("engine!Fire")) == ENGINE + 0x1000
    assert int(view.address("Score")) == ENGINE + 0x2010
    other = {**ENGINE_EXPORTS, "Fire": 0x1040, "FireTwice": 0x1000, "Score": 0x2020}
    head = view.read(1024, ENGINE)
    replace(game, "engine.dll", other)
    assert view.read(1024, ENGINE) == head
    assert int(view.address("engine!Fire")) == ENGINE + 0x1040
    assert int(view.address("Score")) == ENGINE + 0x2020
    assert str(view.symbol_at(ENGINE + 0x1040)) == "engine!Fire"


def test_a_module_that_is_moved_while_it_is_looked_for_is_found(game, view, monkeypatch):
    original = type(view).modules
    moved = []

    def modules(self):
        found = original(self)
        if not moved:
            moved.append(True)
            game.unmap(ENGINE)
            game.load("engine.dll", ENGINE + 0x10_0000, exports=ENGINE_EXPORTS)
        return found

    monkeypatch.setattr(type(view), "modules", modules)
    assert int(view.address("engine!Fire")) == ENGINE + 0x10_1000


@pytest.mark.parametrize("name", ["engine!FireTwice", "FireTwice"])
def test_a_module_that_is_moved_while_its_exports_are_read_is_found(game, view, monkeypatch, name):
    view.modules()
    assert view.module("engine")
    original = type(view).read
    moved = []

    def read(self, size, address):
        if not moved and address not in (ENGINE, GAME, PHYSICS) and ENGINE < address < ENGINE + 0x10_0000:
            moved.append(True)
            game.unmap(ENGINE)
            game.load("engine.dll", ENGINE + 0x10_0000, exports=ENGINE_EXPORTS)
        return original(self, size, address)

    monkeypatch.setattr(type(view), "read", read)
    assert int(view.address(name)) == ENGINE + 0x10_1040
    assert moved


def test_a_chain_of_forwarders_is_followed_so_far_and_no_further():
    game = FakeProcess(name="game.exe")
    chain = {f"f{number}": f"long.f{number + 1}" for number in range(300)}
    game.load("long.dll", ENGINE, exports={**chain, "f300": 0x1000})
    with game.open() as view:
        assert int(view.address("long!f240")) == ENGINE + 0x1000
        with pytest.raises(SymbolNotFoundError, match="and so on for more than 64 times") as caught:
            view.read(1, "long!f0")
    assert len(str(caught.value)) < 200


def test_a_module_of_the_name_of_an_api_set_is_called_by_its_path(game):
    game.load("api-ms-win-core-heap-l1-1-0.dll", 0x2_0000_0000, exports={"malloc": 0x1000})
    game.map(0x1_0000, api_set_table())
    game.api_sets = 0x1_0000
    with game.open() as view:
        assert view.module("api-ms-win-core-heap-l1-1-0").name == "physics.dll"
        for place in (0x2_0000_1004, 0x2_0000_0000):
            text = str(view.symbol_at(place))
            assert int(view.address(text)) == place


def api_set_table() -> bytes:
    """One API set, as Windows 10 has it, that stands for physics.dll."""
    name, host = "api-ms-win-core-heap-l1-1-0".encode("utf-16-le"), "physics.dll".encode("utf-16-le")
    row, value, text = 28, 52, 72
    rows = struct.pack("<6I", 0, text, len(name), len(name) - 4, value, 1)
    values = struct.pack("<5I", 0, 0, 0, text + len(name), len(host))
    size = text + len(name) + len(host)
    return struct.pack("<7I", 6, size, 0, 1, row, size, 0) + rows + values + name + host


@pytest.mark.parametrize("name", ["threadstack0", ".dll"])
def test_a_module_of_an_odd_name_is_called_by_what_leads_back(game, name):
    game.load(name, 0x2_0000_0000, exports={"Odd": 0x1000})
    with game.open() as view:
        for place in (0x2_0000_1002, 0x2_0000_0000):
            assert int(view.address(str(view.symbol_at(place)))) == place


def test_headers_that_can_t_be_read_are_pointed_at(game):
    with game.open("rw") as view, view.protect("---", 0x1000, ENGINE):
        with pytest.raises(NotReadableError) as caught:
            view.read_int("4+engine!Fire")
        assert (caught.value.expression, caught.value.position) == ("4+engine!Fire", 2)
        assert not isinstance(caught.value, BrokenChainError)


# -- debug symbols that have a name twice


def test_a_private_name_that_there_is_twice_is_ambiguous(game, view):
    game.load("twice.dll", 0x2_0000_0000, symbols={"setup": (0x1020, 0x1070), "same": (0x1100, 0x1100)})
    with view.debug_symbols():
        for text in ("twice!setup", "setup"):
            with pytest.raises(
                AmbiguousSymbolError, match=r"twice\.dll has several 'setup': at 0x200001020, 0x200001070"
            ):
                view.read(1, text)
        assert str(view.symbol_at(0x2_0000_1074)) == "twice.dll+0x1074"


def test_a_private_name_of_another_section_is_not_before(game, view):
    game.load("parts.dll", 0x2_0000_0000, symbols={"function": 0x1000})
    with view.debug_symbols():
        assert str(view.symbol_at(0x2_0000_1FF0)) == "parts!function+0xFF0"
        assert str(view.symbol_at(0x2_0000_2000)) == "parts.dll+0x2000"


def test_a_search_path_has_no_nul(view):
    with pytest.raises(ValueError, match="NUL"):
        view.debug_symbols("C:\\symbols\0")
