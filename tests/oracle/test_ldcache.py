"""Every entry of this machine's cache is one that `ldconfig -p` prints, in its order; and each can be looked up."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from findlibs2 import host
from findlibs2.loaders import glibc, ldcache
from findlibs2.model import CacheEntry
from tests import need

pytestmark = [need.linux(), need.glibc(), need.tool("ldconfig")]

CACHE = Path("/etc/ld.so.cache")
# elf/cache.c, print_entry and flag_descr.
KINDS = {0: "libc4", 1: "ELF", 2: "libc5", 3: "libc6"}
MACHINES = {
    0: "", 1: ",64bit", 2: ",IA-64", 3: ",x86-64", 4: ",64bit", 5: ",64bit", 6: ",N32", 7: ",64bit", 8: ",x32",
    9: ",hard-float", 10: ",AArch64", 11: ",soft-float", 12: ",nan2008", 13: ",N32,nan2008", 14: ",64bit,nan2008",
    15: ",soft-float", 16: ",double-float", 17: ",soft-float", 18: ",double-float",
}  # fmt: skip


@pytest.fixture
def content() -> bytes:
    if not CACHE.exists():
        pytest.skip(f"missing here: {CACHE}")
    return CACHE.read_bytes()


def printed(*options: str) -> list[str]:
    program = need.which("ldconfig")
    assert program is not None
    words = subprocess.run([program, "-p", *options], capture_output=True, text=True, check=True).stdout
    # That of 2.31 also tells for which kernel a library is: older than any that is in use, so it decides nothing.
    words = re.sub(r", OS ABI: Linux [\d.]+", "", words)
    return [line.strip() for line in words.splitlines() if " => " in line]


def ours() -> tuple[int, ...]:
    """The flags of entries for this machine."""
    here = host.snapshot()
    return ldcache.TAKEN.get((here.machine, here.bits), ldcache.GENERIC)


def looked_up(content: bytes, name: str) -> tuple[CacheEntry, ...]:
    here = host.snapshot()
    return ldcache.lookup(content, name, here.machine, here.bits, here.byteorder)


def as_ldconfig_prints(noted: ldcache.Noted) -> str:
    kind, machine = KINDS[noted.flags & 0xFF], MACHINES[noted.flags >> 8]
    hwcap = noted.entry.hwcap
    level = "" if hwcap is None else f", hwcap: {hwcap}" if hwcap.startswith("0x") else f', hwcap: "{hwcap}"'
    return f"{noted.entry.name} ({kind}{machine}{level}) => {noted.entry.path}"


def test_all_entries_are_those_that_ldconfig_prints(content: bytes) -> None:
    assert [as_ldconfig_prints(noted) for noted in ldcache.entries(content)] == printed()


def test_every_entry_is_found_by_its_name(content: bytes) -> None:
    lost = [
        noted.entry
        for noted in ldcache.entries(content)
        if noted.flags in ours() and noted.entry not in looked_up(content, noted.entry.name)
    ]
    assert lost == []


@pytest.mark.parametrize("form", ["new", "old", "compat"])
def test_a_cache_that_ldconfig_writes_with_processor_levels(tmp_path: Path, form: str) -> None:
    """ldconfig(8): -C cache, -f conf, -c format: "new" is the default, glibc 2.1 reads "old" and "compat"."""
    from tests.build import elf

    program = need.which("ldconfig")
    assert program is not None
    for below in (".", "glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3"):
        directory = tmp_path / "lib" / below
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "libmade.so.1").write_bytes(elf.library("libmade.so.1", ["libc.so.6"]))
    cache, configuration = tmp_path / "cache", tmp_path / "conf"
    configuration.write_text(f"{tmp_path / 'lib'}\n")
    command = [program, "-X", "-C", str(cache), "-f", str(configuration), "-c", form]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip(f"missing here: an ldconfig that writes the {form} format")

    made = cache.read_bytes()
    assert [as_ldconfig_prints(noted) for noted in ldcache.entries(made)] == printed("-C", str(cache))
    levels = [entry.hwcap for entry in looked_up(made, "libmade.so.1")]
    if host.snapshot().libc_version < glibc.FIRST_WITH_LEVELS:
        assert levels == [None]
        return
    # The old format cannot say it; in the combined one ldconfig and the loader count from different places.
    known = {"new": ["x86-64-v2", "x86-64-v3", None], "old": [None, None, None], "compat": [*levels[:2], None]}
    assert levels == known[form]
