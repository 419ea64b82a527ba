"""Dependencies first, ties as declared, rings named."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from findlibs2.graph import Order, order


def ordered(graph: Mapping[str, Iterable[str]], *roots: str) -> Order[str]:
    return order(roots or graph, lambda node: graph.get(node, ()))


class TestOrder:
    def test_nothing_asked_for_is_nothing_ordered(self) -> None:
        assert ordered({}) == Order(())

    def test_a_dependency_comes_before_what_needs_it(self) -> None:
        # As mirlib 1.30.2.33 declares it: eccodeslib first, although eccodeslib needs eckitlib.
        graph = {"mir": ["eccodes", "eckit", "atlas"], "eccodes": ["eckit"], "atlas": ["eckit"]}
        assert ordered(graph, "mir").nodes == ("eckit", "eccodes", "atlas", "mir")

    def test_ties_keep_declared_order(self) -> None:
        assert ordered({"top": ["c", "a", "b"]}, "top").nodes == ("c", "a", "b", "top")

    def test_roots_keep_the_order_in_which_they_are_asked_for(self) -> None:
        assert ordered({}, "b", "a", "c").nodes == ("b", "a", "c")

    def test_what_is_needed_twice_comes_once(self) -> None:
        assert ordered({"top": ["a", "a"], "a": []}, "top", "a", "top") == Order(("a", "top"))

    def test_what_no_root_reaches_is_left_out(self) -> None:
        assert ordered({"a": [], "stranger": ["a"]}, "a").nodes == ("a",)

    def test_each_node_is_asked_once_and_only_when_it_is_reached(self) -> None:
        graph = {"top": ["a", "b"], "a": ["b"], "b": ["top"]}
        asked: list[str] = []

        def edges(node: str) -> list[str]:
            asked.append(node)
            return graph[node]

        order(["top", "b"], edges)
        assert asked == ["top", "a", "b"]

    def test_any_hashable_value_can_be_a_node(self) -> None:
        graph: dict[object, list[object]] = {None: [0, ""], 0: [()], "": [()], (): []}
        assert order([None], graph.__getitem__).nodes == ((), 0, "", None)

    def test_edges_may_be_generated(self) -> None:
        assert order([3], lambda node: (below for below in range(node))).nodes == (0, 1, 2, 3)


class TestRings:
    def test_a_node_that_needs_itself_is_no_ring(self) -> None:
        assert ordered({"a": ["a", "b"], "b": ["b"]}) == Order(("b", "a"))

    def test_each_member_needs_the_next_and_the_last_needs_the_first(self) -> None:
        assert ordered({"a": ["b"], "b": ["c"], "c": ["a"]}) == Order(("c", "b", "a"), (("a", "b", "c"),))

    def test_a_ring_is_named_from_the_member_that_was_reached_first(self) -> None:
        graph = {"a": ["b"], "b": ["c"], "c": ["a"]}
        assert ordered(graph, "c").rings == (("c", "a", "b"),)

    def test_nodes_that_all_need_each_other_are_named_by_one_ring(self) -> None:
        graph = {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b"]}
        assert ordered(graph).rings == (("a", "b"),)

    def test_of_two_ways_back_the_shorter_one_is_named(self) -> None:
        graph = {"a": ["far", "near"], "far": ["farther"], "farther": ["a"], "near": ["a"]}
        assert ordered(graph).rings == (("a", "near"),)

    def test_a_detour_that_leaves_the_ring_is_no_part_of_it(self) -> None:
        graph = {"a": ["leaf", "b"], "b": ["leaf", "a"], "leaf": []}
        assert ordered(graph) == Order(("leaf", "b", "a"), (("a", "b"),))

    def test_what_a_ring_needs_comes_before_all_of_it_and_what_needs_it_comes_after(self) -> None:
        graph = {"top": ["b"], "b": ["a"], "a": ["b", "leaf"], "leaf": []}
        assert ordered(graph, "top") == Order(("leaf", "a", "b", "top"), (("b", "a"),))

    def test_separate_rings_are_named_separately_innermost_first(self) -> None:
        graph = {"a": ["b"], "b": ["a", "x"], "x": ["y"], "y": ["x"]}
        assert ordered(graph) == Order(("y", "x", "b", "a"), (("x", "y"), ("a", "b")))

    def test_two_rings_through_one_node_are_one_set(self) -> None:
        graph = {"hub": ["left", "right"], "left": ["hub"], "right": ["hub"]}
        assert ordered(graph) == Order(("left", "right", "hub"), (("hub", "left"),))


class TestSize:
    """Deeper than any interpreter's recursion limit; a walk that is not linear would not end."""

    def test_a_chain_of_100_000_is_ordered(self) -> None:
        length = 100_000
        assert length > sys.getrecursionlimit()
        chain = order([length], lambda node: [node - 1] if node else [])
        assert chain == Order(tuple(range(length + 1)))

    def test_a_ring_of_100_000_is_named_whole(self) -> None:
        length = 100_000
        assert order([0], lambda node: [(node + 1) % length]).rings == (tuple(range(length)),)

    def test_a_dense_graph_is_walked_once_along_each_edge(self) -> None:
        walked = 0

        def edges(node: int) -> Iterable[int]:
            nonlocal walked
            for below in range(node):
                walked += 1
                yield below

        assert order([999], edges).nodes == tuple(range(1000))
        assert walked == 999 * 1000 // 2

    def test_a_chain_of_diamonds_has_as_many_steps_as_nodes(self) -> None:
        # Two ways through each of 500 diamonds: 2**500 paths, 1,501 nodes.
        def edges(node: int) -> list[int]:
            corner = node % 3
            below = [node + 1, node + 2] if corner == 0 else [node + 3 - corner]
            return below if node < 1500 else []

        assert len(order([0], edges).nodes) == 1501
