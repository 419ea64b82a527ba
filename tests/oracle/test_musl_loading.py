"""`load` in a Python of musl's: three packages in three directories, in a child process.

musl knows nothing by its name that was opened by its path (ldso/dynlink.c, load_library), so the children that open the
same libraries one after the other fail: that is tested, too.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import need
from tests.oracle import musl_python

pytestmark = [need.linux(), *musl_python.NEEDED]
ROOT = Path(__file__).parents[2]
SOURCES = {
    "low": ("int low(void) { return 1; }", ()),
    "mid": ("int low(void); int mid(void) { return low() + 10; }", ("low",)),
    "top": ("int mid(void); int top(void) { return mid() + 100; }", ("mid",)),
}
TOLD = """
import ctypes, os, sys, findlibs2
from findlibs2 import process
def opened():
    return [os.path.relpath(each.path, {site!r}) for each in process.loaded() if each.path.startswith({site!r})]
"""


def compiled(path: Path, code: str, *options: str, soname: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    command = ["musl-gcc", "-shared", "-fPIC", "-o", str(path), f"-Wl,-soname,{soname or path.name}", "-xc", "-"]
    subprocess.run([*command, "-Wl,--allow-shlib-undefined", *options], input=code, text=True, check=True)
    return path


def package(site: Path, name: str, code: str, needs: tuple[str, ...], options: tuple[str, ...] = ()) -> Path:
    linked = [f"-L{site}/{each}lib/lib64" for each in needs] + [f"-l{each}" for each in needs]
    path = compiled(site / f"{name}lib" / "lib64" / f"lib{name}.so", code, *linked, *options)
    declared = f"findlibs_dependencies = {[f'{each}lib' for each in needs]}\n__version__ = '1.0'\n"
    (site / f"{name}lib" / "__init__.py").write_text(declared)
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, (code, needs) in SOURCES.items():
        package(tmp_path / "site", name, code, needs)
    return tmp_path / "site"


Ask = Callable[..., str]


@pytest.fixture
def ask(site: Path) -> Ask:
    """What a program prints there; its last line, if it fails."""

    def asked(program: str, **variables: str) -> str:
        told = TOLD.format(site=str(site))
        path = os.pathsep.join([str(ROOT), str(site), *variables.pop("also", "").split()])
        environment = {"PYTHONPATH": path, "LC_ALL": "C", "HOME": str(site), **variables}
        command = [str(musl_python.python()), "-c", told + program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]

    return asked


STACK = ["toplib/lib64/libtop.so", "midlib/lib64/libmid.so", "lowlib/lib64/liblow.so"]


def test_this_process_is_known_to_be_musls(ask: Ask) -> None:
    program = "from findlibs2 import host\nhere = host.snapshot()\nprint(here.libc, len(here.libc_version))"
    assert ask(program) == "musl 3"


def test_a_stack_in_three_directories_is_opened_as_it_lies_there(ask: Ask) -> None:
    program = "print(findlibs2.load('top').top(), opened())"
    assert ask(program) == f"111 {STACK}"


def test_one_after_the_other_by_path_it_cannot_be_opened(ask: Ask, site: Path) -> None:
    program = "for name in {!r}: ctypes.CDLL(name, ctypes.RTLD_GLOBAL)".format(
        [f"{site}/{each}" for each in STACK[::-1]]
    )
    assert "Error loading shared library liblow.so" in ask(program)


def test_other_libraries_of_these_names_are_not_taken_wherever_they_are(ask: Ask, site: Path) -> None:
    for name in SOURCES:
        compiled(site.with_name("decoys") / f"lib{name}.so", "int nothing;")
    decoys = str(site.with_name("decoys"))
    assert ask("print(findlibs2.load('top').top(), opened())", LD_LIBRARY_PATH=decoys) == f"111 {STACK}"


def test_what_was_written_for_findlibs_works(ask: Ask) -> None:
    program = """
from findlibs2 import compat
print(compat.load('top').top(), ctypes.CDLL(compat.find('mid')).mid(), opened())
"""
    assert ask(program) == f"111 11 {STACK}"


def test_whoever_comes_later_finds_them_by_their_names(ask: Ask, site: Path) -> None:
    code = "int low(void); int later(void) { return low() + 1000; }"
    later = compiled(site.with_name("later.so"), code, f"-L{site}/lowlib/lib64", "-llow")
    assert ask(f"findlibs2.load('top')\nprint(ctypes.CDLL({str(later)!r}).later(), len(opened()))") == "1001 3"


def test_a_library_that_was_opened_by_path_before_is_used_as_it_is(ask: Ask, site: Path) -> None:
    own = compiled(site / "own" / "liblow.so", "int low(void) { return 2; }")
    program = f"ctypes.CDLL({str(own)!r})\nprint(findlibs2.load('top').top(), opened())"
    assert ask(program) == f"112 {['own/liblow.so', *STACK[:2]]}"


def test_a_library_that_was_opened_under_another_file_name_is_used_by_its_soname(ask: Ask, site: Path) -> None:
    own = compiled(site / "own" / "liblow.so.1.0", "int low(void) { return 2; }", soname="liblow.so")
    program = f"ctypes.CDLL({str(own)!r})\nprint(findlibs2.load('top').top(), opened())"
    assert ask(program) == f"112 {['own/liblow.so.1.0', *STACK[:2]]}"


def test_a_private_stack_is_seen_by_nobody(ask: Ask) -> None:
    program = "print(findlibs2.load('top', visibility='private').top(), hasattr(ctypes.CDLL(None), 'low'))"
    assert ask(program) == "111 False"
    assert ask(program.replace("private", "global")) == "111 True"


def test_a_private_stack_grows_and_can_be_promoted(ask: Ask) -> None:
    program = """
