"""What `check` says of symbols and versions: the whole text. The libraries are made by gcc, as anybody's are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import need
from tests.words.said import distribution, printed

pytestmark = [need.glibc(), need.tool("gcc")]
CHECK = "import findlibs2; from findlibs2 import report\n{before}\nprint(report.verdict(findlibs2.check('mir')))"
SYMBOLS = "_ZN5eckit7MainLib4initEv", "_ZN5eckit7MainLib4stopEv", "_ZN5eckit4Grid3runEv"


def built(path: Path, source: str, *options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler = [
        "gcc",
        "-shared",
        "-fPIC",
        "-x",
        "c",
        "-",
        "-x",
        "none",
        "-o",
        str(path),
        f"-Wl,-soname,{path.name}",
        "-nostdlib",
    ]
    subprocess.run([*compiler, *options], input=source, text=True, check=True)
    return path


def defining(*names: str) -> str:
    return "\n".join(f"void {name}(void) {{}}" for name in names)


def calling(*names: str) -> str:
    return (
        "\n".join(f"void {name}(void);" for name in names)
        + f"\nvoid mir(void) {{ {' '.join(f'{n}();' for n in names)} }}"
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """mirlib 1.30.2.33, which wants eckitlib 2.5.0.33, on eckitlib 2.6.0.34."""
    for package, declared in (("eckitlib", []), ("mirlib", ["eckitlib"])):
        (tmp_path / package).mkdir()
        version = {"eckitlib": "2.6.0.34", "mirlib": "1.30.2.33"}[package]
        source = f"__version__ = {version!r}\nfindlibs_dependencies = {declared!r}\n"
        (tmp_path / package / "__init__.py").write_text(source)
    distribution(tmp_path, "eckitlib", "2.6.0.34")
    distribution(tmp_path, "mirlib", "1.30.2.33", ["eckitlib==2.5.0.33"])
    return tmp_path


def eckit(site: Path, source: str, *options: str) -> Path:
    return built(site / "eckitlib" / "lib64" / "libeckit.so", source, *options)


def mir(site: Path, source: str, *options: str) -> Path:
    return built(site / "mirlib" / "lib64" / "libmir.so", source, "-Wl,--no-as-needed", *options)


def said(site: Path, before: str = "") -> str:
    return printed(site, CHECK.format(before=before), None)


COUNTERS = """\
wrappers of this stack were released at different times; what they share is checked by name alone [counters-differ]
    eckitlib   2.6.0.34
    mirlib   1.30.2.33
installed packages ask for other versions than are there; what they share is checked by name alone [requirement-unmet]
    eckitlib 2.6.0.34   asked for eckitlib==2.5.0.33   by mirlib 1.30.2.33"""


FIX = "  fix: pip install eckitlib==2.5.0.33     # what mirlib's own metadata asks for"


def test_nothing_is_missing(site: Path) -> None:
    mir(site, calling(SYMBOLS[0]), str(eckit(site, defining(*SYMBOLS))))
    assert said(site) == f"{COUNTERS}\nmir: 2 libraries, nothing that stops a load"


def test_one_symbol(site: Path) -> None:
    mir(site, calling(SYMBOLS[0]), str(eckit(site, defining(*SYMBOLS[1:]))))
    assert said(site) == (
        f"""libmir.so needs 1 symbol that libeckit.so does not have [missing-symbol]
    _ZN5eckit7MainLib4initEv
    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33
    expected in   SITE/eckitlib/lib64/libeckit.so   eckitlib 2.6.0.34  (exports 2 symbols; not this one)
    released   mirlib with counter 33, eckitlib with 34
{COUNTERS}
mir: 2 libraries, cannot be loaded
{FIX}"""
    )


@need.tool("g++")
def test_names_of_c_plus_plus_are_told_where_the_process_can_read_them(site: Path) -> None:
    mir(site, calling(SYMBOLS[0]), str(eckit(site, defining(*SYMBOLS[1:]))))
    told = said(site, "import ctypes; ctypes.CDLL('libstdc++.so.6')")
    assert told.split("\n")[1] == "    _ZN5eckit7MainLib4initEv   eckit::MainLib::init()"


def test_a_hundred_symbols(site: Path) -> None:
    names = [f"_ZN5eckit7MainLib3f{number}Ev" for number in range(100, 200)]
    mir(site, calling(*names), str(eckit(site, defining(*SYMBOLS))))
    first, *lines = said(site).split("\n")
    assert first == "libmir.so needs 100 symbols that libeckit.so does not have [missing-symbol]"
    assert [line.strip() for line in lines[:6]] == [*names[:5], "... and 95 more"]


def test_a_symbol_that_nobody_is_expected_to_have(site: Path) -> None:
    mir(site, calling("unheard"), str(eckit(site, defining(*SYMBOLS))))
    assert said(site).split("\n")[:3] == [
        "libmir.so needs 1 symbol that no library has [missing-symbol]",
        "    unheard",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
    ]


def test_a_weak_symbol_may_be_missing(site: Path) -> None:
    source = "void absent(void) __attribute__((weak));\nvoid mir(void) { if (absent) absent(); }"
    mir(site, source, str(eckit(site, defining(*SYMBOLS))))
    assert said(site).endswith("nothing that stops a load")


def test_a_version_that_is_too_old(site: Path, tmp_path: Path) -> None:
    (tmp_path / "new.map").write_text("ECKIT_1.0 { global: old; };\nECKIT_1.2 { global: fresh; } ECKIT_1.0;\n")
    newer = built(
        tmp_path / "new" / "libeckit.so", defining("old", "fresh"), f"-Wl,--version-script={tmp_path}/new.map"
    )
    mir(site, calling("old", "fresh"), str(newer))
    (tmp_path / "old.map").write_text("ECKIT_1.0 { global: old; };\n")
    eckit(site, defining("old"), f"-Wl,--version-script={tmp_path}/old.map")
    assert said(site).split("\n") == [
        "libmir.so needs 1 symbol that libeckit.so does not have [missing-symbol]",
        "    fresh@ECKIT_1.2",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "    expected in   SITE/eckitlib/lib64/libeckit.so   eckitlib 2.6.0.34  (exports 2 symbols; not this one)",
        "    released   mirlib with counter 33, eckitlib with 34",
        "libmir.so needs ECKIT_1.2 of libeckit.so, which is too old or another [missing-version]",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "    expected in   SITE/eckitlib/lib64/libeckit.so   defines ECKIT_1.0 at most",
        *COUNTERS.split("\n"),
        "mir: 2 libraries, cannot be loaded",
        FIX,
    ]


def test_a_replacement_without_versions(site: Path, tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text("ECKIT_1.0 { global: old; };\n")
    versioned = built(tmp_path / "new" / "libeckit.so", defining("old"), f"-Wl,--version-script={tmp_path}/a.map")
    mir(site, calling("old"), str(versioned))
    eckit(site, defining("old"))
    assert said(site).split("\n")[:4] == [
        "libeckit.so has no symbol versions, and libmir.so wants some of it [unversioned-provider]",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "    without versions   SITE/eckitlib/lib64/libeckit.so",
        "    wanted   ECKIT_1.0   the loader of this system ends the process here",
    ]
