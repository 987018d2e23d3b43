"""Address expressions, such as ``"[[game.exe+10F4F4]+0]+158"``: understood, written out, worked out; pure.

The notation is Cheat Engine's (``Cheat Engine/symbolhandler.pas``), with WinDbg's ``module!symbol``:

* numbers are hexadecimal, with or without ``0x`` or ``$``; ``#10`` is decimal;
* ``game.exe`` is where that module begins, ``ntdll!RtlAllocateHeap`` or ``ntdll.RtlAllocateHeap`` where
  the symbol is, and ``ws2_32!#3`` where the export with the ordinal 3 is;
* ``[…]`` is the pointer that is there, as wide as the program's pointers;
* ``+``, ``-`` and ``*``, with ``*`` first, and ``(…)``; ``(dword)…`` and the like keep so many bytes;
* blanks between these don't count; ``"…"`` is a name whatever is in it.

A word of hexadecimal digits alone is a number: ``ace`` is 0xACE, and ``"ace"`` a module.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from memaccess._errors import AddressSyntaxError, BadImageError
from memaccess._records import qualified, written

if TYPE_CHECKING:
    from typing import Protocol, TypeAlias

    class Program(Protocol):
        """What an expression is worked out in."""

        def find(self, module: str | None, name: str) -> int:
            """Where the module begins, or the symbol is; without a module it may be either."""
            ...

        def follow(self, address: int) -> int:
            """The pointer that is at that address."""
            ...

    Node: TypeAlias = "Number | Name | Pointer | Sum | Product | Negative | Cast"

E = TypeVar("E", bound=Exception)

_MOST = 4096
"""Characters of an expression: far more than people write."""
_MOST_PARTS = 100
"""Few enough for Python's stack, since each may be inside the one before."""
_CASTS = {
    "byte": (1, False),
    "word": (2, False),
    "dword": (4, False),
    "qword": (8, False),
    "uint64": (8, False),
    "char": (1, True),
    "short": (2, True),
    "long": (4, True),
    "longlong": (8, True),
    "int64": (8, True),
}
"""Cheat Engine's: how many bytes are kept, and whether the highest bit is a sign."""


class Misled(Exception):  # noqa: N818 - it carries an error, and is none of its own
    """What went wrong in working an expression out, and where in it."""

    def __init__(self, error: Exception, start: int, link: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.start = start
        self.link = link
        """What was followed, where it was a pointer."""


class Number(NamedTuple):
    value: int

    def evaluate(self, _program: Program) -> int:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:X}"


class Name(NamedTuple):
    module: str | None
    name: str
    """The symbol; the module itself where it stands alone."""
    start: int

    def evaluate(self, program: Program) -> int:
        try:
            return program.find(self.module, self.name)
        except (LookupError, BadImageError, OSError) as error:
            raise Misled(error, self.start) from None

    def __str__(self) -> str:
        return written(self.name) if self.module is None else qualified(self.module, self.name)


class Pointer(NamedTuple):
    inside: Node
    start: int

    def evaluate(self, program: Program) -> int:
        address = self.inside.evaluate(program)
        try:
            return program.follow(address)
        except (OSError, OverflowError) as error:
            raise Misled(error, self.start, str(self.inside)) from None

    def __str__(self) -> str:
        return f"[{self.inside}]"


class Sum(NamedTuple):
    left: Node
    operator: str
    right: Node

    def evaluate(self, program: Program) -> int:
        left, right = self.left.evaluate(program), self.right.evaluate(program)
        return left + right if self.operator == "+" else left - right

    def __str__(self) -> str:
        # Without blanks around the sign, two names might be taken for one with a sign in it.
        blank = " " if _begins_with_name(self.right) else ""
        return f"{self.left}{blank}{self.operator}{blank}{_grouped(self.right, Sum)}"


class Product(NamedTuple):
    left: Node
    right: Node

    def evaluate(self, program: Program) -> int:
        return self.left.evaluate(program) * self.right.evaluate(program)

    def __str__(self) -> str:
        return f"{_grouped(self.left, Sum)}*{_grouped(self.right, Sum, Product)}"


class Negative(NamedTuple):
    operand: Node

    def evaluate(self, program: Program) -> int:
        return -self.operand.evaluate(program)

    def __str__(self) -> str:
        return f"-{_grouped(self.operand, Sum, Product)}"


class Cast(NamedTuple):
    type: str
    operand: Node

    def evaluate(self, program: Program) -> int:
        size, signed = _CASTS[self.type]
        value = self.operand.evaluate(program) & (1 << size * 8) - 1
        return value - (1 << size * 8) if signed and value >> size * 8 - 1 else value

    def __str__(self) -> str:
        return f"({self.type}){_grouped(self.operand, Sum, Product)}"


def _grouped(node: Node, *kinds: type) -> str:
    return f"({node})" if isinstance(node, kinds) else str(node)


def _begins_with_name(node: Node) -> bool:
    if isinstance(node, Negative):
        return _begins_with_name(node.operand)
    return isinstance(node, Name) or (isinstance(node, Product) and _begins_with_name(node.left))


# -- understanding the text

