"""``python -m memaccess`` as a user runs it: another process, its output, its exit code."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import memaccess


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a Python of its own."""
    command = [sys.executable, "-m", "memaccess", *words]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_version_is_the_package_s() -> None:
    assert run("--version").stdout.strip() == f"memaccess {memaccess.__version__}"


def test_help_names_every_command() -> None:
    assert "demo" in run("--help").stdout


def test_without_a_command_it_says_what_is_missing() -> None:
    result = run()
    assert result.returncode == 2
    assert "COMMAND" in result.stderr


@pytest.mark.live
def test_the_demo_changes_what_the_game_says() -> None:
    lines = [line for line in run("demo").stdout.splitlines() if "The game says" in line]
    assert lines == [
        '  The game says:  "Ada has 100 health and 250 gold, and runs at 1.5"',
        '  The game says:  "Grace has 9999 health and 1000250 gold, and runs at 1.5"',
    ]


@pytest.mark.live
def test_the_demo_ends_well_and_its_game_with_it() -> None:
    result = run("demo")
    found = re.search(r"MemoryView\((\d+), 'rw'\)", result.stdout)
    assert found is not None
    assert (result.returncode, result.stderr) == (0, "")
    with pytest.raises(memaccess.ProcessNotFoundError):
        memaccess.find_process(int(found[1]))


@pytest.mark.live
def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    command = [sys.executable, "-u", "-m", "memaccess", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        demo.stdout.close()
        assert demo.stderr is not None
        assert demo.stderr.read() == b""
    assert demo.returncode == 1
