"""The verdict, check by check, on written libraries in a world that exists only in memory.

What it says: tests/words/test_verdicts.py. Whether the loader says the same: tests/wheels/test_verdict.py, tests/oracle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from findlibs2 import verdict
from findlibs2.findings import MissingLibrary, MissingSymbols, MissingVersion, UnversionedProvider, VersionsOfAbsent
from findlibs2.formats import elf_relocations, elf_symbols
from findlibs2.formats.elf_symbols import Symbols
from findlibs2.formats.window import Window
from findlibs2.linked import Disk
from findlibs2.model import File, Host, Loaded, Plan, Step, Verdict
from tests.build.elf_symbols import NOT_DEFAULT, UND, WEAK, Symbol, library
from tests.build.world import HOST, binary, file

MIR, ECKIT = "/site/mirlib/lib64/libmir.so", "/site/eckitlib/lib64/libeckit.so"
LIBC = "/lib/libc.so.6"


def wants(*names: str, version: int = 1) -> list[Symbol]:
    return [Symbol(name, section=UND, value=0, version=version) for name in names]


def has(*names: str, version: int = 1) -> list[Symbol]:
    return [Symbol(name, version=version) for name in names]


def symbols(content: bytes) -> Symbols:
    return elf_symbols.read(window(content))


def window(content: bytes) -> Window:
    return Window("", len(content), lambda count, offset: content[offset : offset + count])


def step(path: str, *needed: str, package: str | None = None) -> Step:
    return Step(path, file(binary(path, *needed)), package, ())


STEPS = (step(ECKIT, package="eckitlib"), step(MIR, "libeckit.so", "libc.so.6", package="mirlib"))


def judged(
    disk: Mapping[str, bytes],
    steps: Sequence[Step] = STEPS,
    loaded: tuple[Loaded, ...] | None = (),
    host: Host = HOST,
    **plan: object,
) -> Verdict:
    tables = {path: symbols(content) for path, content in disk.items()}

    def referred(path: str) -> frozenset[int] | None:
        return elf_relocations.references(window(disk[path]))

    drawn = Plan(("mir",), (MIR,), tuple(steps), **plan)  # type: ignore[arg-type]

    def headers(path: str) -> File:
        return file(binary(path))

    return verdict.judge(drawn, host, loaded, Disk(tables.get, referred, headers, lambda path: None))


def test_what_the_process_has_supplies_too() -> None:
    disk = {ECKIT: library([]), MIR: library(wants("printf")), LIBC: library(has("printf"))}
    assert judged(disk, loaded=(Loaded(LIBC, "libc.so.6"),)).findings == ()
    assert [finding.code for finding in judged(disk).findings] == ["missing-symbol"]


def test_what_the_program_has_supplies_too() -> None:
    program = "/usr/bin/program"
    disk = {ECKIT: library([]), MIR: library(wants("host_run")), program: library(has("host_run"))}
    host = HOST.replace(executable=binary(program, name="").replace(kind="executable"))
    assert judged(disk, host=host).findings == ()
    assert [finding.code for finding in judged(disk).findings] == ["missing-symbol"]


def test_what_is_missing_is_told_by_who_wants_it_and_who_should_have_it() -> None:
    geo = "/site/eckitlib/lib64/libeckit_geo.so"
    steps = (*STEPS[:1], step(geo, package="eckitlib"), step(MIR, "libeckit.so", "libeckit_geo.so", package="mirlib"))
    disk = {
        ECKIT: library([*has("_ZN5eckit4Main4initEv", "_ZN5eckit3Log4infoEv", "_ZN5eckit3Log4warnEv")]),
        geo: library([*has("_ZN5eckit3geo4Grid4sizeEv"), *wants("_ZN5eckit4Main4stopEv")]),
        MIR: library(
            wants("_ZN5eckit4Main4stopEv", "_ZNK5eckit3geo4Grid4specEv", "_ZN5eckit3geo4Grid4specEv", "nobody")
        ),
    }
    found = judged(disk, steps).findings
    assert set(found) == {
        MissingSymbols(MIR, ("_ZN5eckit4Main4stopEv",), "mirlib", ECKIT, "eckitlib", 3),
        MissingSymbols(geo, ("_ZN5eckit4Main4stopEv",), "eckitlib", None, None, 0),
        MissingSymbols(MIR, ("_ZN5eckit3geo4Grid4specEv", "_ZNK5eckit3geo4Grid4specEv"), "mirlib", geo, "eckitlib", 1),
        MissingSymbols(MIR, ("nobody",), "mirlib", None, None, 0),
    }


class TestAbsentLibrary:
    """libmir.so needs libeckit.so, and libatlas.so.0.46, which is nowhere to be found."""

    STEPS = (step(ECKIT, package="eckitlib"), step(MIR, "libeckit.so", "libatlas.so.0.46", package="mirlib"))
    GONE = MissingLibrary("libatlas.so.0.46", (MIR,), "mirlib", ())
    DISK: Mapping[str, bytes] = {
        ECKIT: library([*has("_ZN5eckit4Main4initEv", "_ZN5atlas2io4openEv"), *wants("_ZN5atlas4Grid4sizeEv")]),
        MIR: library(wants("_ZN5eckit4Main4stopEv", "_ZN5atlas4Grid4sizeEv", "nobody")),
    }
    OF_ABSENT = MissingSymbols(MIR, ("_ZN5atlas4Grid4sizeEv", "nobody"), "mirlib", absent="libatlas.so.0.46")
    OF_OTHERS = (
        MissingSymbols(MIR, ("_ZN5eckit4Main4stopEv",), "mirlib", ECKIT, "eckitlib", 2),
        MissingSymbols(ECKIT, ("_ZN5atlas4Grid4sizeEv",), "eckitlib"),
    )

    def test_who_needs_it_perhaps_wants_of_it_what_nobody_has(self) -> None:
        told = judged(self.DISK, self.STEPS, findings=(self.GONE,))
        assert (set(told.findings), told.unchecked) == ({self.GONE, self.OF_ABSENT, *self.OF_OTHERS}, ())

    def test_where_only_the_loader_may_find_it_the_rest_is_unchecked(self) -> None:
        told = judged(self.DISK, self.STEPS, findings=(self.GONE,), left_to_loader=("libatlas.so.0.46",))
        assert told.findings == (self.GONE, self.OF_ABSENT)
        assert told.unchecked == (
            "libatlas.so.0.46, which only the loader can find",
            "2 symbols that a library which could not be read may have",
        )

    def test_versions_are_wanted_of_it_by_name(self) -> None:
        disk = {**self.DISK, MIR: library(wants("f", version=2), needs={"libatlas.so.0.46": ["V1"]})}
        told = judged(disk, self.STEPS, findings=(self.GONE,))
        assert MissingSymbols(MIR, ("f@V1",), "mirlib", absent="libatlas.so.0.46") in told.findings


def test_what_no_relocation_refers_to_is_looked_up_by_nobody() -> None:
    disk = {ECKIT: library([]), MIR: library([*wants("f"), *has("g")], refer=False)}
    assert judged(disk).findings == ()


def test_what_is_weak_may_be_missing() -> None:
    disk = {ECKIT: library([]), MIR: library([Symbol("absent", section=UND, value=0, binding=WEAK)])}
    assert judged(disk).findings == ()


class TestVersions:
    ECKIT_1 = library(has("f", version=2), "libeckit.so", defines=["libeckit.so", "V1.2"])

    def test_the_same_version(self) -> None:
        disk = {ECKIT: self.ECKIT_1, MIR: library(wants("f", version=2), needs={"libeckit.so": ["V1.2"]})}
        assert judged(disk).findings == ()

    @pytest.mark.parametrize(("version", "newest"), [("V1.10", "V1.2"), ("W1", None)])
    def test_another_version(self, version: str, newest: str | None) -> None:
        disk = {ECKIT: self.ECKIT_1, MIR: library(wants("f", version=2), needs={"libeckit.so": [version]})}
        assert set(judged(disk).findings) == {
            MissingSymbols(MIR, (f"f@{version}",), "mirlib", ECKIT, "eckitlib", 1),
            MissingVersion(MIR, version, "libeckit.so", ECKIT, None, "mirlib"),
        }

    def test_the_newest_of_the_family_is_told_and_numbers_are_compared_as_numbers(self) -> None:
        versions = ["G_2.4", "G_2.36", "G_PRIVATE", "H_9"]
        disk = {
            ECKIT: library(has("f", version=2), "libeckit.so", defines=["libeckit.so", *versions]),
            MIR: library(wants("g", version=2), needs={"libeckit.so": ["G_2.38"]}),
        }
        told = [finding for finding in judged(disk).findings if isinstance(finding, MissingVersion)]
        assert told == [MissingVersion(MIR, "G_2.38", "libeckit.so", ECKIT, "G_2.36", "mirlib")]

    def test_a_version_that_may_be_missing(self) -> None:
        wanted = library(wants("f", version=2), needs={"libeckit.so": ["V9"]}, weak=["V9"])
        disk = {ECKIT: self.ECKIT_1, MIR: wanted}
        assert [finding.code for finding in judged(disk).findings] == ["missing-symbol"]

    @pytest.mark.parametrize(("glibc", "told"), [((2, 36), True), ((2, 40), True), ((2, 41), False)])
    def test_a_provider_without_any_version_ends_the_process_up_to_glibc_2_40(
        self, glibc: tuple[int, ...], told: bool
    ) -> None:
        disk = {
            ECKIT: library(has("f"), "libeckit.so"),
            MIR: library(wants("f", version=2), needs={"libeckit.so": ["V1"]}),
        }
        finding = UnversionedProvider(MIR, ECKIT, ("V1",), "mirlib")
        assert judged(disk, host=HOST.replace(libc_version=glibc)).findings == ((finding,) if told else ())

    def test_a_provider_without_any_version_ends_nothing_where_another_file_has_the_symbol(self) -> None:
        disk = {
            ECKIT: library(has("f"), "libeckit.so"),
            MIR: library(wants("f", version=2), needs={"libeckit.so": ["V1"]}),
            LIBC: library(has("f")),
        }
        assert judged(disk, loaded=(Loaded(LIBC, "libc.so.6"),)).findings == ()

    def test_versions_of_a_library_that_nobody_brings_end_the_process(self) -> None:
        disk = {ECKIT: library([]), MIR: library([], needs={"libabsent.so": ["V1"]})}
        assert judged(disk).findings == (VersionsOfAbsent(MIR, "libabsent.so", "mirlib"),)

    def test_a_provider_without_any_version_and_without_the_symbol_ends_nothing(self) -> None:
        disk = {
            ECKIT: library(has("g"), "libeckit.so"),
            MIR: library(wants("f", version=2), needs={"libeckit.so": ["V1"]}),
        }
        assert [finding.code for finding in judged(disk).findings] == ["missing-symbol"]


class TestUnchecked:
    """A symbol that may be where nobody could look is not missing."""

    def test_a_file_that_cannot_be_read(self) -> None:
        told = judged({MIR: library(wants("f"))})
        assert (told.findings, told.unchecked) == (
            (),
            (f"the symbols of {ECKIT}", "1 symbol that a library which could not be read may have"),
        )

    def test_a_library_that_only_the_loader_can_find(self) -> None:
        disk = {ECKIT: library([]), MIR: library(wants("f"))}
        told = judged(disk, left_to_loader=("libodd.so",))
        assert (told.passes, told.unchecked[0]) == (True, "libodd.so, which only the loader can find")

    def test_a_process_that_cannot_be_asked(self) -> None:
        disk = {ECKIT: library([]), MIR: library(wants("f"))}
        told = judged(disk, loaded=None)
        assert (told.passes, told.unchecked[0]) == (True, "the libraries in this process")


class TestMusl:
    """Its loader knows no versions, and takes what glibc's would not; and the other way round."""

    MUSL = HOST.replace(libc="musl", libc_version=(1, 2, 3))

    @pytest.mark.parametrize("defines", [[], ["libeckit.so", "V1"]], ids=["no versions", "another version"])
    def test_no_version_is_ever_missing(self, defines: list[str]) -> None:
        offered = library(has("f", version=2 if defines else 1), "libeckit.so", defines=defines)
        disk = {
            ECKIT: offered,
            MIR: library(wants("f", version=2), needs={"libeckit.so": ["V9"], "libgone.so": ["V1"]}),
        }
        assert judged(disk, host=self.MUSL, loaded=(Loaded(LIBC, "libc.so.6"),)).findings == ()
        assert judged(disk, loaded=(Loaded(LIBC, "libc.so.6"),)).findings != ()

    def test_what_only_an_old_version_offers_is_missing(self) -> None:
        offered = library(has("f", version=2 | NOT_DEFAULT), "libeckit.so", defines=["libeckit.so", "V1"])
        disk = {ECKIT: offered, MIR: library(wants("f", version=2), needs={"libeckit.so": ["V1"]})}
        assert [each.code for each in judged(disk, host=self.MUSL).findings] == ["missing-symbol"]
        assert judged(disk).findings == ()
