"""The stack whose messages are read here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wheels.made import wrapper
from tests.words.said import distribution


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """mirlib 1.30.2.33 on eckitlib 2.5.0.33."""
    wrapper(tmp_path, "eckit", [], [], "2.5.0.33")
    wrapper(tmp_path, "mir", ["eckit"], ["eckit"], "1.30.2.33")
    distribution(tmp_path, "eckitlib", "2.5.0.33")
    distribution(tmp_path, "mirlib", "1.30.2.33", ["eckitlib==2.5.0.33"])
    return tmp_path


@pytest.fixture
def libmir(site: Path) -> Path:
    return site / "mirlib" / "lib64" / "libmir.so"
