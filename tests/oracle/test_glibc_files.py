"""Which file ld.so takes of those it finds, and what the system adds: its own words against ours."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from findlibs2 import files, host
from findlibs2.loaders import glibc
from tests import need
from tests.oracle import stage as stages
from tests.oracle.stage import WANTED, Stage, read

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

driver, stage = stages.driver, stages.stage
DF_1_NODEFLIB = 0x800
LEVELS = ("x86-64-v4", "x86-64-v3", "x86-64-v2")


class TestProcessors:
    """Since 2.33 glibc-hwcaps; until 2.36 "tls", the platform, and the capabilities too."""

    @pytest.mark.parametrize("present", [LEVELS, LEVELS[1:], LEVELS[2:], ("x86-64-v9",)])
    def test_the_best_level_of_this_processor(self, stage: Stage, present: tuple[str, ...]) -> None:
        stage.wanted_in("a", *(f"a/glibc-hwcaps/{level}" for level in present))
        usable = [level for level in present if level in host.processor().levels]
        below = f"glibc-hwcaps/{usable[0]}/" if usable else ""
        top = stage.library("libtop.so", WANTED, rpath=stage.directory("a"))
        assert stage.agree(top) == f"a/{below}{WANTED}"

    @pytest.mark.parametrize("below", ["tls", "tls/x86_64", "x86_64", "x86_64/x86_64", "haswell", "avx512_1/x86_64"])
    def test_a_legacy_subdirectory(self, stage: Stage, below: str) -> None:
        stage.wanted_in("a", f"a/{below}")
        tried = host.snapshot().libc_version < (2, 37) and below in host.processor().legacy
        stage.environment["LD_LIBRARY_PATH"] = stage.directory("a")
        assert stage.agree(stage.library("libtop.so", WANTED)) == f"a/{below + '/' if tried else ''}{WANTED}"

    def test_all_of_one_directory_before_the_next(self, stage: Stage) -> None:
        stage.wanted_in("a", "b/glibc-hwcaps/x86-64-v2")
        path_list = f"{stage.directory('a')}:{stage.directory('b')}"
        assert stage.agree(stage.library("libtop.so", WANTED, runpath=path_list)) == f"a/{WANTED}"

    def test_none_for_an_explicit_path(self, stage: Stage) -> None:
        stage.wanted_in("a", "a/glibc-hwcaps/x86-64-v2")
        path = f"{stage.here}/a/{WANTED}"
        places = list(glibc.search(path, read(path), (), stage.host(), host.cached, tuple))
        assert [place.path for place in places] == [stage.loader(path, path).outcome]


class TestTokens:
    """ld.so(8), "Dynamic string tokens": what depends on the machine, and what is none."""

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


class TestSystem:
    """ld.so(8), (4) and (5): the cache, then the default directories; neither with -z nodeflib."""

    ZLIB = "libz.so.1"

    def test_the_cache(self, stage: Stage) -> None:
        if not host.cached(self.ZLIB):
            pytest.skip(f"missing here: {self.ZLIB} in ld.so.cache")
        top = stage.library("libtop.so", self.ZLIB)
        assert stage.us(top, wanted=self.ZLIB) == stage.loader(top, self.ZLIB)

    def test_nodeflib_leaves_both_out(self, stage: Stage) -> None:
        top = stage.library("libtop.so", self.ZLIB, flags_1=DF_1_NODEFLIB)
        assert stage.us(top, wanted=self.ZLIB).outcome == stage.loader(top, self.ZLIB).outcome == "refused"

    def test_the_default_directories_where_the_cache_has_nothing(self, stage: Stage) -> None:
        directory = host.default_directories()[0]
        cached = {entry for entry in os.listdir(directory) if ".so." in entry and host.cached(entry)}
        names = sorted(entry for entry in os.listdir(directory) if entry.endswith(".so") and entry not in cached)
        binaries = ((name, files.read(f"{directory}/{name}").binary) for name in names)
        # What needs more than the program has already would make the loader search for that as well.
        taken = [name for name, found in binaries if found and {each.name for each in found.needed} <= {"libc.so.6"}]
        if not taken:
            pytest.skip("missing here: a library in a default directory that is not in the cache")
        top = stage.library("libtop.so", taken[0])
        outcomes = (stage.us(top, wanted=taken[0]).outcome, stage.loader(top, taken[0]).outcome)
        assert outcomes == (f"{directory}/{taken[0]}",) * 2

    def test_the_default_directories_are_those_of_the_loader(self) -> None:
        loader = host.interpreter(host.snapshot())
        assert loader is not None
        words = subprocess.run([loader, "--help"], capture_output=True, text=True).stdout
        told = re.findall(r"^  (/\S*) \(system search path\)$", words, re.MULTILINE)
        if not told:
            pytest.skip("missing here: a loader that tells (glibc 2.33)")
        assert host.default_directories() == tuple(told)


class TestByteOrder:
    """elf/dl-load.c, open_verify: "ELF file data encoding not little-endian"."""

    def test_a_library_of_the_other_order_is_not_taken(self, stage: Stage) -> None:
        """Upstream's source ends the search here; what goes on loads more, and the loader has the last word."""
        stage.wanted_in("b")
        stage.library(f"a/{WANTED}", machine=22, byteorder="big")
        top = stage.library("libtop.so", WANTED, rpath=f"{stage.here}/a:{stage.here}/b")
        assert stage.us(top).outcome == f"{stage.here}/b/{WANTED}"
        assert stage.loader(top).outcome in ("refused", f"{stage.here}/b/{WANTED}")
