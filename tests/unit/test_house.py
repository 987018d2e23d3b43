"""The house: which way imports point, what importing costs, and what is public."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import memaccess
from memaccess import searching, snapshots, structures, testing
from memaccess._map import Change
from memaccess.searching import Hit, Scan, Search, Watch
from memaccess.snapshots import HexDump, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUSE = Path(memaccess.__file__).parent
DOORS = (memaccess, searching, snapshots, structures, testing)

# Each floor imports from those below it, and rooms on the same floor don't know each other. A
# package is one room here; within it the test for cycles counts.
FLOORS = (
    {"_records", "_ranges"},
    {"_regions"},
    {"_errors", "_arguments"},
    {"_types"},
    {"_win32", "_libc", "_strings", "_structs", "_batch", "_changes"},
    {"_image", "_address", "_exports"},
    {"_pe", "_elf", "_fake_images"},
    {"_backend", "_apisets", "_images"},
    {"_partial", "_explain", "_modules"},
    {"_stacks"},
    {"_processes", "_bytes", "_symbols", "_expressions", "_snapshots"},
    {"_hexdump", "_scan"},
    {"_typed", "_map"},
    {"_names"},
    {"_aggregates", "_finding"},
    {"_view"},
    {"_layouts", "_trainer"},
    {"memaccess"},
    {"testing", "searching", "snapshots", "structures", "cli"},
    {"__main__"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FLOORS_OF_SCAN = (
    {"_buffers", "_monitor", "_patterns", "_files"},
    {"_comparing", "_area", "_sweep"},
    {"_search"},
    {"_values", "_pointers"},
)
FLOOR_OF_SCAN = {room: number for number, rooms in enumerate(FLOORS_OF_SCAN) for room in rooms}
MAY_ASK_THE_PLATFORM = {"_backend", "_win32", "_libc"}

NOT_AT_IMPORT = {
    "argparse",
    "asyncio",
    "ctypes",
    "dataclasses",
    "difflib",
    "inspect",
    "json",
    "logging",
    "numpy",
    "pathlib",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "typing_extensions",
    "weakref",
    "memaccess._backend._interface",
    "memaccess._backend.linux",
    "memaccess._backend.windows",
    "memaccess._address",
    "memaccess._apisets",
    "memaccess._batch",
    "memaccess._changes",
    "memaccess._elf",
    "memaccess._explain",
    "memaccess._exports",
    "memaccess._expressions",
    "memaccess._fake_images",
    "memaccess._hexdump",
    "memaccess._image",
    "memaccess._images",
    "memaccess._layouts",
    "memaccess._libc",
    "memaccess._modules",
    "memaccess._partial",
    "memaccess._pe",
    "memaccess._ranges",
    "memaccess._scan",
    "memaccess._snapshots",
    "memaccess._stacks",
    "memaccess._strings",
    "memaccess._structs",
    "memaccess._symbols",
    "memaccess._trainer",
    "memaccess._win32",
    "memaccess.cli",
    "memaccess.searching",
    "memaccess.snapshots",
    "memaccess.structures",
    "memaccess.testing",
}


def module_name(path: Path) -> str:
    parts = ("memaccess", *path.relative_to(HOUSE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


TREES = {
    module_name(path): ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(HOUSE.rglob("*.py"))
}
every_module = pytest.mark.parametrize("module", TREES)


def imported(module: str) -> Iterator[str]:
    """The modules of memaccess that a module imports, wherever in it the import stands."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.partition(".")[0] == "memaccess")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "memaccess":
            for each in node.names:
                below = f"{node.module}.{each.name}"
                yield below if below in TREES else str(node.module)


def room(module: str) -> str:
    """The part of the house that a module is in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def names_in(module: str) -> set[str]:
    """Every attribute and every imported name, with what it is an attribute of."""
    found = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Attribute):
            found.add(f"{ast.unparse(node.value)}.{node.attr}")
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
    return found


# -- which way imports point


@every_module
def test_every_module_has_a_floor(module):
    assert room(module) in FLOOR_OF


def test_the_page_on_the_house_has_every_room():
    docs = Path(__file__).parents[2] / "docs"  # the house itself may be installed elsewhere
    page = (docs / "internals" / "architecture.rst").read_text(encoding="utf-8")
    assert {room for room in FLOOR_OF if room not in page} == {"__main__"}


@every_module
def test_imports_point_down(module):
    wrong = {
        target
        for target in imported(module)
        if room(target) != room(module) and FLOOR_OF[room(target)] >= FLOOR_OF[room(module)]
    }
    assert not wrong


@pytest.mark.parametrize("module", [module for module in TREES if module.startswith("memaccess._scan.")])
def test_imports_point_down_in_the_search_too(module):
    here = module.split(".")[2]
    there = {target.split(".")[2] for target in imported(module) if target.startswith("memaccess._scan.")}
    assert not {each for each in there - {here} if FLOOR_OF_SCAN[each] >= FLOOR_OF_SCAN[here]}


@every_module
def test_no_import_is_relative(module):
    levels = [node.level for node in ast.walk(TREES[module]) if isinstance(node, ast.ImportFrom)]
    assert not any(levels)  # the tests here look for absolute ones


def test_no_imports_go_in_a_circle():
    waiting = {module: set(imported(module)) - {module} for module in TREES}
    while waiting:
        free = {module for module, targets in waiting.items() if not targets & set(waiting)}
        assert free, f"a circle among {sorted(waiting)}"
        waiting = {module: targets for module, targets in waiting.items() if module not in free}


@pytest.mark.parametrize("module", [module for module in TREES if room(module) == "_win32"])
def test_the_dictionary_of_windows_knows_only_itself_and_the_errors(module):
    assert {room(target) for target in imported(module)} <= {"_win32", "_errors"}


@every_module
def test_only_the_fence_asks_which_system_it_is(module):
    questions = {"sys.platform", "os.name", "platform", "platform.system", "sys.getwindowsversion"}
    assert room(module) in MAY_ASK_THE_PLATFORM or not names_in(module) & questions


@every_module
def test_nothing_is_shared_with_other_users_of_ctypes(module):
    shared = {"windll", "oledll", "cdll", "wintypes", "pythonapi"}
    assert not {name for name in names_in(module) if shared & set(name.split("."))}


@every_module
def test_only_the_dictionaries_load_libraries(module):
    loaders = {"ctypes.WinDLL", "ctypes.CDLL", "ctypes.OleDLL", "ctypes.LibraryLoader"}
    assert room(module) in ("_win32", "_libc") or not names_in(module) & loaders


# -- what importing does

SHOW_WHAT_IMPORTING_LOADS = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
before = set(sys.modules)
import memaccess
print(json.dumps(sorted(set(sys.modules) - before - {"json"})))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that importing memaccess loads, in a Python of its own."""
    # json itself comes from the script above: what it loads is loaded before the count begins.
    command = [sys.executable, "-c", SHOW_WHAT_IMPORTING_LOADS, json.dumps(sys.path)]
    return set(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))


