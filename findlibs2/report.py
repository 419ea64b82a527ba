"""Facts -> text. Cold: imported when somebody looks at an error or asks the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import errors, names, telling, words
from .model import Finding, Plan, Trail, Verdict
from .wording import Words, library, shown

INDENT = "    "
MOST = 6  # rows of a note that several findings share
DECLARATIONS = frozenset(
    {"bad-declaration", "package-missing", "dependencies-unknown", "package-ring", "zipped-wrapper"}
)

# What is refused by judgement; of the rest there is nothing to open.
JUDGED = frozenset(
    {
        "missing-library",
        "missing-symbol",
        "missing-version",
        "unversioned-provider",
        "versions-of-absent",
        "bad-file",
        "wrong-machine",
        "needed-ring",
        "override-mismatch",
        "replaced",
    }
)
PAST = "  to try it nevertheless, at the risk of {}: FINDLIBS2_VERIFY=off"


def table(rows: Iterable[Sequence[str]], indent: str = INDENT) -> list[str]:
    """Rows with aligned columns; the last column is as long as it is."""
    rows = [tuple(row) for row in rows]
    widths = [
        max((len(row[column]) for row in rows if column < len(row) - 1), default=0)
        for column in range(max(map(len, rows), default=0))
    ]
    return [
        (indent + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))).rstrip()
        for row in rows
    ]


def beats(cause: str, code: str, evidence: Iterable[Sequence[str]], fix: str | None) -> str:
    """Cause, evidence, fix."""
    lines = [f"{cause} [{code}]", *table(evidence)]
    return "\n".join([*lines, f"  fix: {fix}"] if fix else lines)


def findings(found: Iterable[Finding], repaired: bool = False) -> list[str]:
    """All of them; where several have the same cause it is told once, with the evidence of all: of notes the first rows.

    `repaired`: one fix for all that a mixture breaks is told elsewhere.
    """
    said: dict[tuple[str, str], list[Words]] = {}
    brief = set()
    for group in telling.gathered(found):
        now, first = telling.say(group), group[0]
        said.setdefault((now.cause, first.code), []).append(now)
        if first.severity == "note":
            brief.add(first.code)
    return [
        beats(cause, code, together(all_said, code in brief), fix(code, all_said[-1], repaired))
        for (cause, code), all_said in said.items()
    ]


def fix(code: str, said: Words, repaired: bool) -> str | None:
    return None if repaired and code in telling.OF_MIXTURES else said.fix


def together(said: Sequence[Words], brief: bool) -> list[tuple[str, ...]]:
    """The evidence of all, each row once."""
    rows = list(dict.fromkeys(row for each in said for row in each.evidence))
    if not brief or len(said) == 1 or len(rows) <= MOST:
        return rows
    return [*rows[: MOST - 1], (f"... and {len(rows) - MOST + 1} more",)]


def notes(found: Iterable[Finding]) -> list[str]:
    """Findings beside a reason: cause and evidence; no fix, of which there should be one."""
    return [
        "\n".join([f"  {each.severity}: {said.cause} [{each.code}]", *table(said.evidence, INDENT * 2)])
        for each, said in ((each, words.say(each)) for each in found)
    ]


# -------------------------------------------------------------------------------------------------------------- errors


def error(raised: errors.FindlibsError) -> str:
    """The whole story of an error."""
    return SAY[type(raised)](raised)


def not_found(raised: errors.NotFoundError) -> str:
    name, similar = shown(str(raised.name)), ", ".join(map(repr, raised.similar))
    return beats(
        f"the library {name!r} is nowhere to be found" + (f"; {similar} is" if similar else ""),
        "not-found",
        words.rows(raised.trail.considered),
        f"ask for {similar}" if similar else not_found_fix(str(raised.name)),
    )


def not_found_fix(name: str) -> str | None:
    """None: no library can have that name, and the evidence says what to write."""
    if names.objection(name) is not None:
        return None
    return f"export {names.variable(name)}=FILE     # the library itself; or install the wrapper package that holds it"


def refused(raised: errors.RefusedError) -> str:
    """One reason is told at once; several are counted, then told one after the other."""
    remedy = [f"  {line}" for line in telling.remedy(raised.findings, raised.wrappers)]
    reasons, beside = findings(raised.findings, bool(remedy)), [*remedy, *notes(relevant(raised))]
    name = shown(str(raised.name))
    said = raised.loader_said
    if said is not None:
        end = [f"  the loader, which opened nothing: {shown(said)}"]
    else:
        end = [PAST.format(risk(raised.findings))] if all(map(is_judged, raised.findings)) else []
    if len(reasons) == 1:
        head, *rest = reasons[0].split("\n")
        return "\n".join([f"{name} cannot be loaded: {head}", *rest, *beside, *end])
    return "\n".join([f"{name} cannot be loaded, for {len(reasons)} reasons", *reasons, *beside, *end])


def is_judged(reason: Finding) -> bool:
    """Whether there is anything that the loader could be given nevertheless."""
    problem = getattr(reason, "problem", None)
    return reason.code in JUDGED and (problem is None or problem.code != "absent")


def risk(reasons: Iterable[Finding]) -> str:
    """Of leaving it to the loader, which looks for what is missing wherever the files tell it to."""
    considered = (row for each in reasons for row in getattr(each, "considered", ()))
    return "running what others put there" if any(row.unsafe for row in considered) else "a crash"


def relevant(raised: errors.RefusedError) -> Iterable[Finding]:
    """The notes worth telling beside the reasons: what is wrong with declarations explains only what is missing."""
    is_missing = any(each.code == "missing-library" for each in raised.findings)
    return (each for each in raised.notes if is_missing or each.code not in DECLARATIONS)


def open_failed(raised: errors.OpenFailedError) -> str:
    count = len(raised.opened)
    opened = f"{count} {'library was' if count == 1 else 'libraries were'} opened, and stay{'s' * (count == 1)} open"
    said = beats(
        f"{shown(raised.library)} cannot be loaded: the loader refused {library(raised.path)}",
        "open-failed",
        (
            ("file", shown(raised.path)),
            ("the loader", shown(raised.loader_said)),
            ("so far", opened if count else "nothing was opened"),
        ),
        None,
    )
    remedy = [f"  {line}" for line in telling.remedy(raised.findings, raised.wrappers)]
    return "\n".join([said, *findings(raised.findings, bool(remedy)), *remedy])


def interpreter(raised: errors.InterpreterError) -> str:
    return beats(
        f"{shown(str(raised.name))} cannot be loaded: this interpreter cannot use ctypes",
        "no-ctypes",
        (("python says", shown(raised.reason)),),
        "load it in the main interpreter, of a Python that was built with ctypes",
    )


def bad_name(raised: errors.BadNameError) -> str:
    return beats(f"{shown(repr(raised.name))} is not the name of a library: {raised.reason}", "bad-name", (), None)


def config(raised: errors.ConfigError) -> str:
    rows = [
        (f"line {each.line}" if each.line is not None else "because", shown(each.what), nearest(each.nearest))
        for each in raised.problems
    ]
    return beats(f"the configuration {shown(raised.file)} cannot be used", "bad-configuration", rows, None)


def nearest(valid: tuple[str, ...]) -> str:
    return ("write " if len(valid) == 1 else "one of ") + ", ".join(map(shown, valid)) if valid else ""


SAY: dict[type, Callable[[Any], str]] = {
    errors.NotFoundError: not_found,
    errors.RefusedError: refused,
    errors.OpenFailedError: open_failed,
    errors.InterpreterError: interpreter,
    errors.BadNameError: bad_name,
    errors.ConfigError: config,
}


# ------------------------------------------------------------------------------------------------------- trails, plans


def trail(told: Trail) -> str:
    """Every place that was considered, numbered."""
    rows = words.rows(told.considered)
    found = f"found {shown(told.found)}" if told.found else "not found"
    return "\n".join([f"{shown(told.wanted)}: {found}", *table((f"{n}.", *row) for n, row in enumerate(rows, 1))])


def steps(plan: Plan) -> list[str]:
    """The order of opening: where each library is, whose it is, and why it is opened."""
    return table(
        (
            f"{number}.",
            shown(step.path),
            step.package or "system",
            "for " + library(step.needed_by[0]) if step.needed_by else "asked for",
        )
        for number, step in enumerate(plan.steps, 1)
    )


def verdict(told: Verdict) -> str:
    """What was found, and what was not looked at."""
    remedy = telling.remedy(told.findings, told.plan.wrappers)
    lines = findings(told.findings, bool(remedy))
    lines += [f"not looked at: {shown(each)}" for each in told.unchecked]
    names, count = ", ".join(map(shown, told.plan.names)), len(told.plan.steps)
    outcome = "nothing that stops a load" if told.passes else "cannot be loaded"
    lines.append(f"{names}: {count} {'library' if count == 1 else 'libraries'}, {outcome}")
    return "\n".join([*lines, *(f"  {line}" for line in remedy)])


def plan(drawn: Plan) -> str:
    """A whole plan, for people."""
    lines = [trail(each) for each in drawn.trails]
    lines.append(f"{len(drawn.steps)} to open, in this order" if drawn.steps else "nothing to open")
    lines += steps(drawn)
    if drawn.reused:
        lines.append(f"{len(drawn.reused)} in the process already")
        lines += table((shown(reused.name), shown(reused.loaded.path)) for reused in drawn.reused)
    if drawn.left_to_loader:
        lines.append("only the loader can find: " + ", ".join(map(shown, drawn.left_to_loader)))
    remedy = telling.remedy(drawn.findings, drawn.wrappers)
    lines += findings(drawn.findings, bool(remedy))
    lines += (f"  {line}" for line in remedy)
    return "\n".join(lines)
