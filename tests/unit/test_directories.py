"""Which search directories are looked into: asked of the disk, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from findlibs2 import files, pipeline
from findlibs2.closure import Avoided
from findlibs2.model import Candidate
from tests import need
from tests.build.elf import library
from tests.build.world import package

pytestmark = need.linux()


def directories(*own: Path) -> pipeline.Directories:
    stack = [package("mirlib").replace(libraries=tuple(map(str, own)))]
    return pipeline.Directories(stack, files.listing, files.read)


def candidate(directory: str, rule: str, by: str = "") -> Candidate:
    return Candidate(f"{directory}/libz.so.1", directory, rule, by)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of one's own, which is the current one, with lib/libz.so.1."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libz.so.1").write_bytes(library("libz.so.1"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_a_person_wrote_relative_to_the_current_directory_is_searched_there(mine: Path) -> None:
    asked = directories()
    wanted = candidate("lib", "LD_LIBRARY_PATH")
    assert (asked.avoid(wanted), asked.read(wanted.path).path) == (None, str(mine / "lib" / "libz.so.1"))


def test_but_not_where_anyone_can_write(mine: Path) -> None:
    (mine / "lib").chmod(0o777)
    reason = f"anyone can write to {mine / 'lib'}"
    assert directories().avoid(candidate("lib", "LD_LIBRARY_PATH")) == Avoided(reason, unsafe=True)


def test_what_a_file_brings_relative_to_the_current_directory_is_never_searched(mine: Path) -> None:
    wanted = candidate("lib", "RUNPATH", str(mine / "lib" / "libz.so.1"))
    assert directories().avoid(wanted) == Avoided("relative to the current directory", unsafe=True)


def test_below_a_directory_that_is_not_there_nothing_is_asked(mine: Path) -> None:
    wanted = candidate(str(mine / "gone" / "lib64"), "RPATH", str(mine / "lib" / "libz.so.1"))
    asked = directories()
    assert (asked.avoid(wanted), asked.holds(wanted, "tls")) == (Avoided("does not exist", unsafe=False), False)


def test_the_stacks_own_directories_are_trusted_and_known_whole(mine: Path) -> None:
    (mine / "lib").chmod(0o777)
    asked = directories(mine / "lib")
    wanted = candidate(str(mine / "x" / ".." / "lib"), "RPATH")
    problem = asked.read(str(mine / "lib" / "libm.so.6")).problem
    assert (asked.avoid(wanted), problem and problem.code) == (None, "absent")


def test_what_the_administrator_chose_is_not_judged() -> None:
    assert directories().avoid(candidate("/no/such/place", "ld.so.cache")) is None


class TestForeign:
    """Below a shared directory, what a published file names from the root is not searched."""

    def avoided(self, mine: Path, directory: str, *own: Path) -> str | None:
        (mine / "prereqs").mkdir()
        mine.chmod(0o1777)
        found = directories(*own).avoid(candidate(directory, "RPATH", str(mine / "lib" / "libz.so.1")))
        return found.reason.partition(" below ")[0] if found is not None else None

    def test_of_a_wrapper(self, mine: Path) -> None:
        assert self.avoided(mine, str(mine / "prereqs"), mine / "lib") == "lies"

    def test_not_relative_to_the_file(self, mine: Path) -> None:
        assert self.avoided(mine, str(mine / "lib" / ".." / "prereqs"), mine / "lib") is None

    def test_not_of_a_persons_own_build(self, mine: Path) -> None:
        assert self.avoided(mine, str(mine / "prereqs")) is None
