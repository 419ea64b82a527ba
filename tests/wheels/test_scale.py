"""Planning is linear in packages and in what they declare, whatever the shape; it never recurses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.wheels import made
from tests.wheels.run import answer

Shape = Callable[[int], Mapping[str, tuple[str, ...]]]

COUNTED = """
import sys, findlibs2
calls = 0
def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")
findlibs2.plan("n1")  # what is imported on the way is imported now
sys.setprofile(count)
plan = findlibs2.plan({name!r})
sys.setprofile(None)
tell([calls, [step.path.rpartition("/")[2] for step in plan.steps]])
"""
LOADED = """
import findlibs2
findlibs2.load({name!r})
tell([path.rpartition("/")[2] for path in mapped() if "/libn" in path])
"""


def counted(place: Path, shape: Shape, count: int) -> tuple[int, list[str]]:
    site = made.stack(place / f"{shape.__name__}{count}", shape(count))
    calls, order = answer(COUNTED.format(name=f"n{count}"), site)
    return calls, order


def in_order(count: int) -> list[str]:
    return [f"libn{i}.so" for i in range(1, count + 1)]


def test_a_chain_of_1000_is_planned_in_order(tmp_path: Path) -> None:
    assert counted(tmp_path, made.chain, 1000)[1] == in_order(1000)


def test_a_dense_graph_of_200_is_planned_in_order(tmp_path: Path) -> None:
    assert counted(tmp_path, made.dense, 200)[1] == in_order(200)


def test_ten_times_the_chain_costs_about_ten_times_the_calls(tmp_path: Path) -> None:
    few, many = (counted(tmp_path, made.chain, count)[0] for count in (100, 1000))
    assert many <= 11 * few


def test_twice_the_dense_graph_costs_about_four_times_the_calls(tmp_path: Path) -> None:
    """Twice the packages declare four times as much: 4,950 dependencies, and 19,900."""
    few, many = (counted(tmp_path, made.dense, count)[0] for count in (100, 200))
    assert many <= 4.4 * few


def test_a_chain_of_100_loads(tmp_path: Path) -> None:
    site = made.stack(tmp_path, made.chain(100))
    assert sorted(answer(LOADED.format(name="n100"), site)) == sorted(in_order(100))


@pytest.mark.parametrize("declared", [("n1",), ("n2",), ("n1", "n2")], ids=["itself", "ring", "both"])
def test_packages_that_declare_each_other_or_themselves_load_by_what_their_files_need(
    tmp_path: Path, declared: tuple[str, ...]
) -> None:
    made.wrapper(tmp_path, "n1", declared=declared, needed=())
    made.wrapper(tmp_path, "n2", declared=("n1",), needed=("n1",))
    assert sorted(answer(LOADED.format(name="n2"), tmp_path)) == ["libn1.so", "libn2.so"]
