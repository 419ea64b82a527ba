"""Every rule of glibc's loader, one directory each below rules/glibc: the loader does what the rule says, and so do we."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from findlibs2 import host
from tests import need
from tests.oracle import asking_glibc
from tests.oracle.world import Rule, rules

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

RULES = {rule.name: rule for rule in rules(Path(__file__).parent / "rules/glibc")}


@pytest.fixture(scope="session")
def slots(tmp_path_factory: pytest.TempPathFactory) -> asking_glibc.Slots:
    return asking_glibc.Slots.of(asking_glibc.compiled(tmp_path_factory.mktemp("program")))


def holds(rule: Rule) -> bool:
    return rule.since <= host.snapshot().libc_version < rule.until


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if holds(rule)], ids=lambda rule: rule.name)
def test_rule(rule: Rule, tmp_path: Path, slots: asking_glibc.Slots) -> None:
    asking_glibc.write(rule.world, tmp_path, slots, platform.machine())
    answer = asking_glibc.ask(rule.world, tmp_path)
    assert rule.essence(answer) == (dict(rule.start), [dict(each) for each in rule.expected]), rule.says
