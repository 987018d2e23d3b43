"""The windows on an X server: which are listed, whose they are, and what is said where there is no server."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import linux, x11
from support.x11 import MACHINE, Program, latin1, numbers, titled, utf8

from memaccess import MemoryAccessError, MemoryView, find_window, list_windows

if sys.platform == "linux":
    from memaccess._backend.linux import _windows

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_CLAIM = titled("window")
UNUSED_PID = 4194303
is_root = sys.platform == "linux" and os.geteuid() == 0


@pytest.fixture(scope="module")
def plain_server() -> Iterator[str]:
    with x11.server() as display:
        yield display


@pytest.fixture
def display(plain_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DISPLAY", plain_server)
    return plain_server


@pytest.fixture
def without_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that knows no pids."""
    with x11.server("-extension", "X-Resource") as display:
        monkeypatch.setenv("DISPLAY", display)
        yield display


@pytest.fixture
def program(display: str) -> Iterator[Program]:
    with Program(display) as program:
        yield program


def listed() -> list[tuple[str, int]]:
    return [tuple(each) for each in list_windows()]


def titles() -> list[str]:
    return [window.title for window in list_windows()]


def why_not() -> str:
    with pytest.raises(MemoryAccessError, match="Can't list the windows") as caught:
        list_windows()
    return str(caught.value.explanation)


