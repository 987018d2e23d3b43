"""What tests ask Linux, apart from memaccess' own questions: what is checked must not check itself."""

from __future__ import annotations

import os
from pathlib import Path


def descriptor_count() -> int:
    """How many file descriptors this process has open, beside the one that this question takes."""
    return len(os.listdir("/proc/self/fd"))


def used_memory() -> int:
    """How many bytes of memory this process uses."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def child_processes() -> set[int]:
    """The pids of the programs that this process has started and that still run."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text(errors="replace").split(" ", 1)
        except OSError:
            continue  # it has ended meanwhile
        state, parent, *_ = rest.rpartition(")")[2].split()
        if int(parent) == os.getpid() and state not in "ZX":
            found.add(int(pid))
    return found


def state_of(pid: int) -> str:
    """The letter that /proc has for how a process is: ``Z`` where it has ended and its parent has not asked."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]


def is_traced(pid: int) -> bool:
    """Whether all threads of a process stand still because another one has stopped them."""
    states = [stat.read_text(errors="replace") for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state.rpartition(")")[2].split()[0] == "t" for state in states)


def is_held(pid: int) -> bool:
    """Whether all threads of a process stand still because another one traces them, or have ended."""
    stats = (each.read_text(errors="replace") for each in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(stat.rpartition(")")[2].split()[0] in "tZX" for stat in stats)


def code_files(pid: int) -> set[str]:
    """The files that a process runs code of, and what the kernel itself has put there."""
    lines = (line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines())
    return {parts[5] for parts in lines if "x" in parts[1] and len(parts) > 5 and parts[5] != "[vsyscall]"}


def elf_class(pid: int) -> int:
    """How wide the process is for Linux: 32 or 64."""
    with open(f"/proc/{pid}/exe", "rb") as file:
        return {1: 32, 2: 64}[file.read(5)[4]]
