"""What can be noteworthy about a plan, as facts. `words` says it; `docs/reference/codes.md` has a section for each code."""

from __future__ import annotations

from .model import Considered, FileProblem, Finding, Record

# -------------------------------------------------------------------------------------------------- a load stops


class MissingLibrary(Finding):
    """A needed library is nowhere where this process's loader or a declared package would have it."""

    code = "missing-library"
    severity = "error"
    name: str  # as the file asks for it
    needed_by: tuple[str, ...]  # paths of the files that ask, nearest to the wanted library first
    package: str | None  # wrapper of the first of these; None: not from a wrapper
    considered: tuple[Considered, ...]


class BadFile(Finding):
    """The file that has to be opened cannot be: damaged, empty, a directory ... `problem.code` says which."""

    code = "bad-file"
    severity = "error"
    path: str
    problem: FileProblem
    needed_by: tuple[str, ...] = ()
    package: str | None = None


class WrongMachine(Finding):
    """The file is made for another processor, word size or byte order than this process."""

    code = "wrong-machine"
    severity = "error"
    path: str
    is_for: str  # "aarch64, 64-bit, little-endian"
    process_is: str
    package: str | None = None
    needed_by: tuple[str, ...] = ()


class OverrideMissing(Finding):
    """An override names nothing that exists, or a directory without the library."""

    code = "override-missing"
    severity = "error"
    variable: str  # "FINDLIBS2_LIB_MIR"; of a configuration: "library.mir.path"
    value: str
    looked_for: tuple[str, ...] = ()  # file names, when the value is a directory
    place: str | None = None  # file and line of a configuration; None: a variable of the environment


class OverrideMismatch(Finding):
    """An override names a file that cannot stand in for the library: it carries another SONAME."""

    code = "override-mismatch"
    severity = "error"
    variable: str
    path: str
    name: str | None  # the DT_SONAME that the file carries; None: none
    expected: str  # the name that is needed
    needed_by: tuple[str, ...] = ()
    place: str | None = None  # file and line of a configuration; None: a variable of the environment


class WrapperFailed(Finding):
    """The wrapper's declaration is not literal, so `load` imported it, and the import failed."""

    code = "wrapper-failed"
    severity = "error"
    package: str
    init: str | None
    exception: str  # "RuntimeError: no AVX512 here"


class UnsupportedHost(Finding):
    """There is no model of this process's loader, so nothing can be decided before opening."""

    code = "unsupported-host"
    severity = "error"
    os: str  # sys.platform
    libc: str | None  # None: unknown


class MissingSymbols(Finding):
    """A file refers to symbols that no library of its closure, and none in the process, defines for others."""

    code = "missing-symbol"
    severity = "error"
    path: str  # the file that refers to them
    symbols: tuple[str, ...]  # mangled, as in the file; those with a version as "name@version"
    package: str | None = None  # wrapper of the file
    expected_in: str | None = None  # the library that should have them; None: unknown
    expected_package: str | None = None
    exports: int = 0  # how many symbols that one defines for others
    absent: str | None = None  # a library that perhaps has them, and is missing (`MissingLibrary.name`)


class MissingVersion(Finding):
    """A file needs a version of a library's symbols that the library does not define."""

    code = "missing-version"
    severity = "error"
    path: str  # the file that needs it
    version: str  # "GLIBC_2.38"
    of: str  # the library, by the name with which the file asks for it
    supplier: str  # its file
    newest: str | None = None  # the newest version of that family which it defines
    package: str | None = None


class BuiltForNewer(MissingVersion):
    """The version is one of a library of the system (GLIBC_, GLIBCXX_, CXXABI_): the newest that the file misses of it."""

    others: tuple[str, ...] = ()  # older ones that are missing too
    built_for: str | None = None  # the glibc that has the version first: "2.38"; None: another library, or unknown
    system: str | None = None  # the version of this process's glibc
    taken: str | None = None  # the rule by which the supplier was taken: "ld.so.cache", "in the process already"


class UnversionedProvider(Finding):
    """A library without symbol versions stands where versions are wanted of it: glibc up to 2.40 ends the process."""

    code = "unversioned-provider"
    severity = "error"
    path: str  # the file that wants them
    supplier: str
    versions: tuple[str, ...]
    package: str | None = None


class VersionsOfAbsent(Finding):
    """A file wants versions of a library that it does not need and nobody brings: glibc ends the process over it."""

    code = "versions-of-absent"
    severity = "error"
    path: str
    of: str  # the library, by name
    package: str | None = None


class StackNotExecutable(Finding):
    """A file wants an executable stack, and the loader gives that to nothing that is opened later (glibc 2.41 and newer)."""

    code = "executable-stack"
    severity = "error"
    path: str
    stack: str | None  # PT_GNU_STACK: "rwx"; None: no such header, which means the same on this machine
    package: str | None = None


class StaticTlsFull(Finding):
    """The thread-local variables of the plan that have to lie in the static area of each thread are too many for it."""

    code = "static-tls-full"
    severity = "error"
    blocks: tuple[tuple[str, int, str | None], ...]  # path, bytes and wrapper of each file that has such
    wanted: int  # bytes, at least
    room: int  # bytes, at most: what the process has if nobody took any of it
    enough: int | None = None  # what the tunable glibc.rtld.optional_static_tls should be; None: this glibc has none


class StaticTlsAlignment(Finding):
    """Thread-local variables have to lie in the static area of each thread at an address that nothing there has."""

    code = "static-tls-alignment"
    severity = "error"
    path: str
    wanted: int  # bytes: p_align of PT_TLS
    most: int  # bytes: the alignment of the area
    package: str | None = None


class UnmarkedRelr(Finding):
    """A file has compressed relocations (DT_RELR) and does not say so in the way that glibc wants it said."""

    code = "unmarked-relr"
    severity = "error"
    path: str
    package: str | None = None


class Replaced(Finding):
    """Between reading and opening, the file was replaced: what is mapped is not what was judged."""

    code = "replaced"
    severity = "error"
    path: str


# ------------------------------------------------------------------------------------------------ a load goes on


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
