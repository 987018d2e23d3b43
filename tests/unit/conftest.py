"""What the unit tests share."""

from __future__ import annotations

import gc

from hypothesis import settings

# No test asserts a time; a slow machine or an emulated one is no failure.
settings.register_profile("memaccess", deadline=None)
settings.load_profile("memaccess")


def pytest_collection_finish() -> None:
    """Take what is there by now out of the garbage collection that comes around every test.

    There are two thousand tests, and most of them are over in less time than that takes.
    """
    gc.collect()
    gc.freeze()
