"""The disk and the process, as planning may ask them, each question answered once per plan. Effect."""

from __future__ import annotations

from os.path import normpath

from . import files, host, locating, offers, packages, planning, process, search, trust
from .loaders import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import TypeVar

    from .draft import Root
    from .locating import Stack
    from .model import Candidate, File, Finding, Host, Package, Plan
    from .offers import Avoided, World

    Answer = TypeVar("Answer")

# Directories that the administrator of the machine chose; and those that the person did who started the process.
SYSTEM_RULES = frozenset({"ld.so.cache", "default directory"})
CHOSEN_RULES = frozenset({"LD_LIBRARY_PATH", "RPATH of the executable"})


def draw(roots: Sequence[Root], stack: Stack, thorough: bool) -> Plan:
    """The plan for the located libraries.

    `thorough`: copies are compared byte by byte, not only by their headers, and further copies of wrappers are looked
    for. What `load` does is the same with and without.
    """
    same_content = files_are_the_same if thorough else headers_are_the_same
    drawn = planning.plan(world(stack.packages, same_content), roots, stack.packages, locating.overrides())
    notes = [*stack.findings, *(finding for root in roots for finding in root.findings)]
    if thorough:
        notes += [*shadowed(stack.packages), *search.unsafe(drawn)]
    return drawn.replace(findings=(*notes, *drawn.findings))


def shadowed(taken: Sequence[Package]) -> list[Finding]:
    """Wrappers of which the path holds further copies."""
    from .findings import Shadowed

    others = [(package, packages.others(package)) for package in taken]
    return [Shadowed(package.name, package.directories[0], further) for package, further in others if further]


def world(stack: Sequence[Package], same_content: Callable[[File, File], bool]) -> World:
    """One state of the disk and the process, for one plan."""
    snapshot = host.snapshot()
    listed = once(files.listing)
    directories = Directories(stack, listed)
    return offers.World(
        host=snapshot,
        loader=beliefs(snapshot),
        loaded=process.loaded(),
        read=once(files.read),
        families=once(lambda directory: offers.families(listed(directory) or ())),
        exists=once(directories.exists),
        same_file=same_file,
        same_content=same_content,
        avoid=directories.avoid,
        cached=host.cached,
        default_directories=host.default_directories,
        processor=host.processor,
        holds=directories.holds,
    )


def beliefs(snapshot: Host) -> ModuleType:
    """What this process's loader believes. Errors: `RefusedError` where there is no model of it."""
    known = choose.loader(snapshot)
    if known is None:
        from .errors import RefusedError
        from .findings import UnsupportedHost

        raise RefusedError("this library", (UnsupportedHost(snapshot.os, snapshot.libc),))
    return known


def once(question: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """The same function, which asks each thing once."""
    known: dict[str, Answer] = {}

    def ask(about: str) -> Answer:
        if about not in known:
            known[about] = question(about)
        return known[about]

    return ask


class Directories:
    """Search directories, each judged once. The stack's own are listed already: about these the disk is not asked again."""

    def __init__(self, stack: Sequence[Package], listed: Callable[[str], tuple[str, ...] | None]) -> None:
        self.own = frozenset(directory for package in stack for directory in package.libraries)
        self.listed = listed
        self.seen: trust.Seen = {}
        self.is_own = once(lambda directory: normpath(directory) in self.own)
        self.judged: dict[tuple[str, str, str], Avoided | None] = {}

    def avoid(self, candidate: Candidate) -> Avoided | None:
        """Why the candidate's directory is left alone: another user could fill it, or it is not there."""
        key = (candidate.directory, candidate.rule, candidate.by)
        if key not in self.judged:
            self.judged[key] = self.judge(candidate)
        return self.judged[key]

    def judge(self, candidate: Candidate) -> Avoided | None:
        if candidate.rule in SYSTEM_RULES or self.is_own(candidate.directory):
            return None
        chosen = candidate.rule in CHOSEN_RULES
        owners = trust.owners(candidate.by) if candidate.by else frozenset()
        reason, there = trust.judge(candidate.directory, owners, chosen, self.seen)
        if reason is not None:
            return offers.Avoided(reason, unsafe=True)
        return None if there else offers.Avoided("does not exist", unsafe=False)

    def exists(self, path: str) -> bool:
        directory, _, name = normpath(path).rpartition("/")
        if directory in self.own:
            return name in (self.listed(directory) or ())
        return files.exists(path)

    def holds(self, candidate: Candidate, entry: str) -> bool:
        """Whether the directory has a subdirectory for processors."""
        if self.avoid(candidate) is not None:
            return False
        if self.is_own(candidate.directory):
            return entry in (self.listed(normpath(candidate.directory)) or ())
        return host.holds(candidate.directory, entry)


def same_file(one: str, other: str) -> bool:
    first, second = files.identity(one), files.identity(other)
    return first is not None and second is not None and (first.device, first.inode) == (second.device, second.inode)


def headers_are_the_same(one: File, other: File) -> bool:
    """Size and everything that a loader reads of the headers."""
    assert one.identity is not None and other.identity is not None
    assert one.binary is not None and other.binary is not None
    return one.identity.size == other.identity.size and one.binary == other.binary.replace(path=one.path)


def files_are_the_same(one: File, other: File) -> bool:
    return files.same_content(one.path, other.path)
