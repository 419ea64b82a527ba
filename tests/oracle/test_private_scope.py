"""The loader itself, asked what a private scope is: who supplies a name, who sees it, what is left when it is refused."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import need
from tests.wheels.private import MEMFD_CREATE, without_memory_files
from tests.wheels.run import answer, command, variables

pytestmark = [need.glibc(), need.tool("gcc", "g++")]

# A singleton in a header, as every library that includes it has it. What clang writes, and GCC with this option, is no
# STB_GNU_UNIQUE symbol, of which the loader itself would keep one in a process.
SINGLETON = """
struct Registry { static Registry& instance() { static Registry one; return one; } int entries = 0; };
extern "C" void* NAME() { return &Registry::instance(); }
"""


class Source(NamedTuple):
    text: str
    compiler: str = "gcc"
    options: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


SOURCES = {
    "one": Source(SINGLETON.replace("NAME", "one"), "g++", ("-fno-gnu-unique",)),
    "two": Source(SINGLETON.replace("NAME", "two"), "g++", ("-fno-gnu-unique",)),
    "used": Source("int used(void) { return 1; }"),
    "other": Source("int used(void) { return 2; }"),
    "user": Source("int used(void); int user(void) { return used(); }", "gcc", ("-Wl,-z,lazy", "-L."), ("-lused",)),
    "under": Source("int used(void); int under(void) { return used(); }"),  # uses what it does not name
    "writes": Source(
        "#include <fcntl.h>\n#include <stdlib.h>\n"
        '__attribute__((constructor)) static void begin(void) { creat(getenv("WRITTEN"), 0600); }'
    ),
    "broken": Source("int nowhere(void); int broken(void) { return nowhere(); }", "gcc", ("-Wl,-z,lazy",)),
}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """lib<name>.so of each source; its SONAME is its file name."""
    here = tmp_path_factory.mktemp("built")
    for name, source in SOURCES.items():
        file = here / f"{name}.{'cc' if source.compiler == 'g++' else 'c'}"
        file.write_text(source.text)
        as_library = ("-shared", "-fPIC", f"-Wl,-soname,lib{name}.so", "-o", f"lib{name}.so")
        build = [source.compiler, *as_library, *source.options, file.name, *source.libraries]
        subprocess.run(build, check=True, cwd=here)
    return here


START = """
import ctypes, os, sys
from pathlib import Path
from findlibs2 import scopes
from inside import mapped, tell
here = {here!r}
def path(name): return f"{{here}}/lib{{name}}.so"
def open_private(*names, **how): return scopes.open_private([path(name) for name in names], **how)
def call(name, kind=ctypes.c_int):
    function = ctypes.CDLL(path(name), mode=ctypes.RTLD_LOCAL)[name]
    function.restype = kind
    return function()
def ours(): return sorted({{Path(each).stem[3:] for each in mapped() if each.startswith(here)}})
def named(paths): return sorted(Path(each).stem[3:] for each in paths)
"""


def told(built: Path, code: str, **env: str) -> object:
    return answer(START.format(here=str(built)) + code, env=env)


class TestOneProvider:
    def test_a_singleton_of_a_header_stays_single_over_two_loads(self, built: Path) -> None:
        code = """
open_private("one")
open_private("two")
tell(call("one", ctypes.c_void_p) == call("two", ctypes.c_void_p))
"""
        assert told(built, code) is True

    def test_two_scopes_that_know_nothing_of_each_other_would_split_it(self, built: Path) -> None:
        assert told(built, 'tell(call("one", ctypes.c_void_p) == call("two", ctypes.c_void_p))') is False

    @pytest.mark.parametrize(("order", "answered"), [(("used", "other"), 1), (("other", "used"), 2)])
    def test_of_two_that_define_a_name_the_first_of_the_scope_supplies_it(
        self, built: Path, order: tuple[str, str], answered: int
    ) -> None:
        assert told(built, f'open_private("user", *{order})\ntell(call("user"))') == answered

    def test_a_later_load_puts_nothing_before_what_is_there(self, built: Path) -> None:
        code = 'open_private("used")\nopen_private("other", "user")\ntell(call("user"))'
        assert told(built, code) == 1

    @pytest.mark.parametrize(("lazy", "answered"), [(False, 1), (True, 2)])
    def test_a_foreign_global_library_captures_only_what_is_not_bound_yet(
        self, built: Path, lazy: bool, answered: int
    ) -> None:
        """The global scope is asked first, always: whoever wants no later library to be heard binds now."""
        code = f"""
open_private("user", "used", lazy={lazy})
ctypes.CDLL(path("other"), mode=ctypes.RTLD_GLOBAL)
tell(call("user"))
"""
        assert told(built, code) == answered


class TestRefused:
    """dlopen(3), RTLD_NOW: "all undefined symbols ... are resolved before dlopen() returns", else "an error"."""

    REFUSED = """
