"""What importing costs."""

from __future__ import annotations

import subprocess
import sys
import time

from rounds import interleaved, table, value_of, verdict

SEARCH = (
    "import os, memaccess; view = memaccess.MemoryView(os.getpid());"
    "view.scan('int', next(each for each in view.regions() if each.readable)).exact(1)"
)
IMPORTS = {
    "bare Python": "pass",
    "ctypes": "import ctypes",
    "memaccess": "import memaccess",
    "memaccess, a first scan, NumPy hidden": f"import sys; sys.modules['numpy'] = None; {SEARCH}",
    "memaccess, a first scan": SEARCH,
    "Pymem": "import pymem",
    "PyMemoryEditor, NumPy hidden": "import sys; sys.modules['numpy'] = None; import PyMemoryEditor",
    "PyMemoryEditor": "import PyMemoryEditor",
}


def start_seconds(code: str) -> float:
    """How long a Python takes that runs *code* and ends, in milliseconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return (time.perf_counter() - start) * 1e3


def importable(code: str) -> bool:
    """Whether the Python at hand has what *code* imports."""
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def measure_import() -> None:
    """The cost of importing, over a bare start of Python."""
    contenders = {
        name: (lambda code=code: start_seconds(code)) for name, code in IMPORTS.items() if importable(code)
    }
    figures = interleaved(contenders, rounds=9)
    bare = value_of(figures, "bare Python")
    table("import, cold process", "ms", figures, lambda figure: f"{figure.value - bare:+8.1f} ms over bare")
    own = value_of(figures, "memaccess") - bare
    for peer, bar in (("Pymem", 0.5), ("PyMemoryEditor", 0.25)):
        if peer in contenders:
            verdict(f"memaccess / {peer}", own / (value_of(figures, peer) - bare), bar)
