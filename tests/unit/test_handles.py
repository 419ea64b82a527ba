"""Opening: the process, asked in children where something is opened for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import findlibs2
from findlibs2 import errors, files, handles
from findlibs2.findings import Replaced
from findlibs2.model import File, Identity, Step
from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper
from tests.wheels.run import answer, project

pytestmark = need.glibc()


def step(path: str, identity: Identity | None) -> Step:
    return Step(path, File(path, identity, None), None, ())


def test_what_is_mapped_is_what_was_read() -> None:
    program = os.path.realpath("/proc/self/exe")
    handles.verify("mir", [step(program, files.identity(program))])


def test_a_file_that_was_replaced_meanwhile_is_named(tmp_path: Path) -> None:
    path = tmp_path / "libmir.so"
    path.write_bytes(b"old")
    before = files.identity(str(path))
    (tmp_path / "new").write_bytes(b"new!")
    (tmp_path / "new").rename(path)
    with pytest.raises(errors.RefusedError) as refused:
        handles.verify("mir", [step(str(path), before)])
    assert refused.value.findings == (Replaced(str(path)),)


def test_where_the_kernel_names_another_device_the_path_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "libmir.so"
    path.write_bytes(b"as it was read, and in no list of mappings")
    assert handles.is_mapped(step(str(path), files.identity(str(path))), set())


def test_a_library_that_was_replaced_while_it_was_loaded_ends_in_an_error(tmp_path: Path) -> None:
    wrapper(tmp_path, "mir", [], [])
    libmir = tmp_path / "mirlib" / "lib64" / "libmir.so"
    (tmp_path / "other.so").write_bytes(library("libmir.so", tail=b"another"))
    code = f"""
import os, findlibs2
from findlibs2 import pipeline
drawn = pipeline.draw
def replaced(*arguments, **named):
    plan = drawn(*arguments, **named)
    os.rename({str(tmp_path / "other.so")!r}, {str(libmir)!r})
    return plan
pipeline.draw = replaced
try:
    findlibs2.load("mir")
except findlibs2.RefusedError as error:
    tell([finding.code for finding in error.findings])
"""
    assert answer(code, tmp_path) == ["replaced"]


UNKNOWN = """
import ctypes, findlibs2
from findlibs2 import process
process.loaded = lambda: None
"""


def test_where_the_process_cannot_be_asked_no_second_copy_is_opened(tmp_path: Path) -> None:
    """Two copies of one SONAME end some libraries' processes; without /proc the loader itself is asked."""
    wrapper(tmp_path, "eckit", [], [])
    wrapper(tmp_path, "mir", ["eckit"], ["eckit"])
    mine = tmp_path / "mine.so"
    mine.write_bytes(library("libeckit.so"))
    code = f"{UNKNOWN}ctypes.CDLL({str(mine)!r})\nfindlibs2.load('mir')\ntell(mapped())"
    ours = [Path(path).name for path in answer(code, tmp_path) if str(tmp_path) in path]
    assert sorted(ours) == ["libmir.so", "mine.so"]


def test_nor_one_of_the_wanted_library_itself(tmp_path: Path) -> None:
    wrapper(tmp_path, "mir", [], [])
    mine = tmp_path / "mine.so"
    mine.write_bytes(library("libmir.so"))
    code = f"{UNKNOWN}ctypes.CDLL({str(mine)!r})\nfindlibs2.load('mir')\ntell(mapped())"
    assert [Path(path).name for path in answer(code, tmp_path) if str(tmp_path) in path] == ["mine.so"]


@pytest.mark.parametrize("name", [["mir"], {}, None, 1])
def test_what_is_no_name_at_all_is_said_to_be_none(name: object) -> None:
    with pytest.raises(errors.BadNameError):
        findlibs2.load(name)  # type: ignore[arg-type]


def odd(tmp_path: Path, rpath: str | None = None) -> Path:
    """mirlib, whose library needs libodd.so.1; and that one elsewhere, with another name inside."""
    wrapper(tmp_path, "mir", [], [])
    libmir = tmp_path / "mirlib" / "lib64" / "libmir.so"
    libmir.write_bytes(library("libmir.so", ["libodd.so.1"], rpath=rpath))
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / "libodd.so.1").write_bytes(library("libeven.so"))
    return tmp_path / "system"


LOAD = "import findlibs2\nfindlibs2.load('mir')\ntell(mapped())"


def test_a_system_library_with_another_name_inside_is_known_by_the_name_that_is_needed(tmp_path: Path) -> None:
    system = odd(tmp_path)
    mapped = answer(LOAD, tmp_path, env={"LD_LIBRARY_PATH": f"{system}:{os.environ.get('LD_LIBRARY_PATH', '/lib')}"})
    assert sorted(Path(path).name for path in mapped if str(tmp_path) in path) == ["libmir.so", "libodd.so.1"]


def test_where_only_the_librarys_own_search_path_leads_the_loader_goes_itself(tmp_path: Path) -> None:
    odd(tmp_path, rpath="$ORIGIN/../../system")
    mapped = answer(LOAD, tmp_path)
    assert sorted(Path(path).name for path in mapped if str(tmp_path) in path) == ["libmir.so", "libodd.so.1"]


def test_loading_twice_opens_and_looks_up_nothing(tmp_path: Path) -> None:
    wrapper(tmp_path, "mir", [], [])
    code = """
import findlibs2
from findlibs2 import locating
first = findlibs2.load("mir")
locating.locate = None
tell(findlibs2.load("mir") is first)
"""
    assert answer(code, tmp_path) is True


@pytest.mark.parametrize(("flag", "ending"), [("-E", "loaded"), ("-I", "loaded"), ("-s", "override-missing")])
def test_under_E_and_I_no_variable_of_ours_is_read(tmp_path: Path, flag: str, ending: str) -> None:
    """As Python's own: command line, -E "Ignore all PYTHON* environment variables"."""
    wrapper(tmp_path, "mir", [], [])
    code = f"""
import sys
sys.path[:0] = {[str(tmp_path), str(project())]!r}
import findlibs2
try:
    findlibs2.load("mir")
    print("loaded")
except findlibs2.RefusedError as error:
    print(error.findings[0].code)
"""
    environment = {**os.environ, "FINDLIBS2_LIB_MIR": "/gone"}
    done = subprocess.run([sys.executable, flag, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{ending}\n", "")
