"""Published wheels, installed: `environment("33").site` is a plain directory that goes on a child's `sys.path`.

Everything lies below `.cache/` of the project (elsewhere: FINDLIBS2_TEST_CACHE), is checked against the hashes in
`pins/`, installed once for each version of Python by the pip of the running interpreter, and never written to again.
Several test runs may start at once: the first installs, the others wait for it.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.wheels.pin import PINS, SETS

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PINNED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
# What `unpacked` takes from a wheel: what a loader maps and what says who needs whom. Data are most of what wheels hold.
LOOKED_AT = re.compile(r"\w+/__init__\.py|\w+/lib64/[^/]+\.so[^/]*|\w+\.libs/.+|[^/]+\.dist-info/.+")
CACHE = Path(os.environ.get("FINDLIBS2_TEST_CACHE") or Path(__file__).parents[2] / ".cache").resolve()


class Environment(NamedTuple):
    """One counter of the stack, for the running version of Python."""

    counter: str
    site: Path  # all wrappers of the counter, side by side, and nothing else
    python: str = PYTHON

    @property
    def interfaces(self) -> Path:
        """The packages that people import, and all that they require but the wrappers; findlibs 0.1.3 among them."""
        return installed(f"interfaces-{self.counter}")


def offered() -> tuple[str, ...]:
    """The counters that are published for the running Python, newest first."""
    return tuple(
        name.partition("-")[2] for name, of in SETS.items() if name.startswith("wrappers-") and PYTHON in of.pythons
    )


def environment(counter: str) -> Environment:
    return Environment(counter, installed(f"wrappers-{counter}"))


def original() -> Path:
    """A directory with findlibs 0.1.3 in it, and nothing else."""
    return installed("findlibs")


def separate(counter: str) -> Mapping[str, Path]:
    """Every wrapper in a directory of its own, by distribution name. The files are hard links to those of `site`."""
    whole = installed(f"wrappers-{counter}")
    apart = once(whole.with_name(f"{whole.name}-separate"), lambda place: _part(whole, place))
    return {path.name: path for path in sorted(apart.iterdir())}


def unpacked(name: str) -> Mapping[str, Path]:
    """Every wrapper of a set in a directory of its own, as `separate` does, but without its data: libraries and metadata."""
    whole = once(_place(name), lambda place: _unpack(name, place))
    return {path.name: path for path in sorted(whole.iterdir())}


def ready(name: str) -> bool:
    """Has this set been installed for this Python? (Otherwise the package index is needed.)"""
    return _place(name).is_dir()


def installed(name: str) -> Path:
    """The directory that holds the wheels of `pins/<name>.txt`."""
    return once(_place(name), lambda place: _install(name, place))


def _place(name: str) -> Path:
    edition = hashlib.sha256((PINS / f"{name}.txt").read_bytes()).hexdigest()[:12]
    return CACHE / "sites" / f"{name}-cp{PYTHON.replace('.', '')}-{edition}"


def once(place: Path, make: Callable[[Path], None]) -> Path:
    """`place`, made under another name and renamed when it is complete: what is there is whole."""
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(), tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as scratch:
            if not place.is_dir():
                make(Path(scratch, "new"))
                os.rename(Path(scratch, "new"), place)
    return place


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time. The kernel releases the lock of a process that dies."""
    with CACHE.joinpath("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(name: str, place: Path) -> None:
    _download(name)
    pip("install", *_exactly(name), "--no-index", "--find-links", str(CACHE / "wheels"), "--target", str(place))


def _unpack(name: str, place: Path) -> None:
    _download(name)
    for distribution, path in downloaded(name).items():
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.namelist() if LOOKED_AT.fullmatch(member)]
            archive.extractall(place / distribution.replace("-", "_"), members)


def _download(name: str) -> None:
    pip("download", *_exactly(name), "--dest", str(CACHE / "wheels"))


def _exactly(name: str) -> list[str]:
    pins = str(PINS / f"{name}.txt")
    return ["--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", pins]


def downloaded(name: str) -> dict[str, Path]:
    """The files of a set that has been installed or unpacked, those for the running Python, by distribution."""
    pinned = PINNED.findall((PINS / f"{name}.txt").read_text())
    found = {
        distribution: path
        for distribution, version in pinned
        for path in (CACHE / "wheels").glob(f"{distribution.replace('-', '_')}-{version}-*.whl")
        if f"-cp{PYTHON.replace('.', '')}-" in path.name or "-none-any" in path.name
    }
    assert found.keys() == {distribution for distribution, _ in pinned}
    return found


def pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip {' '.join(words)}\n{done.stderr}")


def _part(whole: Path, place: Path) -> None:
    for record in sorted(whole.glob("*.dist-info/RECORD")):
        target = place / record.parent.name.partition("-")[0]
        target.mkdir(parents=True)
        for top in sorted(_tops(record)):
            shutil.copytree(whole / top, target / top, copy_function=os.link)


def _tops(record: Path) -> set[str]:
    """The directories that a wheel fills: `eckitlib`, `eckitlib.libs`, its own metadata."""
    with record.open(newline="") as rows:
        return {row[0].partition("/")[0] for row in csv.reader(rows)}
