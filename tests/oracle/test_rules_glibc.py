"""Every rule of glibc's loader, one directory each below rules/glibc: the loader does what the rule says, and so do we."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from findlibs2 import host
from tests import need
from tests.oracle import asking_glibc, modelling_glibc
from tests.oracle.programs import Slots, slots
from tests.oracle.world import Answer, Rule, differences, rules

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

__all__ = ["slots"]
RULES = {rule.name: rule for rule in rules(Path(__file__).parent / "rules/glibc")}


def holds(rule: Rule) -> bool:
    """Of this version of the loader, on this machine."""
    is_here = not rule.machines or platform.machine() in rule.machines
    return is_here and rule.since <= host.snapshot().libc_version < rule.until


def chosen(secure: bool) -> list[ParameterSet]:
    found = [rule for rule in RULES.values() if holds(rule) and rule.world.secure == secure]
    return [pytest.param(rule, id=rule.name) for rule in found]


def answers(rule: Rule, here: Path, slots: Slots) -> tuple[Answer, Answer]:
    """The loader's, and ours; in two places, because what a step moves is moved."""
    for directory in (here / "loader", here / "us"):
        asking_glibc.write(rule.world, directory, slots, platform.machine())
    return asking_glibc.ask(rule.world, here / "loader"), modelling_glibc.ask(rule.world, here / "us")


@pytest.mark.parametrize("rule", chosen(secure=False))
def test_rule(rule: Rule, tmp_path: Path, slots: Slots) -> None:
    loaders, ours = answers(rule, tmp_path, slots)
    assert rule.essence(loaders) == (dict(rule.start), [dict(each) for each in rule.expected]), rule.says
    assert differences(loaders, ours) == []


@need.root()
@pytest.mark.parametrize("rule", chosen(secure=True))
def test_rule_of_secure_execution(rule: Rule, tmp_path: Path, slots: Slots) -> None:
    """ld.so(8): LD_DEBUG "is ignored in secure-execution mode", so the loader tells less."""
    loaders, ours = answers(rule, tmp_path, slots)
    expected = [dict(each) for each in rule.expected]
    assert rule.essence(loaders)[1] == expected, rule.says
    assert rule.essence(ours)[1] == expected
    assert [(each.opened, each.refused, each.added) for each in loaders.steps] == [
        (each.opened, each.refused, each.added) for each in ours.steps
    ]


def test_there_are_enough() -> None:
    assert len(RULES) >= 120
