"""Where the object of a private scope is put: in memory, in a file of the user's, or nowhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from findlibs2 import host, scopes
from findlibs2.formats import elf_object
from tests import need
from tests.build.elf import library
from tests.unit.test_scopes import told

pytestmark = need.glibc()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / f"{name}.so").write_bytes(library(name))
    return tmp_path


NO_MEMORY = "del os.memfd_create\n"
FROM_FILE = (
    'scope = scopes.open_private([path("a.so"), path("b.so")])\ntell([str(Path(scope.place).parents[1]), ours()])'
)


@pytest.mark.parametrize("variable", ["XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "TMPDIR"])
def test_without_memory_files_it_is_a_file_of_the_users_which_does_not_stay(site: Path, variable: str) -> None:
    place = site / "own"
    place.mkdir()
    env = {"XDG_RUNTIME_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(site / "none"), "TMPDIR": str(site / "none")}
    assert told(site, NO_MEMORY + FROM_FILE, **env | {variable: str(place)}) == [str(place), ["a.so", "b.so"]]
    assert list(place.iterdir()) == []


def test_a_directory_in_which_others_may_write_is_passed_by(site: Path) -> None:
    (site / "open").mkdir()
    (site / "open").chmod(0o777)
    (site / "own").mkdir()
    env = {"XDG_RUNTIME_DIR": str(site / "open"), "XDG_CACHE_HOME": str(site / "own")}
    assert told(site, NO_MEMORY + FROM_FILE, **env) == [str(site / "own"), ["a.so", "b.so"]]


def test_a_sticky_one_is_not_because_the_file_lies_in_a_directory_of_its_own(site: Path) -> None:
    (site / "shared").mkdir()
    (site / "shared").chmod(0o777 | stat.S_ISVTX)
    assert told(site, NO_MEMORY + FROM_FILE, XDG_RUNTIME_DIR=str(site / "shared")) == [
        str(site / "shared"), ["a.so", "b.so"],
    ]  # fmt: skip


def test_where_it_can_be_put_nowhere_there_is_no_scope(site: Path) -> None:
    code = f"{NO_MEMORY}scopes.places = lambda: ()\ntell([scopes.open_private([path('a.so')]), ours(), scopes.members])"
    assert told(site, code) == [None, [], {}]


def test_where_the_loader_would_die_of_it_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on MIPS; this machine stands in for it."""
    monkeypatch.setattr(elf_object, "FATAL_MACHINES", {host.snapshot().machine})
    assert scopes.open_object(["libc.so.6"], scopes.MODES[False]) is None


def test_a_kernel_that_does_not_know_the_flag_is_asked_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def memfd_create(_: str, flags: int) -> int:
        asked.append(flags)
        if flags & 8:
            raise OSError(22, "Invalid argument")
        return 7

    monkeypatch.setattr(os, "memfd_create", memfd_create)
    assert (scopes.memory_file(), asked) == (7, [9, 1])
