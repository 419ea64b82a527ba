"""Libraries of one SONAME in several packages of a stack: which one is taken, and whether that matters. Cold.

EFFECT: through `files`. A loader keeps one object of a SONAME for all that ask for it (glibc, elf/dl-load.c,
_dl_map_object: "Look for this name among those already loaded"), so the file of one package serves the other one, too.
"""

from __future__ import annotations

from os.path import join

from . import closure, files, host, linked
from .findings import MissingSymbols, MissingVersion
from .formats.elf_symbols import gnu_hash
from .notes import SeveralProviders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .formats.elf_symbols import Symbols
    from .model import Binary, Finding, Package, Plan, Step


def judge(plan: Plan, findings: Iterable[Finding]) -> list[SeveralProviders]:
    """`findings`: what is missing, of which one that was left out may have some. Equal copies are no rivals."""
    lost, told = missing(findings), []
    held = [(package.name, *each) for package in plan.packages for each in listed(package)]
    for step in plan.steps:
        binary = step.file.binary
        if binary is None or binary.name is None or step.package is None:
            continue
        family = closure.family(binary.name)
        paths = [path for owner, stem, path in held if stem == family and owner != step.package]
        others = tuple(path for path in paths if is_rival(path, step, binary))
        missed = dict.fromkeys(each for path in others for each in had(path, lost))
        told += [SeveralProviders(binary.name, step.path, others, tuple(missed))] if others else []
    return told


def listed(package: Package) -> Iterator[tuple[str, str]]:
    """Unversioned name and path of every file in the library directories of a package."""
    for directory in package.libraries:
        for name in files.listing(directory) or ():
            yield closure.family(name), join(directory, name)


def is_rival(path: str, step: Step, binary: Binary) -> bool:
    """Whether a file carries the name of a step's file, is for the same machine, and is not the same."""
    other = files.read(path).binary
    return other is not None and kind(other) == kind(binary) and not files.same_content(path, step.path)


def kind(binary: Binary) -> tuple[object, ...]:
    return binary.name, binary.kind, binary.machine, binary.bits, binary.byteorder


def missing(findings: Iterable[Finding]) -> tuple[list[str], list[str]]:
    """Symbols and versions, as they are told."""
    found = tuple(findings)
    symbols = [symbol for each in found if isinstance(each, MissingSymbols) for symbol in each.symbols]
    return symbols, [each.version for each in found if isinstance(each, MissingVersion)]


def had(path: str, lost: tuple[list[str], list[str]]) -> Iterator[str]:
    """What is missing and a file has."""
    symbols = files.symbols(path) if any(lost) else None
    if symbols is not None:
        yield from (each for each in lost[0] if has(symbols, each))
        yield from (each for each in lost[1] if each.encode() in symbols.defined_versions())


def has(symbols: Symbols, spelled: str) -> bool:
    name, _, version = spelled.encode("utf-8", "backslashreplace").partition(b"@")
    return bool(linked.rules(host.snapshot()).supplies(symbols, name, version or None, gnu_hash(name)))
