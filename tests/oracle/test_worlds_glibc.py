"""Random worlds: glibc's loader and we give the same answer to every question about each of them.

500 worlds, the same in every run; with FINDLIBS2_WORLDS=3000 as many new ones. What differs is shrunk by hypothesis, and
then becomes a directory below rules/glibc.
"""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests import need
from tests.oracle import asking_glibc, modelling_glibc
from tests.oracle.programs import Slots, slots
from tests.oracle.world import Answer, Move, Open, World, differences
from tests.oracle.worlds_glibc import worlds

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

__all__ = ["slots"]
USUAL = 500
COUNT = int(os.environ.get("FINDLIBS2_WORLDS", USUAL))


def both(world: World, here: Path, slots: Slots) -> tuple[Answer, Answer]:
    """The loader's answer, and ours; where a step moves something, of a copy."""
    loaders, ours = here / "l", here / ("u" if any(isinstance(step, Move) for step in world.steps) else "l")
    try:
        for directory in {loaders, ours}:
            asking_glibc.write(world, directory, slots, platform.machine())
        return asking_glibc.ask(world, loaders), modelling_glibc.ask(world, ours)
    finally:
        for directory in {loaders, ours}:
            shutil.rmtree(directory)


class Count:
    """What the worlds were made of: a sweep in which nothing is ever opened would agree, too."""

    def __init__(self) -> None:
        self.worlds = self.opened = self.refused = self.objects = self.bindings = 0

    def add(self, world: World, answer: Answer) -> None:
        opened = [outcome for step, outcome in zip(world.steps, answer.steps, strict=False) if isinstance(step, Open)]
        self.worlds += 1
        self.opened += sum(outcome.opened is not None for outcome in opened)
        self.refused += sum(outcome.refused is not None for outcome in opened)
        self.objects += sum(len(outcome.added) for outcome in opened)
        self.bindings += sum(len(outcome.bindings) for outcome in opened)


def test_the_loader_never_contradicts_us(tmp_path: Path, slots: Slots, capsys: pytest.CaptureFixture[str]) -> None:
    count = Count()

    @settings(
        max_examples=COUNT, derandomize=COUNT == USUAL, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, *([Phase.shrink] if COUNT != USUAL else [])],
    )  # fmt: skip
    @given(worlds())
    def agree(world: World) -> None:
        answer, ours = both(world, tmp_path, slots)
        count.add(world, answer)
        assert differences(answer, ours) == []

    agree()
    with capsys.disabled():
        print(f"\n{count.worlds} worlds of glibc: {vars(count)}")
    assert min(vars(count).values()) >= COUNT / 2
