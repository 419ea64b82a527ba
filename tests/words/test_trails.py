"""What is told of each source, found and not found: the whole trail.

The library is called "tulip": no wrapper, no system and no person has one of that name, unless a test puts it somewhere.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper
from tests.words.said import distribution, trail

pytestmark = need.glibc()

SWITCHED_OFF = ("PYTHON", "HOME", "CONFIG_PATHS", "LD_PATH", "SYS", "CTYPES_UTIL")
ONLY_PACKAGES = {f"FINDLIBS_DISABLE_{each}": "yes" for each in SWITCHED_OFF}
NO_PACKAGES = {"FINDLIBS_DISABLE_PACKAGE": "yes"}
FOREIGN = library("libtulip.so", machine=183)  # EM_AARCH64
HEAD = """    1.   override   FINDLIBS2_LIB_TULIP   not set
    2.   package   FINDLIBS_DISABLE_PACKAGE=yes   switched off"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for each in ("home", "prefix"):
        (tmp_path / each).mkdir()
    return tmp_path


def put(path: Path, content: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(library("libtulip.so") if content is None else content)
    return path


def test_nothing_found_and_nothing_set(site: Path) -> None:
    assert trail(site, "tulip") == (
        """tulip: not found
    1.   override   FINDLIBS2_LIB_TULIP   not set
    2.   package   tuliplib   not installed
    3.   python   SITE/prefix   holds no libtulip.so
    4.   home   {TULIPLIB,TULIP}_{HOME,DIR,ROOT}, CMAKE_PREFIX_PATH   not set
    5.   config   search paths   none are configured
    6.   library-path   LD_LIBRARY_PATH   not set
    7.   system   /   holds no libtulip.so
    8.   system   /usr   holds no libtulip.so
    9.   system   /usr/local   holds no libtulip.so
    10.   system   /opt   holds no libtulip.so
    11.   system   /opt/homebrew   holds no libtulip.so
    12.   system   ~/.local   holds no libtulip.so
    13.   ld-cache   /etc/ld.so.cache   no libtulip.so"""
    )


@pytest.mark.parametrize("yes", ["yes", "Yes", "1", "true", "TRUE", "on"])
def test_every_source_switched_off(site: Path, yes: str) -> None:
    env = dict.fromkeys({**NO_PACKAGES, **ONLY_PACKAGES}, yes)
    assert trail(site, "tulip", env) == (
        f"""tulip: not found
    1.   override   FINDLIBS2_LIB_TULIP   not set
    2.   package   FINDLIBS_DISABLE_PACKAGE={yes}   switched off
    3.   python   FINDLIBS_DISABLE_PYTHON={yes}   switched off
    4.   home   FINDLIBS_DISABLE_HOME={yes}   switched off
    5.   config   FINDLIBS_DISABLE_CONFIG_PATHS={yes}   switched off
    6.   library-path   FINDLIBS_DISABLE_LD_PATH={yes}   switched off
    7.   system   FINDLIBS_DISABLE_SYS={yes}   switched off
    8.   ld-cache   FINDLIBS_DISABLE_CTYPES_UTIL={yes}   switched off"""
    )


@pytest.mark.parametrize("no", ["no", "0", "", "false"])
def test_what_is_not_yes_switches_nothing_off(site: Path, no: str) -> None:
    assert "switched off" not in trail(site, "tulip", dict.fromkeys(NO_PACKAGES, no))


def test_override(site: Path) -> None:
    mine = put(site / "mine" / "libtulip.so")
    assert trail(site, "tulip", {"FINDLIBS2_LIB_TULIP": str(mine.parent)}) == (
        """tulip: found SITE/mine/libtulip.so
    1.   override   FINDLIBS2_LIB_TULIP=SITE/mine   found"""
    )


class TestPackage:
    def test_found(self, site: Path) -> None:
        wrapper(site, "tulip", [], [])
        assert trail(site, "tulip") == (
            """tulip: found SITE/tuliplib/lib64/libtulip.so
    1.   override   FINDLIBS2_LIB_TULIP   not set
    2.   package   tuliplib   found"""
        )

    def test_installed_and_without_the_library(self, site: Path) -> None:
        wrapper(site, "tulip", [], [])
        (site / "tuliplib" / "lib64" / "libtulip.so").rename(site / "tuliplib" / "lib64" / "libother.so")
        assert trail(site, "tulip", ONLY_PACKAGES).split("\n")[:4] == [
            "tulip: not found",
            "    1.   override   FINDLIBS2_LIB_TULIP   not set",
            "    2.   package   SITE/tuliplib/lib64   tuliplib holds no libtulip.so",
            "    3.   package   tuliplib   holds no libtulip.so",
        ]

    def test_named_by_an_entry_point(self, site: Path) -> None:
        """Read, and not loaded: the package that it names may raise as it likes."""
        named(site, "garden", "tulip = garden:bulb")
        put(site / "garden" / "lib" / "libbulb.so", library("libbulb.so"))
        (site / "garden" / "__init__.py").write_text("raise RuntimeError('imported')\n")
        assert trail(site, "tulip") == (
            """tulip: found SITE/garden/lib/libbulb.so
    1.   override   FINDLIBS2_LIB_TULIP   not set
    2.   package   tuliplib   not installed
    3.   package   garden   says that tulip is bulb in garden
    4.   package   garden   found"""
        )

    def test_named_by_an_entry_point_that_leads_nowhere(self, site: Path) -> None:
        named(site, "garden", "tulip = gone")
        named(site, "shed", "tulip = garden:.x")
        assert trail(site, "tulip", ONLY_PACKAGES).split("\n")[3:6] == [
            "    3.   package   garden   says that tulip is tulip in gone",
            "    4.   package   gone   not installed",
            "    5.   package   shed   its entry point tulip = garden:.x names no library",
        ]

    def test_named_by_one_beside_another_whose_metadata_are_broken(self, site: Path) -> None:
        named(site, "attic", "tulip = [")
        named(site, "garden", "tulip = garden:bulb")
        put(site / "garden" / "lib" / "libbulb.so", library("libbulb.so"))
        assert trail(site, "tulip").split("\n")[0] == "tulip: found SITE/garden/lib/libbulb.so"


def named(site: Path, distribution_name: str, entry_point: str) -> None:
    distribution(site, distribution_name, "1.0")
    (site / f"{distribution_name}-1.0.dist-info" / "entry_points.txt").write_text(f"[findlibs2.names]\n{entry_point}\n")


class TestPython:
    def test_the_prefix(self, site: Path) -> None:
        put(site / "prefix" / "lib" / "libtulip.so")
        assert trail(site, "tulip", NO_PACKAGES) == (
            f"""tulip: found SITE/prefix/lib/libtulip.so
{HEAD}
    3.   python   SITE/prefix   found"""
        )

    def test_the_active_conda_environment(self, site: Path) -> None:
        put(site / "conda" / "lib" / "libtulip.so")
        assert trail(site, "tulip", {**NO_PACKAGES, "CONDA_PREFIX": str(site / "conda")}) == (
            f"""tulip: found SITE/conda/lib/libtulip.so
{HEAD}
    3.   python   SITE/prefix   holds no libtulip.so
    4.   python   CONDA_PREFIX=SITE/conda   found"""
        )

    def test_the_conda_environment_below_a_virtual_environment(self, site: Path) -> None:
        put(site / "conda" / "lib" / "libtulip.so")
        (site / "conda" / "conda-meta").mkdir()
        below = f"sys.base_prefix = {str(site / 'conda')!r}"
        assert trail(site, "tulip", NO_PACKAGES, below) == (
            f"""tulip: found SITE/conda/lib/libtulip.so
{HEAD}
    3.   python   SITE/prefix   holds no libtulip.so
    4.   python   SITE/conda   found"""
        )

    def test_a_conda_environment_that_is_gone(self, site: Path) -> None:
        rows = trail(site, "tulip", {**NO_PACKAGES, "CONDA_PREFIX": str(site / "conda")}).split("\n")
        assert rows[4] == "    4.   python   CONDA_PREFIX=SITE/conda   does not exist"


class TestHome:
    @pytest.mark.parametrize("place", ["lib", "lib64", "."])
    def test_found_in_a_prefix_or_in_the_directory_itself(self, site: Path, place: str) -> None:
        put(site / "mine" / place / "libtulip.so")
        where = f"SITE/mine/{place}/libtulip.so".replace("/./", "/")
        assert trail(site, "tulip", {**NO_PACKAGES, "TULIP_DIR": str(site / "mine")}) == (
            f"""tulip: found {where}
{HEAD}
    3.   python   SITE/prefix   holds no libtulip.so
    4.   home   TULIP_DIR=SITE/mine   found"""
        )

    def test_set_and_not_as_promised(self, site: Path) -> None:
        put(site / "tulip" / "file")
        env = {"TULIPLIB_HOME": "", "TULIP_HOME": str(site / "gone"), "TULIP_DIR": str(site / "tulip")}
        env["tulip_HOME"] = str(site / "tulip" / "file")
        assert trail(site, "tulip", {**NO_PACKAGES, **env}).split("\n")[4:8] == [
            "    4.   home   TULIPLIB_HOME=   set to nothing",
            "    5.   home   TULIP_HOME=SITE/gone   does not exist",
            "    6.   home   TULIP_DIR=SITE/tulip   holds no libtulip.so",
            "    7.   home   tulip_HOME=SITE/tulip/file   is no directory",
        ]

    def test_a_prefix_as_cmake_knows_it(self, site: Path) -> None:
        put(site / "mine" / "lib64" / "libtulip.so")
        rows = trail(site, "tulip", {**NO_PACKAGES, "CMAKE_PREFIX_PATH": f"/gone::{site}/mine"}).split("\n")
        assert [rows[0], *rows[4:]] == [
            "tulip: found SITE/mine/lib64/libtulip.so",
            "    4.   home   /gone (CMAKE_PREFIX_PATH)   does not exist",
            "    5.   home   SITE/mine (CMAKE_PREFIX_PATH)   found",
        ]


class TestConfig:
    def test_a_path_of_the_configuration(self, site: Path) -> None:
        put(site / "mine" / "lib" / "libtulip.so")
        put(site / "home/.config/findlibs2/config.toml", f'paths = [\n"~/gone",\n"{site}/mine",\n]\n'.encode())
        assert trail(site, "tulip", NO_PACKAGES) == (
            f"""tulip: found SITE/mine/lib/libtulip.so
{HEAD}
    3.   python   SITE/prefix   holds no libtulip.so
    4.   home   {{TULIPLIB,TULIP}}_{{HOME,DIR,ROOT}}, CMAKE_PREFIX_PATH   not set
    5.   config   SITE/home/gone (SITE/home/.config/findlibs2/config.toml, line 2)   does not exist
    6.   config   SITE/mine (SITE/home/.config/findlibs2/config.toml, line 3)   found"""
        )

    def test_a_path_of_the_old_file(self, site: Path) -> None:
        put(site / "home" / "mine" / "lib" / "libtulip.so")
        put(site / "home" / ".findlibs", b"[Paths]\nrelative\n/gone  # no more\n$HOME/mine\n")
        assert trail(site, "tulip", NO_PACKAGES) == (
            f"""tulip: found SITE/home/mine/lib/libtulip.so
{HEAD}
    3.   python   SITE/prefix   holds no libtulip.so
    4.   home   {{TULIPLIB,TULIP}}_{{HOME,DIR,ROOT}}, CMAKE_PREFIX_PATH   not set
    5.   config   relative (SITE/home/.findlibs, line 2)   is relative; write where it starts
    6.   config   /gone (SITE/home/.findlibs, line 3)   does not exist
    7.   config   $HOME/mine (SITE/home/.findlibs, line 4)   found"""
        )

    def test_an_old_file_that_others_could_have_written(self, site: Path) -> None:
        put(site / "home" / ".findlibs", f"[Paths]\n{site}/mine\n".encode()).chmod(0o666)
        put(site / "mine" / "lib" / "libtulip.so")
        rows = trail(site, "tulip", NO_PACKAGES).split("\n")
        assert rows[5] == "    5.   config   SITE/home/.findlibs   not read: anyone can write to SITE/home/.findlibs"

    def test_two_old_files(self, site: Path) -> None:
        put(site / "home" / ".findlibs", b"[Paths]\n/gone\n")
        put(site / "home" / ".config" / "findlibs" / "findlibs.conf", b"[Paths]\n")
        assert trail(site, "tulip", NO_PACKAGES).split("\n")[5] == (
            "    5.   config   SITE/home/.findlibs   not read: SITE/home/.config/findlibs/findlibs.conf goes first"
        )


class TestLibraryPath:
    def test_found(self, site: Path) -> None:
        put(site / "mine" / "libtulip.so")
        rows = trail(site, "tulip", {**NO_PACKAGES, "LD_LIBRARY_PATH": f"/gone:{site}/mine"}).split("\n")
        assert [rows[0], *rows[6:]] == [
            "tulip: found SITE/mine/libtulip.so",
            "    6.   library-path   /gone   does not exist",
            "    7.   library-path   SITE/mine   found",
        ]

    def test_an_empty_entry_is_not_the_current_directory(self, site: Path) -> None:
        put(site / "libtulip.so")
        rows = trail(site, "tulip", {**NO_PACKAGES, "LD_LIBRARY_PATH": "/gone:"}).split("\n")
        assert rows[0] == "tulip: not found"
        assert rows[7] == "    7.   library-path   an empty entry   would be the current directory; not searched"


class TestSystem:
    def test_found(self, site: Path) -> None:
        put(site / "home" / ".local" / "lib" / "libtulip.so")
        rows = trail(site, "tulip", NO_PACKAGES).split("\n")
        assert [rows[0], rows[-1]] == [
            "tulip: found SITE/home/.local/lib/libtulip.so",
            "    12.   system   ~/.local   found",
        ]


class TestLdCache:
    @need.tool("ldconfig")
    def test_found_is_what_ldconfig_says(self, site: Path) -> None:
        printed = subprocess.run([str(need.which("ldconfig")), "-p"], capture_output=True, text=True, check=True).stdout
        lines = [line.split() for line in printed.splitlines() if line.startswith("\tlibz.so.1 ") and "x32" not in line]
        path = next(words[-1] for words in lines if "x86-64" in words[1] or "AArch64" in words[1])
        off = {f"FINDLIBS_DISABLE_{each}": "yes" for each in SWITCHED_OFF if each != "CTYPES_UTIL"}
        rows = trail(site, "z", {**NO_PACKAGES, **off}).split("\n")
        # Where there is an unversioned name for the linker, that one goes first, as everywhere.
        assert rows[0] in (f"z: found {path}", f"z: found {path.removesuffix('.1')}")
        assert rows[-1] == "    8.   ld-cache   /etc/ld.so.cache   found"


class TestPassedBy:
    """What lies there and is not taken is told, with its path."""

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (FOREIGN, "made for aarch64, 64-bit, little-endian"),
            (b"GROUP ( libtulip.so.1 )\n", "a script for the linker, which names the real library"),
            (b"#!/bin/sh\n", "a text"),
        ],
    )
    def test_a_file_that_no_loader_would_take(self, site: Path, content: bytes, reason: str) -> None:
        put(site / "mine" / "lib" / "libtulip.so", content)
        put(site / "mine" / "lib64" / "libtulip.so")
        rows = trail(site, "tulip", {**NO_PACKAGES, "TULIP_HOME": str(site / "mine")}).split("\n")
        assert [rows[0], *rows[4:]] == [
            "tulip: found SITE/mine/lib64/libtulip.so",
            f"    4.   home   SITE/mine/lib/libtulip.so   passed by: {reason}",
            "    5.   home   TULIP_HOME=SITE/mine   found",
        ]

    def test_a_place_that_anyone_can_write_to(self, site: Path) -> None:
        put(site / "mine" / "lib" / "libtulip.so")
        (site / "mine" / "lib").chmod(0o777)
        rows = trail(site, "tulip", {**NO_PACKAGES, "TULIP_HOME": str(site / "mine")}).split("\n")
        assert [rows[0], *rows[4:6]] == [
            "tulip: not found",
            "    4.   home   SITE/mine/lib/libtulip.so   not searched: anyone can write to SITE/mine/lib",
            "    5.   home   TULIP_HOME=SITE/mine   holds no libtulip.so",
        ]
