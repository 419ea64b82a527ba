"""The private scope, over made libraries; where something is opened, in children. With real code: tests/oracle."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from findlibs2 import planning, process, scopes
from findlibs2.model import Binary, File, Loaded, Needed, Plan, Reused, Step
from tests import need
from tests.build.elf import library
from tests.wheels.run import answer, run

pytestmark = need.glibc()


def step(name: str, *needed: str, by_name: bool = False, left: bool = False) -> Step:
    """/lib/<name>, which needs these."""
    path = f"/lib/{name}"
    binary = Binary(path, "elf", "x86_64", 64, "little", "shared", name=name, needed=tuple(map(Needed, needed)))
    return Step(path, File(path, None, binary), None, (), by_name=name if by_name else None, left=left)


def plan(*steps: Step, targets: tuple[str, ...] = ("/lib/a",), reused: tuple[str, ...] = ()) -> Plan:
    there = tuple(Reused(name, Loaded(f"/there/{name}", name), None) for name in reused)
    return Plan((), targets, steps, there)


class TestLinkOrder:
    """glibc elf/dl-deps.c: "This produces a flat, ordered list that represents a breadth-first search"."""

    def test_is_breadth_first_from_the_wanted_library(self) -> None:
        steps = step("d"), step("c", "d"), step("b", "d", "a"), step("a", "b", "c")
        assert planning.link_order(plan(*steps)) == ("/lib/a", "/lib/b", "/lib/c", "/lib/d")

    def test_of_several_wanted_libraries_the_first_comes_first(self) -> None:
        drawn = plan(step("c"), step("b", "c"), step("a"), targets=("/lib/b", "/lib/a"))
        assert planning.link_order(drawn) == ("/lib/b", "/lib/a", "/lib/c")

    def test_what_the_process_has_is_listed_in_its_place_by_its_name(self) -> None:
        drawn = plan(step("b"), step("a", "there", "b"), reused=("there",))
        assert planning.link_order(drawn) == ("/lib/a", "there", "/lib/b")

    def test_what_is_opened_by_its_name_is_listed_by_it(self) -> None:
        assert planning.link_order(plan(step("b", by_name=True), step("a", "b"))) == ("/lib/a", "b")

    def test_what_the_loader_opens_by_itself_is_not_listed_but_what_it_needs_is(self) -> None:
        drawn = plan(step("c"), step("b", "c", left=True), step("a", "b"))
        assert planning.link_order(drawn) == ("/lib/a", "/lib/c")

    def test_what_nobody_leads_to_comes_last_users_before_used(self) -> None:
        assert planning.link_order(plan(step("y"), step("x"), step("a"))) == ("/lib/a", "/lib/x", "/lib/y")


class TestListed:
    """Two files of one SONAME are two libraries to the loader, if both are opened by path."""

    @pytest.fixture
    def site(self, tmp_path: Path) -> Path:
        for file, name in (("a.so", "liba.so"), ("copy.so", "liba.so"), ("b.so", "libb.so"), ("none.so", None)):
            (tmp_path / file).write_bytes(library(name))
        return tmp_path

    def test_the_first_file_of_each_name_is_taken(self, site: Path) -> None:
        paths = [str(site / name) for name in ("a.so", "copy.so", "none.so", "b.so", "a.so")]
        assert scopes.listed([*paths, "libc.so.6"]) == (paths[0], paths[2], paths[3], "libc.so.6")

    def test_what_the_process_has_from_another_file_is_taken_by_its_name(
        self, site: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            process, "loaded", lambda: (Loaded("/mine.so", "libb.so"), Loaded(str(site / "a.so"), "liba.so"))
        )
        assert scopes.listed([str(site / "a.so"), str(site / "b.so")]) == (str(site / "a.so"), "libb.so")

    def test_where_the_process_cannot_be_read_the_loader_is_asked(
        self, site: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "loaded", lambda: None)
        (site / "libc.so").write_bytes(library("libc.so.6"))
        assert scopes.listed([str(site / "libc.so"), str(site / "b.so")]) == ("libc.so.6", str(site / "b.so"))


class TestNames:
    """glibc elf/dl-load.c, _dl_lookup_map: a name under which an object was opened is that object, for ever."""

    def test_one_descriptor_gets_another_name_each_time_and_all_lead_to_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"it")
        with open(tmp_path / "x", "rb") as file:
            names = [scopes.through(file.fileno()) for _ in range(1000)]
            assert {Path(name).read_bytes() for name in names} == {b"it"}
        assert (len(set(names)), max(map(len, names)) < 60) == (1000, True)

    def test_whoever_looks_in_from_outside_is_led_to_the_same_file(self, tmp_path: Path) -> None:
        """A debugger opens what the loader's list names; "self" would be the debugger."""
        (tmp_path / "x").write_bytes(b"it")
        with open(tmp_path / "x", "rb") as file:
            seen = subprocess.run(["cat", scopes.through(file.fileno())], capture_output=True, check=True)
        assert seen.stdout == b"it"

    def test_a_plain_path_is_written_as_it_is(self) -> None:
        assert [scopes.spelled(path) for path in ("/a$b/x", "$LIB", "/LIB/x")] == ["/a$b/x", "$LIB", "/LIB/x"]


