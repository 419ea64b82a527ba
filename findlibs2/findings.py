"""What stops a load, as facts. `words` says it; `docs/reference/codes.md` has a section for each code. All else: `notes`."""

from __future__ import annotations

from .model import Considered, FileProblem, Finding


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
