"""Programs that replace themselves (execve) while they are open: what a view does then."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import linux, targets

from memaccess import (
    ClosedViewError,
    MemoryAccessError,
    MemoryView,
    NotReadableError,
    NotWritableError,
    TargetExitedError,
    _partial,
    find_process,
)
from memaccess._errors import Cause, SystemFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.targets import Target

SMALL, LARGE = 16, 1 << 17
NOBODY = 65534


def become(target: Target, name: str, bitness: int, how: str = "exec") -> None:
    """Have it replace itself by another target, and wait until that runs."""
    target.facts = target.ask(f"{how} {targets.executable(name, bitness)}")


@pytest.fixture(params=targets.BITNESSES)
def bitness(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def target(bitness: int) -> Iterator[Target]:
    with targets.start("replaced", bitness) as target:
        yield target


@pytest.fixture
def view(target: Target) -> Iterator[MemoryView]:
    with MemoryView(target.pid, "rw") as view:
        yield view


@pytest.fixture
def block(target: Target) -> int:
    """Where 256 KiB lie in both programs."""
    return target.addresses["block"]


def filled(size: int) -> Callable[[MemoryView, int], bytes]:
    """Reads into a buffer."""

    def read(view: MemoryView, address: int) -> bytes:
        buffer = bytearray(size)
        view.read_into(buffer, address)
        return bytes(buffer)

    return read


READS: dict[str, Callable[[MemoryView, int], bytes]] = {
    "small": lambda view, block: view.read(SMALL, block),
    "large": lambda view, block: view.read(LARGE, block),
    "typed": lambda view, block: view.read_int(block).to_bytes(4, "little"),
    "into": filled(SMALL),
    "into, large": filled(LARGE),
    "available": lambda view, block: view.read_available(LARGE, block).data,
    "many": lambda view, block: view.read_many([(8, block), (8, block + 8)])[1],
    "string": lambda view, block: view.read_string(block, limit=32).encode(),
}
WRITES: dict[str, Callable[[MemoryView, int], Any]] = {
    "small": lambda view, block: view.write(b"x" * SMALL, block),
    "large": lambda view, block: view.write(b"x" * LARGE, block),
    "forced": lambda view, block: view.write(b"x" * SMALL, block, force=True),
    "forced, large": lambda view, block: view.write(b"x" * LARGE, block, force=True),
}
QUESTIONS: dict[str, Callable[[MemoryView, int], Any]] = {
    "modules": lambda view, block: view.modules(),
    "module": lambda view, block: view.module_at(block),
    "regions": lambda view, block: list(view.regions()),
    "region": lambda view, block: view.region_at(block),
    "file": lambda view, block: view.mapped_file(block),
    "name": lambda view, block: view.read(1, f'"{view.name}"'),
    "snapshot": lambda view, block: view.snapshot([(block, 4096)]),
}


@pytest.mark.parametrize("way", READS)
def test_what_is_read_is_the_new_programs(target: Target, view: MemoryView, block: int, way: str) -> None:
    assert set(READS[way](view, block)) == {ord("a")}
    become(target, "replacing", view.bitness)
    assert target.addresses["block"] == block
    assert set(READS[way](view, block)) == {ord("b")}
    become(target, "replaced", view.bitness)
    assert set(READS[way](view, block)) == {ord("a")}
    assert view.read(SMALL, block) == b"a" * SMALL


@pytest.mark.parametrize("way", WRITES)
def test_what_is_written_is_seen_by_the_new_program(
    target: Target, view: MemoryView, block: int, way: str
) -> None:
    view.write(b"y", block)
    become(target, "replacing", view.bitness)
    WRITES[way](view, block)
    size = LARGE if "large" in way else SMALL
    assert [target.ask(f"peek {at}")["value"] for at in (0, size - 1, size)] == [*b"xxb"]
    assert view.read(size + 1, block) == b"x" * size + b"b"


def test_what_is_protected_is_written_in_the_new_program(target: Target, view: MemoryView) -> None:
    become(target, "replacing", view.bitness)
    constant = target.addresses["constant"]
    view.write(b"xy", constant, force=True)
    assert view.read(3, constant) == b"xyb"
    become(target, "replaced", view.bitness)
    with pytest.raises(MemoryAccessError):
        view.write(b"xy", constant)
    assert view.read(3, constant) == b"aaa"


@pytest.mark.parametrize("way", QUESTIONS)
def test_what_is_asked_is_answered_by_the_new_program(
    target: Target, view: MemoryView, block: int, way: str
) -> None:
    become(target, "replacing", view.bitness)
    if way == "name":
        assert view.read(4, f'"replacing-{view.bitness}"') == b"\x7fELF"
        return
    assert QUESTIONS[way](view, block)
    assert view.modules()[0].name == view.mapped_file(block).rpartition("/")[2] == f"replacing-{view.bitness}"


def test_the_view_keeps_the_name_that_it_was_opened_by(target: Target, view: MemoryView, block: int) -> None:
    name = view.name
    become(target, "replacing", view.bitness)
    assert view.read(1, block) == b"b"
    assert (view.name, view.is_alive(), view.exit_code()) == (name, True, None)
    assert find_process(view.pid).name == f"replacing-{view.bitness}"


def test_a_program_may_be_replaced_by_another_thread_of_it(
    target: Target, view: MemoryView, block: int
) -> None:
    become(target, "replacing", view.bitness, "exec_thread")
    assert (view.read(1, block), view.read(LARGE, block)) == (b"b", b"b" * LARGE)
    assert view.is_alive()


def test_what_the_new_program_does_not_have_is_not_readable(target: Target, view: MemoryView) -> None:
    before = [region.base for region in view.regions(state="committed")]
    become(target, "replacing", view.bitness)
    for size in (SMALL, LARGE):
        gone = [base for base in before if view.region_at(base).state == "free"]
        assert gone  # its stack, at least, is at another place each time
        with pytest.raises(NotReadableError) as caught:
            view.read(size, gone[0])
        assert f"Nothing is at 0x{gone[0]:x}" in caught.value.explanation
        become(target, "replacing", view.bitness)


def test_an_end_after_that_is_told(target: Target, view: MemoryView, block: int) -> None:
    become(target, "replacing", view.bitness)
    assert target.tell("exit") == 5
    for use in (*READS.values(), *WRITES.values(), *QUESTIONS.values()):
        with pytest.raises(TargetExitedError, match="error code 3"):
            use(view, block)


def test_what_can_be_read_of_a_program_of_another_width_is_not_asked_page_by_page(
    target: Target, view: MemoryView
) -> None:
    become(target, "replacing", 96 - view.bitness)
    with pytest.raises(SystemFailure) as caught:
        _partial.read_available(view._process, LARGE, target.addresses["fixed"])
    assert caught.value.cause is Cause.REPLACED


@pytest.mark.parametrize("way", [*READS, *(f"write {way}" for way in WRITES), *QUESTIONS])
def test_a_program_of_another_width_is_said_to_be_one(target: Target, view: MemoryView, way: str) -> None:
    fixed = target.addresses["fixed"]  # which both programs have
    uses = READS | {f"write {way}": use for way, use in WRITES.items()} | QUESTIONS
    other = 96 - view.bitness
    become(target, "replacing", other)
    with pytest.raises(TargetExitedError) as caught:
        uses[way](view, fixed)
    assert caught.value.explanation == (
        f"Process {view.pid} (replaced-{view.bitness}) runs another program now, a {other}-bit one of Linux; the memory of "
        "the one that was opened is gone. Open it again with a new MemoryView."
    )
    assert caught.value.errno == 3
    with MemoryView(view.pid, "rw") as anew:
        assert anew.bitness == other
        assert anew.read(LARGE, fixed) == b"b" * LARGE  # nothing was written to it
        with pytest.raises(TargetExitedError):  # opening it did not change this one
            view.read(SMALL, fixed)
    become(target, "replacing", view.bitness)
    assert view.read(SMALL, fixed) == b"b" * SMALL


AS_NOBODY = f"""
import encodings.ascii, json, os, subprocess, sys
import memaccess, memaccess._backend.linux._system, memaccess._explain  # that user may not see where this Python lies
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
old, new = sys.argv[1:]
pipes = {{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}}
with subprocess.Popen([old], **pipes) as process, memaccess.MemoryView(process.pid, "rw") as view:
    block = json.loads(process.stdout.readline())["addresses"]["block"]
    assert view.read(1, block) == b"a"
    print("exec", new, file=process.stdin, flush=True)
    process.stdout.readline()
    for use in (lambda: view.read(1, block), lambda: view.read({LARGE}, block), lambda: view.write(b"x", block)):
        try:
            use()
        except memaccess.TargetExitedError as error:
            print(error.explanation)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="root alone can start programs as others"
)
@pytest.mark.parametrize("mode", [0o4755, 0o711])
def test_a_program_that_may_not_be_opened_is_said_to_be_one(bitness: int, mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        old, new = (
            shutil.copy(targets.executable(name, bitness), folder) for name in ("replaced", "replacing")
        )
        os.chmod(new, mode)
        if mode & 0o4000 and os.statvfs(folder).f_flag & os.ST_NOSUID:
            pytest.skip(f"{folder} lies where programs get no other rights (nosuid)")
        command = [sys.executable, "-c", AS_NOBODY, old, new]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    said = result.stdout.splitlines()
    assert len(said) == 3
    for each in said:
        assert f"(replaced-{bitness}) runs another program now, which may not be opened; the memory" in each


def test_readers_see_the_one_program_or_the_other(target: Target, view: MemoryView, block: int) -> None:
    seen: set[bytes] = set()
    troubles: list[BaseException] = []
    done = threading.Event()

    def read_on(size: int) -> None:
        try:
            while not done.is_set():
                with contextlib.suppress(NotReadableError):  # its memory is being made
                    data = view.read(size, block)
                    assert len(data) == size
                    seen.add(bytes(set(data)))
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=read_on, args=[size]) for size in (SMALL, LARGE, 1, LARGE * 2)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(60):
            become(target, ("replacing", "replaced")[turn % 2], view.bitness)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not troubles
    assert seen == {b"a", b"b"}


