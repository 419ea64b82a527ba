"""Results as tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measure import Counts, Spread
from benchmarks.planning import Growth

HEAD = ("", "M instructions", "fewer by", "system calls", "path operations", "of these failed", "built elsewhere",
        "processor time: fewer by")  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def subject(names: Sequence[str], counts: Sequence[Counts], spreads: Sequence[Spread]) -> str:
    """One line for each contender; the first is what the others are compared with."""
    first = counts[0].instructions
    return table(
        HEAD, [line(name, one, first, spread) for name, one, spread in zip(names, counts, spreads, strict=True)]
    )


def line(name: str, counts: Counts, first: int, spread: Spread) -> list[str]:
    millions, fewer = f"{counts.instructions / 1e6:,.2f}", f"{first / counts.instructions:.2f}"
    others = [f"{number:,}" for number in counts[1:]]
    return [name, millions, fewer, *others, f"{spread.middle:.2f} ({spread.smallest:.2f} to {spread.largest:.2f})"]


def growth(found: Sequence[Growth]) -> str:
    head = (
        "",
        "packages",
        "dependencies",
        "M instructions",
        "instructions for each of both",
        "path operations for each package",
    )
    return table(head, [grown(one) for one in found])


def grown(one: Growth) -> list[str]:
    each = one.instructions / (one.packages + one.declared)
    paths = f"{one.path_operations / one.packages:.1f}"
    return [
        one.shape,
        f"{one.packages:,}",
        f"{one.declared:,}",
        f"{one.instructions / 1e6:,.2f}",
        f"{each:,.0f}",
        paths,
    ]
