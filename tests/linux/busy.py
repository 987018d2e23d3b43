"""A program that is busy in all the ways that must survive being stopped: one JSON object per line.

``report`` says how often each of its threads went round, and how often one found something wrong.
"""

from __future__ import annotations

import collections
import ctypes
import errno
import hashlib
import json
import os
import queue
import select
import signal
import sys
import threading
import time

ROUNDS: collections.Counter[str] = collections.Counter()
WRONG: collections.Counter[str] = collections.Counter()
NAP = 0.02


def compute() -> None:
    """Fill the vector registers, outside of the interpreter's lock."""
    data = bytes(range(256)) * 1024
    right = hashlib.sha256(data).digest()
    while True:
        WRONG["compute"] += hashlib.sha256(data).digest() != right
        ROUNDS["compute"] += 1


def nap() -> None:
    """Wait in a system call that the kernel restarts with what is left of its time."""
    while True:
        start = time.monotonic()
        time.sleep(NAP)
        WRONG["nap"] += time.monotonic() - start < NAP
        ROUNDS["nap"] += 1


def poll() -> None:
    """Wait in one that it restarts in another way."""
    reader, _ = os.pipe()
    waiting = select.poll()
    waiting.register(reader, select.POLLIN)
    while True:
        start = time.monotonic()
        WRONG["poll"] += bool(waiting.poll(NAP * 1000)) or time.monotonic() - start < NAP
        ROUNDS["poll"] += 1


def wait_for_events() -> None:
    """Wait in one that it does not restart; Python's own epoll would hide that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # the alarm would end it too
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.epoll_create1(0)
    events = ctypes.create_string_buffer(12)
    while True:
        WRONG["events"] += libc.epoll_wait(descriptor, events, 1, int(NAP * 1000)) != 0
        ROUNDS["events"] += 1


def wait_for_signals() -> None:
    """As above; the signals are blocked in this thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    wanted = ctypes.c_uint64(1 << signal.SIGUSR2 - 1)
    times = (ctypes.c_long * 2)(0, int(NAP * 1e9))
    while True:
        ended = libc.syscall(128, ctypes.byref(wanted), None, times, 8)
        WRONG["signals"] += (ended, ctypes.get_errno()) != (-1, errno.EAGAIN)
        ROUNDS["signals"] += 1


def wait_for_another() -> None:
    """Wait for another thread."""
    asked: queue.Queue[int] = queue.Queue()
    answers: queue.Queue[int] = queue.Queue()

    def answer() -> None:
        while True:
            answers.put(asked.get() + 1)

    threading.Thread(target=answer, daemon=True).start()
    while True:
        number = ROUNDS["wait"]
        asked.put(number)
        WRONG["wait"] += answers.get() != number + 1
        ROUNDS["wait"] += 1


def alarm(*_: object) -> None:
    ROUNDS["alarm"] += 1


def main() -> None:
    """Obey the commands that come on standard input until it ends."""
    signal.signal(signal.SIGALRM, alarm)
    for work in (compute, nap, poll, wait_for_another, wait_for_events, wait_for_signals):
        threading.Thread(target=work, daemon=True).start()
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    print(json.dumps({"pid": os.getpid(), "threads": len(os.listdir("/proc/self/task"))}), flush=True)
    for line in sys.stdin:
        if line.strip() == "report":
            print(json.dumps({"rounds": ROUNDS, "wrong": WRONG}), flush=True)
        else:
            os._exit(int(line))


if __name__ == "__main__":
    main()
