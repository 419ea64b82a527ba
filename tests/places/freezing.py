"""Programs frozen by PyInstaller, as a person would do it: everything installed in one virtual environment."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.places import prefixes
from tests.wheels import environments
from tests.wheels.environments import CACHE, PYTHON, installed
from tests.wheels.run import PATIENCE, project, variables

PINS = Path(__file__).parent / "pins" / "pyinstaller.txt"
SITES = ("wrappers-33", "interfaces-33")

# One analysis, two programs: a folder, and one file that unpacks itself. In that nothing is compressed: it takes longest.
SPEC = """
found = Analysis([{script!r}])
archive = PYZ(found.pure)
folder = EXE(archive, found.scripts, exclude_binaries=True, name="program")
COLLECT(folder, found.binaries, found.datas, name="folder")
if {one_file}:
    plain = dict.fromkeys(("BINARY", "EXTENSION", "DATA"), False)
    EXE(archive, found.scripts, found.binaries, found.datas, name="file", cdict=plain)
"""


def pyinstaller() -> Path:
    """A directory with PyInstaller, its contributed hooks, and the setuptools that builds this project."""
    return environments.once(_place(), _install)


def ready() -> bool:
    """Has it been installed for this Python? (Otherwise the package index is needed.)"""
    return _place().is_dir()


def _place() -> Path:
    edition = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    return CACHE / "sites" / f"pyinstaller-cp{PYTHON.replace('.', '')}-{edition}"


def _install(place: Path) -> None:
    exactly = ["--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(PINS)]
    environments.pip("install", *exactly, "--target", str(place))


def workshop() -> Path:
    """The interpreter of a virtual environment with PyInstaller, the wrappers and the interface packages."""
    sites = [pyinstaller(), *map(installed, SITES)]
    edition = hashlib.sha256(" ".join(site.name for site in sites).encode()).hexdigest()[:12]
    place = CACHE / "sites" / f"workshop-cp{PYTHON.replace('.', '')}-{edition}"
    return environments.once(place, lambda new: _furnish(new, sites)) / "bin" / "python"


def _furnish(place: Path, sites: list[Path]) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    for site in sites:
        shutil.copytree(site, packages, copy_function=prefixes.linked, dirs_exist_ok=True)


def product(place: Path) -> Path:
    """A directory with this project in it, built as a wheel and installed: entry points, and only what is shipped."""
    with tempfile.TemporaryDirectory() as scratch:  # setuptools writes into the folder that it builds
        copy = Path(scratch)
        shutil.copytree(project() / "findlibs2", copy / "findlibs2", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(project() / name, copy)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
        command = [*pip, "--target", str(place), str(copy)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=variables({"PYTHONPATH": str(pyinstaller())})
        )
        assert done.returncode == 0, done.stderr
    return place


def freeze(script: str, place: Path, *paths: Path, one_file: bool = False) -> Path:
    """The directory that holds `folder/program`, and `file` if it was asked for."""
    (place / "program.py").write_text(script)
    (place / "program.spec").write_text(SPEC.format(script=str(place / "program.py"), one_file=one_file))
    env = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PYINSTALLER_CONFIG_DIR": str(place / "config")}
    command = [str(workshop()), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "program.spec"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, env=variables(env), timeout=PATIENCE)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return place / "dist"


def said(program: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Any:
    """The last line that the program writes, run far from where it was made, without any variable but those given."""
    command, given = [str(program), *arguments], dict(env or {})
    done = subprocess.run(command, capture_output=True, text=True, env=given, cwd="/", timeout=PATIENCE)
    assert done.returncode == 0, f"returned {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])
