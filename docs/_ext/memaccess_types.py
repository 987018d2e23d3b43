"""Directives that are made of the library's own tables, so that they can't disagree with it.

``.. memaccess-types::`` is the table; ``.. memaccess-typed-methods::`` are the methods of each type.
``.. memaccess-errors::`` is the tree of errors, as the top of ``_errors.py`` has it.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective

from memaccess import _errors
from memaccess._types import TYPES, WINDOWS_32, WINDOWS_64

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HEADER = ("Type", "Bytes", "Value")
WIDTHS = (24, 12, 64)


class TypesDirective(SphinxDirective):
    """One row per C type: its name, its size, and what its value is in Python."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in WIDTHS), cols=len(WIDTHS))
        group += nodes.thead("", _row(*(nodes.Text(title) for title in HEADER)))
        group += nodes.tbody("", *(_row(*_cells(c_type)) for c_type in TYPES.values()))
        return [nodes.table("", group)]


class TypedMethodsDirective(SphinxDirective):
    """One entry per C type: the two methods of it."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Write the entries, and have Sphinx read them."""
        return self.parse_text_to_nodes("\n".join(map(_methods, TYPES.values())))


class ErrorsDirective(SphinxDirective):
    """The tree of errors."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Cut it out of the docstring."""
        _, _, rest = (_errors.__doc__ or "").partition("::\n\n")
        tree = textwrap.dedent(rest.partition("\n\n")[0]).replace("``", "")
        return [nodes.literal_block(tree, tree, language="text")]


def _methods(c_type: Any) -> str:
    codec = c_type.codec(WINDOWS_64)
    kind = type(codec.decode(bytes(codec.size))).__name__
    return f"""
.. py:method:: MemoryView.read_{c_type.name}(address: int) -> {kind}
               MemoryView.write_{c_type.name}(value: {kind}, address: int, *, force: bool = False) -> None

   C ``{c_type.name}``: {c_type.summary}.
"""


def _cells(c_type: Any) -> tuple[nodes.Node, ...]:
    sizes = c_type.codec(WINDOWS_64).size, c_type.codec(WINDOWS_32).size
    size = str(sizes[0]) if sizes[0] == sizes[1] else "{} or {}".format(*sizes)
    return nodes.literal(text=c_type.name), nodes.Text(size), nodes.Text(c_type.summary)


def _row(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def _unlink_type(_app: Sphinx, doctree: nodes.document) -> None:
    """Python's own ``type`` is no link: Sphinx would take it for an attribute of that name, and there are several."""
    for reference in list(doctree.findall(pending_xref)):
        if reference["reftarget"] == "type" and reference["reftype"] == "class":
            reference.replace_self(nodes.Text("type"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx about the directive."""
    app.add_directive("memaccess-types", TypesDirective)
    app.add_directive("memaccess-typed-methods", TypedMethodsDirective)
    app.add_directive("memaccess-errors", ErrorsDirective)
    app.connect("doctree-read", _unlink_type)
    return {"parallel_read_safe": True}
