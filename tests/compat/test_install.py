"""`install()` makes `import findlibs` mean findlibs2, whichever was imported first."""

from __future__ import annotations

from pathlib import Path

import pytest

from findlibs2 import compat, shim
from tests import need
from tests.wheels import environments
from tests.wheels.made import stack
from tests.wheels.run import answer

pytestmark = need.glibc()

INSTALL = "import findlibs2.compat; module = findlibs2.compat.install()\n"
ORDERS = {
    "before": f"{INSTALL}import findlibs\n",
    "after": f"import findlibs\n{INSTALL}",
    "before-and-after": f"{INSTALL}import findlibs\n{INSTALL}",
}
EITHER = pytest.mark.parametrize("code", ORDERS.values(), ids=ORDERS)
IDENTITY = """
import findlibs, importlib.util, pickle, sys, typing
assert module is findlibs is sys.modules["findlibs"]
spec = importlib.util.find_spec("findlibs")
tell({"version": findlibs.__version__, "file": findlibs.__file__, "spec": [spec.name, spec.origin],
      "loader": findlibs.__loader__ is spec.loader, "doc": findlibs.__doc__ == findlibs2.compat.__doc__,
      "functions": [findlibs.find.__module__, findlibs.find.__globals__ is vars(findlibs)],
      "returns": str(typing.get_type_hints(findlibs.find)["return"]),
      "pickled": pickle.loads(pickle.dumps(findlibs.load)) is findlibs.load})
"""
EXPECTED = {
    "version": "0.1.3+findlibs2",
    "file": compat.__file__,
    "spec": ["findlibs", compat.__file__],
    "loader": True,
    "doc": True,
    "functions": ["findlibs", True],
    "returns": "str | None",
    "pickled": True,
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return stack(tmp_path, {"alpha": (), "beta": ("alpha",)})


def libbeta(site: Path) -> str:
    return str(site / "betalib" / "lib64" / "libbeta.so")


@need.index()
@EITHER
def test_the_module_is_the_same_in_every_order(code: str) -> None:
    assert answer(code + IDENTITY, environments.original()) == EXPECTED


def test_the_module_is_the_same_where_no_findlibs_is_installed() -> None:
    assert answer(ORDERS["before"] + IDENTITY) == EXPECTED


def test_the_module_is_the_same_where_the_shim_is_installed(tmp_path: Path) -> None:
    """The wheel holds nothing but Python, so it can be imported as it is."""
    wheel = Path(shim.build(str(tmp_path)))
    assert answer("import findlibs, findlibs2.compat; module = findlibs\n" + IDENTITY, wheel) == EXPECTED
    assert answer(ORDERS["after"] + IDENTITY, wheel) == EXPECTED


@need.index()
@EITHER
def test_who_imported_the_module_finds_and_loads_with_findlibs2(code: str, site: Path) -> None:
    call = "tell([findlibs.find('beta'), findlibs.load('beta')._name, 'findlibs2.pipeline' in sys.modules])"
    told = answer(f"import sys\n{code}{call}", environments.original(), site)
    assert told == [libbeta(site), libbeta(site), True]


@need.index()
@EITHER
def test_who_imported_the_module_is_told_by_findlibs2_that_nothing_was_found(code: str, site: Path) -> None:
    failing = (
        "try: findlibs.load('gamma')\nexcept ModuleNotFoundError as error: tell([type(error).__module__, error.name])"
    )
    assert answer(f"{code}{failing}", environments.original(), site) == ["findlibs2.errors", "gamma"]


@need.index()
@EITHER
def test_what_is_replaced_in_the_module_is_used_there(code: str, site: Path) -> None:
    replaced = "findlibs.CDLL = lambda path, mode: ['opened', path]\n"
    assert answer(f"{code}{replaced}tell(findlibs.load('beta'))", environments.original(), site) == [
        "opened",
        libbeta(site),
    ]
    replaced += "findlibs.find = lambda *asked: '/mine.so'\n"
    assert answer(f"{code}{replaced}tell(findlibs.load('beta'))", environments.original(), site) == [
        "opened",
        "/mine.so",
    ]


def test_what_is_replaced_in_the_module_is_not_replaced_in_findlibs2(site: Path) -> None:
    code = ORDERS["before"] + "findlibs.find = lambda *asked: '/mine.so'\n"
    assert answer(f"{code}tell(findlibs2.compat.load('beta')._name)", site) == libbeta(site)


def test_installing_again_keeps_what_was_replaced_and_adds_nothing() -> None:
    code = f"{INSTALL}import findlibs, sys\nfindlibs.find = 1; count = len(sys.meta_path)\n{INSTALL}"
    assert answer(f"{code}tell([findlibs.find, len(sys.meta_path) - count])") == [1, 0]


@need.index()
@pytest.mark.parametrize("change", ["importlib.reload(findlibs)", "del sys.modules['findlibs']; import findlibs"])
def test_a_reload_and_a_new_import_bring_findlibs2_again(change: str) -> None:
    code = f"import importlib, sys\n{ORDERS['after']}findlibs.find = None\n{change}\nmodule = findlibs\n{IDENTITY}"
    assert answer(code, environments.original()) == EXPECTED


@need.index()
def test_a_function_that_was_taken_earlier_stays_the_old_one_and_works(site: Path) -> None:
    code = f"from findlibs import find as early, load as early_load\n{ORDERS['after']}"
    code += "tell([early is findlibs.find, early('beta'), early_load('beta')._name])"
    assert answer(code, environments.original(), site) == [False, libbeta(site), libbeta(site)]


def test_names_that_others_take_from_0_1_3_can_be_imported() -> None:
    wanted = "CDLL, EXTENSIONS, EXTENSIONS_RE, Path, RTLD_GLOBAL, find, load, _get_paths_from_config"
    assert answer(f"{INSTALL}from findlibs import {wanted}\ntell(Path('/a').name)") == "a"


def test_a_findlibs_that_another_thread_is_just_importing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "findlibs.py").write_text(
        "import gate\ngate.entered.set(); gate.leave.wait()\ndef find(*_): return 'old'\n"
    )
    (tmp_path / "gate.py").write_text("import threading\nentered, leave = threading.Event(), threading.Event()\n")
    code = """
import findlibs2.compat, gate, importlib, sys, threading
importing = threading.Thread(target=importlib.import_module, args=["findlibs"])
installing = threading.Thread(target=findlibs2.compat.install)
importing.start(); gate.entered.wait()
installing.start()
while findlibs2.compat.importer not in sys.meta_path:
    pass
gate.leave.set()
importing.join(); installing.join()
tell(sys.modules["findlibs"].find("nosuch"))
"""
    assert answer(code, tmp_path) is None


def test_threads_that_install_at_once_get_one_module_with_everything_in_it() -> None:
    code = """
import findlibs2.compat, threading
start, got = threading.Barrier(16), []
def work():
    start.wait()
    got.append(findlibs2.compat.install())
    got.append(callable(got[-1].load))
threads = [threading.Thread(target=work) for _ in range(16)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
tell([len(got), len(set(map(id, got)))])
"""
    assert answer(code) == [32, 2]
