"""What `check` says of releases that were mixed: whether they are of one source, who asks for something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.wheels.environments import Environment, environment, separate
from tests.wheels.run import answer
from tests.wheels.test_mixtures import put
from tests.words.said import requirements

CHECK = """
import findlibs2
found = {f.code: f for f in findlibs2.check("mir").findings}
differ, unmet = found["counters-differ"], found["requirement-unmet"]
again = [[each.package, each.asked_for, each.same_source] for each in differ.rebuilt]
asked = [unmet.package, unmet.version, unmet.requirement, unmet.asked_by]
tell(["missing-symbol" in found, again, differ.same_sources, *asked])
"""
WRAPPERS = ["atlaslib-ecmwf", "eccodeslib", "mirlib"]  # of the stack; then the others that are installed


def told(*sites: Path) -> Any:
    *rest, by = answer(CHECK, *sites, requirements())
    return *rest, [name for name, _ in by]


def test_the_sources_of_32_and_33_are_the_same(newest: Environment) -> None:
    mixed = told(separate("32")["eckitlib"], newest.site)
    others = ["fdb5lib", "gribjumplib", "metkitlib", "multiolib"]
    again = [["eckitlib", "2.5.0.33", True]]
    assert mixed == (False, again, True, "eckitlib", "2.5.0.32", "eckitlib==2.5.0.33", [*WRAPPERS, *others])


def test_interface_packages_ask_too(newest: Environment) -> None:
    *_, by = told(separate("32")["eckitlib"], newest.site, newest.interfaces)
    assert "eckit" in by


def test_another_version_is_of_no_known_source(newest: Environment, tmp_path: Path) -> None:
    missing, again, same, *_ = told(put(tmp_path, ["eckitlib"]), newest.site)
    assert (missing, again, same) == (True, [], False)


def test_of_a_whole_release_nothing_is_said() -> None:
    code = 'import findlibs2; tell(sorted({f.code for f in findlibs2.check("mir").findings}))'
    assert [code for code in answer(code, environment("32").site) if "search-path" not in code] == []
