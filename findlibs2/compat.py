"""The public surface of findlibs 0.1.3, on top of findlibs2. Cold.

    import findlibs2.compat as findlibs     # for a package that moves
    findlibs2.compat.install()              # for packages that stay as they are: `import findlibs` means this, process-wide

Importing it does nothing. What differs on purpose stands in docs/reference/compat.md.
"""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from ctypes import CDLL, RTLD_GLOBAL  # noqa: F401 (the second is a name of the surface)
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType

# All that a search may need is imported now, and not while it is going on: to a module that is imported while a test
# pretends another file system (pyfakefs), the pretended one sticks.
from . import errors, files, handles, legacy, locating, overriding, pipeline, places, survey  # noqa: F401
from .model import Considered, Trail

__version__ = "0.1.3+findlibs2"  # PEP 440: `==0.1.3` admits it

EXTENSIONS = defaultdict(lambda: ".so", darwin=".dylib", win32=".dll")
EXTENSIONS_RE = defaultdict(lambda: r"^.*\.so(.[0-9]+)?$", darwin=r"^.*\.dylib$", win32=r"^.*\.dll$")

NAME = "findlibs"
# What a module of that name gets. findlibs 0.1.3 has more names; these are the ones that somebody uses.
SHARED = (
    "CDLL", "EXTENSIONS", "EXTENSIONS_RE", "Path", "RTLD_GLOBAL", "__version__", "_found", "_get_paths_from_config",
    "_mode", "_not_found",
)  # fmt: skip
# And these as functions of its own: where they look a name up, there it can be replaced.
SETTLED = ("find", "load")


def find(lib_name: str, pkg_name: str | None = None) -> str | None:
    """The path of a library, which ctypes or cffi can open as it is; None: no source has it.

    For that, what it needs from wrapper packages is opened as `findlibs2.load` does, and it is itself kept open; a library
    from outside of these is left to the loader. `findlibs2.find` looks without any effect.
    Errors: as `findlibs2.load`, but None where no source has the library, and where none can have one of that name.
    """
    return _found(lib_name, pkg_name)


def load(lib_name: str, pkg_name: str | None = None) -> CDLL:
    """What `find` finds, opened by `CDLL`, as visible as the stack is.

    Errors: as `findlibs2.load`, and the loader's `OSError`.
    """
    path = find(lib_name, pkg_name)
    if not path:
        raise _not_found(lib_name, pkg_name)
    return CDLL(path, mode=_mode(path))


def _get_paths_from_config() -> list[Path]:
    """The directories that the configuration file of findlibs 0.1.3 names, in its order; empty: no file, or none in it.

    Errors: `ValueError` for two files, and for lines that are no absolute path of a directory, all of them at once.
    """
    there = legacy.candidates()
    if len(there) > 1:
        raise ValueError(f"there are {len(there)} configuration files; delete all but one of {', '.join(there)}")
    if not there:
        return []
    content = files.source(there[0], legacy.MAX_FILE)
    if content is None or len(content) > legacy.MAX_FILE:
        raise ValueError(f"{there[0]} cannot be read, or is too long for a configuration file")
    entries = legacy.read(there[0], content)
    problems = [(entry.line, entry.written, entry.problem or no_directory(entry.path)) for entry in entries]
    wrong = [f"line {line}, {written!r}: {problem}" for line, written, problem in problems if problem]
    if wrong:
        raise ValueError(f"{there[0]} names what cannot be searched: {'; '.join(wrong)}")
    return [Path(entry.path) for entry in entries]


# ------------------------------------------------------------------------------------------------- behind the surface


def _found(lib_name: str, pkg_name: str | None) -> str | None:
    """What `find` answers. To findlibs 0.1.3 an empty name of a package was none."""
    try:
        return prepare(lib_name, pkg_name or None)
    except errors.BadNameError:
        return None


def _mode(path: str) -> int:
    """RTLD_GLOBAL, but for what is in the private scope and is to stay there."""
    return handles.mode(path)


