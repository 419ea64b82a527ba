"""EFFECT: the import system -> Package. Modules are located as `import` would do it; none is imported or executed.

Only `imported` imports, as the documented protocol says, and only `load` calls it.
"""

from __future__ import annotations

import os
import sys
from os.path import basename, dirname, isabs, join, normpath

from . import closure, declaration, files, names
from .declaration import MAX_SOURCE, Declaration
from .model import Considered, Package, Record
from .names import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .model import File, Finding, Host

HOMES = ("lib64", "lib", ".dylibs")  # of libraries, below a package; .dylibs: delocate
SITES = ("site-packages", "dist-packages")
BUILT_IN = "_frozen_importlib_external"  # the module of PathFinder and FileFinder
SPLITTING = (b"extend_path", b"declare_namespace")  # pkgutil's and pkg_resources' ways to split a package


class Place(Record):
    """Where the import system has a module: of an import specification, what we use."""

    locations: tuple[str, ...] | None  # as they are given, whether they exist or not; None: it is no package
    origin: str | None = None  # path of the __init__, or "frozen"; None: there is none (namespace)
    loader: object = None
    source: bytes | None = None  # where it was read while looking


def find(name: str) -> tuple[Package | None, tuple[Considered, ...]]:
    """The package that `import name` would import, read; else None, and the last row says why."""
    if name in sys.modules and sys.modules[name] is None:  # Language Reference, 5.3.1: None forbids the import
        return None, (Considered("package", name, "its import is forbidden: sys.modules holds None"),)
    place, rows = (in_process(sys.modules[name]), ()) if name in sys.modules else installed(name)
    if place is None:
        return None, (*rows, Considered("package", name, "not installed"))
    if place.locations is None:
        return None, (*rows, Considered("package", name, f"a module, not a package: {place.origin or 'built in'}"))
    return described(name, place), rows


# ------------------------------------------------------------------------------------------------------ where a name is


def in_process(module: object) -> Place:
    """Where an imported module says that it is."""
    try:
        # Past __getattribute__, with which a lazy module (importlib.util.LazyLoader) would start to execute itself.
        namespace = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return Place(None, f"an object of {type(module).__name__} in sys.modules")
    path, spec = namespace.get("__path__"), namespace.get("__spec__")
    origin = namespace.get("__file__") or getattr(spec, "origin", None)
    return Place(None if path is None else tuple(path), origin, namespace.get("__loader__"))


def installed(name: str) -> tuple[Place | None, tuple[Considered, ...]]:
    """The answer of the first finder that has one. Finders remember directories, so on a miss they look again."""
    place, rows = ask(name)
    if place is None:
        forget()
        place, rows = ask(name)
    return place, rows


def ask(name: str) -> tuple[Place | None, tuple[Considered, ...]]:
    # Language Reference, 5.3.4, The meta path: the finders are queried in order, with the path None for a top-level
    # module; the first that does not answer None decides.
    rows: list[Considered] = []
    for finder in tuple(sys.meta_path):
        answer = attempt(finder, name)
        if isinstance(answer, Place):
            return answer, tuple(rows)
        rows += answer
    return None, tuple(rows)


def attempt(finder: Any, name: str) -> Place | tuple[Considered, ...]:
    """Where one finder has the module; else why not, which is worth a row only where the finder broke."""
    try:
        if getattr(finder, "__name__", "") == "PathFinder" and finder.__module__ == BUILT_IN:
            return on_path(finder, name) or ()
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(name, None) if find_spec is not None else None
        return placed(spec) if spec is not None else ()
    except Exception as error:
        called = getattr(finder, "__qualname__", type(finder).__qualname__)
        return (Considered("package", name, f"the finder {called} failed: {type(error).__name__}: {error}"),)


def placed(spec: Any) -> Place:
    locations = spec.submodule_search_locations
    return Place(None if locations is None else tuple(locations), spec.origin, spec.loader)


def on_path(finder: Any, name: str) -> Place | None:
    """What PathFinder answers, entry by entry: a plain package takes one path operation, FileFinder five."""
    # PEP 420, Specification: along the path the first module or regular package wins; directories without __init__ are
    # remembered, and are the portions of a namespace package where nothing else is found.
    portions: list[str] = []
    for entry in tuple(sys.path):
        if isinstance(entry, str):
            place = plain(entry, name)
            spec = None if place is not None else finder.find_spec(name, [entry])
            if place is not None or (spec is not None and spec.loader is not None):
                return place or placed(spec)
            portions += spec.submodule_search_locations if spec is not None else ()
    return Place(tuple(portions)) if portions else None


