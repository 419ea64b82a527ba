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

LOAD = """
import findlibs2
for name in {names}: findlibs2.load(name, visibility={visibility!r})
"""
WITH_SYSTEM_LIBRARIES = {"33": ("mir", "multio-api", "gribjump"), "32": ("mir", "odccore"), "27": ("multio-api",)}


@pytest.mark.parametrize("counter", offered())
@pytest.mark.parametrize("visibility", ["private", "global"])
def test_no_path_operation_happens_there(counter: str, visibility: str) -> None:
    site = environment(counter).site
    load = LOAD.format(names=WITH_SYSTEM_LIBRARIES[counter], visibility=visibility)
    assert trace(command(load, [site]), variables()).under(closure.brought_from_elsewhere(site)) == []


@pytest.mark.parametrize("counter", offered())
def test_the_question_is_not_idle(counter: str) -> None:
    """The same question has another answer where libraries are opened one by one and the rest is left to the loader."""
    site = environment(counter).site
    code = "import findlibs\nfindlibs.load('atlas', 'atlaslib_ecmwf')"
    calls = trace(command(code, [site, original()]), variables())
    assert calls.under(closure.brought_from_elsewhere(site)) != []
