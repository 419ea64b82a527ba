"""A plan while it is made: the closure as far as it was walked. Pure."""

from __future__ import annotations

from . import offers
from .model import Binary, Considered, File, Package, Record, Reused, Trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .findings import OverrideMissing
    from .model import Finding, Host, Loaded
    from .offers import World

    Overrides = Callable[[str], "Root | OverrideMissing | None"]  # by wanted name: "libeckit.so"


class Root(Record):
    """A wanted library, located: the file, the package whose dependencies it may use, and how it was found."""

    name: str
    file: File
    package: Package | None
    trail: Trail
    overridden: bool = False  # by a person: the file's own search paths go before the packages
    findings: tuple[Finding, ...] = ()


class Node(Record):
    """A file of the closure and the name that the others know it by."""

    file: File
    package: Package | None
    because: tuple[Considered, ...]
    needed_by: tuple[str, ...]
    copies: tuple[str, ...] = ()
    own_paths_first: bool = False  # not from a wrapper as published: its own search paths go before the packages
    left: bool = False  # only the loader can find it under this name, while it opens the file that asks


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
        if draft.world.loader.satisfies(loaded, wanted):
            draft.paths[wanted] = None
            draft.reused.append(Reused(wanted, loaded, reuse_expected(draft, wanted, loaded, expected)))
            return True
    return False


def reuse_expected(draft: Draft, wanted: str, loaded: Loaded, expected: File | None) -> str | None:
    """The file that a wrapper would have supplied, noted if the process has another one."""
    if expected is None:
        for package in draft.packages:
            found = offers.offer(draft.world, package, wanted)
            if found is not None:
                expected = found.file
                break
        else:
            return None
    if loaded.path != expected.path and not draft.world.same_file(loaded.path, expected.path):
        from .findings import LoadedElsewhere

        draft.findings.append(LoadedElsewhere(wanted, loaded.path, expected.path))
    return expected.path


def add(draft: Draft, wanted: str | None, node: Node) -> Node | None:
    """Enter a file into the plan, once; what is wrong with it becomes a finding."""
    path = node.file.path
    if wanted is not None:
        draft.paths[wanted] = path
    binary = node.file.binary
    if binary is not None and binary.name is not None and not node.left:
        draft.paths.setdefault(binary.name, path)
    if path in draft.nodes:
        return None
    draft.nodes[path] = node
    draft.findings += judge(draft.world.host, node.file, node.package, node.needed_by)
    return node if binary is not None else None


def judge(host: Host, file: File, package: Package | None, needed_by: tuple[str, ...]) -> list[Finding]:
    """What the headers of one file already tell."""
    from_package = package.name if package is not None else None
    binary = file.binary
    if binary is None:
        from .findings import BadFile

        assert file.problem is not None
        return [BadFile(file.path, file.problem, needed_by, from_package)]
    if not offers.fits(file, host):
        from .findings import WrongMachine

        is_for, process_is = machine(binary), machine(host)
        return [WrongMachine(file.path, is_for, process_is, from_package, needed_by)]
    if binary.missing_tail:
        from .findings import TruncatedTail

        return [TruncatedTail(file.path, binary.missing_tail)]
    return []


def machine(of: Binary | Host) -> str:
    return f"{of.machine}, {of.bits}-bit, {of.byteorder}-endian"
