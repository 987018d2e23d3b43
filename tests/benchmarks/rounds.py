"""How it is measured, and how it is shown: interleaved rounds, medians, ratios."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Figure(NamedTuple):
    """What was measured of one contender."""

    name: str
    value: float
    lowest: float
    highest: float


def interleaved(contenders: dict[str, Callable[[], float]], rounds: int) -> list[Figure]:
    """Let all contenders run in turn, *rounds* times; the median of each, and its extremes."""
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            values[name].append(measure())
    return [Figure(name, median(each), min(each), max(each)) for name, each in values.items()]


def per_call(function: Callable[[], object], calls: int) -> Callable[[], float]:
    """A measurement of one call of *function*, in microseconds."""

    def measure() -> float:
        repeat = range(calls)
        start = time.perf_counter()
        for _ in repeat:
            function()
        return (time.perf_counter() - start) / calls * 1e6

    return measure


def table(title: str, unit: str, figures: list[Figure], ratio: Callable[[Figure], str]) -> None:
    """Print figures as rows, with what each is in relation to the one that counts."""
    print(f"\n{title}")
    for figure in figures:
        extremes = f"({_shown(figure.lowest)}-{_shown(figure.highest)})"
        print(f"  {figure.name:<40}{_shown(figure.value):>9} {unit:<5}{extremes:>18}  {ratio(figure)}")


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def times(figures: list[Figure], base: str) -> Callable[[Figure], str]:
    """How many times the contender whose name begins so each is, for :func:`table`."""
    value = _beginning_with(figures, base)
    return lambda figure: f"{figure.value / value:6.2f} x {base}"


def over(figures: list[Figure], base: str) -> Callable[[Figure], str]:
    """How many microseconds each is over the contender whose name begins so, for :func:`table`."""
    value = _beginning_with(figures, base)
    return lambda figure: f"{figure.value - value:+7.3f} us over {base}"


def _beginning_with(figures: list[Figure], base: str) -> float:
    return next(figure.value for figure in figures if figure.name.startswith(base))


def verdict(what: str, value: float, bar: float, *, at_least: bool = False) -> None:
    """Print whether a ratio keeps its bar."""
    kept = value >= bar if at_least else value <= bar
    print(f"  {'kept  ' if kept else 'MISSED'}  {what}: {value:.2f}, the bar is {bar:g}")


def value_of(figures: list[Figure], name: str) -> float:
    """The median of that contender."""
    return next(figure.value for figure in figures if figure.name == name)