def run(code: str, display: str, *before: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own, which has the same memaccess."""
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [*before, sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )


# -- titles


@pytest.mark.parametrize(
    ("properties", "title"),
    [
        ({"_NET_WM_NAME": utf8("Größe 日本 🎮")}, "Größe 日本 🎮"),
        ({"WM_NAME": latin1("Größe")}, "Größe"),
        ({"WM_NAME": ("COMPOUND_TEXT", "Gr\xf6\xdfe \x1b-L\xb6")}, "Größe Ж"),
        ({"_NET_WM_NAME": utf8("new"), "WM_NAME": latin1("old")}, "new"),
        ({"_NET_WM_NAME": utf8(""), "WM_NAME": latin1("old")}, "old"),
        ({"_NET_WM_NAME": ("UTF8_STRING", "bad \xff")}, "bad \ufffd"),
        ({"WM_NAME": latin1("with an end\0")}, "with an end"),
        ({"_NET_WM_NAME": utf8("long " * 20000)}, "long " * 20000),
    ],
)
def test_titles_have_all_their_characters(program: Program, properties: dict, title: str) -> None:
    program.open(properties)
    assert listed() == [(title, program.pid)]


@pytest.mark.parametrize(
    "properties",
    [{}, {"_NET_WM_NAME": utf8("")}, {"WM_NAME": numbers("CARDINAL", 0x41414141)}],
    ids=["none", "empty", "no text"],
)
def test_windows_without_a_title_are_left_out(program: Program, properties: dict) -> None:
    program.open(properties)
    assert listed() == []


def test_a_title_is_the_one_of_now(program: Program) -> None:
    window = program.open(titled("before"))
    assert titles() == ["before"]
    program.change(window, _NET_WM_NAME=utf8("after"))
    assert titles() == ["after"]
    program.close(window)
    assert titles() == []


def test_a_program_is_found_and_opened_by_its_window(program: Program) -> None:
    program.open(titled("The Game"))
    program.open(titled("Scores"))
    assert find_window("the game") == ("The Game", program.pid)
    with MemoryView.from_window("The Game") as view:
        assert view.pid == program.pid


# -- which windows


def test_without_a_window_manager_what_is_shown_is_listed(program: Program) -> None:
    outer = program.open(titled("outer"))
    program.open(titled("inner"), **{"in": outer})
    program.open(titled("hidden"), shown=False)
    assert titles() == ["outer"]


def test_windows_in_frames_are_listed_and_the_frames_are_not(program: Program) -> None:
    def state(number: int) -> dict:
        return {"WM_STATE": numbers("WM_STATE", number, 0)}

    frame = program.open(titled("frame"))
    frame_in_it = program.open({}, **{"in": frame})
    program.open(titled("framed", **state(1)), **{"in": frame_in_it})
    program.open(titled("as an icon", **state(3)), shown=False)
    program.open(titled("withdrawn", **state(0)), shown=False)
    program.open(titled("without a frame"))
    assert titles() == ["framed", "as an icon", "without a frame"]


def test_a_window_manager_knows_best_as_long_as_it_runs(program: Program) -> None:
    def manage(check: int, *windows: int) -> None:
        program.change_root(
            _NET_SUPPORTING_WM_CHECK=numbers("WINDOW", check), _NET_CLIENT_LIST=numbers("WINDOW", *windows)
        )

    own = program.open(titled("the manager's own"))
    program.change(own, _NET_SUPPORTING_WM_CHECK=numbers("WINDOW", own))
    first = program.open(titled("first"), shown=False)
    second = program.open(titled("second"))
    manage(own, second, first, 12345)
    try:
        assert titles() == ["second", "first"]
        program.close(own)
        assert titles() == ["second"]
    finally:
        manage(0)


def test_every_screen_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with x11.server("-screen", "1", "320x200x24") as display:
        monkeypatch.setenv("DISPLAY", display)
        with Program(f"{display}.1") as program:
            program.open(titled("on the second screen"))
            assert titles() == ["on the second screen"]


def test_windows_that_close_while_they_are_listed_do_no_harm(program: Program, display: str) -> None:
    program.open(titled("stays"))
    with Program(display) as restless:
        restless.come_and_go(titled("comes and goes"))
        seen = 0
        for _ in range(300):
            found = titles()
            assert found[0] == "stays"
            assert set(found) <= {"stays", "comes and goes"}
            seen += len(found) > 1
        assert seen
        restless.open({})


# -- whose they are


def claims(pid: int, machine: str | None = None) -> dict:
    told = {} if machine is None else {"WM_CLIENT_MACHINE": latin1(machine)}
    return titled("window", _NET_WM_PID=numbers("CARDINAL", pid), **told)


@pytest.mark.parametrize("machine", [MACHINE, f"{MACHINE}.example.org", MACHINE.upper()])
def test_what_a_program_tells_counts_where_the_server_knows_nothing(
    without_clients: str, machine: str
) -> None:
    with Program(without_clients) as program:
        program.open(claims(program.pid, machine))
        assert listed() == [("window", program.pid)]


@pytest.mark.parametrize(
    "properties",
    [
        NO_CLAIM,
        claims(os.getpid()),
        claims(os.getpid(), "elsewhere"),
        claims(os.getpid(), f"not-{MACHINE}"),
        claims(UNUSED_PID, MACHINE),
        claims(0, MACHINE),
        claims(0xFFFFFFFF, MACHINE),
        titled("window", _NET_WM_PID=latin1("text"), WM_CLIENT_MACHINE=latin1(MACHINE)),
    ],
    ids=["nothing", "no machine", "elsewhere", "other name", "nobody's", "zero", "too large", "text"],
)
def test_whose_pid_is_not_known_is_left_out(without_clients: str, properties: dict) -> None:
    with Program(without_clients) as program:
        program.open(properties)
        assert listed() == []


@pytest.mark.parametrize(
    "properties",
    [
        NO_CLAIM,
        titled("window", WM_CLIENT_MACHINE=latin1(MACHINE)),
        claims(UNUSED_PID, MACHINE),
        claims(0, MACHINE),
    ],
    ids=["nothing", "machine", "nobody's", "zero"],
)
def test_what_the_server_knows_counts_where_a_program_tells_nothing_of_use(
    program: Program, properties: dict
) -> None:
    program.open(properties)
    assert listed() == [("window", program.pid)]


def test_a_machine_that_was_renamed_is_still_this_one(program: Program) -> None:
    program.open(claims(program.pid, "its-name-before"))
    assert listed() == [("window", program.pid)]


@pytest.mark.parametrize("pid", [None, os.getpid(), UNUSED_PID])
def test_a_program_on_another_machine_is_left_out(program: Program, pid: int | None) -> None:
    elsewhere = {"WM_CLIENT_MACHINE": latin1("elsewhere")}
    program.open(titled("window", **elsewhere) if pid is None else claims(pid, "elsewhere"))
    assert listed() == []


def test_a_program_whose_connection_is_another_s_counts_as_it_tells(program: Program) -> None:
    program.open(claims(os.getpid(), MACHINE))
    assert listed() == [("window", os.getpid())]


contained = ("unshare", "--pid", "--fork", "--uts", "--mount-proc", "--kill-child")
needs_containers = pytest.mark.skipif(not is_root, reason="root alone can make containers")


@needs_containers
def test_a_program_in_a_container_has_the_pid_that_we_see(display: str) -> None:
    with Program(display, *contained) as program:
        assert program.pid == 1
        program.open(claims(1, "container"))
        ((_, pid),) = listed()
        assert pid > 1
        with MemoryView(pid) as view:
            assert view.name == os.path.basename(os.path.realpath(sys.executable))


@needs_containers
def test_pids_from_outside_of_our_container_are_not_taken_for_ours(program: Program, display: str) -> None:
    program.open(claims(program.pid, MACHINE))
    program.open(NO_CLAIM)
    result = run("import memaccess; print(memaccess.list_windows())", display, *contained)
    assert (result.stdout, result.stderr) == ("[]\n", "")


# -- servers that are not there, that refuse, that hang


def test_without_a_display_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert "DISPLAY is not set" in why_not()
    monkeypatch.setenv("DISPLAY", "")
    assert "DISPLAY is not set" in why_not()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (":98765", "does not run"),
        ("nonsense", "looks like ':0'"),
        ("host.invalid:0", "does not run"),
        (":\udcff", "looks like ':0'"),
    ],
)
def test_a_display_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv("DISPLAY", name)
    why = why_not()
    assert repr(name) in why
    assert text in why


def test_a_server_lets_those_in_who_have_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, none = tmp_path / "key", tmp_path / "none"
    name, data, every_family = b"MIT-MAGIC-COOKIE-1", bytes(range(16)), 0xFFFF
    fields = (b"", b"", name, data)  # whichever address, whichever display
    lengths_and_fields = b"".join(struct.pack(">H", len(each)) + each for each in fields)
    key.write_bytes(struct.pack(">H", every_family) + lengths_and_fields)
    none.touch()
    with x11.server("-auth", str(key)) as display:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.setenv("XAUTHORITY", str(none))
        assert "does not let this user in" in why_not()
        monkeypatch.setenv("XAUTHORITY", str(key))
        assert listed() == []


def test_without_the_library_it_is_said_which(display: str) -> None:
    code = (
        "import ctypes\n"
        "class NoX11(ctypes.CDLL):\n"
        "    def __init__(self, name, *rest, **more):\n"
        "        if name and 'xcb' in name: raise OSError(f'{name}: cannot open shared object file')\n"
        "        super().__init__(name, *rest, **more)\n"
        "ctypes.CDLL = NoX11\n"
        "import memaccess\n"
        "memaccess.MemoryView.from_current_process().close()\n"
        "try: memaccess.list_windows()\n"
        "except memaccess.MemoryAccessError as error: print(error, error.explanation, sep='\\n')\n"
    )
    result = run(f"import sys\n{code}", display)
    assert result.stderr == ""
    assert result.stdout.startswith("Can't list the windows, error code ")
    assert "libxcb.so.1: cannot open shared object file" in result.stdout
    assert "libxcb1 on Debian" in result.stdout


def test_x11_is_loaded_by_those_who_ask_for_windows(display: str) -> None:
    code = (
        "import sys, memaccess\n"
        "def loaded(): print('memaccess._libc.x11' in sys.modules, 'libxcb' in open('/proc/self/maps').read())\n"
        "memaccess.MemoryView.from_current_process().close(); loaded()\n"
        "memaccess.list_windows(); loaded()\n"
    )
    assert run(code, display).stdout == "False False\nTrue True\n"


def test_a_server_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_windows, "_PATIENCE", 0.5)
    with x11.server() as display, Program(display) as program:
        monkeypatch.setenv("DISPLAY", display)
        program.open(NO_CLAIM)
        before = threading.active_count()
        os.kill(x11.pid_of_server(display), signal.SIGSTOP)
        try:
            for _ in range(3):
                assert "does not answer" in why_not()
                assert threading.active_count() == before + 1
            descriptors = linux.descriptor_count()
        finally:
            os.kill(x11.pid_of_server(display), signal.SIGCONT)
        while threading.active_count() > before:
            time.sleep(0.01)
        assert listed() == [("window", program.pid)]
        assert linux.descriptor_count() == descriptors - 1


def test_a_server_that_is_none_does_not_hang_python_at_its_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        display = f"127.0.0.1:{silent.getsockname()[1] - 6000}"
        code = (
            "import memaccess, memaccess._backend.linux._windows as windows\n"
            "windows._PATIENCE = 0.2\n"
            "try: memaccess.list_windows()\n"
            "except memaccess.MemoryAccessError as error: print(error.explanation)\n"
        )
        result = run(code, display)
    assert (result.returncode, result.stderr) == (0, "")
    assert "does not answer" in result.stdout


def test_a_server_that_ends_meanwhile_gives_no_list() -> None:
    code = (
        "import os, signal, time, memaccess\n"
        "from memaccess._backend.linux import _display\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "real = _display.Display.client_pids\n"
        "def client_pids(self):\n"
        "    os.kill({}, signal.SIGKILL)\n"
        "    time.sleep(0.5)\n"
        "    return real(self)\n"
        "_display.Display.client_pids = client_pids\n"
        "try: memaccess.list_windows()\n"
        "except memaccess.MemoryAccessError as error: print(error.explanation)\n"
    )
    with x11.server() as display:
        result = run(code.format(x11.pid_of_server(display)), display)
        assert (result.returncode, result.stderr) == (0, "")
        assert "has closed the connection" in result.stdout
        Path(f"/tmp/.X11-unix/X{display[1:]}").unlink(missing_ok=True)


# -- threads, and what is left behind


def test_every_thread_may_list(program: Program) -> None:
    program.open(NO_CLAIM)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: listed(), range(200)))
    assert found == [[("window", program.pid)]] * 200


def test_a_thousand_lists_leave_no_descriptor_and_no_memory(program: Program) -> None:
    program.open(titled("long " * 20000))  # 100 KB
    list_windows()
    before, memory_before = linux.descriptor_count(), linux.used_memory()
    for _ in range(1000):
        list_windows()
    assert linux.descriptor_count() == before
    assert linux.used_memory() < memory_before + (1 << 25)
