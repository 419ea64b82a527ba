"""What the page for authors of interface packages says of tools that the readers of the other pages do not have."""

from __future__ import annotations

import pytest

from tests import house, need
from tests.test_docs import blocks
from tests.wheels.environments import PYTHON, Environment, environment, offered
from tests.wheels.run import answer

pytestmark = [need.index(), need.glibc()]

PAGE = house.ROOT / "docs" / "how-to" / "interface-packages.md"


@pytest.fixture(scope="module")
def newest() -> Environment:
    return environment(offered()[0])


def recipe(begins: str) -> str:
    """The one block of the page that begins so, as a reader copies it."""
    (found,) = [block.text for block in blocks(PAGE) if block.language == "text" and block.text.startswith(begins)]
    return found


if PYTHON != "3.10":  # nothing of what is published for it uses cffi

    def test_cffi_opens_what_findlibs2_has_loaded(newest: Environment) -> None:
        version = environment("33").site.joinpath("eccodeslib", "__init__.py").read_text().split("'")[1]
        major, minor, patch = map(int, version.split(".")[:3])
        ask = "tell([library.codes_get_api_version(), sum('libeccodes.so' in path for path in mapped())])"
        told = answer(recipe("import cffi") + ask, newest.interfaces, newest.site)
        assert told == [10000 * major + 100 * minor + patch, 1]


def test_an_extension_module_imports_after_a_load(newest: Environment) -> None:
    code = recipe("import findlibs2").replace("from ._mir import *", "from mir._mir import Job; tell(Job.__name__)")
    blocked = "import sys, types; sys.modules['mir'] = types.ModuleType('mir'); sys.modules['mir'].__path__ = [{!r}]\n"
    package = str(newest.interfaces / "mir")
    replaced = "import findlibs2.compat; findlibs2.compat.install()\n"  # _mir itself asks findlibs
    told = answer(blocked.format(package) + replaced + code, newest.interfaces, newest.site)
    assert told == "Job"
