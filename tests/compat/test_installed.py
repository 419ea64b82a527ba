"""The shim in a virtual environment, in the place of findlibs 0.1.3, under packages that know nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from findlibs2 import shim
from tests import need
from tests.wheels import environments
from tests.wheels.environments import Environment
from tests.wheels.run import project, variables

pytestmark = [need.index(), need.glibc()]

WHO = """
import findlibs, importlib.metadata, json, sys
handles = sys.modules.get("findlibs2.handles")
found = ("mir", None) in handles.prepared if handles is not None else None
print(json.dumps([findlibs.__version__, importlib.metadata.version("findlibs"), found]))
"""
INTERPOLATE = f"""
import mir, numpy
output = mir.ArrayOutput()
mir.Job(grid="30/30").execute(mir.ArrayInput(numpy.full(5248, 7.0), "O32"), output)
assert numpy.unique(output.values().round(9)).tolist() == [7.0]
{WHO}"""
ORIGINAL = ["0.1.3", "0.1.3", None]
SHIM = ["0.1.3+findlibs2", "0.1.3+findlibs2", True]  # and whether findlibs2 has found libmir.so


class Venv:
    """A virtual environment; its packages are links to what is installed elsewhere, and never written through."""

    def __init__(self, place: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
        self.python = place / "bin" / "python"
        self.site = next(place.glob("lib/python3*/site-packages"))
        self.home = place / "home"
        self.home.mkdir()

    def link(self, *packages: Path) -> None:
        for package in packages:
            if not (self.site / package.name).exists():
                (self.site / package.name).symlink_to(package)

    def pip(self, *words: str) -> str:
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *words]
        done = subprocess.run(command, env=self.variables(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def says(self, code: str) -> Any:
        command = [str(self.python), "-c", code]
        done = subprocess.run(command, env=self.variables(), capture_output=True, text=True, cwd=self.home, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def variables(self) -> dict[str, str]:
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
        return {**variables(), **quiet, "MIR_CACHE_PATH": str(self.home), "HOME": str(self.home)}

    def names(self) -> set[str]:
        return set(os.listdir(self.site))


def requirements(name: str, known: set[str]) -> Iterator[Path]:
    """What a distribution of this environment has installed, and everything that it requires."""
    if name in known:
        return
    known.add(name)
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return
    tops = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    yield from (Path(str(found.locate_file(top))) for top in tops if not top.startswith("__editable__"))
    for requirement in map(Requirement, found.requires or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from requirements(requirement.name, known)


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """The published stack on findlibs 0.1.3, and findlibs2 as it is installed here."""
    made = Venv(tmp_path_factory.mktemp("site") / "venv")
    newest: Environment = environments.environment(environments.offered()[0])
    made.link(project() / "findlibs2", *requirements("findlibs2", set()), *newest.site.iterdir())
    made.link(*(each for each in newest.interfaces.iterdir() if not each.name.startswith("findlibs")))
    environments.original()  # so its wheel is in the cache
    made.pip("install", "--no-deps", f"--find-links={environments.CACHE / 'wheels'}", "findlibs==0.1.3")
    return made


def test_it_goes_in_works_under_mir_and_comes_out_again(venv: Venv, tmp_path: Path) -> None:
    """One story in one environment: each step needs the one before it."""
    wheel = shim.build(str(tmp_path))
    without = {name for name in venv.names() if not name.startswith("findlibs-") and name != "findlibs"}
    assert venv.says(WHO) == ORIGINAL

    venv.pip("install", wheel)
    assert venv.pip("check") == "No broken requirements found.\n"
    assert venv.names() - without == {"findlibs", shim.METADATA}
    assert venv.says(INTERPOLATE) == SHIM

    venv.pip("uninstall", "--yes", "findlibs")
    assert venv.names() == without

    venv.pip("install", "--no-deps", f"--find-links={environments.CACHE / 'wheels'}", "findlibs==0.1.3")
    assert venv.says(WHO) == ORIGINAL
