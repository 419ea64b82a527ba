"""The ELF files that are here: of this machine, of the running Python and of the published wheels. Real files, each once."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from findlibs2.formats import elf
from findlibs2.formats.window import Window
from tests.wheels.environments import PYTHON, environment, offered

SYSTEM = "/usr/lib"
MAGIC = b"\x7fELF"
EXECUTABLE = 0o111  # permission to run it; libraries seldom have it


def elf_files(root: str) -> Iterator[str]:
    """Paths of the programs and libraries below a directory, by name; of several links to one file the first.

    Looked at is what can be run and what is called a library: on a machine with 117,000 files below /usr that is one in
    forty, and leaves object files and files of debugging information out, which nobody loads.
    """
    seen = set()
    for entry in below(root):
        status = entry.stat(follow_symlinks=False)
        if not (status.st_mode & EXECUTABLE or ".so" in entry.name) or (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        if begins_as_elf(entry.path):
            yield entry.path


def below(directory: str) -> Iterator[os.DirEntry[str]]:
    """Every regular file, links left out."""
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:  # removed meanwhile, or not ours to read
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from below(entry.path)
        elif entry.is_file(follow_symlinks=False):
            yield entry


def begins_as_elf(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


@functools.cache
def corpus(of: str) -> tuple[str, ...]:
    """Paths of the files of one kind, each content once; of the system: each file.

    "wheels": the published ones of every counter that the running Python has; "wrappers": of the newest counter alone, which
    have what is rare; "given": below the directory that ELF_CORPUS names in the environment.
    """
    if of == "system":
        return tuple(elf_files(SYSTEM))
    roots: dict[str, Iterable[Path | str]] = {
        "interpreter": (sysconfig.get_path("platstdlib"), sysconfig.get_config_var("LIBDIR"), sys.executable),
        "given": filter(None, [os.environ.get("ELF_CORPUS")]),
    }
    if of in ("wheels", "wrappers"):
        every = [environment(counter) for counter in published()]
        roots["wrappers"] = [every[0].site]
        roots["wheels"] = [path for each in every for path in (each.site, each.interfaces)]
    found = distinct(path for root in roots[of] for path in files_below(Path(root)))
    return tuple(sorted(found.values()))


def published() -> tuple[str, ...]:
    """The counters that the running Python has; one that is newer than the newest of them has none."""
    return offered() or pytest.skip(f"missing here: published wheels for Python {PYTHON}")


def files_below(root: Path) -> Iterator[str]:
    if root.is_file():
        yield str(root)
    for directory, below_it, names in os.walk(root):
        below_it[:] = [name for name in below_it if name != "site-packages"]
        yield from (os.path.join(directory, name) for name in names)


def distinct(paths: Iterable[str]) -> dict[bytes, str]:
    """Those with a dynamic section, by their hash."""
    found: dict[bytes, str] = {}
    for path in paths:
        if os.path.islink(path) or not os.path.isfile(path) or not os.access(path, os.R_OK):
            continue
        with open(path, "rb") as file:
            head = file.read(18)
            # Behind debugging information (type 3 as well) there is no dynamic section in the file.
            if head[:4] == b"\x7fELF" and head[16] in (2, 3) and not path.endswith(".debug"):
                found.setdefault(hashlib.sha256(head + file.read()).digest(), path)
    return {key: path for key, path in found.items() if is_dynamic(path)}


def is_dynamic(path: str) -> bool:
    content = Path(path).read_bytes()
    return elf.read(window(content)).needed != () or b".dynsym\0" in content


def window(content: bytes) -> Window:
    return Window("x", len(content), lambda count, offset: content[offset : offset + count])
