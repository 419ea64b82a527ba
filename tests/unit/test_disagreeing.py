"""The loader is asked: it takes all or nothing, and what it says counts. In children, over made and compiled libraries."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper
from tests.wheels.run import answer

pytestmark = need.glibc()

# The verdict says that a symbol is missing, and is wrong.
WRONG = """
import warnings, findlibs2
from findlibs2 import deciding, findings, model, notes, pipeline
deciding.link.fits = deciding.link.have_versions = lambda *_: False
missing = findings.MissingSymbols("/libmir.so", ("f",))
pipeline.verdict_on = lambda drawn: model.Verdict(drawn, (missing,))
"""
KINDS = pytest.mark.parametrize("visibility", ["global", "private", "auto"])
OURS = "sorted(path.rpartition('/')[2] for path in mapped() if '/lib64/' in path)"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """mirlib on eckitlib."""
    wrapper(tmp_path, "eckit", [], [])
    wrapper(tmp_path, "mir", ["eckit"], ["eckit"])
    return tmp_path


@KINDS
def test_what_the_loader_takes_is_loaded_and_a_report_is_asked_for(site: Path, visibility: str) -> None:
    code = f"""{WRONG}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    library, drawn = pipeline.open_stack("mir", visibility={visibility!r})
tell([[each.category.__name__ for each in told], "model-disagreed" in str(told[0].message),
      drawn.findings == (notes.ModelDisagreed("mir", ("missing-symbol",), (missing,)),), {OURS}])
"""
    assert answer(code, site) == [["RuntimeWarning"], True, True, ["libeckit.so", "libmir.so"]]


@KINDS
@need.tool("gcc")
def test_what_it_refuses_has_run_no_code_and_leaves_nothing_behind(site: Path, visibility: str) -> None:
    for name, source in (
        ("eckit", '#include <stdlib.h>\n__attribute__((constructor)) void run(void) { setenv("RAN", "1", 1); }'),
        ("mir", "extern int nowhere(void); int mir(void) { return nowhere(); }"),
    ):
        place = site / f"{name}lib" / "lib64"
        (place / "source.c").write_text(source)
        libraries = [f"-L{site}/eckitlib/lib64", "-Wl,--no-as-needed", "-leckit"] if name == "mir" else []
        words = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,lib{name}.so", "-o", f"{place}/lib{name}.so"]
        subprocess.run([*words, f"{place}/source.c", *libraries], check=True)
    code = f"""
import ctypes, findlibs2
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
try:
    findlibs2.load("mir", visibility={visibility!r})
except findlibs2.RefusedError as error:
    said, cause = error.loader_said.rpartition("/")[2], type(error.__cause__).__name__
    tell([[each.code for each in error.findings], said, cause, getenv(b"RAN"), {OURS}])
"""
    said = "libmir.so: undefined symbol: nowhere"
    assert answer(code, site) == [["missing-symbol"], said, "OSError", None, []]


@KINDS
def test_where_no_object_can_be_had_it_is_asked_one_library_after_the_other(site: Path, visibility: str) -> None:
    (site / "mirlib" / "lib64" / "libmir.so").write_bytes(library("libmir.so", ["libeckit.so", "libgone.so.1"]))
    code = f"""
import warnings, findlibs2
from findlibs2 import scopes
scopes.open_object = lambda *_: None
warnings.simplefilter("ignore")
try:
    findlibs2.load("mir", visibility={visibility!r})
except findlibs2.OpenFailedError as error:
    tell([error.loader_said.partition(":")[0], [path.rpartition("/")[2] for path in error.opened],
          [each.code for each in error.findings]])
"""
    assert answer(code, site) == ["libgone.so.1", ["libeckit.so"], ["missing-library"]]


@KINDS
@pytest.mark.parametrize("again", ["load('mir')", "compat.find('mir')"])
def test_a_directory_whose_name_means_something_to_the_loader(tmp_path: Path, visibility: str, again: str) -> None:
    """ld.so(8), Dynamic string tokens: nothing quotes them."""
    place = tmp_path / "$LIB"
    wrapper(place, "eckit", [], [])
    wrapper(place, "mir", ["eckit"], ["eckit"])
    code = f"""
import findlibs2
from findlibs2 import compat
from findlibs2 import load
done = findlibs2.load("mir", visibility={visibility!r})._name
{again}
tell([done, {OURS}])
"""
    assert answer(code, place) == [f"{place}/mirlib/lib64/libmir.so", ["libeckit.so", "libmir.so"]]
