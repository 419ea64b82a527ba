"""How a plan is to be opened, or that it is not. All is decided before the process is touched. Effect, through `files`.

What would kill the process stops a load. What the loader can refuse by itself the loader judges: then all is opened as
one object, which it takes whole or not at all.
"""

from __future__ import annotations

from os.path import basename, isabs

from . import link
from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from .formats.elf_symbols import Symbols
    from .model import Considered, Finding, Host, Plan, Step, Verdict

    Judged: TypeAlias = Callable[[Plan], Verdict]

# What the loader refuses by itself: with RTLD_NOW before any code has run, and nothing stays mapped.
LOADER_JUDGES = frozenset({"missing-library", "missing-symbol", "missing-version", "executable-stack"})

# Who brings what no wrapper brings: the system, or whoever made the interpreter; and what comes with a compiler, wherever.
SYSTEM = frozenset({"ld.so.cache", "default directory", "RPATH of the executable"})
RUNTIMES = ("libstdc++.so.", "libgcc_s.so.", "libgomp.so.", "libgfortran.so.", "libquadmath.so.", "libatomic.so.")
VENDORED = ".libs"  # the directory `<package>.libs` holds what auditwheel copied: libraries that others have, too


class Manner(Record):
    """How the steps of a plan are to be opened."""

    private: bool = False  # in the private scope; else in the global one
    lazy: bool = False  # functions are bound when they are called; but for `eager`
    eager: frozenset[str] = frozenset()  # paths
    doubts: tuple[Finding, ...] = ()  # what the loader is asked about: it takes all, or nothing

    def is_whole(self, plan: Plan) -> bool:
        """Whether all is opened as one object. Libraries that need each other can be opened in no other way."""
        return bool(self.doubts) or any(finding.code == "needed-ring" for finding in plan.findings)


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

    def are_whole(self) -> bool:
        """Whether all symbols could be read, and none is missing anywhere, nor a version."""
        return None not in self.importers.values() and link.fits(self.known(), self.everything(), self.named)

    def are_complete(self) -> bool:
        """The same of the symbols alone."""
        return None not in self.importers.values() and not link.missing(self.known(), self.everything(), self.named)


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

    Errors: `RefusedError` for what would kill the process, with all else that is wrong beside it.
    """
    checked = options.verify != "off"
    doubts = doubted(name, plan, plan.findings) if checked else ()
    linked = once(lambda: tables(plan, host, read))
    is_whole = False
    if options.verify == "symbols":
        is_whole = not doubts and not plan.left_to_loader and not plan.unchecked and linked().are_whole()
        doubts = () if is_whole else doubted(name, plan, judged(plan).findings)
    private = options.visibility == "private"
    if options.visibility == "auto":
        private = suits_private(plan, host) and (is_whole or linked().are_complete()) and not splits(plan, linked())
    # The private scope is opened in two parts if it is bound lazily, and a variable of a header is to be one in both.
    is_lazy = is_whole and not (options.visibility == "private" and splits(plan, linked()))
    return Manner(private, is_lazy, eager(plan) if is_lazy else frozenset(), doubts)


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


def eager(plan: Plan) -> frozenset[str]:
    """Whose functions are bound when they are opened: vendored libraries and who needs them directly.

    Others in the process have libraries of the same names and functions. A function that is bound when it is called is
    looked up in the global scope first, as that is then.
    """
    vendored = {step.path for step in plan.steps if is_vendored(step.path)}
    names = {step.file.binary.name for step in plan.steps if step.path in vendored and step.file.binary is not None}
    return frozenset(vendored | {step.path for step in plan.steps if names & set(needed(step))})


def needed(step: Step) -> Iterator[str]:
    return (each.name for each in step.file.binary.needed) if step.file.binary is not None else iter(())


# -------------------------------------------------------------------------------------------------- where it is visible


def suits_private(plan: Plan, host: Host) -> bool:
    """Whether a scope of its own is right for a stack, by where its files are, and what their wrappers say.

    It brings libraries that others have too, and nothing of it is a person's own installation, of which others may expect
    that everybody sees it.
    """
    brought = [step.path for step in plan.steps]
    expected = [each.expected for each in plan.reused if each.expected is not None]
    return (
        host.libc == "glibc"
        and any(is_vendored(path) for path in (*brought, *expected))
        and all(is_known(step) for step in plan.steps)
        and all(package.visibility != "global" for package in plan.packages)
    )


def is_vendored(path: str) -> bool:
    return path.rpartition("/")[0].endswith(VENDORED)


def is_known(step: Step) -> bool:
    """Whether a library comes from a wrapper, from an explicit override, or from where no wrapper brings it."""
    if step.package is not None or not step.because or step.because[-1].source in SYSTEM:
        return True
    return any(row.source == "override" for row in step.because) or basename(step.path).startswith(RUNTIMES)


def splits(plan: Plan, linked: Tables) -> bool:
    """Whether a variable of a C++ header is in two of the stack's own files.

    Whoever is opened beside the scope would have one more; one scope for everybody keeps it single.
    """
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
