"""EFFECT: the file system. The only door to it: what is at a path, and what it says.

Nothing here raises for a bad file, or for none.
"""

from __future__ import annotations

import errno
import os
import stat

from .formats import elf
from .formats.window import BadFile, Window
from .model import File, FileProblem, Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from .formats.elf_demands import Demands
    from .formats.elf_symbols import Symbols
    from .model import Binary

    Answer = TypeVar("Answer")

# A fifo without a writer would hang in open; a terminal would become ours. Python itself adds O_CLOEXEC.
_OPEN = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_CHUNK = 1 << 20  # bytes compared at once

# What open says -> the code of the problem; any other number: "unreadable".
_OPEN_PROBLEMS = {
    errno.ENOENT: "absent",
    errno.ENOTDIR: "absent",
    errno.ENAMETOOLONG: "absent",
    errno.ELOOP: "link-ring",
    errno.ENXIO: "special-file",  # open(2): a socket
    errno.ENODEV: "special-file",
}
_SPECIAL = {
    stat.S_IFIFO: "a fifo",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}
_OTHERS = {
    "macho": "a Mach-O library (macOS)",
    "pe": "a PE library (Windows)",
    "archive": "a static library (an archive of object files)",
    "text": "a text",
    "unknown": "of no known format",
}


def read(path: str, also: Callable[[Window], object] | None = None) -> File:
    """What the headers of the file at `path` say, or why that cannot be said. One open, one fstat, a few reads.

    `also` may look at the same file, as long as it is open, if it is a library.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except ValueError as error:  # a NUL byte, or a character that no path of this file system can hold
        return File(path, None, None, FileProblem("absent", f"no file can have this name: {error}"))
    except OSError as error:
        return File(path, None, None, _not_opened(path, error))
    identity = None
    try:
        status = os.fstat(descriptor)
        identity = _identity(status)
        if not stat.S_ISREG(status.st_mode):
            return File(path, identity, None, _not_regular(status.st_mode))
        window = Window(path, status.st_size, _reader(descriptor))
        binary = _binary(window)
        if also is not None:
            also(window)
        return File(path, identity, binary)
    except BadFile as bad:
        return File(path, identity, None, FileProblem(bad.code, bad.what, bad.offset))
    except OSError as error:
        return File(path, identity, None, FileProblem("unreadable", _words(error)))
    finally:
        os.close(descriptor)


class Reading:
    """Headers and symbols of files, read at one opening of each; the symbols stay here."""

    def __init__(self) -> None:
        from .formats import elf_symbols

        self._symbols = elf_symbols.read
        self.tables: dict[str, Symbols | None] = {}  # by path; None: they cannot be read

    def read(self, path: str) -> File:
        """As `files.read`."""
        return read(path, self._keep)

    def symbols(self, path: str) -> Symbols | None:
        """Those of a file, whether it was read before or not."""
        if path not in self.tables:
            self.tables[path] = symbols(path)
        return self.tables[path]

    def _keep(self, window: Window) -> None:
        try:
            self.tables[window.path] = self._symbols(window)
        except (BadFile, OSError):
            self.tables[window.path] = None


def symbols(path: str) -> Symbols | None:
    """The dynamic symbols of a library; None: it cannot be read, or they cannot."""
    from .formats import elf_symbols

    return _asked(path, elf_symbols.read)


def referred(path: str) -> frozenset[int] | None:
    """Numbers of the symbols that a library's relocations refer to; None: that cannot be told."""
    from .formats import elf_relocations

    return _asked(path, elf_relocations.references)


def demands(path: str) -> Demands | None:
    """What a library demands of a process; None: it cannot be read."""
    from .formats import elf_demands

    return _asked(path, elf_demands.read)


def _asked(path: str, question: Callable[[Window], Answer | None]) -> Answer | None:
    """What a reader answers of the file's content; None: it cannot be read."""
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):
        return None
    try:
        return question(Window(path, os.fstat(descriptor).st_size, _reader(descriptor)))
    except (BadFile, OSError):
        return None
    finally:
        os.close(descriptor)


