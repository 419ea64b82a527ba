"""EFFECT: files that a person asked for, written whole or not at all, the same to the byte wherever that is done. Cold."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive can tell
UNIX = 3  # zip APPNOTE, 4.4.2.2: whose file attributes these are; written the same on every system
REGULAR = 0o100644 << 16  # a plain file that everybody may read, where Unix keeps it


def put(path: str, content: bytes, mode: int | None = None) -> None:
    """Write a file under another name, and rename it when it is complete. `mode` None: as the system has it."""
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        with open(unfinished, "wb") as file:
            file.write(content)
        if mode is not None:
            os.chmod(unfinished, mode)
        os.replace(unfinished, path)
    except OSError:
        try:
            os.unlink(unfinished)
        except OSError:
            pass  # it was never there
        raise


def archived(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip archive: stored, not compressed, as what compresses differs between machines."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as file:
        for name, content in members:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, REGULAR
            file.writestr(entry, content)
    return raw.getvalue()
