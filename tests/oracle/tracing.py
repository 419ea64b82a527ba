"""What the loader misses when it opens libraries together, told by itself: ld.so(8), LD_TRACE_LOADED_OBJECTS and LD_WARN.

It maps everything, runs nothing of it, and names each symbol and each version that it does not find.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from findlibs2 import link
from findlibs2.formats import elf, elf_symbols
from findlibs2.formats.elf_symbols import Symbols
from findlibs2.formats.window import Window
from findlibs2.loaders import glibc_symbols

PROGRAM = "/bin/true"
MAPPED = re.compile(r"^\t(?:.* => )?(/.*) \(0x", re.MULTILINE)
SYMBOL = re.compile(r"^undefined symbol: (\S+?)(?:, version (.*))?\t\((.*)\)$", re.MULTILINE)
NOT_DEFINED = re.compile(
    r"^symbol (\S+), version (.*) not defined in file \S+ with link time reference\t\((.*)\)$", re.MULTILINE
)
VERSION = re.compile(r": (/\S+): version `(.*)' not found \(required by (.*)\)$", re.MULTILINE)


class Told(NamedTuple):
    """What is missing."""

    symbols: frozenset[tuple[str, str | None, str]]  # name, version, the file that refers to it
    versions: frozenset[tuple[str, str, str]]  # the file that lacks it, the version, the file that wants it


class Traced(NamedTuple):
    told: Told
    mapped: tuple[str, ...]  # paths of what was searched


def trace(paths: Sequence[Path | str]) -> Traced:
    """The loader opens the libraries in this order, and what they need."""
    variables = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "yes", "LD_BIND_NOW": "yes", "LC_ALL": "C"}
    variables["LD_PRELOAD"] = ":".join(map(str, paths))
    done = subprocess.run([PROGRAM], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    symbols = [(name, version or None, by) for name, version, by in SYMBOL.findall(done.stderr)]
    symbols += NOT_DEFINED.findall(done.stderr)
    told = Told(frozenset(symbols), frozenset(VERSION.findall(done.stderr)))
    assert len(done.stderr.splitlines()) == len(symbols) + len(told.versions), done.stderr
    return Traced(told, (PROGRAM, *MAPPED.findall(done.stdout)))


class Reader:
    """Symbols by path; a file that stays is read once."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str | None, Symbols]] = {}

    def read(self, path: str) -> tuple[str | None, Symbols]:
        if path not in self.known:
            content = Path(path).read_bytes()
            window = Window(path, len(content), lambda count, offset: content[offset : offset + count])
            self.known[path] = (elf.read(window).name, elf_symbols.read(window))
        return self.known[path]

    def missing(self, mapped: Sequence[str]) -> Told:
        """What we say of the same files."""
        read = {path: self.read(path) for path in mapped}
        by_name = {str(name).encode(): (path, symbols) for path, (name, symbols) in read.items()}
        found = link.missing(
            {path: symbols for path, (_, symbols) in read.items()},
            [symbols for _, symbols in read.values()],
            lambda name: by_name[name][1] if name in by_name else None,
        )
        symbols = {
            (each.name.decode(), each.version.decode() if each.version else None, path)
            for each in found
            for path in each.by
        }
        return Told(frozenset(symbols), frozenset(self.lacking(read, by_name)))

    def lacking(
        self, read: Mapping[str, tuple[str | None, Symbols]], by_name: Mapping[bytes, tuple[str, Symbols]]
    ) -> set[tuple[str, str, str]]:
        return {
            (by_name[file][0], version.decode(), path)
            for path, (_, symbols) in read.items()
            for file, version, weak in symbols.needed_versions()
            if not weak and file in by_name and glibc_symbols.lacks(by_name[file][1], version)
        }
