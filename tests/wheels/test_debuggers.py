"""Programs that look into other programs: what gdb and valgrind make of a loaded stack."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import command, variables

VISIBILITIES = pytest.mark.parametrize("visibility", ["private", "global"])
PATIENCE = 60  # seconds; a debugger that waits for something waits for ever
LOAD = "import findlibs2\nlibrary = findlibs2.load('eccodes', visibility={visibility!r})\n"
USE = "print('version', library.codes_get_api_version() > 20000, flush=True)"
WAIT = "import os\nprint(os.getpid(), flush=True)\nos.read(0, 1)"
# gdb, "info sharedlibrary": from, to, whether symbols were read, "(*)" without debugging information, the file.
LISTED = re.compile(r"^(?:0x\w+\s+0x\w+)?\s+(?:Yes|No)(?: \(\*\))?\s+(\S+)$", re.MULTILINE)


def gdb(*words: str) -> subprocess.CompletedProcess[str]:
    quiet = ("gdb", "-batch", "-nx", "-iex", "set auto-load off", "-ex", "set breakpoint pending on")
    return subprocess.run(
        [*quiet, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=variables(), timeout=PATIENCE
    )


def listed(said: str, site: Path) -> list[str]:
    """SONAMEs of what gdb knows of the wheels."""
    return sorted(closure.names([path for path in LISTED.findall(said) if site in Path(path).parents]))


@need.tool("gdb")
@VISIBILITIES
def test_gdb_stops_in_a_function_of_the_stack_and_names_every_library(newest: Environment, visibility: str) -> None:
    stops = ("break codes_get_api_version", "run", "info sharedlibrary", "backtrace 1", "delete", "continue")
    program = command(LOAD.format(visibility=visibility) + USE, [newest.site])
    done = gdb(*(word for stop in stops for word in ("-ex", stop)), "--args", *program)
    assert listed(done.stdout, newest.site) == closure.closure(newest.site, "libeccodes.so")
    assert re.findall(r"#0 .*\b(\w+) \(\) from .*/(\S+)", done.stdout) == [("codes_get_api_version", "libeccodes.so")]
    assert ("version True" in done.stdout, "Could not load" in done.stderr) == (True, False)


@need.tool("gdb")
@VISIBILITIES
def test_gdb_comes_later_and_names_every_library(newest: Environment, visibility: str) -> None:
    program = command(LOAD.format(visibility=visibility) + WAIT, [newest.site])
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables()) as child:
        assert child.stdout is not None
        done = gdb("-p", child.stdout.readline().strip(), "-ex", "info sharedlibrary", "-ex", "detach")
        child.communicate("x", timeout=PATIENCE)
    assert (listed(done.stdout, newest.site), child.returncode) == (
        closure.closure(newest.site, "libeccodes.so"),
        0,
    )


@need.tool("valgrind")
@VISIBILITIES
def test_valgrind_sees_no_wrong_access_while_the_stack_is_loaded_used_and_left(
    newest: Environment, visibility: str
) -> None:
    assert memcheck(command(LOAD.format(visibility=visibility) + USE, [newest.site])) == [0, True]


@need.tool("valgrind")
def test_valgrind_would_see_one() -> None:
    """One byte behind what malloc gave."""
    wrong = (
        "import ctypes\nc = ctypes.CDLL(None)\nc.malloc.restype = ctypes.c_void_p\nctypes.string_at(c.malloc(8) + 8, 1)"
    )
    assert memcheck([sys.executable, "-S", "-s", "-c", wrong]) == [9, False]


def memcheck(program: Sequence[str]) -> list[object]:
    """Exit status, and whether the library was used. Values that the interpreter's own code never set are not counted:
    it looks at some, by design, as its README.valgrind says."""
    words = ["valgrind", "--quiet", "--error-exitcode=9", "--undef-value-errors=no", *program]
    env = variables({"PYTHONMALLOC": "malloc"})
    done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=os.sep, timeout=3 * PATIENCE)
    return [done.returncode, "version True" in done.stdout]
