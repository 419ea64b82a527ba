"""What a child says of itself."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def mapped() -> list[str]:
    """Files that are mapped into this process and are shared libraries by name, in the order of their first address."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        return list(dict.fromkeys(_paths(lines)))


def _paths(lines: Iterator[str]) -> Iterator[str]:
    # proc(5), /proc/pid/maps: address, perms, offset, dev, inode, pathname; only the last may contain blanks.
    for line in lines:
        path = line.rstrip("\n").split(None, 5)[5:]
        if path and path[0].startswith("/") and ".so" in path[0].rpartition("/")[2]:
            yield path[0]


def tell(value: object) -> None:
    """The answer of this child, which is read by `run.answer`; what libraries print is elsewhere (before it)."""
    import json

    sys.stdout.write("\n" + json.dumps(value) + "\n")
    sys.stdout.flush()


def mark(name: str) -> None:
    """A place in a trace of system calls, that `strace.Trace.between` finds again."""
    import os

    os.access(f"/mark/{name}", os.F_OK)
