"""Wine and a virtual screen from Debian's packages, for both widths of Windows programs.

Nothing is asked of apt when everything is there. Otherwise the 64-bit half is an ordinary
installation. The 32-bit half is too, except where the index of Debian's security updates cannot be
read for i386: then the amd64 libraries are newer than their i386 twins, and apt calls wine32
uninstallable, although the two would run side by side. In that case the packages are fetched one by
one and only their libraries are copied into the system, beside what is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from _cache import cache_folder, locked, say
from _impossible import ImpossibleError

UNIX_FOLDERS = {64: "x86_64-unix", 32: "i386-unix"}
LIBRARY_FOLDERS = ("lib/*/wine", "lib/wine", "lib64/wine", "lib32/wine")
PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool", "import": "imagemagick"}
COPIED = ("lib/i386-linux-gnu", "lib/ld-linux.so.2", "usr/lib/i386-linux-gnu", "usr/lib/wine")
I386_WINDOWS = "/usr/lib/{}/wine/i386-windows/zlib1.dll"


def wine_has(bits: int) -> bool:
    """Tell whether the installed Wine runs programs of this width."""
    pattern = f"{UNIX_FOLDERS[bits]}/ntdll.so"
    found = any(list(Path("/usr").glob(f"{home}/{pattern}")) for home in LIBRARY_FOLDERS)
    return found and shutil.which("wine") is not None


def ensure_packages(widths: Iterable[int]) -> None:
    """Install what is missing of Wine, the virtual screen and the tools that use it."""
    if not _missing(widths):
        return
    with locked("debian"):
        missing = _missing(widths)
        if missing:
            _install_all(missing)
    still = _missing(widths)
    if still:
        raise ImpossibleError(f"These Debian packages could not be installed: {' '.join(still)}.")


def _missing(widths: Iterable[int]) -> list[str]:
    needed = {64: ["wine", "wine64"], 32: ["wine32:i386"]}
    wine = [name for bits in (64, 32) if bits in widths and not wine_has(bits) for name in needed[bits]]
    return wine + [package for program, package in PROGRAMS.items() if not shutil.which(program)]


def _install_all(missing: list[str]) -> None:
    as_root = _becoming_root(missing)
    foreign = [name for name in missing if name.endswith(":i386")]
    if foreign:
        as_root("dpkg", "--add-architecture", "i386")
    say("reading Debian's package lists")
    as_root("apt-get", "update", "--quiet=2", check=False)
    plain = [name for name in missing if name not in foreign]
    if plain:
        say(f"installing the Debian packages {' '.join(plain)}")
        as_root(*_APT_INSTALL, *plain)
    if foreign:
        _install_wine32(as_root)


_APT_INSTALL = ("apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends")
AsRoot = Callable[..., int]


def _becoming_root(missing: list[str]) -> AsRoot:
    packages = " ".join(missing)
    if not shutil.which("apt-get"):
        raise ImpossibleError(f"This is no Debian; install what it calls {packages} by hand.")
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"]
    if prefix and (not shutil.which("sudo") or subprocess.call([*prefix, "true"])):
        raise ImpossibleError(
            f"Installing packages needs root or sudo without a password. "
            f"Run this once by hand: sudo sh -c 'dpkg --add-architecture i386 && apt-get update && "
            f"apt-get install --no-install-recommends {packages}'"
        )

    def as_root(*command: str | Path, check: bool = True) -> int:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # dpkg stays chatty when apt is asked to be quiet; what it said is shown if it fails.
        result = subprocess.run(
            [*prefix, *command],
            check=False,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if result.returncode and check:
            sys.stderr.buffer.write(result.stdout)
            raise ImpossibleError(f"`{' '.join(map(str, command))}` failed (see above).")
        return result.returncode

    return as_root


def _install_wine32(as_root: AsRoot) -> None:
    say("installing the Debian package wine32:i386")
    if as_root(*_APT_INSTALL, "wine32:i386", check=False) == 0:
        return
    say("apt finds wine32:i386 uninstallable; fetching its libraries one by one (142 MB)")
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        unpacked = _unpack(_download(_closure(), Path(scratch)))
        _copy_libraries(unpacked, as_root)


def _closure() -> list[str]:
    """Return wine32 and all it depends on, without what is only recommended."""
    left_out = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    output = subprocess.run(
        ["apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in left_out), "wine32:i386"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return sorted({line for line in output.splitlines() if line.endswith(":i386") and line[0].isalnum()})


def _download(packages: list[str], folder: Path) -> Path:
    debs = folder / "debs"
    debs.mkdir()
    subprocess.run(
        ["apt-get", "download", "--quiet=2", *packages],
        cwd=debs,
        check=True,
        stdout=sys.stderr,
        stderr=subprocess.DEVNULL,  # one warning per package that root downloads it
    )
    return debs


def _unpack(debs: Path) -> Path:
    root = debs.parent / "root"
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", deb, root], check=True)
    return root


def _copy_libraries(unpacked: Path, as_root: AsRoot) -> None:
    for name in COPIED:
        source = unpacked / name
        if source.exists():
            as_root("cp", "--archive", "--no-clobber", source, f"/{Path(name).parent}/")
    # The post-installation script of the package does this; without it every 32-bit program ends
    # with c0000135 (Wine 8.0).
    zlib, twin = (I386_WINDOWS.format(f"{cpu}-linux-gnu") for cpu in ("x86_64", "i386"))
    if Path(zlib).exists():
        as_root("cp", "--no-clobber", zlib, twin)
    as_root("ldconfig")
