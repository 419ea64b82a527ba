"""Search directories of a plan's files: which of them are told, and once each."""

from __future__ import annotations

from pathlib import Path

import pytest

from findlibs2 import searchpaths, trust
from findlibs2.model import Finding, Package, Plan, Step
from findlibs2.notes import ForeignSearchPath, UnsafeSearchPath
from tests import need
from tests.build.world import binary, file

pytestmark = [need.glibc(), need.root()]  # whose directories are safe


def judged(*files: tuple[str, dict[str, str]], own: str = "") -> list[Finding]:
    """Of files, by path, with their rpath or runpath."""
    steps = tuple(Step(path, file(binary(path, **paths)), None, ()) for path, paths in files)
    return searchpaths.judge(Plan((), (), steps, packages=(Package("p", (), libraries=(own,)),)))


@pytest.fixture
def shared(tmp_path: Path) -> str:
    """A directory that anyone can write to, in one that is safe."""
    assert trust.reason(str(tmp_path)) is None
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    return str(tmp_path / "shared")


def test_what_others_can_fill_is_told_with_all_files_that_bring_it(shared: str) -> None:
    told = judged(("/a.so", {"rpath": f"{shared}:/usr"}), ("/b.so", {"rpath": shared}), ("/c.so", {"runpath": shared}))
    reason = f"anyone can write to {shared}"
    assert told == [
        UnsafeSearchPath("/a.so", "RPATH", shared, reason, ("/b.so",)),
        UnsafeSearchPath("/c.so", "RUNPATH", shared, reason),
    ]


def test_an_rpath_beside_a_runpath_is_not_looked_at(shared: str) -> None:
    assert judged(("/a.so", {"rpath": shared, "runpath": "/usr"})) == []


@pytest.mark.parametrize("written", ["lib64", ".", "../lib"])
def test_what_is_relative_depends_on_the_current_directory(written: str) -> None:
    assert judged(("/a.so", {"runpath": written})) == [
        UnsafeSearchPath("/a.so", "RUNPATH", written, "relative to the current directory")
    ]


@pytest.mark.parametrize("written", ["/nowhere/lib64", "/nowhere/lib64/"])
def test_what_does_not_exist_here_is_foreign(written: str) -> None:
    assert judged(("/a.so", {"rpath": written})) == [ForeignSearchPath("/a.so", "RPATH", written)]


def test_what_is_relative_to_the_file_is_told_only_where_others_can_fill_it(shared: str) -> None:
    told = judged((f"{shared}/a.so", {"rpath": "$ORIGIN"}), ("/b.so", {"rpath": "$ORIGIN/absent"}))
    assert told == [UnsafeSearchPath(f"{shared}/a.so", "RPATH", "$ORIGIN", f"anyone can write to {shared}")]


def test_the_directories_of_the_stack_itself_are_not_told(shared: str) -> None:
    assert judged((f"{shared}/lib/../a.so", {"rpath": "$ORIGIN"}), own=shared) == []


def test_the_rarer_reason_is_told_first_and_what_is_harmless_last(shared: str) -> None:
    files = [(f"/{name}.so", {"rpath": f"/nowhere:{shared}/{name}"}) for name in "ab"]
    for name in "ab":
        (Path(shared) / name).mkdir()
    told = judged(*files, ("/c.so", {"rpath": "lib"}))
    assert [each.directory for each in told if isinstance(each, UnsafeSearchPath | ForeignSearchPath)] == [
        "lib",
        f"{shared}/a",
        f"{shared}/b",
        "/nowhere",
    ]