def test_importing_loads_the_door_and_nothing_dear(loaded):
    assert "memaccess" in loaded
    assert not loaded & NOT_AT_IMPORT


def test_importing_says_nothing():
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import memaccess",
    ]
    run = subprocess.run([*command, json.dumps(sys.path)], capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")


# -- what is public


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_the_public_names_are_sorted_and_there(door):
    assert list(door.__all__) == sorted(set(door.__all__))
    assert all(hasattr(door, name) for name in door.__all__)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_class_says_that_it_is_from_its_door(door):
    here = {name for name in door.__all__ if isinstance(getattr(door, name), type)}
    assert {name for name in here if getattr(door, name).__module__.startswith("memaccess._scan")} == set()


def test_every_name_at_the_door_is_public():
    names = {name for name, value in vars(memaccess).items() if not inspect.ismodule(value)}
    assert {name for name in names if not name.startswith("_")} == set(memaccess.__all__)


def test_the_door_has_no_code():
    body = TREES["memaccess"].body
    kinds = (ast.Expr, ast.ImportFrom, ast.Assign)  # the docstring, the names, __version__ and __all__
    assert all(isinstance(node, kinds) for node in body)


def public() -> dict[str, Any]:
    """Everything that users may call, by its name: functions, classes, and their methods."""
    found = {name: getattr(door, name) for door in DOORS for name in door.__all__}
    for name, value in list(found.items()):
        if inspect.isclass(value):
            own = [
                each
                for base in value.__mro__
                if base.__module__.startswith("memaccess")
                for each in vars(base)
            ]
            found |= {f"{name}.{each}": getattr(value, each) for each in own if not each.startswith("_")}
    return {name: value for name, value in found.items() if not name.startswith(("Process.", "System."))}


PUBLIC = public()
MADE_BY_OTHERS = {
    testing.Process,
    testing.System,
    memaccess.AddressExpression,
    memaccess.DebugSymbols,
    structures.LiveArray,
}
# The constructors of errors, records and changes are not for users either. What a FakeSystem does for
# a view is documented with the Protocol that it implements.
CALLABLE = {
    name: value
    for name, value in PUBLIC.items()
    if (inspect.isroutine(value) or (inspect.isclass(value) and value.__init__ is not object.__init__))
    and not (
        inspect.isclass(value)
        and issubclass(value, (Exception, tuple, Change, Hit, Scan, Search, Snapshot, Watch, HexDump))
    )
    and value not in MADE_BY_OTHERS
    and not (name.startswith("FakeSystem.") and hasattr(testing.System, name.partition(".")[2]))
}


def parameters(function: Any) -> set[str]:
    return {name for name in inspect.signature(function).parameters if name not in ("self", "cls", "_")}


def explained(name: str) -> set[str]:
    return set(re.findall(r":param (\w+):", PUBLIC[name].__doc__ or ""))


DESCRIBED = {
    name: value
    for name, value in PUBLIC.items()
    if inspect.isroutine(value) or inspect.isclass(value) or isinstance(value, property)
}
"""All but the fields of records, which have their text in the source alone."""


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_public_name_is_documented(name):
    described = DESCRIBED[name].__doc__
    assert described
    assert not described.startswith(f"{name}(")  # what NamedTuple writes by itself


every_callable = pytest.mark.parametrize("name", CALLABLE)


@every_callable
def test_every_parameter_is_explained_and_no_other(name):
    assert explained(name) == parameters(CALLABLE[name])


@every_callable
def test_what_comes_back_is_explained(name):
    value = CALLABLE[name]
    gives = inspect.isroutine(value) and inspect.signature(value).return_annotation not in ("None", None)
    assert bool(gives) == (":returns:" in value.__doc__)


@every_callable
def test_every_callable_has_an_example(name):
    assert ">>> " in CALLABLE[name].__doc__
