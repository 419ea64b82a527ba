"""Bounded reads: no byte is asked for outside the file, and every request says what it wanted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PAGE = 4096  # bytes; the first read takes so many, because the headers and often the small tables are among them


class BadFile(Exception):
    """The bytes cannot be what they claim to be. Private to this floor: `files` makes a `FileProblem` of it.

    `code` is a code of `FileProblem`; `offset` is the byte in the file where it was seen, None: the whole file.
    """

    def __init__(self, code: str, what: str, offset: int | None = None) -> None:
        super().__init__(code, what, offset)
        self.code = code
        self.what = what
        self.offset = offset


class Window:
    """A file of `size` bytes as a reader may see it. `pread(count, offset)` is `os.pread` bound to a descriptor."""

    def __init__(self, path: str, size: int, pread: Callable[[int, int], bytes]) -> None:
        self.path = path
        self.size = size
        self.first = pread(min(size, PAGE), 0) if size > 0 else b""
        self.parsed: Any = None  # what a reader has understood already, and the next one need not
        self._pread = pread

    def read(self, offset: int, count: int, what: str) -> bytes:
        """Exactly `count` bytes from `offset`, or `BadFile`: "damaged", with `what` in its words."""
        end = offset + count
        if offset < 0 or count < 0 or end > self.size:
            raise BadFile("damaged", f"{what} ends at byte {end} of a file of {self.size} bytes", offset)
        if end <= len(self.first):
            return self.first[offset:end]
        found = self._pread(count, offset)
        if len(found) != count:
            raise BadFile("damaged", f"{what} is cut: the file became shorter while it was read", offset)
        return found
