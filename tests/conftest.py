"""Nothing is skipped silently: what is missing is named at the end of the run, and where CI is set it fails the test.

That holds for the marks of `tests/need.py` and for every other skip whose reason begins with the same words.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests import need

MISSING = "missing here: "
UNMET = pytest.StashKey[dict[str, int]]()  # what is missing -> how many tests needed it


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(kind, *names): what the test needs from the machine; see tests/need.py")
    config.stash[UNMET] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = sorted({what for mark in item.iter_markers("needs") for what in need.missing(*mark.args)})
    if missing:
        pytest.skip(MISSING + ", ".join(missing))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    reason = str(call.excinfo.value) if report.skipped and call.excinfo is not None else ""
    if reason.startswith(MISSING):
        unmet = item.config.stash[UNMET]
        for what in reason.removeprefix(MISSING).split(", "):
            unmet[what] = unmet.get(what, 0) + 1
        if os.environ.get("CI"):
            report.outcome, report.longrepr = "failed", reason
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    unmet = config.stash[UNMET]
    if unmet:
        terminalreporter.section("MISSING HERE", sep="!", red=True, bold=True)
        for what, count in sorted(unmet.items()):
            terminalreporter.line(f"{what}: {count} test{'s' if count > 1 else ''} did not run", red=True, bold=True)
