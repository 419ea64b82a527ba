"""The files of findlibs 0.1.3: every defect of their old reading is named here, and how they are read now."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from findlibs2 import legacy
from findlibs2.legacy import Entry

FILE = "/home/me/.findlibs"


def paths(text: str) -> list[str]:
    return [entry.path for entry in legacy.read(FILE, text.encode())]


def test_directories_keep_the_order_of_the_lines() -> None:
    """0.1.3 keeps them in a set: which goes first changes from process to process."""
    assert paths("[Paths]\n/c\n/a\n/b\n") == ["/c", "/a", "/b"]


def test_the_order_does_not_depend_on_the_seed_of_hashes() -> None:
    code = "from findlibs2 import legacy; print([e.path for e in legacy.read('f', b'[Paths]\\n/c\\n/a\\n/b\\n/d\\n')])"
    seeds = [{**os.environ, "PYTHONHASHSEED": str(seed)} for seed in range(3)]
    told = {subprocess.run([sys.executable, "-c", code], env=env, capture_output=True).stdout for env in seeds}
    assert told == {b"['/c', '/a', '/b', '/d']\n"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("[Paths]\n/a\n/b\n/a\n", ["/a", "/b"]),  # 0.1.3: DuplicateOptionError
        ("[Paths]\n/a=b/c\n", ["/a=b/c"]),  # 0.1.3: "/a"
        ("[Paths]\n/a:b\n", ["/a:b"]),  # 0.1.3: "/a"
        ("[Paths]\n/a  # of the site\n", ["/a"]),  # 0.1.3: the comment is part of the path
        ("[Paths]\n# a comment\n; another\n/a\n", ["/a"]),
        ("[paths]\n/a\n", ["/a"]),  # 0.1.3: ignored
        ("[Paths]\n  /a\n\t/b\n", ["/a", "/b"]),  # 0.1.3: an exception of its own for an indented line
        ("[Paths]\n/With Space/Lib\n", ["/With Space/Lib"]),
        ("[Paths]\n/a/../b/\n/b\n", ["/b"]),
        ("[Other]\n/a\n[Paths]\n/b\n", ["/b"]),
        ("[DEFAULT]\n/a\n[Paths]\n/b\n", ["/b"]),
        ("[Paths]\n", []),
        ("", []),
    ],
)
def test_what_was_lost_or_refused_is_read(text: str, read: list[str]) -> None:
    assert paths(text) == read


@pytest.mark.parametrize("home", ["~", "$HOME", "${HOME}"])
def test_the_home_directory(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1.3: "${HOME}" is a relative path."""
    monkeypatch.setenv("HOME", "/home/me")
    assert paths(f"[Paths]\n{home}/lib\n") == ["/home/me/lib"]


def test_a_relative_path_is_told_with_its_line_and_the_others_are_read() -> None:
    """0.1.3: ValueError, whatever library was looked for."""
    assert legacy.read(FILE, b"[Paths]\n\nrelative/lib\n/a\n") == (
        Entry(3, "relative/lib", "", "is relative; write where it starts"),
        Entry(4, "/a", "/a"),
    )


def test_a_file_that_is_none_is_one_entry_with_a_problem() -> None:
    (entry,) = legacy.read(FILE, b"/a\n/b\n")
    assert (entry.line, entry.path, entry.problem) == (1, "", "File contains no section headers.")


def test_bytes_that_are_no_utf_8_are_a_path_all_the_same() -> None:
    (entry,) = legacy.read(FILE, b"[Paths]\n/caf\xe9\n")
    assert os.fsencode(entry.path) == b"/caf\xe9"


def test_the_files_that_are_there_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1.3 does not know XDG_CONFIG_HOME."""
    monkeypatch.setenv("HOME", str(tmp_path))
    places = ["xdg/findlibs/findlibs.conf", ".config/findlibs/findlibs.conf", ".findlibs"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    assert legacy.candidates({"XDG_CONFIG_HOME": str(tmp_path / "xdg")}) == [str(tmp_path / place) for place in places]
    assert legacy.candidates({"XDG_CONFIG_HOME": "xdg"}) == [str(tmp_path / place) for place in places[1:]]
    (tmp_path / ".config/findlibs/findlibs.conf").unlink()
    assert legacy.candidates({}) == [str(tmp_path / ".findlibs")]
