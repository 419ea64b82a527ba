"""Somebody has put libraries where published wheels search: the directories of the machines on which they were built.

Here they are really there, for one child alone: in a mount namespace of its own, it runs under another root, which has
everything that this one has, and in each such directory a stand-in for every library that a wheel needs or brings.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import need
from tests.wheels import closure
from tests.wheels.environments import Environment, original, separate
from tests.wheels.run import command, variables
from tests.wheels.strace import Trace, trace

pytestmark = [need.root(), need.mounts(), need.tool("strace", "unshare", "mount", "chroot", "gcc")]

VISIBILITIES = ("auto", "private", "global")
STRANGER = 54321  # a user whom nobody here is
WORKING = "working"  # the child's current directory; what is searched relative to it is there

# $0: a directory for the new root; $1: what is planted. The rest is the command.
WITHIN = """
root=$0 planted=$1; shift
mount -t tmpfs none "$root" || exit 70
for place in /*; do
    name=${place#/}
    if [ -L "$place" ]; then cp -P "$place" "$root/$name"
    elif [ -d "$planted/$name" ]; then
        mkdir -m 1777 "$root/$name"
        for inner in "$place"/*; do
            if [ -d "$inner" ] && ! [ -d "$planted$inner" ]; then
                mkdir "$root$inner" && mount --rbind "$inner" "$root$inner" || exit 71
            fi
        done
    elif [ -d "$place" ]; then mkdir "$root/$name" && mount --rbind "$place" "$root/$name" || exit 72
    fi
done
cp -a "$planted"/. "$root" || exit 73
exec chroot "$root" sh -c 'cd WORKING && exec "$@"' sh "$@"
""".replace("WORKING", shlex.quote(f"/{WORKING}"))

STAND_IN = """
#include <unistd.h>
__attribute__((constructor)) static void opened(void) { (void)!write(2, "a stand-in runs\\n", 16); }
"""
REFUSED = f"""
for visibility in {VISIBILITIES}:
    try: findlibs2.load("mir", visibility=visibility)
    except findlibs2.FindlibsError: pass
    else: raise SystemExit("it was loaded")
"""


@pytest.fixture(scope="module", params=[STRANGER, 0], ids=["of-a-stranger", "of-oneself"])
def planted(request: pytest.FixtureRequest, newest: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with a stand-in under every name, in every directory that a library of the wheels names.

    Below /tmp it does not matter whose they are. What lies where only root can put it is root's choice, if it is root's.
    """
    top = tmp_path_factory.mktemp("planted")
    (top / "it.c").write_text(STAND_IN)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", top / "it.so", top / "it.c"], check=True)
    for directory in closure.brought_from_elsewhere(newest.site):
        there = top / "root" / (directory.lstrip("/") if directory.startswith("/") else f"{WORKING}/{directory}")
        there.mkdir(parents=True, exist_ok=True)
        for name in names(newest.site):
            (there / name).hardlink_to(top / "it.so")
    (top / "root" / WORKING).mkdir(exist_ok=True)
    subprocess.run(["chown", "-R", str(STRANGER), top / "root"], check=True)
    subprocess.run(["chown", "-R", str(request.param), top / "root" / "tmp"], check=True)
    return top / "root"


def names(site: Path) -> set[str]:
    """What libraries of the wheels need, and how they are called themselves."""
    files = closure.libraries(site)
    return {name for path in files for name in (path.name, *closure.read(path).needed)}


def traced(planted: Path, place: Path, code: str, paths: Iterable[Path]) -> Trace:
    """What `code` asked of the kernel, where the stand-ins are."""
    marked = f"from inside import mark\nimport findlibs2\nmark('begin')\n{code}\nmark('end')"
    inside = ["unshare", "--mount", "sh", "-c", WITHIN, str(place), str(planted), *command(marked, paths)]
    return trace(inside, variables()).between("begin", "end")


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_none_is_looked_up(newest: Environment, planted: Path, tmp_path: Path, visibility: str) -> None:
    load = f"for name in 'mir', 'multio-api': findlibs2.load(name, visibility={visibility!r})"
    calls = traced(planted, tmp_path, load, [newest.site])
    assert calls.under(closure.brought_from_elsewhere(newest.site)) == []


@pytest.mark.parametrize("missing", ["eckitlib", "eccodeslib", "atlaslib_ecmwf"])
def test_nor_where_a_wrapper_is_missing_that_would_have_brought_it(
    newest: Environment, planted: Path, tmp_path: Path, missing: str
) -> None:
    every = separate(newest.counter)
    there = [path for name, path in every.items() if name != missing]
    calls = traced(planted, tmp_path, REFUSED, there)
    assert (len(every) - len(there), calls.under(closure.brought_from_elsewhere(newest.site))) == (1, [])


def test_findlibs_0_1_3_opens_them(newest: Environment, planted: Path, tmp_path: Path) -> None:
    """The control: they are there, and the loader takes them if it is asked."""
    load = "import findlibs\ntry: findlibs.load('atlas', 'atlaslib_ecmwf')\nexcept OSError: pass"
    calls = traced(planted, tmp_path, load, [newest.site, original()])
    found = set(calls.under(closure.brought_from_elsewhere(newest.site))) - set(calls.failed_paths)
    assert "/tmp/qhull/target/lib64/libgomp.so.1" in found
