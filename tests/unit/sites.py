"""Site directories to find packages in, and the import system as it was when a test is over."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import py_compile
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from findlibs2 import packages
from findlibs2.model import Considered, Package

NAME = "findlibs2_test_alib"  # never installed
LITERAL = '__version__ = "1.2"\ndepends_on = ["blib"]\n'
RAISING = LITERAL + 'raise RuntimeError("it was executed")\n'


@pytest.fixture(autouse=True)
def import_system() -> Iterator[None]:
    """The path, the finders and the modules as they were."""
    before = list(sys.path), list(sys.meta_path), dict(sys.path_importer_cache)
    yield
    sys.path[:], sys.meta_path[:] = before[0], before[1]
    for name in [name for name in sys.modules if name.startswith("findlibs2_test_")]:
        del sys.modules[name]
    sys.path_importer_cache.clear()
    sys.path_importer_cache.update(before[2])


def on_path(*entries: Path | str) -> None:
    sys.path[:] = [*map(str, entries), *sys.path]


def wrapper(site: Path, source: str | None = LITERAL, *files: str, name: str = NAME) -> Path:
    """A package below *site*, with empty files in it; `source` None: without an __init__."""
    package = site / name
    for file in files:
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).touch()
    package.mkdir(parents=True, exist_ok=True)
    if source is not None:
        (package / "__init__.py").write_text(source)
    return package


def found(name: str = NAME) -> Package:
    package, rows = packages.find(name)
    assert package is not None, rows
    assert rows == ()
    return package


def not_found(name: str = NAME) -> str:
    """The reason of the only row."""
    package, rows = packages.find(name)
    (row,) = rows
    assert (package, row) == (None, Considered("package", name, row.answer))
    return row.answer


def read(directory: Path, libraries: Sequence[Path] = ()) -> Package:
    """The package with the literal declaration in a directory."""
    init = str(directory / "__init__.py")
    return Package(NAME, (str(directory),), ("blib",), True, "1.2", tuple(map(str, libraries)), init)


class Finder:
    """A finder on the meta path, as editable installs have them."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self.find = find

    def find_spec(self, name: str, path: object, target: object = None) -> Any:
        return self.find(name) if name == NAME else None


def put(kind: str, site: Path) -> None:
    """One of the things that a directory of the path can hold under a name."""
    site.mkdir(parents=True)
    package = site / NAME
    if "package" in kind:
        wrapper(site)
    if kind == "directory":
        package.mkdir()
    if "module" in kind:
        (site / f"{NAME}.py").touch()
    if kind == "file":
        package.touch()
    if kind == "library":
        (site / f"{NAME}.so").touch()
    if "extension" in kind:
        wrapper(site, None, f"__init__{importlib.machinery.EXTENSION_SUFFIXES[0]}")
    if kind == "compiled":
        wrapper(site)
        py_compile.compile(str(package / "__init__.py"), str(package / "__init__.pyc"))
        (package / "__init__.py").unlink()


KINDS = (
    "nothing",
    "package",
    "directory",
    "module",
    "package, module",
    "package, extension",
    "library",
    "compiled",
)
