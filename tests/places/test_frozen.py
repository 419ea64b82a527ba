"""PyInstaller: a program brings the libraries of its wrappers, and findlibs2 finds them in the frozen program.

The programs run without the environment that they were made in: no variable, another directory, no site-packages.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import need
from tests.places import freezing
from tests.places.jobs import DECODED, GRIB, INSTALL
from tests.wheels import closure
from tests.words.said import plain

pytestmark = [
    need.tool("objdump", "ldd"),  # PyInstaller asks them
]

TELL = """
import json, sys
def tell(*facts):
    with open("/proc/self/maps") as lines:
        files = {line.split(None, 5)[5].strip() for line in lines if ".so" in line}
    outside = sorted(file.rpartition("/")[2] for file in files if not file.startswith(sys._MEIPASS + "/"))
    inside = sorted(file.removeprefix(sys._MEIPASS + "/") for file in files if file.startswith(sys._MEIPASS + "/"))
    print("\\n" + json.dumps([*facts, inside, outside]))
"""
ECCODES = f"""{TELL}{GRIB}
import findlibs2.handles
library = findlibs2.handles.prepared["eccodes", None].removeprefix(sys._MEIPASS + "/")
tell(decoded(), library)
"""
MIR = f"""{TELL}
import findlibs2
def work():
    import mir, numpy
    output = mir.ArrayOutput()
    mir.Job(grid="30/30").execute(mir.ArrayInput(numpy.full(5248, 7.0), "O32"), output)
    shape, values = list(output.shape), sorted(set(output.values().ravel().round(9).tolist()))
    imported = sorted(set(sys.modules) & {{"mirlib", "eckitlib", "eccodeslib", "atlaslib_ecmwf"}})
    tell(shape, values, imported, findlibs2.plan("mir").unchecked)
def fail():
    try:
        findlibs2.load("odccore")
    except findlibs2.NotFoundError as error:
        print(json.dumps(str(error)))
fail() if sys.argv[1:] else work()
"""
NOWHERE = """\
the library 'odccore' is nowhere to be found [not-found]
    override   FINDLIBS2_LIB_ODCCORE   not set
    package   odclib   not installed
    package   odccorelib   not installed
    package   atlaslib_ecmwf   holds no libodccore.so
    package   eccodeslib   holds no libodccore.so
    package   eckitlib   holds no libodccore.so
    package   mirlib   holds no libodccore.so
    python   PROGRAM   holds no libodccore.so
    home   {ODCCORELIB,ODCCORE,ODCLIB,ODC}_{HOME,DIR,ROOT}, CMAKE_PREFIX_PATH   not set
    config   search paths   none are configured
    library-path   PROGRAM   holds no libodccore.so
    system   /   holds no libodccore.so
    system   /usr   holds no libodccore.so
    system   /usr/local   holds no libodccore.so
    system   /opt   holds no libodccore.so
    system   /opt/homebrew   holds no libodccore.so
    system   ~/.local   holds no libodccore.so
    ld-cache   /etc/ld.so.cache   no libodccore.so
  fix: export FINDLIBS2_LIB_ODCCORE=FILE     # the library itself; or install the wrapper package that holds it"""
# What PyInstaller leaves to the machine on which the program runs: the C library.
LEFT = {
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1",
    "libutil.so.1",
}  # fmt: skip


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return freezing.product(tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="module", params=["in the script", "in place of findlibs"])
def programs(request: pytest.FixtureRequest, product: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A program with ecCodes, frozen both ways; `findlibs` is replaced by the program itself, or where it is installed."""
    place = tmp_path_factory.mktemp("eccodes")
    if request.param == "in the script":
        yield freezing.freeze(INSTALL + ECCODES, place, product, one_file=True)
    else:
        shim = place / "shim" / "findlibs"
        shim.mkdir(parents=True)
        (shim / "__init__.py").write_text(INSTALL)
        yield freezing.freeze(ECCODES, place, shim.parent, product, one_file=True)
    shutil.rmtree(place)  # half a gigabyte


@pytest.fixture(scope="module")
def folder(product: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A program with mir."""
    place = tmp_path_factory.mktemp("mir")
    yield freezing.freeze(INSTALL + MIR, place, product) / "folder"
    shutil.rmtree(place)


@pytest.mark.parametrize("program", ["folder/program", "file"])
def test_a_frozen_program_encodes_and_decodes_a_message(programs: Path, program: str) -> None:
    decoded, library, inside, outside = freezing.said(programs / program)
    assert (decoded, library) == (DECODED, "eccodeslib/lib64/libeccodes.so")
    assert {"eckitlib/lib64/libeckit.so", library} <= set(inside)
    assert set(outside) - LEFT == set()


def test_a_frozen_program_holds_each_library_once(programs: Path) -> None:
    *_, inside, _ = freezing.said(programs / "folder" / "program")
    names = list(closure.names([str(programs / "folder" / "_internal" / each) for each in inside]))
    assert sorted(names) == sorted(set(names))


def test_a_frozen_mir_has_its_wrappers_and_what_they_declare(folder: Path, tmp_path: Path) -> None:
    """No contributed hook knows mirlib: findlibs2 brings its own. What wrappers declare is read there, as anywhere."""
    program = folder / "program"
    shape, values, imported, unchecked, inside, outside = freezing.said(program, env={"MIR_CACHE_PATH": str(tmp_path)})
    assert (shape, values, unchecked) == ([7, 12], [7.0], [])
    assert imported == ["eckitlib"]  # by eckit itself, which looks for the data of its projections
    homes = {"mirlib/lib64/libmir.so", "atlaslib_ecmwf/lib64/libatlas.so", "eckitlib/lib64/libeckit.so"}
    assert homes <= set(inside)
    assert set(outside) - LEFT == set()


def test_a_frozen_program_says_of_a_wrapper_that_was_left_out_where_it_looked(folder: Path) -> None:
    text = freezing.said(folder / "program", "odccore")
    assert plain(text.replace(str(folder / "_internal"), "PROGRAM")) == NOWHERE
