"""What a verdict says besides symbols and versions: releases, further copies, search directories. Cold."""

from __future__ import annotations

from . import releases, rivals, searchpaths
from .model import Verdict
from .notes import UnsafeSearchPath


def complete(told: Verdict) -> Verdict:
    """The verdict with all that is worth a remark. Of search directories it tells all, not only those that were searched."""
    kept = (each for each in told.findings if not isinstance(each, UnsafeSearchPath))
    plan = told.plan
    remarks = (*rivals.judge(plan, told.findings), *releases.judge(plan), *searchpaths.judge(plan))
    return told.replace(findings=(*kept, *remarks))