def test_a_write_is_all_in_one_program(target: Target, view: MemoryView, block: int) -> None:
    outcomes = set()
    for turn in range(60):
        name = ("replacing", "replaced")[turn % 2]
        start = threading.Barrier(2)

        def write(start: threading.Barrier, force: bool) -> None:
            start.wait()
            with contextlib.suppress(NotWritableError):  # its memory is being made
                view.write(b"x" * LARGE, block, force=force)

        writer = threading.Thread(target=write, args=(start, turn % 3 == 0))
        writer.start()
        start.wait()
        become(target, name, view.bitness)
        writer.join()
        seen = set(view.read(LARGE, block))
        assert len(seen) == 1
        outcomes |= seen
    assert outcomes <= set(b"abx")


def test_a_view_that_is_closed_while_it_opens_the_new_program_stays_closed(
    target: Target, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = linux.descriptor_count()
    view = MemoryView(target.pid)
    process = view._process

    def model() -> object:
        view.close()
        return process.model

    monkeypatch.setattr(process._folder, "model", model)
    become(target, "replacing", view.bitness)
    with pytest.raises(ClosedViewError):
        view.read(1, block)
    assert process._file is None
    assert linux.descriptor_count() == before


def test_a_view_that_is_closed_while_it_follows_stays_closed(target: Target, block: int) -> None:
    before = linux.descriptor_count()
    for turn in range(60):
        view = MemoryView(target.pid)
        process = view._process
        become(target, ("replacing", "replaced")[turn % 2], view.bitness)
        closer = threading.Thread(target=view.close)
        closer.start()
        with contextlib.suppress(ClosedViewError):
            while True:
                assert view.read(1, block) in b"ab"
        closer.join()
        assert process._file is None
    assert linux.descriptor_count() == before
