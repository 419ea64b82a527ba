"""The order of a graph, against brute force."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from findlibs2.graph import Order, order

Graph = dict[int, list[int]]

NODES = st.integers(0, 8)
GRAPHS: st.SearchStrategy[Graph] = st.fixed_dictionaries({node: st.lists(NODES, max_size=5) for node in range(9)})
ROOTS = st.lists(NODES, max_size=4)


def ordered(graph: Graph, roots: list[int]) -> Order[int]:
    return order(roots, graph.__getitem__)


def reached(graph: Graph, node: int) -> set[int]:
    """What a node needs, directly or not, by walking until nothing is new; itself only if it is in a ring."""
    found: set[int] = set()
    fresh = set(graph[node])
    while fresh:
        found |= fresh
        fresh = {below for each in fresh for below in graph[each]} - found
    return found


def components(graph: Graph, nodes: tuple[int, ...]) -> set[frozenset[int]]:
    """Sets of more than one node that all need each other, straight from the definition."""
    need = {node: reached(graph, node) for node in nodes}
    together = {frozenset(other for other in nodes if other in need[node] and node in need[other]) for node in nodes}
    return {each for each in together if len(each) > 1}


def recursive(graph: Graph, roots: list[int]) -> list[int]:
    """The textbook's depth-first post-order: "ties as declared" in four lines."""
    seen: set[int] = set()
    left: list[int] = []

    def visit(node: int) -> None:
        if node not in seen:
            seen.add(node)
            for below in graph[node]:
                visit(below)
            left.append(node)

    for root in roots:
        visit(root)
    return left


class TestNodes:
    """ "`nodes`: everything that the roots reach, each once, after what it needs." """

    @given(GRAPHS, ROOTS)
    def test_everything_in_reach_is_there_once(self, graph: Graph, roots: list[int]) -> None:
        nodes = ordered(graph, roots).nodes
        assert sorted(nodes) == sorted({*roots, *(below for root in roots for below in reached(graph, root))})

    @given(GRAPHS, ROOTS)
    def test_every_dependency_is_earlier_unless_both_are_in_one_ring(self, graph: Graph, roots: list[int]) -> None:
        nodes = ordered(graph, roots).nodes
        place = {node: position for position, node in enumerate(nodes)}
        late = [(node, below) for node in nodes for below in graph[node] if place[below] > place[node]]
        assert [(node, below) for node, below in late if node not in reached(graph, below)] == []

    @given(GRAPHS, ROOTS)
    def test_ties_are_as_declared(self, graph: Graph, roots: list[int]) -> None:
        assert list(ordered(graph, roots).nodes) == recursive(graph, roots)


class TestRings:
    """ "One for each set of nodes that all need each other. Each needs the next and the last needs the first." """

    @given(GRAPHS, ROOTS)
    def test_there_is_one_ring_in_each_set_of_nodes_that_need_each_other(self, graph: Graph, roots: list[int]) -> None:
        found = ordered(graph, roots)
        sets = components(graph, found.nodes)
        assert len(found.rings) == len(sets)
        assert {each for each in sets for ring in found.rings if each.issuperset(ring)} == sets

    @given(GRAPHS, ROOTS)
    def test_rings_are_real(self, graph: Graph, roots: list[int]) -> None:
        for ring in ordered(graph, roots).rings:
            assert len(set(ring)) == len(ring) > 1
            assert [(node, after) for node, after in pairwise((*ring, ring[0])) if after not in graph[node]] == []

    @given(GRAPHS, ROOTS)
    def test_a_ring_starts_where_its_set_was_first_reached_and_is_a_shortest_one_from_there(
        self, graph: Graph, roots: list[int]
    ) -> None:
        for ring in ordered(graph, roots).rings:
            assert len(ring) == way_back(graph, ring[0])


def way_back(graph: Graph, start: int) -> int:
    """Number of steps of the shortest way from a node back to it, itself as its own dependency left out."""
    level, steps = {below for below in graph[start] if below != start}, 1
    while start not in level:
        level, steps = {below for node in level for below in graph[node]}, steps + 1
        assert steps <= len(graph)
    return steps
