"""How fast memaccess is, beside the bare call and its peers, all in one run.

    python tests/benchmarks          on Linux: in the 64-bit Windows Python under Wine
    python tests/benchmarks --here   in this Python, with the peers that it has
    python tests/benchmarks map      only that; the others are import, typed, bulk, exports, expressions

The figures are medians of interleaved rounds. What counts are the ratios: another machine, or the
same one an hour later, has other absolute times.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "targets"))

from _cache import cache_folder, digest, made  # noqa: E402 - found beside the targets
from _zig import RECIPE, compile_program  # noqa: E402

PEERS = ("pymem==1.14.0", "PyMemoryEditor==3.4.0", "numpy==2.0.2", "pefile==2024.8.26")


def main(words: list[str]) -> int:
    """Measure; the exit code."""
    bits = 32 if "--32" in words else 64
    stub = _stub(bits)
    rows = [word for word in words if not word.startswith("--")]
    if sys.platform == "win32" or "--here" in words:
        return subprocess.call([sys.executable, HERE / "measure.py", stub, *rows])
    wine = [sys.executable, str(HERE.parent / "wine")]
    subprocess.run([*wine, "provision", "--bits", str(bits)], check=True)
    subprocess.run([*wine, "install", str(bits), *PEERS], check=True)
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    command = [*wine, "python", str(bits), "--extras", str(HERE / "measure.py"), str(stub), *rows]
    return subprocess.call(command, env=environment)


def _stub(bits: int) -> Path:
    """The compiled DLL that stands in for functions of kernel32."""
    source = HERE / "stub.c"
    folder = cache_folder() / f"stub-{digest(RECIPE, source)}"

    def make(unfinished: Path) -> None:
        for width in (64, 32):
            compile_program(width, unfinished / f"stub-{width}.dll", "-shared", source)

    return made(folder, make, "compiling the stub of the benchmarks") / f"stub-{bits}.dll"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
