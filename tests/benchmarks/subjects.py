"""What is measured on: another process, opened by everyone, or this one with the system taken out."""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20

HOLDER = """
import ctypes, os, sys
memory = ctypes.create_string_buffer(bytes(range(256)) * (int(sys.argv[1]) // 256))
print(os.getpid(), ctypes.addressof(memory), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def other_process(size: int) -> Iterator[tuple[int, int]]:
    """Another program with *size* bytes of memory: its pid, and the address of them."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid, address = map(int, process.stdout.readline().split())
        yield pid, address
        process.communicate("")


class Peers(NamedTuple):
    """What reads another process's memory, opened on it; None for a peer that this Python lacks."""

    view: Any
    pymem: Any
    editor: Any


@contextlib.contextmanager
def opened(pid: int, mode: str = "r") -> Iterator[Peers]:
    """A block with the process opened by memaccess, and by the peers that this Python has."""
    from memaccess import MemoryView

    with contextlib.ExitStack() as stack:
        view = stack.enter_context(MemoryView(pid, mode))
        pymem = editor = None
        with contextlib.suppress(ImportError):
            import pymem as pymem_package

            pymem = pymem_package.Pymem(pid)
            stack.callback(pymem.close_process)
        with contextlib.suppress(ImportError):
            import PyMemoryEditor

            editor = PyMemoryEditor.OpenProcess(pid=pid)
            stack.callback(editor.close)
        yield Peers(view, pymem, editor)


@contextlib.contextmanager
def replaced_by(stub: str, **functions: str) -> Iterator[None]:
    """A block in which every contender calls other functions in place of some of kernel32.

    :param stub: the DLL that has them.
    :param functions: their names, by the names of those that they replace.
    """
    with contextlib.ExitStack() as stack:
        for name, other in functions.items():
            for place, attribute in _places(name):
                original = getattr(place, attribute)
                stack.callback(setattr, place, attribute, original)
                setattr(place, attribute, like(stub, other, original))
        yield


def _places(name: str) -> Iterator[tuple[Any, str]]:
    """Where memaccess and its peers keep a function of kernel32."""
    from memaccess._backend.windows import _process
    from memaccess._win32 import kernel32

    yield (_process, "_read_memory") if name == "ReadProcessMemory" else (kernel32, name)
    with contextlib.suppress(ImportError):
        from pymem.ressources import kernel32 as pymem_functions

        yield pymem_functions, name
    with contextlib.suppress(ImportError):
        from PyMemoryEditor.win32 import functions

        yield functions.kernel32, name


def like(stub: str, name: str, original: Any) -> Any:
    """The function of that name in the stub, declared as *original* is."""
    dll = ctypes.WinDLL(stub, use_last_error=bool(original._flags_ & 0x10))
    # 32-bit compilers write the size of the arguments behind the name.
    function = getattr(dll, name, None) or getattr(dll, f"{name}@{4 * len(original.argtypes)}")
    function.argtypes, function.restype = original.argtypes, original.restype
    if original.errcheck is not None:
        function.errcheck = original.errcheck
    return function
