"""Binaries and one loader's beliefs -> Plan: exactly what the wanted libraries need, dependencies first. Pure.

Names are resolved breadth first, as the loader resolves one `dlopen` of the wanted library (glibc: elf/dl-deps.c,
`_dl_map_object_deps`): the first file that asks for a name decides where it comes from, for all. Opening goes depth first,
dependencies before dependents, ties as declared.
"""

from __future__ import annotations

from . import graph, offers
from .draft import Draft, Node, Root, add, in_process
from .model import Package, Plan, Step
from .supply import take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .draft import Overrides
    from .offers import World


def plan(world: World, roots: Sequence[Root], packages: Sequence[Package], overrides: Overrides) -> Plan:
    """What to open for the roots, in order. `packages`: all that may supply libraries, dependencies first.

    Never raises for a bad stack: `Plan.findings` holds what is wrong, errors and notes alike.
    """
    draft = Draft(world, packages, overrides)
    queue = [adopt_root(draft, root) for root in roots]
    for node in queue:  # grows while it is walked
        if node is not None:
            queue += [fresh for fresh in take_all(draft, node) if fresh is not None]
    order = sequence(draft, [root.file.path for root in roots])
    return Plan(
        names=tuple(root.name for root in roots),
        targets=tuple(target(draft, root) for root in roots),
        steps=tuple(step(draft.nodes[path]) for path in order),
        reused=tuple(draft.reused),
        left_to_loader=tuple(draft.left),
        packages=tuple(packages),
        findings=tuple(draft.findings),
        trails=tuple(root.trail for root in roots),
    )


def adopt_root(draft: Draft, root: Root) -> Node | None:
    """The wanted library itself; None if the process has one of that name already, or if it cannot be loaded."""
    binary = root.file.binary
    wanted = binary.name if binary is not None else None
    if wanted is not None and in_process(draft, wanted, root.file):
        return None
    found = None
    if wanted is not None and root.package is not None and not root.overridden:
        found = offers.offer(draft.world, root.package, wanted)
    copies = found.copies if found is not None and found.file.path == root.file.path else ()
    node = Node(root.file, root.package, root.trail.considered, (), copies, own_paths_first=root.overridden)
    return add(draft, wanted, node)


def take_all(draft: Draft, node: Node) -> list[Node | None]:
    """What a file needs and nobody has asked for yet."""
    binary = node.file.binary
    if binary is None:
        return []
    fresh = [needed.name for needed in binary.needed if needed.name not in draft.paths]
    return [take(draft, name, node) for name in dict.fromkeys(fresh)]


# ------------------------------------------------------------------------------------------------------------ order


def sequence(draft: Draft, roots: list[str]) -> tuple[str, ...]:
    """Paths in the order of opening; a ring of libraries becomes a finding."""
    rank = {package.name: position for position, package in enumerate(draft.packages)}

    def edges(path: str) -> list[str]:
        node = draft.nodes[path]
        needed = node.file.binary.needed if node.file.binary is not None else ()
        supplied = [draft.paths.get(each.name) for each in needed]
        below = [each for each in supplied if each is not None]
        return sorted(below, key=lambda each: place(draft.nodes[each]))

    def place(node: Node) -> int:
        return rank.get(node.package.name, -1) if node.package is not None else -1

    ordered = graph.order([root for root in roots if root in draft.nodes], edges)
    if ordered.rings:
        from .findings import NeededRing

        draft.findings += (NeededRing(ring) for ring in ordered.rings)
    return ordered.nodes


def step(node: Node) -> Step:
    package = node.package.name if node.package is not None else None
    return Step(node.file.path, node.file, package, node.because, node.needed_by, node.copies, node.left)


def target(draft: Draft, root: Root) -> str:
    """What to ask the loader for, to get the wanted library itself."""
    name = root.file.binary.name if root.file.binary is not None else None
    for reused in draft.reused:
        if name is not None and reused.name == name:
            return reused.loaded.path
    return root.file.path
