"""The symbol check as one file, for machines where nothing is installed. Cold.

EFFECT: the file system; writes what a person asked for by name.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from importlib import resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.abc import Traversable

PACKAGE = "findlibs2"
START = b"#!/usr/bin/env python3\n"
MAIN = "from findlibs2.symcheck import main\n\nraise SystemExit(main())\n"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can tell
UNIX = 3  # zip APPNOTE, 4.4.2.2: whose file attributes these are


def build(path: str) -> None:
    """Write it, whole or not at all. Its bytes depend on nothing but findlibs2. Errors: `OSError`."""
    content = START + archive()
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        with open(unfinished, "wb") as file:
            file.write(content)
        os.chmod(unfinished, 0o755)
        os.replace(unfinished, path)
    except OSError:
        try:
            os.unlink(unfinished)
        except OSError:
            pass  # it was never there
        raise


def archive() -> bytes:
    """Stored, not compressed, as what compresses differs between machines."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as file:
        for name, content in (("__main__.py", MAIN.encode()), *sources(resources.files(PACKAGE), PACKAGE)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, 0o100644 << 16
            file.writestr(entry, content)
    return raw.getvalue()


def sources(directory: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """Every module below, but what only PyInstaller reads."""
    for each in sorted(directory.iterdir(), key=lambda each: each.name):
        where = f"{name}/{each.name}"
        if each.is_dir() and not each.name.startswith("_"):
            yield from sources(each, where)
        elif each.name.endswith(".py"):
            yield where, each.read_bytes()
