"""Pages of the documentation as programs: what in them is code, and running it from top to bottom."""

from __future__ import annotations

import builtins
import contextlib
import doctest
import io
import re
import sys
import textwrap
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.rst", *(ROOT / "docs").rglob("*.rst")])

NOT_EXECUTED = {
    "shell": "commands of a shell",
    "text": "a picture, or what a program prints",
}
"""The languages of blocks that don't run here, and why."""

_DIRECTIVE = re.compile(r"( *)\.\. (?:code|code-block|sourcecode)::(.*)")
_OPTIONS = doctest.ELLIPSIS
_checker = doctest.OutputChecker()


class Block(NamedTuple):
    """A block of a page that is shown as code."""

    line: int
    """Where its content begins, counted from 0."""
    language: str
    """What the page says it is; ``'doctest'`` for a dialogue with Python."""
    content: str


def name_of(page: Path) -> str:
    """The page's name in this project."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """All that *text* shows as code, in its order."""
    lines = text.split("\n")
    found: list[Block] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        directive = _DIRECTIVE.fullmatch(line)
        if directive:
            start, end = _body(lines, position, len(directive[1]))
            content = "\n".join(lines[start:end])
            is_dialogue = content.lstrip().startswith(">>>")
            found.append(Block(start, "doctest" if is_dialogue else directive[2].strip(), content))
        elif line.lstrip().startswith(">>> "):
            start = end = position
            while end < len(lines) and lines[end].strip():
                end += 1
            found.append(Block(start, "doctest", "\n".join(lines[start:end])))
        elif line.rstrip().endswith("::") and not line.lstrip().startswith(("..", ":")):
            start, end = _body(lines, position, _indentation(line))
            found.append(Block(start, "", "\n".join(lines[start:end])))
        else:
            end = position + 1
        position = end
    return found


def _body(lines: list[str], position: int, indentation: int) -> tuple[int, int]:
    """The first and the last line of what is indented below that position, without its options."""
    start = position + 1
    while start < len(lines) and (not lines[start].strip() or lines[start].lstrip().startswith(":")):
        start += 1
    end = start
    while end < len(lines) and (not lines[end].strip() or _indentation(lines[end]) > indentation):
        end += 1
    return start, end


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


class Mismatch(AssertionError):
    """An example does something else than the page says."""


def run(text: str, filename: str, namespace: dict[str, Any]) -> int:
    """Run all the code of *text* in *namespace*; how many examples that were.

    :raises Mismatch: one of them does not do what the page says.
    """
    count = 0
    for block in blocks(text):
        if block.language == "python":
            _run_script(block, filename, namespace)
            count += 1
        elif block.language == "doctest":
            for example in doctest.DocTestParser().get_examples(block.content, filename):
                _run_example(example, filename, block.line + example.lineno + 1, namespace)
                count += 1
        else:
            assert block.language in NOT_EXECUTED, (
                f"{filename}:{block.line}: {block.language!r} is not executed"
            )
    return count


def _run_script(block: Block, filename: str, namespace: dict[str, Any]) -> None:
    """Run a block, and the tests that it defines."""
    known = set(namespace)
    source = "\n" * block.line + textwrap.dedent(block.content)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, f"<{filename}>", "exec"), namespace)
    for name in namespace.keys() - known:
        if name.startswith("test_"):
            namespace[name]()


def _run_example(example: doctest.Example, filename: str, line: int, namespace: dict[str, Any]) -> None:
    output = io.StringIO()
    options = _OPTIONS
    want = example.want
    with contextlib.redirect_stdout(output), _plain_display(namespace):
        try:
            exec(compile(example.source, f"<{filename}:{line}>", "single"), namespace)
        except Exception as error:
            if example.exc_msg is None:
                raise Mismatch(f"{filename}:{line}: {example.source}raises {_last_words(error)}") from error
            output.write(_last_words(error))
            want = example.exc_msg
            options |= doctest.NORMALIZE_WHITESPACE  # pages break long explanations
        else:
            if example.exc_msg is not None:
                raise Mismatch(f"{filename}:{line}: {example.source}does not raise {example.exc_msg}")
    got = output.getvalue()
    if not _checker.check_output(want, got, options):
        difference = _checker.output_difference(doctest.Example("", want), got, options)
        raise Mismatch(f"{filename}:{line}: {example.source}{difference}")


@contextlib.contextmanager
def _plain_display(namespace: dict[str, Any]) -> Iterator[None]:
    """Values are shown as a fresh Python shows them, and ``_`` is the last one."""

    def show(value: object) -> None:
        if value is not None:
            print(repr(value))
            namespace["_"] = value

    before, sys.displayhook = sys.displayhook, show
    try:
        yield
    finally:
        sys.displayhook = before
        vars(builtins).pop("_", None)


def _last_words(error: Exception) -> str:
    """What a traceback of *error* ends with. Python 3.10 leaves the notes out."""
    lines = traceback.format_exception_only(error)
    notes = [f"{line}\n" for note in getattr(error, "__notes__", ()) for line in note.splitlines()]
    return "".join([line for line in lines if line not in notes] + notes)
