"""The import system -> Package, without importing: what a package is."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
import zipfile
from pathlib import Path

import pytest

from findlibs2 import packages
from findlibs2.model import Package
from findlibs2.notes import DependenciesUnknown, ZippedWrapper
from tests.unit.sites import (
    LITERAL,
    NAME,
    RAISING,
    Finder,
    found,
    import_system,
    on_path,
    put,
    read,
    wrapper,
)

assert import_system  # for every test here


class TestSeveralDirectories:
    def test_a_namespace_package_is_all_of_its_portions(self, tmp_path: Path) -> None:
        one = wrapper(tmp_path / "one", None, "lib64/liba.so")
        two = wrapper(tmp_path / "two", None, "lib/liba.so")
        on_path(tmp_path / "one", tmp_path / "two")
        libraries = (str(one / "lib64"), str(two / "lib"))
        assert found() == Package(NAME, (str(one), str(two)), libraries=libraries)

    def test_leftovers_of_an_uninstall_do_not_hide_a_package_behind_them(self, tmp_path: Path) -> None:
        wrapper(tmp_path / "one", None, "share/leftover")
        directory = wrapper(tmp_path / "two")
        on_path(tmp_path / "one", tmp_path / "two")
        assert found() == read(directory)

    @pytest.mark.parametrize(
        "split",
        [
            "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n",
            "__import__('pkg_resources').declare_namespace(__name__)\n",
        ],
    )
    def test_a_package_that_splits_itself_is_below_every_entry(self, tmp_path: Path, split: str) -> None:
        one = wrapper(tmp_path / "one", LITERAL + split)
        two = wrapper(tmp_path / "two", LITERAL + split, "lib64/liba.so")
        on_path(tmp_path / "one", tmp_path / "empty", tmp_path / "two")
        expected = read(one, [two / "lib64"])
        assert found() == expected.replace(directories=(str(one), str(two)))

    def test_an_imported_package_is_where_it_says_itself(self, tmp_path: Path) -> None:
        one = wrapper(tmp_path / "one", LITERAL + f"__path__.append({str(tmp_path / 'two')!r})\n")
        (tmp_path / "two" / "lib64").mkdir(parents=True)
        on_path(tmp_path / "one")
        importlib.import_module(NAME)
        expected = read(one, [tmp_path / "two" / "lib64"])
        assert found() == expected.replace(directories=(str(one), str(tmp_path / "two")))

    def test_once_it_is_imported_a_package_that_splits_itself_is_where_it_says(self, tmp_path: Path) -> None:
        split = "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
        one = wrapper(tmp_path / "one", LITERAL + split)
        wrapper(tmp_path / "two", LITERAL + split)
        on_path(tmp_path / "one")
        importlib.import_module(NAME)
        sys.path.append(str(tmp_path / "two"))
        assert found() == read(one)

    def test_directories_that_are_not_there_are_left_out(self, tmp_path: Path) -> None:
        module = types.ModuleType(NAME)
        module.__path__ = [str(tmp_path / "absent"), str(tmp_path), str(tmp_path)]
        sys.modules[NAME] = module
        assert found() == Package(NAME, (str(tmp_path),))


class TestNoSource:
    def unknown(self, reason: str, *directories: Path) -> Package:
        problem = DependenciesUnknown(NAME, None, reason)
        return Package(NAME, tuple(map(str, directories)), None, problems=(problem,))

    def test_of_compiled_code_only_an_import_can_tell(self, tmp_path: Path) -> None:
        put("compiled", tmp_path / "site")
        on_path(tmp_path / "site")
        assert found() == self.unknown("its __init__ is no source: __init__.pyc", tmp_path / "site" / NAME)

    def test_of_an_extension_module_only_an_import_can_tell(self, tmp_path: Path) -> None:
        put("extension", tmp_path / "site")
        on_path(tmp_path / "site")
        init = f"__init__{importlib.machinery.EXTENSION_SUFFIXES[0]}"
        assert found() == self.unknown(f"its __init__ is no source: {init}", tmp_path / "site" / NAME)

    @pytest.mark.parametrize("site", ["site-packages", "anywhere"])
    def test_an_extension_module_goes_before_a_source_beside_it(self, tmp_path: Path, site: str) -> None:
        put("package, extension", tmp_path / site)
        on_path(tmp_path / site)
        importlib.util.find_spec(NAME)
        init = f"__init__{importlib.machinery.EXTENSION_SUFFIXES[0]}"
        assert found().problems == self.unknown(f"its __init__ is no source: {init}").problems

    def test_of_a_frozen_package_only_an_import_can_tell(self) -> None:
        package, rows = packages.find("__phello__")
        assert package is not None
        assert rows == ()
        problem = DependenciesUnknown("__phello__", None, "its __init__ is no source: frozen")
        assert (package.depends_on, package.declared, package.problems) == (None, False, (problem,))

    def test_of_a_source_that_is_not_there_only_an_import_can_tell(self, tmp_path: Path) -> None:
        spec = importlib.util.spec_from_file_location(NAME, tmp_path / "__init__.py")
        sys.meta_path.insert(0, Finder(lambda _: spec))
        assert found() == self.unknown("its source cannot be read", tmp_path)


class TestArchives:
    def test_a_wrapper_in_an_archive_is_named_with_the_archive(self, tmp_path: Path) -> None:
        archive = tmp_path / "stack.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(f"{NAME}/__init__.py", RAISING)
            file.writestr(f"{NAME}/lib64/liba.so", b"")
        on_path(archive)
        problem = ZippedWrapper(NAME, str(archive))
        init = str(archive / NAME / "__init__.py")
        assert found() == Package(NAME, (), ("blib",), True, "1.2", (), init, (problem,))

    def test_so_is_one_below_a_directory_of_an_archive(self, tmp_path: Path) -> None:
        archive = tmp_path / "stack.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(f"below/{NAME}/__init__.py", LITERAL)
        on_path(archive / "below")
        assert found().problems == (ZippedWrapper(NAME, str(archive)),)

    def test_an_archive_can_be_the_directory_of_a_package(self, tmp_path: Path) -> None:
        archive = tmp_path / "stack.zip"
        zipfile.ZipFile(archive, "w").close()
        module = types.ModuleType(NAME)
        module.__path__ = [str(archive)]
        sys.modules[NAME] = module
        assert found().problems == (ZippedWrapper(NAME, str(archive)),)


class TestLibraries:
    def homes(self, *files: str, name: str = NAME) -> list[str]:
        """Where libraries can be, below the fixture's site directory."""
        wrapper(self.site, LITERAL, *files, name=name)
        return [str(Path(each).relative_to(self.site)) for each in found(name).libraries]

    @pytest.fixture(autouse=True)
    def make_site(self, tmp_path: Path) -> None:
        self.site = tmp_path
        on_path(tmp_path)

    def test_all_places_of_libraries_in_search_order(self) -> None:
        triplet = getattr(sys.implementation, "_multiarch", "")
        there = ["lib/liba.so", "lib64/liba.so", f"lib/{triplet}/liba.so", ".dylibs/libz.dylib", "libroot.so.1"]
        (self.site / f"{NAME}.libs").mkdir()
        below = ["lib64", "lib", f"lib/{triplet}" if triplet else "lib", ".dylibs", "."]
        homes = [str(Path(NAME, each)) for each in dict.fromkeys(below)]
        assert self.homes(*there) == [*homes, f"{NAME}.libs"]

    def test_only_those_that_are_there(self) -> None:
        assert self.homes("include/a.h", "bin/a", "module.so", "library.py") == []

    def test_what_is_vendored_beside_another_package_is_not_its_own(self) -> None:
        (self.site / "other.libs").mkdir()
        assert self.homes("lib64/liba.so") == [f"{NAME}/lib64"]
