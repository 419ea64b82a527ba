"""What is worth telling and never stops a load, as facts, warnings among them. What does: `findings`."""

from __future__ import annotations

from .model import Considered, FileProblem, Finding, Record


class ZippedWrapper(Finding):
    """The wrapper lies in a zip archive; no loader can open a library there."""

    code = "zipped-wrapper"
    severity = "warning"
    package: str
    path: str


class BadDeclaration(Finding):
    """`depends_on` or `findlibs_dependencies` is literal, and not a list of names."""

    code = "bad-declaration"
    severity = "warning"
    package: str
    init: str
    line: int
    attribute: str
    value: str  # source text of the value, at most 80 characters


class PackageMissing(Finding):
    """A wrapper declares a dependency that is not installed."""

    code = "package-missing"
    severity = "warning"
    name: str
    declared_by: str
    considered: tuple[Considered, ...] = ()


class DependenciesUnknown(Finding):
    """The declaration is not literal, or there is no source to read: only importing the wrapper would tell."""

    code = "dependencies-unknown"
    package: str
    init: str | None  # None: no source
    reason: str


class PackageRing(Finding):
    """Wrappers that declare each other. Their libraries are planned by what the files need."""

    code = "package-ring"
    ring: tuple[str, ...]  # import names


class NeededRing(Finding):
    """Libraries that need each other cannot be opened one after the other; all of the plan is opened as one object."""

    code = "needed-ring"
    ring: tuple[str, ...]  # paths; each needs the next, the last needs the first


class ModelDisagreed(Finding):
    """The loader took a stack of which it was said that it would refuse it. What it says counts."""

    code = "model-disagreed"
    severity = "warning"
    library: str  # as asked for
    codes: tuple[str, ...]  # of what was found
    doubts: tuple[Finding, ...]


class ScopePromoted(Finding):
    """Libraries of the private scope are visible to the whole process: somebody opened one of them with RTLD_GLOBAL."""

    code = "scope-promoted"
    paths: tuple[str, ...]


class Shadowed(Finding):
    """Several copies of one wrapper are importable; the first on the path is taken."""

    code = "shadowed"
    package: str
    taken: str  # directory
    others: tuple[str, ...]


class VariableUnheeded(Finding):
    """<X>_HOME or <X>_DIR of the library is set, and a source that goes before has the library."""

    code = "variable-unheeded"
    variable: str
    value: str
    library: str  # as asked for
    taken: str


class Rebuilt(Record):
    """Of a package the version that another one asks for is there, under another counter."""

    package: str  # import name
    asked_for: str  # "2.5.0.33"
    same_source: bool | None  # by the commit that both declare; None: of what is asked for it is unknown


class CountersDiffer(Finding):
    """Wrappers of one stack were released at different times. By itself that breaks nothing."""

    code = "counters-differ"
    packages: tuple[tuple[str, str], ...]  # import name, version
    rebuilt: tuple[Rebuilt, ...] = ()  # those of which another build of the right version is there
    same_sources: bool = False  # known: what is there was built from the sources of what was asked for


class RequirementUnmet(Finding):
    """Installed distributions ask for another version of a wrapper of the stack. Whether that breaks is checked."""

    code = "requirement-unmet"
    package: str  # import name of the wrapper
    version: str
    requirement: str  # as they word it: "eckitlib==2.5.0.33"
    asked_by: tuple[tuple[str, str], ...]  # distribution, version; those of the stack first


class UnderLinked(Finding):
    """A library uses symbols of a library that it does not need, not even through others."""

    code = "under-linked"
    path: str
    symbols: tuple[str, ...]  # as in MissingSymbols
    found_in: str  # path of the library that has them


class StackMadeExecutable(Finding):
    """A file wants an executable stack: opening it makes all stacks of the process executable (glibc up to 2.40)."""

    code = "stack-made-executable"
    path: str
    stack: str | None  # PT_GNU_STACK: "rwx"; None: no such header, which means the same on this machine
    package: str | None = None


class CopiesDiffer(Finding):
    """Files of one package carry the same SONAME and are not the same; the unversioned name is taken."""

    code = "copies-differ"
    severity = "warning"
    name: str  # the SONAME
    taken: str
    others: tuple[str, ...]


class SeveralProviders(Finding):
    """Several packages of the stack bring a library of one SONAME, of different content. A process can have one of them."""

    code = "several-providers"
    severity = "warning"
    name: str  # the SONAME
    taken: str
    others: tuple[str, ...]
    missed: tuple[str, ...] = ()  # symbols and versions that are missing now, and one of the others has


class LoadedElsewhere(Finding):
    """A library is in the process already, from another file than the plan would have opened."""

    code = "loaded-elsewhere"
    name: str
    loaded: str
    expected: str
    lacks: tuple[str, ...] | None = None  # what is missing, and `expected` has: symbols, versions; None: not looked at


class UnsafeSearchPath(Finding):
    """A file brings a search directory that another user could fill. It is not searched; nothing is opened from it."""

    code = "unsafe-search-path"
    path: str  # the file
    rule: str  # "RPATH" or "RUNPATH"
    directory: str  # as written
    reason: str
    others: tuple[str, ...] = ()  # further files that bring it


class ForeignSearchPath(Finding):
    """A file brings a search directory that does not exist here, mostly of the machine that built it. Harmless."""

    code = "foreign-search-path"
    path: str  # the file
    rule: str  # "RPATH" or "RUNPATH"
    directory: str
    others: tuple[str, ...] = ()  # further files that bring it


class TruncatedTail(Finding):
    """The file ends before its section headers do. No loader reads them, so it loads; but the copy is not complete."""

    code = "truncated-tail"
    severity = "warning"
    path: str
    missing: int  # bytes


class PassedOver(Finding):
    """A file with the right name was passed over, because another one of that name can be loaded."""

    code = "passed-over"
    path: str
    problem: FileProblem
    taken: str
