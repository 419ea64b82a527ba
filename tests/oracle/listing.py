"""What a program or library brings into a process by being started: the loader's own list, and ours.

The loader is run as a program and told to trace (ld.so(8), LD_TRACE_LOADED_OBJECTS: "causes the program to list its
dynamic dependencies [...] instead of running normally"): it maps the file and everything that it needs, and runs nothing
of it. That is what ldd(1) does; with `--list` the first library that is not found would end it.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from findlibs2 import files, host
from findlibs2.loaders import glibc
from findlibs2.model import Binary, Candidate, File, Loaded

BATCH = 200  # files that one shell asks the loader about
# The variables are for the loader alone: the shell itself would list what it needs.
ASK = """loader=$1; shift; export LC_ALL=C
for file; do echo "$file"; LD_TRACE_LOADED_OBJECTS=1 LD_DEBUG=libs "$loader" "$file" 2>&1; echo "ended $?"; done"""
ANSWER = re.compile(r"^(/.*)\n((?:(?!ended \d).*\n)*)ended (\d+)\n", re.MULTILINE)
# elf/rtld.c, rtld_mode_trace: "\t%s => not found\n"; "\t%s => %s (0x%0*zx)\n", and without the arrow where both are alike.
ROW = re.compile(r"^\t(?:(.+) => )?(.+?)(?: \(0x[0-9a-f]+\))?$")
# elf/dl-load.c, where LD_DEBUG=libs tells of one search: each list of directories and the cache as it comes to them. To
# whom a directory belongs is not compared: the loader names who brought it first, for whomever it is searched.
SEARCH = re.compile(r"find library=(.*) \[0\]; searching\n((?: +\d+:\t .*\n)*)")
CACHE, DIRECTORY, PATH = "ld.so.cache", "directory", "path"
VDSO = "linux-vdso.so.1"  # of the kernel; no file
TAKES_NOTHING, NOT_FOUND = "statically linked", "not found"


class Row(NamedTuple):
    """One object of the process, or a request that nothing satisfies."""

    wanted: str  # the name under which it was first asked for
    path: str | None  # the loader's spelling; None: not found
    by: str | None  # CACHE, DIRECTORY or PATH


class Listing(NamedTuple):
    """All of them, in load order. The file itself is left out; so is the loader, which was there first, wherever it is
    listed.
    """

    rows: tuple[Row, ...]
    refused: bool = False  # a file was found that ends everything


# ----------------------------------------------------------------------------------------------------------- the loader


def told(paths: Sequence[str]) -> dict[str, Listing]:
    """What the loader says of each file."""
    loader = interpreter()
    said: dict[str, Listing] = {}
    for start in range(0, len(paths), BATCH):
        command = ["sh", "-c", ASK, "sh", loader, *paths[start : start + BATCH]]
        words = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout
        said |= {path: understood(rows, int(status)) for path, rows, status in ANSWER.findall(words)}
    return said


def interpreter() -> str:
    found = host.interpreter(host.snapshot())
    assert found is not None
    return found


def understood(words: str, status: int) -> Listing:
    searched = {
        wanted: CACHE if "search cache=" in last(tried) else DIRECTORY for wanted, tried in SEARCH.findall(words)
    }
    matches = (ROW.match(line) for line in words.splitlines())
    rows = ((match[1] or match[2], match[2]) for match in matches if match)
    found = (
        Row(wanted, None, None) if path == NOT_FOUND else Row(wanted, path, searched.get(wanted, PATH))
        for wanted, path in rows
        if path not in (VDSO, TAKES_NOTHING, interpreter())
    )
    return Listing((), True) if status else Listing(tuple(found))


def last(tried: str) -> str:
    """Where the last file was tried."""
    return [line for line in tried.splitlines() if "search path=" in line or "search cache=" in line][-1]


# ------------------------------------------------------------------------------------------------------------------- we


class Object:
    """What the loader knows of one object."""

    def __init__(self, file: File, ancestry: tuple[Binary, ...] = ()) -> None:
        assert file.binary is not None, file.problem
        self.binary, self.identity, self.ancestry = file.binary, file.identity, ancestry
        self.names: set[str] = set()  # by which it was found

    def answers(self, wanted: str) -> bool:
        return wanted in self.names or glibc.satisfies(Loaded(self.binary.path, self.binary.name, 0), wanted)


class Refused(Exception):
    """A file was found that ends everything."""


class Walk:
    """Our answer to the same question: elf/dl-deps.c, _dl_map_object_deps, breadth first."""

    def __init__(self, path: str) -> None:
        program, loader = Object(read(path)), Object(read(interpreter()))
        self.here = host.snapshot().replace(executable=program.binary, library_path=None, secure=False)
        self.opened = [loader, program]
        self.rows: list[Row] = []

    def listing(self) -> Listing:
        try:
            for each in self.opened:  # it grows
                for needed in each.binary.needed:
                    self.request(needed.name, each)
        except Refused:
            return Listing((), True)
        return Listing(tuple(self.rows))

    def request(self, needed: str, by: Object) -> None:
        # elf/dl-deps.c, expand_dst: what is asked for, and remembered, is the name with its tokens replaced.
        wanted = next(self.places(needed, by)).path if "/" in needed else needed
        if any(each.answers(wanted) for each in self.opened):
            return
        place, file = self.found(wanted, by) or (None, None)
        known = next((each for each in self.opened if file and each.identity == file.identity), None)
        if known is not None:
            known.names.add(wanted)
            return
        if place is None or file is None:
            self.rows.append(Row(wanted, None, None))
            return
        self.rows.append(Row(wanted, place.path, place.rule if place.rule in (CACHE, PATH) else DIRECTORY))
        self.opened.append(Object(file, (by.binary, *by.ancestry)))

    def found(self, wanted: str, by: Object) -> tuple[glibc.Place, File] | None:
        for place in self.places(wanted, by):
            file = read(place.path)
            outcome = glibc.outcome(file, self.here)
            if outcome == "fatal":
                raise Refused
            if outcome == "taken":
                return place, file
        return None

    def places(self, wanted: str, by: Object) -> Iterator[glibc.Place]:
        return glibc.search(
            wanted, by.binary, by.ancestry, self.here, host.cached, host.default_directories, host.processor, holds
        )


read = functools.cache(files.read)


def holds(place: Candidate, entry: str) -> bool:
    return has(place.directory, entry)


has = functools.cache(host.holds)