try:
    open_private("broken", "writes", lazy={lazy})
    said = "opened"
except OSError as error:
    said = str(error).rpartition(": ")[2]
tell([said, ours(), os.path.exists(os.environ["WRITTEN"])])
"""

    def test_nothing_is_mapped_and_no_constructor_has_run(self, built: Path, tmp_path: Path) -> None:
        found = told(built, self.REFUSED.format(lazy=False), WRITTEN=str(tmp_path / "it"))
        assert found == ["nowhere", [], False]

    def test_bound_lazily_it_is_taken_and_fails_when_it_is_called(self, built: Path, tmp_path: Path) -> None:
        found = told(built, self.REFUSED.format(lazy=True), WRITTEN=str(tmp_path / "it"))
        assert found == ["opened", ["broken", "writes"], True]


class TestVisibility:
    def test_nobody_outside_finds_what_is_inside(self, built: Path) -> None:
        code = """
open_private("user", "used")
try:
    ctypes.CDLL(path("under"))
except OSError as error:
    said = str(error).rpartition(": ")[2]
tell([hasattr(ctypes.CDLL(None), "used"), said, scopes.exposed(), call("user")])
"""
        assert told(built, code) == [False, "used", [], 1]

    def test_what_uses_more_than_it_names_is_adopted_and_nothing_else_is_seen(self, built: Path) -> None:
        code = """
scope = open_private("user", "used")
adopted = scopes.adopt(path("under"))
tell([call("under"), adopted.members == scope.members, hasattr(ctypes.CDLL(None), "under"), scopes.exposed()])
"""
        assert told(built, code) == [1, True, False, []]

    def test_what_is_promoted_is_seen_with_all_that_it_needs_and_said(self, built: Path) -> None:
        code = """
open_private("user", "used", "one")
tell([named(scopes.promote(path("user"))), named(scopes.promote(path("used"))), call("under"), named(scopes.exposed())])
"""
        assert told(built, code) == [["used", "user"], [], 1, ["used", "user"]]

    def test_that_somebody_else_promotes_is_found_afterwards(self, built: Path) -> None:
        code = """
open_private("user", "used", "one")
before = scopes.exposed()
ctypes.CDLL(path("user"), mode=ctypes.RTLD_GLOBAL)
tell([before, named(scopes.exposed())])
"""
        assert told(built, code) == [[], ["used", "user"]]

    def test_another_library_with_the_same_function_exposes_nothing(self, built: Path) -> None:
        code = 'open_private("used")\nctypes.CDLL(path("other"), mode=ctypes.RTLD_GLOBAL)\ntell(scopes.exposed())'
        assert told(built, code) == []


class TestObstacles:
    """What keeps the object out of memory, and what comes then."""

    OPEN = 'scope = open_private("user", "used")\ntell([scope.place.startswith("/proc/"), call("user"), ours()])'

    def test_with_everything_it_lies_in_memory(self, built: Path) -> None:
        assert told(built, self.OPEN) == [True, 1, ["used", "user"]]

    @pytest.mark.skipif(platform.machine() not in MEMFD_CREATE, reason="the number of memfd_create")
    def test_where_a_filter_refuses_memory_files_it_is_a_file(self, built: Path) -> None:
        assert told(built, without_memory_files() + self.OPEN) == [False, 1, ["used", "user"]]

    @need.mounts()
    def test_without_proc_it_is_a_file(self, built: Path) -> None:
        code = (
            'scope = open_private("user", "used")\ntell([scope.place[:6] == "/proc/", call("user"), scopes.exposed()])'
        )
        assert self.mounted(built, "mount -t tmpfs none /proc", code) == "[false, 1, null]"

    @need.mounts()
    def test_a_file_may_lie_where_nothing_may_be_executed(self, built: Path, tmp_path: Path) -> None:
        mounting = f"mount -t tmpfs -o noexec,mode=700 none {shlex.quote(str(tmp_path))}"
        code = f"del os.memfd_create\nos.environ['XDG_RUNTIME_DIR'] = {str(tmp_path)!r}\n{self.OPEN}"
        assert self.mounted(built, mounting, code) == '[false, 1, ["used", "user"]]'

    def mounted(self, built: Path, mounting: str, code: str) -> str:
        """What code tells where something was mounted for it alone."""
        child = shlex.join(command(START.format(here=str(built)) + code, [], sys.executable))
        unshared = ["unshare", "--mount", "sh", "-c", f"{mounting} && exec {child}"]
        done = subprocess.run(unshared, capture_output=True, text=True, env=variables(), cwd=os.sep)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
