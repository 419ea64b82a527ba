"""What a test needs from the machine, as a mark: `@need.tool("gcc", "readelf")`, `pytestmark = need.linux()`.

Where something is missing the test is skipped, and the end of the run says so by name. Where the environment variable
CI is set nothing is skipped: the test fails. `tests/conftest.py` does both. A mark on a fixture has no effect: mark the
tests that use it.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest

INDEX_PATIENCE = 60  # seconds
ASKED_OF_INDEX = "mirlib"  # the index that the tests need is one that holds the published stack
ASKED_OF_DEBIAN = "libeccodes0"


def tool(*names: str) -> pytest.MarkDecorator:
    """Programs: on PATH, beside the running interpreter (a virtual environment's own), or where administrators' are."""
    return pytest.mark.needs("tool", *names)


def module(*names: str) -> pytest.MarkDecorator:
    """Modules that can be imported: "elftools", "macholib.MachO"."""
    return pytest.mark.needs("module", *names)


def index() -> pytest.MarkDecorator:
    """The package index, through pip as it is configured here."""
    return pytest.mark.needs("index")


def debian() -> pytest.MarkDecorator:
    """Debian's archive of packages, through apt-get as it is configured here."""
    return pytest.mark.needs("debian")


def mounts() -> pytest.MarkDecorator:
    """The right to mount things for one's own children alone."""
    return pytest.mark.needs("mounts")


def root() -> pytest.MarkDecorator:
    """The superuser, for tests that give files away or become somebody else."""
    return pytest.mark.needs("root")


def linux() -> pytest.MarkDecorator:
    return pytest.mark.needs("linux")


def glibc() -> pytest.MarkDecorator:
    """A process whose loader is that of the GNU C library."""
    return pytest.mark.needs("glibc")


def which(name: str) -> str | None:
    """Where the program is that `tool(name)` asks for; None: nowhere."""
    places = (os.environ.get("PATH", os.defpath), os.path.dirname(sys.executable), "/usr/sbin", "/sbin")
    return shutil.which(name, path=os.pathsep.join(places))


def missing(kind: str, *names: str) -> list[str]:
    """What is not here of one need, in words; empty: all is here."""
    return list(_ANSWERS[kind](names))


def _tools(names: tuple[str, ...]) -> Iterator[str]:
    return (name for name in names if which(name) is None)


def _modules(names: tuple[str, ...]) -> Iterator[str]:
    return (f"module {name}" for name in names if not _importable(name))


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent package is absent
        return False


def _unless(holds: Callable[[], bool], words: str) -> Callable[[tuple[str, ...]], Iterator[str]]:
    return lambda _: iter(() if holds() else (words,))


@functools.cache
def _index_answers() -> bool:
    """One question for the whole session: which versions of one wrapper are there?"""
    question = [sys.executable, "-m", "pip", "--quiet", "index", "versions", ASKED_OF_INDEX]
    try:
        return subprocess.run(question, capture_output=True, timeout=INDEX_PATIENCE).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@functools.cache
def _debian_answers() -> bool:
    """Where is one package? A machine that has never asked knows none, so it is told to ask, once."""
    question = ["apt-get", "download", "--print-uris", "--quiet", ASKED_OF_DEBIAN]
    return _ends_well(question) or (_ends_well(["apt-get", "update", "--quiet"]) and _ends_well(question))


@functools.cache
def _may_mount() -> bool:
    return _ends_well(["unshare", "--mount", "mount", "--bind", "/usr", "/usr"])


def _ends_well(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=INDEX_PATIENCE).returncode == 0
    except (subprocess.TimeoutExpired, OSError):
        return False


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, OSError, ValueError):  # not POSIX; not GNU: the name is unknown
        return False


_ANSWERS: Mapping[str, Callable[[tuple[str, ...]], Iterator[str]]] = {
    "tool": _tools,
    "module": _modules,
    "index": _unless(_index_answers, "the package index"),
    "debian": _unless(_debian_answers, "Debian's archive"),
    "mounts": _unless(_may_mount, "the right to mount"),
    "root": _unless(lambda: getattr(os, "geteuid", lambda: -1)() == 0, "superuser"),
    "linux": _unless(lambda: sys.platform == "linux", "Linux"),
    "glibc": _unless(_is_glibc, "glibc"),
}