def plain(entry: str, name: str) -> Place | None:
    """A regular package in a directory where packages are usual; None: FileFinder has to look.

    In one directory nothing goes before a package (importlib, FileFinder.find_spec). A relative entry is left to the
    finder, which knows the current directory of the time when the entry was first looked at.
    """
    if basename(entry) not in SITES or not isabs(entry):
        return None
    finder: Any = type(sys.path_importer_cache.get(entry))
    if finder.__name__ != "FileFinder" or finder.__module__ != BUILT_IN:
        return None
    init = join(entry, name, "__init__.py")
    source = files.source(init, MAX_SOURCE)
    return Place((join(entry, name),), init, source=source) if source is not None else None


def forget() -> None:
    """Let the finders of the path forget what they saw, as importlib.invalidate_caches does.

    That one imports importlib.metadata as well, to let it forget: more work than a whole load.
    """
    for entry, finder in tuple(sys.path_importer_cache.items()):
        if finder is None:  # it was no directory then
            sys.path_importer_cache.pop(entry, None)
        elif hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()


# --------------------------------------------------------------------------------------------------------- what it says


def described(name: str, place: Place) -> Package:
    """The package at a place, its source read, its directories listed, each once."""
    source = place.source if place.source is not None else source_at(place)
    split = source is not None and name not in sys.modules and any(word in source for word in SPLITTING)
    locations = (*(place.locations or ()), *(portions(name) if split else ()))
    listings = listed(locations)
    archive = None if listings else archive_of(locations)
    if archive is not None:
        return zipped(name, place, source, archive)
    said = declared(name, place, source, next(iter(listings.values()), ()))
    return Package(
        name,
        tuple(listings),
        said.depends_on,
        said.declared,
        said.version,
        libraries(name, listings),
        absolute(place.origin) if source is not None and place.origin is not None else None,
        said.problems,
        said.visibility,
    )


def source_at(place: Place) -> bytes | None:
    """The source of the __init__; None: it has none, or none that can be read."""
    if place.origin is None or not place.origin.endswith(".py"):
        return None
    found = files.source(place.origin, MAX_SOURCE)
    if found is None and type(place.loader).__name__ == "zipimporter":
        try:
            unzipped: bytes = place.loader.get_data(place.origin)  # type: ignore[attr-defined]
        except OSError:
            return None
        return unzipped
    return found


def portions(name: str) -> list[str]:
    """The same name below every entry of the path, as pkgutil.extend_path joins them."""
    return [join(entry, name) for entry in sys.path if isinstance(entry, str)]


