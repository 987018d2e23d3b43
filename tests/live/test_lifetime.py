"""The life of a view and of its handle, on real programs."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading

import pytest
from support import targets, win32
from support.leaks import handle_count, lowest_free_handle, open_handles

from memaccess import ClosedViewError, MemoryAccessError, MemoryView, NotReadableError, TargetExitedError

ROUNDS = 100_000


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest):
    with targets.start("values", request.param) as target:
        yield target


def test_a_closed_view_has_no_handle(target) -> None:
    before = open_handles()
    view = MemoryView(target.pid)
    assert len(open_handles()) == len(before) + 1
    view.close()
    assert open_handles() == before


def test_a_closed_view_does_not_touch_what_has_its_handle_s_number_now(target) -> None:
    view = MemoryView(target.pid, "rw")
    number = view._process._handle.value
    view.close()
    recycled = win32.create_event()
    assert recycled == number, "the system gave out another number"
    with pytest.raises(ClosedViewError, match="error code 6"):
        view.close()
    with pytest.raises(ClosedViewError):
        view.read_int(target.addresses["int"])
    del view
    gc.collect()
    win32.close(recycled)  # fails if somebody closed it before


def test_a_forgotten_view_warns_and_gives_its_handle_back(target) -> None:
    before = open_handles()
    with pytest.warns(ResourceWarning, match=f"unclosed <MemoryView of process {target.pid}"):
        MemoryView(target.pid)
    assert open_handles() == before


def test_an_error_that_is_kept_does_not_keep_the_handle(target) -> None:
    before = open_handles()
    errors: list[MemoryAccessError] = []
    with MemoryView(target.pid, "rw") as view:
        for action in (
            lambda: view.read_int(0x10),
            lambda: view.read_into(bytearray(8), 0x10),
            lambda: view.write_int(1, 0x10, force=True),
        ):
            with pytest.raises(MemoryAccessError) as caught:
                action()
            errors.append(caught.value)
    assert len(errors) == 3
    assert all(error.__traceback__ for error in errors)
    assert open_handles() == before


def test_opening_in_vain_leaves_no_handle(target) -> None:
    before = open_handles()
    errors = []
    for pid in (target.pid + 1, 0, 0xFFFF_FFFC):
        with pytest.raises(MemoryAccessError) as caught:
            MemoryView(pid)
        errors.append(caught.value)
    assert open_handles() == before


def test_a_call_under_way_ends_well_while_another_thread_closes_the_view(target) -> None:
    size, address = 9, target.addresses["bytes"]
    whole = bytes(target.facts["values"]["bytes"])
    for _ in range(20):
        view = MemoryView(target.pid)
        started = threading.Barrier(5)
        outcomes: list[object] = []

        def read(view=view, started=started, outcomes=outcomes) -> None:
            started.wait()
            try:
                while True:
                    outcomes.append(view.read(size, address))
            except ClosedViewError as error:
                outcomes.append(type(error))

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        started.wait()
        view.close()
        for reader in readers:
            reader.join()
        assert set(outcomes) <= {whole, ClosedViewError}
        assert outcomes.count(ClosedViewError) == 4


def test_one_of_many_threads_closes_the_view(target) -> None:
    view = MemoryView(target.pid)
    started = threading.Barrier(8)
    outcomes: list[object] = []

    def close() -> None:
        started.wait()
        try:
            outcomes.append(view.close())
        except ClosedViewError as error:
            outcomes.append(type(error))

    closers = [threading.Thread(target=close) for _ in range(8)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    assert sorted(outcomes, key=str) == [ClosedViewError] * 7 + [None]


def test_a_program_that_ends_is_seen_to(target) -> None:
    with MemoryView(target.pid) as view:
        assert view.is_alive()
        target.kill()
        assert not view.is_alive()
        assert view.exit_code() is not None
        assert f"ended with {view.exit_code()}" in repr(view)
        with pytest.raises(TargetExitedError):
            view.read_int(target.addresses["int"])


def test_a_view_outlives_its_program_without_meeting_another(target) -> None:
    with MemoryView(target.pid) as view:
        target.kill()
        bitness = target.facts["pointer_size"] * 8
        with targets.start("values", bitness) as other, pytest.raises(TargetExitedError):
            view.read_int(other.addresses["int"])


@pytest.mark.deadline(400)
def test_opening_reading_and_closing_a_hundred_thousand_times_grows_nothing() -> None:
    number = ctypes.c_int(42)
    address = ctypes.addressof(number)

    def rounds(count: int) -> None:
        for _ in range(count):
            with MemoryView.from_current_process() as view:
                assert view.read_int(address) == 42

    rounds(1000)
    handle, memory = lowest_free_handle(), win32.memory_committed()
    rounds(ROUNDS)
    assert lowest_free_handle() == handle
    assert win32.memory_committed() - memory < 1 << 20


def test_errors_leave_nothing_behind_either(target) -> None:
    with MemoryView(target.pid) as view:
        before = handle_count()
        for _ in range(1000):
            with pytest.raises(NotReadableError):
                view.read_int(0x10)
        assert handle_count() <= before + 1  # one more to ask what the memory is: Wine wants that


def test_a_read_that_failed_lets_go_of_the_buffer_at_once(target) -> None:
    buffer = bytearray(16)
    gc.disable()
    try:
        with MemoryView(target.pid, "rw") as view:
            for access in (view.read_into, view.write):
                with contextlib.suppress(MemoryAccessError):
                    access(buffer, 0x10)
        buffer.append(1)  # BufferError while anybody looks at it
    finally:
        gc.enable()


@pytest.mark.parametrize("bitness", targets.BITNESSES)
def test_closing_amid_forced_writes_leaves_the_protection_as_it_was(bitness) -> None:
    with targets.start("pages", bitness) as target:
        address = target.facts["pages"]["readonly"]["base"]
        if address >= 1 << targets.OWN_BITNESS:
            pytest.skip("a 32-bit Python can't change a protection above 4 GiB")
        before = target.ask("query readonly 0")["protect"]
        for _ in range(30):
            view = MemoryView(target.pid, "rw")
            begun = threading.Event()

            def force(view=view, begun=begun) -> None:
                with contextlib.suppress(ClosedViewError):
                    while True:
                        view.write(b"x" * 64, address, force=True)
                        begun.set()

            writer = threading.Thread(target=force)
            writer.start()
            begun.wait()
            view.close()
            writer.join()
        assert target.ask("query readonly 0")["protect"] == before
