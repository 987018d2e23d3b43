"""The other layout of Wine: 32-bit programs in 64-bit processes, as later Wines and Protons run them.

Debian's Wine 8 has all that takes, and uses it where there is no 32-bit loader beside the 64-bit one
(``loader_exec`` in dlls/ntdll/unix/loader.c). So a copy without one is made.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from _cache import cache_folder, digest, made
from _impossible import ImpossibleError

PARTS = ("x86_64-unix", "x86_64-windows")
LIBRARIES = "lib/x86_64-linux-gnu"
WINDOWS_32 = "lib/i386-linux-gnu/wine/i386-windows"


def ensure_wow64_loader(version: str, root: Path = Path("/usr")) -> Path:
    """Return the program that begins it, made at the first call.

    :param version: of the Wine that is copied.
    """
    parts = [root / "lib/wine/wine64", root / WINDOWS_32, root / "share/wine"]
    parts += [root / LIBRARIES / "wine" / part for part in PARTS]
    missing = [str(part) for part in parts if not part.exists()]
    if missing:
        raise ImpossibleError(f"This Wine is laid out in another way than Debian's: no {', '.join(missing)}.")
    folder = cache_folder() / f"wow64-wine-{digest(version, str(root))}"
    made(folder, lambda unfinished: _copy(root, unfinished), "copying Wine without its 32-bit loader")
    return folder / "lib/wine/wine64"


def _copy(root: Path, folder: Path) -> None:
    # Wine looks for its parts from where its files really are: links to files would lead it back.
    programs, libraries = folder / "lib/wine", folder / LIBRARIES / "wine"
    programs.mkdir(parents=True)
    shutil.copy2(root / "lib/wine/wine64", programs / "wine64")
    shutil.copy2(root / "lib/wine/wineserver64", programs / "wineserver")
    libraries.mkdir(parents=True)
    shutil.copytree(root / LIBRARIES / "wine/x86_64-unix", libraries / "x86_64-unix")
    (libraries / "x86_64-windows").symlink_to(root / LIBRARIES / "wine/x86_64-windows")
    (libraries / "i386-windows").symlink_to(root / WINDOWS_32)
    (folder / "share").mkdir()
    (folder / "share/wine").symlink_to(root / "share/wine")
