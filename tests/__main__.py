"""The project's two commands, which need nothing but Python.

    python tests demo   installs memaccess and shows it at work
    python tests        passes all the tests

Both run tox in an environment of their own, kept in the cache folder; further words are tox's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "targets"))

from _cache import cache_folder, digest, say  # noqa: E402 - found beside the targets

TOX = "tox>=4.21,<5"
OLDEST_PYTHON = (3, 10)


def main(words: list[str]) -> int:
    """Run what the words ask for; the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        say(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or later is needed, and this is {sys.version.split()[0]}"
        )
        return 1
    if words[:1] == ["demo"]:
        words = ["run", "-q", "-e", "demo", *words[1:]]
    # tox takes packages for its environments from the same place as everything else does: pip.
    command = [str(_tox()), *words]
    return subprocess.run(command, cwd=HERE.parent, check=False).returncode


def _tox() -> Path:
    """The tox program, installed if it is not there yet."""
    folder = cache_folder() / f"tox-{digest(TOX, sys.version, sys.executable)}"
    if not (folder / "done").exists():
        say("installing tox into an environment of its own")
        shutil.rmtree(folder, ignore_errors=True)
        _make_environment(folder)
        python = _program(folder, "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", TOX], check=True)
        (folder / "done").touch()
    return _program(folder, "tox")


def _make_environment(folder: Path) -> None:
    try:
        venv.create(folder, with_pip=True)
    except subprocess.CalledProcessError:
        # Debian packs venv apart from Python.
        _install_debian_venv()
        venv.create(folder, with_pip=True, clear=True)


def _install_debian_venv() -> None:
    package = "python{}.{}-venv".format(*sys.version_info)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SystemExit(
            f"memaccess tests: this Python lacks venv; install it (on Debian: apt-get install {package})"
        )
    say(f"installing Debian's {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    subprocess.run(["apt-get", "install", "-qq", "-y", package], check=True, env=environment)


def _program(folder: Path, name: str) -> Path:
    return folder / "Scripts" / f"{name}.exe" if sys.platform == "win32" else folder / "bin" / name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
