"""Counters, commits and requirements of made installations. What is said of them: tests/words/test_releases.py."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from findlibs2 import metadata, packages, releases
from findlibs2.model import Finding, Package, Plan
from findlibs2.notes import CountersDiffer, Rebuilt, RequirementUnmet, Shadowed
from tests.unit.sites import import_system, on_path
from tests.words.said import distribution

assert import_system  # for every test here

ECKIT, MIR = "findlibs2_test_eckitlib", "findlibs2_test_mirlib"
PIN = [f"{ECKIT}==2.5.0.33"]
COUNTERS = ((ECKIT, "2.5.0.32"), (MIR, "1.30.2.33"))
UNMET = RequirementUnmet(ECKIT, "2.5.0.32", f"{ECKIT}==2.5.0.33", ((MIR, "1.30.2.33"),))


def installed(site: Path, name: str, version: str, requires: Iterable[str] = (), commit: str | None = None) -> Package:
    """A wrapper with its metadata; what it requires of the stack it declares as well."""
    declared = [each.partition("==")[0] for each in requires]
    lines = [f"__version__ = {version!r}", f"findlibs_dependencies = {declared!r}"]
    lines += [f"__commit_hash__ = {commit!r}"] if commit is not None else []
    (site / name).mkdir(parents=True)
    (site / name / "__init__.py").write_text("\n".join(lines) + "\n")
    distribution(site, name, version, requires)
    if str(site) not in sys.path:
        on_path(site)
    found, _ = packages.find(name)
    assert found is not None
    return found


def judged(*of: Package, findings: Iterable[Finding] = ()) -> list[Finding]:
    return releases.judge(Plan(("mir",), (), (), packages=of, findings=tuple(findings)))


def stack(site: Path, eckit: str, mir: str = "1.30.2.33", requires: Iterable[str] = PIN) -> list[Package]:
    return [installed(site, ECKIT, eckit), installed(site, MIR, mir, requires)]


class TestCounters:
    @pytest.mark.parametrize(
        ("version", "counter"),
        [("2.5.0.33", "33"), ("2.5.0", None), ("2.48.4.dev12", None), ("1.2.3.4.5", None), ("", None), (None, None)],
    )
    def test_the_counter_is_the_fourth_of_four_numbers(self, version: str | None, counter: str | None) -> None:
        assert releases.counter(version) == counter

    def test_of_what_was_released_together_nothing_is_said(self, tmp_path: Path) -> None:
        assert judged(*stack(tmp_path, "2.5.0.33")) == []

    @pytest.mark.parametrize("eckit", ["2.5.0", "2.5.0.dev1"])
    def test_a_version_without_a_counter_differs_from_none(self, tmp_path: Path, eckit: str) -> None:
        assert judged(*stack(tmp_path, eckit, requires=[])) == []

    def test_another_version(self, tmp_path: Path) -> None:
        (told, _) = judged(*stack(tmp_path, "2.6.0.34"))
        assert told == CountersDiffer(((ECKIT, "2.6.0.34"), (MIR, "1.30.2.33")))

    def test_where_nobody_asks_for_anything_the_counters_alone_are_told(self, tmp_path: Path) -> None:
        assert judged(*stack(tmp_path, "2.5.0.32", requires=[])) == [CountersDiffer(COUNTERS)]

    def test_the_same_version_of_which_the_commit_that_is_asked_for_is_unknown(self, tmp_path: Path) -> None:
        told = judged(*stack(tmp_path, "2.5.0.32"))
        assert told == [CountersDiffer(COUNTERS, (Rebuilt(ECKIT, "2.5.0.33", None),)), UNMET]

    @pytest.mark.parametrize(("commit", "same"), [("c0ffee", True), ("decade", False), (None, None)])
    def test_a_copy_that_the_path_hides_tells_the_commit_that_is_asked_for(
        self, tmp_path: Path, commit: str | None, same: bool | None
    ) -> None:
        eckit = installed(tmp_path / "first", ECKIT, "2.5.0.32", commit="c0ffee")
        mir = installed(tmp_path / "first", MIR, "1.30.2.33", PIN)
        installed(tmp_path / "second", ECKIT, "2.5.0.33", commit=commit)
        hides = Shadowed(ECKIT, eckit.directories[0], (str(tmp_path / "second" / ECKIT),))
        told = judged(eckit, mir, findings=[hides])
        assert told == [CountersDiffer(COUNTERS, (Rebuilt(ECKIT, "2.5.0.33", same),), same is True), UNMET]

    def test_a_hidden_copy_of_a_third_release_tells_nothing(self, tmp_path: Path) -> None:
        eckit = installed(tmp_path / "first", ECKIT, "2.5.0.32", commit="c0ffee")
        mir = installed(tmp_path / "first", MIR, "1.30.2.33", PIN)
        installed(tmp_path / "second", ECKIT, "2.5.0.31", commit="c0ffee")
        hides = Shadowed(ECKIT, eckit.directories[0], (str(tmp_path / "second" / ECKIT),))
        assert judged(eckit, mir, findings=[hides])[0] == CountersDiffer(COUNTERS, (Rebuilt(ECKIT, "2.5.0.33", None),))

    def test_the_same_sources_are_said_only_where_that_is_known_of_all(self, tmp_path: Path) -> None:
        """A second package differs, and nobody pins it."""
        eckit = installed(tmp_path / "first", ECKIT, "2.5.0.32", commit="c0ffee")
        other = installed(tmp_path / "first", "findlibs2_test_other", "1.0.0.31")
        mir = installed(tmp_path / "first", MIR, "1.30.2.33", PIN)
        installed(tmp_path / "second", ECKIT, "2.5.0.33", commit="c0ffee")
        hides = Shadowed(ECKIT, eckit.directories[0], (str(tmp_path / "second" / ECKIT),))
        mir = mir.replace(depends_on=(ECKIT, "findlibs2_test_other"))
        told = judged(eckit, other, mir, findings=[hides])[0]
        assert isinstance(told, CountersDiffer)
        assert (told.rebuilt, told.same_sources) == ((Rebuilt(ECKIT, "2.5.0.33", True),), False)


class TestRequirements:
    def asked(self, site: Path, *requires: str, there: str = "2.5.0.32") -> Mapping[str, bool]:
        """What an interface package asks for, and whether it is met."""
        distribution(site, "mir-python", "1.30.2.33", requires)
        on_path(site)
        return {each.requirement: each.met for each in metadata.asking({ECKIT: there})}

    @pytest.mark.parametrize(
        ("requirement", "met"),
        [("==2.5.0.32", True), ("==2.5.0.33", False), (">=2.5.0.32", True), ("", True), ("==2.5.0.*", True)],
    )
    def test_interface_packages_ask_too(self, tmp_path: Path, requirement: str, met: bool) -> None:
        assert self.asked(tmp_path, f"{ECKIT}{requirement}") == {f"{ECKIT}{requirement}": met}

    def test_names_are_compared_in_one_spelling(self, tmp_path: Path) -> None:
        assert self.asked(tmp_path, "FindLibs2-test.eckitlib==1") == {"FindLibs2-test.eckitlib==1": False}

    @pytest.mark.parametrize("marker", ['python_version < "3"', 'extra == "all"'])
    def test_what_is_not_asked_for_here_and_now_is_left_out(self, tmp_path: Path, marker: str) -> None:
        assert self.asked(tmp_path, f"{ECKIT}==1; {marker}") == {}

    def test_what_is_no_version_is_held_against_nobody(self, tmp_path: Path) -> None:
        assert self.asked(tmp_path, f"{ECKIT}==1", there="unknown") == {f"{ECKIT}==1": True}

    def test_broken_metadata_hide_nobody_else(self, tmp_path: Path) -> None:
        (tmp_path / "broken-1.dist-info").mkdir()
        (tmp_path / "broken-1.dist-info" / "METADATA").write_bytes(b"\xff\xfe" + ECKIT.encode())
        assert self.asked(tmp_path, f"{ECKIT}==1", "]]", f"{ECKIT} @ file:///x") == {f"{ECKIT}==1": False}

    def test_older_metadata_are_read_too(self, tmp_path: Path) -> None:
        egg = tmp_path / "mir_python-1.egg-info"
        egg.mkdir()
        (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: mir-python\nVersion: 1\n")
        (egg / "requires.txt").write_text(f"{ECKIT}==1\n")
        on_path(tmp_path)
        (asked,) = metadata.asking({ECKIT: "2"})
        assert (asked.by, asked.by_version, asked.exactly, asked.met) == ("mir-python", "1", "1", False)

    def test_of_two_installations_of_one_distribution_the_first_asks(self, tmp_path: Path) -> None:
        (tmp_path / "second").mkdir()
        distribution(tmp_path / "second", "mir-python", "1.29", [f"{ECKIT}==1"])
        on_path(tmp_path / "second")
        (tmp_path / "first").mkdir()
        assert self.asked(tmp_path / "first", "numpy") == {}

    def test_what_is_loaded_counts_and_not_what_is_installed_beside_it(self, tmp_path: Path) -> None:
        eckit, mir = stack(tmp_path, "2.5.0.33")
        assert judged(eckit.replace(version="2.5.0.32"), mir)[-1] == UNMET

    def test_who_is_of_the_stack_is_told_first(self, tmp_path: Path) -> None:
        distribution(tmp_path, "a-tool", "1", PIN)
        told = judged(*stack(tmp_path, "2.5.0.32"))[-1]
        assert told == UNMET.replace(asked_by=((MIR, "1.30.2.33"), ("a-tool", "1")))

    def test_without_packaging_nobody_is_known_to_ask_for_something_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        distribution(tmp_path, "mir-python", "1", PIN)
        on_path(tmp_path)
        monkeypatch.setitem(sys.modules, "packaging.requirements", None)
        assert metadata.asking({ECKIT: "1"}) == []
