"""Where ld.so looks for a name, and in which order: its own words against ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from findlibs2 import host
from findlibs2.loaders import glibc
from tests import need
from tests.oracle import stage as stages
from tests.oracle.stage import WANTED, Stage, compiled, read

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

driver, stage = stages.driver, stages.stage


class TestOrder:
    """ld.so(8): "it searches for the shared object in the following order"."""

    def test_rpath_before_library_path(self, stage: Stage) -> None:
        stage.wanted_in("a", "b")
        stage.environment["LD_LIBRARY_PATH"] = stage.directory("b")
        assert stage.agree(stage.library("libtop.so", WANTED, rpath=stage.directory("a"))) == f"a/{WANTED}"

    def test_library_path_before_runpath(self, stage: Stage) -> None:
        stage.wanted_in("a", "b")
        stage.environment["LD_LIBRARY_PATH"] = stage.directory("b")
        assert stage.agree(stage.library("libtop.so", WANTED, runpath=stage.directory("a"))) == f"b/{WANTED}"

    def test_runpath_where_nothing_is_before(self, stage: Stage) -> None:
        stage.wanted_in("b")
        top = stage.library("libtop.so", WANTED, runpath=f"{stage.directory('a')}:{stage.directory('b')}")
        assert stage.agree(top) == f"b/{WANTED}"

    def test_rpath_is_ignored_beside_runpath(self, stage: Stage) -> None:
        stage.wanted_in("a", "b")
        top = stage.library("libtop.so", WANTED, rpath=stage.directory("a"), runpath=stage.directory("b"))
        assert stage.agree(top) == f"b/{WANTED}"

    def test_nothing_anywhere(self, stage: Stage) -> None:
        assert stage.agree(stage.library("libtop.so", WANTED, rpath=stage.directory("a"))) == "refused"


class TestAncestry:
    """elf/dl-load.c: "First try the DT_RPATH of the dependent object that caused NAME to be loaded. Then that object's
    dependent, and on up."
    """

    def test_rpath_of_who_needs_it(self, stage: Stage) -> None:
        stage.wanted_in("a")
        middle = stage.library("libmiddle.so", WANTED)
        top = stage.library("libtop.so", "libmiddle.so", rpath=f"{stage.here}:{stage.directory('a')}")
        assert stage.agree(top, (top,), by=middle) == f"a/{WANTED}"

    def test_own_rpath_first(self, stage: Stage) -> None:
        stage.wanted_in("a", "b")
        middle = stage.library("libmiddle.so", WANTED, rpath=stage.directory("b"))
        top = stage.library("libtop.so", "libmiddle.so", rpath=f"{stage.here}:{stage.directory('a')}")
        assert stage.agree(top, (top,), by=middle) == f"b/{WANTED}"

    def test_own_runpath_cancels_the_ancestors(self, stage: Stage) -> None:
        stage.wanted_in("a")
        middle = stage.library("libmiddle.so", WANTED, runpath=stage.directory("b"))
        top = stage.library("libtop.so", "libmiddle.so", rpath=f"{stage.here}:{stage.directory('a')}")
        assert stage.agree(top, (top,), by=middle) == "refused"

    def test_runpath_is_not_inherited(self, stage: Stage) -> None:
        stage.wanted_in("a")
        middle = stage.library("libmiddle.so", WANTED)
        top = stage.library("libtop.so", "libmiddle.so", runpath=f"{stage.here}:{stage.directory('a')}")
        assert stage.agree(top, (top,), by=middle) == "refused"

    def test_an_ancestors_rpath_is_cancelled_by_its_own_runpath_and_the_walk_goes_on(self, stage: Stage) -> None:
        stage.wanted_in("a", "b")
        low = stage.library("liblow.so", WANTED)
        middle = stage.library("libmiddle.so", "liblow.so", rpath=stage.directory("b"), runpath=str(stage.here))
        top = stage.library("libtop.so", "libmiddle.so", rpath=f"{stage.here}:{stage.directory('a')}")
        assert stage.agree(top, (middle, top), by=low) == f"a/{WANTED}"

    def test_what_was_opened_by_path_has_no_ancestors(self, stage: Stage) -> None:
        """The program needs it only afterwards, so the RPATH of others is of no use to it."""
        stage.wanted_in("a")
        assert stage.agree(stage.library("libtop.so", WANTED)) == "refused"


class TestProgram:
    """elf/dl-load.c: "If dynamically linked, try the DT_RPATH of the executable itself." """

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        options = ("-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/../lib")
        (tmp_path / "bin").mkdir()
        return Stage(tmp_path, compiled(tmp_path / "bin", "program", *options))

    def test_its_rpath_is_searched_for_everything(self, stage: Stage) -> None:
        stage.wanted_in("lib")
        assert stage.agree(stage.library("libtop.so", WANTED)) == f"lib/{WANTED}"

    def test_its_rpath_comes_after_the_own_one(self, stage: Stage) -> None:
        stage.wanted_in("lib", "a")
        assert stage.agree(stage.library("libtop.so", WANTED, rpath=stage.directory("a"))) == f"a/{WANTED}"

    def test_its_rpath_comes_before_library_path(self, stage: Stage) -> None:
        stage.wanted_in("lib", "a")
        stage.environment["LD_LIBRARY_PATH"] = stage.directory("a")
        assert stage.agree(stage.library("libtop.so", WANTED)) == f"lib/{WANTED}"

    def test_its_rpath_is_not_for_objects_with_a_runpath(self, stage: Stage) -> None:
        stage.wanted_in("lib")
        assert stage.agree(stage.library("libtop.so", WANTED, runpath=stage.directory("a"))) == "refused"

    def test_origin_in_library_path_is_the_programs(self, stage: Stage) -> None:
        stage.wanted_in("bin/a")
        stage.environment["LD_LIBRARY_PATH"] = "$ORIGIN/a"
        assert stage.agree(stage.library("libtop.so", WANTED)) == f"bin/a/{WANTED}"

    def test_its_own_bare_name(self, stage: Stage) -> None:
        stage.wanted_in("lib")
        assert stage.agree(WANTED, by=str(stage.program)) == f"lib/{WANTED}"


class TestPathLists:
    """elf/dl-load.c, fillin_rpath; ld.so(8), LD_LIBRARY_PATH."""

    @pytest.mark.parametrize(
        ("path_list", "outcome"),
        [("", "refused"), ("a:", WANTED), (":a", WANTED), ("a::b", WANTED), (".", f"./{WANTED}")],
    )
    def test_an_empty_element_is_the_current_directory_but_an_empty_list_is_none(
        self, stage: Stage, path_list: str, outcome: str
    ) -> None:
        stage.directory("a")
        stage.wanted_in(".")
        top = stage.library("x/libtop.so", WANTED, rpath=path_list)
        assert (stage.us(top), stage.loader(top).outcome) == (stage.loader(top), outcome)

    @pytest.mark.parametrize("path_list", ["{a};{b}", "{a}:{b}", "{a}:;{b}", "{b}//:{a}", "{a}:{a}/:{b}"])
    def test_library_path_is_separated_by_colons_and_semicolons(self, stage: Stage, path_list: str) -> None:
        stage.wanted_in("b")
        places = {"a": stage.directory("a"), "b": stage.directory("b")}
        stage.environment["LD_LIBRARY_PATH"] = path_list.format(**places)
        assert stage.agree(stage.library("libtop.so", WANTED)) == f"b/{WANTED}"

    def test_an_rpath_is_separated_by_colons_only(self, stage: Stage) -> None:
        stage.wanted_in("a;b")
        assert stage.agree(stage.library("libtop.so", WANTED, rpath=f"{stage.here}/a;b")) == f"a;b/{WANTED}"

    def test_an_empty_element_of_library_path_is_the_current_directory(self, stage: Stage) -> None:
        stage.wanted_in(".")
        stage.environment["LD_LIBRARY_PATH"] = f"{stage.directory('a')}:"
        answer = stage.us(stage.library("x/libtop.so", WANTED))
        assert answer == stage.loader(str(stage.here / "x/libtop.so"))
        assert answer.outcome == WANTED

    def test_an_empty_library_path_is_none(self, stage: Stage) -> None:
        stage.wanted_in(".")
        stage.environment["LD_LIBRARY_PATH"] = ""
        assert stage.agree(stage.library("x/libtop.so", WANTED)) == "refused"

    def test_a_relative_directory_is_relative_to_the_current_one(self, stage: Stage) -> None:
        stage.wanted_in("lib64")
        answer = stage.us(stage.library("x/libtop.so", WANTED, runpath="lib64"))
        assert answer == stage.loader(str(stage.here / "x/libtop.so"))
        assert answer.outcome == f"lib64/{WANTED}"


class TestTokens:
    """ld.so(8), "Dynamic string tokens"."""

    @pytest.mark.parametrize("written", ["$ORIGIN/a", "${ORIGIN}/a", "$ORIGIN//a//", "$ORIGIN/../x/a"])
    def test_origin_is_the_directory_of_the_object(self, stage: Stage, written: str) -> None:
        stage.wanted_in("x/a")
        assert stage.agree(stage.library("x/libtop.so", WANTED, rpath=written)) == f"x/a/{WANTED}"

    def test_origin_is_that_of_the_spelling_used(self, stage: Stage) -> None:
        """A link is not followed: the directory of the link counts."""
        stage.wanted_in("real/a", "linked/a")
        stage.library("real/libtop.so", WANTED, rpath="$ORIGIN/a")
        (stage.here / "linked/libtop.so").symlink_to("../real/libtop.so")
        assert stage.agree(str(stage.here / "linked/libtop.so")) == f"linked/a/{WANTED}"

    def test_origin_of_an_ancestors_rpath_is_the_ancestors(self, stage: Stage) -> None:
        stage.wanted_in("x/a", "y/a")
        middle = stage.library("y/libmiddle.so", WANTED)
        top = stage.library("x/libtop.so", "libmiddle.so", rpath="$ORIGIN/../y:$ORIGIN/a")
        spelled = f"{stage.here}/x/../y/libmiddle.so"
        assert stage.agree(top, (top,), by=spelled) == f"x/a/{WANTED}", middle

    def test_a_longer_name_is_no_token(self, stage: Stage) -> None:
        stage.wanted_in("$ORIGINAL")
        answer = stage.us(stage.library("libtop.so", WANTED, rpath="$ORIGINAL"))
        assert answer == stage.loader(str(stage.here / "libtop.so"))
        assert answer.outcome == f"$ORIGINAL/{WANTED}"

    @pytest.mark.parametrize("written", ["$LIB", "${LIB}", "$PLATFORM", "x${PLATFORM}y", "$HOME", "${LIB", "$$LIB"])
    def test_every_other_token(self, stage: Stage, written: str) -> None:
        bare = stage.library("libtop.so", rpath=f"{stage.here}/{written}")
        first = next(
            glibc.search(
                WANTED, read(bare), (), stage.host(), host.cached, host.default_directories, host.processor
            )
        )  # fmt: skip
        expanded = os.path.relpath(first.directory, stage.here)
        stage.wanted_in(expanded)
        found = stage.agree(stage.library("libtop.so", WANTED, rpath=f"{stage.here}/{written}"))
        assert found == f"{expanded}/{WANTED}"

    def test_a_needed_name_with_a_slash_is_a_path_and_may_have_tokens(self, stage: Stage) -> None:
        stage.wanted_in("x/a")
        top = stage.library("x/libtop.so", f"$ORIGIN/a/{WANTED}")
        places = list(glibc.search(f"$ORIGIN/a/{WANTED}", read(top), (), stage.host(), host.cached, tuple))
        assert [place.path for place in places] == [stage.loader(top).outcome]


@need.root()
class TestSecureExecution:
    """ld.so(8), "Secure-execution mode": "Ignored in secure-execution mode", LD_LIBRARY_PATH; $ORIGIN is restricted."""

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        program = compiled(tmp_path, "program")
        os.chown(program, 0, 65534)
        program.chmod(0o2755)  # another effective group: AT_SECURE
        made = Stage(tmp_path, program)
        made.secure = True
        return made

    def test_library_path_is_ignored(self, stage: Stage) -> None:
        stage.wanted_in("a")
        stage.environment["LD_LIBRARY_PATH"] = stage.directory("a")
        top = stage.library("libtop.so", WANTED)
        assert stage.us(top).outcome == stage.loader(top).outcome == "refused"

    @pytest.mark.parametrize("written", ["$ORIGIN/a", "$ORIGIN", "/.$ORIGIN/a", "$ORIGIN.", "{here}/a"])
    def test_origin_counts_only_at_the_beginning(self, stage: Stage, written: str) -> None:
        stage.wanted_in("a", ".")
        top = stage.library("libtop.so", WANTED, rpath=written.format(here=stage.here))
        assert stage.us(top).outcome == stage.loader(top).outcome