_IGNORE_CASE = re.IGNORECASE | re.ASCII
_END = r"(?=\s*(?:[-+*\[\]()]|$))"
_NUMBER = re.compile(rf"(?:(?:0x|\$)?([0-9A-Fa-f`]+)|#([0-9]+)){_END}", _IGNORE_CASE)
_QUOTED = re.compile(r'"([^"]+)"')
# Without quotes a module's name may have blanks and signs in it where it is plain that it is one: what
# is before the first of them has no dot, no sign has blanks around it, and a "!" or an ending follows.
_JOINED = r'[^\[\]()*"!+\s.-]+(?:(?:[+-]+| +)[^\[\]()*"!+\s-]+)*'
_QUALIFIED = re.compile(rf"({_JOINED})\s*!", re.ASCII)
_FILE = re.compile(
    rf'({_JOINED}?(?:[+-]+| +)(?:[^\[\]()*"!+\s-]+)?'
    rf"\.(?:exe|dll|ocx|drv|cpl|scr|sys|asi|pyd|node|so(?:\.[0-9]+)*)){_END}",
    _IGNORE_CASE,
)
_WORD = re.compile(r'[^\s\[\]()*"!+-]+', re.ASCII)
_CAST = re.compile(rf"\(\s*({'|'.join(_CASTS)})\s*\)(?=\s*[^\s+*)\]])", _IGNORE_CASE)
_BLANK = re.compile(r"\s*", re.ASCII)


class _Parser:
    """Goes through the text once, from the left to the right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._parts = 0

    def parse(self) -> Node:
        node = self._sum()
        if self._place < len(self._text):
            self._fail(f"{self._text[self._place]!r} is not expected here")
        return node

    def _sum(self) -> Node:
        node = self._product()
        while self._next() in ("+", "-"):
            node = Sum(node, self._take(), self._product())
        return node

    def _product(self) -> Node:
        node = self._factor()
        while self._next() == "*":
            self._take()
            node = Product(node, self._factor())
        return node

    def _factor(self) -> Node:
        letter, start = self._next(), self._place
        self._parts += 1
        if self._parts > _MOST_PARTS:
            self._fail(f"more than {_MOST_PARTS} parts are too many")
        cast = self._match(_CAST)
        if cast is not None:
            return Cast(cast[1].lower(), self._factor())
        if letter == "+":
            self._take()
            return self._factor()
        if letter == "-":
            self._take()
            return Negative(self._factor())
        if letter == "[":
            return Pointer(self._inside("]"), start)
        if letter == "(":
            return self._inside(")")
        return self._number() or self._name()

    def _inside(self, closing: str) -> Node:
        start, opening = self._place, self._take()
        node = self._sum()
        if self._next() != closing:
            self._fail(f"there is no {closing!r} for this {opening!r}", start)
        self._take()
        return node

    def _number(self) -> Node | None:
        start, found = self._place, self._match(_NUMBER)
        if found is None:
            return None
        digits = (found[1] or "").replace("`", "")
        if found[1] is not None and not digits:
            self._fail("there is no number between the marks", start)
        return Number(int(digits, 16) if digits else int(found[2]))

    def _name(self) -> Node:
        start = self._place
        quoted = self._match(_QUOTED)
        first = quoted or self._match(_QUALIFIED, before="!") or self._match(_FILE) or self._match(_WORD)
        if first is None:
            self._fail(self._why_no_name())
        name = first[1] if first.re.groups else first[0]
        if self._next() != "!":
            return Name(None, name, start)
        self._take()
        self._next()
        symbol = self._match(_QUOTED) or self._match(_WORD)
        if symbol is None:
            self._fail("the name of a symbol is missing")
        return Name(name, symbol[1] if symbol.re.groups else symbol[0], start)

    def _why_no_name(self) -> str:
        letter = self._next()
        if letter == '"':
            return "there is no name between quotes" if '""' in self._text else "a quote is not closed"
        return (
            f"a number or a name is missing before {letter!r}" if letter else "a number or a name is missing"
        )

    def _next(self) -> str:
        """The next letter that is no blank; ``''`` at the end."""
        blank = _BLANK.match(self._text, self._place)
        assert blank is not None
        self._place = blank.end()
        return self._text[self._place : self._place + 1]

    def _take(self) -> str:
        self._place += 1
        return self._text[self._place - 1]

    def _match(self, pattern: re.Pattern[str], before: str = "") -> re.Match[str] | None:
        """What stands here, which is then behind us; without what it only has to stand *before*."""
        found = pattern.match(self._text, self._place)
        if found is not None:
            self._place = found.end() - len(before)
        return found

    def _fail(self, what: str, place: int | None = None) -> NoReturn:
        position = self._place if place is None else place
        error = AddressSyntaxError(f"{what} in the address {self._text!r}, at character {position + 1}")
        raise pointed(error, self._text, position)


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """What an address expression says.

    :raises AddressSyntaxError: it can't be understood; the error points at the place.
    """
    if len(text) > _MOST:
        raise AddressSyntaxError(f"an address of {len(text)} characters is too long: {_MOST} are enough")
    if "\0" in text:
        raise AddressSyntaxError(f"no name has a NUL character in it, as the address {text!r} has")
    return _Parser(text).parse()


def pointed(error: E, text: str, position: int) -> E:
    """*error* with the place in the expression that it is about, which a traceback shows."""
    facts: dict[str, Any] = vars(error)
    facts["expression"], facts["position"] = text, position
    # add_note() without needing Python 3.11.
    one_line = re.sub(r"\s", " ", text)
    facts["__notes__"] = [*facts.get("__notes__", ()), f"  {one_line}\n  {' ' * position}^"]
    return error
