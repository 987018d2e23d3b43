"""The Wine prefix: the folder that is drive C: and the registry of the Windows under test."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from _cache import cache_folder, digest, locked, made
from _debian import wine_has
from _impossible import ImpossibleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PATIENCE = 180  # seconds for a step that takes ten

# No program menus on the host, and no dialogs that offer to download .NET or a browser.
NO_DIALOGS = "winemenubuilder.exe=d;mscoree=d;mshtml=d"
# A target that crashes on purpose must simply end: no debugger that writes pages about it. Each
# width has its own registry.
DEBUGGER = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug"
NO_DEBUGGER = ("wine", "reg", "add", DEBUGGER, "/v", "Debugger", "/d", "false", "/f")
STEPS = (
    ("wine", "wineboot", "--init"),
    (*NO_DEBUGGER, "/reg:64"),
    (*NO_DEBUGGER, "/reg:32"),
    ("wineserver", "--wait"),
)


def prefix_folder() -> Path:
    """Return where the prefix is, or will be; another Wine or another width means another prefix."""
    widths = [str(bits) for bits in (64, 32) if wine_has(bits)]
    return cache_folder() / f"prefix-{digest(wine_version(), *widths, NO_DIALOGS, str(STEPS))}"


def ensure_prefix() -> Path:
    """Return the folder of the prefix, made at the first call."""
    return made(prefix_folder(), _make, "making the Wine prefix (about 20 seconds)")


def ensure_wow64_prefix(wine: Path) -> Path:
    """Return the folder of the prefix for another Wine, the one that *wine* begins."""
    prefix = prefix_folder().with_name(f"wow64-{prefix_folder().name}")
    return made(prefix, lambda folder: _make(folder, wine), "making the prefix of 64-bit processes alone")


def ensure_screen_prefix() -> Path:
    """Return the folder of a second prefix, for runs with a screen.

    A prefix has one desktop for all its programs, and whether that has a screen is settled by the
    first of them (Wine 8.0): with one prefix for both, windows could not be opened any more.
    """
    prefix = prefix_folder()
    screen = prefix.with_name(f"screen-{prefix.name}")
    return made(screen, lambda folder: _copy(prefix, folder), "making the prefix with a screen")


def _copy(prefix: Path, folder: Path) -> None:
    # Links, since Wine never writes into a program file; the registry, which it does, is outside.
    shutil.copytree(prefix / "drive_c", folder / "drive_c", symlinks=True, copy_function=os.link)
    shutil.copytree(prefix / "dosdevices", folder / "dosdevices", symlinks=True)
    for file in prefix.iterdir():
        if file.is_file():
            shutil.copy2(file, folder / file.name)


@contextmanager
def stopped_afterwards(prefix: Path) -> Iterator[Path]:
    """Lend the prefix to one run at a time; nothing in it outlives the run."""
    with locked(prefix.name):
        stop(prefix)
        try:
            yield prefix
        finally:
            stop(prefix)


def wine_environment(prefix: Path) -> dict[str, str]:
    """Return what Wine itself needs to be told."""
    return {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": NO_DIALOGS}


def loader(bits: int) -> str:
    """Return the command that runs a program of this width.

    The one called wine is the 32-bit one where there are both (Debian). It gives a 64-bit program
    to a helper, start.exe, and killing that would not end the program.
    """
    wide = shutil.which("wine64", path=f"{os.environ.get('PATH', '')}:/usr/lib/wine")
    return wide if bits == 64 and wide else "wine"


def stop(prefix: Path) -> None:
    """Stop every Windows program in the prefix, and its server."""
    environment = {**os.environ, **wine_environment(prefix)}
    for option in ("--kill", "--wait"):
        subprocess.run(["wineserver", option], env=environment, check=False, timeout=PATIENCE)


@cache
def wine_version() -> str:
    """Return what the installed Wine calls itself."""
    # WINEDEBUG: else Debian's script complains when only one width is installed.
    environment = {**os.environ, "WINEDEBUG": "-all"}
    return subprocess.check_output(["wine", "--version"], env=environment, text=True).strip()


def _make(folder: Path, wine: Path | None = None) -> None:
    try:
        for program, *words in STEPS:
            _step([program if wine is None or program != "wine" else str(wine), *words], folder)
    except BaseException:
        stop(folder)
        raise
    if not (folder / "drive_c" / "windows" / "system32" / "kernel32.dll").exists():
        raise ImpossibleError("`wine wineboot --init` made a prefix without a kernel32.dll.")


def _step(command: Sequence[str], folder: Path) -> None:
    environment = {**os.environ, **wine_environment(folder)}
    environment.pop("DISPLAY", None)
    subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=PATIENCE,
        # Ctrl+C in the middle would end Wine's server only, and wineboot waits for it for ever.
        start_new_session=True,
    )
