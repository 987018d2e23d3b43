"""One C compiler for programs of Windows and of Linux, the same on every host: Zig's, from PyPI."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from _cache import cache_folder, made

if TYPE_CHECKING:
    from pathlib import Path

ZIG_VERSION = "0.15.2"

FLAGS = ("-std=c11", "-O1", "-g0", "-Wall", "-Wextra", "-Werror")


class Platform(NamedTuple):
    """What programs are compiled for."""

    triples: dict[int, str]
    flags: tuple[str, ...]
    folder: str
    """Where the sources are that are its alone, beside this file."""

    @property
    def recipe(self) -> str:
        """All that makes a difference to what comes out, beside the sources."""
        return f"{ZIG_VERSION} {self.triples} {(*FLAGS, *self.flags)}"


WINDOWS = Platform({64: "x86_64-windows-gnu", 32: "x86-windows-gnu"}, ("-municode",), ".")
# Without a library that is loaded: a 32-bit one is rarely installed.
LINUX = Platform({64: "x86_64-linux-musl", 32: "x86-linux-musl"}, ("-static",), "linux")
# With the loader of glibc, where a machine has it, and with libraries of their own.
LINUX_LOADED = Platform(
    {64: "x86_64-linux-gnu.2.28", 32: "x86-linux-gnu.2.28"}, ("-no-pie", "-rdynamic"), "linux"
)
LINUX_LIBRARY = LINUX._replace(flags=("-shared", "-nostdlib"))
RECIPE = WINDOWS.recipe


def pip(*arguments: str | Path) -> None:
    """Run the pip of the running Python, quietly."""
    subprocess.run(
        [sys.executable, "-m", "pip", "-qq", "--no-input", *arguments],
        check=True,
        stdout=sys.stderr,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )


def _install(folder: Path) -> None:
    pip("install", "--no-deps", "--no-compile", "--target", folder, f"ziglang=={ZIG_VERSION}")


def compiler() -> Path:
    """Return the path of the compiler, installed into the cache at its first use."""
    home = cache_folder() / f"zig-{ZIG_VERSION}"
    made(home, _install, f"installing the C compiler (ziglang {ZIG_VERSION})")
    return home / "ziglang" / ("zig.exe" if sys.platform == "win32" else "zig")


def compile_program(bits: int, program: Path, *arguments: str | Path, platform: Platform = WINDOWS) -> None:
    """Compile one program of the given width; ``arguments`` are sources and options."""
    own = str(cache_folder() / "zig-cache")
    with_symbols = "-g" in arguments
    flags = [
        flag for flag in (*FLAGS, *platform.flags) if not (with_symbols and flag == "-g0")
    ]  # where both are, -g0 wins
    subprocess.run(
        [compiler(), "cc", "-target", platform.triples[bits], *flags, *arguments, "-o", program],
        check=True,
        stdout=sys.stderr,
        env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": own, "ZIG_LOCAL_CACHE_DIR": own},
    )
    if not with_symbols:  # the linker leaves debug data beside the program even with -g0 (Zig 0.15)
        program.with_suffix(".pdb").unlink(missing_ok=True)
