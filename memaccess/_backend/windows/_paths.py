"""Windows' own names of files, as the names that users know. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 32768
"""Characters of the longest path of Windows."""
_LINKS = "\\??\\"
_NETWORK = "\\Device\\Mup\\"


def dos_path(native: str, devices: Iterable[tuple[str, str]]) -> str:
    r"""The path of a file with its drive, from the one with its device.

    :param native: such as ``\Device\HarddiskVolume3\games\game.exe``.
    :param devices: the drives, such as ``C:``, and the device that each of them stands for.
    :returns: such as ``C:\games\game.exe``; *native* itself, where it is on no drive.

    https://learn.microsoft.com/windows/win32/memory/obtaining-a-file-name-from-a-file-handle
    """
    if native.startswith(_LINKS):  # Wine 8 answers so
        path = native[len(_LINKS) :]
        if path.startswith("UNC\\"):
            return "\\" + path[len("UNC") :]
        return path if path[1:3] == ":\\" else "\\\\?\\" + path
    if native.startswith(_NETWORK):
        return "\\\\" + native[len(_NETWORK) :]
    for drive, device in devices:
        if native.startswith(device + "\\"):  # HarddiskVolume1 is no beginning of HarddiskVolume10
            return drive + native[len(device) :]
    return native


def file_name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("\\")[2]
