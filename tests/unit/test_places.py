"""Sources outside the wrapper packages: how they look, and what defects of findlibs 0.1.3 they do not have.

What each of them tells, found and not found, is in tests/words/test_trails.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import findlibs2
from findlibs2 import locating, names
from findlibs2.errors import RefusedError
from findlibs2.findings import OverrideMissing
from findlibs2.notes import VariableUnheeded
from tests import need
from tests.build.elf import library
from tests.wheels.made import wrapper

pytestmark = need.glibc()
NAME = "findlibs2tulip"  # nobody has one


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home directory and a prefix of one's own, and no variable that leads anywhere."""
    for variable in ("FINDLIBS2_CONFIG", "XDG_CONFIG_HOME", "LD_LIBRARY_PATH", "CONDA_PREFIX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    before = list(sys.path)
    yield
    sys.path[:] = before


def put(path: Path, content: bytes | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(library(f"lib{NAME}.so") if content is None else content)
    return str(path)


class TestVariables:
    @pytest.mark.parametrize(
        ("name", "package", "old"),
        [
            ("foobar", None, ["FOOBARLIB", "foobarlib", "FOOBAR", "foobar"]),
            ("eckit_geo", "eckitlib", ["ECKITLIB", "eckitlib", "ECKIT", "eckit"]),
            ("odccore", "odclib", ["ODCLIB", "odclib", "ODC", "odc"]),
            ("odccore", "odc", ["ODC", "odc"]),
        ],
    )
    def test_those_of_0_1_3_come_first_in_its_order(self, name: str, package: str | None, old: list[str]) -> None:
        expected = [f"{stem}_{suffix}" for stem in old for suffix in ("HOME", "DIR")]
        assert list(names.homes(name, package))[: len(expected)] == expected

    @pytest.mark.parametrize(
        ("name", "package", "known"),
        [
            ("fdb5", None, "FDB_HOME"),
            ("fdb5", "fdb5lib", "FDB_DIR"),
            ("fdb5", None, "FDB5_HOME"),
            ("fdb", None, "FDB5_HOME"),
            ("atlas", None, "ATLAS_HOME"),
            ("atlas", "atlaslib-ecmwf", "ATLAS_HOME"),
            ("atlas", "atlaslib_ecmwf", "ATLASLIB_ECMWF_HOME"),
            ("eckit_geo", None, "ECKIT_HOME"),
            ("multio-api", "multiolib", "MULTIO_HOME"),
            ("multio-api", None, "MULTIO_API_DIR"),
            ("odccore", None, "ODC_DIR"),
            ("eccodes", None, "ECCODES_ROOT"),
        ],
    )
    def test_those_that_people_know_are_among_them(self, name: str, package: str | None, known: str) -> None:
        assert known in names.homes(name, package)

    def test_no_variable_is_asked_that_no_shell_can_set(self) -> None:
        """0.1.3 asks for MULTIO-APILIB_HOME."""
        assert [each for each in names.homes("multio-api", None) if not each.isidentifier()] == []


class TestNames:
    @pytest.mark.parametrize("directory", ["lib", "lib64", f"lib/{getattr(sys.implementation, '_multiarch', 'none')}"])
    def test_the_directories_of_a_prefix(self, tmp_path: Path, directory: str) -> None:
        path = put(tmp_path / "prefix" / directory / f"lib{NAME}.so")
        assert findlibs2.find(NAME) == path

    def test_a_version_where_there_is_no_unversioned_name(self, tmp_path: Path) -> None:
        put(tmp_path / "prefix" / "lib" / f"lib{NAME}.so.9")
        path = put(tmp_path / "prefix" / "lib" / f"lib{NAME}.so.10.1")
        assert findlibs2.find(NAME) == path

    def test_an_unversioned_name_in_a_directory_that_comes_later_does_not_go_before(self, tmp_path: Path) -> None:
        path = put(tmp_path / "prefix" / "lib" / f"lib{NAME}.so.1")
        put(tmp_path / "home" / ".local" / "lib" / f"lib{NAME}.so")
        assert findlibs2.find(NAME) == path


class TestOrder:
    @pytest.mark.parametrize("separator", [":", ";"])
    def test_directories_keep_the_order_in_which_they_were_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str
    ) -> None:
        """ld.so(8), LD_LIBRARY_PATH: "The items in the list are separated by either colons or semicolons"."""
        first, second = (put(tmp_path / each / f"lib{NAME}.so") for each in ("z", "a"))
        monkeypatch.setenv("LD_LIBRARY_PATH", f"{Path(first).parent}{separator}{Path(second).parent}")
        assert findlibs2.find(NAME) == first

    def test_the_sources_have_the_order_of_0_1_3(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = tmp_path / "home" / ".findlibs"
        found = [put(tmp_path / "prefix" / "lib" / f"lib{NAME}.so")]
        found += [put(tmp_path / each / "lib" / f"lib{NAME}.so") for each in ("conda", "home-variable", "config")]
        config.parent.mkdir()
        config.write_text(f"[Paths]\n{tmp_path / 'config'}\n")
        found += [put(tmp_path / "ld" / f"lib{NAME}.so"), put(tmp_path / "home/.local/lib" / f"lib{NAME}.so")]
        monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "conda"))
        monkeypatch.setenv(f"{NAME.upper()}_HOME", str(tmp_path / "home-variable"))
        monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "ld"))
        told = []
        for path in found:
            told.append(findlibs2.find(NAME))
            Path(path).unlink()
        assert (told, findlibs2.find(NAME)) == (found, None)


