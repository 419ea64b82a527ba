"""What is asked of packages only when something is wrong, or unknown; and what it costs when nothing is."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

from findlibs2 import packages, survey
from findlibs2.errors import RefusedError
from findlibs2.findings import WrapperFailed
from findlibs2.model import Package
from findlibs2.notes import BadDeclaration, ZippedWrapper
from tests import need
from tests.unit.sites import (
    LITERAL,
    NAME,
    Finder,
    found,
    import_system,
    on_path,
    read,
    wrapper,
)

assert import_system  # for every test here


class TestInstalledWrappers:
    def test_every_package_that_declares_itself_in_the_order_of_the_path(self, tmp_path: Path) -> None:
        one = tmp_path / "one"
        two = tmp_path / "two"
        wrapper(two, "depends_on = []", name="findlibs2_test_a")
        wrapper(one, "findlibs_dependencies = []", name="findlibs2_test_c")
        wrapper(one, "depends_on = compute()", name="findlibs2_test_b")
        wrapper(one, "words = 'depends_on'", name="findlibs2_test_no_wrapper")
        wrapper(one, None, "lib64/liba.so", name="findlibs2_test_leftover")
        wrapper(one, "depends_on = []", name="findlibs2-test-no-name")
        wrapper(one, "depends_on = []\n" + "#" * 65536, name="findlibs2_test_too_long")
        sys.path[:] = [str(one), str(two)]
        installed = [package.name for package in survey.installed_wrappers()]
        assert installed == ["findlibs2_test_b", "findlibs2_test_c", "findlibs2_test_a"]

    def test_of_several_copies_the_first_is_the_wrapper(self, tmp_path: Path) -> None:
        directory = wrapper(tmp_path / "one")
        wrapper(tmp_path / "two")
        sys.path[:] = [str(tmp_path / "one"), str(tmp_path / "two")]
        assert survey.installed_wrappers() == (read(directory),)

    def test_one_that_is_hidden_by_a_package_that_declares_nothing_is_none(self, tmp_path: Path) -> None:
        wrapper(tmp_path / "one", "")
        wrapper(tmp_path / "two")
        sys.path[:] = [str(tmp_path / "one"), str(tmp_path / "two")]
        assert survey.installed_wrappers() == ()

    def test_a_current_directory_that_was_removed_holds_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = wrapper(tmp_path / "site")
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        sys.path[:] = ["", "below", str(tmp_path / "site")]
        assert survey.installed_wrappers() == (read(directory),)

    @pytest.mark.parametrize("attribute", ["known_source_files", "_top_level_modules"])
    def test_what_a_finder_of_an_editable_install_redirects_counts(self, tmp_path: Path, attribute: str) -> None:
        directory = wrapper(tmp_path / "src")
        finder = Finder(lambda _: importlib.util.spec_from_file_location(NAME, directory / "__init__.py"))
        setattr(finder, attribute, {NAME: "...", f"{NAME}.below": "..."})
        sys.path[:], sys.meta_path[:] = [], [finder]
        assert survey.installed_wrappers() == (read(directory),)

    def test_so_does_what_is_in_the_mapping_of_the_module_of_one(self, tmp_path: Path) -> None:
        # setuptools: __editable___<name>_<version>_finder.MAPPING
        directory = wrapper(tmp_path / "src")
        finder = Finder(lambda _: importlib.util.spec_from_file_location(NAME, directory / "__init__.py"))
        module: Any = types.ModuleType("findlibs2_test_finder")
        module.MAPPING = {NAME: str(directory)}
        sys.modules[module.__name__] = module
        finder.__module__ = module.__name__
        sys.path[:], sys.meta_path[:] = [], [finder]
        assert survey.installed_wrappers() == (read(directory),)


class TestOthers:
    def test_further_copies_on_the_path_are_named_once(self, tmp_path: Path) -> None:
        wrapper(tmp_path / "one")
        two = wrapper(tmp_path / "two")
        wrapper(tmp_path / "three", None, "share/leftover")
        (tmp_path / "link").symlink_to("two")
        (tmp_path / "same").symlink_to("one")
        on_path(*(tmp_path / each for each in ("one", "same", "two", "link", "three", "absent")))
        assert survey.others(found()) == (str(two),)

    def test_a_single_package_has_none(self, tmp_path: Path) -> None:
        wrapper(tmp_path)
        on_path(tmp_path)
        assert survey.others(found()) == ()


class TestImported:
    def imported(self, site: Path, source: str) -> Package:
        wrapper(site, source)
        on_path(site)
        return packages.imported(found(), "b")

    def failure(self, site: Path, source: str) -> tuple[RefusedError, WrapperFailed]:
        with pytest.raises(RefusedError) as caught:
            self.imported(site, source)
        (failed,) = caught.value.findings
        assert isinstance(failed, WrapperFailed)
        assert (failed.package, failed.init) == (NAME, str(site / NAME / "__init__.py"))
        return caught.value, failed

    def test_the_attributes_of_the_module_tell(self, tmp_path: Path) -> None:
        package = self.imported(tmp_path, 'depends_on = ["b" + "lib"]\n__version__ = "1." + "2"\n')
        assert package == read(tmp_path / NAME)

    def test_attributes_may_be_made_when_they_are_asked_for(self, tmp_path: Path) -> None:
        source = (
            'def __getattr__(name):\n    if name == "depends_on":\n        return ["blib"]\n    raise AttributeError\n'
        )
        # The source names the attribute in a str only, so it is nothing that reading would tell.
        assert self.imported(tmp_path, source).depends_on == ("blib",)

    def test_a_path_that_grew_counts(self, tmp_path: Path) -> None:
        (tmp_path / "more" / "lib64").mkdir(parents=True)
        package = self.imported(tmp_path, f"depends_on = list()\n__path__.append({str(tmp_path / 'more')!r})\n")
        assert package.libraries == (str(tmp_path / "more" / "lib64"),)

    def test_it_stays_in_its_archive(self, tmp_path: Path) -> None:
        archive = tmp_path / "stack.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(f"{NAME}/__init__.py", "depends_on = ['blib'] * 1")
        on_path(archive)
        package = packages.imported(found(), "b")
        assert (package.depends_on, package.problems) == (("blib",), (ZippedWrapper(NAME, str(archive)),))

    def test_an_attribute_of_a_wrong_type_is_a_bad_declaration(self, tmp_path: Path) -> None:
        package = self.imported(tmp_path, "\ndepends_on = str('blib')")
        problem = BadDeclaration(NAME, str(tmp_path / NAME / "__init__.py"), 2, "depends_on", "'blib'")
        assert (package.depends_on, package.problems) == ((), (problem,))

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("raise RuntimeError('no AVX512 here')", "RuntimeError: no AVX512 here"),
            ("raise SystemExit(3)", "SystemExit: 3"),
            ("raise ImportError('no module named x')", "ImportError: no module named x"),
            ("raise ValueError", "ValueError"),
            ("def __getattr__(name): raise RuntimeError(name)", "RuntimeError: depends_on"),
        ],
    )
    def test_whatever_it_raises_refuses_the_load(self, tmp_path: Path, statement: str, words: str) -> None:
        error, failed = self.failure(tmp_path, f"{statement}\n")
        assert failed.exception == words
        assert error.__cause__ is not None
        assert type(error.__cause__).__name__ == words.partition(":")[0]

    def test_an_interrupt_stays_one(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            self.imported(tmp_path, "raise KeyboardInterrupt")


class TestCost:
    @need.tool("strace")
    def test_a_package_in_an_ordinary_environment_takes_at_most_8_path_operations(self, tmp_path: Path) -> None:
        site = tmp_path / "site-packages"
        wrapper(site, LITERAL, "lib64/liba.so")
        wrapper(site, LITERAL, name="findlibs2_test_first")
        source = Path(packages.__file__).parent.parent
        code = (
            f"import os, sys; sys.path[:] = [*sys.path, {str(source)!r}, {str(site)!r}]\n"
            "from findlibs2 import packages; packages.find('findlibs2_test_first')\n"
            f"os.access('/begin', 0); found, _ = packages.find({NAME!r}); os.access('/end', 0)\n"
            "assert found.libraries"
        )
        trace = tmp_path / "trace"
        strace = [str(need.which("strace")), "-f", "-e", "trace=%file", "-o", str(trace)]
        subprocess.run([*strace, sys.executable, "-S", "-c", code], check=True, cwd=tmp_path)
        lines = trace.read_text().splitlines()
        (begin,) = (number for number, line in enumerate(lines) if '"/begin"' in line)
        (end,) = (number for number, line in enumerate(lines) if '"/end"' in line)
        paths = [line for line in lines[begin + 1 : end] if '"' in line and '""' not in line and "getcwd" not in line]
        assert len(paths) <= 8, "\n".join(paths)
