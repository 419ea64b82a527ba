"""find, plan, load: the river, read top to bottom.

`find` and `plan` map no library, start no process, import no wrapper and run no foreign code. `load` decides everything
before it opens anything.
"""

from __future__ import annotations

from os.path import abspath, isabs, normpath

from . import closure, files, handles, host, locating, planning, process, trust
from .loaders import glibc
from .model import File, FileProblem, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType
    from typing import Any, TypeVar

    from .closure import Avoided, Root, World
    from .locating import Stack
    from .model import Candidate, Finding, Host, Package, Verdict

    Answer = TypeVar("Answer")

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
    from . import verdict

    here = host.snapshot().replace(tunables=host.tunables())
    return verdict.judge(drawn, here, process.loaded(), once(files.symbols), files.referred, once(files.demands))


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
    visible = locating.option(name, "visibility", visibility)
    checked = locating.option(name, "verify", verify) != "off"
    handles.ready(name)
    if root.file.path in handles.held:  # as a part of another plan, with all that it needs
        library = handles.opened.setdefault((name, pkg_name), handles.handle(root.file.path))
        return library, Plan((name,), (root.file.path,), (), trails=(root.trail,))
    stack = locating.stack([root.package], importing=name)  # may import wrappers: before the lock
    with handles.lock:
        drawn = draw([root], stack, thorough=False)
        if checked:
            refuse(name, answered(drawn))
        open_all(name, drawn, checked, visible)
        library = handles.opened.setdefault((name, pkg_name), handles.handle(drawn.targets[0]))
    return library, drawn


def prepare(name: str, pkg_name: str | None = None) -> str | None:
    """The path of a library, all that it needs being open, so that ctypes or cffi can open it by that path.

    None: no source has it. Where the process has the library already, that one's path. The library itself is kept open,
    visible to nobody (`handles.keep`). For a library that is not from a wrapper nothing is opened: what it needs is the
    loader's business. Errors: as `load`.
    """
    try:
        known = handles.prepared.get((name, pkg_name))
    except TypeError:  # as in `load`
        known = None
    if known is not None:
        return known
    located = locating.locate(name, pkg_name)
    if located.package is None and not located.overridden:
        locating.refuse(name, located)
        return located.file.path if located.file is not None else None
    root = locating.ready(name, located)
    visible, checked = locating.option(name, "visibility", None), locating.option(name, "verify", None) != "off"
    handles.ready(name)
    if root.file.path in handles.held:
        return root.file.path
    stack = locating.stack([root.package], importing=name)
    with handles.lock:
        drawn = draw([root], stack, thorough=False)
        if checked:
            refuse(name, answered(drawn))
        needs = tuple(step for step in drawn.steps if step.path != root.file.path)
        open_all(name, drawn if visible == "private" else drawn.replace(steps=needs), checked, visible)
        handles.keep(name, drawn.targets[0])
        return handles.prepared.setdefault((name, pkg_name), drawn.targets[0])


def open_all(name: str, drawn: Plan, checked: bool, visible: str) -> None:
    """Open the steps, where the library is to be visible. Errors: as `handles.open_all`; where the loader refuses, with
    what can be seen of its reasons: it names one symbol only, and not whose it should have been."""
    try:
        if visible != "private" or not opened_privately(name, drawn, checked):
            handles.open_all(name, drawn, checked)
    except OSError as error:
        from .errors import OpenFailedError

        if not isinstance(error, OpenFailedError):
            raise
        reasons = tuple(finding for finding in judged(drawn).findings if finding.severity == "error")
        raise OpenFailedError(name, error.path, error.loader_said, error.opened, reasons) from error.__cause__


def opened_privately(name: str, drawn: Plan, checked: bool) -> bool:
    """Open the steps into the private scope. False: this process can have none, which is told once."""
    from . import scopes

    return scopes.open_steps(name, drawn, checked)


def refuse(name: str, findings: Iterable[Finding]) -> None:
    """`RefusedError` if one of the findings stops a load."""
    reasons = tuple(finding for finding in findings if finding.severity == "error")
    if reasons:
        from .errors import RefusedError

        raise RefusedError(name, reasons, tuple(finding for finding in findings if finding not in reasons))


def answered(drawn: Plan) -> tuple[Finding, ...]:
    """The findings of a plan, after the loader was asked, by name, for what only it may be able to find.

    It is asked only if nothing else stops the load, and before anything of the stack is opened.
    """
    findings: tuple[Finding, ...] = drawn.findings
    if any(finding.severity == "error" and not askable(finding, drawn) for finding in findings):
        return findings
    asked = (ask(finding) if askable(finding, drawn) else finding for finding in findings)
    return tuple(finding for finding in asked if finding is not None)


def askable(finding: Finding, drawn: Plan) -> bool:
    return finding.code == "missing-library" and getattr(finding, "name", None) in drawn.left_to_loader


def ask(finding: Any) -> Finding | None:
    """A missing library with the loader's own words; None: the loader has it."""
    words = handles.ask_loader(finding.name)
    return finding.replace(loader_said=words) if words is not None else None


# ------------------------------------------------------------------- the disk and the process, as planning may ask them


def draw(roots: Sequence[Root], stack: Stack, thorough: bool) -> Plan:
    """The plan for the located libraries.

    `thorough`: copies of libraries are compared, and further copies of wrappers looked for. What is opened is the same.
    """
    same_content = files_are_the_same if thorough else None
    drawn = planning.plan(world(stack.packages, same_content), roots, stack.packages, locating.overrides())
    notes = [*stack.findings, *(finding for root in roots for finding in root.findings)]
    if thorough:
        notes += [*shadowed(stack.packages), *locating.unheeded(roots), *closure.unsafe(drawn)]
    return drawn.replace(findings=(*notes, *drawn.findings))


def shadowed(taken: Sequence[Package]) -> list[Finding]:
    """Wrappers of which the path holds further copies."""
    from . import survey
    from .findings import Shadowed

    others = [(package, survey.others(package)) for package in taken]
    return [Shadowed(package.name, package.directories[0], further) for package, further in others if further]


def world(stack: Sequence[Package], same_content: Callable[[File, File], bool] | None) -> World:
    """One state of the disk and the process, for one plan."""
    snapshot = host.snapshot()
    listed = once(files.listing)
    directories = Directories(stack, listed)
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
        self.owners = once(trust.owners)
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
        # What a person wrote relative to the current directory means the place that it is now; what a file brings does not.
        directory = abspath(candidate.directory) if chosen else candidate.directory
        reason, there = trust.judge(directory, lambda: self.owners(candidate.by), chosen, self.seen)
        if reason is not None:
            return closure.Avoided(reason, unsafe=True)
        return None if there else closure.Avoided("does not exist", unsafe=False)

    def read(self, path: str) -> File:
        """The file; of the stack's own directories it is known without asking which names they do not hold."""
        directory, _, name = path.rpartition("/")
        if self.is_own(directory) and name not in (self.listed(normpath(directory)) or ()):
            return File(path, None, None, FileProblem("absent", "no such name in the directory"))
        return files.read(path if isabs(path) else abspath(path))

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
