"""What `check` says of stacks that were released together: little, and nothing that is not so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.wheels import closure
from tests.wheels.environments import environment
from tests.wheels.run import answer
from tests.wheels.test_verdict import PUBLISHED
from tests.words.said import requirements

SEARCH_PATHS = {"unsafe-search-path", "foreign-search-path"}
CHECK = """
import findlibs2
from findlibs2 import report
told = findlibs2.check({name!r})
codes, lines = sorted({{f.code for f in told.findings}}), report.verdict(told).split("\\n")
brought = [[path, f.directory] for f in told.findings if "search-path" in f.code for path in (f.path, *f.others)]
tell([codes, brought, lines, [step.path for step in told.plan.steps]])
"""


def checked(counter: str, name: str) -> Any:
    return answer(CHECK.format(name=name), environment(counter).site, requirements())


@pytest.mark.parametrize(("counter", "name"), PUBLISHED)
def test_a_dozen_lines_about_search_paths_and_nothing_else(counter: str, name: str) -> None:
    codes, brought, lines, paths = checked(counter, name)
    assert (set(codes) <= SEARCH_PATHS, len(lines) <= 12, lines[-1]) == (
        True,
        True,
        f"{name}: {len(paths)} libraries, nothing that stops a load",
    )
    by_elftools = {(path, entry) for path in paths for entry in closure.read(Path(path)).search_path}
    assert {tuple(each) for each in brought} == {each for each in by_elftools if not each[1].startswith("$ORIGIN")}
