"""Findings -> words: cause (one complete line), evidence (rows), fix (one line that is safe to paste). Cold.

Whatever comes from files, metadata or the environment is shown with control characters escaped; in a fix it is quoted
for the shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from os.path import dirname, join
from typing import Any

from . import closure, files, findings, metadata, notes, packages, words_demands, words_symbols
from .model import Considered, Finding
from .names import variable
from .wording import Words, library, quoted, reinstall, shown, wheel


def rows(considered: tuple[Considered, ...]) -> tuple[tuple[str, ...], ...]:
    """A trail as a table: source, place, answer."""
    return tuple(
        (shown(row.source), shown(row.where), ("not searched: " if row.unsafe else "") + shown(row.answer))
        for row in considered
    )


def needed_by(chain: tuple[str, ...], package: str | None) -> tuple[tuple[str, ...], ...]:
    return tuple(("needed by", shown(path), wheel(package) if path == chain[0] else "") for path in chain)


SHARING = ("package", "default directory")  # sources

# -------------------------------------------------------------------------------------------------------- one by one


def missing_library(finding: findings.MissingLibrary) -> Words:
    beside = join(dirname(finding.needed_by[0]), finding.name)
    is_there = ("beside it", shown(beside), "is there, where the loader is not told to look")
    said = (is_there,) if files.exists(beside) else ()
    return Words(
        f"{shown(finding.name)}, which {library(finding.needed_by[0])} needs, is nowhere to be found",
        (*needed_by(finding.needed_by, finding.package), *said, *other_versions(finding), *brief(finding.considered)),
        reinstall(finding.package) if was_installed(finding) else None,
    )


def brief(considered: tuple[Considered, ...]) -> Iterator[tuple[str, ...]]:
    """A trail in which packages, and directories of the system, with the same answer share a row."""
    for (source, answer), group in groupby(rows(considered), lambda row: (row[0], row[2])):
        places = [where for _, where, _ in group]
        if source not in SHARING or len(places) == 1:
            yield from ((source, where, answer) for where in places)
        else:
            yield source, ", ".join(places), answer.replace("holds no", "hold no", 1)


def was_installed(finding: findings.MissingLibrary) -> bool:
    """Whether the package was installed with the file, which is gone since."""
    return finding.package is not None and metadata.recorded(finding.package, finding.name)


def other_versions(finding: findings.MissingLibrary) -> tuple[tuple[str, ...], ...]:
    """The libraries that are the wanted one but for the version: libatlas.so.0.47 in the place of libatlas.so.0.46."""
    family, found = closure.family(finding.name), {}
    for name in dict.fromkeys(row.where for row in finding.considered if row.source == "package"):
        package, _ = packages.find(name)
        for directory in package.libraries if package is not None else ():
            for file in closure.families(files.listing(directory) or ()).get(family, ()):
                binary = files.read(join(directory, file)).binary
                if binary is not None and binary.name is not None:
                    found[binary.name, name] = ("there is", shown(binary.name), f"in {wheel(name)}")
    return tuple(found.values())


PROBLEMS = {
    "absent": "does not exist",
    "dangling-link": "is a symbolic link to nothing",
    "link-ring": "is a symbolic link that leads to itself",
    "directory": "is a directory",
    "special-file": "is no regular file",
    "unreadable": "cannot be read",
    "empty": "is empty",
    "linker-script": "is a text for the linker (an ld script), no library",
    "not-a-library": "is no library for this system",
    "damaged": "is damaged",
}


def bad_file(finding: findings.BadFile) -> Words:
    problem = finding.problem
    place = f" (byte {problem.offset:,})" if problem.offset is not None else ""
    return Words(
        f"{library(finding.path)} {PROBLEMS[problem.code]}",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("seen", shown(problem.what) + place),
            *needed_by(finding.needed_by, None),
        ),
        permission(finding.path) if problem.code == "unreadable" else reinstall(finding.package),
    )


def permission(path: str) -> str:
    return quoted("chmod", "u+r", path) + "     # or ask its owner"


def wrong_machine(finding: findings.WrongMachine) -> Words:
    return Words(
        f"{library(finding.path)} is made for another machine",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("is for", finding.is_for),
            ("process is", finding.process_is),
            *needed_by(finding.needed_by, None),
        ),
        reinstall(finding.package),
    )


def needed_ring(finding: notes.NeededRing) -> Words:
    ring = (*finding.ring, finding.ring[0])
    return Words(
        f"{len(finding.ring)} libraries need each other in a ring, so none of them can be opened before the others",
        tuple(("needs", shown(one), library(other)) for one, other in pairwise(ring)),
    )


def model_disagreed(finding: notes.ModelDisagreed) -> Words:
    return Words(
        f"the loader took {shown(finding.library)}, of which findlibs2 would have said that it cannot be loaded",
        tuple((each.code, say(each).cause) for each in finding.doubts),
        quoted("python", "-m", "findlibs2", "check", finding.library) + "     # please report what this prints",
    )


def scope_promoted(finding: notes.ScopePromoted) -> Words:
    count = len(finding.paths)
    return Words(
        f"{count} {'library' if count == 1 else 'libraries'} of the private scope can be seen by the whole process",
        tuple(("visible", shown(path)) for path in finding.paths),
    )


def override_missing(finding: findings.OverrideMissing) -> Words:
    what = "is a directory without the library" if finding.looked_for else "names nothing that exists"
    wanted = (("looked for", ", ".join(map(shown, finding.looked_for))),) if finding.looked_for else ()
    return Words(
        f"{shown(finding.variable)} {what}",
        (("value", shown(finding.value)), *wanted),
        instead(finding.variable, finding.place, "the library file"),
    )


def instead(variable: str, place: str | None, right: str) -> str:
    """What to do about an override that is wrong."""
    if place is None:
        return f"unset {variable}     # or set it to {right}"
    return f"change {shown(place)} to {right}, or delete it"


def override_mismatch(finding: findings.OverrideMismatch) -> Words:
    carries = f"carries the name {shown(finding.name)}" if finding.name else "carries no name (DT_SONAME)"
    return Words(
        f"the library that {shown(finding.variable)} names is not {shown(finding.expected)}",
        (("file", shown(finding.path), carries), *needed_by(finding.needed_by, None)),
        instead(finding.variable, finding.place, f"a library named {shown(finding.expected)}"),
    )


def wrapper_failed(finding: findings.WrapperFailed) -> Words:
    return Words(
        f"the wrapper package {shown(finding.package)} fails when it is imported",
        (
            ("package", shown(finding.init or finding.package), wheel(finding.package)),
            ("raised", shown(finding.exception)),
            ("imported", "because what it depends on is not written down literally"),
        ),
        reinstall(finding.package),
    )


def zipped_wrapper(finding: notes.ZippedWrapper) -> Words:
    return Words(
        f"the wrapper package {shown(finding.package)} lies inside a zip archive, where no loader can open a library",
        (("archive", shown(finding.path)),),
        quoted("pip", "install", finding.path) if finding.path.endswith(".whl") else None,
    )


def replaced(finding: findings.Replaced) -> Words:
    return Words(
        f"{library(finding.path)} was replaced while it was being loaded",
        (("file", shown(finding.path)), ("so", "what is mapped is not what was checked")),
        "start the process again, after the installation has finished",
    )


def unsupported_host(finding: findings.UnsupportedHost) -> Words:
    return Words(
        "findlibs2 cannot load here yet: it knows the loaders of Linux, glibc's and musl's",
        (("system", finding.os), ("C library", finding.libc or "unknown")),
    )


def bad_declaration(finding: notes.BadDeclaration) -> Words:
    return Words(
        f"{shown(finding.package)} declares its dependencies in a form that cannot be used",
        (
            ("in", f"{shown(finding.init)}, line {finding.line}"),
            ("reads", f"{finding.attribute} = {shown(finding.value)}"),
            ("expected", "a list of import names, each a string"),
        ),
    )


def package_missing(finding: notes.PackageMissing) -> Words:
    wanted = metadata.requirement(finding.declared_by, finding.name)
    return Words(
        f"{shown(finding.name)}, which {shown(finding.declared_by)} depends on, is not installed",
        rows(finding.considered),
        quoted("pip", "install", wanted) if wanted else None,
    )


def dependencies_unknown(finding: notes.DependenciesUnknown) -> Words:
    return Words(
        f"what {shown(finding.package)} depends on can only be known by importing it, which only `load` does",
        (("in", shown(finding.init or "no source")), ("because", shown(finding.reason))),
    )


def package_ring(finding: notes.PackageRing) -> Words:
    return Words(
        "wrapper packages declare each other; their libraries are planned by what the files need",
        (("ring", " -> ".join(map(shown, (*finding.ring, finding.ring[0])))),),
    )


def shadowed(finding: notes.Shadowed) -> Words:
    return Words(
        f"{shown(finding.package)} is there several times; the first on the path is taken",
        (("taken", shown(finding.taken)), *(("passed", shown(other)) for other in finding.others)),
    )


def variable_unheeded(finding: notes.VariableUnheeded) -> Words:
    return Words(
        f"{finding.variable} is set, and has no say: the installed wrapper goes first",
        (
            ("set to", shown(finding.value)),
            ("taken", shown(finding.taken)),
            ("instead", f"{variable(finding.library)}, or `sources` in the configuration"),
        ),
    )


def copies_differ(finding: notes.CopiesDiffer) -> Words:
    return Words(
        f"several files named {shown(finding.name)} inside, of different content; the unversioned one is taken",
        (("taken", shown(finding.taken)), *(("passed", shown(other)) for other in finding.others)),
    )


def loaded_elsewhere(finding: notes.LoadedElsewhere) -> Words:
    return Words(
        f"{shown(finding.name)} is in the process already, from another file; that one is used",
        (("in use", shown(finding.loaded)), ("expected", shown(finding.expected)), *words_symbols.fits(finding)),
    )


def unsafe_search_path(finding: notes.UnsafeSearchPath) -> Words:
    return Words(
        "libraries bring search directories that are not to be trusted; nothing is taken from there",
        ((shown(finding.directory), shown(finding.reason), f"{finding.rule} of {bringing(finding)}"),),
    )


def foreign_search_path(finding: notes.ForeignSearchPath) -> Words:
    return Words(
        "libraries bring search directories that do not exist here",
        ((shown(finding.directory), f"{finding.rule} of {bringing(finding)}"),),
    )


def bringing(finding: notes.UnsafeSearchPath | notes.ForeignSearchPath) -> str:
    return library(finding.path) + (f" and {len(finding.others)} more" if finding.others else "")


def truncated_tail(finding: notes.TruncatedTail) -> Words:
    return Words(
        f"{library(finding.path)} ends {finding.missing:,} bytes early; what is missing is not needed to load it",
        (("file", shown(finding.path)),),
    )


def passed_over(finding: notes.PassedOver) -> Words:
    return Words(
        f"{shown(finding.path)} {PROBLEMS[finding.problem.code]}; another file of that name is taken",
        (("taken", shown(finding.taken)), ("seen", shown(finding.problem.what))),
    )


SAY: dict[str, Callable[[Any], Words]] = {
    "missing-library": missing_library,
    "bad-file": bad_file,
    "wrong-machine": wrong_machine,
    "needed-ring": needed_ring,
    "model-disagreed": model_disagreed,
    "scope-promoted": scope_promoted,
    "override-missing": override_missing,
    "override-mismatch": override_mismatch,
    "wrapper-failed": wrapper_failed,
    "zipped-wrapper": zipped_wrapper,
    "missing-symbol": words_symbols.missing_symbols,
    "missing-version": words_demands.missing_version,
    "unversioned-provider": words_symbols.unversioned_provider,
    "versions-of-absent": words_symbols.versions_of_absent,
    "executable-stack": words_demands.stack_not_executable,
    "stack-made-executable": words_demands.stack_made_executable,
    "static-tls-full": words_demands.static_tls_full,
    "static-tls-alignment": words_demands.static_tls_alignment,
    "unmarked-relr": words_demands.unmarked_relr,
    "counters-differ": words_symbols.counters_differ,
    "requirement-unmet": words_symbols.requirement_unmet,
    "several-providers": words_symbols.several_providers,
    "under-linked": words_symbols.under_linked,
    "replaced": replaced,
    "unsupported-host": unsupported_host,
    "bad-declaration": bad_declaration,
    "package-missing": package_missing,
    "dependencies-unknown": dependencies_unknown,
    "package-ring": package_ring,
    "shadowed": shadowed,
    "variable-unheeded": variable_unheeded,
    "copies-differ": copies_differ,
    "loaded-elsewhere": loaded_elsewhere,
    "unsafe-search-path": unsafe_search_path,
    "foreign-search-path": foreign_search_path,
    "truncated-tail": truncated_tail,
    "passed-over": passed_over,
}


def say(finding: Finding) -> Words:
    """The words for a finding. Every code has some: tests/words."""
    return SAY[finding.code](finding)