def listed(locations: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The directories among the locations, absolute, each with the names in it."""
    there = ((path, files.listing(path)) for path in dict.fromkeys(map(absolute, locations)))
    return {path: names for path, names in there if names is not None}


def absolute(path: str) -> str:
    """The path from the root, without "." and "..". Links are followed only for a "..", which may stand behind one."""
    if not isabs(path):
        try:
            path = join(os.getcwd(), path)  # as FileFinder makes entries of the path absolute, '' among them
        except OSError:  # the current directory was removed: nothing is below it
            return path
    return os.path.realpath(path) if ".." in path.split("/") else normpath(path)


def archive_of(locations: Iterable[str]) -> str | None:
    """The file that a location is, or lies inside; None: there is no such file."""
    for location in locations:
        path = location
        while path != dirname(path) and not files.exists(path):
            path = dirname(path)
        if files.listing(path) is None and files.exists(path):
            return path
    return None


def zipped(name: str, place: Place, source: bytes | None, archive: str) -> Package:
    from .notes import ZippedWrapper

    said = declared(name, place, source, ())
    problems = (ZippedWrapper(name, archive), *said.problems)
    return Package(name, (), said.depends_on, said.declared, said.version, init=place.origin, problems=problems)


def declared(name: str, place: Place, source: bytes | None, listing: Iterable[str]) -> Declaration:
    """What the __init__ declares; a package without one declares nothing."""
    if place.origin is None:
        return Declaration()
    # importlib, _get_supported_file_loaders: extension modules go before sources, and sources before compiled code.
    extension = next((each for each in listing if each.startswith("__init__.") and each.endswith(".so")), None)
    if source is not None and extension is None:
        return declaration.read(source, absolute(place.origin), name)
    reason = f"its __init__ is no source: {extension or basename(place.origin)}"
    if place.origin.endswith(".py") and extension is None:
        reason = "its source cannot be read"
    return declaration.unknown(name, None, reason).replace(declared=False)


# ----------------------------------------------------------------------------------------------- where libraries can be


def libraries(name: str, listings: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The directories that may hold libraries, in search order."""
    return tuple(dict.fromkeys(home for directory, names in listings.items() for home in homes(name, directory, names)))


def homes(name: str, directory: str, names: tuple[str, ...]) -> Iterator[str]:
    """Below the package, in itself, and where auditwheel puts what it vendors: <name>.libs beside it."""
    for home in HOMES:
        if home in names:
            yield join(directory, home)
            if home == "lib":
                yield from multiarch(join(directory, home))
    if any(each.startswith("lib") and (".so" in each or each.endswith(".dylib")) for each in names):
        yield directory
    vendored = join(dirname(directory), f"{name}.libs")
    if files.exists(vendored):
        yield vendored


def multiarch(lib: str) -> Iterator[str]:
    """lib/x86_64-linux-gnu, where CMake's GNUInstallDirs installs to on Debian."""
    triplet = getattr(sys.implementation, "_multiarch", None)
    if triplet and files.exists(join(lib, triplet)):
        yield join(lib, triplet)


# --------------------------------------------------------------------------------------------------- the library in it


def holds(found: Package, library: str, host: Host, considered: list[Considered]) -> Answer | None:
    """The library in the package: the first file that this process can load; else the first that is there at all."""
    unfit: list[File] = []
    for path in paths(found, library):
        file = files.read(path)
        if file.problem is not None and file.problem.code == "absent":
            continue
        if closure.fits(file, host):
            considered.append(Considered("package", found.name, "found", path))
            return Answer(tuple(considered), file, found, passed_over(unfit, path))
        unfit.append(file)
    if unfit:
        considered.append(Considered("package", found.name, "found", unfit[0].path))
        return Answer(tuple(considered), unfit[0], found)
    where = ", ".join(found.libraries or found.directories)
    considered.append(Considered("package", where, f"{found.name} holds no lib{library}.so"))
    return None


def paths(found: Package, library: str) -> Iterator[str]:
    """Where the library would be, best first. The unversioned name, nearly always right, is given without a look."""
    for directory in found.libraries:
        plain = f"lib{library}.so"
        yield join(directory, plain)
        for name in names.spellings(library, files.listing(directory) or ()):
            if name != plain:
                yield join(directory, name)


def passed_over(unfit: list[File], taken: str) -> tuple[Finding, ...]:
    if not unfit:
        return ()
    from .notes import PassedOver

    return tuple(PassedOver(file.path, file.problem, taken) for file in unfit if file.problem is not None)


# ------------------------------------------------------------------------------------------------------------- import


def imported(package: Package, library: str) -> Package:
    """The package, imported, with the dependencies that its attributes name then.

    Runs foreign code: never call it with a lock held. Errors: `RefusedError`, which names the library that is being
    loaded, for all that the import raises but KeyboardInterrupt.
    """
    try:
        module = __import__(package.name)
        values = {each: getattr(module, each) for each in declaration.BOUND if hasattr(module, each)}
        said = declaration.of_attributes(
            values, declaration.Source(source_of(package), package.init or "", package.name)
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a declaration must not end the process
        raise refused(package, library, error) from error
    now = find(package.name)[0] or package  # its path may have grown
    kept = tuple(problem for problem in now.problems if problem.code == "zipped-wrapper")
    return now.replace(
        depends_on=said.depends_on,
        declared=said.declared,
        version=now.version or said.version,
        visibility=now.visibility or said.visibility,
        problems=(*kept, *said.problems),
    )


def source_of(package: Package) -> bytes:
    return (files.source(package.init, MAX_SOURCE) if package.init is not None else None) or b""


def refused(package: Package, library: str, error: BaseException) -> Exception:
    from .errors import RefusedError
    from .findings import WrapperFailed

    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    return RefusedError(library, (WrapperFailed(package.name, package.init, words),))
