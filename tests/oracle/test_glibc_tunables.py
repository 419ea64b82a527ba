"""Loaders say themselves what they make of GLIBC_TUNABLES: ld.so(8), --list-tunables."""

from __future__ import annotations

import re
import subprocess

import pytest

from findlibs2 import host
from findlibs2.loaders import glibc_tunables
from tests import need
from tests.oracle import newer_glibc

TEXTS = (
    "",
    "glibc.rtld.nns=010:glibc.rtld.optional_static_tls=0x300:glibc.rtld.execstack=2",
    "glibc.rtld.nns=2:glibc.rtld.nns=3",
    "glibc.rtld.nns=2:glibc.rtld.nns=17",
    "glibc.rtld.nns=2:",
    "glibc.rtld.nns=2:odd",
    "odd::glibc.rtld.nns=2:glibc.rtld.optional_static_tls= \t+7",
    "glibc.rtld.nns=2:glibc.malloc.check=1=2",
    "glibc.rtld.nns=2x:glibc.rtld.optional_static_tls=x:glibc.rtld.execstack=",
    "glibc.rtld.optional_static_tls=-1:glibc.rtld.execstack=3:glibc.rtld.nns=0",
    "glibc.rtld.optional_static_tls=99999999999999999999:glibc.rtld.execstack=-1",
    "glibc.rtld.optional_static_tls=0x:glibc.rtld.execstack=00",
    "glibc.rtld.optional_static_tls=08:glibc.rtld.execstack=0X1",
    "xglibc.rtld.nns=2:glibc.rtld.nnsx=3",
)
LISTED = re.compile(r"^(\S+): (\S+) \(", re.MULTILINE)


def agree(loader: str, glibc: tuple[int, ...], text: str) -> None:
    environment = {"GLIBC_TUNABLES": text, "LC_ALL": "C"}
    told = subprocess.run([loader, "--list-tunables"], env=environment, capture_output=True, text=True, check=True)
    listed = dict(LISTED.findall(told.stdout))
    known = [name for name, (*_, since) in glibc_tunables.KNOWN.items() if since <= glibc]
    ours = {name: glibc_tunables.value(text, name, glibc) for name in known}
    assert ours == {name: int(listed[name], 0) for name in known}


@need.linux()
@need.glibc()
@pytest.mark.skipif(host.snapshot().libc_version < (2, 33), reason="--list-tunables came with glibc 2.33")
@pytest.mark.parametrize("text", TEXTS)
def test_of_this_machine(text: str) -> None:
    here = host.snapshot()
    loader = host.interpreter(here)
    assert loader is not None
    agree(loader, here.libc_version, text)


class TestNewer:
    pytestmark = newer_glibc.marks()

    @pytest.mark.parametrize("text", TEXTS)
    def test_of_debian_13(self, text: str) -> None:
        agree(newer_glibc.command()[0], (2, 41), text)
