"""Binaries and one loader's beliefs -> Plan: exactly what the wanted libraries need, dependencies first. Pure.

Names are resolved breadth first, as the loader resolves one `dlopen` of the wanted library (glibc: elf/dl-deps.c,
`_dl_map_object_deps`): the first file that asks for a name decides where it comes from, for all. Opening goes depth first,
dependencies before dependents, ties as declared.
"""

from __future__ import annotations

from . import closure, graph
from .closure import Draft, Node, Root, add, in_process
from .model import Considered, Package, Plan, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .closure import Candidates, Offer, Overrides, World
    from .findings import OverrideMissing
    from .notes import UnsafeSearchPath


def plan(world: World, roots: Sequence[Root], packages: Sequence[Package], overrides: Overrides) -> Plan:
    """What to open for the roots, in order. `packages`: all that may supply libraries, dependencies first.

    Never raises for a bad stack: `Plan.findings` holds what is wrong, errors and notes alike.
    """
    draft = Draft(world, packages, overrides)
    queue = [adopt_root(draft, root) for root in roots]
    for node in queue:  # grows while it is walked
        if node is not None:
            queue += [fresh for fresh in take_all(draft, node) if fresh is not None]
    order = sequence(draft, [adopted(draft, root) for root in roots])
    return Plan(
        names=tuple(root.name for root in roots),
        targets=tuple(target(draft, root) for root in roots),
        steps=tuple(step(draft.nodes[path]) for path in order),
        reused=tuple(draft.reused),
        left_to_loader=tuple(draft.left),
        packages=tuple(packages),
        findings=tuple(draft.findings),
        trails=tuple(root.trail for root in roots),
        unchecked=("process",) if world.loaded is None else (),
    )


def adopt_root(draft: Draft, root: Root) -> Node | None:
    """The wanted library itself; None if the process has one of that name already, or if it cannot be loaded."""
    binary = root.file.binary
    wanted = binary.name if binary is not None else None
    if wanted is not None and in_process(draft, wanted, root.file):
        return None
    found = None
    file, by_file_name = root.file, draft.world.loader.BY_FILE_NAME
    is_compared = draft.world.same_content is not None  # else nobody asks for copies, and it has been read already
    if (is_compared or by_file_name) and wanted is not None and root.package is not None and not root.overridden:
        found = closure.offer(draft.world, root.package, wanted)
    if found is not None and by_file_name:  # under the name by which all others ask for it
        file = found.file
    copies = found.copies if found is not None and found.file.path == file.path else ()
    node = Node(file, root.package, root.trail.considered, (), copies, own_paths_first=root.overridden)
    return add(draft, wanted, node)


def adopted(draft: Draft, root: Root) -> str:
    """The file that is opened for a root: its own, or another copy of the same library."""
    name = root.file.binary.name if root.file.binary is not None else None
    known = draft.paths.get(name) if name is not None and draft.world.loader.BY_FILE_NAME else None
    return known or root.file.path


def take_all(draft: Draft, node: Node) -> list[Node | None]:
    """What a file needs and nobody has asked for yet."""
    binary = node.file.binary
    if binary is None:
        return []
    fresh = [needed.name for needed in binary.needed if needed.name not in draft.paths]
    return [take(draft, name, node) for name in dict.fromkeys(fresh)]


# -------------------------------------------------------------------------------------- who supplies a name, in order


def take(draft: Draft, wanted: str, by: Node) -> Node | None:
    """Who supplies a wanted name; None: somebody who needs no opening by us, or nobody (then there is a finding)."""
    chain = (by.file.path, *by.needed_by)
    override = draft.overrides(wanted)
    if in_process(draft, wanted, override.file if isinstance(override, Root) else None):
        return None
    if override is not None:
        return overridden(draft, wanted, override, chain)
    considered: list[Considered] = []
    for supply in SUPPLIES[by.own_paths_first or by.package is None]:
        node = supply(draft, wanted, by, chain, considered)
        if node is not None:
            return add(draft, wanted, node)
    nobody(draft, wanted, by, chain, tuple(considered))
    return None


def overridden(draft: Draft, wanted: str, override: Root | OverrideMissing, chain: tuple[str, ...]) -> Node | None:
    """What a person put in the place of a library; it wins over everything, or the load ends here."""
    if not isinstance(override, Root):
        draft.paths[wanted] = None
        draft.findings.append(override)
        return None
    binary = override.file.binary
    if binary is not None and binary.name != wanted:
        from .findings import OverrideMismatch

        path, place = override.file.path, override.place
        draft.findings.append(OverrideMismatch(override.name, path, binary.name, wanted, chain, place))
    node = Node(override.file, override.package, override.trail.considered, chain, own_paths_first=True)
    return add(draft, wanted, node)


