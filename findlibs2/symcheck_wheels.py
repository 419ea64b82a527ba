"""Libraries inside wheel files: read in place, one member after the other; nothing is unpacked. Cold.

EFFECT: the file system. A wheel is a zip archive by somebody else, so nothing that it says of itself is believed: what
is too large, encrypted, packed by another method or named like a way out of the archive is refused, each with a reason.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator

from .formats import elf, elf_symbols, sniff
from .formats.window import BadFile, Window
from .model import File, FileProblem, Finding, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .formats.elf_symbols import Symbols

MAX_MEMBER = 1 << 30  # bytes; the largest library of a published wheel that is known has 0.9 GB
MAX_WHEEL = 1 << 33  # bytes, of all libraries of one wheel
MAX_RATIO = 200  # a library shrinks to a quarter, one full of tables to a twentieth; deflate itself can do 1 : 1032
SLACK = 1 << 20  # bytes; what is as small as this may shrink as it likes
MAX_MEMBERS = 1 << 17
ENCRYPTED = 1  # zip APPNOTE, 4.4.4: bit 0 of the flags
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what a wheel may use: PyPA, Binary distribution format

# A fifo would hang in open. What is not there under Windows is not needed there.
_OPEN = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# What `zipfile` raises on archives that are none, or no longer.
BROKEN = (zipfile.BadZipFile, struct.error, zlib.error, OSError, EOFError, ValueError, RuntimeError, LookupError)


class Uncheckable(Finding):
    """An input, or a member of a wheel, that is refused before anything is read of it."""

    code = "uncheckable"
    severity = "error"
    path: str
    reason: str


class Content(Record):
    """What was read of one library. `kind` as in `formats.sniff`."""

    file: File
    symbols: Symbols | None  # None: they cannot be read
    kind: str


def is_library(name: str) -> bool:
    """Whether a file is called like a library: libx.so, libx-0a1b2c3d.so.1.1.1k, x.cpython-311.so, x.dylib, x.dll, x.pyd."""
    base = name.rpartition("/")[2].lower()
    return base.endswith((".so", ".dylib", ".dll", ".pyd")) or (".so." in base and not base.endswith(".debug"))


def members(path: str) -> Iterator[Content | Uncheckable]:
    """Every library of a wheel, and what was refused. A member's path is WHEEL/NAME."""
    try:
        with os.fdopen(os.open(path, _OPEN), "rb") as raw:
            if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
                yield Uncheckable(path, "it is no regular file")
                return
            with zipfile.ZipFile(raw) as archive:
                yield from _members(path, archive)
    except BROKEN as error:
        yield Uncheckable(path, f"it is no zip archive that can be read: {_words(error)}")


def _members(path: str, archive: zipfile.ZipFile) -> Iterator[Content | Uncheckable]:
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        yield Uncheckable(path, f"it has {len(entries):,} members; {MAX_MEMBERS:,} are read at most")
        return
    times = Counter(entry.filename for entry in entries)
    total = 0
    for entry in entries:
        if not is_library(entry.filename) or entry.is_dir():
            continue
        total += entry.file_size
        reason = objection(entry, times[entry.filename], total)
        where = f"{path}/{entry.filename}"
        if reason is not None:
            yield Uncheckable(where, reason)
            continue
        try:
            with archive.open(entry) as member:
                content = member.read(entry.file_size)  # at its end the checksum is compared
        except BROKEN as error:
            yield Uncheckable(where, f"it cannot be unpacked: {_words(error)}")
            continue
        yield parsed(where, content)


def objection(entry: zipfile.ZipInfo, times: int, total: int) -> str | None:
    """Why a member is not read; None: it is. `times`: how many have its name; `total`: bytes up to and with this one."""
    parts = entry.orig_filename.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or "\0" in entry.orig_filename or ":" in parts[0]:
        return "its name leads out of the wheel"
    if times > 1:
        return f"the wheel has {times} members of that name"
    if entry.flag_bits & ENCRYPTED:
        return "it is encrypted"
    if entry.compress_type not in METHODS:
        return f"it is compressed by method {entry.compress_type}; wheels use 0 and 8"
    if entry.file_size > MAX_MEMBER or total > MAX_WHEEL:
        return f"it has {entry.file_size:,} bytes, and the wheel {total:,} up to here: more than is read"
    if entry.file_size > MAX_RATIO * entry.compress_size + SLACK:
        return f"{entry.compress_size:,} bytes would become {entry.file_size:,}: no library shrinks like that"
    return None


def parsed(path: str, content: bytes) -> Content:
    """What the bytes of a file say, as `files.read` and `files.symbols` tell it of a file on disk."""
    kind = sniff.kind(content[:4096])
    try:
        window = Window(path, len(content), lambda count, offset: content[offset : offset + count])
        binary = elf.read(window)
    except BadFile as bad:
        code = kind if kind in ("empty", "linker-script") else bad.code
        return Content(File(path, None, None, FileProblem(code, bad.what, bad.offset)), None, kind)
    try:
        return Content(File(path, None, binary), elf_symbols.read(window), kind)
    except BadFile:
        return Content(File(path, None, binary), None, kind)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
