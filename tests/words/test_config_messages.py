"""What is said of a configuration that cannot be used, and of what it decided: the whole text."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import need
from tests.build.elf import library
from tests.words.said import said, trail

pytestmark = need.glibc()


@pytest.fixture
def config(site: Path) -> Path:
    return site / "config.toml"


def using(config: Path, text: str | bytes) -> dict[str, str]:
    """The environment in which that text is the configuration."""
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"FINDLIBS2_CONFIG": str(config)}


def test_everything_that_is_wrong_is_told_with_its_line_and_what_would_be_right(site: Path, config: Path) -> None:
    wrong = f"""
# of this site
pats = ["/opt/ecmwf"]
sources = [
    "package",
    "hom",
]

[library.mir]
path = "relative/libmir.so"
pakage = "mirlib"
verify = "of"

[library."lib mir.so"]
package = "mirlib"

[library.eckit]
package = 1
sources = ["home", "home"]
visibility = "{"x" * 3}"
"""
    assert said(site, "mir", env=using(config, wrong)) == (
        """ConfigError
the configuration SITE/config.toml cannot be used [bad-configuration]
    line 3   there is no setting 'pats'   write paths
    line 6   there is no source 'hom'   write home
    line 10   'relative/libmir.so' is relative; a path starts with / or ~
    line 11   there is no setting 'pakage' in [library.mir]   write package
    line 12   library.mir.verify cannot be 'of'   write off
    line 14   'lib mir.so' is not the name of a library: that is the name of a file; write " mir"
    line 18   library.eckit.package has to be the name of a package, in quotes
    line 19   the source 'home' is named twice
    line 20   library.eckit.visibility cannot be 'xxx'   one of auto, global, private"""
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[library.mir]\npath = /opt/x\n", "line 2", "it is not TOML: Invalid value"),
        ("sources = [\n\n", "line 3", "it is not TOML: Invalid value"),
        ('paths = ["/opt"]\npaths = ["/usr"]\n', "line 2", "it is not TOML: Cannot overwrite a value"),
        (b"# caf\xe9\nx = 1\n", "line 1", "it is not written in UTF-8"),
        (b"# " + b"x" * (1 << 18), "because", "it is longer than 262,144 bytes"),
    ],
)
def test_a_file_that_is_no_configuration(site: Path, config: Path, text: str | bytes, line: str, words: str) -> None:
    assert said(site, "mir", env=using(config, text)) == (
        f"""ConfigError
the configuration SITE/config.toml cannot be used [bad-configuration]
    {line}   {words}"""
    )


def test_a_file_that_is_named_and_does_not_exist(site: Path) -> None:
    assert said(site, "mir", env={"FINDLIBS2_CONFIG": str(site / "gone.toml")}) == (
        """ConfigError
the configuration SITE/gone.toml cannot be used [bad-configuration]
    because   it cannot be read"""
    )


def test_a_file_that_others_could_have_written(site: Path, config: Path) -> None:
    env = using(config, "")
    config.chmod(0o666)
    assert said(site, "mir", env=env) == (
        """ConfigError
the configuration SITE/config.toml cannot be used [bad-configuration]
    because   it is not used, for others could have written it: anyone can write to SITE/config.toml"""
    )


def test_an_option_that_does_not_exist(site: Path) -> None:
    assert said(site, "mir", env={"FINDLIBS2_VERIFY": "fast"}) == (
        """ConfigError
the configuration FINDLIBS2_VERIFY=fast cannot be used [bad-configuration]
    because   verify cannot be 'fast'   one of symbols, headers, off"""
    )


def test_a_path_that_names_nothing(site: Path, config: Path) -> None:
    assert said(site, "mir", env=using(config, '\n[library.mir]\npath = "/gone/libmir.so"\n')) == (
        """RefusedError
mir cannot be loaded: library.mir.path names nothing that exists [override-missing]
    value   /gone/libmir.so
  fix: change SITE/config.toml, line 3 to the library file, or delete it"""
    )


def test_a_path_of_a_needed_library_that_holds_another_soname(site: Path, config: Path) -> None:
    (site / "other.so").write_bytes(library("libeckit.so.9"))
    assert said(site, "mir", env=using(config, f'library.eckit.path = "{site}/other.so"\n')) == (
        """RefusedError
mir cannot be loaded: the library that library.eckit.path names is not libeckit.so [override-mismatch]
    file   SITE/other.so   carries the name libeckit.so.9
    needed by   SITE/mirlib/lib64/libmir.so
  fix: change SITE/config.toml, line 1 to a library named libeckit.so, or delete it
  to try it nevertheless, at the risk of a crash: FINDLIBS2_VERIFY=off"""
    )


class TestTrails:
    """The configuration is named in every trail that it had a part in, and in no other."""

    def test_path(self, site: Path, config: Path) -> None:
        (site / "mine.so").write_bytes(library("libmir.so"))
        assert trail(site, "mir", using(config, f'[library.mir]\npath = "{site}/mine.so"\n')) == (
            """mir: found SITE/mine.so
    1.   override   library.mir.path=SITE/mine.so (SITE/config.toml, line 2)   found"""
        )

    def test_package(self, site: Path, config: Path) -> None:
        (site / "mirlib").rename(site / "minelib")
        assert trail(site, "mir", using(config, '[library.mir]\npackage = "minelib"\n')) == (
            """mir: found SITE/minelib/lib64/libmir.so
    1.   configuration   SITE/config.toml, line 2   the package is minelib
    2.   override   FINDLIBS2_LIB_MIR   not set
    3.   package   minelib   found"""
        )

    def test_sources_of_a_library(self, site: Path, config: Path) -> None:
        text = 'sources = ["system"]\n[library.mir]\nsources = ["home", "package"]\n'
        assert trail(site, "mir", using(config, text)) == (
            """mir: found SITE/mirlib/lib64/libmir.so
    1.   configuration   SITE/config.toml, line 3   the sources are home, package
    2.   override   FINDLIBS2_LIB_MIR   not set
    3.   home   {MIRLIB,MIR}_{HOME,DIR,ROOT}, CMAKE_PREFIX_PATH   not set
    4.   package   mirlib   found"""
        )

    def test_sources_of_all(self, site: Path, config: Path) -> None:
        """Nothing but wrappers: the strict mode. A library of the system is not taken in their place."""
        shutil.rmtree(site / "mirlib")
        assert trail(site, "mir", using(config, 'sources = ["package"]\n')) == (
            """mir: not found
    1.   configuration   SITE/config.toml   the sources are package
    2.   override   FINDLIBS2_LIB_MIR   not set
    3.   package   mirlib   not installed
    4.   package   eckitlib   holds no libmir.so"""
        )

    def test_nothing_of_this_library(self, site: Path, config: Path) -> None:
        assert trail(site, "mir", using(config, '[library.eckit]\nsources = ["package"]\n')) == (
            """mir: found SITE/mirlib/lib64/libmir.so
    1.   override   FINDLIBS2_LIB_MIR   not set
    2.   package   mirlib   found"""
        )
