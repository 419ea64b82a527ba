"""Which file ld.so takes of those it finds, and what the system adds: its own words against ours."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

from findlibs2 import host
from findlibs2.loaders import glibc
from tests import need
from tests.build import elf
from tests.oracle import stage as stages
from tests.oracle.stage import WANTED, Stage, read

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

driver, stage = stages.driver, stages.stage
DF_1_NODEFLIB, DF_1_PIE = 0x800, 0x08000000
ANOTHER = elf.X86_64 if elf.MACHINE == elf.AARCH64 else elf.AARCH64
LEVELS = ("x86-64-v4", "x86-64-v3", "x86-64-v2")


class TestProcessors:
    """Since 2.33 glibc-hwcaps; until 2.36 "tls", the platform, and the capabilities too."""

    @pytest.mark.parametrize("present", [LEVELS, LEVELS[1:], LEVELS[2:], ("x86-64-v9",)])
    def test_the_best_level_of_this_processor(self, stage: Stage, present: tuple[str, ...]) -> None:
        stage.wanted_in("a", *(f"a/glibc-hwcaps/{level}" for level in present))
        known = host.snapshot().libc_version >= glibc.FIRST_WITH_LEVELS
        usable = [level for level in present if known and level in host.processor().levels]
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


class TestSystem:
    """ld.so(8), (4) and (5): the cache, then the default directories; neither with -z nodeflib."""

    ZLIB = "libz.so.1"
    MATHS = "libm.so.6"  # comes with the loader, and needs nothing that the program does not have already

    def test_the_cache(self, stage: Stage) -> None:
        if not host.cached(self.ZLIB):
            pytest.skip(f"missing here: {self.ZLIB} in ld.so.cache")
        top = stage.library("libtop.so", self.ZLIB)
        assert stage.us(top, wanted=self.ZLIB) == stage.loader(top, self.ZLIB)

    def test_the_cache_takes_runs_of_digits_for_numbers(self, stage: Stage) -> None:
        """elf/dl-cache.c, _dl_cache_libcmp."""
        spelled = "libm.so.0006"
        top = stage.library("libtop.so", spelled)
        assert stage.us(top, wanted=spelled) == stage.loader(top, spelled)
        assert os.path.basename(stage.us(top, wanted=spelled).outcome) == self.MATHS

    def test_nodeflib_leaves_both_out(self, stage: Stage) -> None:
        top = stage.library("libtop.so", self.ZLIB, flags_1=DF_1_NODEFLIB)
        assert stage.us(top, wanted=self.ZLIB).outcome == stage.loader(top, self.ZLIB).outcome == "refused"

    @need.mounts()
    def test_the_default_directories_where_there_is_no_cache(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For the loader's process alone the cache is an empty file."""
        monkeypatch.setattr(host, "cached", lambda name: ())
        stage.inside = ("unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /etc/ld.so.cache; exec "$@"', "sh")
        top = stage.library("libtop.so", self.MATHS)
        assert stage.us(top, wanted=self.MATHS) == stage.loader(top, self.MATHS)
        assert stage.us(top, wanted=self.MATHS).outcome == f"{host.default_directories()[0]}/{self.MATHS}"

    def test_the_default_directories_are_those_of_the_loader(self) -> None:
        loader = host.interpreter(host.snapshot())
        assert loader is not None
        words = subprocess.run([loader, "--help"], capture_output=True, text=True).stdout
        told = re.findall(r"^  (/\S*) \(system search path\)$", words, re.MULTILINE)
        if not told:
            pytest.skip("missing here: a loader that tells (glibc 2.33)")
        assert host.default_directories() == tuple(told)


class TestFiles:
    """elf/dl-load.c, open_verify and open_path: what ends a search, and what does not."""

    @pytest.fixture
    def asked(self, stage: Stage) -> tuple[Stage, str, Path]:
        """Directory a is searched first, and b has the right file."""
        stage.wanted_in("b")
        path_list = f"{stage.directory('a')}:{stage.directory('b')}"
        return stage, stage.library("libtop.so", WANTED, rpath=path_list), stage.here / "a" / WANTED

    FILES: ClassVar[dict[str, tuple[bytes, str]]] = {
        "another machine": (elf.library(machine=ANOTHER), "b"),
        "another class": (elf.library(bits=32, machine=3), "b"),
        "another class and byte order": (elf.library(bits=32, machine=20, byteorder="big"), "b"),
        # Upstream's source ends the search here; what goes on loads more, and the loader has the last word.
        "another byte order": (elf.library(machine=22, byteorder="big"), "either"),
        "empty": (b"", "refused"),
        "only magic": (b"\x7fELF", "refused"),
        "linker script": (b"INPUT(libwanted.so.1)\n" + b" " * 64, "refused"),
        "text": (b"not a library at all, and longer than any header of one could be; so it is read", "refused"),
        "object": (elf.library(kind="relocatable"), "refused"),
        "program": (elf.library(kind="executable"), "refused"),
        "position-independent program": (elf.library(flags_1=DF_1_PIE), "refused"),
    }

    @pytest.mark.parametrize(("content", "found"), FILES.values(), ids=FILES)
    def test_a_file_that_is_not_right(self, asked: tuple[Stage, str, Path], content: bytes, found: str) -> None:
        stage, top, path = asked
        path.write_bytes(content)
        if found == "either" and stage.loader(top).outcome == "refused":
            assert stage.us(top).outcome == f"{stage.here}/b/{WANTED}"
        else:
            assert stage.agree(top) == ("refused" if found == "refused" else f"b/{WANTED}")

    def test_a_dangling_link_is_passed_over(self, asked: tuple[Stage, str, Path]) -> None:
        stage, top, path = asked
        path.symlink_to("nowhere")
        assert stage.agree(top) == f"b/{WANTED}"

    def test_a_directory_ends_it(self, asked: tuple[Stage, str, Path]) -> None:
        stage, top, path = asked
        path.mkdir()
        assert stage.agree(top) == "refused"
