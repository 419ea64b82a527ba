"""What the tests of the private scope share: how a child opens the stack in it, and what it is asked afterwards."""

from __future__ import annotations

import functools
import platform

from tests.wheels.run import answer

# By what `plan` says and `open_plan` does, as `load` would.
OPEN = """
import ctypes, findlibs2
from findlibs2 import scopes
def open_private(name, pkg_name=None, lazy={lazy}):
    drawn = findlibs2.plan(name, pkg_name=pkg_name)
    assert scopes.open_plan(drawn, lazy) is not None
    return drawn.targets[0]
def open_global(name):
    for step in findlibs2.plan(name).steps:
        ctypes._dlopen(step.by_name or step.path, ctypes.RTLD_GLOBAL)
"""
EAGER, LAZY = OPEN.format(lazy=False), OPEN.format(lazy=True)

# To packages that nobody changed, `findlibs` is this.
ANSWER = """
import sys, types
def find(name, pkg_name=None):
    try:
        return open_private(name, pkg_name)
    except findlibs2.NotFoundError:
        return None
def load(name, pkg_name=None):
    return ctypes.CDLL(find(name, pkg_name), mode=ctypes.RTLD_LOCAL)
sys.modules["findlibs"] = types.ModuleType("findlibs")
sys.modules["findlibs"].find, sys.modules["findlibs"].load = find, load
"""

# Version, and whether `serialize` works: with another SQLite's functions it ends the process in SIGSEGV.
SQLITE = """
import sqlite3
def sqlite():
    database = sqlite3.connect(":memory:")
    database.execute("create table t(x)")
    size = len(database.serialize()) if hasattr(database, "serialize") else None
    return [sqlite3.sqlite_version, size is None or size > 0]
"""


@functools.cache
def own_sqlite() -> str:
    """The SQLite that the interpreter has where nothing else is loaded."""
    return str(answer("import sqlite3; tell(sqlite3.sqlite_version)"))


# seccomp(2): a filter of four instructions. BPF_LD | BPF_W | BPF_ABS the number; equal: SECCOMP_RET_ERRNO | EPERM.
FILTER = """
import ctypes, os, struct
steps = (0x20, 0, 0, 0), (0x15, 0, 1, {number}), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
filters = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(program)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, filters, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
try:
    os.memfd_create("x")
except PermissionError:
    pass
else:
    raise SystemExit("the filter does not hold")
"""
MEMFD_CREATE = {"x86_64": 319, "aarch64": 279}


def without_memory_files() -> str:
    """Code after which the child gets none."""
    return FILTER.format(number=MEMFD_CREATE[platform.machine()])
