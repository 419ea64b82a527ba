"""Where the loader was asked: what its answer is to who asked for the library. Cold."""

from __future__ import annotations

from warnings import warn

from .errors import OpenFailedError, RefusedError
from .model import Finding, Plan, Verdict
from .notes import ModelDisagreed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def refused(plan: Plan, doubts: tuple[Finding, ...], error: OSError, judged: Callable[[], Verdict] | None) -> Exception:
    """The error for a refusal. What was doubted explains it, or what is found now, if anything.

    `judged` None: nobody wants to hear more than what the loader says.
    """
    if not isinstance(error, OpenFailedError) or judged is None:
        return error
    reasons = doubts or tuple(finding for finding in judged().findings if finding.severity == "error")
    if reasons and not error.opened:
        notes = tuple(finding for finding in plan.findings if finding.severity != "error")
        return RefusedError(error.library, reasons, notes, error.loader_said, plan.wrappers)
    return OpenFailedError(error.library, error.path, error.loader_said, error.opened, reasons, plan.wrappers)


def accepted(plan: Plan, doubts: tuple[Finding, ...]) -> Plan:
    """The plan, after the loader took what was doubted. It stands, and whoever reads warnings is asked to report it."""
    from . import report

    found = ModelDisagreed(plan.names[0], tuple(dict.fromkeys(finding.code for finding in doubts)), doubts)
    warn("\n".join(report.findings([found])), RuntimeWarning, stacklevel=4)
    return plan.replace(findings=(*plan.findings, found))