def from_packages(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """The asking file's own package, what that declares, then the rest of the stack."""
    holders = nearest(draft.holders.get(closure.family(wanted), ()), by)
    for package in holders:
        found = closure.offer(draft.world, package, wanted)
        if found is not None:
            considered.append(Considered("package", package.name, "found", found.file.path))
            return offered(draft, wanted, package, found, tuple(considered), chain)
    for package in holders:
        unfit = closure.unfit(draft.world, package, wanted)
        if unfit is not None:
            return Node(unfit, package, (Considered("package", package.name, "found", unfit.path),), chain)
    considered += (Considered("package", each.name, f"holds no {wanted}") for each in nearest(draft.packages, by))
    return None


def from_loader(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """Where this process's loader would find it, untrusted directories left out."""
    return loader_node(draft, wanted, by, chain, considered, closure.everything)


def from_own_paths(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """The search paths that the asking file itself brings."""
    return loader_node(draft, wanted, by, chain, considered, closure.own_paths)


def from_renamed(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """A file of the stack that carries the name under a file name of another family."""
    for package in nearest(draft.packages, by):
        found = closure.renamed(draft.world, package, wanted)
        if found is not None:
            considered.append(Considered("package", package.name, "found under another file name", found.file.path))
            return offered(draft, wanted, package, found, tuple(considered), chain)
    return None


# A published wrapper is a whole: what it holds and declares goes first. A person's own build knows its own libraries best.
SUPPLIES = {
    False: (from_packages, from_loader, from_renamed),
    True: (from_own_paths, from_packages, from_loader, from_renamed),
}


def nearest(packages: Sequence[Package], by: Node) -> list[Package]:
    """The asking file's own package first, then what that declares, as declared, then the rest."""
    own = (by.package.name, *(by.package.depends_on or ())) if by.package is not None else ()
    rank = {name: position for position, name in enumerate(own)}
    return sorted(packages, key=lambda package: rank.get(package.name, len(rank)))


def offered(
    draft: Draft, wanted: str, package: Package, found: Offer, because: tuple[Considered, ...], chain: tuple[str, ...]
) -> Node:
    if found.differing:
        from .notes import CopiesDiffer

        draft.findings.append(CopiesDiffer(wanted, found.file.path, found.differing))
    for file in found.passed_over:
        if file.problem is not None:
            from .notes import PassedOver

            draft.findings.append(PassedOver(file.path, file.problem, found.file.path))
    return Node(found.file, package, because, chain, found.copies)


def loader_node(
    draft: Draft,
    wanted: str,
    by: Node,
    chain: tuple[str, ...],
    considered: list[Considered],
    candidates: Candidates,
) -> Node | None:
    found = closure.first(draft.world, wanted, by.file, considered, candidates)
    if found is None:
        return None
    package = closure.owner(draft.packages, found.path)
    # An object opened by path answers to that path and to its DT_SONAME, to nothing else (elf/dl-load.c, _dl_lookup_map).
    # What the loader's own search has found answers to the name that was searched, too (_dl_map_new_object).
    if found.binary is None or wanted == found.path or wanted in draft.world.loader.names(found.binary):
        return Node(found, package, tuple(considered), chain)
    if considered[-1].source not in closure.OWN_PATHS:
        return Node(found, package, tuple(considered), chain, by_name=wanted)
    if any(row.unsafe for row in considered):  # it would be looked for there first
        return None
    return Node(found, package, tuple(considered), chain, left=True)


def nobody(draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: tuple[Considered, ...]) -> None:
    """Nobody has it. If asking the loader itself is safe, it is asked before anything is opened; else the load ends here."""
    from .findings import MissingLibrary

    draft.paths[wanted] = None
    if not any(row.unsafe for row in considered):
        draft.left.append(wanted)
    draft.findings.append(MissingLibrary(wanted, chain, by.owner, considered))


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
        from .notes import NeededRing

        draft.findings += (NeededRing(ring) for ring in ordered.rings)
    return ordered.nodes


def step(node: Node) -> Step:
    return Step(
        node.file.path, node.file, node.owner, node.because, node.needed_by, node.copies, node.by_name, node.left
    )


def target(draft: Draft, root: Root) -> str:
    """What to ask the loader for, to get the wanted library itself."""
    name = root.file.binary.name if root.file.binary is not None else None
    if name is not None and draft.world.loaded is None:  # by then there is one of that name, and nobody knows which
        return name
    for reused in draft.reused:
        if name is not None and reused.name == name:
            return reused.loaded.path
    return adopted(draft, root)


def unsafe(plan: Plan) -> Iterator[UnsafeSearchPath]:
    """The search directories of the plan's files that were left out because another user could fill them, each once."""
    from .notes import UnsafeSearchPath

    rows = ((step.needed_by[0], row) for step in plan.steps if step.needed_by for row in step.because)
    left_out = ((path, row) for path, row in rows if row.unsafe and row.source in closure.OWN_PATHS)
    for path, row in dict.fromkeys(left_out):
        yield UnsafeSearchPath(path, row.source, row.where, row.answer)


# ---------------------------------------------------------------------------------- a plan as one object would name it


def link_order(plan: Plan) -> tuple[str, ...]:
    """What a plan opens, and what it takes as it is in the process: breadth first from the wanted libraries.

    So a program would find names that was linked with these (elf/dl-deps.c). What the loader is to open by itself
    (`Step.left`) is not listed.
    """
    rest = (step.by_name or step.path for step in reversed(plan.steps) if not step.left)
    return tuple(dict.fromkeys((*closure_of(plan, plan.targets), *rest)))


def closure_of(plan: Plan, paths: Iterable[str]) -> dict[str, None]:
    """The part of a plan that some of its files, or names, lead to: breadth first, each once, as objects name them."""
    steps = suppliers(plan)
    reused = {each.name for each in plan.reused}
    queue = dict.fromkeys(paths)
    entries: dict[str, None] = {}
    for name in (walk := list(queue)):  # grows while it is walked
        found = steps.get(name)
        if found is None:
            entries.update(dict.fromkeys([name] if name in reused else ()))
            continue
        if not found.left:
            entries[found.by_name or found.path] = None
        needed = found.file.binary.needed if found.file.binary is not None else ()
        walk += [each.name for each in needed if each.name not in queue]
        queue.update(dict.fromkeys(each.name for each in needed))
    return entries


def suppliers(plan: Plan) -> dict[str, Step]:
    """The step that answers to a name: a path, a DT_SONAME, a file name."""
    steps: dict[str, Step] = {}
    for step in plan.steps:
        name = step.file.binary.name if step.file.binary is not None else None
        steps.update(dict.fromkeys((step.path, step.by_name or step.path, name or step.path), step))
        steps.setdefault(step.path.rpartition("/")[2], step)
    return steps
