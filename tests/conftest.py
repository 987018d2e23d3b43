"""Fixtures for all tests: a deadline, the leak check, and who can't run here."""

from __future__ import annotations

import faulthandler
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from known_wine import IS_WINE
from support.leaks import no_leaks
from support.starting import be_patient

from memaccess import MemoryView, list_windows
from memaccess._scan._comparing._kernels import kernels
from memaccess._scan._monitor import Monitor
from memaccess._scan._sweep import WORKERS, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_SECONDS = 120
_HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under ``tests/live`` opens real processes of Windows, or of both; under ``tests/linux`` of Linux."""
    for item in items:
        if _HERE / "live" in item.path.parents:
            item.add_marker(pytest.mark.live)
            if sys.platform != "win32" and not item.get_closest_marker("everywhere"):
                item.add_marker(pytest.mark.skip(reason="needs Windows, or the Windows Python under Wine"))
        if _HERE / "linux" in item.path.parents:
            item.add_marker(pytest.mark.live)
            if sys.platform != "linux":
                item.add_marker(pytest.mark.skip(reason="needs Linux"))
        if item.get_closest_marker("live") and sys.platform not in ("win32", "linux"):
            item.add_marker(pytest.mark.skip(reason="needs Windows or Linux"))


def pytest_collection_finish() -> None:
    """The leak check collects garbage twice per test: let it look at nothing that was there before."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _deadline(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test ends in time, or the whole run ends with the stack of what hangs."""
    marker = request.node.get_closest_marker("deadline")
    faulthandler.dump_traceback_later(marker.args[0] if marker else DEADLINE_SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session", autouse=True)
def _loaded() -> None:
    """What is loaded with its first use keeps handles: it is used before the leak check counts any."""
    if IS_WINE:
        be_patient()
    if sys.platform == "win32":
        MemoryView.from_current_process().close()
        list_windows()
        with ThreadPoolExecutor(
            1
        ) as pool:  # the first window call of a thread that is not the first one, too
            pool.submit(list_windows).result()
        list(in_order(range(WORKERS), abs, Monitor(WORKERS), is_small=False))
        kernels()  # NumPy has threads of its own


@pytest.fixture(autouse=True)
def _leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test closes what it opens; only those on a real system have handles to count."""
    live = request.node.get_closest_marker("live") is not None
    with no_leaks(live=live):
        yield
