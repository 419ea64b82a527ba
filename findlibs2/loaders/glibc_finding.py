"""Which file the loader of the GNU C library ends at when it searches for a name, and what it remembers of that. Pure.

Where it looks is in `glibc.search`; here is what it does with what is there: elf/dl-load.c, open_path and open_verify.
"""

from __future__ import annotations

from os.path import dirname, isabs

from ..model import Record
from . import glibc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import File
    from .glibc import Place
    from .glibc_process import Installation, Object

SHORTEST = 64  # bytes of a file header
ENOENT, EACCES, EISDIR = 2, 13, 21
# What is said of a file that is none, by the code of its problem.
NO_LIBRARY = {
    "directory": "cannot read file data",
    "empty": "file too short",
    "linker-script": "invalid ELF header",
    "not-a-library": "invalid ELF header",
}
# errno(3), as strerror(3) tells it; before the C library is there, elf/dl-minimal.c knows only few.
ERRORS = {
    ENOENT: "No such file or directory",
    EACCES: "Permission denied",
    20: "Not a directory",
    EISDIR: "Is a directory",
    36: "File name too long",
    40: "Too many levels of symbolic links",
}
AT_START = (ENOENT, EACCES)


class Found(Record):
    """Where a search ended."""

    place: Place | None = None  # None: nowhere
    file: File | None = None
    tried: tuple[str, ...] = ()  # in directories that the loader does not know to be absent
    refused: str | None = None  # in its words


class Finder:
    """Searches for one process. `directories`: those that were looked into, and whether they were there; it is added to."""

    def __init__(self, here: Installation, directories: dict[str, bool], at_start: bool) -> None:
        self.here, self.directories, self.at_start = here, directories, at_start

    def find(self, wanted: str, by: int, objects: Sequence[Object]) -> Found:
        tried: list[str] = []
        left: tuple[str, str] | None = None  # the list of directories of which no more is looked at
        number, other_class = 0, False
        for place in self.places(wanted, by, objects):
            if left == (place.rule, place.by) or not self.is_to_be_tried(place):
                continue
            tried.append(place.path)
            file = self.here.read(place.path)
            outcome = glibc.outcome(file, self.here.host)
            is_there = self.remember(place, outcome != "skipped")
            if outcome != "skipped":
                return self.ended(place, file, tuple(tried), outcome == "taken" or is_mapped(file))
            other_class |= file.binary is not None and file.binary.bits != self.here.host.bits
            number = error(file)
            # open_path: `if (here_any && (err = errno) != ENOENT && err != EACCES)`, "The file exists and is readable, but
            # something went wrong": a ring of links, a name that is too long. The next list is searched all the same.
            if is_listed(place) and not place.below and is_there and number not in (ENOENT, EACCES):
                left = (place.rule, place.by)
        words = f"wrong ELF class: ELFCLASS{96 - self.here.host.bits}" if other_class else self.absent(number)
        return Found(tried=tuple(tried), refused=f"{wanted}: {words}")

    def ended(self, place: Place, file: File, tried: tuple[str, ...], taken: bool) -> Found:
        """At a file, whatever it is."""
        if taken:
            return Found(place, file, tried)
        is_directory = file.problem is not None and file.problem.code == "directory"
        words = no_library(file) + (self.reason(EISDIR) if is_directory else "")
        return Found(place, file, tried, f"{place.path}: {words}")

    def places(self, wanted: str, by: int, objects: Sequence[Object]) -> Iterator[Place]:
        here, ancestry = self.here, []
        loader = objects[by].loader
        while loader is not None:
            ancestry.append(objects[loader].binary)
            loader = objects[loader].loader
        # The loader tries every subdirectory for processors once: whether one is there it does not know before.
        return glibc.search(
            wanted, objects[by].binary, ancestry, here.host, here.cached, here.default_directories, here.processor,
            lambda *_: True,
        )  # fmt: skip

    def is_to_be_tried(self, place: Place) -> bool:
        """open_path: "Skip this directory if we know it does not exist." """
        return self.directories.get(dirname(place.path)) is not False or not is_listed(place)

    def remember(self, place: Place, found: bool) -> bool:
        """Whether the directory is there, as the loader sees it: it looks once, and never at relative ones ("The current
        directory might change and all our saved information would be void").
        """
        directory = dirname(place.path)
        if not is_listed(place) or not isabs(directory):
            return True
        if directory not in self.directories:
            self.directories[directory] = found or self.here.is_directory(directory)
        return self.directories[directory]

    def absent(self, number: int) -> str:
        return f"cannot open shared object file{self.reason(number)}"

    def reason(self, number: int) -> str:
        """What is added to the loader's words; 0: nothing was tried, so nothing went wrong."""
        known = number in (AT_START if self.at_start else ERRORS)
        return f": {ERRORS[number] if known else f'Error {number}'}" if number else ""


def is_listed(place: Place) -> bool:
    """Whether it comes from a list of directories."""
    return place.rule not in ("path", "ld.so.cache")


def is_mapped(file: File) -> bool:
    """Whether a file that is refused is refused only when it is mapped: "only ET_DYN and ET_EXEC can be loaded"."""
    return file.binary is not None and file.binary.kind in ("shared", "executable")


def no_library(file: File) -> str:
    if file.binary is not None:
        return "only ET_DYN and ET_EXEC can be loaded"
    assert file.problem is not None
    if file.problem.code != "directory" and file.identity is not None and file.identity.size < SHORTEST:
        return "file too short"
    return NO_LIBRARY.get(file.problem.code, file.problem.what)


def error(file: File) -> int:
    """The number that opening it ended with (errno); where it is for another machine, that of a file that is not there."""
    said = file.problem.what if file.problem is not None else ""
    return int(said[7:].partition("]")[0]) if said.startswith("[Errno ") else ENOENT
