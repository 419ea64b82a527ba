"""The check as one file, where nothing is installed: `python -I -S`."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from findlibs2 import symcheck
from tests.symcheck.asked import check, made, wheel


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "symcheck.pyz"
    assert symcheck.main(["--zipapp", str(path)]) == 0
    return path


def run(*words: Path | str) -> tuple[int, str, str]:
    """In an environment that is empty, in a directory that is nobody's."""
    command = [sys.executable, "-I", "-S", *map(str, words)]
    libraries = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=libraries, cwd="/")
    return done.returncode, done.stdout, done.stderr


def test_it_says_what_the_installed_one_says(program: Path, tmp_path: Path) -> None:
    broken = made(tmp_path / "liba.so", "libb.so", wants=["_ZN1b3twoEv"])
    made(tmp_path / "libb.so", has=["_ZN1b3oneEv"])
    given = wheel(tmp_path / "a.whl", {"a/liba.so": broken.read_bytes()})
    for words in (["--json", given], [given, tmp_path / "libb.so"], ["--system", tmp_path]):
        assert run(program, *words) == tuple(check(*words))


def test_it_needs_nothing_but_the_standard_library(program: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['x', '/nowhere/liba.so']\n"
        f"try: runpy.run_path({str(program)!r}, run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "print({'packaging', 'importlib_metadata', 'elftools', 'tomli'} & set(sys.modules))"
    )
    assert run("-c", code)[:2] == (0, "2\nset()\n")


def test_it_can_write_itself_and_the_bytes_are_the_same(program: Path, tmp_path: Path) -> None:
    assert run(program, "--zipapp", tmp_path / "again.pyz") == (0, f"{tmp_path}/again.pyz\n", "")
    assert (tmp_path / "again.pyz").read_bytes() == program.read_bytes()
    assert {entry.date_time[:3] for entry in zipfile.ZipFile(program).infolist()} == {(1980, 1, 1)}
    assert os.access(tmp_path / "again.pyz", os.X_OK)


def test_where_it_cannot_be_written_nothing_is_left(tmp_path: Path) -> None:
    assert check("--zipapp", tmp_path / "none" / "x.pyz") == (
        2,
        "",
        f"findlibs2-symcheck: {tmp_path}/none/x.pyz cannot be written: No such file or directory\n",
    )
    assert list(tmp_path.iterdir()) == []
