"""A program of Windows that says what memaccess shows of it, or of a program that it starts, from inside of Windows.

One JSON object per line, and one as its answer: ``{"start": PROGRAM}``, ``{"end": PID}``, and
``{"about": PID, "addresses": [EXPRESSION, ...]}``, where 0 is its own pid; ``{"value": NAME}`` of its own variables,
``{"peek": ADDRESS, "size": BYTES}``, and ``{"digest": ROUNDS}``, which takes a while.
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
from typing import Any

from memaccess import MemoryView

HELD = {
    "int": ctypes.c_int(-123456789),
    "long": ctypes.c_long(-5),
    "long_long": ctypes.c_longlong(-(2**60)),
    "double": ctypes.c_double(0.1),
    "pointer": ctypes.c_size_t(0),
    "text": ctypes.create_unicode_buffer("Grüße \N{SNAKE}", 32),
}
CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


def about(pid: int, expressions: list[str]) -> dict[str, Any]:
    """What a view of that program says."""
    with MemoryView(pid or os.getpid()) as view:
        modules = view.modules()
        return {
            "modules": [
                [each.name, each.base, each.size, each.entry, each.bitness, each.timestamp]
                for each in modules
            ],
            "exports": {each.name: each.address for each in view.exports("kernel32.dll") if each.name},
            "addresses": {each: operator.index(view.address(each)) for each in expressions},
            "pages": [
                [region.base, region.size, region.rights, region.kind, region.allocation_base]
                for module in modules
                for region in view.regions(module.base, module.end)
            ],
        }


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if "start" in request:
        child = subprocess.Popen(request["start"])
        CHILDREN[child.pid] = child
        return {"pid": child.pid}
    if "end" in request:
        child = CHILDREN.pop(request["end"])
        child.kill()
        return {"code": child.wait()}
    if "peek" in request:
        return {"bytes": ctypes.string_at(request["peek"], request["size"]).hex()}
    if "digest" in request:
        return {
            "digest": functools.reduce(
                lambda data, _: hashlib.sha256(data).digest(), range(request["digest"]), b""
            ).hex()
        }
    if "value" in request:
        return {"value": HELD[request["value"]].value}
    return about(request["about"], request["addresses"])


def main() -> None:
    """Obey the commands that come on standard input until it ends."""
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
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
