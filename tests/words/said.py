"""What people see: made stacks, loaded by fresh interpreters, and the whole text of what comes of it."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.wheels.run import run

LOAD = """
import findlibs2
try:
    findlibs2.load(*{asked!r})
    print("loaded")
except findlibs2.FindlibsError as error:
    print(type(error).__name__)
    print(error)
"""


def said(site: Path, *asked: str, env: Mapping[str, str] | None = None, before: str = "") -> str:
    """The kind and the whole text of the error that `load` ends in, or "loaded"; *site* reads SITE in it."""
    return printed(site, before + LOAD.format(asked=asked), env)


@functools.cache
def requirements() -> Path:
    """What findlibs2 itself requires for its words, and nothing else that may be installed beside it."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place)
    for name in ("importlib_metadata", "packaging", "zipp", "lazy_importer", "tomli"):
        spec = importlib.util.find_spec(name)
        for directory in (spec.submodule_search_locations or ()) if spec is not None else ():
            (place / name).symlink_to(directory)
    return place


def trail(site: Path, name: str, env: Mapping[str, str] | None = None, before: str = "") -> str:
    """Every place where a name was looked for, as `findlibs2` tells it."""
    shown = f"from findlibs2 import locating, report; print(report.trail(locating.locate({name!r}, None).trail))"
    return printed(site, f"{before}\n{shown}", env)


def printed(site: Path, code: str, env: Mapping[str, str] | None) -> str:
    """What a fresh interpreter prints, whose prefix is SITE/prefix and whose HOME is SITE/home."""
    prefix = f"import sys; sys.prefix = {str(site / 'prefix')!r}\n"
    done = run(prefix + code, site, requirements(), env={"HOME": str(site / "home"), **(env or {})}, cwd=site)
    assert (done.returncode, done.stderr) == (0, ""), f"returned {done.returncode}\n{done.stdout}\n{done.stderr}"
    return plain(done.stdout.replace(str(site), "SITE"))


def plain(text: str) -> str:
    """The text without what depends on this machine: how wide a column is, and the loader's default directories."""
    lines = [line if "fix:" in line else re.sub(r"(?<=\S) {3,}", "   ", line) for line in text.strip().split("\n")]
    return "\n".join(line for line in lines if not line.startswith("    default directory"))


def distribution(site: Path, name: str, version: str, requires: Iterable[str] = (), files: Iterable[str] = ()) -> None:
    """The metadata that an installer leaves behind."""
    directory = site / f"{name.replace('-', '_')}-{version}.dist-info"
    directory.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += (f"Requires-Dist: {each}" for each in requires)
    (directory / "METADATA").write_text("\n".join(lines) + "\n")
    (directory / "RECORD").write_text("".join(f"{file},,\n" for file in files))
