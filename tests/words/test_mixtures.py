"""What is said of a mixture of releases that is broken: the whole text, of `check` and of `load`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import need
from tests.build.elf_symbols import UND, Symbol, library
from tests.words.said import distribution, printed, said
from tests.words.test_releases import CHECK, wrapper

pytestmark = need.glibc()
MAIN, GRID, MESH = "_ZN5eckit4Main", "_ZN5eckit3geo4Grid", "_ZN5atlas4Mesh"
VERSIONS = {"eckitlib": "2.3.0.30", "atlaslib": "0.47.0.33", "mirlib": "1.30.2.33"}
PINS = {
    "atlaslib": ["eckitlib==2.5.0.33"],
    "mirlib": ["eckitlib==2.5.0.33", "atlaslib==0.47.0.33"],
}
NOTES = """\
wrappers of this stack were released at different times; what they share is checked by name alone [counters-differ]
    eckitlib   2.3.0.30
    atlaslib   0.47.0.33
    mirlib   1.30.2.33
installed packages ask for other versions than are there; what they share is checked by name alone [requirement-unmet]
    eckitlib 2.3.0.30   asked for eckitlib==2.5.0.33   by atlaslib 0.47.0.33, mirlib 1.30.2.33"""
FIX = "  fix: pip install eckitlib==2.5.0.33     # what mirlib's own metadata asks for"


def stack(
    site: Path, versions: Mapping[str, str] = VERSIONS, pins: Mapping[str, Sequence[str]] = PINS, atlas: str = "0.47"
) -> Path:
    """libmir.so needs libatlas.so.0.47, and that, as libmir.so does, libeckit.so and libeckit_geo.so."""
    eckit, geo = "libeckit.so", "libeckit_geo.so"
    place = wrapper(site, "eckitlib", versions["eckitlib"])
    (place / eckit).write_bytes(library([Symbol(f"{MAIN}4initEv")], eckit))
    (place / geo).write_bytes(library([Symbol(f"{GRID}4sizeEv")], geo))
    place = wrapper(site, "atlaslib", versions["atlaslib"], pins["atlaslib"], ["eckitlib"])
    has = [Symbol(f"{MESH}4sizeEv"), *wanting(f"{MAIN}4stopEv")]
    (place / f"libatlas.so.{atlas}").write_bytes(library(has, f"libatlas.so.{atlas}", [eckit, geo]))
    place = wrapper(site, "mirlib", versions["mirlib"], pins["mirlib"], ["eckitlib", "atlaslib"])
    wants = wanting(f"{MESH}4sizeEv", f"{MAIN}4stopEv", *(f"{GRID}4nxy{number}Ev" for number in range(6)))
    (place / "libmir.so").write_bytes(library(wants, "libmir.so", ["libatlas.so.0.47", eckit, geo]))
    return site


def wanting(*names: str) -> list[Symbol]:
    return [Symbol(name, section=UND, value=0) for name in names]


def checked(site: Path, before: str = "") -> str:
    return printed(site, f"{before}\n{CHECK}", None)


OF_ECKIT = """\
2 libraries need 7 symbols that eckitlib 2.3.0.30 does not have [missing-symbol]
    _ZN5eckit4Main4stopEv
    _ZN5eckit3geo4Grid4nxy0Ev
    _ZN5eckit3geo4Grid4nxy1Ev
    _ZN5eckit3geo4Grid4nxy2Ev
    _ZN5eckit3geo4Grid4nxy3Ev
    ... and 2 more
    wanted by   SITE/atlaslib/lib64/libatlas.so.0.47   atlaslib 0.47.0.33  (1 of them)
    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33  (7 of them)
    expected in   SITE/eckitlib/lib64/libeckit.so   eckitlib 2.3.0.30  (1 of them)
    expected in   SITE/eckitlib/lib64/libeckit_geo.so   eckitlib 2.3.0.30  (6 of them)
    released   atlaslib, mirlib with counter 33, eckitlib with 30"""


def test_what_one_package_should_have_is_told_at_once_and_the_fix_comes_last(tmp_path: Path) -> None:
    told = checked(stack(tmp_path))
    assert told == f"{OF_ECKIT}\n{NOTES}\nmir: 4 libraries, cannot be loaded\n{FIX}"


def test_a_load_says_the_same_and_what_the_loader_says(tmp_path: Path) -> None:
    *told, loader = said(stack(tmp_path), "mir").split("\n")
    assert "\n".join(told) == f"RefusedError\nmir cannot be loaded: {OF_ECKIT}\n{FIX}"
    assert loader.startswith("  the loader, which opened nothing: SITE/")


def test_with_a_missing_library_symbols_are_missing_that_are_perhaps_its_own(tmp_path: Path) -> None:
    versions = {"eckitlib": "2.5.0.33", "atlaslib": "0.46.0.30", "mirlib": "1.30.2.33"}
    told = checked(stack(tmp_path, versions, {**PINS, "atlaslib": []}, atlas="0.46"))
    assert told.split("\n")[:6] == [
        "libatlas.so.0.47, which libmir.so needs, is nowhere to be found [missing-library]",
        "    needed by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "    perhaps its   1 symbol that libmir.so wants and nobody has",
        "    there is   libatlas.so.0.46   in atlaslib 0.46.0.30",
        "    package   mirlib, eckitlib, atlaslib   hold no libatlas.so.0.47",
        "    ld.so.cache   no libatlas.so.0.47",
    ]
    assert told.split("\n")[-2:] == [
        "mir: 3 libraries, cannot be loaded",
        "  fix: pip install atlaslib==0.47.0.33     # what mirlib's own metadata asks for",
    ]


def test_whose_requirements_a_fix_breaks_is_told(tmp_path: Path) -> None:
    for name in ("eckit", "pyfdb", "z3fdb"):
        distribution(tmp_path, name, "2.3.0.30", ["eckitlib==2.3.0.30"])
    but = "  but: eckit 2.3.0.30, pyfdb 2.3.0.30 and 1 more asked for what is there now"
    assert checked(stack(tmp_path)).split("\n")[-2:] == [FIX, but]


def test_a_fix_that_several_ask_for_names_them(tmp_path: Path) -> None:
    wrapper(tmp_path, "metkitlib", "1.21.0.30")
    pins = {**PINS, "mirlib": ["metkitlib==1.22.0.33", "atlaslib==0.47.0.33"]}
    command = "pip install metkitlib==1.22.0.33 eckitlib==2.5.0.33"
    fix = f"  fix: {command}     # what the metadata of mirlib and atlaslib ask for"
    assert checked(stack(tmp_path, pins=pins)).split("\n")[-1] == fix


def test_a_copy_that_hides_the_installed_one_is_told_with_its_own_version(tmp_path: Path) -> None:
    stack(tmp_path, {**VERSIONS, "eckitlib": "2.3.0.30"})
    (tmp_path / "eckitlib-2.3.0.30.dist-info").rename(tmp_path / "gone")
    distribution(tmp_path, "eckitlib", "2.5.0.33")
    first, *lines = checked(tmp_path).split("\n")
    assert first == "2 libraries need 7 symbols that eckitlib 2.3.0.30 does not have [missing-symbol]"
    assert [line for line in lines if "fix:" in line] == []  # for pip all is there


def test_for_a_library_of_ones_own_no_package_is_replaced(tmp_path: Path) -> None:
    site = stack(tmp_path, pins={"atlaslib": [], "mirlib": PINS["mirlib"]})
    (site / "atlaslib" / "lib64" / "libatlas.so.0.47").write_bytes(
        library([Symbol(f"{MESH}4sizeEv")], "libatlas.so.0.47")
    )
    wants = wanting(f"{MAIN}4stopEv")
    (site / "mirlib" / "lib64" / "libmir.so").write_bytes(library(wants, "libmir.so", ["libeckit.so"]))
    (site / "own").mkdir()
    (site / "own" / "libeckit.so").write_bytes(library([Symbol(f"{MAIN}4initEv")], "libeckit.so"))
    told = printed(site, CHECK, {"FINDLIBS2_LIB_ECKIT": str(site / "own" / "libeckit.so")})
    assert told.split("\n")[0] == "libmir.so needs 1 symbol that libeckit.so does not have [missing-symbol]"
    assert told.split("\n")[-1] == "mir: 2 libraries, cannot be loaded"


def test_one_command_is_told_not_two(tmp_path: Path) -> None:
    site = stack(tmp_path)
    wants = wanting(f"{MAIN}4stopEv")
    geo = library(wants, "libeckit_geo.so", ["libeckit.so"])
    (site / "eckitlib" / "lib64" / "libeckit_geo.so").write_bytes(geo)
    (site / "mirlib" / "lib64" / "libmir.so").write_bytes(library([], "libmir.so", ["libeckit_geo.so"]))
    first, *lines = checked(site).split("\n")
    assert first == "libeckit_geo.so needs 1 symbol that libeckit.so does not have [missing-symbol]"
    assert [line for line in lines if "fix:" in line] == [FIX]


def test_a_file_that_is_gone_comes_before_other_releases(tmp_path: Path) -> None:
    site = stack(tmp_path)
    (site / "eckitlib" / "lib64" / "libeckit_geo.so").unlink()
    for record in site.glob("mirlib-*/RECORD"):
        record.write_text("mirlib.libs/libeckit_geo.so,,\n")
    fixes = [line.strip() for line in checked(site).split("\n") if "fix:" in line]
    assert fixes == ["fix: pip install --force-reinstall --no-deps mirlib==1.30.2.33"]
