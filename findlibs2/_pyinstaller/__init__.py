"""What PyInstaller has to know: which files of a wrapper package go into a frozen program, and which package needs it.

PyInstaller finds this folder through the entry point group `pyinstaller40`. It follows the imports of a program, and no
import leads to a wrapper: the library is asked for by its name, when the program runs. So the hook of an interface
package names its wrapper, and the hook of a wrapper brings its libraries, its data and the wrappers that it declares.
Their `__init__.py` go along as sources beside the archive of compiled modules: what they declare is read there as it is
anywhere else, and nothing has to be imported for it.
"""

from __future__ import annotations

from os.path import dirname

from findlibs2 import files, packages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from findlibs2.model import Package

    Rows = list[tuple[str, str]]  # a file or a directory, and the directory of the frozen program that it goes to

DATA = ("share", "etc")  # below a wrapper: what its libraries read while they work, as masks, grids, languages


def hook_directories() -> list[str]:
    """Where the hooks are. This is what the entry point names."""
    return [dirname(__file__)]


def collected(name: str) -> tuple[Rows, Rows, list[str]]:
    """Data, libraries and hidden imports of one wrapper package; nothing of one that is not installed."""
    package = packages.find(name)[0]
    if package is None:
        return [], [], []
    return list(data(package)), list(libraries(package)), list(package.depends_on or ())


def data(package: Package) -> Iterator[tuple[str, str]]:
    for directory in package.directories:
        for each in sorted(set(DATA) & set(files.listing(directory) or ())):
            yield f"{directory}/{each}", f"{package.name}/{each}"


def libraries(package: Package) -> Iterator[tuple[str, str]]:
    """Each goes where it is found again: as far from the `__init__.py` as it is here."""
    for directory in package.libraries:
        home = next(each for each in package.directories if directory.startswith(dirname(each)))
        for each in files.listing(directory) or ():
            if ".so" in each or each.endswith(".dylib"):
                yield f"{directory}/{each}", directory[len(dirname(home)) + 1 :]
