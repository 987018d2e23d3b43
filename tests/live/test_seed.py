"""What the original's README shows and what its own tests demand, to the letter, on a real program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import targets

from memaccess import MemoryView

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_VALUES = {
    "char": b"y",
    "short": 1234,
    "unsigned_short": 54321,
    "int": -123456789,
    "unsigned_int": 3123456789,
    "float": 1.5,
    "double": -2.25,
}


@pytest.fixture(params=targets.BITNESSES)
def target(request: pytest.FixtureRequest) -> Iterator[targets.Target]:
    with targets.start("values", request.param) as started:
        yield started


def said(value: object) -> object:
    """A value as the program says it; it says characters as numbers."""
    return bytes(value) if isinstance(value, list) else value


# -- the README


def test_a_view_is_opened_with_a_pid_and_closed(target) -> None:
    view = MemoryView(target.pid)
    view.close()


def test_a_view_closes_itself_behind_a_with_block(target) -> None:
    with MemoryView(target.pid) as view:
        pass
    assert view.closed


def test_eight_bytes_are_read(target) -> None:
    with MemoryView(target.pid) as view:
        assert view.read(8, target.addresses["bytes"]) == bytes(target.facts["values"]["bytes"][:8])


def test_an_int_and_a_float_are_read(target) -> None:
    with MemoryView(target.pid) as view:
        assert view.read_int(target.addresses["int"]) == target.facts["values"]["int"]
        assert view.read_float(target.addresses["float"]) == target.facts["values"]["float"]


def test_an_int_is_written_and_another_read(target) -> None:
    with MemoryView(target.pid, "rw") as view:
        view.write_int(33, target.addresses["int"])
        assert view.read_int(target.addresses["int_array"] + 4) == 1
    assert target.ask("dump")["values"]["int"] == 33


def test_a_pid_that_nobody_has_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError) as caught:
        MemoryView(5555)
    assert str(caught.value) == "Can't open process with pid 5555, error code 87"


# -- the tests


def test_the_idle_process_can_not_be_opened() -> None:
    with pytest.raises(RuntimeError) as caught:
        MemoryView(0)
    assert str(caught.value) == "Can't open process with pid 0, error code 87"


def test_a_second_close_is_an_error(target) -> None:
    view = MemoryView(target.pid)
    view.close()
    with pytest.raises(RuntimeError) as caught:
        view.close()
    assert str(caught.value) == "Can't close process handle, error code 6"


def test_a_close_behind_a_with_block_is_an_error(target) -> None:
    with MemoryView(target.pid) as view:
        pass
    with pytest.raises(RuntimeError) as caught:
        view.close()
    assert str(caught.value) == "Can't close process handle, error code 6"


def test_an_unknown_mode_is_an_error(target) -> None:
    with pytest.raises(ValueError, match=r"^Invalid access mode: rwx$"):
        MemoryView(target.pid, "rwx")


@pytest.mark.parametrize("type", NEW_VALUES)
def test_a_value_is_read(target, type: str) -> None:
    with MemoryView(target.pid) as view:
        value = getattr(view, f"read_{type}")(target.addresses[type])
    assert value == said(target.facts["values"][type])


def test_bytes_are_read(target) -> None:
    with MemoryView(target.pid) as view:
        assert view.read(9, target.addresses["bytes"]) == said(target.facts["values"]["bytes"])


@pytest.mark.parametrize("type", NEW_VALUES)
def test_a_value_is_written(target, type: str) -> None:
    with MemoryView(target.pid, "w") as view:
        getattr(view, f"write_{type}")(NEW_VALUES[type], target.addresses[type])
    after = target.ask("dump")
    assert after["addresses"][type] == target.addresses[type]
    assert said(after["values"][type]) == NEW_VALUES[type] != said(target.facts["values"][type])


def test_bytes_are_written(target) -> None:
    with MemoryView(target.pid, "w") as view:
        view.write(b"123456789", target.addresses["bytes"])
    assert said(target.ask("dump")["values"]["bytes"]) == b"123456789"


# -- the messages that its tests do not reach


def test_a_read_that_fails_says_how_much_and_where(target) -> None:
    with MemoryView(target.pid) as view, pytest.raises(RuntimeError) as caught:
        view.read(8, 0x10)
    code = caught.value.winerror
    assert str(caught.value) == f"Can't read 8 bytes of process memory at address 0x10, error code {code}"


def test_a_write_that_fails_says_how_much_and_where(target) -> None:
    with MemoryView(target.pid, "w") as view, pytest.raises(RuntimeError) as caught:
        view.write(b"123", 0xAB)
    code = caught.value.winerror
    assert str(caught.value) == f"Can't write 3 bytes to address 0xab of process memory, error code {code}"
