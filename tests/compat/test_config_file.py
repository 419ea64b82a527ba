"""`_get_paths_from_config` reads the configuration file of findlibs 0.1.3, in the order in which it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.wheels.run import answer

CODE = """
from findlibs2 import compat
try:
    tell([[type(path).__name__ for path in compat._get_paths_from_config()][:1],
          [str(path) for path in compat._get_paths_from_config()]])
except ValueError as error:
    tell(str(error))
"""
PLACES = (".config/findlibs/findlibs.conf", ".findlibs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with some directories to name, and one file."""
    for name in ("b/lib", "a=1", "c", ".config/findlibs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").touch()
    return tmp_path


def told(home: Path, *lines: str, place: str = PLACES[0]) -> Any:
    """The directories, or the words of the error, HOME in place of the home directory."""
    (home / place).write_text("\n".join(lines) + "\n")
    said = answer(CODE, env={"HOME": str(home)})
    return said.replace(str(home), "HOME") if isinstance(said, str) else said


def test_no_file_names_nothing(home: Path) -> None:
    assert answer(CODE, env={"HOME": str(home)}) == [[], []]


@pytest.mark.parametrize("lines", [(), ("[Paths]",), ("[Other]", "/nowhere")])
def test_a_file_without_paths_names_nothing(home: Path, lines: tuple[str, ...]) -> None:
    assert told(home, *lines) == [[], []]


@pytest.mark.parametrize("place", PLACES)
def test_directories_come_as_paths_in_the_order_of_the_file_each_once(home: Path, place: str) -> None:
    said = told(home, "[Paths]", "~/c", "$HOME/b", str(home / "a=1"), "~/c", place=place)
    assert said == [["PosixPath"], [f"{home}/c", f"{home}/b", f"{home}/a=1"]]


def test_two_files_are_an_error(home: Path) -> None:
    (home / PLACES[1]).touch()
    there = ", ".join(f"HOME/{place}" for place in PLACES)
    assert told(home, "[Paths]") == f"there are 2 configuration files; delete all but one of {there}"


def test_everything_that_is_no_directory_is_told_at_once_with_its_line(home: Path) -> None:
    assert told(home, "[Paths]", "~/c", "relative/path", "", "~/file", "~/nowhere") == (
        "HOME/.config/findlibs/findlibs.conf names what cannot be searched:"
        " line 3, 'relative/path': is relative; write where it starts;"
        " line 5, '~/file': is a file; write the directory that holds its lib;"
        " line 6, '~/nowhere': does not exist"
    )


def test_a_file_without_an_end_is_not_read(home: Path) -> None:
    (home / PLACES[1]).symlink_to("/dev/zero")
    assert answer(CODE, env={"HOME": str(home)}) == (
        f"{home}/.findlibs cannot be read, or is too long for a configuration file"
    )
