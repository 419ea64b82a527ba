"""Inputs of the symbol check -> libraries, and what is none. Cold.

EFFECT: the file system, through `files`; directories are walked here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from os.path import join

from . import files, host
from .findings import BadFile
from .formats import sniff
from .model import Binary, File, FileProblem, Finding, Record
from .symcheck_wheels import Content, Uncheckable, is_library, members

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .formats.elf_symbols import Symbols

MAX_ENTRIES = 1_000_000  # of one directory, with all below it
NOT_YET = {"macho": "Mach-O", "pe": "PE"}
# What lies in directories beside libraries, under the name of one: told, and no reproach.
BESIDE = frozenset({"linker-script", "not-a-library", "dangling-link", "link-ring", "special-file", "absent"})
READ = frozenset({"shared", "executable"})


class Library(Record):
    """One library that was given: its headers, its symbols, and under which other paths the same one lies."""

    path: str  # of a member of a wheel: WHEEL/NAME
    origin: str  # the input that brought it
    binary: Binary
    symbols: Symbols | None  # None: they cannot be read
    copies: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the loader knows it by."""
        return self.binary.name or os.path.basename(self.path)


class NotYet(Record):
    """A library of another system, which cannot be checked yet."""

    path: str
    format: str  # "Mach-O" or "PE"


class Beside(Record):
    """A file that was met in a directory or wheel, is called like a library, and is none."""

    path: str
    what: str


class Gathered(Record):
    """All that was found in the inputs, in their order."""

    libraries: tuple[Library, ...]
    findings: tuple[Finding, ...]
    not_yet: tuple[NotYet, ...]
    beside: tuple[Beside, ...]


def is_path(given: str) -> bool:
    """Whether an input is a path and not the name of a library, whatever lies in the current directory."""
    return "/" in given or os.sep in given or "." in given


def gather(inputs: Iterable[str]) -> Gathered:
    """Every library of files, directories and wheels, each once."""
    found = list(_everything(inputs))
    return Gathered(
        merged([each for each in found if isinstance(each, Library)]),
        tuple(each for each in found if isinstance(each, Finding)),
        tuple(each for each in found if isinstance(each, NotYet)),
        tuple(each for each in found if isinstance(each, Beside)),
    )


def _everything(inputs: Iterable[str]) -> Iterator[Library | Finding | NotYet | Beside]:
    seen: set[object] = set()
    for given in inputs:
        for path, asked in _paths(given):
            if isinstance(path, Finding | Beside):
                yield path
                continue
            known = files.identity(path) or path
            if known in seen:
                continue
            seen.add(known)
            if asked and path.endswith(".whl"):
                for each in members(path):
                    yield each if isinstance(each, Uncheckable) else item(each, given, False)
            else:
                yield item(on_disk(path), given, asked)


def _paths(given: str) -> Iterator[tuple[str | Finding | Beside, bool]]:
    """Paths of files, and whether that very file was asked for."""
    if os.path.isdir(given):
        for each in below(given):
            yield each, False
    else:
        yield given, True


def below(top: str) -> Iterator[str | Finding | Beside]:
    """Everything below a directory that is called like a library.

    Links to files are followed; links to directories are not, so there are no rings.
    """
    todo, count = [top], 0
    while todo:
        directory = todo.pop()
        try:
            with os.scandir(directory) as entries:
                listed = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            yield Uncheckable(directory, f"the directory cannot be read: {error.strerror}")
            continue
        count += len(listed)
        if count > MAX_ENTRIES:
            yield Uncheckable(top, f"there are more than {MAX_ENTRIES:,} files below it")
            return
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                continue
            if is_library(entry.name) and not os.path.isdir(entry.path):
                yield entry.path
            elif entry.name.endswith(".whl"):
                yield Beside(entry.path, "a wheel, which is read where it is named itself")
        todo += [entry.path for entry in reversed(listed) if entry.is_dir(follow_symlinks=False)]


def on_disk(path: str) -> Content:
    file = files.read(path)
    kind = "elf" if file.binary is not None else sniff.kind((files.source(path, 4095) or b"")[:4096])
    return Content(file, files.symbols(path) if file.binary is not None else None, kind)


def item(content: Content, origin: str, asked: bool) -> Library | Finding | NotYet | Beside:
    file = content.file
    if file.binary is not None and file.binary.kind in READ and (file.binary.needed or content.symbols is not None):
        return Library(file.path, origin, file.binary, content.symbols)
    if file.binary is not None:
        problem = FileProblem("not-a-library", f"ELF, but no library: {file.binary.kind}")
    else:
        problem = file.problem or FileProblem("not-a-library", "of no known format")
    if content.kind in NOT_YET:
        return NotYet(file.path, NOT_YET[content.kind])
    if not asked and problem.code in BESIDE:
        return Beside(file.path, problem.what)
    return BadFile(file.path, problem)


def merged(libraries: Iterable[Library]) -> tuple[Library, ...]:
    """Copies become one: the same name, the same headers, the same tables."""
    kept: dict[object, Library] = {}
    for each in libraries:
        symbols = each.symbols
        tables = (symbols.strings, symbols.symbols, bytes(symbols.versym)) if symbols is not None else each.path
        key = (each.binary.replace(path=""), tables)
        first = kept.get(key)
        kept[key] = each if first is None else first.replace(copies=(*first.copies, each.path))
    return tuple(kept.values())


# ------------------------------------------------------------------------------------------------- this machine's own


def of_system(name: str, like: Binary) -> Library | None:
    """This machine's own library of a name, where its loader would find it without being told; None: none that fits.

    Only for binaries of the architecture of this process.
    """
    here = host.snapshot()
    if (here.machine, here.bits, here.byteorder) != (like.machine, like.bits, like.byteorder) or "/" in name:
        return None
    places = [entry.path for entry in host.cached(name)]
    for path in (*places, *(join(directory, name) for directory in host.default_directories())):
        file: File = files.read(path)
        if file.binary is not None and file.binary.machine == like.machine and file.binary.bits == like.bits:
            return Library(path, "--system", file.binary, files.symbols(path))
    return None
