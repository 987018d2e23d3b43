"""The fixture of the contract tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.subjects import Subject


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A program with a page of every kind: a fake one and a real one, of both widths."""
    make, bitness = request.param
    with make(bitness) as made:
        yield made
