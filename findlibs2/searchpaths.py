"""The search directories that the files of a plan bring, and which of them are not to be trusted, or not of here. Cold.

EFFECT: through `trust` and `host`. A plan tells those that were searched for something; here are all of them. A loader
searches them whenever a name is not in the process yet: in programs without findlibs2, and for what is opened later.
"""

from __future__ import annotations

from functools import partial
from os.path import dirname, normpath

from . import host, trust
from .loaders import glibc
from .notes import ForeignSearchPath, UnsafeSearchPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Binary, Finding, Host, Plan


def judge(plan: Plan) -> list[Finding]:
    """One finding for each directory, with the files that bring it; the rarer reasons first, what is harmless last."""
    found = bringing(plan)
    reasons = [reason for _, _, reason in found]
    ordered = sorted(found.items(), key=lambda each: (each[0][2] is None, reasons.count(each[0][2])))
    return [
        ForeignSearchPath(paths[0], rule, written, tuple(paths[1:]))
        if reason is None
        else UnsafeSearchPath(paths[0], rule, written, reason, tuple(paths[1:]))
        for (rule, written, reason), paths in ordered
    ]


def bringing(plan: Plan) -> dict[tuple[str, str, str | None], list[str]]:
    """Rule, directory as written, why it is not to be trusted (None: it only is not there) -> the files, in their order."""
    here, own = host.snapshot(), {directory for package in plan.packages for directory in package.libraries}
    seen: trust.Seen = {}
    found: dict[tuple[str, str, str | None], list[str]] = {}
    for binary in (step.file.binary for step in plan.steps if step.file.binary is not None):
        for rule, written, directory in directories(binary, here):
            if normpath(directory) in own:
                continue
            foreign = dirname(binary.path) in own and "$" not in written
            reason, there = trust.judge(directory, partial(trust.owners, binary.path), False, seen, foreign)
            # What is relative to the file ($ORIGIN) belongs to the installation, whether it is there or not.
            if reason is not None or (not there and "$" not in written):
                found.setdefault((rule, written, reason), []).append(binary.path)
    return found


def directories(binary: Binary, here: Host) -> Iterator[tuple[str, str, str]]:
    """Rule, directory as written, directory as searched; each once."""
    # elf/get-dynamic-info.h: "If both RUNPATH and RPATH are given, the latter is ignored."
    rule = "RPATH" if binary.runpath is None else "RUNPATH"
    path_list = binary.rpath if binary.runpath is None else binary.runpath
    tokens = glibc.Tokens(glibc.origin(binary), lambda: here.platform, host.default_directories, here.secure)
    for written, directory in glibc.listed(path_list, tokens) if path_list else ():
        yield rule, written, directory
