"""Where the loader was asked: what its answer is to who asked for the library. Cold."""

from __future__ import annotations

from warnings import warn

from .errors import OpenFailedError, RefusedError
from .findings import ModelDisagreed
from .model import Finding, Plan, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def refused(plan: Plan, doubts: tuple[Finding, ...], error: OSError, judged: Callable[[], Verdict]) -> Exception:
    """The error for a refusal. What was doubted explains it, if nothing was opened; else what is found now, if anything."""
    if not isinstance(error, OpenFailedError):
        return error
    name = error.library
    if doubts and not error.opened:
        notes = tuple(finding for finding in plan.findings if finding.severity != "error")
        return RefusedError(name, doubts, notes, error.loader_said, plan.wrappers)
    reasons = tuple(finding for finding in judged().findings if finding.severity == "error")
    return OpenFailedError(name, error.path, error.loader_said, error.opened, reasons, plan.wrappers)


def accepted(plan: Plan, doubts: tuple[Finding, ...]) -> Plan:
    """The plan, after the loader took what was doubted. It stands, and whoever reads warnings is asked to report it."""
    from . import report

    found = ModelDisagreed(plan.names[0], tuple(dict.fromkeys(finding.code for finding in doubts)), doubts)
    warn("\n".join(report.findings([found])), RuntimeWarning, stacklevel=4)
    return plan.replace(findings=(*plan.findings, found))