def _binary(window: Window) -> Binary:
    if window.first[:4] == elf.MAGIC:
        return elf.read(window)
    from .formats import sniff

    kind = sniff.kind(window.first)
    if kind == "empty":
        what = "0 bytes" if not window.size else f"no byte of {window.size}: it became shorter while it was read"
        raise BadFile("damaged" if window.size else "empty", what)
    if kind == "linker-script":
        raise BadFile("linker-script", "a script for the linker, which names the real library")
    raise BadFile("not-a-library", _OTHERS[kind])


def _reader(descriptor: int) -> Callable[[int, int], bytes]:
    pread = os.pread
    return lambda count, offset: pread(descriptor, count, offset)


def _identity(status: os.stat_result) -> Identity:
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _not_opened(path: str, error: OSError) -> FileProblem:
    code = _OPEN_PROBLEMS.get(error.errno or 0, "unreadable")
    if error.errno == errno.ENOENT:
        try:
            return FileProblem("dangling-link", f"a symbolic link to {os.readlink(path)!r}, which does not exist")
        except OSError:
            pass
    return FileProblem(code, _words(error))


def _words(error: OSError) -> str:
    """The operating system's own: "[Errno 13] Permission denied"."""
    return f"[Errno {error.errno}] {error.strerror}"


def _not_regular(mode: int) -> FileProblem:
    if stat.S_ISDIR(mode):
        return FileProblem("directory", "a directory")
    return FileProblem("special-file", _SPECIAL.get(stat.S_IFMT(mode), "not a regular file"))


def listing(directory: str) -> tuple[str, ...] | None:
    """The names in it, sorted; None: it is not a directory that can be read."""
    try:
        return tuple(sorted(os.listdir(directory)))
    except (OSError, ValueError):
        return None


def identity(path: str) -> Identity | None:
    """Which file it is, links followed; None: there is none, or it cannot be reached."""
    try:
        return _identity(os.stat(path))
    except (OSError, ValueError):
        return None


def exists(path: str) -> bool:
    """Is there anything at the path, links followed? Also a directory is something."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True


def source(path: str, limit: int) -> bytes | None:
    """The content of a regular file; None: there is none that can be read.

    Never more than `limit` + 1 bytes: an answer that is longer than `limit` says that the file is too long for it.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        return _bounded(descriptor, limit + 1, status.st_size) if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def changed(path: str, known: Identity | None, limit: int) -> tuple[Identity | None, bytes | None]:
    """Which file is there, and what is in it unless it is the one that is known (None then). (None, None): no file."""
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):
        return None, None
    try:
        now = _identity(os.fstat(descriptor))
        return now, None if now == known else _bounded(descriptor, limit, now.size)
    except OSError:
        return None, None
    finally:
        os.close(descriptor)


def _bounded(descriptor: int, count: int, size: int) -> bytes:
    """What can be read up to `count` bytes. `size` is what fstat says: true of a file, and 0 of those below /proc."""
    pieces = []
    got = 0
    while got < count:
        piece = os.read(descriptor, min(count - got, size + 1 if size else _CHUNK))
        pieces.append(piece)
        got += len(piece)
        if not piece or got == size:
            break
    return b"".join(pieces)


def same_content(one: str, other: str) -> bool:
    """Do the two files hold the same bytes? False also where one cannot be read. Sizes first: few pairs pass that."""
    try:
        first, second = os.stat(one), os.stat(other)
        if not stat.S_ISREG(first.st_mode) or not stat.S_ISREG(second.st_mode) or first.st_size != second.st_size:
            return False
        if os.path.samestat(first, second):
            return True
        with open(one, "rb", buffering=0) as left, open(other, "rb", buffering=0) as right:
            return _same_bytes(left.fileno(), right.fileno())
    except (OSError, ValueError):
        return False


def _same_bytes(left: int, right: int) -> bool:
    offset = 0
    while True:
        piece = os.pread(left, _CHUNK, offset)
        # A read may come short anywhere; what it brought is compared with as much from the other side.
        if not piece:
            return not os.pread(right, 1, offset)
        if piece != os.pread(right, len(piece), offset):
            return False
        offset += len(piece)
