"""find, plan, load: the river, read top to bottom.

`find` and `plan` map no library, start no process, import no wrapper and run no foreign code. `load` decides everything
before it opens anything.
"""

from __future__ import annotations

from os.path import abspath, dirname, isabs, normpath

from . import closure, deciding, files, handles, host, locating, planning, process, trust
from .deciding import Options
from .loaders import glibc
from .model import File, FileProblem, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType
    from typing import TypeAlias, TypeVar

    from .closure import Avoided, Root, World
    from .deciding import Manner
    from .locating import Stack
    from .model import Candidate, Finding, Host, Package, Verdict

    Answer = TypeVar("Answer")
    Read: TypeAlias = Callable[[str], File]
    Listing: TypeAlias = Callable[[str], tuple[str, ...] | None]

# Directories that the administrator of the machine chose; and those that the person did who started the process.
SYSTEM_RULES = frozenset({"ld.so.cache", "default directory"})
CHOSEN_RULES = frozenset({"LD_LIBRARY_PATH", "RPATH of the executable"})


# What this process's loader believes, by system and C library.
BELIEFS = {("linux", "glibc"): glibc}


def find(name: str, pkg_name: str | None = None) -> str | None:
    """The absolute path of a library, or None if no source has it. Nothing is loaded, nothing is imported.

    `name` is what follows `lib` in the file name ("mir", "eckit_geo", "multio-api"); `pkg_name` a wrapper package, in its
    import or its distribution spelling, that needs no declaration then.
    Errors: `BadNameError`; `RefusedError` where the library is there and cannot be one (an override that names nothing,
    a truncated file, a wheel for another processor).
    """
    located = locating.locate(name, pkg_name)
    locating.refuse(name, located)
    if located.file is None:
        return None
    if located.package is None and not located.overridden:  # judged when something is to be opened
        return located.file.path
    owner = located.package.name if located.package is not None and not located.overridden else None
    refuse(name, closure.judge(host.snapshot(), located.file, owner, ()))
    return located.file.path


def plan(*wanted: str, pkg_name: str | None = None) -> Plan:
    """What `load` would open for these libraries, in order, each with its reason; what is wrong is in `findings`.

    Errors: `BadNameError`, `NotFoundError`, and `RefusedError` for an override that names nothing.
    """
    roots = [locating.root(name, pkg_name) for name in wanted]
    stack = locating.stack([root.package for root in roots], importing=None)
    return draw(roots, stack, thorough=True)


def check(*wanted: str, pkg_name: str | None = None) -> Verdict:
    """The verdict on what `load` would open for these libraries: the plan's findings, and what the symbols tell.

    Nothing is loaded, imported or started. Errors: as `plan`.
    """
    return judged(plan(*wanted, pkg_name=pkg_name))


def judged(drawn: Plan) -> Verdict:
    """The verdict on a plan, for this process as it is now."""
    from . import remarks, scoping

    told = remarks.complete(verdict_on(drawn))
    return told.replace(findings=(*told.findings, *scoping.promoted()))


def verdict_on(drawn: Plan) -> Verdict:
    """The same without what is only remarkable: whether it can be loaded."""
    from . import linked, verdict

    here = host.snapshot().replace(tunables=host.tunables())
    disk = linked.Disk(once(files.symbols), files.referred, once(files.read), once(files.demands))
    return verdict.judge(drawn, here, process.loaded(), disk)


