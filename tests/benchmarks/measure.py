"""The measurements, in the Python that is measured. ``python measure.py STUB FIELD HEAP MIB [ROW…]`` for Windows, TARGET … for Linux."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import TYPE_CHECKING

from exports import measure_exports
from expressions import measure_expressions
from imports import measure_import
from native import measure_batch, measure_bulk, measure_typed
from pointers import measure_all_pointers
from reads import measure_bulk_read, measure_typed_read
from regions import measure_regions
from scans import measure_scans

if TYPE_CHECKING:
    from collections.abc import Callable


def on_windows(stub: str, field: str, heap: str, mib: int) -> dict[str, Callable[[], None]]:
    """The rows; the DLL stands in for functions of kernel32, and the field is scanned."""
    return {
        "import": measure_import,
        "typed": lambda: measure_typed_read(stub),
        "bulk": measure_bulk_read,
        "map": lambda: measure_regions(stub),
        "exports": lambda: measure_exports(stub),
        "expressions": lambda: measure_expressions(stub),
        "scans": lambda: measure_scans(field, mib),
        "pointers": lambda: measure_all_pointers(heap),
    }


def on_linux(target: str, field: str, heap: str, mib: int) -> dict[str, Callable[[], None]]:
    """The rows; the program is read, and the field scanned."""
    return {
        "import": measure_import,
        "typed": lambda: measure_typed(target),
        "batch": lambda: measure_batch(target),
        "bulk": lambda: measure_bulk(target),
        "scans": lambda: measure_scans(field, mib),
        "pointers": lambda: measure_all_pointers(heap),
    }


def main(given: str, field: str, heap: str, mib: str, *rows: str) -> None:
    """Measure the rows that are named, or all."""
    measurements = (on_linux if sys.platform == "linux" else on_windows)(given, field, heap, int(mib))
    unknown = set(rows) - set(measurements)
    if unknown:
        sys.exit(f"no row is called {' or '.join(sorted(unknown))}; there are {', '.join(measurements)}")
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {ctypes.sizeof(ctypes.c_void_p) * 8}-bit"
    )
    for name, measure in measurements.items():
        if not rows or name in rows:
            measure()


if __name__ == "__main__":
    main(*sys.argv[1:])
