"""Why Linux does not let a program be opened, and what to do: every reason, without any of them."""

from __future__ import annotations

import pytest

from memaccess._backend.linux._facts import Facts, why_not_opened
from memaccess._errors import Cause

GAME = Facts(4242, name="game", own_user=1000, user=1000)


@pytest.mark.parametrize(
    ("facts", "beginning", "advice"),
    [
        (GAME._replace(is_hidden=True), "Process 4242 (game) belongs to another user, and this system hides", "as root."),
        (GAME._replace(user=0), "Process 4242 (game) belongs to root", "Run Python as that user, or as root."),
        (GAME._replace(user=1001), "Process 4242 (game) belongs to the user with the number 1001", "as that user"),
        # Root of a container that has taken the right away: whoever the program belongs to.
        (GAME._replace(own_user=0, user=0), "This Python is root without the right", "--cap-add=SYS_PTRACE"),
        (GAME._replace(own_user=0, user=1000), "This Python is root without the right", "--cap-add=SYS_PTRACE"),
        (GAME._replace(own_user=0, ptrace_scope=1), "This Python is root without the right", "--cap-add=SYS_PTRACE"),
        (GAME._replace(ptrace_scope=3, may_trace=True), "The system lets nobody", "the next start of the machine"),
        # These rules let that right pass: something else forbids it.
        (GAME._replace(ptrace_scope=1, may_trace=True), "Process 4242 (game) can't be opened although", "SELinux"),
        (GAME._replace(ptrace_scope=2, may_trace=True), "Process 4242 (game) can't be opened although", "SELinux"),
        (GAME._replace(own_user=0, user=1000, may_trace=True), "Process 4242 (game) can't be opened although", "module"),
        # To change the rule would not help.
        (GAME._replace(ptrace_scope=1, is_dumpable=False), "Process 4242 (game) protects itself", "Run Python as root."),
        (GAME._replace(ptrace_scope=2), "The system lets only administrators", "setcap cap_sys_ptrace"),
        (GAME._replace(ptrace_scope=1), "The system lets a program only at the memory of programs that it has", "sysctl"),
        (GAME, "Process 4242 (game) may not be opened: a container forbids it", "--cap-add=SYS_PTRACE"),
    ],
)  # fmt: skip
def test_who_may_not_is_told_why_and_what_to_do(facts, beginning, advice):
    told = why_not_opened(facts, Cause.DENIED)
    assert told.startswith(beginning)
    assert advice in told


def test_pids_of_windows_are_told_apart():
    facts = Facts(32, windows_programs=(("game.exe", 4242), ("start.exe", 4243)))
    assert why_not_opened(facts, Cause.NO_PROCESS).endswith(
        "Windows has other pids than Linux for programs under Wine; here game.exe is 4242, start.exe is 4243."
    )
    many = tuple((f"{number}.exe", number) for number in range(9))
    told = why_not_opened(facts._replace(windows_programs=many), Cause.NO_PROCESS)
    assert told.endswith("here 0.exe is 0, 1.exe is 1, 2.exe is 2, 3.exe is 3, 4.exe is 4, and so on.")


def test_what_is_no_program_is_said_to_be_none():
    assert (
        why_not_opened(Facts(5, leader=4), Cause.NO_PROCESS) == "5 is a thread of process 4; open that one."
    )
    assert why_not_opened(Facts(6), Cause.NO_PROCESS).startswith(
        "No process with pid 6 is running; it may have"
    )
    told = why_not_opened(Facts(2, name="kthreadd", is_kernel_thread=True), Cause.PROTECTED)
    assert told == "Process 2 (kthreadd) is a thread of the kernel, which has no memory of its own."
    assert why_not_opened(Facts(2), Cause.OTHER) == ""
