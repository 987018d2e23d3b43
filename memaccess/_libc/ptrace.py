"""Stopping threads of other processes, and setting their registers: ``ptrace``, on x86-64.

https://man7.org/linux/man-pages/man2/ptrace.2.html
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes

from memaccess._libc.libc import library

# The kernel's include/uapi/linux/ptrace.h, and arch/x86/include/uapi/asm/ptrace-abi.h.
PTRACE_CONT = 7
PTRACE_GETREGS = 12
PTRACE_SETREGS = 13
PTRACE_DETACH = 17
PTRACE_SYSCALL = 24
PTRACE_GETSIGINFO = 0x4202
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_GETSIGMASK = 0x420A
PTRACE_SETSIGMASK = 0x420B
PTRACE_GET_RSEQ_CONFIGURATION = 0x420F
PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211
PTRACE_O_TRACESYSGOOD = 1
PTRACE_EVENT_STOP = 128
SYSCALL_STOP = 0x85
"""The code of a stop at a system call: SIGTRAP, and the bit that PTRACE_O_TRACESYSGOOD asks for."""

WALL = 0x4000_0000
"""For ``waitid``: __WALL, threads too."""


class Registers(ctypes.Structure):
    """``user_regs_struct`` of <sys/user.h>: what a 64-bit tracer sees, whatever the tracee runs."""

    _fields_ = [
        ("r15", ctypes.c_uint64),
        ("r14", ctypes.c_uint64),
        ("r13", ctypes.c_uint64),
        ("r12", ctypes.c_uint64),
        ("rbp", ctypes.c_uint64),
        ("rbx", ctypes.c_uint64),
        ("r11", ctypes.c_uint64),
        ("r10", ctypes.c_uint64),
        ("r9", ctypes.c_uint64),
        ("r8", ctypes.c_uint64),
        ("rax", ctypes.c_uint64),
        ("rcx", ctypes.c_uint64),
        ("rdx", ctypes.c_uint64),
        ("rsi", ctypes.c_uint64),
        ("rdi", ctypes.c_uint64),
        ("orig_rax", ctypes.c_uint64),
        ("rip", ctypes.c_uint64),
        ("cs", ctypes.c_uint64),
        ("eflags", ctypes.c_uint64),
        ("rsp", ctypes.c_uint64),
        ("ss", ctypes.c_uint64),
        ("fs_base", ctypes.c_uint64),
        ("gs_base", ctypes.c_uint64),
        ("ds", ctypes.c_uint64),
        ("es", ctypes.c_uint64),
        ("fs", ctypes.c_uint64),
        ("gs", ctypes.c_uint64),
    ]


class SignalInfo(ctypes.Structure):
    """``siginfo_t``, as far as all signals have it."""

    _fields_ = [
        ("signal", ctypes.c_int),
        ("error", ctypes.c_int),
        ("code", ctypes.c_int),
        ("rest", ctypes.c_char * 116),
    ]


class RseqConfiguration(ctypes.Structure):
    """``ptrace_rseq_configuration``: where a thread says in which critical section it is."""

    _fields_ = [
        ("address", ctypes.c_uint64),
        ("size", ctypes.c_uint32),
        ("signature", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
    ]


class SyscallUserDispatch(ctypes.Structure):
    """``ptrace_sud_config``: from where a thread may call the kernel.

    https://docs.kernel.org/admin-guide/syscall-user-dispatch.html
    """

    _fields_ = [
        ("mode", ctypes.c_uint64),
        ("selector", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("length", ctypes.c_uint64),
    ]


_ptrace = library.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def ptrace(request: int, thread: int, address: int = 0, data: int = 0) -> None:
    """Ask or tell something about a thread that this one traces.

    :raises OSError: the system refuses, or the thread does not stand still, or has ended.
    """
    if _ptrace(request, thread, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace 0x{request:x}")
