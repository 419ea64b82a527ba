"""One package of a process uses findlibs2, another one still findlibs 0.1.3.

0.1.3 opens, by path and in the order in which the directory is listed, every file of the packages that are declared to be
needed whose name ends in `.so` or in `.so.` and one number. findlibs2 opens, of several copies, the one without a number,
and what is in the process already is used as it is.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.wheels import closure
from tests.wheels.environments import Environment, environment, offered, original
from tests.wheels.jobs import EVERY, INSTALL, do, known
from tests.wheels.run import answer, run

# With counter 27, 0.1.3 finds neither mir nor multio without libgfortran: it opens what nothing needs.
ASKED = {
    "33": ("mir", "multio-api", "fdb5", "gribjump", "eccodes"),
    "32": ("odccore",),
    "27": ("fdb5", "gribjump", "eccodes", "odccore"),
}
WRAPPERS = {"multio-api": "multiolib", "odccore": "odclib"}
ORDERS = {
    "sorted": "sorted(names)",
    "reversed": "sorted(names, reverse=True)",
    "shuffled": "random.Random(1).sample(sorted(names), len(names))",
}
LISTED = """
import os, random
listing = os.listdir
def ordered(*where):
    names = listing(*where)
    return {order}
os.listdir = ordered
import findlibs, findlibs2
"""

# Identical copies of plain C libraries, which have no registry that a second copy could disturb.
AEC = {"libaec.so.0": ["libaec.so", "libaec.so.0"]}
QHULL = {"libqhull_r.so.8.1": ["libqhull_r.so", "libqhull_r.so.8.1"]}

EACH = pytest.mark.parametrize(
    ("counter", "name"), [(counter, name) for counter in offered() for name in ASKED[counter]]
)
ANY_ORDER = pytest.mark.parametrize("order", ORDERS)


def twice(of: Environment, mapped: Iterable[str]) -> dict[str, list[str]]:
    """DT_SONAME -> file names, of what the process holds more than once from the wrappers."""
    found: dict[str, list[str]] = {}
    for path in (Path(path) for path in mapped if of.site in Path(path).parents):
        found.setdefault(str(closure.read(path).name), []).append(path.name)
    return {name: sorted(files) for name, files in found.items() if len(files) > 1}


def needs(of: Environment, name: str, other: str) -> bool:
    return name != other and f"lib{other}.so" in closure.closure(of.site, f"lib{name}.so")


def loads(*modules: str, name: str, order: str) -> str:
    """Code that loads one library through both, and remembers what was mapped after each."""
    asked = (name, WRAPPERS.get(name))
    lines = [f"handles.append({module}.load{asked!r}._handle)\nseen.append(sorted(mapped()))" for module in modules]
    return LISTED.format(order=ORDERS[order]) + "\n".join(["handles, seen = [], []", *lines])


@EACH
@ANY_ORDER
def test_after_findlibs2_the_other_maps_one_plain_c_library_again(counter: str, name: str, order: str) -> None:
    of = environment(counter)
    code = loads("findlibs2", "findlibs", name=name, order=order) + "\ntell([handles[0] == handles[1], seen[1]])"
    same, mapped = answer(code, original(), of.site)
    assert (same, twice(of, mapped)) == (True, AEC if needs(of, name, "eccodes") else {})


@EACH
@ANY_ORDER
def test_after_the_other_findlibs2_maps_nothing(counter: str, name: str, order: str) -> None:
    code = loads("findlibs", "findlibs2", name=name, order=order)
    # ctypes is imported by the other; findlibs2 brings no extension module that was not there.
    code += "\ntell([handles[0] == handles[1], [path for path in seen[1] if path not in seen[0]]])"
    assert answer(code, original(), environment(counter).site) == [True, []]


@EACH
@pytest.mark.parametrize("order", ["sorted", "reversed"])
def test_what_the_other_maps_twice_by_itself_depends_on_the_order_of_a_directory(
    counter: str, name: str, order: str
) -> None:
    """libatlas before libqhull_r.so: it takes libqhull_r.so.8.1, and libqhull_r.so is opened all the same."""
    of = environment(counter)
    code = loads("findlibs", name=name, order=order) + "\ntell(seen[0])"
    aec = AEC if needs(of, name, "eccodes") else {}
    qhull = QHULL if name in ("mir", "multio-api") and order == "sorted" else {}
    assert twice(of, answer(code, original(), of.site)) == aec | qhull


# Interfaces on findlibs 0.1.3 do their work in a process in which findlibs2 loads all that there is.
EVERYTHING = {"33": ["multio-api", "gribjump"], "32": ["mir", "odccore"], "27": ["multio-api", "odccore"]}
INTERFACES = [(counter, name) for counter, name in EVERY if (counter, name) != ("27", "mir")]
# 0.1.3 opens both copies of libaec for what declares that it needs eccodeslib.
DECLARED = ("mir", "pyfdb", "pymetkit", "z3fdb", "multio", "pygribjump")


@pytest.mark.parametrize(("counter", "name"), INTERFACES)
def test_an_interface_on_the_other_does_its_job_after_findlibs2(counter: str, name: str) -> None:
    of = environment(counter)
    done = do(of, [name], start=load_everything(counter))
    assert (done.told, twice(of, done.mapped)) == (known(of, [name]), AEC if name in DECLARED else {})


@pytest.mark.parametrize(("counter", "name"), INTERFACES)
def test_an_interface_on_the_other_does_its_job_before_findlibs2(counter: str, name: str) -> None:
    of = environment(counter)
    assert do(of, [name], start="", end=load_everything(counter)).told == known(of, [name])


def load_everything(counter: str) -> str:
    return f"import findlibs2\nfor name in {EVERYTHING[counter]}: findlibs2.load(name)\n"


# A developer's own library under the published ones: what is loaded, and needs it. 0.1.3 opens the wheel's too, by path.
# Two of a library that registers things with eckit end the process, and findlibs2 cannot help that.
FATAL = {
    own: needing
    for own, needing in {
        "eckit": "gribjump", "eckit_geo": "gribjump", "metkit": "gribjump", "fdb5": "gribjump", "gribjump": "gribjump",
        "mir": "mir",
    }.items()
    if needing in ASKED[offered()[0]]
}  # fmt: skip
FATAL_TO_HAVE_TWICE = pytest.mark.parametrize("name", FATAL)
OURS = "import findlibs, findlibs2\nfindlibs2.load({needing!r})\nprint('loaded', flush=True)\n"
OTHER = "findlibs.load({needing!r})\n"


@FATAL_TO_HAVE_TWICE
def test_after_an_override_the_other_ends_the_process(newest: Environment, tmp_path: Path, name: str) -> None:
    code = (OURS + OTHER).format(needing=FATAL[name])
    done = run(code, original(), newest.site, env={variable(name): own(newest, tmp_path, name)})
    assert (done.returncode, done.stdout.split()[0]) == (-signal.SIGABRT, "loaded")


@pytest.mark.parametrize("ours", [OURS, "import findlibs\n"], ids=["with-findlibs2", "without"])
def test_after_an_own_libeckit_was_opened_the_other_ends_the_process(
    newest: Environment, tmp_path: Path, ours: str
) -> None:
    opened = f"import ctypes\nctypes.CDLL({own(newest, tmp_path, 'eckit')!r}, mode=ctypes.RTLD_GLOBAL)\n"
    done = run(opened + (ours + OTHER).format(needing="fdb5"), original(), newest.site)
    assert done.returncode == -signal.SIGABRT


def test_in_the_global_scope_an_own_libeccodes_is_there_beside_that_of_the_wheel(
    newest: Environment, tmp_path: Path
) -> None:
    """With the newest the process lives, whoever uses which. That of counter 27 frees something twice when it ends."""
    path = own(newest, tmp_path, "eccodes")
    code = f"from inside import mapped, tell\n{OURS}{OTHER}tell(mapped())".format(needing="gribjump")
    done = run(code, original(), newest.site, env={variable("eccodes"): path, "FINDLIBS2_VISIBILITY": "global"})
    held = files(json.loads(done.stdout.splitlines()[-1]), "libeccodes.so")
    assert (held, done.returncode < 0) == ({path, str(of_wheel(newest, "eccodes"))}, newest.counter == "27")


def test_in_the_private_scope_the_other_one_ends_the_process_too(newest: Environment, tmp_path: Path) -> None:
    """Each registers itself by name, and the registry, in libeckit, is one."""
    code = (OURS + "print('loaded', flush=True)\n" + OTHER).format(needing="gribjump")
    env = {variable("eccodes"): own(newest, tmp_path, "eccodes"), "FINDLIBS2_VISIBILITY": "private"}
    done = run(code, original(), newest.site, env=env)
    assert (done.stdout.split()[:1], done.returncode) == (["loaded"], -signal.SIGABRT)


@FATAL_TO_HAVE_TWICE
def test_after_the_other_an_override_comes_too_late(newest: Environment, tmp_path: Path, name: str) -> None:
    code = "import findlibs, findlibs2\nfindlibs.load({needing!r})\nfindlibs2.load({needing!r})\ntell(mapped())"
    env = {variable(name): own(newest, tmp_path, name)}
    mapped = answer(code.format(needing=FATAL[name]), original(), newest.site, env=env)
    assert files(mapped, f"lib{name}.so") == {str(of_wheel(newest, name))}


@FATAL_TO_HAVE_TWICE
def test_with_install_an_override_is_the_only_one(newest: Environment, tmp_path: Path, name: str) -> None:
    path = own(newest, tmp_path, name)
    code = (OURS + INSTALL + OTHER + "tell(mapped())").format(needing=FATAL[name])
    mapped = answer(code, original(), newest.site, env={variable(name): path})
    assert files(mapped, f"lib{name}.so") == {path}


def variable(name: str) -> str:
    return f"FINDLIBS2_LIB_{name.upper()}"


def of_wheel(of: Environment, name: str) -> Path:
    return next(path for path in closure.libraries(of.site) if path.name == f"lib{name}.so")


def own(of: Environment, place: Path, name: str) -> str:
    """The same content in another file, with what libeckit needs where its DT_RPATH looks."""
    (place / "eckitlib.libs").symlink_to(of.site / "eckitlib.libs")
    lib = place / "own" / "lib64"
    lib.mkdir(parents=True)
    return str(shutil.copy(of_wheel(of, name), lib / f"lib{name}.so"))


def files(mapped: Iterable[str], name: str) -> set[str]:
    return {path for path in mapped if Path(path).name == name}
