"""The closure while it is walked: what is known of it, and who could supply the next wanted name.

Pure: the disk and the process arrive as functions (`World`).
"""

from __future__ import annotations

from os.path import dirname, join, normpath

from .model import Binary, Candidate, Considered, File, FileProblem, Host, Loaded, Package, Record, Reused, Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from .findings import OverrideMissing
    from .loaders.hwcaps import Processor
    from .model import CacheEntry, Finding

    Overrides = Callable[[str], "Root | OverrideMissing | None"]  # by wanted name: "libeckit.so"
    Candidates = Callable[["World", str, File], Iterator[Candidate]]

OWN_PATHS = ("RPATH", "RUNPATH")
# elf/dl-load.c, open_verify: "only ET_DYN and ET_EXEC can be loaded"; of a program: "cannot dynamically load executable".
KINDS = {
    "relocatable": "an object file, which was never linked (ET_REL)",
    "executable": "a program (ET_EXEC)",
    "core": "a core dump (ET_CORE)",
    "other": "of no type that a loader knows",
}


class Avoided(Record):
    """A search directory that is left alone."""

    reason: str
    unsafe: bool  # another user could fill it; otherwise it is simply not there


class World(Record):
    """What planning may ask. Answers are remembered for one plan, so that one plan sees one state of the disk."""

    host: Host
    loader: ModuleType  # the beliefs of this process's loader: findlibs2.loaders.glibc, ...
    loaded: tuple[Loaded, ...] | None  # None: the process cannot be asked
    read: Callable[[str], File]
    families: Callable[[str], Mapping[str, tuple[str, ...]]]  # a directory's libraries, by unversioned name
    same_file: Callable[[str, str], bool]  # one device and inode
    same_content: Callable[[File, File], bool] | None  # None: once a library is found, its copies are not looked at
    avoid: Callable[[Candidate], Avoided | None]  # why a candidate's directory is not to be searched; None: search it
    cached: Callable[[str], tuple[CacheEntry, ...]]
    default_directories: Callable[[], tuple[str, ...]]
    processor: Callable[[], Processor] | None = None  # None: as `host` has it
    holds: Callable[[Candidate, str], bool] | None = None  # whether a candidate's directory has an entry


class Offer(Record):
    """The file that is taken, and those that were set aside."""

    file: File
    copies: tuple[str, ...] = ()  # same name, same content
    differing: tuple[str, ...] = ()  # same name, other content
    passed_over: tuple[File, ...] = ()  # right file name, but no library for this process


def family(name: str) -> str:
    """The unversioned name: "libaec.so.0.1.6" -> "libaec.so". A name without ".so" is its own family."""
    stem, dot, rest = name.partition(".so")
    return stem + dot if not rest or rest.startswith(".") else name


