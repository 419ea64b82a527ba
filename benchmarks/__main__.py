"""`python -m benchmarks [subject ...] [--rounds N] [--write]`: without a subject, all of them."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from benchmarks import contenders, measure, planning, tables, verify
from tests.wheels.environments import Environment, environment, offered

RESULTS = Path(__file__).parent / "results.md"
SUBJECTS = ("import", "load", "drop-in", "ask", "outside", "planning", "verify")


def main() -> None:
    asked = arguments()
    parts = [head(asked.rounds)]
    print(parts[0], flush=True)
    for part in sections(asked.subjects or SUBJECTS, asked.rounds):
        parts.append(part)
        print(f"\n{part}", flush=True)
    if asked.write:
        RESULTS.write_text("\n\n".join(parts) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, []], metavar="subject", help=", ".join(SUBJECTS))
    parser.add_argument("--rounds", type=int, default=11, help="of the processor times (default: 11)")
    parser.add_argument("--write", action="store_true", help="into benchmarks/results.md")
    return parser.parse_args()


def head(rounds: int) -> str:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    machine = f"CPython {platform.python_version()}, {libc}, {platform.machine()}"
    return f"""# Results

`{contenders.NAME}` and all that it needs, counter {offered()[0]} as published; {machine}. Counts are over `pass`.
Processor times are ratios, paired in {rounds} interleaved rounds: middle (smallest to largest).
[README.md](README.md) says how to read them."""


def sections(names: tuple[str, ...], rounds: int) -> Iterator[str]:
    place = environment(offered()[0])
    for name in names:
        if name == "planning":
            yield f"## planning\n\n{tables.growth(planning.growths())}"
        elif name == "verify":
            yield f"## verify\n\n{verify.section(place, rounds)}"
        else:
            yield f"## {name}\n\n{subject(place, name, rounds)}"


def subject(place: Environment, name: str, rounds: int) -> str:
    python = measure.interpreter(contenders.installed(place))
    elsewhere = contenders.built_elsewhere(place)
    compared = contenders.subjects(place)[name]
    commands = [contenders.command(one, python) for one in compared]
    nothing = measure.count(contenders.command(contenders.PASS, python), elsewhere)
    counts = [measure.count(command, elsewhere).over(nothing) for command in commands]
    return tables.subject([one.name for one in compared], counts, measure.ratios(commands, rounds))


if __name__ == "__main__":
    main()
