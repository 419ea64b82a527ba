"""A loader's search, carried out: candidates in order, each tested, untrusted directories left out. Pure."""

from __future__ import annotations

from os.path import dirname, normpath

from .model import Candidate, Considered, File, Package, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .findings import UnsafeSearchPath
    from .offers import World

    Candidates = Callable[[World, str, File], Iterator[Candidate]]

OWN_PATHS = ("RPATH", "RUNPATH")


def everything(world: World, wanted: str, by: File) -> Iterator[Candidate]:
    """All that the loader would look at for a name that *by* asks for."""
    assert by.binary is not None
    # An object opened by path has no loader of its own, so no ancestry but the program's (elf/dl-open.c, RTLD_CALLMAP).
    found: Iterator[Candidate] = world.loader.search(
        wanted,
        by.binary,
        (),
        world.host,
        world.cached,
        world.default_directories,
        world.processor,
        world.holds,
    )
    return found


def own_paths(world: World, wanted: str, by: File) -> Iterator[Candidate]:
    """Only what the file itself brings."""
    return (candidate for candidate in everything(world, wanted, by) if candidate.rule in OWN_PATHS)


def first(
    world: World, wanted: str, by: File, considered: list[Considered], candidates: Candidates
) -> File | None:
    """The first file that the loader would take, or die of; every answer is added to *considered*."""
    for candidate in candidates(world, wanted, by):
        if candidate.rule == "default directory" and not any(row.source == "ld.so.cache" for row in considered):
            considered.append(Considered("ld.so.cache", "", f"no {wanted}"))
        avoided = world.avoid(candidate)
        if avoided is not None:
            row = Considered(candidate.rule, candidate.directory, avoided.reason, unsafe=avoided.unsafe)
            if row not in considered:
                considered.append(row)
            continue
        if not world.exists(candidate.path):
            considered.append(Considered(candidate.rule, candidate.directory, "not there"))
            continue
        file = world.read(candidate.path)
        if world.loader.outcome(file, world.host) == "skipped":
            considered.append(Considered(candidate.rule, candidate.directory, "there, but not for this process"))
            continue
        considered.append(Considered(candidate.rule, candidate.directory, "found", candidate.path))
        return file
    return None


def unsafe(plan: Plan) -> Iterator[UnsafeSearchPath]:
    """The search directories of the plan's files that were left out because another user could fill them, each once."""
    from .findings import UnsafeSearchPath

    rows = ((step.needed_by[0], row) for step in plan.steps if step.needed_by for row in step.because)
    left_out = ((path, row) for path, row in rows if row.unsafe and row.source in OWN_PATHS)
    for path, row in dict.fromkeys(left_out):
        yield UnsafeSearchPath(path, row.source, row.where, row.answer)


def owner(packages: Sequence[Package], path: str) -> Package | None:
    """The package in whose library directories the file lies."""
    directory = normpath(dirname(path))
    return next((package for package in packages if directory in package.libraries), None)
