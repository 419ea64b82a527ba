"""Wherever wrappers are installed, mir is loaded from there: below a virtual environment, for one user, read-only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import need
from tests.places import prefixes
from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import project, variables
from tests.wheels.strace import trace
from tests.words.said import plain

LOAD = "import findlibs2\nfindlibs2.load('mir')\ntell(mapped())"
REFUSED = "import findlibs2\ntry: findlibs2.load('mir')\nexcept findlibs2.NotFoundError as error: tell(str(error))"
# mount(8): the flags of a bind mount are those of the original one; a second call changes them.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
MAKES = {"mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "symlink", "symlinkat", "creat"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with nothing in its site-packages."""
    return prefixes.interpreter(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def equipped(newest: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with findlibs2 and all wrappers in its site-packages."""
    python = prefixes.interpreter(tmp_path_factory.mktemp("equipped"))
    prefixes.furnish(prefixes.site(python), newest.site)
    return python


def below(place: Path, mapped: list[str]) -> list[str]:
    """SONAMEs of the libraries that were mapped from there."""
    return sorted(closure.names([path for path in mapped if place in Path(path).parents]))


def test_a_virtual_environment_sees_the_wrappers_of_the_system(
    equipped: Path, newest: Environment, tmp_path: Path
) -> None:
    python = prefixes.virtual(equipped, tmp_path / "venv", "--system-site-packages")
    mapped = prefixes.said(python, LOAD)
    assert below(prefixes.site(equipped), mapped) == closure.closure(newest.site, "libmir.so")


def test_a_virtual_environment_goes_before_the_system(equipped: Path, newest: Environment, tmp_path: Path) -> None:
    python = prefixes.virtual(equipped, tmp_path / "venv", "--system-site-packages")
    own = prefixes.furnish(prefixes.site(python), newest.site)
    assert below(own, prefixes.said(python, LOAD)) == closure.closure(newest.site, "libmir.so")


def test_a_virtual_environment_of_its_own_says_that_nothing_is_installed(equipped: Path, tmp_path: Path) -> None:
    python = prefixes.virtual(equipped, tmp_path / "venv")
    (prefixes.site(python) / "findlibs2").symlink_to(project() / "findlibs2")
    text = prefixes.said(python, REFUSED).replace(str(tmp_path), "HERE")
    assert plain(text).split("\n")[:4] == [
        "the library 'mir' is nowhere to be found [not-found]",
        "    override   FINDLIBS2_LIB_MIR   not set",
        "    package   mirlib   not installed",
        "    python   HERE/venv   holds no libmir.so",
    ]


def test_what_a_user_installed_for_themselves_is_loaded(python: Path, newest: Environment, tmp_path: Path) -> None:
    own = prefixes.furnish(prefixes.site(python, user=tmp_path), newest.site)
    mapped = prefixes.said(python, LOAD, env={"PYTHONUSERBASE": str(tmp_path)})
    assert below(own, mapped) == closure.closure(newest.site, "libmir.so")


@need.root()
@need.tool("unshare", "mount", "strace")
@need.mounts()
def test_nothing_is_written_to_a_read_only_site(equipped: Path, newest: Environment) -> None:
    """The mount is seen by this child alone. What the interpreter does with `__pycache__` is its own affair."""
    site = prefixes.site(equipped)
    within = ("unshare", "--mount", "sh", "-c", READ_ONLY, str(site))
    proof = f"import os\nassert not os.access({str(site)!r}, os.W_OK)\n{LOAD}"
    assert below(site, prefixes.said(equipped, proof, *within)) == closure.closure(newest.site, "libmir.so")
    calls = trace(prefixes.command(equipped, proof, *within), variables()).calls
    there = [call for call in calls if str(call.path).startswith(str(site)) and "__pycache__" not in str(call.path)]
    assert [
        call for call in there if call.name in MAKES or "O_WRONLY" in call.arguments or "O_RDWR" in call.arguments
    ] == []
