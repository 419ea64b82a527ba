"""What the generated object names where the loader is musl's. Effect: the loader; memory files, or links at worst.

musl's loader knows an object by the name of its file, and only once a search has found it; what was opened by its path
has no name, and would be opened a second time by whoever needs it (ldso/dynlink.c, load_library). But "if this library was
previously loaded with a pathname but a search found the same inode, setup its shortname so it can be found by name". So the
object names every file twice: by its path, then by an alias that only the object's own search path leads to. Its own
entries are all opened before those of the files (load_deps): then each file is known, and nothing is searched for any more.
LD_LIBRARY_PATH, which goes before all else, changes nothing, and `$ORIGIN` of a file is the directory where it lies.
"""

from __future__ import annotations

import os
from os.path import basename, isabs

from . import files, host, process, scopes, trust
from .formats import elf_object
from .loaders import musl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DESCRIPTORS = "/proc/self/fd"
ALIAS = "findlibs2-{}"  # of a link; a bare name, which LD_LIBRARY_PATH should not lead to


def open_object(needed: Sequence[str], mode: int) -> tuple[str, int] | None:
    """As `scopes.open_object`: the name and the handle of the object; None: the loader took it from nowhere."""
    named = [place(entry) for entry in needed]
    paths = [path for path in dict.fromkeys(named) if isabs(path)]
    links = renamed(paths)
    opened = None if links else open_in_memory(named, paths, mode)
    return opened or open_from_file(named, paths, links, mode)


def place(entry: str) -> str:
    """The path of what is in the process under a bare name; a bare name that the loader knows by itself stays one."""
    if "/" in entry or musl.is_reserved(entry):
        return entry
    loaded = process.loaded() or ()
    return next((each.path for each in loaded if isabs(each.path) and musl.can_stand_for(each, entry)), entry)


def renamed(paths: Sequence[str]) -> dict[str, str]:
    """DT_SONAME -> path, of files that are called otherwise: linkers write the former into whoever needs them."""
    found: dict[str, str] = {}
    there = {basename(path) for path in paths}
    for path in paths:
        binary = files.read(path).binary
        if binary is not None and binary.name is not None and binary.name not in there and "/" not in binary.name:
            found.setdefault(binary.name, path)
    return found


def open_in_memory(named: Sequence[str], paths: Sequence[str], mode: int) -> tuple[str, int] | None:
    """With descriptors as aliases: `17`, found in /proc/self/fd. None: no such thing here, or no /proc."""
    descriptors: list[int] = []
    try:
        descriptors += (os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in paths)
        return scopes.open_in_memory(content((*named, *map(str, descriptors)), DESCRIPTORS), mode)
    except OSError as error:
        if error.errno is None:  # the loader's own words, about a library
            raise
        return None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def open_from_file(
    named: Sequence[str], paths: Sequence[str], links: Mapping[str, str], mode: int
) -> tuple[str, int] | None:
    """With links as aliases, beside the object, in a directory where nobody else can write; removed at once."""
    aliases = {ALIAS.format(number): path for number, path in enumerate(paths)}
    opened = (open_below(below, named, {**aliases, **links}, tuple(aliases), mode) for below in scopes.places())
    return next(filter(None, opened), None)


def open_below(
    below: str, named: Sequence[str], links: Mapping[str, str], aliases: Sequence[str], mode: int
) -> tuple[str, int] | None:
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory(prefix=f"{scopes.NAME}-", dir=below) as directory:
            if trust.reason(directory) is not None or "$" in directory or ":" in directory:
                return None
            for name, path in links.items():
                os.symlink(path, f"{directory}/{name}")
            return scopes.open_written(f"{directory}/{scopes.NAME}", content((*named, *aliases), directory), mode)
    except OSError as error:
        if error.errno is None:
            raise
        return None


def content(needed: Sequence[str], search_path: str) -> bytes:
    here = host.snapshot()
    return elf_object.generate(here.machine, here.bits, here.byteorder, needed, rpath=search_path)
