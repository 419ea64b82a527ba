"""The import system -> Package, without importing: where a package is."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from findlibs2 import packages
from findlibs2.model import Considered, Package
from findlibs2.notes import BadDeclaration
from tests.unit.sites import (
    KINDS,
    LITERAL,
    NAME,
    RAISING,
    Finder,
    found,
    import_system,
    not_found,
    on_path,
    put,
    read,
    wrapper,
)

assert import_system  # for every test here


class TestFind:
    def test_a_wrapper_is_read(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path, LITERAL, "lib64/liba.so")
        on_path(tmp_path)
        assert found() == read(directory, [directory / "lib64"])

    @pytest.mark.parametrize("site", ["site-packages", "anywhere"])
    def test_it_is_neither_imported_nor_executed(self, tmp_path: Path, site: str) -> None:
        directory = wrapper(tmp_path / site, RAISING)
        on_path(tmp_path / site)
        assert importlib.util.find_spec("findlibs2_test_other") is None  # as after any import that went by
        assert found() == read(directory)
        assert NAME not in sys.modules

    def test_a_name_that_no_finder_knows_is_not_installed(self) -> None:
        assert not_found() == "not installed"

    def test_the_first_on_the_path_wins(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path / "one")
        wrapper(tmp_path / "two", "depends_on = []")
        on_path(tmp_path / "one", tmp_path / "two")
        assert found() == read(directory)

    @pytest.mark.parametrize("name", ["zlib", "os", "this"])
    def test_a_module_of_the_standard_library_is_no_package(self, name: str) -> None:
        assert not_found(name).startswith("a module, not a package: ")

    def test_a_package_that_declares_nothing_is_found_as_such(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path, "import os\n")
        on_path(tmp_path)
        assert found() == Package(NAME, (str(directory),), init=str(directory / "__init__.py"))

    def test_a_forbidden_import_is_respected(self, tmp_path: Path) -> None:
        wrapper(tmp_path)
        on_path(tmp_path)
        sys.modules[NAME] = None  # type: ignore[assignment]
        assert not_found() == "its import is forbidden: sys.modules holds None"

    def test_what_is_wrong_with_the_declaration_is_told(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path, 'depends_on = "blib"')
        on_path(tmp_path)
        init = str(directory / "__init__.py")
        problem = BadDeclaration(NAME, init, 1, "depends_on", '"blib"')
        assert found() == Package(NAME, (str(directory),), (), True, init=init, problems=(problem,))


class TestPath:
    def test_a_relative_entry_is_made_absolute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        directory = wrapper(tmp_path / "below", LITERAL, "lib/liba.so")
        monkeypatch.chdir(tmp_path)
        on_path("below")
        assert found() == read(directory, [directory / "lib"])

    @pytest.mark.parametrize("entry", ["", "."])
    def test_an_empty_entry_is_the_current_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
    ) -> None:
        directory = wrapper(tmp_path)
        monkeypatch.chdir(tmp_path)
        on_path(entry)
        assert found() == read(directory)

    def test_a_current_directory_that_was_removed_holds_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = wrapper(tmp_path / "site")
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        on_path("", "below", tmp_path / "site")
        assert found() == read(directory)

    def test_the_parent_of_a_link_is_that_of_what_it_points_to(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path / "real")
        (tmp_path / "real" / "inside").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real" / "inside")
        on_path(tmp_path / "link" / "..")
        assert found().directories == (str(directory),)

    def test_entries_that_are_no_directories_hold_nothing(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path / "site")
        (tmp_path / "file").touch()
        on_path(tmp_path / "absent", tmp_path / "file", tmp_path / "site")
        sys.path.insert(0, 3)  # type: ignore[arg-type]
        assert found() == read(directory)

    def test_a_package_installed_after_its_directory_was_looked_at_is_found(self, tmp_path: Path) -> None:
        on_path(tmp_path)
        status = tmp_path.stat()
        assert not_found() == "not installed"
        directory = wrapper(tmp_path)
        os.utime(tmp_path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as within one tick of its clock
        assert importlib.util.find_spec(NAME) is None
        assert found() == read(directory)

    def test_an_entry_that_became_a_directory_later_is_looked_at(self, tmp_path: Path) -> None:
        on_path(tmp_path / "later")
        assert not_found() == "not installed"
        directory = wrapper(tmp_path / "later")
        assert found() == read(directory)

    def test_forgetting_does_not_import_the_metadata_machinery(self) -> None:
        code = (
            f"import sys; sys.path.insert(0, {str(Path(packages.__file__).parent.parent)!r})\n"
            "from findlibs2 import packages; packages.find('findlibs2_test_alib')\n"
            "print('importlib.metadata' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True).stdout == b"False\n"


class TestSameAsImport:
    """ "Modules are located as `import` would do it": over what the directories of the path can hold under one name."""

    @pytest.mark.parametrize("first", KINDS)
    def test_what_is_found_is_what_would_be_imported(self, tmp_path: Path, first: str) -> None:
        for number, others in enumerate(itertools.product(KINDS, ("nothing", "package"))):
            sites = [tmp_path / str(number) / str(place) / "site-packages" for place in range(3)]
            for site, kind in zip(sites, (first, *others), strict=True):
                put(kind, site)
            before = list(sys.path)
            on_path(*sites)
            assert importlib.util.find_spec("findlibs2_test_other") is None  # as after any import that went by
            package = packages.find(NAME)[0]
            spec = importlib.util.find_spec(NAME)
            locations = spec.submodule_search_locations if spec is not None else None
            assert (package.directories if package else None) == (tuple(locations) if locations else None), others
            sys.path[:] = before
            shutil.rmtree(tmp_path / str(number))

    def test_a_relative_entry_stays_where_it_was_first_looked_at(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = wrapper(tmp_path / "then" / "site-packages")
        wrapper(tmp_path / "now" / "site-packages")
        on_path("site-packages")
        monkeypatch.chdir(tmp_path / "then")
        assert importlib.util.find_spec("findlibs2_test_other") is None
        monkeypatch.chdir(tmp_path / "now")
        spec = importlib.util.find_spec(NAME)
        assert spec is not None
        assert spec.submodule_search_locations == [str(directory)]
        assert found() == read(directory)

    def test_an_entry_that_a_path_hook_serves_is_left_to_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = tmp_path / "site-packages"
        wrapper(site)

        def hook(entry: str) -> Finder:
            if entry != str(site):
                raise ImportError(entry)
            return Finder(lambda _: None)

        monkeypatch.setattr(sys, "path_hooks", [hook, *sys.path_hooks])
        on_path(site)
        assert importlib.util.find_spec(NAME) is None
        assert not_found() == "not installed"


class TestModulesInProcess:
    def test_an_imported_module_without_path_is_no_package(self) -> None:
        sys.modules[NAME] = types.ModuleType(NAME)
        assert not_found() == "a module, not a package: built in"

    def test_an_object_in_the_place_of_a_module_is_no_package(self) -> None:
        sys.modules[NAME] = object()  # type: ignore[assignment]
        assert not_found() == "a module, not a package: an object of object in sys.modules"

    def test_a_lazy_module_is_not_executed(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path, RAISING)
        on_path(tmp_path)
        spec = importlib.util.find_spec(NAME)
        assert spec is not None
        assert spec.loader is not None
        spec.loader = importlib.util.LazyLoader(spec.loader)
        sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert found() == read(directory)


class TestFinders:
    def test_a_finder_of_an_editable_install_says_where_the_source_is(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path / "src", RAISING)
        spec = importlib.util.spec_from_file_location(NAME, directory / "__init__.py")
        sys.meta_path.insert(0, Finder(lambda _: spec))
        assert found() == read(directory)

    def test_all_of_its_locations_count(self, tmp_path: Path) -> None:
        # scikit-build-core's redirecting finder: sources in the tree, what CMake installed in site-packages.
        source = wrapper(tmp_path / "src")
        installed = wrapper(tmp_path / "site", None, "lib64/liba.so")
        spec = importlib.util.spec_from_file_location(
            NAME, source / "__init__.py", submodule_search_locations=[str(source), str(installed)]
        )
        sys.meta_path.insert(0, Finder(lambda _: spec))
        expected = read(source, [installed / "lib64"])
        assert found() == expected.replace(directories=(str(source), str(installed)))

    def test_a_finder_without_find_spec_is_passed_over(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path)
        on_path(tmp_path)
        sys.meta_path.insert(0, object())  # type: ignore[arg-type]
        assert found() == read(directory)

    def test_a_finder_that_breaks_is_passed_over_and_said(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path)
        on_path(tmp_path)
        sys.meta_path.insert(0, Finder(lambda _: 1 / 0))
        row = Considered("package", NAME, "the finder Finder failed: ZeroDivisionError: division by zero")
        assert packages.find(NAME) == (read(directory), (row,))