class TestTheCurrentDirectory:
    """0.1.3: with LD_LIBRARY_PATH unset, find("evil") is "libevil.so" if that lies in the current directory."""

    @pytest.mark.parametrize("value", [None, "", ":", "/gone:", ":/gone", ";"])
    def test_is_never_meant_by_what_is_unset_or_empty(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
    ) -> None:
        for place in (tmp_path, tmp_path / "lib"):
            put(place / f"lib{NAME}.so")
        monkeypatch.chdir(tmp_path)
        for variable in ("LD_LIBRARY_PATH", "CONDA_PREFIX", f"{NAME.upper()}_HOME", f"{NAME.upper()}_DIR"):
            if value is not None:
                monkeypatch.setenv(variable, value if variable == "LD_LIBRARY_PATH" else "")
        assert findlibs2.find(NAME) is None

    def test_is_meant_where_a_person_wrote_a_relative_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = put(tmp_path / "here" / f"lib{NAME}.so")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LD_LIBRARY_PATH", "here")
        assert findlibs2.find(NAME) == path


class TestJunk:
    """What stands in the way of a library, or in its place."""

    @pytest.mark.parametrize("junk", [b"", b"\x7fELF cut short"])
    def test_a_damaged_library_is_found_and_refused_when_it_is_to_be_opened(self, tmp_path: Path, junk: bytes) -> None:
        """It does not silently become an older one from elsewhere."""
        path = put(tmp_path / "prefix" / "lib" / f"lib{NAME}.so", junk)
        put(tmp_path / "home" / ".local" / "lib" / f"lib{NAME}.so")
        assert findlibs2.find(NAME) == path
        with pytest.raises(RefusedError, match="bad-file"):
            findlibs2.load(NAME)

    def test_a_directory_of_that_name_is_no_library(self, tmp_path: Path) -> None:
        """0.1.3: find() returns it."""
        (tmp_path / "prefix" / "lib" / f"lib{NAME}.so").mkdir(parents=True)
        assert findlibs2.find(NAME) is None

    def test_a_library_for_32_bits_beside_one_for_64(self, tmp_path: Path) -> None:
        """On Fedora and its like, lib has the one and lib64 the other."""
        put(tmp_path / "prefix" / "lib" / f"lib{NAME}.so", library(f"lib{NAME}.so", bits=32, machine=3))
        path = put(tmp_path / "prefix" / "lib64" / f"lib{NAME}.so")
        assert findlibs2.find(NAME) == path


