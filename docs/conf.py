"""How Sphinx builds these pages: ``sphinx-build -n -W --keep-going docs docs/_build``."""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))
try:
    memaccess = import_module("memaccess")
except ImportError:  # it is not installed: take the checkout
    sys.path.insert(0, str(HERE.parent))
    memaccess = import_module("memaccess")

# Classes say that they live in the package, where users import them; autodoc reads what is written
# below their attributes in the file that they stand in.
ROOMS = (
    "_errors",
    "_map",
    "_snapshots",
    "_hexdump",
    "_scan._values._hits",
    "_scan._pointers._chains",
    "_scan._patterns._pattern",
    "_scan._search",
    "_scan._values._session",
    "_trainer._watching",
)
DOORS = ("memaccess", "memaccess.searching", "memaccess.snapshots")
for module in (import_module(f"memaccess.{room}") for room in ROOMS):
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ in DOORS:
            value.__module__ = module.__name__

project = "memaccess"
author = "the memaccess developers"
project_copyright = "the memaccess developers"
version = release = memaccess.__version__

extensions = ["sphinx.ext.autodoc", "memaccess_types", "memaccess_wine"]
exclude_patterns = ["_build"]
nitpicky = True
# Nothing is fetched while this is built: Python's own names are not links.
nitpick_ignore_regex = [
    ("py:meth", r"bytes\.decode|str\.encode"),
    ("py:mod", "struct"),
    ("py:class", r"(collections\.abc|ctypes|types|typing|enum|os|re)\..*"),
    ("py:(exc|func|mod)", r"re(\..*)?"),
    (
        "py:.*",
        r"(?:memaccess\._.*|System|Process|Access|Region|Address|Buffer|CData|State|Kind|Self|SupportsIndex|Cause|Within|Progress|Rounding|Since|WatchedView)",
    ),
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 110

html_theme = "furo"
html_title = f"memaccess {release}"
html_static_path = ["_static"]
html_css_files = ["memaccess.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
highlight_language = "none"
