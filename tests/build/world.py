"""A world for planning that exists only in memory: paths -> what their headers say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os.path import basename, dirname

from findlibs2 import closure
from findlibs2.closure import Avoided, Root, World
from findlibs2.loaders import glibc
from findlibs2.model import (
    Binary,
    CacheEntry,
    Candidate,
    Considered,
    File,
    FileProblem,
    Host,
    Identity,
    Loaded,
    Needed,
    Package,
    Trail,
)

HOST = Host("linux", "glibc", (2, 36), "x86_64", 64, "little")


def binary(path: str, *needed: str, name: str | None = None, **other: object) -> Binary:
    """A shared library for HOST. Its DT_SONAME is its file name unless said otherwise; `name=""`: it has none."""
    soname = (basename(path) if name is None else name) or None
    facts = {"machine": "x86_64", "bits": 64, "byteorder": "little", "stack": "rw", **other}
    return Binary(path, "elf", kind="shared", name=soname, needed=tuple(map(Needed, needed)), **facts)  # type: ignore[arg-type]


def file(of: Binary) -> File:
    return File(of.path, Identity(1, abs(hash(of.path)) % 10**9, 4096, 0), of)


def world(
    *binaries: Binary,
    bad: Mapping[str, FileProblem] | None = None,
    loaded: Iterable[Loaded] | None = (),
    cached: Mapping[str, str] | None = None,
    unsafe: Mapping[str, str] | None = None,
    default_directories: tuple[str, ...] = (),
    different: frozenset[str] = frozenset(),
    links: Mapping[str, str] | None = None,
    host: Host = HOST,
) -> World:
    """`bad`: files that are there and are no libraries; `different`: files whose content is like no other; `links`: other
    ways to a file.
    """
    disk = {each.path: file(each) for each in binaries}
    disk |= {path: File(path, Identity(1, 0, 0, 0), None, problem) for path, problem in (bad or {}).items()}

    def families(directory: str) -> Mapping[str, tuple[str, ...]]:
        return closure.families(tuple(sorted(basename(path) for path in disk if dirname(path) == directory)))

    def avoid(candidate: Candidate) -> Avoided | None:
        reason = (unsafe or {}).get(candidate.directory)
        return Avoided(reason, True) if reason is not None else None

    def entries(name: str) -> tuple[CacheEntry, ...]:
        return tuple(CacheEntry(name, path) for wanted, path in (cached or {}).items() if wanted == name)

    return World(
        host=host,
        loader=glibc,
        loaded=None if loaded is None else tuple(loaded),
        read=lambda path: disk.get(path, File(path, None, None, FileProblem("absent", "no such file"))),
        families=families,
        same_file=lambda one, other: (links or {}).get(one, one) == (links or {}).get(other, other),
        same_content=lambda one, other: not {one.path, other.path} & different,
        avoid=avoid,
        cached=entries,
        default_directories=lambda: default_directories,
    )


def package(name: str, *depends_on: str) -> Package:
    """A wrapper at /site/<name> with its libraries in lib64."""
    return Package(name, (f"/site/{name}",), depends_on, declared=True, libraries=(f"/site/{name}/lib64",))


def root(within: World, name: str, path: str, of: Package | None = None, overridden: bool = False) -> Root:
    return Root(name, within.read(path), of, Trail(name, (Considered("package", "here", "found", path),)), overridden)
