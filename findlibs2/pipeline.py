"""find, plan, load: the river, read top to bottom.

`find` and `plan` map no library, start no process, import no wrapper and run no foreign code. `load` decides everything
before it opens anything.
"""

from __future__ import annotations

from . import draft, handles, host, locating, surroundings
from .model import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable
    from typing import Any

    from .model import Finding


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
    refuse(name, draft.judge(host.snapshot(), located.file, located.package, ()))
    return located.file.path


def plan(*wanted: str, pkg_name: str | None = None) -> Plan:
    """What `load` would open for these libraries, in order, each with its reason; what is wrong is in `findings`.

    Errors: `BadNameError`, `NotFoundError`, and `RefusedError` for an override that names nothing.
    """
    roots = [locating.root(name, pkg_name) for name in wanted]
    stack = locating.stack([root.package for root in roots], importing=False)
    return surroundings.draw(roots, stack, thorough=True)


def load(name: str, pkg_name: str | None = None) -> ctypes.CDLL:
    """The library, open, with everything that it needs, in the global scope. Loading it again is one look-up.

    All is decided before anything is opened: which files, in which order, and whether they can be loaded at all.
    A dependency that is in the process already is used as it is, wherever it came from.
    Errors: `BadNameError`; `NotFoundError` (also `ModuleNotFoundError`); `RefusedError` (also `ImportError`), nothing was
    opened; `OpenFailedError` (also `OSError`), the loader refused midway; `InterpreterError` (also `ImportError`).
    """
    if (name, pkg_name) in handles.opened:
        return handles.opened[name, pkg_name]
    return open_stack(name, pkg_name)[0]


def open_stack(name: str, pkg_name: str | None = None) -> tuple[ctypes.CDLL, Plan]:
    """What `load` does when it was not asked before, with the plan that was carried out."""
    root = locating.root(name, pkg_name)
    handles.ready(name)
    stack = locating.stack([root.package], importing=True)  # may import wrappers: before the lock
    with handles.lock:
        drawn = surroundings.draw([root], stack, thorough=False)
        refuse(name, answered(drawn))
        handles.open_all(name, drawn)
        library = handles.opened[name, pkg_name] = handles.handle(drawn.targets[0])
    return library, drawn


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