def load(
    name: str, pkg_name: str | None = None, *, visibility: str | None = None, verify: str | None = None
) -> ctypes.CDLL:
    """The library, open, with everything that it needs. Loading it again is one look-up.

    All is decided before anything is opened: which files, in which order, and whether they can be loaded at all.
    A dependency that is in the process already is used as it is, wherever it came from.
    `visibility`: "global" or "private". `verify`: "headers", or "off": what is wrong is left for the loader to find. Where
    they are None, FINDLIBS2_VISIBILITY and FINDLIBS2_VERIFY decide, then the configuration, then "global" and "headers".
    Errors: `BadNameError`; `ConfigError`; `NotFoundError` (also `ModuleNotFoundError`); `RefusedError` (also
    `ImportError`), nothing was opened; `OpenFailedError` (also `OSError`), the loader refused midway; `InterpreterError`
    (also `ImportError`).
    """
    try:
        known = handles.opened.get((name, pkg_name))
    except TypeError:  # it cannot even be looked up, so it is no name; `open_stack` says so
        known = None
    return known if known is not None else open_stack(name, pkg_name, visibility, verify)[0]


def open_stack(
    name: str, pkg_name: str | None = None, visibility: str | None = None, verify: str | None = None
) -> tuple[ctypes.CDLL, Plan]:
    """What `load` does when it was not asked before, with the plan that was carried out."""
    root = locating.root(name, pkg_name)
    options = wishes(name, visibility, verify)
    handles.ready(name)
    if root.file.path in handles.held:  # as a part of another plan, with all that it needs
        library = handles.opened.setdefault((name, pkg_name), handles.handle(root.file.path))
        return library, Plan((name,), (root.file.path,), (), trails=(root.trail,))
    stack = locating.stack([root.package], importing=name)  # may import wrappers: before the lock
    with handles.lock:
        drawn, manner = decided(root, stack, options)
        drawn = open_all(name, drawn, manner, options)
        library = handles.opened.setdefault((name, pkg_name), handles.handle(drawn.targets[0]))
    return library, drawn


def wishes(name: str, visibility: str | None, verify: str | None) -> Options:
    return Options(locating.option(name, "visibility", visibility), locating.option(name, "verify", verify))


def decided(root: Root, stack: Stack, options: Options) -> tuple[Plan, Manner]:
    """The plan for a library, and how to open it. Errors: `RefusedError`."""
    reading = files.Reading()
    # Symbols are read where headers are, if they will be asked for: on a cluster it is the opening that costs.
    read = reading.read if options.verify == "symbols" else files.read
    drawn = draw([root], stack, thorough=False, read=read)
    return drawn, deciding.decide(root.name, drawn, host.snapshot(), options, reading.symbols, verdict_on)


def open_all(name: str, drawn: Plan, manner: Manner, options: Options) -> Plan:
    """Open the steps of a plan. The plan, with what was found when it was carried out.

    Errors: `RefusedError` where the loader refuses, nothing was opened and something is found wrong; else `OpenFailedError`:
    the loader names one symbol only, and not whose it should have been.
    """
    try:
        done = opened(name, drawn, manner, options.verify != "off")
    except OSError as error:
        from . import disagreeing

        if not manner.chosen:
            judged_now = (lambda: verdict_on(drawn)) if options.verify != "off" else None
            raise disagreeing.refused(drawn, manner.doubts, error, judged_now) from error.__cause__
        done = False
    if not done:  # there can be no private scope, or the loader refuses it to what was not known to be incomplete
        wanted = options.replace(visibility="global")
        again = deciding.decide(name, drawn, host.snapshot(), wanted, files.symbols, verdict_on)
        return open_all(name, drawn, again, wanted)
    if manner.doubts:
        from . import disagreeing

        return disagreeing.accepted(drawn, manner.doubts)
    return drawn


def opened(name: str, drawn: Plan, manner: Manner, checked: bool) -> bool:
    """Whether the steps were opened: False only for a private scope, where there can be none."""
    if manner.is_whole(drawn):
        from . import scopes

        if manner.private:
            return scopes.open_steps(name, drawn, checked)
        if scopes.open_whole(name, drawn):
            return True
        rings = tuple(finding for finding in drawn.findings if finding.code == "needed-ring")
        if rings and checked:
            from .errors import RefusedError

            raise RefusedError(name, rings)
    handles.open_all(name, drawn, checked, manner.lazy)
    return True


