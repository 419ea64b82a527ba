"""What the symbol check found -> text, and JSON. Cold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from . import __version__, report
from .model import Finding, Record, Verdict
from .symcheck_inputs import Gathered
from .symcheck_judging import Absent, Judgement
from .symcheck_wheels import Uncheckable
from .wording import library, shown

SCHEMA = "findlibs2-symcheck/1"


class Answer(Record):
    """All that one call of the check has to say."""

    gathered: Gathered
    judgements: tuple[Judgement, ...]
    installed: Verdict | None  # on libraries that were given by name; None: none was

    @property
    def looked(self) -> bool:
        """Whether there was anything that can be checked."""
        return bool(self.judgements) or self.installed is not None

    def findings(self) -> Iterator[Finding]:
        yield from self.gathered.findings
        for each in self.judgements:
            yield from each.findings
        if self.installed is not None:
            yield from self.installed.findings

    @property
    def passes(self) -> bool:
        return all(each.severity != "error" for each in self.findings())


# ---------------------------------------------------------------------------------------------------------------- text


def text(answer: Answer) -> str:
    """For people: what was found first, then what was not looked at, and the outcome last."""
    lines = told(answer.gathered.findings)
    for each in answer.judgements:
        lines += of_machine(each)
    if answer.installed is not None:
        lines.append(report.verdict(answer.installed))
    lines += [f"not yet: {shown(each.path)} is a {each.format} library" for each in answer.gathered.not_yet]
    lines += [f"not looked at: {shown(each.path)}: {shown(each.what)}" for each in answer.gathered.beside]
    errors = sum(each.severity == "error" for each in answer.findings())
    if errors:
        outcome = f"{errors} {'finding' if errors == 1 else 'findings'}"
    elif answer.looked:
        outcome = "nothing is missing in what was looked at"
    else:
        outcome = "nothing was looked at"
    return "\n".join([*lines, outcome])


def of_machine(judged: Judgement) -> Iterator[str]:
    count = len(judged.libraries)
    yield f"{judged.machine}: {count} {'library' if count == 1 else 'libraries'}"
    yield from told(judged.findings)
    for path in judged.system:
        yield f"taken from this system: {shown(path)}"
    for path in judged.unreadable:
        yield f"not looked at: the symbols of {shown(path)}"
    rows = [("not looked at", *row(each)) for each in judged.absent]
    yield from report.table(rows, "")


def row(absent: Absent) -> tuple[str, ...]:
    count = len(absent.wanted_by)
    symbols = f", {absent.symbols:,} {'symbol' if absent.symbols == 1 else 'symbols'}" if absent.symbols else ""
    wanted = f"wanted by {count} {'library' if count == 1 else 'libraries'}{symbols}"
    versions = " ".join(map(shown, absent.versions))
    return (shown(absent.name), wanted, f"up to {versions}") if versions else (shown(absent.name), wanted)


def told(findings: Iterable[Finding]) -> list[str]:
    lines: list[str] = []
    for each in findings:
        if isinstance(each, Uncheckable):
            lines.append(uncheckable(each))
        else:
            said = report.findings([each])
            lines += [f"note: {text}" for text in said] if each.severity == "note" else said
    return lines


def uncheckable(finding: Uncheckable) -> str:
    evidence = (("file", shown(finding.path)), ("because", shown(finding.reason)))
    return report.beats(f"{library(finding.path)} is not checked", finding.code, evidence, None)


# ---------------------------------------------------------------------------------------------------------------- JSON


def as_json(answer: Answer) -> str:
    """For programs: docs/reference/symcheck.md. ASCII alone, so no name can do anything to a terminal."""
    gathered = answer.gathered
    return json.dumps(
        {
            "schema": SCHEMA,
            "findlibs2": __version__,
            "passes": answer.passes,
            "findings": [plain(each) for each in gathered.findings],
            "machines": [of_judgement(each) for each in answer.judgements],
            "installed": of_verdict(answer.installed) if answer.installed is not None else None,
            "not_yet": [{"path": each.path, "format": each.format} for each in gathered.not_yet],
            "beside": [{"path": each.path, "what": each.what} for each in gathered.beside],
        },
        indent=1,
    )


def of_judgement(judged: Judgement) -> dict[str, Any]:
    return {
        "machine": judged.machine,
        "libraries": [
            {"path": each.path, "name": each.binary.name, "copies": list(each.copies)} for each in judged.libraries
        ],
        "findings": [plain(each) for each in judged.findings],
        "not_given": [plain(each) for each in judged.absent],
        "system": list(judged.system),
        "unreadable": list(judged.unreadable),
    }


def of_verdict(told: Verdict) -> dict[str, Any]:
    return {
        "names": list(told.plan.names),
        "libraries": [step.path for step in told.plan.steps],
        "findings": [plain(each) for each in told.findings],
        "unchecked": list(told.unchecked),
    }


def plain(value: Any) -> Any:
    """A record as a dictionary of its fields; of a finding with its code and severity."""
    if isinstance(value, Finding):
        head = {"code": value.code, "severity": value.severity}
        return {**head, **{name: plain(getattr(value, name)) for name in value._fields}}
    if isinstance(value, Record):
        return {name: plain(getattr(value, name)) for name in value._fields}
    return [plain(each) for each in value] if isinstance(value, tuple) else value
