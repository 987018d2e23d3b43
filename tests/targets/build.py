"""Compile the target programs, 64-bit and 32-bit, on any host; print the folder they are in.

    python tests/targets/build.py [--linux]

The programs are described in ``target.h``, and a DLL is among them. They are called ``<name>-64.exe`` and
``<name>-32.exe``, those of Linux ``<name>-64`` and ``<name>-32``, and are compiled again only when a
source or the compiler changed. The library of Linux, ``offered-64-<table>.so``, is there with each table that a
loader looks names up in.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from _cache import cache_folder, digest, made
from _zig import LINUX, LINUX_LIBRARY, LINUX_LOADED, WINDOWS, Platform, compile_program, compiler

HERE = Path(__file__).resolve().parent
PARTS = HERE / "parts"
OPTIONS = {"named": ("-g", PARTS / "named_too.c"), "small": ("-shared", "-nostdlib")}
"""Those with debug symbols, whose .pdb is then beside them, of several files, and those that are DLLs."""
LINUX_PARTS = HERE / "linux" / "parts"
OF_BOTH = (HERE / "counting.c", HERE / "finding.c", HERE / "scanning.c", HERE / "values.c")
"""Those that are programs of Windows and of Linux."""
LINUX_OPTIONS = {"loader": (LINUX_LOADED, "-ldl")}
TABLES = ("sysv", "gnu", "both")
"""What the library's table of names is, as linkers call it."""


def _compile_all(platform: Platform, bits: int, folder: Path) -> None:
    if platform is LINUX:
        _compile_all_of_linux(bits, folder)
        return
    for source in sorted((HERE / platform.folder).glob("*.c")):
        options = OPTIONS.get(source.stem, ("-luser32",))
        ending = "dll" if "-shared" in options else "exe"
        compile_program(bits, folder / f"{source.stem}-{bits}.{ending}", source, *options)


def _compile_all_of_linux(bits: int, folder: Path) -> None:
    for source in (*sorted((HERE / LINUX.folder).glob("*.c")), *OF_BOTH):
        platform, *options = LINUX_OPTIONS.get(source.stem, (LINUX,))
        compile_program(bits, folder / f"{source.stem}-{bits}", source, *options, platform=platform)
    for table in TABLES:
        options = f"-Wl,--hash-style={table}", f"-Wl,--version-script={LINUX_PARTS / 'offered.map'}"
        library = folder / f"offered-{bits}-{table}.so"
        compile_program(bits, library, LINUX_PARTS / "offered.c", *options, platform=LINUX_LIBRARY)


def _make(platform: Platform, folder: Path) -> None:
    compiler()
    with ThreadPoolExecutor() as both:
        for result in [both.submit(_compile_all, platform, bits, folder) for bits in platform.triples]:
            result.result()


def folder_of_targets(platform: Platform = WINDOWS) -> Path:
    """Return the folder of the built targets, building them if a source changed."""
    home = HERE / platform.folder
    parts = LINUX_PARTS.glob("*") if platform is LINUX else PARTS.glob("*.c")
    sources = sorted({*home.glob("*.c"), *HERE.glob("*.h"), *OF_BOTH, *parts})
    options = {name: [Path(part).name for part in parts] for name, parts in OPTIONS.items()}
    recipe = digest(
        platform.recipe,
        str((LINUX_LOADED, LINUX_LIBRARY, LINUX_OPTIONS, TABLES) if platform is LINUX else options),
        *(part for source in sources for part in (source.name, source)),
    )
    folder = cache_folder() / "targets" / f"targets-{recipe}"
    return made(
        folder, partial(_make, platform), "compiling the target programs (the first time takes two minutes)"
    )


if __name__ == "__main__":
    print(folder_of_targets(LINUX if "--linux" in sys.argv[1:] else WINDOWS))
