"""``.. memaccess-wine::`` is the table of what Wine does otherwise, as the tests ask it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TESTS = Path(__file__).resolve().parents[2] / "tests"
HEADER = ("Access", "Windows", "Wine", "Why")
WIDTHS = (20, 20, 20, 40)


class WineDirective(SphinxDirective):
    """One row per difference."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        differences = import_module("known_wine").DIFFERENCES
        self.env.note_dependency(str(TESTS / "known_wine.py"))
        group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in WIDTHS), cols=len(WIDTHS))
        group += nodes.thead("", _row(HEADER))
        group += nodes.tbody("", *(_row(_cells(key, each)) for key, each in differences.items()))
        return [nodes.table("", group)]


def _cells(key: str, difference: Any) -> tuple[str, ...]:
    return key, _said(difference.windows), _said(difference.wine), difference.reason


def _said(result: Any) -> str:
    """An outcome in words; whatever else is expected, as it is."""
    if not hasattr(result, "error"):
        return str(result)
    if result.error is None:
        return "works"
    if not isinstance(result.error, type):
        return "no source tells"
    words = [result.error.__name__]
    if isinstance(result.code, int):
        words.append(str(result.code))
    if result.transferred:
        words.append(f"after {result.transferred} bytes")
    return " ".join(words)


def _row(cells: tuple[str, ...]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx about the directive."""
    sys.path.append(str(TESTS))
    app.add_directive("memaccess-wine", WineDirective)
    return {"parallel_read_safe": True}
