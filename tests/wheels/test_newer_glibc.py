"""The published stack under the loader of Debian 13: nothing is wrong with it there, and it loads."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.oracle import newer_glibc
from tests.wheels.environments import Environment
from tests.wheels.run import command, variables

pytestmark = newer_glibc.marks()
LOAD = """
import findlibs2, os
told = findlibs2.check({name!r})
findlibs2.load({name!r}, visibility={visibility!r})
codes = [each.code for each in told.findings if not each.code.endswith("search-path")]
tell([os.confstr("CS_GNU_LIBC_VERSION"), codes, told.unchecked])
"""


@pytest.mark.parametrize("visibility", ["global", "private"])
@pytest.mark.parametrize("name", ["mir", "eccodes"])
def test_under_glibc_2_41(newest: Environment, name: str, visibility: str) -> None:
    code = "from inside import tell\n" + LOAD.format(name=name, visibility=visibility)
    program = [*newer_glibc.command(), *command(code, [newest.site])]
    done = subprocess.run(program, env=variables(), capture_output=True, text=True, timeout=newer_glibc.PATIENCE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["glibc 2.41", [], []]
