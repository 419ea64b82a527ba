"""How a plan is to be opened, or that it is not. All is decided before the process is touched. Effect, through `files`.

What would kill the process stops a load. What the loader can refuse by itself the loader judges: then all is opened as
one object, which it takes whole or not at all.
"""

from __future__ import annotations

from os.path import basename, dirname, isabs

from . import handles, link
from .formats import elf_object
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from .formats.elf_symbols import Symbols
    from .model import Considered, Finding, Host, Plan, Step, Verdict

    Judged: TypeAlias = Callable[[Plan], Verdict]

# What the loader refuses by itself: with RTLD_NOW before any code has run, and nothing stays mapped.
LOADER_JUDGES = frozenset(
    {
        "missing-library",
        "missing-symbol",
        "missing-version",
        "executable-stack",
        "static-tls-full",
        "static-tls-alignment",
        "unmarked-relr",
    }
)

# Who brings what no wrapper brings: the system, or whoever made the interpreter; and what comes with a compiler, wherever.
SYSTEM = frozenset({"ld.so.cache", "default directory", "RPATH of the executable"})
RUNTIMES = ("libstdc++.so.", "libgcc_s.so.", "libgomp.so.", "libgfortran.so.", "libquadmath.so.", "libatomic.so.")
VENDORED = ".libs"  # the directory `<package>.libs` holds what auditwheel copied: libraries that others have, too


class Manner(Record):
    """How the steps of a plan are to be opened."""

    private: bool = False  # in the private scope; else in the global one
    # Functions are bound when they are called. In the global scope that is looked up in the order of opening: nobody who
    # comes later gets between. From the private one it is not: there the global scope goes first, as it is by then.
    lazy: bool = False
    doubts: tuple[Finding, ...] = ()  # what the loader is asked about: it takes all, or nothing
    chosen: bool = False  # private by "auto": where the loader refuses that, the global one is tried
    together: bool = False  # what is opened by its path this loader does not know by its name: one object leads to all

    def is_whole(self, plan: Plan) -> bool:
        """Whether all is opened as one object. Libraries that need each other can be opened in no other way, nor can those
        whose path means another one to the loader."""
        if (
            self.private
            or self.together
            or self.doubts
            or any(finding.code == "needed-ring" for finding in plan.findings)
        ):
            return True
        return any(elf_object.has_token(step.path) for step in plan.steps)


class Options(Record):
    """What a person wants of a load, of `names.OPTIONS`."""

    visibility: str
    verify: str


class Tables(Record):
    """The symbols of what a plan opens, and of what it takes as it is in the process."""

    importers: dict[str, Symbols | None]  # by path; None: they cannot be read
    providers: tuple[str, ...]  # paths of what else supplies symbols for certain: what is reused, and the program
    by_name: dict[str | None, str]  # DT_SONAME -> path; None: of those without one
    read: Callable[[str], Symbols | None]

    def named(self, name: bytes) -> Symbols | None:
        path = self.by_name.get(name.decode("utf-8", "surrogateescape"))
        return self.read(path) if path is not None else None

    def known(self) -> Mapping[str, Symbols]:
        return {path: symbols for path, symbols in self.importers.items() if symbols is not None}

    def everything(self) -> Iterator[Symbols]:
        yield from self.known().values()
        for path in self.providers:
            symbols = self.read(path)
            if symbols is not None:
                yield symbols

    def fit(self) -> bool:
        """Whether all symbols could be read, and none is missing anywhere, nor a version."""
        return None not in self.importers.values() and link.fits(self.known(), self.everything(), self.named)

    def have_versions(self) -> bool:
        """The same of the versions alone: about these the loader may end the process, and does not just refuse."""
        return None not in self.importers.values() and link.have_versions(self.known(), self.named)


def tables(plan: Plan, host: Host, read: Callable[[str], Symbols | None]) -> Tables:
    """The symbols for a plan. `read`: those of a file."""
    steps = [step for step in plan.steps if step.file.binary is not None]
    by_name = {each.loaded.name: each.loaded.path for each in plan.reused if isabs(each.loaded.path)}
    there = tuple(by_name.values())
    program = (host.executable.path,) if host.executable is not None else ()
    by_name.update((step.by_name, step.path) for step in steps)
    by_name.update((step.file.binary.name, step.path) for step in steps if step.file.binary is not None)
    return Tables({step.path: read(step.path) for step in steps}, (*there, *program), by_name, read)


