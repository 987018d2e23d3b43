"""The Windows that this Python runs on, through kernel32 and user32; the same under Wine."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import contextlib
import ctypes
from typing import TYPE_CHECKING, Any

from memaccess._backend.windows import _facts, _toolhelp
from memaccess._backend.windows._opening import OWN_MODEL, image_path, model_of, open_process
from memaccess._backend.windows._process import WideProcess, WindowsProcess
from memaccess._errors import Cause, SystemFailure
from memaccess._records import Access, ProcessInfo, WindowInfo
from memaccess._win32 import kernel32, user32
from memaccess._win32._codes import failure_from
from memaccess._win32._constants import (
    PROCESS_PROTECTION_LEVEL_INFO,
    PROTECTION_LEVEL_NONE,
    ProcessAccess,
)
from memaccess._win32._types import DWORD

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_VIEW = ProcessAccess.QUERY_LIMITED_INFORMATION | ProcessAccess.SYNCHRONIZE
_RIGHTS = {
    Access.READ: ProcessAccess.VM_READ,
    Access.WRITE: ProcessAccess.VM_WRITE | ProcessAccess.VM_OPERATION,
}


class Windows:
    """The Windows that this Python runs on."""

    def open(self, pid: int, access: Access, /) -> WindowsProcess:
        rights = _EVERY_VIEW
        for right, bits in _RIGHTS.items():
            if right in access:
                rights |= bits
        try:
            handle = open_process(pid, rights)
        except SystemFailure as trouble:
            if trouble.cause is Cause.DENIED and _is_protected(pid):
                trouble.cause = Cause.PROTECTED
            raise
        model = model_of(handle)
        if model.pointer_size > OWN_MODEL.pointer_size:
            return WideProcess(handle, pid, model)
        return WindowsProcess(handle, pid, model)

    def current_pid(self) -> int:
        return int(kernel32.GetCurrentProcessId())

    def processes(self, wanted: Callable[[str], bool] | None = None, /) -> list[ProcessInfo]:
        return [
            _describe(pid, name, parent_pid)
            for pid, name, parent_pid in _toolhelp.processes()
            if wanted is None or wanted(name)
        ]

    def process(self, pid: int, /) -> ProcessInfo | None:
        for each, name, parent_pid in _toolhelp.processes():
            if each == pid:
                return _describe(pid, name, parent_pid)
        return None

    def windows(self) -> list[WindowInfo]:
        handles: list[Any] = []

        def collect(window: Any, _: int) -> int:
            handles.append(window)
            return 1

        user32.EnumWindows(user32.WNDENUMPROC(collect), 0)
        return [info for info in map(_describe_window, handles) if info.title]

    def why_not_opened(self, pid: int, cause: Cause, /) -> str:
        name = ""
        if cause in (Cause.DENIED, Cause.PROTECTED):
            with contextlib.suppress(SystemFailure):  # the failure to open is the one to report
                name = next((name for each, name, _ in _toolhelp.processes() if each == pid), "")
        return _facts.why_not_opened(pid, name, cause)

    def refusal(self, cause: Cause, /) -> SystemFailure:
        return failure_from(cause)


def _is_protected(pid: int) -> bool:
    """Whether Windows protects the process from everybody, administrators included."""
    if kernel32.GetProcessInformation is None:
        return False
    level = DWORD()
    try:
        handle = open_process(pid, ProcessAccess.QUERY_LIMITED_INFORMATION)
        kernel32.GetProcessInformation(
            handle, PROCESS_PROTECTION_LEVEL_INFO, ctypes.byref(level), ctypes.sizeof(level)
        )
    except SystemFailure:
        return False  # whoever asks has a failure to report already
    return level.value != PROTECTION_LEVEL_NONE


def _describe(pid: int, name: str, parent_pid: int) -> ProcessInfo:
    try:
        handle = open_process(pid, ProcessAccess.QUERY_LIMITED_INFORMATION)
        return ProcessInfo(pid, name, image_path(handle), parent_pid, model_of(handle).bitness)
    except SystemFailure:
        return ProcessInfo(pid, name, None, parent_pid, None)


def _describe_window(window: Any) -> WindowInfo:
    pid = DWORD()
    user32.GetWindowThreadProcessId(window, ctypes.byref(pid))
    # The kernel keeps the titles of other programs' windows: this never waits for a program.
    buffer = ctypes.create_unicode_buffer(user32.GetWindowTextLengthW(window) + 1)
    user32.GetWindowTextW(window, buffer, len(buffer))
    return WindowInfo(buffer.value, pid.value)
