"""The pages are complete: what users can import, what they can call, what they can be told."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import memaccess
from docs.pages import ROOT
from memaccess import MemoryView, _explain, searching, snapshots, structures, testing
from memaccess._backend.windows import _facts
from memaccess._types import TYPES

REFERENCE = (ROOT / "docs" / "reference.rst").read_text(encoding="utf-8")
ERRORS = (ROOT / "docs" / "guide" / "errors.rst").read_text(encoding="utf-8")
README = (ROOT / "README.rst").read_text(encoding="utf-8")

ENTRIES = re.findall(r"^\.\. auto\w+:: ([\w.]+)", REFERENCE, re.MULTILINE)


def test_the_reference_has_every_public_name():
    doors = (memaccess, searching, snapshots, structures, testing)
    names = {name for door in doors for name in door.__all__}
    assert {entry for entry in ENTRIES if "." not in entry} == names


def test_the_reference_has_every_method():
    typed = {f"{verb}_{name}" for verb in ("read", "write") for name in TYPES}
    methods = {name for name in dir(MemoryView) if not name.startswith("_")} - typed
    entries = {entry.removeprefix("MemoryView.") for entry in ENTRIES if entry.startswith("MemoryView.")}
    assert entries == methods


def test_the_error_guide_has_every_error():
    classes = [value for value in vars(memaccess).values() if isinstance(value, type)]
    errors = {value.__name__ for value in classes if issubclass(value, Exception)}
    assert errors <= set(re.findall(r"`~memaccess\.(\w+)`", ERRORS))


def test_the_error_guide_has_every_explanation():
    guide = " ".join(ERRORS.split())
    assert [part for part in _explanations() if " ".join(part.split()) not in guide] == []


def _explanations() -> list[str]:
    """The longest unchanging part of every sentence that explains an error."""
    found = set()
    for module in (_explain, _facts):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
                found.add(max(parts, key=len, default=""))
    assert found
    return sorted(part for part in found if len(part) > 15)


def test_the_error_guide_has_every_sentence_of_linux():
    guide = " ".join(ERRORS.replace("``", "").split())
    assert [part for part in _sentences_of_linux() if " ".join(part.split()) not in guide] == []


def _sentences_of_linux() -> list[str]:
    """The unchanging parts of all texts in which the backend of Linux says something to users."""
    found = set()
    for path in (Path(memaccess.__file__).parent / "_backend" / "linux").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                found.update(part.value for part in node.values if isinstance(part, ast.Constant))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
                found.add(node.value)
    # Sentences have blanks, and names of files, of properties and of struct formats have none.
    texts = (part.split("{}")[0] for part in found)
    wanted = sorted(part for part in texts if len(part) > 15 and part.count(" ") > 2)
    assert wanted
    return wanted


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"<((?!https:)[^<> ]+)>`_", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