def families(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """A directory listing by family, the unversioned name first (design, section 8: it is what `find` answers)."""
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(names, key=lambda name: (len(name), name)):
        if ".so" in name:
            found[family(name)] = (*found.get(family(name), ()), name)
    return found


def fits(file: File, host: Host) -> bool:
    """Whether it is a library, and for this process's processor, word size and byte order."""
    binary = file.binary
    return binary is not None and binary.kind == "shared" and runs(binary, host)


def runs(binary: Binary, host: Host) -> bool:
    return (binary.machine, binary.bits, binary.byteorder) == (host.machine, host.bits, host.byteorder)


def kin(world: World, package: Package, wanted: str) -> Iterator[File]:
    """The files of the package in the family of the wanted name, in search order, each read when it is asked for."""
    stem = family(wanted)
    for directory in package.libraries:
        held = world.families(directory).get(stem, ())
        for name in sorted(held, key=wanted.__ne__) if world.loader.BY_FILE_NAME else held:
            yield world.read(join(directory, name))


def offer(world: World, package: Package, wanted: str) -> Offer | None:
    """The file of the package that carries the wanted name; None: it has none."""
    return choose(world, wanted, kin(world, package, wanted))


def renamed(world: World, package: Package, wanted: str) -> Offer | None:
    """The same among files of any name. Reads every library of the package: only for a name that nobody else has."""
    files = (
        world.read(join(directory, name))
        for directory in package.libraries
        for names in world.families(directory).values()
        for name in names
    )
    return choose(world, wanted, (file for file in files if file.binary and wanted in world.loader.names(file.binary)))


def choose(world: World, wanted: str, files: Iterable[File]) -> Offer | None:
    """Of several files the first that carries the name and fits this process; the rest by what they are."""
    taken: File | None = None
    copies: list[str] = []
    differing: list[str] = []
    unfit: list[File] = []
    for file in files:
        if is_unfit(world, wanted, file):
            unfit.append(file)
        elif file.binary is None or wanted not in world.loader.names(file.binary):
            continue
        elif taken is None:
            taken = file
            if world.same_content is None:
                break
        elif world.same_content is not None:
            (copies if world.same_content(taken, file) else differing).append(file.path)
    return Offer(taken, tuple(copies), tuple(differing), tuple(unfit)) if taken is not None else None


def unfit(world: World, package: Package, wanted: str) -> File | None:
    """A file of the package that should have been the wanted library, and cannot be loaded by this process."""
    return next((file for file in kin(world, package, wanted) if is_unfit(world, wanted, file)), None)


def is_unfit(world: World, wanted: str, file: File) -> bool:
    """No library at all, or the wanted one for another machine."""
    return file.binary is None or (wanted in world.loader.names(file.binary) and not fits(file, world.host))


# ------------------------------------------------------------------------------------------------ the loader's places


def everything(world: World, wanted: str, by: File) -> Iterator[Candidate]:
    """All places for a name that *by* asks for, in order.

    The loader asks the DT_RPATH of the program only on behalf of files without a DT_RUNPATH (elf/dl-load.c,
    _dl_map_new_object). Here it is asked for all: in environments that work so (conda's), the modules of Python itself
    bring the environment's libraries into nearly every process first, and a second kind of them would not fit.
    """
    assert by.binary is not None
    program = world.host.executable if not world.loader.INHERITS_RUNPATH else None
    if by.binary.runpath is not None and program is not None and program.rpath and program.runpath is None:
        for candidate in searched(world, wanted, program):
            if candidate.rule != "RPATH of the executable":  # these come first
                break
            yield candidate
    yield from searched(world, wanted, by.binary)


def searched(world: World, wanted: str, by: Binary) -> Iterator[Candidate]:
    """What the loader itself searches for a file that was opened by path.

    Such an object has no loader of its own, so no ancestry but the program's (elf/dl-open.c, RTLD_CALLMAP).
    """
    found: Iterator[Candidate] = world.loader.search(
        wanted, by, (), world.host, world.cached, world.default_directories, world.processor, world.holds
    )
    return found


def own_paths(world: World, wanted: str, by: File) -> Iterator[Candidate]:
    """Only what the file itself brings."""
    return (candidate for candidate in everything(world, wanted, by) if candidate.rule in OWN_PATHS)


def first(world: World, wanted: str, by: File, considered: list[Considered], candidates: Candidates) -> File | None:
    """The first file that the loader would take, or die of; answers are added to *considered*, the last one is its."""
    left = None  # the list of directories of which the loader looks at no more
    for candidate in candidates(world, wanted, by):
        if left == (candidate.rule, candidate.by):
            continue
        is_last = candidate.rule == "default directory" and world.loader.KEEPS_CACHE
        if is_last and not any(row.source == "ld.so.cache" for row in considered):
            considered.append(Considered("ld.so.cache", "", f"no {wanted}"))
        row, file = looked_at(world, candidate)
        if file is not None and world.loader.outcome(file, world.host) == "skipped":
            left, file = (candidate.rule, candidate.by), None
        if file is not None or row not in considered:
            considered.append(row)
        if file is not None:
            return file
    return None


def looked_at(world: World, candidate: Candidate) -> tuple[Considered, File | None]:
    """What is to be said of one candidate, and the file where the search, or that of its list, ends with it."""
    rule, directory = candidate.rule, candidate.directory
    avoided = world.avoid(candidate)
    if avoided is not None:
        return Considered(rule, directory, avoided.reason, unsafe=avoided.unsafe), None
    file = world.read(candidate.path)
    if world.loader.outcome(file, world.host) != "skipped":
        return Considered(rule, directory, "found", file.path), file
    if file.problem is not None and file.problem.code in ("unreadable", "link-ring"):
        row = Considered(rule, directory, f"there, but it cannot be read: {file.problem.what}")
        return row, file if file.problem.code == "link-ring" else None
    return Considered(rule, directory, "not there" if file.binary is None else "there, but not for this process"), None


def owner(packages: Sequence[Package], path: str) -> Package | None:
    """The package in whose library directories the file lies."""
    directory = normpath(dirname(path))
    return next((package for package in packages if directory in package.libraries), None)


# ----------------------------------------------------------------------------------------------- as far as it is known


class Root(Record):
    """A wanted library, located: the file, the package whose dependencies it may use, and how it was found."""

    name: str
    file: File
    package: Package | None
    trail: Trail
    overridden: bool = False  # by a person: the file's own search paths go before the packages
    findings: tuple[Finding, ...] = ()
    place: str | None = None  # of an override: file and line of the configuration that says so


class Node(Record):
    """A file of the closure and the name that the others know it by."""

    file: File
    package: Package | None
    because: tuple[Considered, ...]
    needed_by: tuple[str, ...]
    copies: tuple[str, ...] = ()
    own_paths_first: bool = False  # not from a wrapper as published: its own search paths go before the packages
    # What carries another name inside the loader knows by the wanted one only once it has found it itself: asked for by
    # that name, or, where only a search path of the asking file leads to it, left to the loader.
    by_name: str | None = None
    left: bool = False

    @property
    def owner(self) -> str | None:
        """Import name of the wrapper that the file was installed with; None: it is not from a wrapper as published."""
        return self.package.name if self.package is not None and not self.own_paths_first else None


class Draft:
    """What is known so far while the closure is walked. Lives as long as one call of `plan`."""

    def __init__(self, world: World, packages: Sequence[Package], overrides: Overrides) -> None:
        self.world = world
        self.packages = packages
        self.overrides = overrides
        self.nodes: dict[str, Node] = {}  # by path
        self.paths: dict[str, str | None] = {}  # by wanted name; None: not opened by us
        self.reused: list[Reused] = []
        self.left: list[str] = []
        self.findings: list[Finding] = []
        self.holders: dict[str, list[Package]] = {}  # by unversioned file name
        for package in packages:
            for stem in {stem for directory in package.libraries for stem in world.families(directory)}:
                self.holders.setdefault(stem, []).append(package)


def in_process(draft: Draft, wanted: str, expected: File | None) -> bool:
    """Whether an object of the process satisfies the name; if so it is reused, whatever file it came from."""
    for loaded in draft.world.loaded or ():
        if draft.world.loader.can_stand_for(loaded, wanted):
            draft.paths[wanted] = None
            draft.reused.append(Reused(wanted, loaded, reuse_expected(draft, wanted, loaded, expected)))
            return True
    return False


def reuse_expected(draft: Draft, wanted: str, loaded: Loaded, expected: File | None) -> str | None:
    """The file that a wrapper would have supplied, noted if the process has another one."""
    if expected is None:
        for package in draft.packages:
            found = offer(draft.world, package, wanted)
            if found is not None:
                expected = found.file
                break
        else:
            return None
    if loaded.path != expected.path and not draft.world.same_file(loaded.path, expected.path):
        from .notes import LoadedElsewhere

        draft.findings.append(LoadedElsewhere(wanted, loaded.path, expected.path))
    return expected.path


def add(draft: Draft, wanted: str | None, node: Node) -> Node | None:
    """Enter a file into the plan, once; what is wrong with it becomes a finding."""
    path = node.file.path
    if wanted is not None:
        draft.paths[wanted] = path
    binary = node.file.binary
    for name in draft.world.loader.names(binary) if binary is not None and not node.left else ():
        draft.paths.setdefault(name, path)
    if path in draft.nodes:
        return None
    draft.nodes[path] = node
    draft.findings += judge(draft.world.host, node.file, node.owner, node.needed_by)
    return node if binary is not None else None


def judge(host: Host, file: File, from_package: str | None, needed_by: tuple[str, ...]) -> list[Finding]:
    """What the headers of one file already tell."""
    binary = file.binary
    if binary is None:
        from .findings import BadFile

        assert file.problem is not None
        return [BadFile(file.path, file.problem, needed_by, from_package)]
    if not runs(binary, host):
        from .findings import WrongMachine

        is_for, process_is = machine(binary), machine(host)
        return [WrongMachine(file.path, is_for, process_is, from_package, needed_by)]
    if binary.kind != "shared":
        from .findings import BadFile

        return [BadFile(file.path, FileProblem("not-a-library", KINDS[binary.kind]), needed_by, from_package)]
    if binary.missing_tail:
        from .notes import TruncatedTail

        return [TruncatedTail(file.path, binary.missing_tail)]
    return []


def machine(of: Binary | Host) -> str:
    return f"{of.machine}, {of.bits}-bit, {of.byteorder}-endian"
