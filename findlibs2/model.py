"""The nouns: immutable, plain, comparable. Every stop of the river (see docs/explanation/design.md) is one of these.

Nothing here imports anything that costs: `dataclasses` alone costs more than all that `load` executes before it opens a
library, so `Record` is the small part of it that is needed, typed through `dataclass_transform`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """An immutable value: annotated names are its fields, in order; class attributes are their defaults."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _tails: ClassVar[dict[int, tuple[Any, ...]]] = {}  # by how many values are given: the defaults of the rest

    def __init_subclass__(cls) -> None:
        own = cls.__annotations__
        cls._fields = fields = tuple(dict.fromkeys((*cls._fields, *own)))
        cls._defaults = {**cls._defaults, **{name: cls.__dict__[name] for name in own if name in cls.__dict__}}
        cls._tails = {}
        tail: tuple[object, ...] = ()
        for count in range(len(fields), -1, -1):
            cls._tails[count] = tail
            if not count or fields[count - 1] not in cls._defaults:
                break
            tail = (cls._defaults[fields[count - 1]], *tail)

    if not TYPE_CHECKING:

        def __init__(self, *values, **named):
            if named or len(values) not in self._tails:
                values = self._ordered(values, named)
            self.__dict__.update(zip(self._fields, values + self._tails[len(values)]))  # noqa: B905

    def _ordered(self, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All values, in the order of the fields; or a TypeError that says why there is no such record."""
        kind, fields = type(self).__name__, self._fields
        if len(values) > len(fields):
            raise TypeError(f"{kind} takes {len(fields)} values, not {len(values)}")
        given = {**self._defaults, **dict(zip(fields, values, strict=False)), **named}
        unknown = [name for name in named if name not in fields]
        missing = [name for name in fields if name not in given]
        if unknown or missing:
            raise TypeError(f"{kind} has no {', '.join(unknown)}" if unknown else f"{kind} needs {', '.join(missing)}")
        return tuple(given[name] for name in fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def _values(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in self._fields)

    def replace(self, **changes: Any) -> Self:
        """The same record with some fields changed."""
        return type(self)(**{**self.__dict__, **changes})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._fields)
        return f"{type(self).__name__}({shown})"


# ---------------------------------------------------------------------------------------------- what a file says


class Needed(Record):
    """One library that a file asks for. `kind`: "normal"; on other platforms also "weak", "reexport", "delay"."""

    name: str
    kind: str = "normal"


class Binary(Record):
    """What the headers of a shared library or program say; no belief about any loader.

    `machine` is spelled as `uname -m` spells it ("x86_64", "aarch64"); a number that has no such name is "em-<number>".
    """

    path: str
    format: str  # "elf"
    machine: str
    bits: int  # 32 or 64
    byteorder: str  # "little" or "big"
    kind: str  # "shared", "executable", "relocatable", "core" or "other" (ELF: e_type)
    name: str | None = None  # DT_SONAME; None: the file carries no name
    needed: tuple[Needed, ...] = ()  # in the order of the file
    rpath: str | None = None  # DT_RPATH as written, not split, not expanded
    runpath: str | None = None  # DT_RUNPATH, likewise
    flags: frozenset[str] = frozenset()  # DT_FLAGS and DT_FLAGS_1, no prefix: "NOW", "NODEFLIB", "STATIC_TLS", "PIE"
    interpreter: str | None = None  # PT_INTERP
    stack: str | None = None  # PT_GNU_STACK: "rw" or "rwx"; None: no such header
    tls_size: int = 0  # bytes of PT_TLS in memory; 0: none
    loaded_end: int = 0  # bytes: where the last PT_LOAD ends in the file; the loader maps nothing behind it
    missing_tail: int = 0  # bytes that the section headers promise behind the end of the file; no loader reads them


class Identity(Record):
    """Which file it was: what `fstat` said of the descriptor that was read."""

    device: int
    inode: int
    size: int  # bytes
    mtime_ns: int


class File(Record):
    """A file that was looked at: its headers, or why they could not be had (exactly one of the two)."""

    path: str
    identity: Identity | None  # None: it could not be opened
    binary: Binary | None
    problem: FileProblem | None = None


class FileProblem(Record):
    """Why a file cannot be loaded, by the stable code of the finding that it becomes.

    `code`: "absent", "dangling-link", "link-ring", "directory", "special-file", "unreadable", "empty", "linker-script",
    "not-a-library" or "damaged". `offset` is the byte in the file where it was seen; None where the whole file is meant.
    """

    code: str
    what: str
    offset: int | None = None


class Finding(Record):
    """One thing worth telling, a kind for each: in `findings` "error", which stops a load; in `notes` what never does."""

    code = ""  # stable, kebab-case
    severity = "note"


# ------------------------------------------------------------------------------------------------ packages, places


class Package(Record):
    """A wrapper package as it was read, never executed.

    `directories` are the directories of the package itself (several for namespace and split packages); `libraries` are
    those below or beside them that exist and may hold libraries (`lib64`, `lib`, `<name>.libs`, ...), in search order.
    """

    name: str  # import name: "atlaslib_ecmwf"
    directories: tuple[str, ...]
    depends_on: tuple[str, ...] | None = ()  # import names; None: not literal, only an import can tell
    declared: bool = False  # it says depends_on or findlibs_dependencies, so it is a wrapper
    version: str | None = None  # the literal __version__; None: not literal or absent
    libraries: tuple[str, ...] = ()
    init: str | None = None  # the source that was read; None: there is none (namespace, frozen, only .pyc)
    problems: tuple[Finding, ...] = ()  # about the declaration
    visibility: str | None = None  # the literal findlibs_visibility; None: not literal or absent


class Considered(Record):
    """One place that was looked at, and the answer. `found` is None where the answer is no."""

    source: str  # "override", "package", ...; of a loader: the rule, as its manual names it
    where: str
    answer: str
    found: str | None = None
    unsafe: bool = False  # a directory that was left out because another user could fill it


class Trail(Record):
    """Every place considered for one wish, in order; the last one found it, or none did."""

    wanted: str
    considered: tuple[Considered, ...]

    @property
    def found(self) -> str | None:
        return self.considered[-1].found if self.considered else None


# ------------------------------------------------------------------------------------------------ the configuration


class Settings(Record):
    """What one configuration file says."""

    file: str
    libraries: tuple[LibrarySettings, ...] = ()
    sources: tuple[str, ...] | None = None  # which are asked, in which order; None: as built in
    paths: tuple[SearchPath, ...] = ()

    def of(self, library: str) -> LibrarySettings | None:
        """What it says of one library; None: nothing."""
        return next((each for each in self.libraries if each.name == library), None)


class LibrarySettings(Record):
    """What it says of one library; None: nothing."""

    name: str
    file: str
    lines: tuple[tuple[str, int], ...]  # where each key stands
    path: str | None = None  # absolute: a file, or a directory that holds the library
    package: str | None = None
    visibility: str | None = None
    verify: str | None = None
    sources: tuple[str, ...] | None = None

    def place(self, key: str) -> str:
        """Where a key stands: "/home/me/.config/findlibs2/config.toml, line 3"."""
        return f"{self.file}, line {dict(self.lines)[key]}"


class SearchPath(Record):
    """One directory that a configuration file wants searched."""

    path: str  # absolute
    file: str
    line: int


class ConfigProblem(Record):
    """One thing that is wrong with a configuration file."""

    line: int | None  # None: the whole file
    what: str
    nearest: tuple[str, ...] = ()  # what may have been meant; where nothing is near, all that is valid


# ------------------------------------------------------------------------------------------------ the process


class Loaded(Record):
    """An object in this process, as its loader remembers it, in load order."""

    path: str  # as it was opened: may be relative; "" is the program itself
    name: str | None  # its DT_SONAME
    base: int = 0  # load address


class CacheEntry(Record):
    """One line of `ldconfig -p`."""

    name: str
    path: str
    hwcap: str | None = None  # the glibc-hwcaps subdirectory, or None


class Host(Record):
    """The machine and the process, as far as a loader's decisions depend on them; a snapshot."""

    os: str  # sys.platform: "linux", "darwin", "win32"
    libc: str | None  # "glibc", "musl"; None: unknown or not Linux
    libc_version: tuple[int, ...]  # (2, 36); () unknown
    machine: str  # of this *process*: as in Binary.machine
    bits: int
    byteorder: str
    executable: Binary | None = None  # headers of the running program; None: could not be read
    library_path: str | None = None  # LD_LIBRARY_PATH as of process start, as written; None: not set, or not honoured
    platform: str | None = None  # AT_PLATFORM, what $PLATFORM expands to
    secure: bool = False  # AT_SECURE: LD_LIBRARY_PATH is not honoured
    tunables: str | None = None  # GLIBC_TUNABLES, likewise
    default_directories: tuple[str, ...] = ()
    hwcaps: tuple[str, ...] = ()  # glibc-hwcaps subdirectories that this processor may use, best first


class Candidate(Record):
    """Where a loader would look next, and by which rule."""

    path: str
    directory: str
    rule: str  # "RPATH", "RPATH of the executable", "LD_LIBRARY_PATH", "RUNPATH", "ld.so.cache", "default directory"
    by: str  # path of the file that brings the directory; "" where no file does


# ------------------------------------------------------------------------------------------------ the plan


class Step(Record):
    """One library to open, and why."""

    path: str  # absolute
    file: File
    package: str | None  # import name of the wrapper it comes from; None: not from a wrapper
    because: tuple[Considered, ...]  # how it was chosen; the last one says it
    needed_by: tuple[str, ...] = ()  # paths, nearest to the wanted library first
    copies: tuple[str, ...] = ()  # other files of the same name and content that were set aside
    by_name: str | None = None  # opened by this bare name, not by its path, which would not make the name known
    left: bool = False  # the loader opens it by itself, while it opens the first library that needs it


class Reused(Record):
    """A library that the plan needs and that is in the process already."""

    name: str  # as it was asked for
    loaded: Loaded
    expected: str | None  # the file that the plan would have opened; None: it would have been left to the system


class Plan(Record):
    """What a load would do, in order, and what it found worth telling."""

    names: tuple[str, ...]  # as asked for
    targets: tuple[str, ...]  # what to open for each name
    steps: tuple[Step, ...]  # dependencies first
    reused: tuple[Reused, ...] = ()
    left_to_loader: tuple[str, ...] = ()  # names that only the loader itself may find
    packages: tuple[Package, ...] = ()  # dependencies first
    findings: tuple[Finding, ...] = ()
    trails: tuple[Trail, ...] = ()  # one for each name
    unchecked: tuple[str, ...] = ()  # what could not be looked at: "process", which libraries are loaded already

    @property
    def wrappers(self) -> tuple[str, ...]:
        """The packages (import names) that bring what was asked for, in its order."""
        owners = {step.path: step.package for step in self.steps}
        return tuple(owner for path in self.targets if (owner := owners.get(path)) is not None)


class Verdict(Record):
    """What was found about a plan, its own findings first, and what was not looked at: a pass is no more than that."""

    plan: Plan
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[str, ...] = ()  # one sentence each

    @property
    def passes(self) -> bool:
        """Whether nothing was found that stops a load."""
        return all(finding.severity != "error" for finding in self.findings)
