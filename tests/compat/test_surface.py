"""`findlibs2.compat` in the place of findlibs 0.1.3: the same names, the same calls, and what `find` promises."""

from __future__ import annotations

from ctypes import RTLD_GLOBAL
from pathlib import Path

import pytest

from findlibs2 import names
from tests import need
from tests.wheels import environments
from tests.wheels.made import stack
from tests.wheels.run import answer

pytestmark = need.glibc()

IMPORT = "import findlibs2.compat as findlibs\n"
FAILING = """
try:
    {call}
except Exception as error:
    tell([type(error).__name__, isinstance(error, ModuleNotFoundError), str(error)])
"""
SHAPE = """
import inspect
def shape(function):
    return [[each.name, str(each.kind), str(each.default)] for each in inspect.signature(function).parameters.values()]
systems = ("linux", "darwin", "win32", "aix")
extensions = [[findlibs.EXTENSIONS[system], findlibs.EXTENSIONS_RE[system]] for system in systems]
same = [findlibs.CDLL.__module__, findlibs.Path.__module__.partition(".")[0], findlibs.RTLD_GLOBAL]
tell([shape(findlibs.find), shape(findlibs.load), extensions, same, findlibs.EXTENSIONS.get("linux", "default")])
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Beta needs alpha; nothing but findlibs2 brings them together."""
    return stack(tmp_path, {"alpha": (), "beta": ("alpha",)})


def libbeta(site: Path) -> str:
    return str(site / "betalib" / "lib64" / "libbeta.so")


@need.index()
def test_names_signatures_and_extensions_are_those_of_0_1_3() -> None:
    original = answer(f"import findlibs\n{SHAPE}", environments.original())
    assert answer(f"{IMPORT}{SHAPE}") == original


def test_the_path_that_find_returns_opens_as_it_is_and_nothing_more_comes_with_it(site: Path) -> None:
    code = """
import ctypes
def here(): return sorted(path.rpartition("/")[2] for path in mapped() if path.startswith({site!r}))
path, found = findlibs.find("beta"), here()
ctypes.CDLL(path)
tell([path, found, here()])
"""
    told = answer(IMPORT + code.format(site=str(site)), site)
    both = ["libalpha.so", "libbeta.so"]
    assert told == [libbeta(site), both, both]


def test_find_says_the_same_path_again(site: Path) -> None:
    assert answer(f"{IMPORT}tell([findlibs.find('beta') for _ in 'ab'])", site) == [libbeta(site)] * 2


def test_find_says_where_the_copy_is_that_the_process_has_open(site: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "libalpha.so"
    mine.parent.mkdir()
    mine.write_bytes((site / "alphalib" / "lib64" / "libalpha.so").read_bytes())
    code = f"import ctypes; mine = ctypes.CDLL({str(mine)!r})\ntell(findlibs.find('alpha'))"
    assert answer(IMPORT + code, site) == str(mine)


@pytest.mark.parametrize("arguments", ["'beta', 'betalib'", "'beta', pkg_name='betalib'", "'beta', ''", "'beta', None"])
def test_the_package_can_be_named_in_each_way(site: Path, arguments: str) -> None:
    assert answer(f"{IMPORT}tell(findlibs.find({arguments}))", site) == libbeta(site)


def test_load_opens_the_library_and_what_it_needs(site: Path) -> None:
    code = f"library = findlibs.load('beta')\ntell([library._name, sorted(p for p in mapped() if {str(site)!r} in p)])"
    libalpha = libbeta(site).replace("beta", "alpha")
    assert answer(IMPORT + code, site) == [libbeta(site), [libalpha, libbeta(site)]]


def test_a_replaced_cdll_opens_what_load_found(site: Path) -> None:
    code = "findlibs.CDLL = lambda path, mode: ['opened', path, mode]\ntell(findlibs.load('beta'))"
    assert answer(IMPORT + code, site) == ["opened", libbeta(site), RTLD_GLOBAL]


def test_a_replaced_find_is_asked_by_load(site: Path) -> None:
    code = "findlibs.find = lambda *asked: '/'.join(map(str, asked))\nfindlibs.CDLL = lambda path, mode: path\n"
    assert answer(f"{IMPORT}{code}tell(findlibs.load('beta', 'odd'))", site) == "beta/odd"


def test_a_replaced_find_that_finds_nothing_is_named_by_load(site: Path) -> None:
    code = "findlibs.find = lambda *asked: None\n" + FAILING.format(call="findlibs.load('beta')")
    kind, is_not_found, text = answer(IMPORT + code, site)
    assert (kind, is_not_found) == ("NotFoundError", True)
    assert text.splitlines()[1].split(None, 2) == ["find", "findlibs.find", "was replaced, and answered None"]


def test_a_name_that_no_source_has_is_none_for_find_and_for_load_the_error_of_findlibs2(site: Path) -> None:
    assert answer(f"{IMPORT}tell(findlibs.find('gamma'))", site) is None
    told = answer(IMPORT + FAILING.format(call="findlibs.load('gamma')"), site)
    assert told == answer("import findlibs2\n" + FAILING.format(call="findlibs2.load('gamma')"), site)
    assert told[:2] == ["NotFoundError", True]


@pytest.mark.parametrize("name", ["", "..", "libbeta.so", "lib/beta", None])
def test_what_can_be_no_name_is_not_found_and_load_says_why(site: Path, name: str | None) -> None:
    assert answer(f"{IMPORT}tell(findlibs.find({name!r}))", site) is None
    kind, is_not_found, text = answer(IMPORT + FAILING.format(call=f"findlibs.load({name!r})"), site)
    reason = f"{name!r}   {names.objection(name)}"
    assert (kind, is_not_found, text.splitlines()[1].strip()) == ("NotFoundError", True, f"name   {reason}")


def test_what_can_be_no_package_is_not_found(site: Path) -> None:
    assert answer(f"{IMPORT}tell(findlibs.find('beta', 'no/package'))", site) is None


@pytest.mark.parametrize("verb", ["find", "load"])
def test_a_library_that_cannot_be_loaded_is_refused_as_by_findlibs2(site: Path, verb: str) -> None:
    Path(libbeta(site)).write_bytes(b"")
    told = answer(IMPORT + FAILING.format(call=f"findlibs.{verb}('beta')"), site)
    assert told == answer("import findlibs2\n" + FAILING.format(call="findlibs2.load('beta')"), site)
    assert told[0] == "RefusedError"


def test_importing_it_replaces_nothing_and_brings_none_of_the_dear_modules_of_the_import_system() -> None:
    code = "import sys; before = [*sys.meta_path]\nimport findlibs2.compat\n"
    dear = "('findlibs', 'importlib.abc', 'importlib.metadata')"
    assert answer(f"{code}tell([sys.meta_path == before, [m for m in {dear} if m in sys.modules]])") == [True, []]