def decide(
    name: str, plan: Plan, host: Host, options: Options, read: Callable[[str], Symbols | None], judged: Judged
) -> Manner:
    """How to open a plan. `judged`: the whole verdict, asked where something is wrong.

    For the private scope the loader itself looks every symbol up, before it runs any code: nobody does it faster. For the
    global one, where libraries are opened one after the other, it has to be known before.
    Errors: `RefusedError` for what would kill the process, with all else that is wrong beside it.
    """
    doubts = doubted(name, plan, plan.findings) if options.verify != "off" else ()
    if host.libc == "musl":  # it binds everything at once, dies of no version, and refuses before any code has run
        return Manner(options.visibility == "private", False, doubts, together=True)
    linked = once(lambda: tables(plan, host, read))
    chosen = options.visibility == "auto" and not doubts
    chosen = chosen and (joins(plan) or (suits_private(plan, host) and not splits(plan, linked())))
    private = chosen or options.visibility == "private"
    if options.verify != "symbols":
        return Manner(private, False, doubts, chosen)
    if not doubts and (linked().have_versions() if private else is_known_whole(plan) and linked().fit()):
        return Manner(private, not private, (), chosen)
    doubts = doubted(name, plan, judged(plan).findings)
    return Manner(private and not (chosen and doubts), False, doubts, chosen and not doubts)


def is_known_whole(plan: Plan) -> bool:
    """Whether nothing was left unlooked at: else all is bound at once."""
    return not plan.left_to_loader and not plan.unchecked


def doubted(name: str, plan: Plan, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What is left to the loader to judge. Errors: `RefusedError`, if anything is not."""
    wrong = [finding for finding in findings if finding.severity == "error"]
    if not all(is_judged_by_loader(finding) for finding in wrong):
        from .errors import RefusedError

        notes = tuple(finding for finding in findings if finding not in wrong)
        raise RefusedError(name, tuple(wrong), notes, wrappers=plan.wrappers)
    return tuple(wrong)


def is_judged_by_loader(finding: Finding) -> bool:
    """It is not asked about a library that it would look for where another user could put one."""
    considered: Sequence[Considered] = getattr(finding, "considered", ())
    return finding.code in LOADER_JUDGES and not any(row.unsafe for row in considered)


# -------------------------------------------------------------------------------------------------- where it is visible


def suits_private(plan: Plan, host: Host) -> bool:
    """Whether a scope of its own is right for a stack, by where its files are, and what its wrappers say.

    It brings libraries that others have too, and nothing of it is a person's own installation, of which others may expect
    that everybody sees it.
    """
    return (
        host.libc == "glibc"
        and (any(is_vendored(step.path) for step in plan.steps) or leads_to_vendored(plan))
        and all(is_known(step) for step in plan.steps)
        and not says_global(plan)
    )


def leads_to_vendored(plan: Plan) -> bool:
    """The same of what is in the process already, so that what was opened before makes no difference: opened with
    RTLD_GLOBAL, a library exposes all that it needs, whoever brought that."""
    expected = {dirname(each.expected) for each in plan.reused if each.expected is not None}
    owners = [package.libraries for package in plan.packages if not expected.isdisjoint(package.libraries)]
    return any(directory.endswith(VENDORED) for libraries in owners for directory in libraries)


def joins(plan: Plan) -> bool:
    """Whether a stack takes something from the private scope, and no wrapper of it wants to be seen."""
    return not says_global(plan) and any(each.loaded.path in handles.private for each in plan.reused)


def says_global(plan: Plan) -> bool:
    return any(package.visibility == "global" for package in plan.packages)


def is_vendored(path: str) -> bool:
    return path.rpartition("/")[0].endswith(VENDORED)


def is_known(step: Step) -> bool:
    """Whether a library comes from a wrapper, from an explicit override, or from where no wrapper brings it."""
    if step.package is not None or not step.because or step.because[-1].source in SYSTEM:
        return True
    return any(row.source == "override" for row in step.because) or basename(step.path).startswith(RUNTIMES)


def splits(plan: Plan, linked: Tables) -> bool:
    """Whether a variable of a C++ header is in two of the stack's own files, or may be.

    Whoever is opened beside the scope would have one more; one scope for everybody keeps it single.
    """
    if None in linked.importers.values():
        return True
    own = {step.path for step in plan.steps if step.package is not None}
    return link.shares_data(symbols for path, symbols in linked.known().items() if path in own)


def once(make: Callable[[], Tables]) -> Callable[[], Tables]:
    """The same, made when it is asked for first."""
    made: list[Tables] = []

    def ask() -> Tables:
        if not made:
            made.append(make())
        return made[0]

    return ask
