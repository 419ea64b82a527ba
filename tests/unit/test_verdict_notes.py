"""What the verdict adds to a stack that works: under-linked files, and libraries that are in the process from elsewhere."""

from __future__ import annotations

import pytest

from findlibs2 import underlinking
from findlibs2.findings import MissingSymbols
from findlibs2.link import Missing
from findlibs2.model import Finding, Loaded
from findlibs2.notes import LoadedElsewhere, UnderLinked
from tests.build.elf_symbols import WEAK, Symbol, library
from tests.build.world import HOST, binary
from tests.unit.test_verdict import ECKIT, LIBC, MIR, has, judged, step, symbols, wants

ATLAS, SITE_ECKIT = "/site/atlaslib/lib64/libatlas.so", "/opt/eckit/lib/libeckit.so"


class TestUnderLinked:
    """gABI: a file names all that it needs itself."""

    STEPS = (step(ECKIT), step(ATLAS, "libeckit.so"), step(MIR, "libatlas.so"))

    def test_what_is_needed_through_others_is_needed(self) -> None:
        disk = {ECKIT: library(has("f")), ATLAS: library([]), MIR: library(wants("f"))}
        assert judged(disk, self.STEPS).findings == ()

    def test_what_only_another_file_of_the_plan_brings_is_told(self) -> None:
        disk = {ECKIT: library(wants("g")), ATLAS: library(has("g")), MIR: library([])}
        assert judged(disk, self.STEPS).findings == (UnderLinked(ECKIT, ("g",), ATLAS),)

    def test_what_only_the_process_brings_is_told(self) -> None:
        disk = {
            ECKIT: library(wants("g", "h")),
            ATLAS: library(wants("g")),
            MIR: library([]),
            LIBC: library(has("g", "h")),
        }
        told = judged(disk, self.STEPS, loaded=(Loaded(LIBC, "libc.so.6"),))
        assert told.findings == (UnderLinked(ECKIT, ("g", "h"), LIBC), UnderLinked(ATLAS, ("g",), LIBC))

    def test_what_the_program_brings_nobody_can_say_to_need(self) -> None:
        program = "/usr/bin/program"
        disk = {ECKIT: library(wants("g")), ATLAS: library([]), MIR: library([]), program: library(has("g"))}
        host = HOST.replace(executable=binary(program, name="").replace(kind="executable"))
        assert judged(disk, self.STEPS, host=host).findings == ()

    def test_what_nobody_brings_is_missing_and_not_told_twice(self) -> None:
        disk = {ECKIT: library(wants("g")), ATLAS: library([]), MIR: library([])}
        assert judged(disk, self.STEPS).findings == (MissingSymbols(ECKIT, ("g",)),)

    @pytest.mark.parametrize(
        "unused", [library([*wants("g"), *has("x")], refer=False), library([Symbol("g", 0, 0, WEAK)])]
    )
    def test_what_no_loader_looks_up_and_what_may_be_missing_is_not_told(self, unused: bytes) -> None:
        disk = {ECKIT: unused, ATLAS: library(has("g")), MIR: library([])}
        assert judged(disk, self.STEPS).findings == ()

    def test_of_a_file_that_leads_to_something_unknown_nothing_is_told(self) -> None:
        steps = (step(ECKIT, "libodd.so"), *self.STEPS[1:])
        disk = {ECKIT: library(wants("g")), ATLAS: library(has("g")), MIR: library([])}
        assert judged(disk, steps).findings == ()

    def test_of_a_file_that_needs_one_whose_symbols_cannot_be_read_nothing_is_told(self) -> None:
        steps = (step(LIBC), step(ECKIT, "libc.so.6"), *self.STEPS[1:])
        disk = {ECKIT: library(wants("g")), ATLAS: library(has("g")), MIR: library([])}
        assert judged(disk, steps).findings == ()

    def test_files_that_need_each_other_are_walked_once(self) -> None:
        needed = {"a": ["b"], "b": ["c", "a"], "c": ["a"]}
        assert underlinking.reached("a", needed.__getitem__) == ("a", "b", "c")

    def test_of_several_that_have_it_the_first_is_told(self) -> None:
        disk = {ECKIT: library(wants("g")), ATLAS: library(has("g")), MIR: library(has("g"))}
        assert judged(disk, self.STEPS).findings == (UnderLinked(ECKIT, ("g",), ATLAS),)
        others = {"a": symbols(library(has("f"))), "b": symbols(library(has("g"))), "c": symbols(library(has("g")))}
        assert underlinking.supplier(Missing(b"g", None, None, ()), others) == "b"


class TestLoadedElsewhere:
    """An object that is in the process satisfies the name; whether it fits, its symbols tell."""

    NOTE = LoadedElsewhere("libeckit.so", SITE_ECKIT, ECKIT)
    MIR_ALONE = (step(MIR, "libeckit.so", package="mirlib"),)

    def told(self, wanted: bytes, here: bytes, expected: bytes, loaded: str | None = "libeckit.so") -> list[Finding]:
        disk = {MIR: wanted, SITE_ECKIT: here, ECKIT: expected}
        process = (Loaded(SITE_ECKIT, loaded),) if loaded is not None else None
        return list(judged(disk, self.MIR_ALONE, process, findings=(self.NOTE,)).findings)

    def test_it_fits_where_it_has_all_that_is_wanted_whatever_else_it_lacks(self) -> None:
        told = self.told(library(wants("f")), library(has("f")), library(has("f", "g")))
        assert told == [self.NOTE.replace(lacks=())]

    def test_what_it_lacks_and_the_expected_one_has_is_told(self) -> None:
        told = self.told(library(wants("f", "g", "nobody")), library(has("f")), library(has("f", "g")))
        assert told[0] == self.NOTE.replace(lacks=("g",))
        assert {finding.code for finding in told[1:]} == {"missing-symbol"}

    def test_a_version_that_it_lacks_and_the_expected_one_has_is_told(self) -> None:
        one, two = (
            library(has("f", version=2), "libeckit.so", defines=["libeckit.so", version]) for version in ("V1", "V2")
        )
        wanted = library(wants("f", version=2), needs={"libeckit.so": ["V2"]})
        assert self.told(wanted, one, two)[0] == self.NOTE.replace(lacks=("f@V2", "V2"))

    def test_a_version_that_neither_has_is_no_reason_for_the_expected_one(self) -> None:
        one = library(has("f", version=2), "libeckit.so", defines=["libeckit.so", "V1"])
        wanted = library(wants("f", version=2), needs={"libeckit.so": ["V3"]})
        assert self.told(wanted, one, one)[0] == self.NOTE.replace(lacks=())

    def test_where_the_process_cannot_be_asked_nothing_is_told_of_it(self) -> None:
        assert self.told(library(wants("g")), library([]), library(has("g")), None) == [self.NOTE]

    def test_where_the_expected_one_cannot_be_read_nothing_is_told_of_it(self) -> None:
        disk = {MIR: library([]), SITE_ECKIT: library([])}
        process = (Loaded(SITE_ECKIT, "libeckit.so"),)
        assert judged(disk, self.MIR_ALONE, process, findings=(self.NOTE,)).findings == (self.NOTE,)
