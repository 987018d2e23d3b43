"""The measurements; they run in a Windows Python. ``python measure.py STUB [ROW…]``."""

from __future__ import annotations

import ctypes
import platform
import sys

from exports import measure_exports
from expressions import measure_expressions
from imports import measure_import
from reads import measure_bulk_read, measure_typed_read
from regions import measure_regions


def main(stub: str, *rows: str) -> None:
    """Measure the rows that are named, or all."""
    measurements = {
        "import": measure_import,
        "typed": lambda: measure_typed_read(stub),
        "bulk": measure_bulk_read,
        "map": lambda: measure_regions(stub),
        "exports": lambda: measure_exports(stub),
        "expressions": lambda: measure_expressions(stub),
    }
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
