"""What the tests of the private scope share: how a child opens the stack in it, and what it is asked afterwards."""

from __future__ import annotations

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
