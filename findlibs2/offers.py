"""Which file of a wrapper package carries a wanted name. Pure: the file system arrives as functions (`World`)."""

from __future__ import annotations

from os.path import join

from .model import File, Host, Loaded, Package, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from .loaders.hwcaps import Processor
    from .model import CacheEntry, Candidate


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
    exists: Callable[[str], bool]
    same_file: Callable[[str, str], bool]  # one device and inode
    same_content: Callable[[File, File], bool]
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
    """Whether it is a library for this process's processor, word size and byte order."""
    binary = file.binary
    return binary is not None and (binary.machine, binary.bits, binary.byteorder) == (
        host.machine,
        host.bits,
        host.byteorder,
    )


def kin(world: World, package: Package, wanted: str) -> list[File]:
    """The files of the package in the family of the wanted name, in search order, read."""
    stem = family(wanted)
    return [
        world.read(join(directory, name))
        for directory in package.libraries
        for name in world.families(directory).get(stem, ())
    ]


def offer(world: World, package: Package, wanted: str) -> Offer | None:
    """The file of the package whose DT_SONAME is the wanted name; None: it has none."""
    files = kin(world, package, wanted)
    return choose(world, wanted, files)


def renamed(world: World, package: Package, wanted: str) -> Offer | None:
    """The same among files of any name. Reads every library of the package: only for a name that nobody else has."""
    files = [
        world.read(join(directory, name))
        for directory in package.libraries
        for names in world.families(directory).values()
        for name in names
    ]
    return choose(world, wanted, [file for file in files if file.binary and file.binary.name == wanted])


def choose(world: World, wanted: str, files: list[File]) -> Offer | None:
    """Of several files the first that fits; the rest by what they are."""
    carriers = [file for file in files if file.binary is not None and file.binary.name == wanted]
    fitting = [file for file in carriers if fits(file, world.host)]
    bad = [file for file in files if file.binary is None] + [file for file in carriers if file not in fitting]
    if not fitting:
        return None
    first, *others = fitting
    copies = [file.path for file in others if world.same_content(first, file)]
    differing = [file.path for file in others if file.path not in copies]
    return Offer(first, tuple(copies), tuple(differing), tuple(bad))


def unfit(world: World, package: Package, wanted: str) -> File | None:
    """A file of the package that should have been the wanted library, and cannot be loaded by this process."""
    for file in kin(world, package, wanted):
        if file.binary is None or (file.binary.name == wanted and not fits(file, world.host)):
            return file
    return None
