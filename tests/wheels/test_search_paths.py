"""The loader never looks into a directory that a wheel brought from the machine on which it was built.

Such entries stand in DT_RPATH and DT_RUNPATH of published wheels. What lies there here and now has nothing to do with
the wheel; so everything that the loader would look for there is open before the first such file is opened.
"""

from __future__ import annotations

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import environment, offered, original
from tests.wheels.run import command, variables
from tests.wheels.strace import trace

pytestmark = need.tool("strace")

LOAD = "import {module}\n{module}.load({name})"
WITH_SYSTEM_LIBRARIES = {"33": ("mir", "multio-api", "gribjump"), "32": ("mir", "odccore"), "27": ("multio-api",)}
CASES = [pytest.param(c, name, id=f"{c}-{name}") for c in offered() for name in WITH_SYSTEM_LIBRARIES[c]]


@pytest.mark.parametrize(("counter", "name"), CASES)
def test_no_path_operation_happens_there(counter: str, name: str) -> None:
    site = environment(counter).site
    calls = trace(command(LOAD.format(module="findlibs2", name=repr(name)), [site]), variables())
    assert calls.under(closure.brought_from_elsewhere(site)) == []


@pytest.mark.parametrize("counter", offered())
def test_the_question_is_not_idle(counter: str) -> None:
    """The same question has another answer where libraries are opened one by one and the rest is left to the loader."""
    site = environment(counter).site
    code = LOAD.format(module="findlibs", name="'atlas', 'atlaslib_ecmwf'")
    calls = trace(command(code, [site, original()]), variables())
    assert calls.under(closure.brought_from_elsewhere(site)) != []
