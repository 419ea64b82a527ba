"""The tests in this folder need the published wheels and Debian's ecCodes: from the cache, or else from where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import need
from tests.places import freezing, prefixes
from tests.wheels import environments
from tests.wheels.environments import PYTHON, Environment

HERE = Path(__file__).parent

# The published interface of ecCodes begins with 3.11, and with it what these have to show.
OF_ECCODES = ["test_frozen.py", "test_home.py", "test_prefix.py", "test_system.py"]
collect_ignore = OF_ECCODES if PYTHON == "3.10" else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    counter = (environments.offered() or ("33",))[0]
    cached = all(environments.ready(f"{kind}-{counter}") for kind in ("wrappers", "interfaces"))
    for item in (item for item in items if HERE in item.path.parents):
        item.add_marker(need.glibc())
        if not (cached and freezing.ready()):
            item.add_marker(need.index())
        item.add_marker(pytest.mark.skipif(os.uname().machine != "x86_64", reason="the wheels are pinned for x86_64"))


@pytest.fixture(scope="session")
def newest() -> Environment:
    """The newest counter that is published for this Python: 33; for 3.10, 27."""
    return environments.environment(environments.offered()[0])


@pytest.fixture(scope="session")
def without_wrappers(newest: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an installation with the interface packages and findlibs2, and no wrapper."""
    python = prefixes.interpreter(tmp_path_factory.mktemp("without-wrappers"))
    prefixes.furnish(prefixes.site(python), newest.interfaces)
    return python
