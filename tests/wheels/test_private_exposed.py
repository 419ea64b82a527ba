"""Private means: not exposed by us. What others do to the scope of the published stack, and that it is noticed."""

from __future__ import annotations

import os

from tests.wheels.environments import Environment
from tests.wheels.private import ANSWER, LAZY, SQLITE
from tests.wheels.run import answer

NAMED = "sorted(path.rpartition('/')[2] for path in scopes.exposed() if {site!r} in path)"


def test_an_import_with_global_flags_exposes_what_the_extension_needs(newest: Environment) -> None:
    """sys.setdlopenflags: "Set the flags used by the interpreter for dlopen() calls"."""
    code = f"""{LAZY}{ANSWER}{SQLITE}
import os, sys
open_private("mir")
before = scopes.exposed()
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
import eckit, eckit.geo
exposed = {NAMED.format(site=str(newest.site))}
tell([before, "libeckit.so" in exposed, "libmir.so" in exposed, sqlite3.sqlite_version])
"""
    # Its extension module was imported before: what is bound stays bound.
    interpreters = answer("import sqlite3\ntell(sqlite3.sqlite_version)")
    assert answer(code, newest.interfaces, newest.site) == [[], True, False, interpreters]


PLUGIN = """
{opened}
library = ctypes.CDLL(open_private("fdb5"))
failed = library.fdb_initialise()
exposed = {named}
tell([failed, exposed[:2], any("/libgribjump.so" in path for path in mapped())])
"""


def initialised(of: Environment, opened: str, **env: str) -> object:
    """What comes of FDB when it is told to load the plugin of gribjump: it failed, what is exposed, whether it is there."""
    wanted = {
        "LOAD_PLUGINS": "int.ecmwf.gribjump-plugin",
        "AUTO_LOAD_PLUGINS": "1",
        "PLUGINS_MANIFEST_PATH": str(of.site / "gribjumplib" / "share" / "plugins"),
    }
    code = LAZY + PLUGIN.format(opened=opened, named=NAMED.format(site=str(of.site)))
    return answer(code, of.site, env={**wanted, **env})


def test_a_plugin_that_eckit_opens_itself_exposes_the_stack(newest: Environment) -> None:
    """eckit, LibraryManager::loadPlugin: dlopen of the bare name with RTLD_NOW | RTLD_GLOBAL."""
    lib = newest.site / "gribjumplib" / "lib64"
    found = initialised(
        newest, "", LD_LIBRARY_PATH=os.pathsep.join([str(lib), os.environ.get("LD_LIBRARY_PATH", "/lib")])
    )
    assert found == [0, ["libaec.so", "libbrotlicommon-6ce2a53c.so.1.0.6"], True]


def test_one_that_is_in_the_scope_already_registers_itself_and_exposes_nothing(newest: Environment) -> None:
    assert initialised(newest, 'open_private("gribjump")') == [0, [], True]


def test_one_that_nobody_can_find_fails_as_it_does_without_us(newest: Environment) -> None:
    assert initialised(newest, "") == [1, [], False]
