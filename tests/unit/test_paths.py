"""Windows' own names of files, as the names that users know."""

from __future__ import annotations

import pytest

from memaccess._backend.windows._paths import dos_path

DRIVES = [("C:", r"\Device\HarddiskVolume1"), ("D:", r"\Device\HarddiskVolume10"), ("E:", r"\Device\CdRom0")]


@pytest.mark.parametrize(
    ("native", "path"),
    [
        (r"\Device\HarddiskVolume1\game\game.exe", r"C:\game\game.exe"),
        (r"\Device\HarddiskVolume10\game.exe", r"D:\game.exe"),
        (r"\Device\CdRom0\setup.exe", r"E:\setup.exe"),
        (r"\Device\Mup\server\share\game.exe", r"\\server\share\game.exe"),
        (r"\??\Z:\tmp\game.exe", r"Z:\tmp\game.exe"),
        (r"\??\UNC\server\share\game.exe", r"\\server\share\game.exe"),
        (r"\??\unix\tmp\game.exe", r"\\?\unix\tmp\game.exe"),
        (r"\Device\HarddiskVolume2\game.exe", r"\Device\HarddiskVolume2\game.exe"),
        ("", ""),
    ],
)
def test_a_device_becomes_the_drive_that_stands_for_it(native, path):
    assert dos_path(native, DRIVES) == path
