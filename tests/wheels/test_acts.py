"""What programs do with a loaded stack, in either scope: docs/explanation/visibility.md tells what came of it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.jobs import EVERY, INSTALL, do, jobs, known
from tests.wheels.private import EAGER, LAZY, own_sqlite, without_memory_files
from tests.wheels.run import answer, command, run, variables

VISIBILITIES = pytest.mark.parametrize("visibility", ["private", "global"])
IN = "import os; os.environ['FINDLIBS2_VISIBILITY'] = {visibility!r}\n"


@VISIBILITIES
def test_all_interfaces_do_their_jobs_in_one_process(newest: Environment, visibility: str) -> None:
    names = [name for counter, name in EVERY if counter == newest.counter]
    assert do(newest, names, start=IN.format(visibility=visibility) + INSTALL).told == known(newest, names)


# SpecError of libeckit_spec, a std::exception to the code that Cython wrote into the extension.
THROWN = """
from eckit.geo import Grid
try:
    Grid("no grid at all")
except Exception as error:
    tell([type(error).__name__, str(error)])
"""


@VISIBILITIES
def test_an_exception_of_eckit_is_caught_in_the_extension_as_it_is_without_us(
    newest: Environment, visibility: str
) -> None:
    ours = IN.format(visibility=visibility) + INSTALL
    found, without = (answer(start + THROWN, newest.interfaces, newest.site) for start in (ours, ""))
    assert (found, found[0]) == (without, "RuntimeError")


FORKED = """
import findlibs2
def after_a_fork():
    child = os.fork()
    if child: return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        findlibs2.load("fdb5")
        exec({script!r}, globals())
        status = 0 if told == {known!r} else 2
    finally:
        os._exit(status)
answers["children"] = [after_a_fork(), after_a_fork()]
"""


@VISIBILITIES
def test_children_of_a_fork_work_with_it_and_load_more(newest: Environment, visibility: str) -> None:
    work = FORKED.format(script=jobs(newest)["mir"].script, known=jobs(newest)["mir"].known)
    done = do(newest, ["mir"], start=IN.format(visibility=visibility) + INSTALL, end=work)
    assert done.told == {**known(newest, ["mir"]), "children": [0, 0]}


@VISIBILITIES
def test_the_end_is_quiet(newest: Environment, visibility: str) -> None:
    loads = [f"findlibs2.load({name!r})\n" for name in ("mir", "gribjump", "multio-api")]
    done = run("".join([IN.format(visibility=visibility), "import findlibs2\n", *loads]), newest.site)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LOAD = "import findlibs2\nlibrary = findlibs2.load('eccodes', visibility={visibility!r})\n"


class TestForeign:
    """A library of somebody else's is opened with RTLD_GLOBAL when the stack is there. It has every function that the
    C libraries of the stack have, and whoever runs one of these ends the process."""

    @pytest.fixture
    def foreign(self, newest: Environment, tmp_path: Path) -> Path:
        functions = "".join(f'void {name}(void) __attribute__((alias("captured")));\n' for name in brought(newest))
        (tmp_path / "it.c").write_text(f"void _exit(int);\nvoid captured(void) {{ _exit(86); }}\n{functions}")
        subprocess.run(
            ["gcc", "-w", "-fno-builtin", "-shared", "-fPIC", "-o", "it.so", "it.c"], check=True, cwd=tmp_path
        )
        return tmp_path / "it.so"

    # In this packing libeccodes lets libaec do the work.
    USED = """
import ctypes
ctypes.CDLL({foreign!r}, mode=ctypes.RTLD_GLOBAL)
sample = library.codes_grib_handle_new_from_samples
sample.restype, count = ctypes.c_void_p, ctypes.c_size_t(496)
handle, values, got = ctypes.c_void_p(sample(None, b"regular_ll_sfc_grib2")), *[(ctypes.c_double * 496)() for _ in "ab"]
values[:] = range(496)
assert library.codes_set_string(handle, b"packingType", b"grid_ccsds", ctypes.byref(ctypes.c_size_t(10))) == 0
assert library.codes_set_long(handle, b"bitsPerValue", ctypes.c_long(16)) == 0
assert library.codes_set_double_array(handle, b"values", values, count) == 0
assert library.codes_get_double_array(handle, b"values", got, ctypes.byref(count)) == 0
assert list(got) == list(values)
"""

    def ended(self, of: Environment, foreign: Path, load: str) -> int:
        return run(load + self.USED.format(foreign=str(foreign)), of.site).returncode

    @need.tool("gcc", "nm")
    @VISIBILITIES
    def test_that_comes_later_captures_nothing(self, newest: Environment, foreign: Path, visibility: str) -> None:
        assert self.ended(newest, foreign, LOAD.format(visibility=visibility)) == 0

    @need.tool("gcc", "nm")
    @pytest.mark.parametrize(("how", "status"), [(EAGER, 0), (LAZY, 86)], ids=["now", "lazy"])
    def test_in_a_scope_that_is_bound_lazily_it_would(
        self, newest: Environment, foreign: Path, how: str, status: int
    ) -> None:
        """The control."""
        assert self.ended(newest, foreign, f"{how}library = ctypes.CDLL(open_private('eccodes'))\n") == status


def brought(of: Environment) -> Sequence[str]:
    """The functions of the libraries that auditwheel put beside eckitlib, and of those that eccodeslib brings."""
    plain = ("libaec.so", "libopenjp2.so", "libpng16.so")
    files = [
        path for path in closure.libraries(of.site) if path.parent.name.endswith(".libs") or path.name.startswith(plain)
    ]
    said = subprocess.run(["nm", "-D", "--defined-only", *files], capture_output=True, text=True, check=True).stdout
    found = {name.partition("@")[0] for name in re.findall(r" T (\S+)", said)}
    return sorted(name for name in found - {"_init", "_fini", "_exit"} if re.fullmatch(r"[A-Za-z_]\w*", name))


class TestObstacles:
    """Where a part of the usual machine is missing, what is loaded works all the same, and is seen by those who may."""

    SEEN = """
import ctypes, sqlite3
own = {own!r} == sqlite3.sqlite_version
seen = hasattr(ctypes.CDLL(None), "codes_get_api_version")
tell([library.codes_get_api_version() > 20000, seen, own or seen])
"""
    EXPECTED: Mapping[str, object] = {"private": [True, False, True], "global": [True, True, True]}

    def code(self, visibility: str) -> str:
        return LOAD.format(visibility=visibility) + self.SEEN.format(own=own_sqlite())

    @VISIBILITIES
    def test_no_memory_files(self, newest: Environment, visibility: str) -> None:
        told = answer(without_memory_files() + self.code(visibility), newest.site)
        assert told == self.EXPECTED[visibility]

    @need.mounts()
    @need.tool("unshare", "mount")
    @VISIBILITIES
    def test_no_proc(self, newest: Environment, visibility: str) -> None:
        code = "from inside import tell\n" + self.code(visibility)
        child = shlex.join(command(code, [newest.site]))
        unshared = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none /proc && exec {child}"]
        done = subprocess.run(unshared, capture_output=True, text=True, env=variables(), cwd="/", check=True)
        assert json.loads(done.stdout.splitlines()[-1]) == self.EXPECTED[visibility]
