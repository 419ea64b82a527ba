"""Every rule of musl's loader, one directory each below rules/musl: the loader does what the rule says, and so do we."""

from __future__ import annotations

from pathlib import Path

import pytest

from findlibs2 import host
from tests.oracle import asking_musl, modelling_musl, musl_program
from tests.oracle.world import Rule, rules

pytestmark = [*asking_musl.NEEDED]

RULES = list(rules(Path(__file__).parent / "rules/musl"))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return musl_program.compiled(tmp_path_factory.mktemp("program"))


def test_there_are_rules_enough() -> None:
    assert len(RULES) >= 70


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: Rule, tmp_path: Path, program: bytes) -> None:
    if not rule.since <= host.version_of_musl(Path(asking_musl.LOADER).read_bytes()) < rule.until:
        return
    here = tmp_path / "world"
    musl_program.write(rule.world, here, program)
    answer = asking_musl.ask(rule.world, here)
    essence = rule.essence(answer)  # type: ignore[arg-type]
    assert essence == (dict(rule.start), [dict(each) for each in rule.expected]), rule.says
    assert modelling_musl.ask(rule.world, here) == answer
