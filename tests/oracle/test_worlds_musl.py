"""Generated worlds: whatever musl's loader makes of them, we have said it. FINDLIBS2_WORLDS=1000 asks for so many."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.oracle import asking_musl, modelling_musl, musl_program
from tests.oracle.asking_musl import Answer
from tests.oracle.world import World
from tests.oracle.worlds_musl import worlds

pytestmark = [*asking_musl.NEEDED]
COUNT = int(os.environ.get("FINDLIBS2_WORLDS", "200"))


def seen(answer: Answer) -> set[str]:
    """What a world was about: a sweep in which something never happens says nothing of it."""
    outcomes = (answer.start, *answer.steps)
    told = {
        "a start refused": bool(answer.start.refused),
        "an object with others": any(len(each.added) > 1 for each in answer.steps),
        "a refusal": any(each.refused for each in answer.steps),
        "a missing symbol": any("symbol not found" in words for each in outcomes for words in each.refused),
        "a binding to another": any(each.by != each.supplier for outcome in outcomes for each in outcome.bindings),
        "a file tried in vain": any(set(each.tried) - set(each.added) for each in outcomes),
    }
    return {what for what, is_so in told.items() if is_so}


def test_generated_worlds(tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]) -> None:
    program = musl_program.compiled(tmp_path_factory.mktemp("program"))
    asked: Counter[str] = Counter()

    @settings(
        max_examples=COUNT, deadline=None, database=None, derandomize="FINDLIBS2_WORLDS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(worlds())
    def agree(world: World) -> None:
        here: Path = tmp_path_factory.mktemp("world")
        musl_program.write(world, here, program)
        answer = asking_musl.ask(world, here)
        asked.update({"worlds", *seen(answer)})
        assert modelling_musl.ask(world, here) == answer

    agree()
    with capsys.disabled():
        print(f"\nmusl's loader agrees in {asked['worlds']} generated worlds ({dict(asked)})")
    assert len(asked) == 7
