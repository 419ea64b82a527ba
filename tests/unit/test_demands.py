"""What the files of a plan demand of the host, check by check, in a world that exists only in memory.

The loaders' own answers: tests/oracle/test_demands.py; what is said: tests/words/test_demands_messages.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from findlibs2 import demands
from findlibs2.findings import (
    BuiltForNewer,
    MissingVersion,
    StackNotExecutable,
    StaticTlsAlignment,
    StaticTlsFull,
    UnmarkedRelr,
)
from findlibs2.formats.elf_demands import Demands
from findlibs2.formats.elf_symbols import Symbols
from findlibs2.model import Considered, Finding, Host, Loaded, Plan, Step
from findlibs2.notes import StackMadeExecutable
from tests.build.elf_symbols import TLS, UND, Symbol, library
from tests.build.world import HOST, binary, file
from tests.unit.test_elf_symbols import read

MIR, ECKIT, LIBC = "/site/libmir.so", "/site/libeckit.so", "/lib/libc.so.6"
PYTHON = "/usr/bin/python3"
GLIBC = HOST.replace(libc_version=(2, 41), executable=binary(PYTHON, stack="rw"))
OLD = GLIBC.replace(libc_version=(2, 40))


def step(path: str, *needed: str, **facts: object) -> Step:
    return Step(path, file(binary(path, *needed).replace(**facts)), "mirlib", ())


def plan(*steps: Step) -> Plan:
    return Plan(("mir",), (MIR,), steps)


def judged(
    steps: Sequence[Step],
    wants: Mapping[str, Demands] | None = None,
    host: Host = GLIBC,
    loaded: Sequence[str] | None = (),
    tables: Mapping[str, Symbols] | None = None,
) -> list[Finding]:
    known = {PYTHON: Demands("rw"), **(wants or {})}
    objects = None if loaded is None else tuple(Loaded(path, None) for path in loaded)
    return demands.judge(plan(*steps), host, objects, tables or {}, known.get)


class TestStacks:
    """DEFAULT_STACK_PERMS of the machine, unless PT_GNU_STACK says something."""

    @pytest.mark.parametrize(
        ("stack", "machine", "refused"),
        [
            ("rwx", "x86_64", True), (None, "x86_64", True), ("rw", "x86_64", False), ("rwx", "aarch64", True),
            (None, "aarch64", False), (None, "i686", True), (None, "ppc64le", False),
        ],
    )  # fmt: skip
    def test_since_glibc_2_41_nothing_gets_one_later(self, stack: str | None, machine: str, refused: bool) -> None:
        found = judged([step(ECKIT), step(MIR, stack=stack)], host=GLIBC.replace(machine=machine))
        assert found == ([StackNotExecutable(MIR, stack, "mirlib")] if refused else [])

    def test_before_all_stacks_become_so(self) -> None:
        assert judged([step(MIR, stack="rwx")], host=OLD) == [StackMadeExecutable(MIR, "rwx", "mirlib")]

    @pytest.mark.parametrize("host", [GLIBC, OLD])
    @pytest.mark.parametrize("wanting", [PYTHON, ECKIT])
    def test_nothing_changes_where_they_are_already(self, host: Host, wanting: str) -> None:
        assert judged([step(MIR, stack="rwx")], {wanting: Demands(None)}, host, loaded=["", ECKIT]) == []

    @pytest.mark.parametrize(("tunable", "refused"), [(0, True), (1, True), (2, False)])
    def test_the_tunable_that_makes_them_so_from_the_start(self, tunable: int, refused: bool) -> None:
        host = GLIBC.replace(tunables=f"glibc.rtld.execstack={tunable}")
        assert bool(judged([step(MIR, stack="rwx")], host=host)) == refused

    def test_in_a_process_that_cannot_be_asked_the_program_decides(self) -> None:
        assert judged([step(MIR, stack="rwx")], loaded=None) == [StackNotExecutable(MIR, "rwx", "mirlib")]

    @pytest.mark.parametrize("host", [GLIBC.replace(libc="musl"), GLIBC.replace(libc_version=())])
    def test_of_another_loader_nothing_is_said(self, host: Host) -> None:
        assert judged([step(MIR, stack="rwx")], host=host) == []


def static(path: str, size: int) -> Step:
    return step(path, flags=frozenset({"STATIC_TLS"}), tls_size=size)


OWN = frozenset({0})


class TestStaticTls:
    """1664 bytes, and up to the alignment of the area less one, because its end is rounded up."""

    def test_what_fits_if_nobody_took_anything(self) -> None:
        assert judged([static(MIR, 1664 + 63)], {MIR: Demands("rw", static_tls=OWN)}) == []

    @pytest.mark.parametrize("glibc", [(2, 31), (2, 41)])
    def test_what_never_fits(self, glibc: tuple[int, ...]) -> None:
        found = judged([static(MIR, 1728)], {MIR: Demands("rw", static_tls=OWN)}, GLIBC.replace(libc_version=glibc))
        assert found == [StaticTlsFull(((MIR, 1728, "mirlib"),), 1728, 1727, None if glibc == (2, 31) else 3072)]

    def test_several_files_together(self) -> None:
        steps = [static(ECKIT, 900), static(MIR, 900)]
        found = judged(steps, dict.fromkeys((ECKIT, MIR), Demands("rw", static_tls=OWN)))
        assert found == [StaticTlsFull(((ECKIT, 900, "mirlib"), (MIR, 900, "mirlib")), 1800, 1727, 3072)]

    @pytest.mark.parametrize(("tunables", "room"), [("nns=1", 863), ("optional_static_tls=0", 1215), ("nns=16", 5183)])
    def test_tunables(self, tunables: str, room: int) -> None:
        host = GLIBC.replace(tunables=f"glibc.rtld.{tunables}")
        wants = {MIR: Demands("rw", static_tls=OWN)}
        assert [bool(judged([static(MIR, size)], wants, host)) for size in (room, room + 1)] == [False, True]

    def test_an_alignment_that_the_area_has_not(self) -> None:
        found = judged([static(MIR, 8)], {MIR: Demands("rw", 128, static_tls=OWN)})
        assert found == [StaticTlsAlignment(MIR, 128, 64, "mirlib")]

    def test_an_alignment_that_the_area_has_by_something_in_the_process(self) -> None:
        wants = {MIR: Demands("rw", 128, static_tls=OWN), LIBC: Demands("rw", 256)}
        assert judged([static(MIR, 8)], wants, loaded=[LIBC]) == []

    @pytest.mark.parametrize(
        ("blocks", "least"),
        [
            ([(100, 1)], 100), ([(1, 64), (1, 64)], 65), ([(1, 64)] * 28, 1729), ([(1, 64), (63, 1)], 64),
            ([(64, 64), (64, 64)], 128), ([(10, 1), (65, 64)], 75),
        ],
    )  # fmt: skip
    def test_the_least_that_any_order_takes(self, blocks: list[tuple[int, int]], least: int) -> None:
        assert demands.least_demand(blocks) == least

    def test_a_file_without_variables_takes_nothing_however_they_would_be_aligned(self) -> None:
        """elf/dl-load.c, PT_TLS: "Nothing to do for an empty segment." """
        assert judged([static(MIR, 0)], {MIR: Demands("rw", 128, static_tls=OWN)}) == []

    def test_variables_that_are_not_static_take_nothing(self) -> None:
        assert judged([step(MIR, tls_size=1 << 20)], {MIR: Demands("rw")}) == []

    def test_variables_of_another_file_are_taken_where_they_are_defined(self) -> None:
        """`extern __thread int v` of libeckit, in a file with large variables of its own that are not static."""
        tables = {
            MIR: read(library([Symbol("v", UND, 0, kind=TLS)], hash_style="sysv")),  # which leads to what is wanted too
            ECKIT: read(library([Symbol("v", kind=TLS)])),
        }
        steps = [step(ECKIT, tls_size=2000), static(MIR, 1 << 20)]
        wants = {MIR: Demands("rw", static_tls=frozenset({1})), ECKIT: Demands("rw")}
        found = judged(steps, wants, tables=tables)
        assert found == [StaticTlsFull(((ECKIT, 2000, "mirlib"),), 2000, 1727, 3072)]

    def test_variables_of_what_is_in_the_process_take_nothing_more(self) -> None:
        tables = {MIR: read(library([Symbol("errno", UND, 0, kind=TLS)]))}
        assert judged([static(MIR, 1 << 20)], {MIR: Demands("rw", static_tls=frozenset({1}))}, tables=tables) == []

    def test_variables_of_its_own_by_name(self) -> None:
        tables = {MIR: read(library([Symbol("v", kind=TLS)]))}
        found = judged([static(MIR, 2000)], {MIR: Demands("rw", static_tls=frozenset({1}))}, tables=tables)
        assert [each.code for each in found] == ["static-tls-full"]

    def test_on_a_machine_whose_relocations_are_unknown_the_flag_decides(self) -> None:
        found = judged([static(MIR, 2000)], {MIR: Demands("rw", static_tls=None)})
        assert [each.code for each in found] == ["static-tls-full"]


class TestRelr:
    """ "DT_RELR without GLIBC_ABI_DT_RELR dependency" """

    @pytest.mark.parametrize(
        ("needed", "versions", "relr", "glibc", "told"),
        [
            ("libc.so.6", ["GLIBC_2.17"], True, (2, 36), True),
            ("libc.so.6", ["GLIBC_2.17", "GLIBC_ABI_DT_RELR"], True, (2, 36), False),
            ("libm.so.6", ["GLIBC_2.17"], True, (2, 36), False),
            ("libc.so.6", ["GLIBC_2.17"], False, (2, 36), False),
            ("libc.so.6", ["GLIBC_2.17"], True, (2, 35), False),
        ],
    )
    def test_what_needs_the_c_library_has_to_say_so(
        self, needed: str, versions: list[str], relr: bool, glibc: tuple[int, ...], told: bool
    ) -> None:
        compressed = {"DT_RELR": b""} if relr else {}
        tables = {MIR: read(library([], needs={needed: versions}, tables=compressed))}
        found = judged([step(MIR, needed)], host=GLIBC.replace(libc_version=glibc), tables=tables)
        assert found == ([UnmarkedRelr(MIR, "mirlib")] if told else [])


def lacking(version: str, of: str = LIBC, path: str = MIR) -> MissingVersion:
    return MissingVersion(path, version, of.rpartition("/")[2], of, None, "mirlib")


class TestFloors:
    CXX = "/lib/libstdc++.so.6"

    def test_the_newest_version_of_the_c_library_speaks_for_all(self) -> None:
        found = [lacking("GLIBC_2.9"), lacking("GLIBC_2.38"), lacking("GLIBC_ABI_DT_RELR"), lacking("GLIBC_2.10")]
        told = BuiltForNewer(
            **found[1].__dict__,
            others=("GLIBC_ABI_DT_RELR", "GLIBC_2.10", "GLIBC_2.9"),
            built_for="2.38",
            system="2.36",
            taken="in the process already",
        )
        assert demands.floors(found, plan(step(MIR)), HOST) == [told]

    @pytest.mark.parametrize(
        ("version", "built_for"),
        [
            ("GLIBC_ABI_DT_RELR", "2.36"),
            ("GLIBC_ABI_GNU2_TLS", None),
            ("GLIBC_PRIVATE", None),
            ("GLIBC_2.2.5", "2.2.5"),
        ],
    )
    def test_versions_without_a_number(self, version: str, built_for: str | None) -> None:
        (told,) = demands.floors([lacking(version)], plan(step(MIR)), HOST)
        assert isinstance(told, BuiltForNewer)
        assert told.built_for == built_for

    def test_why_the_library_was_taken_is_told(self) -> None:
        taken = Step(self.CXX, file(binary(self.CXX)), None, (Considered("ld.so.cache", "", "found", self.CXX),))
        found = [
            lacking("CXXABI_1.3.15", self.CXX),
            lacking("GLIBCXX_3.4.9", self.CXX),
            lacking("GLIBCXX_3.4.32", self.CXX),
        ]
        told = BuiltForNewer(
            **found[2].__dict__, others=("GLIBCXX_3.4.9", "CXXABI_1.3.15"), system="2.36", taken="ld.so.cache"
        )
        assert demands.floors(found, plan(taken, step(MIR)), HOST) == [told]

    def test_other_findings_stay_as_they_are(self) -> None:
        found: list[Finding] = [lacking("ECKIT_2"), lacking("ECKIT_1"), UnmarkedRelr(MIR)]
        assert demands.floors(found, plan(step(MIR)), HOST) == found

    def test_each_file_and_each_library_is_told(self) -> None:
        found = [lacking("GLIBC_2.38"), lacking("GLIBC_2.38", path=ECKIT), lacking("GLIBC_2.38", "/lib/libm.so.6")]
        told = demands.floors(found, plan(step(MIR)), HOST)
        assert [(each.path, each.supplier) for each in told if isinstance(each, MissingVersion)] == [
            (MIR, LIBC), (ECKIT, LIBC), (MIR, "/lib/libm.so.6"),
        ]  # fmt: skip
