"""Nothing is skipped silently: a missing tool is named at the end of the run, and where CI is set it fails the test."""

from __future__ import annotations

import os

import pytest

from tests import need

UNMET = pytest.StashKey[dict[str, int]]()  # what is missing -> how many tests needed it


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(kind, *names): what the test needs from the machine; see tests/need.py")
    config.stash[UNMET] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = sorted({what for mark in item.iter_markers("needs") for what in need.missing(*mark.args)})
    if not missing:
        return
    for what in missing:
        item.config.stash[UNMET][what] = item.config.stash[UNMET].get(what, 0) + 1
    words = f"missing here: {', '.join(missing)}"
    if os.environ.get("CI"):
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    unmet = config.stash[UNMET]
    if unmet:
        terminalreporter.section("MISSING HERE", sep="!", red=True, bold=True)
        for what, count in sorted(unmet.items()):
            terminalreporter.line(f"{what}: {count} test{'s' if count > 1 else ''} did not run", red=True, bold=True)