def _not_found(lib_name: str, pkg_name: str | None) -> errors.NotFoundError:
    """What `load` raises where `find` said None."""
    try:
        located = locating.locate(lib_name, pkg_name or None)
    except errors.BadNameError as error:
        row = Considered("name", repr(error.name), error.reason)
        return errors.NotFoundError(str(lib_name), Trail(str(lib_name), (row,)))
    if located.file is not None:  # so the None is not ours
        row = Considered("find", f"{NAME}.find", "was replaced, and answered None")
        return errors.NotFoundError(lib_name, Trail(lib_name, (row,)))
    return locating.not_found(lib_name, pkg_name or None, located.trail)


def no_directory(path: str) -> str | None:
    """Why this is no directory; None: it is one."""
    place = Path(path)
    if place.is_dir():
        return None
    return "is a file; write the directory that holds its lib" if place.exists() else "does not exist"


def prepare(name: str, pkg_name: str | None = None) -> str | None:
    """The path of a library, all that it needs being open, so that ctypes or cffi can open it by that path.

    None: no source has it. Where the process has the library already, that one's path. The library itself is kept open,
    visible to nobody (`handles.keep`). For a library that is not from a wrapper nothing is opened: what it needs is the
    loader's business. Errors: as `load`.
    """
    try:
        known = handles.prepared.get((name, pkg_name))
    except TypeError:  # as in `load`
        known = None
    if known is not None:
        return known
    located = locating.locate(name, pkg_name)
    if located.package is None and not located.overridden:
        locating.refuse(name, located)
        return located.file.path if located.file is not None else None
    root = locating.ready(name, located)
    options = pipeline.wishes(name, None, None)
    handles.ready(name)
    if root.file.path in handles.held:
        return root.file.path
    stack = locating.stack([root.package], importing=name)
    with handles.lock:
        drawn, manner = pipeline.decided(root, stack, options)
        needs = tuple(step for step in drawn.steps if step.path != root.file.path)
        pipeline.open_all(name, drawn if manner.is_whole(drawn) else drawn.replace(steps=needs), manner, options)
        handles.keep(name, drawn.targets[0])
        return handles.prepared.setdefault((name, pkg_name), drawn.targets[0])


# -------------------------------------------------------------------------------------------------------- installation


def install() -> ModuleType:
    """Make `import findlibs` mean this, from now on, in the whole process, whichever was imported first. The module.

    Of a module that was imported already the attributes are replaced: who wrote `import findlibs` gets the new ones. A
    function taken before, by `from findlibs import find`, stays the old one. Doing it again changes nothing.
    """
    # First the way to it, then the module. What another thread starts to import after the next line is ours; what it is
    # importing now, import_module waits for, behind the lock that the import system has for each module.
    if importer not in sys.meta_path:
        sys.meta_path.insert(0, importer)
    module = importlib.import_module(NAME)
    if getattr(module.__spec__, "loader", None) is not importer:
        importer.exec_module(module)
        spec = importer.spec()  # last: it says that all is there
        vars(module).update(__spec__=spec, __loader__=importer, __file__=spec.origin, __cached__=spec.cached)
    return module


class Importer:
    """Finds `findlibs` before anybody else does, and fills it: a finder and a loader of the import system (PEP 451)."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return self.spec() if fullname == NAME else None

    def spec(self) -> ModuleSpec:
        # A loader need not derive from importlib.abc.Loader, whose module imports more than all of this one.
        spec = ModuleSpec(NAME, self, origin=__file__)  # type: ignore[arg-type]
        spec.has_location = True  # so `findlibs.__file__` says where its code stands
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """A module as all others."""

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = __doc__
        vars(module).update({name: globals()[name] for name in SHARED})
        vars(module).update({name: settled(globals()[name], module) for name in SETTLED})


importer = Importer()


def settled(function: FunctionType, module: ModuleType) -> FunctionType:
    """A function of this module as a function of that one: it looks names up there, and is pickled as that one's."""
    own = FunctionType(function.__code__, vars(module), function.__name__, function.__defaults__)
    own.__annotations__ = dict(function.__annotations__)
    return own
