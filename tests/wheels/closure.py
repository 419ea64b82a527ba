"""What the wheels say of themselves, read by pyelftools: the second opinion that the acceptance tests go by."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile


class Said(NamedTuple):
    """The dynamic section and the program headers of one file, as far as these tests go."""

    name: str | None  # DT_SONAME
    needed: tuple[str, ...]
    search_path: tuple[str, ...]  # DT_RPATH and DT_RUNPATH, split, as written
    loaded_end: int  # bytes: where the last PT_LOAD ends in the file


@functools.cache
def read(path: Path) -> Said:
    with path.open("rb") as stream:
        segments = list(ELFFile(stream).iter_segments())
        tags = [tag for segment in segments if isinstance(segment, DynamicSegment) for tag in segment.iter_tags()]
        by = {kind: [getattr(tag, kind) for tag in tags if hasattr(tag, kind)] for kind in _KINDS}
        return Said(
            name=by["soname"][0] if by["soname"] else None,
            needed=tuple(by["needed"]),
            search_path=tuple(entry for text in by["rpath"] + by["runpath"] for entry in text.split(":")),
            loaded_end=max(s["p_offset"] + s["p_filesz"] for s in segments if s["p_type"] == "PT_LOAD"),
        )


_KINDS = ("soname", "needed", "rpath", "runpath")


@functools.cache
def libraries(site: Path) -> tuple[Path, ...]:
    """Every shared library of the wrappers in a directory: their own, and those that auditwheel put beside them."""
    return tuple(sorted(path for folder in ("*/lib64", "*.libs") for path in site.glob(f"{folder}/*.so*")))


@functools.cache
def providers(site: Path) -> dict[str, tuple[Path, ...]]:
    """DT_SONAME -> the files that carry it. There are several where a wheel holds copies in place of links."""
    found: dict[str, tuple[Path, ...]] = {}
    for path in libraries(site):
        name = read(path).name
        if name is not None:
            found[name] = (*found.get(name, ()), path)
    return found


def closure(site: Path, file_name: str) -> list[str]:
    """SONAMEs of the wheels' libraries that this library needs, itself among them; sorted."""
    by_name = providers(site)
    todo = [next(said.name for path in libraries(site) if path.name == file_name and (said := read(path)).name)]
    for name in todo:  # grows while it is walked
        todo += [n for n in read(by_name[str(name)][0]).needed if n in by_name and n not in todo]
    return sorted(map(str, todo))


def brought_from_elsewhere(site: Path) -> list[str]:
    """Search directories that are not relative to the file: from the machine on which the wheel was built."""
    entries = {entry for path in libraries(site) for entry in read(path).search_path}
    return sorted(entry for entry in entries if not entry.startswith("$ORIGIN"))


def names(mapped: list[str]) -> Iterator[str]:
    """DT_SONAMEs of mapped files, those that have one (extension modules have none)."""
    return (name for path in mapped if (name := read(Path(path)).name) is not None)
