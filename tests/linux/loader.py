"""A program that says where its loader has things: one JSON object per line, and one as its answer.

``find`` NAMES in ``library`` asks dlsym for each of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys


def main() -> None:
    """Obey the commands that come on standard input until it ends."""
    print(json.dumps({"pid": os.getpid(), "pointer_size": ctypes.sizeof(ctypes.c_void_p)}), flush=True)
    find = ctypes.CDLL(None).dlsym
    find.restype, find.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p)
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        request = json.loads(line)
        library = ctypes.CDLL(request["library"])
        places = {name: find(library._handle, name.encode()) for name in request["find"]}
        print(json.dumps({"places": places}), flush=True)


if __name__ == "__main__":
    main()
