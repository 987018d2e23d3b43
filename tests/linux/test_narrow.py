"""A Python whose pointers do not reach all of a program: 32-bit, and the program 64-bit.

What it does is shown in any Python, which is told that its pointers end at 4 GiB, and in a real one where
there is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import known_linux
import pytest
from support import targets

from memaccess import MemoryAccessError, MemoryView, NotWritableError, PartialWriteError

if TYPE_CHECKING or sys.platform == "linux":
    from memaccess._backend.linux import _memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.targets import Target

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = 4096
END = 1 << 32
NARROW = """
import json, sys
from memaccess import MemoryAccessError, MemoryView
pid, readwrite, readonly = json.loads(sys.argv[1])
with MemoryView(pid, "rw") as view:
    view.write(b"from afar", readwrite)
    told = {
        "maxsize": sys.maxsize,
        "bitness": view.bitness,
        "read": view.read(9, readwrite).decode(),
        "rights": [view.region_at(place).rights for place in (readwrite, readonly)],
        "modules": [module.name for module in view.modules()],
    }
    for name, change in {
        "write": lambda: view.write(b"no", readonly),
        "protect": lambda: view.protect("rw-", 1, readonly),
    }.items():
        try:
            change()
        except MemoryAccessError as error:
            told[name] = [type(error).__name__, error.explanation]
    view.write(b"by force", readonly, force=True)
print(json.dumps(told))
"""


@pytest.fixture
def target() -> Iterator[Target]:
    with targets.start("pages", 64) as target:
        yield target


@pytest.fixture
def view(target: Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid, "rw") as view:
        yield view


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "_HIGHEST_ADDRESS", END - 1)


def page(target: Target, name: str) -> int:
    return target.facts["pages"][name]["base"]


def told(target: Target, name: str, offset: int, size: int) -> bytes:
    return bytes.fromhex(target.ask(f"peek {name} {offset} {size}")["bytes"])


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("size", [8, PAGE])
def test_what_lies_beyond_is_written_where_the_program_may_write(target, view, size: int) -> None:
    start = page(target, "readwrite")
    assert start >= END
    data = bytes(range(256)) * (size // 256) or b"01234567"
    view.write(data, start)
    assert told(target, "readwrite", 0, size) == data
    assert view.read(size, start) == data


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", ["readonly", "noaccess"])
def test_what_lies_beyond_is_protected_all_the_same(target, view, name: str) -> None:
    before = told(target, name, 0, 8) if name == "readonly" else b""
    with pytest.raises(NotWritableError):
        view.write(b"replaced", page(target, name))
    if before:
        assert told(target, name, 0, 8) == before
    view.write(b"replaced", page(target, name), force=True)
    assert view.read(8, page(target, name)) == b"replaced"


@pytest.mark.usefixtures("narrow")
def test_what_lies_beyond_is_written_up_to_what_is_protected(target, view) -> None:
    # Three pages, of which the second one may only be read.
    with pytest.raises(PartialWriteError) as caught:
        view.write(b"." * 3 * PAGE, page(target, "run"))
    assert caught.value.transferred == PAGE
    assert [told(target, "run", number * PAGE, 2) for number in range(3)] == [b"..", b"bb", b"cc"]


@pytest.mark.skipif(known_linux.CAN_STOP, reason="this Python can stop programs")
@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_who_can_t_stop_programs_says_so(bitness: int) -> None:
    with targets.start("pages", bitness) as target, MemoryView(target.pid, "rw") as view:
        for change in (lambda: view.protect("rw-", 1, page(target, "readonly")), lambda: view.allocate(1)):
            with pytest.raises(MemoryAccessError, match="only from a 64-bit Python on x86-64"):
                change()


def test_a_32_bit_python_reads_and_writes_64_bit_programs(target) -> None:
    python = targets.python(32)
    if python is None:
        pytest.skip("there is no 32-bit Python: MEMACCESS_PYTHON32 names none")
    places = [target.pid, page(target, "readwrite"), page(target, "readonly")]
    result = subprocess.run(
        [python, "-c", NARROW, json.dumps(places)],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    found = json.loads(result.stdout)
    assert found["maxsize"] == END // 2 - 1
    assert (found["bitness"], found["read"], found["rights"]) == (64, "from afar", ["rw-", "r--"])
    assert found["modules"] == ["pages-64", "[vdso]"]
    assert found["write"][0] == "NotWritableError"
    assert "64-bit Python" in found["protect"][1]
    assert told(target, "readwrite", 0, 9) == b"from afar"
    assert told(target, "readonly", 0, 8) == b"by force"
