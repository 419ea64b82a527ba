"""The tests that findlibs 0.1.3 brings pass unchanged on the shim.

They make files in a pretended file system (pyfakefs) and look for them in every place outside wrapper packages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from findlibs2 import shim
from tests import need
from tests.wheels import environments
from tests.wheels.pin import PINS
from tests.wheels.run import project, variables

pytestmark = [need.index(), need.glibc()]

SOURCE = PINS / "findlibs-sdist.txt"
REPLACED = "import findlibs\nassert findlibs.find.__code__.co_filename.endswith('compat.py')\n"


def published() -> Path:
    """The directory of the tests, out of the source distribution as it was published."""
    edition = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    return environments.once(environments.CACHE / "sources" / f"findlibs-0.1.3-{edition}", fetch)


def fetch(place: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        exactly = ["--quiet", "--require-hashes", "--no-deps", "--requirement", str(SOURCE)]
        environments.pip("download", *exactly, "--dest", scratch)
        place.mkdir()
        with tarfile.open(Path(scratch, "findlibs-0.1.3.tar.gz")) as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member)  # None: of a directory
                if content is not None and Path(member.name).parent == Path("findlibs-0.1.3", "tests"):
                    (place / Path(member.name).name).write_bytes(content.read())


@pytest.fixture
def shimmed(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has the shim and pyfakefs, and an empty home; the tests are below `tests`."""
    wheel = shim.build(str(tmp_path))
    shutil.copytree(published(), tmp_path / "tests")
    places = [wheel, str(environments.installed("pyfakefs")), str(project())]
    home = tmp_path / "home"
    home.mkdir()
    return {
        **variables(),
        "PYTHONPATH": os.pathsep.join(places),
        "HOME": str(home),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def test_the_19_tests_of_findlibs_0_1_3_pass_unchanged(shimmed: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", REPLACED], cwd=tmp_path, env=shimmed, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    options = ["-q", "-p", "pyfakefs.pytest_plugin", "-p", "no:cacheprovider", "--rootdir", "."]
    command = [sys.executable, "-m", "pytest", *options, "tests"]
    ran = subprocess.run(command, cwd=tmp_path, env=shimmed, capture_output=True, text=True)
    assert ran.stdout.rstrip().rpartition("\n")[2].startswith("19 passed in "), ran.stdout + ran.stderr
