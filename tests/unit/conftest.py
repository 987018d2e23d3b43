"""What the unit tests share."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

from memaccess._scan import _sweep
from memaccess._scan._comparing import _kernels, _plain, _vectors

# No test asserts a time; a slow machine or an emulated one is no failure. And the fixtures below hold
# for all the inputs of a property.
settings.register_profile(
    "memaccess",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("memaccess")


def pytest_collection_finish() -> None:
    """Take what is there by now out of the garbage collection that comes around every test.

    There are two thousand tests, and most of them are over in less time than that takes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(params=[_vectors, _plain], ids=["numpy", "plain"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> object:
    """What looks and compares in a search: one, and then the other."""
    monkeypatch.setattr(_kernels, "kernels", lambda: request.param)
    return request.param


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches go in pieces so small that they have many borders, and threads."""
    monkeypatch.setattr(_sweep, "CHUNK", 512)
    monkeypatch.setattr(_sweep, "STRETCH", 2048)
