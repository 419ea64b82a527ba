"""How a plan is to be opened, on written libraries that exist only in memory. Nothing is opened, nothing is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import pytest

from findlibs2 import handles
from findlibs2.deciding import Manner, Options, decide, suits_private
from findlibs2.errors import RefusedError
from findlibs2.findings import BadFile, MissingLibrary, MissingSymbols, UnversionedProvider
from findlibs2.formats import elf_symbols
from findlibs2.formats.elf_symbols import Symbols
from findlibs2.formats.window import Window
from findlibs2.model import Considered, FileProblem, Finding, Host, Loaded, Plan, Reused, Step, Verdict
from findlibs2.notes import CountersDiffer, NeededRing
from tests.build.elf_symbols import OBJECT, UND, UNIQUE, WEAK, Symbol, library
from tests.build.world import HOST, binary, file, package

MIR, ECKIT, CURL = (
    "/site/mirlib/lib64/libmir.so",
    "/site/eckitlib/lib64/libeckit.so",
    "/site/eckitlib.libs/libcurl-1.so.4",
)
AUTO, GLOBAL, PRIVATE = (Options(visibility, "symbols") for visibility in ("auto", "global", "private"))
CHOSEN = Manner(private=True, chosen=True)
MISSING = MissingSymbols(MIR, ("f",), "mirlib")
ABSENT = MissingLibrary("libgone.so", (MIR,), "mirlib", (Considered("ld.so.cache", "/etc/ld.so.cache", "not there"),))
UNSAFE = ABSENT.replace(considered=(Considered("RPATH", "/tmp/x", "everybody can write there", unsafe=True),))
ABORTS = UnversionedProvider(MIR, ECKIT, ("V1",), "mirlib")
DAMAGED = BadFile(MIR, FileProblem("damaged", "the dynamic section is cut"))
NOTE = CountersDiffer((("mirlib", "1.0.0.1"),))
F = Symbol("f", section=UND, value=0)
SINGLETON = Symbol("instance", kind=OBJECT, binding=WEAK)


def step(path: str, *needed: str, package: str | None = "mirlib", because: str = "package") -> Step:
    return Step(path, file(binary(path, *needed)), package, (Considered(because, "", "found", path),))


STEPS = (
    step(CURL, package="eckitlib"),
    step(ECKIT, "libcurl-1.so.4", package="eckitlib"),
    step(MIR, "libeckit.so"),
)


def plan(*findings: Finding, steps: Sequence[Step] = STEPS, **facts: object) -> Plan:
    return Plan(("mir",), (MIR,), tuple(steps), findings=findings, **facts)  # type: ignore[arg-type]


def symbols(*listed: Symbol) -> Symbols:
    content = library(listed)
    return elf_symbols.read(Window("", len(content), lambda count, offset: content[offset : offset + count]))


def decided(
    drawn: Plan,
    options: Options = AUTO,
    tables: Mapping[str, Symbols] | None = None,
    verdict: Sequence[Finding] = (),
    host: Host = HOST,
) -> Manner:
    known = {path: symbols() for path in (MIR, ECKIT, CURL)} | dict(tables or {})
    return decide("mir", drawn, host, options, known.get, lambda asked: Verdict(asked, (*asked.findings, *verdict)))


class TestClean:
    """Where nothing is wrong."""

    def test_the_scope_is_chosen(self) -> None:
        assert decided(plan()) == CHOSEN

    def test_a_note_changes_nothing(self) -> None:
        assert decided(plan(NOTE)) == CHOSEN

    def test_what_a_person_says_of_the_scope_counts(self) -> None:
        """In the global one nobody gets between who comes later, so functions are bound when they are called."""
        assert (decided(plan(), GLOBAL), decided(plan(), PRIVATE)) == (Manner(lazy=True), Manner(private=True))

    def test_in_the_private_scope_symbols_are_the_loaders_business(self) -> None:
        assert decided(plan(), tables={MIR: symbols(F)}, verdict=[MISSING]) == CHOSEN

    def test_a_supplier_in_the_process_counts(self) -> None:
        reused = (Reused("libc.so.6", Loaded("/lib/libc.so.6", "libc.so.6"), None),)
        tables = {MIR: symbols(F), "/lib/libc.so.6": symbols(Symbol("f"))}
        assert decided(plan(reused=reused), GLOBAL, tables, [MISSING]).lazy

    def test_a_supplier_in_the_program_counts(self) -> None:
        host = HOST.replace(executable=binary("/usr/bin/python3"))
        tables = {MIR: symbols(F), "/usr/bin/python3": symbols(Symbol("f"))}
        assert decided(plan(), GLOBAL, tables, [MISSING], host).lazy


class TestNotLookedAt:
    """Where something is unknown, all is bound at once: the loader tells then, and not when a function is called."""

    @pytest.mark.parametrize("drawn", [plan(left_to_loader=("libodd.so",)), plan(unchecked=("process",))])
    def test_of_the_plan(self, drawn: Plan) -> None:
        assert decided(drawn, GLOBAL) == Manner()

    @pytest.mark.parametrize("options", [AUTO, GLOBAL])
    def test_symbols_that_cannot_be_read(self, options: Options) -> None:
        assert decided(plan(steps=(*STEPS, step("/site/mirlib/lib64/libodd.so"))), options) == Manner()

    @pytest.mark.parametrize("verify", ["headers", "off"])
    def test_symbols_that_nobody_wants_checked(self, verify: str) -> None:
        assert decided(plan(), Options("global", verify), {MIR: symbols(F)}, [MISSING]) == Manner()
        assert decided(plan(), Options("auto", verify), {MIR: symbols(F)}, [MISSING]) == CHOSEN

    def test_somebody_else_in_the_process_may_have_what_is_missing(self) -> None:
        """The verdict, which knows everything, finds nothing; but whether it is visible only the loader knows."""
        assert decided(plan(), GLOBAL, {MIR: symbols(F)}) == Manner()


class TestDoubts:
    """What the loader refuses by itself it is asked about; it takes everything, or nothing."""

    def test_a_missing_symbol(self) -> None:
        manner = decided(plan(), GLOBAL, {MIR: symbols(F)}, [NOTE, MISSING])
        assert (manner, manner.is_whole(plan())) == (Manner(doubts=(MISSING,)), True)

    @pytest.mark.parametrize("options", [AUTO, GLOBAL])
    def test_a_missing_library_is_told_with_all_that_is_missing_besides(self, options: Options) -> None:
        assert decided(plan(ABSENT), options, verdict=[MISSING]) == Manner(doubts=(ABSENT, MISSING))

    def test_where_a_person_wants_it_private_the_loader_is_asked_about_that(self) -> None:
        assert decided(plan(ABSENT), PRIVATE, verdict=[MISSING]) == Manner(private=True, doubts=(ABSENT, MISSING))

    def test_a_missing_library_where_only_headers_are_checked(self) -> None:
        assert decided(plan(ABSENT), Options("global", "headers"), verdict=[MISSING]).doubts == (ABSENT,)

    @pytest.mark.parametrize("options", [AUTO, GLOBAL, PRIVATE])
    @pytest.mark.parametrize("wrong", [UNSAFE, DAMAGED])
    def test_it_is_not_asked_where_that_would_be_dangerous(self, wrong: Finding, options: Options) -> None:
        with pytest.raises(RefusedError) as refused:
            decided(plan(NOTE, wrong, ABSENT), options)
        assert (refused.value.findings, refused.value.notes) == ((wrong, ABSENT), (NOTE,))

    @pytest.mark.parametrize("options", [AUTO, GLOBAL, PRIVATE])
    def test_nor_where_it_would_end_the_process(self, options: Options) -> None:
        """A version is wanted of a file that knows none: glibc has ended processes over that."""
        wants = library([Symbol("f", section=UND, value=0, version=2)], needs={"libeckit.so": ["V1"]})
        tables = {MIR: elf_symbols.read(Window("", len(wants), lambda count, offset: wants[offset : offset + count]))}
        with pytest.raises(RefusedError) as refused:
            decided(plan(), options, tables, [MISSING, ABORTS])
        assert refused.value.findings == (MISSING, ABORTS)

    def test_off_doubts_nothing(self) -> None:
        assert decided(plan(ABSENT, DAMAGED), Options("global", "off")) == Manner()

    def test_a_ring_is_no_doubt_and_is_opened_as_one_object(self) -> None:
        drawn = plan(NeededRing((MIR, ECKIT)))
        manner = decided(drawn, GLOBAL)
        assert (manner.doubts, manner.is_whole(drawn), manner.is_whole(plan())) == ((), True, False)


class TestSuitsPrivate:
    """By where the files of a stack are, and what its wrappers say: the same in every process."""

    def test_a_stack_that_brings_vendored_libraries(self) -> None:
        assert suits_private(plan(), HOST)

    @pytest.mark.parametrize(
        ("expected", "suits"),
        [(None, False), (CURL, True), (ECKIT, True), ("/site/mirlib/lib64/libother.so", False)],
    )
    def test_whether_they_are_in_the_process_already_or_not(self, expected: str | None, suits: bool) -> None:
        """What needs them leads to them: they are of the same package."""
        packages = (
            package("mirlib").replace(libraries=("/site/mirlib/lib64",)),
            package("eckitlib").replace(libraries=("/site/eckitlib/lib64", "/site/eckitlib.libs")),
        )
        reused = (Reused("libx.so.4", Loaded("/mine.so", "libx.so.4"), expected),)
        assert suits_private(plan(steps=STEPS[2:], reused=reused, packages=packages), HOST) is suits

    @pytest.mark.parametrize(
        ("path", "because", "suits"),
        [
            ("/lib/libz.so.1", "ld.so.cache", True),
            ("/usr/lib/libz.so.1", "default directory", True),
            ("/conda/lib/libz.so.1", "RPATH of the executable", True),
            ("/opt/gcc/lib64/libstdc++.so.6", "LD_LIBRARY_PATH", True),
            ("/opt/eckit/lib/libeckit_x.so", "LD_LIBRARY_PATH", False),
            ("/opt/eckit/lib/libeckit_x.so", "RUNPATH", False),
            ("/home/me/libeckit_x.so", "override", True),
        ],
    )
    def test_a_library_that_no_wrapper_brought(self, path: str, because: str, suits: bool) -> None:
        assert suits_private(plan(steps=(*STEPS, step(path, package=None, because=because))), HOST) is suits

    def test_not_where_a_wrapper_says_global(self) -> None:
        packages = (package("eckitlib").replace(visibility="global"), package("mirlib"))
        assert not suits_private(plan(packages=packages), HOST)

    def test_not_with_another_loader(self) -> None:
        assert not suits_private(plan(), HOST.replace(libc="musl"))


class TestMusl:
    """All is opened as one object, whatever the symbols and their versions say: it refuses before any code has run."""

    MUSL = HOST.replace(libc="musl", libc_version=(1, 2, 3))

    @pytest.mark.parametrize(("visibility", "private"), [("auto", False), ("global", False), ("private", True)])
    @pytest.mark.parametrize("verify", ["symbols", "headers", "off"])
    def test_no_symbol_is_looked_at(self, visibility: str, private: bool, verify: str) -> None:
        def asked(_: object) -> NoReturn:
            raise AssertionError("nobody has to know")

        manner = decide("mir", plan(), self.MUSL, Options(visibility, verify), asked, asked)
        assert (manner, manner.is_whole(plan())) == (Manner(private=private, together=True), True)

    def test_what_the_loader_can_refuse_is_left_to_it_and_nothing_else(self) -> None:
        assert decided(plan(ABSENT), host=self.MUSL).doubts == (ABSENT,)
        for wrong in (UNSAFE, DAMAGED):
            with pytest.raises(RefusedError):
                decided(plan(ABSENT, wrong), host=self.MUSL)


class TestAuto:
    """By what is in the files."""

    @pytest.mark.parametrize("other", [ECKIT, CURL])
    def test_not_where_two_of_its_files_have_the_same_weak_variable(self, other: str) -> None:
        assert not decided(plan(), tables={MIR: symbols(SINGLETON), other: symbols(SINGLETON)}).private

    def test_what_takes_something_from_the_private_scope_joins_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With RTLD_GLOBAL it would expose what it takes, and all that this needs."""
        drawn = plan(steps=STEPS[2:], reused=(Reused("libmine.so", Loaded("/mine.so", "libmine.so"), None),))
        before = decided(drawn)
        monkeypatch.setattr(handles, "private", {"/mine.so"})
        assert (before, decided(drawn), decided(drawn, GLOBAL)) == (Manner(lazy=True), CHOSEN, Manner(lazy=True))
        seen = drawn.replace(packages=(package("mirlib").replace(visibility="global"),))
        assert decided(seen) == Manner(lazy=True)

    def test_what_the_loader_makes_one_of_is_one(self) -> None:
        unique = Symbol("instance", kind=OBJECT, binding=UNIQUE)
        assert decided(plan(), tables={MIR: symbols(unique), ECKIT: symbols(unique)}).private

    def test_what_the_system_brings_is_not_compared(self) -> None:
        drawn = plan(steps=(step("/lib/libstdc++.so.6", package=None, because="ld.so.cache"), *STEPS))
        tables = {MIR: symbols(SINGLETON), "/lib/libstdc++.so.6": symbols(SINGLETON)}
        assert decided(drawn, tables=tables).private

    def test_a_person_who_wants_it_private_gets_it(self) -> None:
        tables = {MIR: symbols(SINGLETON), ECKIT: symbols(SINGLETON)}
        assert decided(plan(), PRIVATE, tables) == Manner(private=True)
