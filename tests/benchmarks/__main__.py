"""How fast memaccess is, beside the bare call and its peers, all in one run.

    python tests/benchmarks          on Linux: in the 64-bit Windows Python under Wine
    python tests/benchmarks --here   in this Python: on Windows with the peers that it has, on Linux natively
    python tests/benchmarks map      only that; the others are import, typed, bulk, exports, expressions, scans, pointers,
                                     and natively on Linux import, typed, batch, bulk, scans, pointers

With --mib=1024 as much memory is scanned. With --32 it is the 32-bit Windows Python, and natively on Linux a 32-bit program that is read.

The figures are medians of interleaved rounds. What counts are the ratios: another machine, or the
same one an hour later, has other absolute times.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGETS = HERE.parent / "targets"
sys.path.append(str(TARGETS))

from _cache import cache_folder, digest, made  # noqa: E402 - found beside the targets
from _zig import LINUX, RECIPE, WINDOWS, Platform, compile_program, pip  # noqa: E402
from build import folder_of_targets  # noqa: E402

CHECKOUT = HERE.parent.parent
PEERS = ("pymem==1.14.0", "PyMemoryEditor==3.4.0", "numpy==2.0.2", "pefile==2024.8.26")
PEERS_ON_LINUX = ("PyMemoryEditor==3.4.0", "numpy>=2.0.2")  # which NumPy there is depends on this Python


def main(words: list[str]) -> int:
    """Measure; the exit code."""
    bits = 32 if "--32" in words else 64
    rows = [word for word in words if not word.startswith("--")]
    sizes = [word.partition("=")[2] for word in words if word.startswith("--mib=")]
    mib = sizes[0] if sizes else "256"
    if sys.platform == "linux" and "--here" in words:
        return _natively(bits, mib, rows)
    given = [_stub(bits), *_programs(bits, WINDOWS), mib]
    if sys.platform == "win32" or "--here" in words:
        return subprocess.call([sys.executable, HERE / "measure.py", *given, *rows])
    wine = [sys.executable, str(HERE.parent / "wine")]
    subprocess.run([*wine, "provision", "--bits", str(bits)], check=True)
    subprocess.run([*wine, "install", str(bits), *PEERS], check=True)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [*wine, "python", str(bits), "--extras", str(HERE / "measure.py"), *map(str, given), *rows]
    return subprocess.call(command, env=environment)


def _natively(bits: int, mib: str, rows: list[str]) -> int:
    """Read a program of Linux, with the peers beside this Python's own packages, which don't count."""
    python = _environment_of_peers() / "bin" / "python"
    target = folder_of_targets(LINUX) / f"pages-{bits}"
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONPYCACHEPREFIX": str(cache_folder() / "pyc"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else importing is measured with compiling
    words = [python, HERE / "measure.py", target, *_programs(bits, LINUX), mib, *rows]
    return subprocess.call(words, env=environment)


def _environment_of_peers() -> Path:
    """This Python, in an environment that has the peers and nothing else."""
    recipe = digest(str(PEERS_ON_LINUX), sys.version, sys.base_prefix)

    def make(unfinished: Path) -> None:
        venv.create(unfinished, symlinks=True)  # without its pip, which Debian packs apart
        packages = sysconfig.get_path("purelib", "posix_prefix", {"base": str(unfinished)})
        pip("install", "--target", packages, *PEERS_ON_LINUX)

    return made(cache_folder() / f"peers-{recipe}", make, "installing what memaccess is measured beside")


def _stub(bits: int) -> Path:
    """The compiled DLL that stands in for functions of kernel32."""
    source = HERE / "stub.c"
    folder = cache_folder() / f"stub-{digest(RECIPE, source)}"

    def make(unfinished: Path) -> None:
        for width in (64, 32):
            compile_program(width, unfinished / f"stub-{width}.dll", "-shared", source)

    return made(folder, make, "compiling the stub of the benchmarks") / f"stub-{bits}.dll"


def _programs(bits: int, platform: Platform) -> list[Path]:
    """The compiled programs that are searched: for values, and for pointers."""
    header, sources = TARGETS / "target.h", [HERE / "field.c", HERE / "heap.c"]
    folder = cache_folder() / f"searched-{digest(platform.recipe, str(bits), header, *sources)}"
    ending = ".exe" if platform is WINDOWS else ""

    def make(unfinished: Path) -> None:
        for source in sources:
            program = unfinished / f"{source.stem}-{bits}{ending}"
            compile_program(bits, program, f"-I{TARGETS}", source, platform=platform)

    made(folder, make, "compiling the programs that are searched")
    return [folder / f"{source.stem}-{bits}{ending}" for source in sources]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
