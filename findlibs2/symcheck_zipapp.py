"""The symbol check as one file, for machines where nothing is installed. Cold."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from . import writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.abc import Traversable

PACKAGE = "findlibs2"
START = b"#!/usr/bin/env python3\n"
MAIN = "from findlibs2.symcheck import main\n\nraise SystemExit(main())\n"


def build(path: str) -> None:
    """Write it, whole or not at all. Its bytes depend on nothing but findlibs2. Errors: `OSError`."""
    writing.put(path, START + archive(), 0o755)


def archive() -> bytes:
    return writing.archived((("__main__.py", MAIN.encode()), *sources(resources.files(PACKAGE), PACKAGE)))


def sources(directory: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """Every module below, but what only PyInstaller reads."""
    for each in sorted(directory.iterdir(), key=lambda each: each.name):
        where = f"{name}/{each.name}"
        if each.is_dir() and not each.name.startswith("_"):
            yield from sources(each, where)
        elif each.name.endswith(".py"):
            yield where, each.read_bytes()
