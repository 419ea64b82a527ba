"""`adopt` and `promote`, as people call them, over compiled libraries. In children."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import need
from tests.wheels.made import wrapper
from tests.wheels.run import answer

pytestmark = [need.glibc(), need.tool("gcc")]

START = """
import ctypes, findlibs2
findlibs2.load("eckit", visibility="private")
def refusal(open, *asked):
    try:
        return open(*asked)
    except OSError as error:
        return [type(error).__name__, getattr(error, "loader_said", str(error)).rpartition(": ")[2]]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """eckitlib; and plugin.so, which uses libeckit and does not name it."""
    place = tmp_path_factory.mktemp("site")
    wrapper(place, "eckit", [], [])
    build(place / "eckitlib" / "lib64" / "libeckit.so", "int answer(void) { return 42; }")
    build(place / "plugin.so", "extern int answer(void); int plugin(void) { return answer(); }")
    (place / "cut.so").write_bytes((place / "plugin.so").read_bytes()[:200])
    return place


def build(path: Path, source: str) -> None:
    command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", "-xc", "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True)


class TestAdopt:
    def test_a_plugin_that_does_not_name_what_it_uses_finds_it_in_the_scope(self, site: Path) -> None:
        code = f"{START}plugin = {str(site / 'plugin.so')!r}\nalone = refusal(ctypes.CDLL, plugin)\n"
        tell = "tell([alone, findlibs2.adopt(plugin).plugin(), hasattr(ctypes.CDLL(None), 'plugin')])"
        assert answer(code + tell, site) == [["OSError", "answer"], 42, False]

    def test_by_a_relative_path(self, site: Path) -> None:
        code = f"{START}import os; os.chdir({str(site)!r})\ntell(findlibs2.adopt('plugin.so').plugin())"
        assert answer(code, site) == 42

    def test_what_nobody_has_is_told_in_the_loaders_words(self, site: Path) -> None:
        code = f"import findlibs2\n{START.replace('findlibs2.load', '# ')}"
        code += f"tell(refusal(findlibs2.adopt, {str(site / 'plugin.so')!r}))"
        assert answer(code, site) == ["OpenFailedError", "answer"]

    @pytest.mark.parametrize("name", ["cut.so", "nosuch.so"])
    def test_a_file_that_cannot_be_opened_is_refused(self, site: Path, name: str) -> None:
        code = f"""{START}
try:
    findlibs2.adopt({str(site / name)!r})
except findlibs2.RefusedError as error:
    tell([each.code for each in error.findings])
"""
        assert answer(code, site) == ["bad-file"]


class TestPromote:
    def test_what_is_visible_by_it_is_listed_and_a_verdict_says_it_too(self, site: Path) -> None:
        code = f"""{START}
def seen(): return hasattr(ctypes.CDLL(None), "answer")
def codes(): return [each.code for each in findlibs2.check("eckit").findings if each.code == "scope-promoted"]
before = [seen(), codes()]
promoted = [path.rpartition("/")[2] for path in findlibs2.promote("eckit")]
tell([before, promoted, findlibs2.promote("eckit"), seen(), codes()])
"""
        assert answer(code, site) == [[False, []], ["libeckit.so"], [], True, ["scope-promoted"]]

    def test_what_was_not_loaded_cannot_be(self, site: Path) -> None:
        code = f"import findlibs2\n{START.replace('findlibs2.load', '# ')}tell(refusal(findlibs2.promote, 'eckit'))"
        assert answer(code, site) == ["OpenFailedError", "it is not open, so it cannot be promoted; load it first"]

    def test_what_is_nowhere_is_not_found(self, site: Path) -> None:
        code = f"""{START}
try:
    findlibs2.promote("nosuch")
except findlibs2.NotFoundError as error:
    tell(error.name)
"""
        assert answer(code, site) == "nosuch"
