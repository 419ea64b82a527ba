"""Nodes and what they need -> one order: dependencies first, ties as declared, rings named. Pure; any hashable node."""

from __future__ import annotations

from .model import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
    from typing import Generic, TypeVar

    N = TypeVar("N", bound=Hashable)

    class Of(Generic[N]): ...

else:
    N = None

    class Of:
        __class_getitem__ = classmethod(lambda cls, _: cls)


class Order(Record, Of[N]):
    """`nodes`: everything that the roots reach, each once, after what it needs; members of a ring as they are left.

    `rings`: one for each set of nodes that all need each other. Each needs the next and the last needs the first; where
    the set holds several rings, a shortest one through the member that was reached first. A node that needs itself is
    no ring.
    """

    nodes: tuple[N, ...]
    rings: tuple[tuple[N, ...], ...] = ()


def order(roots: Iterable[N], edges: Callable[[N], Iterable[N]]) -> Order[N]:
    """Dependencies before dependents. `edges` is asked once for each node, when the walk first reaches it.

    Takes time and memory in proportion to nodes and edges; never recurses.
    """
    walk = Walk(edges)
    for root in roots:
        walk.visit(root)
    return Order(tuple(walk.nodes), tuple(walk.rings))


class Walk(Of[N]):
    """One depth-first walk. Lives as long as one call of `order`.

    R. Tarjan, Depth-first search and linear graph algorithms, SIAM J. Comput. 1 (1972): nodes are numbered as they are
    reached, and the node that can reach no smaller number than its own closes its strongly connected component.
    """

    def __init__(self, edges: Callable[[N], Iterable[N]]) -> None:
        self.edges = edges
        self.below: dict[N, tuple[N, ...]] = {}
        self.number: dict[N, int] = {}
        self.lowest: dict[N, int] = {}  # smallest number known to be in reach; gone once the component is closed
        self.unclosed: list[N] = []
        self.nodes: list[N] = []
        self.rings: list[tuple[N, ...]] = []

    def visit(self, root: N) -> None:
        """Walk everything that is in reach of *root* and was not before."""
        path = [self.enter(root)] if root not in self.number else []
        while path:
            node, rest = path[-1]
            fresh = self.next_fresh(node, rest)
            if fresh is not None:
                path.append(self.enter(fresh[0]))
                continue
            path.pop()
            self.leave(node)
            if path and node in self.lowest:
                self.lower(path[-1][0], node)

    def enter(self, node: N) -> tuple[N, Iterator[N]]:
        self.number[node] = self.lowest[node] = len(self.number)
        self.unclosed.append(node)
        below = self.below[node] = tuple(self.edges(node))
        return node, iter(below)

    def next_fresh(self, node: N, rest: Iterator[N]) -> tuple[N] | None:
        """The next dependency that was not reached before (None is a node like any other, hence the tuple)."""
        for child in rest:
            if child not in self.number:
                return (child,)
            if child in self.lowest:
                self.lower(node, child)
        return None

    def lower(self, node: N, child: N) -> None:
        if self.lowest[child] < self.lowest[node]:
            self.lowest[node] = self.lowest[child]

    def leave(self, node: N) -> None:
        """All that the node needs is in order, but for what needs the node in turn."""
        self.nodes.append(node)
        if self.lowest[node] == self.number[node]:
            self.close(node)

    def close(self, node: N) -> None:
        """The component that was entered through *node*: everything unclosed that was reached after it."""
        members = {self.unclosed.pop()}
        while node not in members:
            members.add(self.unclosed.pop())
        for member in members:
            del self.lowest[member]
        if len(members) > 1:
            self.rings.append(ring(node, members, self.below))


def ring(start: N, members: Container[N], below: Mapping[N, Iterable[N]]) -> tuple[N, ...]:
    """A shortest way from *start* back to it that stays among *members*, breadth first, ties as declared."""
    came_from: dict[N, N] = {}
    queue = [start]
    for node in queue:  # grows while it is walked
        for child in below[node]:
            if child == start and node != start:
                return way(start, node, came_from)
            # From outside no way leads back; without this the walk would be right, and slow.
            if child in members and child != start and child not in came_from:
                came_from[child] = node
                queue.append(child)
    raise AssertionError(f"{start!r} is in no ring of {members!r}")


def way(start: N, end: N, came_from: Mapping[N, N]) -> tuple[N, ...]:
    """From *start* to *end*, both included."""
    backwards = [end]
    while backwards[-1] != start:
        backwards.append(came_from[backwards[-1]])
    return tuple(reversed(backwards))
