"""A system installation: the machine's own directories, as one child alone sees them, with ecCodes and no wrapper.

An overlay in a mount namespace of its own: the machine is not changed, and what it has stays visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import need
from tests.build.elf import library
from tests.places import debian, prefixes
from tests.places.jobs import DECODED, ECCODES, INSTALL
from tests.words.said import plain

pytestmark = [need.root(), need.tool("unshare", "mount", "ldconfig"), need.mounts(), *debian.NEEDED]

# $0: what lies above; $1: where; $2: a new cache, or nothing. The rest is the command.
SEEN = """
over=$0 place=$1 cache=$2; shift 2
mount -t overlay overlay -o lowerdir="$over:$place" "$place" || exit 70
if [ -n "$cache" ]; then
    : > "$cache"; ldconfig -X -C "$cache" /usr/local/lib || exit 71
    mount --bind "$cache" /etc/ld.so.cache || exit 72
fi
exec "$@"
"""
LOCAL: Mapping[str, str] = debian.tables(Path("/usr/local"))
REFUSED = "import findlibs2\ntry: findlibs2.load('ours')\nexcept findlibs2.RefusedError as error: tell(str(error))"
UNSEEN = """\
ours cannot be loaded: libbeside.so.1, which libours.so needs, is nowhere to be found [missing-library]
    needed by   /usr/local/lib/libours.so
    beside it   /usr/local/lib/libbeside.so.1   is there, where the loader is not told to look
    ld.so.cache   no libbeside.so.1
  the loader, which opened nothing: libbeside.so.1: cannot open shared object file: No such file or directory"""


def within(over: Path, place: str, cache: Path | None = None) -> tuple[str, ...]:
    """The command that lets another one see *place* with what is in *over* on top, and the loader's cache of that."""
    return ("unshare", "--mount", "sh", "-c", SEEN, str(over), place, str(cache or ""))


def test_eccodes_that_debian_installed_encodes_and_decodes(without_wrappers: Path) -> None:
    """Multiarch, versioned name only, no development package, tables where they belong."""
    inside = within(debian.unpacked() / "usr", "/usr")
    assert prefixes.said(without_wrappers, INSTALL + ECCODES, *inside) == [
        DECODED,
        "/lib/x86_64-linux-gnu/libeccodes.so.0",
    ]


@pytest.mark.parametrize("lib", ["lib", "lib64", "lib/x86_64-linux-gnu"])
def test_eccodes_below_usr_local_is_found_without_the_cache(without_wrappers: Path, tmp_path: Path, lib: str) -> None:
    debian.install(tmp_path, lib, rpath="$ORIGIN")
    told = prefixes.said(without_wrappers, INSTALL + ECCODES, *within(tmp_path, "/usr/local"), env=LOCAL)
    assert told == [DECODED, f"/usr/local/{lib}/libeccodes.so"]


def test_what_it_needs_is_found_through_the_cache(without_wrappers: Path, tmp_path: Path) -> None:
    debian.install(tmp_path / "local", rpath=None)
    inside = within(tmp_path / "local", "/usr/local", tmp_path / "cache")
    told = prefixes.said(without_wrappers, INSTALL + ECCODES, *inside, env=LOCAL)
    assert told == [DECODED, "/usr/local/lib/libeccodes.so"]


def test_what_lies_beside_it_and_is_not_in_the_cache_is_said_to_be_nowhere(
    without_wrappers: Path, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libours.so").write_bytes(library("libours.so", needed=["libbeside.so.1"]))
    (tmp_path / "lib" / "libbeside.so.1").write_bytes(library("libbeside.so.1"))
    assert plain(prefixes.said(without_wrappers, REFUSED, *within(tmp_path, "/usr/local"))) == UNSEEN