# ------------------------------------------------------------------------------------------------ opened, in children

START = """
import ctypes, gc, os, sys
from pathlib import Path
from findlibs2 import errors, files, scopes
here = {here!r}
def path(name): return f"{{here}}/{{name}}"
def ours(): return sorted({{Path(each).name for each in mapped() if each.startswith(here) and "scope.so" not in each}})
def needed(scope): return [each.name.removeprefix(here + "/") for each in files.read(scope.place).binary.needed]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """a needs b, which needs a; c stands alone; broken needs what nobody has."""
    needs = {"a": ["b"], "b": ["a"], "c": [], "broken": ["a", "libgone.so.7"]}
    for name, needed in needs.items():
        (tmp_path / f"{name}.so").write_bytes(library(name, needed))
    return tmp_path


def told(site: Path, code: str, **env: str) -> object:
    return answer(START.format(here=str(site)) + code, env=env)


def test_a_ring_is_opened_whole_and_the_next_object_names_it_first(site: Path) -> None:
    code = """
first = scopes.open_private([path("a.so"), path("b.so")])
second = scopes.open_private([path("c.so"), path("a.so")], lazy=True)
tell([needed(first), needed(second), [Path(each).name for each in second.members], ours()])
"""
    both, three = ["a.so", "b.so"], ["a.so", "b.so", "c.so"]
    assert told(site, code) == [both, three, three, three]


def test_what_is_in_the_scope_is_not_opened_again(site: Path) -> None:
    code = """
scopes.open_private([path("a.so"), path("b.so")])
tell(scopes.open_private([path("b.so")]).place)
"""
    assert told(site, code) is None


def test_what_was_opened_by_somebody_else_stays_the_only_one(site: Path) -> None:
    (site / "mine.so").write_bytes(library("b"))
    code = 'ctypes.CDLL(path("mine.so"))\ntell([needed(scopes.open_private([path("a.so"), path("b.so")])), ours()])'
    assert told(site, code) == [["a.so", "b"], ["a.so", "mine.so"]]


def test_where_a_library_is_missing_nothing_stays_mapped_open_or_remembered(site: Path) -> None:
    code = """
before = os.listdir("/proc/self/fd")
try:
    scopes.open_private([path("broken.so"), path("a.so"), path("b.so")])
except OSError as error:
    said = str(error)
tell([said.partition(":")[0], ours(), scopes.members, os.listdir("/proc/self/fd") == before])
"""
    assert told(site, code) == ["libgone.so.7", [], {}, True]


@pytest.mark.parametrize("directory", ["$LIB", "a${ORIGIN}b", "$PLATFORM/x"])
def test_a_directory_that_reads_as_a_token_is_opened_through_a_descriptor(site: Path, directory: str) -> None:
    (site / directory).mkdir(parents=True)
    (site / directory / "d.so").write_bytes(library("d"))
    code = f"scopes.open_private([path({directory + '/d.so'!r}), path('a.so'), path('b.so')])\ntell(ours())"
    assert told(site, code) == ["a.so", "b.so", "d.so"]


def test_so_is_a_file_whose_own_name_reads_as_one(site: Path) -> None:
    (site / "$LIB").write_bytes(library("d"))
    code = (
        "scopes.open_private([path('$LIB')])\ntell([each for each in open('/proc/self/maps') if '/$LIB' in each] != [])"
    )
    assert told(site, code) is True


def test_descriptors_that_a_program_closed_lead_to_no_other_object(site: Path) -> None:
    """Daemons close all they have; the numbers are used again, and the loader remembers names."""
    code = """
scopes.open_private([path("a.so"), path("b.so")])
os.closerange(3, 100)
tell([scopes.open_private([path("c.so")]).place[-1], ours()])
"""
    assert told(site, code) == ["3", ["a.so", "b.so", "c.so"]]


def test_threads_that_load_at_once_find_everything_there(site: Path) -> None:
    for number in range(16):
        (site / f"t{number}.so").write_bytes(library(f"t{number}", ["a", "b"]))
    code = """
from concurrent.futures import ThreadPoolExecutor
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(16) as pool:
    each = [pool.submit(scopes.open_private, [path(f"t{n}.so"), path("a.so"), path("b.so")]) for n in range(16)]
grown = sorted(len(one.result().members) for one in each)
tell([grown, len(ours())])
"""
    assert told(site, code) == [list(range(3, 19)), 18]


def test_the_child_of_a_fork_goes_on_with_what_was_there(site: Path) -> None:
    code = """
scopes.open_private([path("a.so"), path("b.so")])
child = os.fork()
if not child:
    os._exit(needed(scopes.open_private([path("c.so")])) != ["a.so", "b.so", "c.so"])
tell([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), ours()])
"""
    assert told(site, code) == [0, ["a.so", "b.so"]]


def test_what_is_not_open_cannot_be_promoted(site: Path) -> None:
    code = """
try:
    scopes.promote(path("a.so"))
except errors.OpenFailedError as error:
    tell([error.path == path("a.so"), ours()])
"""
    assert told(site, code) == [True, []]


def test_nothing_is_said_and_the_end_is_quiet(site: Path) -> None:
    done = run(START.format(here=str(site)) + "scopes.open_private([path('a.so'), path('b.so')])")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
