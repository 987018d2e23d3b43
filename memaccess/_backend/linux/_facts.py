"""Why Linux does not let a program be opened, and what to do about it; pure.

The rules are those of ptrace(2): https://man7.org/linux/man-pages/man2/ptrace.2.html
"""

from __future__ import annotations

from typing import NamedTuple

from memaccess._errors import Cause

_MOST_SHOWN = 5


class Facts(NamedTuple):
    """What is known of a program that could not be opened, and of who asked."""

    pid: int
    name: str = ""
    own_user: int = 0
    user: int | None = None
    """Who runs it; None where that is not known."""
    leader: int | None = None
    """The process that it is a thread of, where it is one."""
    is_kernel_thread: bool = False
    ptrace_scope: int = 0
    """``/proc/sys/kernel/yama/ptrace_scope``; 0 where the kernel has no such rule."""
    is_dumpable: bool = True
    """Whether others may look at it; else its files in /proc are root's."""
    is_hidden: bool = False
    """Whether it runs, and /proc does not show it."""
    may_trace: bool = False
    """Whether this Python has the capability CAP_SYS_PTRACE."""
    windows_programs: tuple[tuple[str, int], ...] = ()
    """The names and pids of the programs of Windows that run."""


def why_not_opened(facts: Facts, cause: Cause) -> str:
    """Why a program could not be opened, and what to do about it, as sentences; ``''`` where nothing is known."""
    if cause is Cause.NO_PROCESS:
        return _why_not_found(facts)
    if cause is Cause.PROTECTED and facts.is_kernel_thread:
        return f"{_who(facts)} is a thread of the kernel, which has no memory of its own."
    if cause is Cause.DENIED:
        return _why_denied(facts)
    return ""


def _who(facts: Facts) -> str:
    return f"Process {facts.pid} ({facts.name})" if facts.name else f"Process {facts.pid}"


def _why_not_found(facts: Facts) -> str:
    if facts.leader is not None:
        return f"{facts.pid} is a thread of process {facts.leader}; open that one."
    return (
        f"No process with pid {facts.pid} is running; it may have ended. "
        f"memaccess.list_processes() shows those that are.{_other_pids(facts.windows_programs)}"
    )


def _other_pids(programs: tuple[tuple[str, int], ...]) -> str:
    if not programs:
        return ""
    shown = ", ".join(f"{name} is {pid}" for name, pid in programs[:_MOST_SHOWN])
    more = ", and so on" if len(programs) > _MOST_SHOWN else ""
    return f" Windows has other pids than Linux for programs under Wine; here {shown}{more}."


def _why_denied(facts: Facts) -> str:
    if facts.is_hidden:
        return (
            f"{_who(facts)} belongs to another user, and this system hides the processes of others (/proc is mounted "
            f"with the option hidepid). Run Python as that user, or as root."
        )
    if facts.own_user == 0 and not facts.may_trace:
        return (
            "This Python is root without the right to look into other programs (CAP_SYS_PTRACE), as in most "
            "containers. Start the container with --cap-add=SYS_PTRACE."
        )
    if facts.user is not None and facts.user != facts.own_user and facts.own_user:
        owner = "root" if facts.user == 0 else f"the user with the number {facts.user}"
        # The right alone (CAP_SYS_PTRACE) does not help: /proc/PID/mem is a file that its owner alone may open.
        return (
            f"{_who(facts)} belongs to {owner}, and this Python to another user. "
            "Run Python as that user, or as root."
        )
    if facts.ptrace_scope == 3:
        return (
            "The system lets nobody at the memory of others (kernel.yama.ptrace_scope is 3), and that can't be "
            "changed before the next start of the machine."
        )
    if facts.may_trace:
        return (
            f"{_who(facts)} can't be opened although this Python has the right to (CAP_SYS_PTRACE): a security "
            "module forbids it, such as SELinux or AppArmor, or the program is in another container or "
            "user namespace, or protects itself against all but root (prctl PR_SET_DUMPABLE)."
        )
    if not facts.is_dumpable:
        return (
            f"{_who(facts)} protects itself against being looked at (prctl PR_SET_DUMPABLE), or has rights that this "
            "Python lacks. Run Python as root."
        )
    if facts.ptrace_scope == 2:
        return (
            "The system lets only administrators at the memory of others (kernel.yama.ptrace_scope is 2). "
            f"Run Python as root{_or_capability()}."
        )
    if facts.ptrace_scope == 1:
        return (
            "The system lets a program only at the memory of programs that it has started itself "
            "(kernel.yama.ptrace_scope is 1). Start the program from this Python; or run Python as root"
            f"{_or_capability()}; or lift the rule until the next start of the machine with "
            "'sudo sysctl kernel.yama.ptrace_scope=0'."
        )
    return (
        f"{_who(facts)} may not be opened: a container forbids it, or a security module such as SELinux or AppArmor. "
        f"Run Python as root{_or_capability()}; start a container with --cap-add=SYS_PTRACE."
    )


def _or_capability() -> str:
    return ", or give it the right: sudo setcap cap_sys_ptrace+ep $(readlink -f $(which python3))"
