"""What `check` notes about a stack: the whole text, beside what the loader does with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import need
from tests.wheels.run import run
from tests.words.said import distribution, printed
from tests.words.test_verdicts import CHECK, built, calling, defining

pytestmark = [need.glibc(), need.tool("gcc")]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """mirlib on eckitlib, of one release."""
    for package, version, declared in (("eckitlib", "2.5.0.33", []), ("mirlib", "1.30.2.33", ["eckitlib"])):
        (tmp_path / package).mkdir()
        source = f"__version__ = {version!r}\nfindlibs_dependencies = {declared!r}\n"
        (tmp_path / package / "__init__.py").write_text(source)
        distribution(tmp_path, package, version)
    return tmp_path


def said(site: Path, before: str = "") -> str:
    return printed(site, CHECK.format(before=before), None)


def opened(site: Path, *paths: Path) -> str:
    """What becomes of opening these one after the other, visible to all: "" or what the loader says of the last."""
    code = f"import ctypes\nfor path in {[str(path) for path in paths]!r}: ctypes.CDLL(path, ctypes.RTLD_GLOBAL)"
    return run(code, site).stderr.strip().rpartition("\n")[2]


class TestUnderLinked:
    """libeckit.so uses something of libeckit_geo.so, and does not say so."""

    @pytest.fixture
    def libraries(self, site: Path) -> tuple[Path, Path]:
        place = site / "eckitlib" / "lib64"
        geo = built(place / "libeckit_geo.so", defining("eckit_geo_grid"))
        source = calling("eckit_geo_grid").replace("mir(", "eckit(") + defining("eckit_main")
        eckit = built(place / "libeckit.so", source)
        both = "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", str(eckit), str(geo)
        built(site / "mirlib" / "lib64" / "libmir.so", calling("eckit_main"), *both)
        return eckit, geo

    def test_it_is_told(self, site: Path, libraries: tuple[Path, Path]) -> None:
        assert said(site) == (
            """libeckit.so uses 1 symbol of libeckit_geo.so, which it does not say it needs [under-linked]
    eckit_geo_grid
    wanted by   SITE/eckitlib/lib64/libeckit.so
    found in   SITE/eckitlib/lib64/libeckit_geo.so
mir: 3 libraries, nothing that stops a load"""
        )

    def test_the_loader_takes_it_only_after_the_other_one(self, site: Path, libraries: tuple[Path, Path]) -> None:
        eckit, geo = libraries
        alone = opened(site, eckit)
        assert (alone.endswith("undefined symbol: eckit_geo_grid"), opened(site, geo, eckit)) == (True, "")


class TestLoadedElsewhere:
    """Another libeckit.so is in the process before."""

    NOTE = """libeckit.so is in the process already, from another file; that one is used [loaded-elsewhere]
    in use   SITE/other/libeckit.so
    expected   SITE/eckitlib/lib64/libeckit.so"""

    def other(self, site: Path, *defined: str) -> str:
        """The stack, and the statement that opens the other one, which defines these."""
        expected = built(site / "eckitlib" / "lib64" / "libeckit.so", defining("one", "two"))
        built(site / "mirlib" / "lib64" / "libmir.so", calling("one", "two"), "-Wl,--no-as-needed", str(expected))
        path = built(site / "other" / "libeckit.so", defining(*defined))
        return f"import ctypes; ctypes.CDLL({str(path)!r}, ctypes.RTLD_GLOBAL)"

    def test_it_fits(self, site: Path) -> None:
        before = self.other(site, "one", "two", "three")
        assert said(site, before) == (
            f"{self.NOTE}\n    so   it has all that is wanted of the other one\nmir: 1 library, nothing that stops a load"
        )
        assert run(f"{before}\nimport findlibs2; findlibs2.load('mir')", site).stderr == ""

    def test_it_lacks_something(self, site: Path) -> None:
        before = self.other(site, "one")
        assert said(site, before).startswith(f"{self.NOTE}\n    lacks   two\nlibmir.so needs 1 symbol that")
        assert "undefined symbol: two" in run(f"{before}\nimport findlibs2; findlibs2.load('mir')", site).stderr


def test_of_many_search_directories_the_first_are_told(site: Path) -> None:
    paths = ":".join(["/nowhere/lib", *(f"build{number}" for number in range(8))])
    built(site / "mirlib" / "lib64" / "libmir.so", calling(), f"-Wl,--disable-new-dtags,-rpath,{paths}")
    assert said(site) == (
        """libraries bring search directories that are not to be trusted; nothing is taken from there [unsafe-search-path]
    build0   relative to the current directory   RPATH of libmir.so
    build1   relative to the current directory   RPATH of libmir.so
    build2   relative to the current directory   RPATH of libmir.so
    build3   relative to the current directory   RPATH of libmir.so
    build4   relative to the current directory   RPATH of libmir.so
    ... and 3 more
libraries bring search directories that do not exist here [foreign-search-path]
    /nowhere/lib   RPATH of libmir.so
mir: 1 library, nothing that stops a load"""
    )
