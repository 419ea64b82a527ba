"""Where a library may be outside the wrapper packages: the sources of findlibs 0.1.3, in its order. Effect. Cold.

Whether a file is there is asked through `os`; of a file that is there the headers are read, so that one for another
machine (32-bit beside 64-bit in /usr/lib) is passed by. What is found is judged when something is to be opened.
"""

from __future__ import annotations

import os
import sys
from os.path import abspath, dirname, join, normpath

from . import closure, files, host, legacy, names, trust
from .loaders import glibc
from .model import Considered, File, Record
from .names import Answer, Ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .model import Binary, Host

ROOTS = ("/", "/usr", "/usr/local", "/opt", "/opt/homebrew", "~/.local")
CMAKE_PREFIXES = "CMAKE_PREFIX_PATH"  # cmake-env-variables(7)
# What the dynamic loader would pass by, and what no loader opens: the search goes on. All else is taken, and if it is
# damaged told: a broken library of one's own does not silently become an old one of the system.
PASSED_BY = ("absent", "dangling-link", "link-ring", "directory", "special-file", "linker-script", "not-a-library")


class Place(Record):
    """Directories to look into, under one heading: a prefix, or what a variable names."""

    source: str
    where: str  # as a person knows it
    directories: tuple[str, ...]  # none: a variable is set to nothing
    root: str | None = None  # what has to be there; None: nothing was promised


# ------------------------------------------------------------------------------------------------------- the sources


def python(ask: Ask) -> Answer:
    """The prefix of this Python, the one of a conda environment below it, and CONDA_PREFIX."""
    roots = {root: root for root in (*bundle(), sys.prefix, *conda_below())}
    active = ask.variables.get("CONDA_PREFIX")
    if active:
        roots.setdefault(active, f"CONDA_PREFIX={active}")
    return first(ask, [prefix("python", where, root) for root, where in roots.items()])


def bundle() -> list[str]:
    """Where PyInstaller's program has been unpacked."""
    unpacked = getattr(sys, "_MEIPASS", None)
    return [unpacked] if unpacked is not None else []


def conda_below() -> list[str]:
    """The conda environment on which a virtual environment was made: it need not be active."""
    return [sys.base_prefix] if files.exists(join(sys.base_prefix, "conda-meta")) else []


def home(ask: Ask) -> Answer:
    """<X>_HOME, <X>_DIR, <X>_ROOT: the prefix of an installation, or the directory of its libraries."""
    given = [(name, ask.variables[name]) for name in names.homes(ask.name, ask.pkg_name) if name in ask.variables]
    places = [prefix("home", f"{name}={value}", value) for name, value in given]
    entries = dict.fromkeys(ask.variables.get(CMAKE_PREFIXES, "").split(os.pathsep))
    places += (prefix("home", f"{entry} ({CMAKE_PREFIXES})", entry) for entry in entries if entry)
    if not places:
        known = [stem for stem in names.stems(ask.name, ask.pkg_name) if not stem.islower()]
        suffixes = ",".join((*names.HOME_SUFFIXES, names.CMAKE_SUFFIX))
        return Answer((Considered("home", f"{{{','.join(known)}}}_{{{suffixes}}}, {CMAKE_PREFIXES}", "not set"),))
    return first(ask, places)


def config(ask: Ask) -> Answer:
    """`paths` of the configuration, then the files of findlibs 0.1.3."""
    rows: list[Considered] = []
    places = [
        prefix("config", f"{path.path} ({path.file}, line {path.line})", path.path)
        for path in (ask.settings.paths if ask.settings is not None else ())
    ]
    old = legacy.candidates(ask.variables) if not sys.flags.ignore_environment else []
    for file in old[:1]:
        unsafe = trust.reason(dirname(file), chosen=True) or trust.of_file(file)
        if unsafe is not None:
            rows.append(Considered("config", file, f"not read: {unsafe}"))
            continue
        for entry in legacy.read(file, files.source(file, legacy.MAX_FILE) or b""):
            where = f"{entry.written or 'search paths'} ({file}, line {entry.line})"
            if entry.problem is None:
                places.append(prefix("config", where, entry.path))
            else:
                rows.append(Considered("config", where, entry.problem))
    rows += (Considered("config", file, f"not read: {old[0]} goes first") for file in old[1:])
    if not places and not rows:
        return Answer((Considered("config", "search paths", "none are configured"),))
    answer = first(ask, places)
    return answer.replace(considered=(*rows, *answer.considered))


