"""Several findings -> words: what belongs together is told once, and what repairs it in one line. Cold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import findings, repairs, words, words_symbols
from .model import Finding
from .wording import Words, library, quoted, shown

# Of what a mixture of releases breaks: one command repairs all of it.
OF_MIXTURES = frozenset({"missing-library", "missing-symbol", "missing-version"})


def gathered(found: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """The findings in their order, those together that are told as one: missing symbols by the package that should have
    them, or with the library that should."""
    found = list(found)
    absent = {each.name for each in found if isinstance(each, findings.MissingLibrary)}
    groups: dict[object, list[Finding]] = {}
    for number, each in enumerate(found):
        key: object = number
        if isinstance(each, findings.MissingLibrary):
            key = each.code, each.name
        elif isinstance(each, findings.MissingSymbols):
            key = owner(each) if each.absent not in absent else ("missing-library", each.absent)
        groups.setdefault(key, []).append(each)
    return [tuple(group) for group in groups.values()]


def owner(finding: findings.MissingSymbols) -> tuple[str | None, ...]:
    """Who should have them: a package, a library that is of none, a missing one, nobody."""
    of_none = finding.expected_in if finding.expected_package is None else None
    return "missing-symbol", finding.expected_package, of_none, finding.absent


def say(group: Sequence[Finding]) -> Words:
    """The words for findings that are told as one."""
    symbols = [each for each in group if isinstance(each, findings.MissingSymbols)]
    libraries = [each for each in group if isinstance(each, findings.MissingLibrary)]
    if libraries:
        return with_symbols(words.say(libraries[0]), symbols)
    return words_symbols.missing_together(symbols) if len(symbols) > 1 else words.say(group[0])


def with_symbols(said: Words, symbols: Sequence[findings.MissingSymbols]) -> Words:
    """The words for a missing library, with what is missing because of it."""
    counted = [
        ("perhaps its", f"{words_symbols.count(each.symbols)} that {library(each.path)} wants and nobody has")
        for each in symbols
    ]
    head = sum(row[0] == "needed by" for row in said.evidence)
    return said.replace(evidence=(*said.evidence[:head], *counted, *said.evidence[head:]))


# ----------------------------------------------------------------------------------------------------------------- fix


def remedy(found: Iterable[Finding], wrappers: Iterable[str]) -> list[str]:
    """The lines that tell how to repair a mixture, if that is what was found; nothing, where nothing is known.

    `wrappers`: the packages that bring what was asked for.
    """
    found = [each for each in found if each.severity == "error" and each.code in OF_MIXTURES]
    if not any(is_of_mixture(each) for each in found) or any(is_of_damage(each) for each in found):
        return []
    known = repairs.repair(wrappers, any(isinstance(each, findings.MissingLibrary) for each in found))
    if known is None:
        return []
    lines = [f"fix: {quoted('pip', 'install', *known.requirements)}     # what {asking(known.asked_by)}"]
    if known.relied_on_by:
        lines.append(f"but: {several(known.relied_on_by)} asked for what is there now")
    return lines


def is_of_mixture(finding: Finding) -> bool:
    """Whether another release of a wrapper may be what is missing: not where the system or a person should have it."""
    if isinstance(finding, findings.MissingSymbols):
        return finding.expected_in is None or finding.expected_package is not None
    return isinstance(finding, findings.MissingLibrary)


def is_of_damage(finding: Finding) -> bool:
    """Whether a file is gone that was there: then that comes first, and its own fix says how."""
    return isinstance(finding, findings.MissingLibrary) and words.was_installed(finding)


def asking(by: Sequence[str]) -> str:
    return f"{shown(by[0])}'s own metadata asks for" if len(by) == 1 else f"the metadata of {several(by)} ask for"


def several(names: Sequence[str]) -> str:
    """The first two of them, and how many more."""
    more = [f"{len(names) - 2} more"] if len(names) > 2 else []
    *most, last = [*map(shown, names[:2]), *more]
    return f"{', '.join(most)} and {last}" if most else last
