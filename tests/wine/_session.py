"""What tox runs: the built package, installed for Windows' Python, tested or shown there."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from _impossible import ImpossibleError
from _zig import pip

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = "MEMACCESS_REQUIRE_WINE"
"""Set it to have the tests fail, and not only say so, where there can be no Windows."""


def is_required() -> bool:
    """Whether a machine without Windows is an error."""
    return bool(os.environ.get(REQUIRED))


@contextmanager
def installed_package() -> Iterator[Path]:
    """A folder that holds the package that tox built, and nothing else."""
    package = os.environ.get("TOX_PACKAGE")
    if package is None:
        raise ImpossibleError("This is for tox to run, which builds the package first: python tests")
    with tempfile.TemporaryDirectory(prefix="memaccess-") as folder:
        pip("install", "--no-deps", "--no-compile", "--target", folder, package)
        yield Path(folder)


# What knows no system runs on the host's own Python.
TESTS_OF_WINDOWS = ("tests/live", "tests/contract", "tests/cli", "tests/docs")
TESTS_OF_OUTSIDE = ("tests/linux/test_wine.py", "tests/linux/test_trainers.py", "tests/linux/test_windows.py")
TEST_WORDS = ("-m", "pytest", "--cov", "--cov-report=")