def library_path(ask: Ask) -> Answer:
    """The directories of LD_LIBRARY_PATH as it is now. An empty entry is the current directory to the loader; not here."""
    value = ask.host.library_path if sys.flags.ignore_environment else ask.variables.get("LD_LIBRARY_PATH")
    if not value:
        return Answer((Considered("library-path", "LD_LIBRARY_PATH", "not set"),))
    entries = dict.fromkeys(value.replace(";", ":").split(":"))  # ld.so(8): colons or semicolons
    places = [Place("library-path", entry, (abspath(entry),), abspath(entry)) for entry in entries if entry]
    answer = first(ask, places)
    if answer.file is None and "" in entries:
        empty = Considered("library-path", "an empty entry", "would be the current directory; not searched")
        return answer.replace(considered=(*answer.considered, empty))
    return answer


def system(ask: Ask) -> Answer:
    """The system's directories and those of a person's own, as findlibs 0.1.3; then the loader's default directories."""
    places = [Place("system", root, subdirectories(os.path.expanduser(root))) for root in ROOTS]
    known = {directory for place in places for directory in place.directories}
    others = [directory for directory in host.default_directories() if normpath(directory) not in known]
    return first(ask, [*places, *(Place("system", directory, (directory,)) for directory in others)])


def ld_cache(ask: Ask) -> Answer:
    """What `ldconfig` has written down, by any name of the library; of several the newest that fits this processor."""
    found = host.cached_names()
    for library in ask.libraries:
        for name in names.spellings(library, found):
            for candidate in cached(ask, name):
                file = files.read(candidate)
                if glibc.outcome(file, ask.host) != "skipped":
                    return Answer((Considered("ld-cache", host.cache_path(), "found", candidate),), file)
    return Answer((Considered("ld-cache", host.cache_path(), f"no {wanted(ask)}"),))


def cached(ask: Ask, name: str) -> Iterator[str]:
    """Where the loader would find the name through its cache, for this processor."""
    program: Binary | None = ask.host.executable
    if ask.host.libc != "glibc" or program is None:
        return
    asked = program.replace(rpath=None, runpath=None)
    for place in glibc.search(
        name, asked, (), ask.host.replace(library_path=None), host.cached, lambda: (), host.processor
    ):
        if place.rule == "ld.so.cache":
            yield place.path


SOURCES: dict[str, Callable[[Ask], Answer]] = {
    "python": python,
    "home": home,
    "config": config,
    "library-path": library_path,
    "system": system,
    "ld-cache": ld_cache,
}

# ----------------------------------------------------------------------------------------------------------- looking


def wanted(ask: Ask) -> str:
    return " or ".join(f"lib{library}.so" for library in ask.libraries)


def subdirectories(root: str) -> tuple[str, ...]:
    """Where a prefix has its libraries: lib, lib64, and lib/x86_64-linux-gnu as on Debian."""
    triplet = getattr(sys.implementation, "_multiarch", None)
    return tuple(join(root, each) for each in ("lib", "lib64", *((f"lib/{triplet}",) if triplet else ())))


def prefix(source: str, where: str, root: str) -> Place:
    """A prefix that somebody named, who may have meant the directory of the libraries itself."""
    if not root:
        return Place(source, where, ())
    path = abspath(os.path.expanduser(root))
    return Place(source, where, (*subdirectories(path), path), path)


def first(ask: Ask, places: Iterable[Place]) -> Answer:
    """The first file that carries a name of the library, is meant for this machine, and lies where only owners write."""
    rows: list[Considered] = []
    seen: trust.Seen = {}
    for place in places:
        for path in candidates(ask, place):
            file = files.read(path)
            objection = passed_by(file, ask.host)
            unsafe = trust.reason(dirname(path), chosen=True, seen=seen) if objection is None else None
            if objection is None and unsafe is None:
                return Answer((*rows, Considered(place.source, place.where, "found", path)), file)
            rows.append(Considered(place.source, path, objection or str(unsafe), unsafe=unsafe is not None))
        rows.append(Considered(place.source, place.where, absence(ask, place)))
    return Answer(tuple(rows))


def candidates(ask: Ask, place: Place) -> Iterator[str]:
    """What is there under a name of the library: in each directory the unversioned name, then the newest version."""
    for directory in place.directories:
        for library in ask.libraries:
            plain = f"lib{library}.so"
            if files.exists(join(directory, plain)):
                yield join(directory, plain)
            versioned = (name for name in names.spellings(library, files.listing(directory) or ()) if name != plain)
            yield from (join(directory, name) for name in versioned)


def passed_by(file: File, host: Host) -> str | None:
    """Why the search goes on after a file that is there; None: it is taken."""
    if file.binary is not None:
        return None if closure.runs(file.binary, host) else f"passed by: made for {closure.machine(file.binary)}"
    problem = file.problem
    return f"passed by: {problem.what}" if problem is not None and problem.code in PASSED_BY else None


def absence(ask: Ask, place: Place) -> str:
    if not place.directories:
        return "set to nothing"
    if place.root is not None and files.listing(place.root) is None:
        return "is no directory" if files.exists(place.root) else "does not exist"
    return f"holds no {wanted(ask)}"
