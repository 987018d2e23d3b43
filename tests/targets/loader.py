"""A target that says where its loader has things: one JSON object per line, and one as its answer.

``load`` NAME loads a DLL, ``load_all`` FOLDER all that are in it, ``free`` NAME lets one go; ``find`` NAME with ``names`` and ``ordinals`` asks
GetProcAddress for each of them. Modules are named by their bases.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any


def declared(name: str, result: Any, *arguments: Any) -> Any:
    """A function of kernel32."""
    function = getattr(kernel32, name)
    function.restype = result
    function.argtypes = arguments
    return function


kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
load_library = declared("LoadLibraryW", ctypes.c_void_p, ctypes.c_wchar_p)
free_library = declared("FreeLibrary", ctypes.c_int, ctypes.c_void_p)
get_module_handle = declared("GetModuleHandleW", ctypes.c_void_p, ctypes.c_wchar_p)
get_proc_address = declared("GetProcAddress", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the loader says."""
    if "load" in request:
        return {"base": load_library(request["load"]), "code": ctypes.get_last_error()}
    if "load_all" in request:
        files = sorted(Path(request["load_all"]).iterdir())
        return {"loaded": sum(bool(load_library(str(file))) for file in files)}
    if "free" in request:
        return {"freed": free_library(get_module_handle(request["free"]))}
    base = request["find"]
    names = {name: get_proc_address(base, name.encode()) for name in request["names"]}
    # An ordinal stands where the pointer to a name would.
    ordinals = [get_proc_address(base, ctypes.c_char_p(each)) for each in request["ordinals"]]
    return {"names": names, "ordinals": ordinals}


def main() -> None:
    """Obey the commands that come on standard input until it ends."""
    print(json.dumps({"pid": os.getpid(), "pointer_size": ctypes.sizeof(ctypes.c_void_p)}), flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
