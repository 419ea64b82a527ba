"""The tests in this folder need the published wheels: from the cache, or else from the package index."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import need
from tests.wheels import environments
from tests.wheels.environments import Environment
from tests.wheels.pin import SETS

HERE = Path(__file__).parent
# What is published for 3.10 ends with counter 27; the mixtures are of 30 and 33.
collect_ignore = ["test_mixtures.py", "test_mixed_releases.py"] if environments.PYTHON == "3.10" else []
# The older releases are pinned for one Python.
if environments.PYTHON not in SETS["released-17"].pythons:
    collect_ignore += ["test_mixtures_of_interfaces.py", "test_mixtures_of_releases.py", "test_releases.py"]
    collect_ignore += ["test_mixtures_repaired.py", "test_mixtures_told.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if HERE in item.path.parents]
    cached = all(environments.ready(name) for name, of in SETS.items() if environments.PYTHON in of.pythons)
    for item in here:
        item.add_marker(need.glibc())
        item.add_marker(pytest.mark.skipif(os.uname().machine != "x86_64", reason="the wheels are pinned for x86_64"))
        if not cached:
            item.add_marker(need.index())


@pytest.fixture(scope="session")
def newest() -> Environment:
    """The newest counter that is published for this Python: 33; for 3.10, 27."""
    return environments.environment(environments.offered()[0])
