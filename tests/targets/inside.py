"""A program of Windows that says what memaccess shows of it, or of a program that it starts, from inside of Windows.

One JSON object per line, and one as its answer: the first key names a function of this file, and all are its
arguments.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import operator
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from support.notepad import Notepad, program_of
from support.starting import be_patient

from memaccess import MemoryView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HELD = {
    "int": ctypes.c_int(-123456789),
    "long": ctypes.c_long(-5),
    "long_long": ctypes.c_longlong(-(2**60)),
    "double": ctypes.c_double(0.1),
    "pointer": ctypes.c_size_t(0),
    "text": ctypes.create_unicode_buffer("Grüße \N{SNAKE}", 32),
}
CHILDREN: dict[int, subprocess.Popen[Any]] = {}
NOTEPADS: list[Notepad] = []


def about(about: int, addresses: list[str]) -> dict[str, Any]:
    """What a view of that program says; 0 is this one."""
    with MemoryView(about or os.getpid()) as view:
        modules = view.modules()
        return {
            "modules": [
                [each.name, each.base, each.size, each.entry, each.bitness, each.timestamp]
                for each in modules
            ],
            "exports": {each.name: each.address for each in view.exports("kernel32.dll") if each.name},
            "addresses": {each: operator.index(view.address(each)) for each in addresses},
            "pages": [
                [region.base, region.size, region.rights, region.kind, region.allocation_base]
                for module in modules
                for region in view.regions(module.base, module.end)
            ],
        }


def start(start: str) -> dict[str, Any]:
    return remembered(subprocess.Popen(start))


def launch(launch: list[str]) -> dict[str, Any]:
    """Start it with pipes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return remembered(subprocess.Popen(command_of(launch), encoding="utf-8", **pipes))


def remembered(child: subprocess.Popen[Any]) -> dict[str, Any]:
    CHILDREN[child.pid] = child
    return {"pid": child.pid}


def command_of(words: list[str]) -> list[str]:
    """Scripts are run by the Python that runs this."""
    return [sys.executable, *words] if words[0].endswith(".py") else words


def say(say: str, to: int) -> dict[str, Any]:
    stream = CHILDREN[to].stdin
    stream.write(f"{say}\n")
    stream.flush()
    return {}


def hear(hear: int) -> dict[str, Any]:
    """The next line; None where there is no more."""
    line = CHILDREN[hear].stdout.readline()
    return {"line": line.removesuffix("\n") if line else None}


def end(end: int) -> dict[str, Any]:
    with CHILDREN.pop(end) as child:
        child.kill()
    return {"code": child.returncode}


def run(run: list[str], input: str) -> dict[str, Any]:
    """Run it to its end."""
    ended = subprocess.run(command_of(run), input=input, capture_output=True, encoding="utf-8", check=False)
    return {"code": ended.returncode, "output": ended.stdout, "errors": ended.stderr}


def peek(peek: int, size: int) -> dict[str, Any]:
    return {"bytes": ctypes.string_at(peek, size).hex()}


def digest(digest: int) -> dict[str, Any]:
    """What comes out after so many rounds, which takes a while."""
    data = functools.reduce(lambda data, _: hashlib.sha256(data).digest(), range(digest), b"")
    return {"digest": data.hex()}


def value(value: str) -> dict[str, Any]:
    """What this program's own variable is."""
    return {"value": HELD[value].value}


def notepad(notepad: str, arguments: Sequence[Any] = ()) -> dict[str, Any]:
    """What a method of the last notepad gives, or an attribute; ``open`` starts one of that width."""
    if notepad == "open":
        NOTEPADS.append(Notepad(program_of(*arguments)))
        NOTEPADS[-1].wait_for_window()
        return {"answer": None}
    found = getattr(NOTEPADS[-1], notepad)
    return {"answer": found(*arguments) if callable(found) else found}


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each for each in (about, start, launch, say, hear, end, run, peek, digest, value, notepad)
}


def main() -> None:
    """Obey the commands that come on standard input until it ends."""
    be_patient()
    HELD["pointer"].value = ctypes.addressof(HELD["int"])
    facts = {
        "pid": os.getpid(),
        "pointer_size": ctypes.sizeof(ctypes.c_void_p),
        "addresses": {name: ctypes.addressof(holder) for name, holder in HELD.items()},
    }
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        request = json.loads(line)
        print(json.dumps(ANSWERS[next(iter(request))](**request)), flush=True)


if __name__ == "__main__":
    main()
