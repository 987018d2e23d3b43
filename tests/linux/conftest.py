"""What several tests of Wine, seen from Linux, ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.inside import Inside

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(
    scope="module", params=[(64, []), (32, []), (32, ["--wow64"])], ids=["64", "32", "32 in a 64-bit process"]
)
def inside(request: pytest.FixtureRequest) -> Iterator[Inside]:
    inside = Inside(*request.param)
    yield inside
    inside.close()
