"""Installations of Python of one's own: the running one's program and standard library, and site-packages to fill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import need
from tests.wheels.environments import PYTHON
from tests.wheels.run import CHILD, PATIENCE, project, variables

SITES = ("site-packages", "dist-packages")


def interpreter(prefix: Path, *, conda: bool = False) -> Path:
    """A program with *prefix* as its `sys.prefix` and nothing in its site-packages.

    `conda`: it has DT_RPATH $ORIGIN/../lib, and `conda-meta` is there, as in every environment of conda.
    """
    library = prefix / "lib" / f"python{PYTHON}"
    library.mkdir(parents=True)
    (prefix / "bin").mkdir()
    for entry in Path(sysconfig.get_path("stdlib")).iterdir():
        if entry.name not in SITES:
            (library / entry.name).symlink_to(entry)
    # The program of a virtual environment is a link to its base, so this is the base's.
    python = Path(shutil.copy(Path(sys.executable).resolve(), prefix / "bin" / f"python{PYTHON}"))
    if conda:
        (prefix / "conda-meta").mkdir()
        (prefix / "conda-meta" / "history").touch()
        path = f"$ORIGIN/../lib:{sys.base_prefix}/lib"  # the second is for the libpython of the running one
        subprocess.run([str(need.which("patchelf")), "--force-rpath", "--set-rpath", path, python], check=True)
    return python


def site(python: Path, *, user: Path | None = None) -> Path:
    """The directory that `python -m pip install` fills; `user`: with `--user`, below this PYTHONUSERBASE."""
    env = {"PYTHONUSERBASE": str(user)} if user is not None else {}
    asked = "site.getusersitepackages()" if user is not None else "site.getsitepackages()[0]"
    return Path(said(python, f"import site; tell({asked})", env=env))


def furnish(place: Path, *sources: Path) -> Path:
    """Everything that is in the sources, and findlibs2, in *place* too."""
    for source in sources:
        shutil.copytree(source, place, copy_function=linked, dirs_exist_ok=True)
    (place / "findlibs2").symlink_to(project() / "findlibs2")
    return place


def linked(source: str, target: str) -> None:
    """A hard link; a copy where the disk is another one; nothing where the target is there."""
    try:
        os.link(source, target)
    except FileExistsError:  # two wheels bring `packaging`
        pass
    except OSError:
        shutil.copy(source, target)


def virtual(python: Path, place: Path, *options: str) -> Path:
    """The program of a virtual environment on top of another installation."""
    subprocess.run([python, "-m", "venv", "--without-pip", *options, place], check=True, env=variables())
    return place / "bin" / "python"


def command(python: Path, code: str, *within: str) -> list[str]:
    """`code`, run by *python* as it is installed: its own `sys.path`, with `inside` at the end of it.

    `within` is a command that runs another one.
    """
    told = f"import sys; sys.path.append({str(CHILD)!r})\nfrom inside import mapped, tell\n{code}"
    return [*within, str(python), "-c", told]


def said(python: Path, code: str, *within: str, env: Mapping[str, str] | None = None) -> Any:
    """What `code` told; it must end well."""
    given = variables(env)
    done = subprocess.run(
        command(python, code, *within), capture_output=True, text=True, env=given, cwd="/", timeout=PATIENCE
    )
    assert done.returncode == 0, f"returned {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])
