"""`check` on the published stack and on mixtures of releases, beside the loader itself.

The loader is asked in a child that it only traces: it maps and relocates everything in the order of the plan, and runs
no constructor (ld.so(8), LD_TRACE_LOADED_OBJECTS, LD_WARN, LD_BIND_NOW).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.oracle.tracing import Told, trace
from tests.wheels.environments import environment, offered
from tests.wheels.run import answer

NAMES = {
    "33": ("eckit_geo", "eccodes", "metkit", "fdb5", "atlas", "mir", "multio-api", "gribjump"),
    "32": ("eckit_geo", "eccodes", "fdb5", "mir", "odccore"),
    "27": ("eckit_geo", "eccodes", "fdb5", "mir", "multio-api", "gribjump", "odccore"),
}
PUBLISHED = [(counter, name) for counter in offered() for name in NAMES[counter]]
CHECK = """
import findlibs2
told = findlibs2.check({name!r})
missing = [f for f in told.findings if f.code == "missing-symbol"]
wrong = sorted({{f.code for f in told.findings if f.severity == "error" or f.code == "stack-made-executable"}})
symbols = sorted([s.partition("@")[0], f.path, f.expected_in] for f in missing for s in f.symbols)
tell([wrong, symbols, list(told.unchecked), [step.path for step in told.plan.steps]])
"""


def checked(name: str, *sites: Path) -> Any:
    return answer(CHECK.format(name=name), *sites)


@pytest.mark.parametrize(("counter", "name"), PUBLISHED)
def test_nothing_is_wrong_with_what_was_released_together(counter: str, name: str) -> None:
    wrong, symbols, unchecked, paths = checked(name, environment(counter).site)
    assert (wrong, symbols, unchecked, trace(paths).told) == ([], [], [], Told(frozenset(), frozenset()))
