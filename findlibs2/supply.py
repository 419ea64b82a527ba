"""Who supplies a needed name: the packages of the stack, or the places where the loader would look. Pure."""

from __future__ import annotations

from . import offers, search
from .draft import Draft, Node, Root, add, in_process
from .model import Considered, Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .findings import OverrideMissing
    from .offers import Offer


def take(draft: Draft, wanted: str, by: Node) -> Node | None:
    """Who supplies a wanted name; None: somebody who needs no opening by us, or nobody (then there is a finding)."""
    chain = (by.file.path, *by.needed_by)
    if in_process(draft, wanted, None):
        return None
    override = draft.overrides(wanted)
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

        draft.findings.append(OverrideMismatch(override.name, override.file.path, binary.name, wanted, chain))
    node = Node(override.file, override.package, override.trail.considered, chain, own_paths_first=True)
    return add(draft, wanted, node)


def from_packages(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """The asking file's own package, what that declares, then the rest of the stack."""
    holders = nearest(draft.holders.get(offers.family(wanted), ()), by)
    for package in holders:
        found = offers.offer(draft.world, package, wanted)
        if found is not None:
            considered.append(Considered("package", package.name, "found", found.file.path))
            return offered(draft, wanted, package, found, tuple(considered), chain)
    for package in holders:
        unfit = offers.unfit(draft.world, package, wanted)
        if unfit is not None:
            return Node(unfit, package, (Considered("package", package.name, "found", unfit.path),), chain)
    considered += (Considered("package", each.name, f"holds no {wanted}") for each in nearest(draft.packages, by))
    return None


def from_loader(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """Where this process's loader would find it, untrusted directories left out."""
    return loader_node(draft, wanted, by, chain, considered, search.everything)


def from_own_paths(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """The search paths that the asking file itself brings."""
    return loader_node(draft, wanted, by, chain, considered, search.own_paths)


def from_renamed(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: list[Considered]
) -> Node | None:
    """A file of the stack that carries the name under a file name of another family."""
    for package in nearest(draft.packages, by):
        found = offers.renamed(draft.world, package, wanted)
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
        from .findings import CopiesDiffer

        draft.findings.append(CopiesDiffer(wanted, found.file.path, found.differing))
    for file in found.passed_over:
        if file.problem is not None:
            from .findings import PassedOver

            draft.findings.append(PassedOver(file.path, file.problem, found.file.path))
    return Node(found.file, package, because, chain, found.copies)


def loader_node(
    draft: Draft,
    wanted: str,
    by: Node,
    chain: tuple[str, ...],
    considered: list[Considered],
    candidates: search.Candidates,
) -> Node | None:
    found = search.first(draft.world, wanted, by.file, considered, candidates)
    if found is None:
        return None
    package = search.owner(draft.packages, found.path)
    # An object opened by path answers to that path and to its DT_SONAME, to nothing else (elf/dl-load.c, _dl_lookup_map).
    known_as = found.binary.name if found.binary is not None else wanted
    return Node(found, package, tuple(considered), chain, left=known_as != wanted)


def nobody(
    draft: Draft, wanted: str, by: Node, chain: tuple[str, ...], considered: tuple[Considered, ...]
) -> None:
    """Nobody has it. If asking the loader itself is safe, it is asked before anything is opened; else the load ends here."""
    from .findings import MissingLibrary

    draft.paths[wanted] = None
    if not any(row.unsafe for row in considered):
        draft.left.append(wanted)
    package = by.package.name if by.package is not None else None
    draft.findings.append(MissingLibrary(wanted, chain, package, considered))