class TestPlans:
    """A library found outside a wrapper goes through the same reader, plan and trail."""

    def test_its_own_search_paths_supply_what_it_needs(self, tmp_path: Path) -> None:
        path = put(
            tmp_path / "prefix/lib" / f"lib{NAME}.so", library(f"lib{NAME}.so", [f"lib{NAME}2.so"], rpath="$ORIGIN")
        )
        needed = put(tmp_path / "prefix/lib" / f"lib{NAME}2.so", library(f"lib{NAME}2.so"))
        plan = findlibs2.plan(NAME)
        assert [(step.path, step.package) for step in plan.steps] == [(needed, None), (path, None)]
        assert plan.findings == ()

    def test_what_is_missing_is_said_as_for_a_wrapper(self, tmp_path: Path) -> None:
        put(tmp_path / "prefix/lib" / f"lib{NAME}.so", library(f"lib{NAME}.so", [f"lib{NAME}2.so"]))
        assert [finding.code for finding in findlibs2.plan(NAME).findings] == ["missing-library"]

    def test_a_variable_that_a_wrapper_goes_before_is_noted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """0.1.3: the environment cannot override an installed wheel, and nobody is told."""
        wrapper(tmp_path, NAME, [], [])
        sys.path.insert(0, str(tmp_path))
        monkeypatch.setenv(f"{NAME.upper()}_DIR", "/opt/mine")
        taken = str(tmp_path / f"{NAME}lib" / "lib64" / f"lib{NAME}.so")
        noted = VariableUnheeded(f"{NAME.upper()}_DIR", "/opt/mine", NAME, taken)
        assert findlibs2.plan(NAME).findings == (noted,)


class TestConfiguredNeeds:
    """What the configuration says of a library counts for whoever needs it."""

    @pytest.fixture
    def stack(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A wrapper that needs a library of another wrapper, and one's own build of that library elsewhere."""
        wrapper(tmp_path, f"{NAME}2", [], [])
        wrapper(tmp_path, NAME, [f"{NAME}2"], [f"{NAME}2"])
        sys.path.insert(0, str(tmp_path))
        put(tmp_path / "mine" / "lib" / f"lib{NAME}2.so", library(f"lib{NAME}2.so"))
        return tmp_path

    def configure(self, stack: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        (stack / "config.toml").write_text(f"[library.{NAME}2]\n{text}\n")
        monkeypatch.setenv("FINDLIBS2_CONFIG", str(stack / "config.toml"))

    def needed(self) -> str:
        return findlibs2.plan(NAME).steps[0].path

    def test_nothing_said(self, stack: Path) -> None:
        assert self.needed() == str(stack / f"{NAME}2lib" / "lib64" / f"lib{NAME}2.so")

    def test_path(self, stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.configure(stack, monkeypatch, f'path = "{stack}/mine/lib"')
        assert self.needed() == str(stack / "mine" / "lib" / f"lib{NAME}2.so")

    def test_sources(self, stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.configure(stack, monkeypatch, 'sources = ["home", "package"]')
        assert self.needed() == str(stack / f"{NAME}2lib" / "lib64" / f"lib{NAME}2.so")
        monkeypatch.setenv(f"{NAME.upper()}2_HOME", str(stack / "mine"))
        assert self.needed() == str(stack / "mine" / "lib" / f"lib{NAME}2.so")

    def test_package(self, stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        wrapper(stack, f"{NAME}3", [], [])
        other = stack / f"{NAME}3lib" / "lib64" / f"lib{NAME}2.so"
        other.write_bytes(library(f"lib{NAME}2.so"))
        self.configure(stack, monkeypatch, f'package = "{NAME}3lib"')
        assert self.needed() == str(other)

    def test_a_path_that_names_nothing_is_an_error(self, stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.configure(stack, monkeypatch, 'path = "/gone"')
        place = f"{stack}/config.toml, line 2"
        missing = OverrideMissing(f"library.{NAME}2.path", "/gone", (), place)
        assert findlibs2.plan(NAME).findings == (missing,)


class TestVerification:
    def test_off_leaves_it_to_the_loader(self, tmp_path: Path) -> None:
        """What we refuse, the loader may still take; it has its own words where it does not."""
        path = put(tmp_path / "prefix/lib" / f"lib{NAME}.so", library(f"lib{NAME}.so", [f"lib{NAME}2.so"]))
        with pytest.raises(RefusedError):
            findlibs2.load(NAME)
        with pytest.raises(findlibs2.OpenFailedError) as raised:
            findlibs2.load(NAME, verify="off")
        assert raised.value.path == path
        assert raised.value.loader_said.startswith(f"lib{NAME}2.so: cannot open shared object file")


def test_under_e_no_variable_has_a_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "mine" / "lib" / f"lib{NAME}.so")
    monkeypatch.setenv(f"{NAME.upper()}_HOME", str(tmp_path / "mine"))
    assert findlibs2.find(NAME) is not None
    monkeypatch.setattr(locating, "variables", dict)
    assert findlibs2.find(NAME) is None