print(findlibs2.load('mid', visibility='private').mid(), opened())
print(findlibs2.load('top', visibility='private').top(), opened())
findlibs2.promote('mid')
print(hasattr(ctypes.CDLL(None), 'low'), hasattr(ctypes.CDLL(None), 'top'))
"""
    assert ask(program).splitlines() == [f"11 {STACK[1:]}", f"111 {STACK[1:] + STACK[:1]}", "True False"]


def test_a_plugin_is_adopted_by_a_private_stack(ask: Ask, site: Path) -> None:
    plugin = compiled(site.with_name("plugin.so"), "int low(void); int plugged(void) { return low() + 2000; }")
    program = f"""
findlibs2.load('top', visibility='private')
findlibs2.adopt({str(plugin)!r})
print(ctypes.CDLL({str(plugin)!r}).plugged(), hasattr(ctypes.CDLL(None), 'low'))
"""
    assert ask(program) == "2001 False"
    assert ask(program.replace("findlibs2.adopt", "str")).endswith("low: symbol not found")


def test_of_copies_the_one_is_opened_that_others_ask_for(ask: Ask, site: Path) -> None:
    plain = site / "lowlib" / "lib64" / "liblow.so"
    compiled(plain, SOURCES["low"][0], soname="liblow.so.1")
    package(site, "mid", *SOURCES["mid"])
    plain.with_name("liblow.so.1").write_bytes(plain.read_bytes())
    program = "print(findlibs2.load('low').low(), opened(), findlibs2.load('top').top(), len(opened()))"
    assert ask(program) == "1 ['lowlib/lib64/liblow.so.1'] 111 3"


MEMORY = {
    "memory files": "",
    "none": "from findlibs2 import scopes\nscopes.memory_file = lambda: None\n",
    "refused": "from findlibs2 import scopes\nscopes.memory_file = lambda: os.open('/dev/null', os.O_RDWR)\n",
}


@pytest.mark.parametrize("memory", MEMORY)
def test_a_file_whose_name_is_not_its_soname_answers_to_both(ask: Ask, site: Path, memory: str) -> None:
    compiled(site / "lowlib" / "lib64" / "liblow.so", SOURCES["low"][0], soname="liblow.so.1")
    package(site, "mid", *SOURCES["mid"])
    assert ask(f"{MEMORY[memory]}print(findlibs2.load('top').top(), opened())") == f"111 {STACK}"


@pytest.mark.parametrize("memory", ["none", "refused"])
def test_without_memory_files_links_do_and_nothing_of_them_stays(ask: Ask, site: Path, memory: str) -> None:
    site.with_name("tmp").mkdir(mode=0o700)
    program = "print(findlibs2.load('top').top(), opened(), os.listdir(os.environ['TMPDIR']))"
    assert ask(MEMORY[memory] + program, TMPDIR=str(site.with_name("tmp"))) == f"111 {STACK} []"


def test_no_descriptor_stays_open_but_that_of_the_object(ask: Ask) -> None:
    program = "before = set(os.listdir('/proc/self/fd'))\nfindlibs2.load('top')\n"
    assert ask(program + "print(len(set(os.listdir('/proc/self/fd')) - before))") == "1"


def test_libraries_that_need_each_other_are_opened(ask: Ask, site: Path) -> None:
    package(site, "low", "int top(void); int low(void) { return 1; } int up(void) { return top(); }", ("top",))
    assert ask("findlibs2.load('top')\nprint(findlibs2.load('low').up(), opened())") == f"111 {STACK}"


def test_what_lies_beside_a_library_is_found_by_its_own_search_path(ask: Ask, site: Path) -> None:
    compiled(site / "lowlib" / "more" / "libmore.so", "int more(void) { return 5; }")
    code = "int more(void); int low(void) { return more(); }"
    package(site, "low", code, (), (f"-L{site}/lowlib/more", "-lmore", "-Wl,-rpath,$ORIGIN/../more"))
    assert ask("print(findlibs2.load('top').top(), opened()[-1])") == "115 lowlib/more/libmore.so"


def test_a_missing_symbol_is_refused_before_anything_has_run_and_told(ask: Ask, site: Path) -> None:
    package(site, "low", "int other(void) { return 1; }", ())
    program = """
try:
    findlibs2.load('top')
except findlibs2.RefusedError as error:
    print([finding.code for finding in error.findings], error.loader_said.partition(':')[2], opened())
"""
    import packaging

    also = str(Path(packaging.__file__).parents[1])
    assert ask(program, also=also) == "['missing-symbol']  low: symbol not found []"
