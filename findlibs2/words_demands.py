"""Findings about what a file demands of the host -> words. Cold."""

from __future__ import annotations

from . import findings, notes, words_symbols
from .wording import Words, library, reinstall, shown, wheel

HEADER = {"rwx": "PT_GNU_STACK, executable", None: "no PT_GNU_STACK, which means an executable one here"}


def missing_version(finding: findings.MissingVersion) -> Words:
    """Of a library of the system: for which system the file was built. Of others: what is missing."""
    if not isinstance(finding, findings.BuiltForNewer):
        return words_symbols.missing_version(finding)
    newest = f"defines {shown(finding.newest)} at most" if finding.newest else "does not define it"
    also = (("also missing", ", ".join(map(shown, finding.others))),) if finding.others else ()
    return Words(
        f"{library(finding.path)} was built for {built_for(finding)}",
        (
            ("wanted by", shown(finding.path), wheel(finding.package)),
            ("wanted", shown(finding.version), f"of {shown(finding.of)}"),
            *also,
            ("expected in", shown(finding.supplier), newest),
            ("taken", shown(str(finding.taken))),
        ),
        for_this_system(finding),
    )


def built_for(finding: findings.BuiltForNewer) -> str:
    if finding.version.startswith("GLIBC_"):
        wanted = f"glibc {finding.built_for} or newer" if finding.built_for else "another glibc"
        return f"{wanted}, and this system has {shown(str(finding.system))}"
    return f"a newer {shown(finding.of)} than the one that is taken"


def for_this_system(finding: findings.BuiltForNewer) -> str:
    """A system library is nothing that a command replaces unharmed: this one is for a person."""
    what = shown(finding.package) if finding.package is not None else library(finding.path)
    if finding.version.startswith("GLIBC_"):
        return f"use a release of {what} for glibc {shown(str(finding.system))} or older, or a newer system"
    return f"use a release of {what} for older systems, or a newer {shown(finding.of)}"


def stack_not_executable(finding: findings.StackNotExecutable) -> Words:
    return Words(
        f"{library(finding.path)} wants an executable stack, which this loader gives to no library that is opened later",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("has", HEADER[finding.stack]),
        ),
        NOEXECSTACK,
    )


NOEXECSTACK = "use a build of it that was linked with -z noexecstack"


def stack_made_executable(finding: notes.StackMadeExecutable) -> Words:
    return Words(
        f"{library(finding.path)} makes all stacks of this process executable, a protection less",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("has", HEADER[finding.stack]),
            ("later", "the loader of glibc 2.41 refuses it"),
        ),
        NOEXECSTACK,
    )


def static_tls_full(finding: findings.StaticTlsFull) -> Words:
    return Words(
        "the thread-local variables that every thread has to have from its start are too many for this process",
        (
            *(("file", shown(path), f"{size:,} bytes", wheel(package)) for path, size, package in finding.blocks),
            ("together", f"{finding.wanted:,} bytes, at least"),
            ("room for", f"{finding.room:,} bytes, if nobody has taken any of it"),
        ),
        MORE_ROOM.format(finding.enough) if finding.enough is not None else None,
    )


# What is set already stays set: of a tunable that is there twice the last one counts.
MORE_ROOM = (
    'export GLIBC_TUNABLES="${{GLIBC_TUNABLES:+$GLIBC_TUNABLES:}}glibc.rtld.optional_static_tls={}"'
    "     # then start the program again"
)


def static_tls_alignment(finding: findings.StaticTlsAlignment) -> Words:
    return Words(
        f"{library(finding.path)} has thread-local variables that this process can give no place to",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("aligned to", f"{finding.wanted:,} bytes"),
            ("at most", f"{finding.most:,} bytes", "for a library that is opened later, with initial-exec variables"),
        ),
        "use a build of it without -ftls-model=initial-exec, or with a smaller alignment",
    )


def unmarked_relr(finding: findings.UnmarkedRelr) -> Words:
    return Words(
        f"{library(finding.path)} has compressed relocations (DT_RELR) and does not want GLIBC_ABI_DT_RELR",
        (
            ("file", shown(finding.path), wheel(finding.package)),
            ("so", "the loader of this system refuses it"),
        ),
        reinstall(finding.package),
    )
