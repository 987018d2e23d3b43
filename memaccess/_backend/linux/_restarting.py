"""The system calls that end with EINTR when their thread is stopped, and can be made once more.

Others the kernel restarts itself (signal(7), "Interruption of system calls and library functions by stop signals");
and of others it is not known that nothing has been done yet. One with a time to wait waits that long once more.

https://man7.org/linux/man-pages/man7/signal.7.html, and the numbers of the kernel's
arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl
"""

from __future__ import annotations

_OF_64 = {
    "read": 0,
    "write": 1,
    "readv": 19,
    "writev": 20,
    "accept": 43,
    "sendto": 44,
    "recvfrom": 45,
    "sendmsg": 46,
    "recvmsg": 47,
    "semop": 65,
    "msgsnd": 69,
    "msgrcv": 70,
    "rt_sigtimedwait": 128,
    "io_getevents": 208,
    "semtimedop": 220,
    "epoll_wait": 232,
    "epoll_pwait": 281,
    "accept4": 288,
    "recvmmsg": 299,
    "io_pgetevents": 333,
    "io_uring_enter": 426,
    "epoll_pwait2": 441,
}
_OF_32 = {
    "read": 3,
    "write": 4,
    "ipc": 117,
    "readv": 145,
    "writev": 146,
    "rt_sigtimedwait": 177,
    "io_getevents": 247,
    "epoll_wait": 256,
    "epoll_pwait": 319,
    "recvmmsg": 337,
    "accept4": 364,
    "sendto": 369,
    "sendmsg": 370,
    "recvfrom": 371,
    "recvmsg": 372,
    "io_pgetevents": 385,
    "msgsnd": 400,
    "msgrcv": 401,
    "io_pgetevents_time64": 416,
    "recvmmsg_time64": 417,
    "semtimedop_time64": 420,
    "rt_sigtimedwait_time64": 421,
    "io_uring_enter": 426,
    "epoll_pwait2": 441,
}
RESTARTED = {64: frozenset(_OF_64.values()), 32: frozenset(_OF_32.values())}
"""Their numbers, by the width of the code that makes them."""
