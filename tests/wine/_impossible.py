"""What is said, loudly, when there can be no Windows on this machine."""

from __future__ import annotations

import textwrap

UNTESTED = (
    "tests/live: real processes through the real Windows API, 64-bit and 32-bit",
    "tests/contract on the Windows backend (the fake still runs)",
    "the demo, and the examples of the documentation on real programs",
)


class ImpossibleError(Exception):
    """Provisioning cannot go on: the message says why, and what would help."""


def box(reason: str) -> str:
    """Return the message framed, with the list of what stays untested."""
    lines = [
        "NO WINDOWS TO TEST ON",
        "",
        *textwrap.wrap(reason, 84),
        "",
        "Not tested on this machine:",
        *(f"  * {item}" for item in UNTESTED),
    ]
    edge = "+" + "-" * 88 + "+"
    return "\n".join([edge, *(f"| {line:<86} |" for line in lines), edge])