def refuse(name: str, findings: Iterable[Finding]) -> None:
    """`RefusedError` if one of the findings stops a load."""
    reasons = tuple(finding for finding in findings if finding.severity == "error")
    if reasons:
        from .errors import RefusedError

        raise RefusedError(name, reasons, tuple(finding for finding in findings if finding not in reasons))


# ------------------------------------------------------------------- the disk and the process, as planning may ask them


def draw(roots: Sequence[Root], stack: Stack, thorough: bool, read: Read = files.read) -> Plan:
    """The plan for the located libraries. `read`: the headers of a file.

    `thorough`: copies of libraries are compared, and further copies of wrappers looked for. What is opened is the same.
    """
    same_content = files_are_the_same if thorough else None
    drawn = planning.plan(world(stack.packages, same_content, read), roots, stack.packages, locating.overrides())
    notes = [*stack.findings, *(finding for root in roots for finding in root.findings)]
    if thorough:
        notes += [*shadowed(stack.packages), *locating.unheeded(roots), *planning.unsafe(drawn)]
    return drawn.replace(findings=(*notes, *drawn.findings))


def shadowed(taken: Sequence[Package]) -> list[Finding]:
    """Wrappers of which the path holds further copies."""
    from . import survey
    from .notes import Shadowed

    others = [(package, survey.others(package)) for package in taken]
    return [Shadowed(package.name, package.directories[0], further) for package, further in others if further]


def world(stack: Sequence[Package], same_content: Callable[[File, File], bool] | None, read: Read) -> World:
    """One state of the disk and the process, for one plan."""
    snapshot = host.snapshot()
    listed = once(files.listing)
    directories = Directories(stack, listed, read)
    return closure.World(
        host=snapshot,
        loader=beliefs(snapshot),
        loaded=process.loaded(),
        read=once(directories.read),
        families=once(lambda directory: closure.families(listed(directory) or ())),
        same_file=same_file,
        same_content=same_content,
        avoid=directories.avoid,
        cached=host.cache(),
        default_directories=host.default_directories,
        processor=host.processor,
        holds=directories.holds,
    )


def beliefs(snapshot: Host) -> ModuleType:
    """What this process's loader believes. Errors: `RefusedError` where there is no model of it."""
    known = BELIEFS.get((snapshot.os, snapshot.libc or ""))
    if (snapshot.os, snapshot.libc) == ("linux", "musl"):
        from .loaders import musl

        return musl
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

    def __init__(self, stack: Sequence[Package], listed: Listing, read: Read) -> None:
        self.own = frozenset(directory for package in stack for directory in package.libraries)
        self.listed = listed
        self.read_file = read
        self.seen: trust.Seen = {}
        self.owners = once(trust.owners)
        self.is_own = once(lambda directory: normpath(directory) in self.own)
        self.is_of_a_wrapper = once(lambda path: self.is_own(dirname(path)))
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
        # What a person wrote relative to the current directory means the place that it is now; what a file brings does not.
        directory = abspath(candidate.directory) if chosen else candidate.directory
        foreign = not chosen and self.is_of_a_wrapper(candidate.by) and not directory.startswith(dirname(candidate.by))
        reason, there = trust.judge(directory, lambda: self.owners(candidate.by), chosen, self.seen, foreign)
        if reason is not None:
            return closure.Avoided(reason, unsafe=True)
        return None if there else closure.Avoided("does not exist", unsafe=False)

    def read(self, path: str) -> File:
        """The file; of the stack's own directories it is known without asking which names they do not hold."""
        directory, _, name = path.rpartition("/")
        if self.is_own(directory) and name not in (self.listed(normpath(directory)) or ()):
            return File(path, None, None, FileProblem("absent", "no such name in the directory"))
        return self.read_file(path if isabs(path) else abspath(path))

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


def files_are_the_same(one: File, other: File) -> bool:
    return files.same_content(one.path, other.path)
