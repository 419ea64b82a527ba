"""Imports of some written libraries, looked up in others: what is left over."""

from __future__ import annotations

import pytest

from findlibs2 import link
from findlibs2.formats import elf_symbols
from findlibs2.formats.elf_symbols import Symbols
from findlibs2.formats.window import Window
from findlibs2.link import Missing
from tests.build.elf_symbols import HIDDEN, OBJECT, TLS, UND, UNIQUE, WEAK, Symbol, library

STYLES = pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
ORDERS = pytest.mark.parametrize("byteorder", ["little", "big"])


def read(*symbols: Symbol, **facts: object) -> Symbols:
    content = library(symbols, **facts)  # type: ignore[arg-type]
    return elf_symbols.read(Window("x", len(content), lambda count, offset: content[offset : offset + count]))


def wanting(*names: str, binding: int = 1) -> Symbols:
    return read(*(Symbol(name, UND, 0, binding) for name in names))


def missing(importers: dict[str, Symbols], **providers: Symbols) -> tuple[Missing, ...]:
    """Providers by DT_SONAME."""
    return link.missing(importers, providers.values(), lambda name: providers.get(name.decode()))


@STYLES
@ORDERS
class TestMissing:
    """The strong references that nobody satisfies, each once."""

    def test_nothing_is_where_all_is_supplied(self, style: str, byteorder: str) -> None:
        names = [f"f{number}" for number in range(200)]
        one = read(*map(Symbol, names[:100]), hash_style=style, byteorder=byteorder, buckets=7)
        other = read(*map(Symbol, names[100:]), hash_style=style, byteorder=byteorder)
        assert missing({"/a": wanting(*names)}, one=one, other=other) == ()

    def test_what_nobody_has_is_told_once_with_all_who_want_it(self, style: str, byteorder: str) -> None:
        has = read(Symbol("f"), hash_style=style, byteorder=byteorder)
        importers = {"/a": wanting("f", "g"), "/b": wanting("g", "h"), "/c": wanting("f")}
        assert missing(importers, has=has) == (
            Missing(b"g", None, None, ("/a", "/b")),
            Missing(b"h", None, None, ("/b",)),
        )

    def test_a_name_with_the_same_hash_is_another_name(self, style: str, byteorder: str) -> None:
        """gnu_hash("b1") == gnu_hash("aR"), and that of "b2" differs from it in the lowest bit, which ends a chain."""
        has = read(Symbol("b1"), hash_style=style, byteorder=byteorder)
        found = missing({"/a": wanting("aR", "b1", "b2")}, has=has)
        assert [each.name for each in found] == [b"aR", b"b2"]

    @pytest.mark.parametrize("last", [True, False])
    def test_the_bit_that_ends_a_chain_is_no_part_of_a_hash(self, style: str, byteorder: str, last: bool) -> None:
        names = ["b1", "b2", "b3", "b4"][:: 1 if last else -1]
        has = read(*map(Symbol, names), hash_style=style, byteorder=byteorder, buckets=1)
        assert missing({"/a": wanting(*names)}, has=has) == ()


def test_what_is_weak_may_be_missing() -> None:
    assert missing({"/a": wanting("f", binding=WEAK)}) == ()


def test_what_is_weak_in_one_file_and_strong_in_another_is_missing_there() -> None:
    importers = {"/a": wanting("f", binding=WEAK), "/b": wanting("f")}
    assert missing(importers) == (Missing(b"f", None, None, ("/b",)),)


class TestVersions:
    """A version is wanted of a file, and taken of any."""

    def versioned(self, version: str = "V1", file: str = "has") -> Symbols:
        return read(Symbol("f", UND, 0, version=2), needs={file: [version]})

    def supplying(self, version: str = "V1") -> Symbols:
        return read(Symbol("f", version=2), defines=["has", version])

    def test_it_is_there(self) -> None:
        assert missing({"/a": self.versioned()}, has=self.supplying()) == ()

    def test_another_one_is_there(self) -> None:
        found = missing({"/a": self.versioned()}, has=self.supplying("V2"))
        assert found == (Missing(b"f", b"V1", b"has", ("/a",)),)

    def test_it_is_in_another_file(self) -> None:
        assert missing({"/a": self.versioned()}, has=self.supplying("V2"), other=self.supplying()) == ()

    def test_one_is_there_and_the_other_hidden(self) -> None:
        importer = read(*[Symbol(name, UND, 0, version=2) for name in "fg"], needs={"has": ["V1"]})
        has = read(Symbol("f", version=2), Symbol("g", version=2, visibility=HIDDEN), defines=["has", "V1"])
        assert missing({"/a": importer}, has=has) == (Missing(b"g", b"V1", b"has", ("/a",)),)

    def test_two_versions_of_one_name_are_two_references(self) -> None:
        importers = {"/a": self.versioned("V1"), "/b": self.versioned("V2")}
        assert missing(importers, has=self.supplying("V2")) == (Missing(b"f", b"V1", b"has", ("/a",)),)

    def test_the_file_that_is_to_have_it_is_asked_although_it_is_not_among_the_providers(self) -> None:
        assert link.missing({"/a": self.versioned()}, [], lambda name: self.supplying()) == ()


def fits(importers: dict[str, Symbols], **providers: Symbols) -> bool:
    """Providers by DT_SONAME."""
    return link.fits(importers, providers.values(), lambda name: providers.get(name.decode()))


class TestFits:
    """Nothing is wrong; or it has to be looked closer."""

    @STYLES
    @ORDERS
    @pytest.mark.parametrize("wanted", ["f", "absent"])
    def test_every_strong_reference_is_satisfied(self, style: str, byteorder: str, wanted: str) -> None:
        has = read(Symbol("f"), hash_style=style, byteorder=byteorder)
        assert fits({"/a": wanting("f"), "/b": wanting(wanted)}, has=has) == (wanted == "f")

    def test_a_weak_reference_may_be_missing(self) -> None:
        assert fits({"/a": wanting("f", binding=WEAK)})

    @pytest.mark.parametrize(
        ("defined", "weak", "fine"),
        [
            (["has", "V1", "V2"], [], True), (["has", "V2"], ["V1"], True), (["has", "V2"], [], False),
            (["V1", "V2"], [], True), ([], [], False), ([], ["V1", "V2"], False),
        ],
    )  # fmt: skip
    def test_every_needed_version_is_defined_though_no_symbol_wants_it(
        self, defined: list[str], weak: list[str], fine: bool
    ) -> None:
        importer = read(needs={"has": ["V1", "V2"]}, weak=weak)
        assert fits({"/a": importer}, has=read(Symbol("f"), defines=defined)) == fine

    @pytest.mark.parametrize("weak", [[], ["V1"]])
    def test_no_versions_are_wanted_of_a_file_that_is_not_known(self, weak: list[str]) -> None:
        importer = read(needs={"unknown": ["V1"]}, weak=weak)
        assert not fits({"/a": importer}, has=read(Symbol("f"), defines=["has", "V1"]))

    @pytest.mark.parametrize(("version", "fine"), [("V1", True), ("V2", False)])
    def test_a_symbol_is_there_with_its_version(self, version: str, fine: bool) -> None:
        importer = read(Symbol("f", UND, 0, version=2), needs={"has": [version]})
        assert fits({"/a": importer}, has=read(Symbol("f", version=2), defines=["has", "V1", "V2"])) == fine


class TestSharesData:
    """Two files define what one of is to be used."""

    VARIABLE = Symbol("_ZN1x8instanceE", kind=OBJECT, binding=WEAK)

    @pytest.mark.parametrize(
        ("symbol", "shared"),
        [
            (VARIABLE, True), (VARIABLE._replace(kind=TLS, value=0), True), (VARIABLE._replace(name="x"), True),
            (VARIABLE._replace(name="_ZZ1fvE1x"), True), (VARIABLE._replace(name="_ZGVZ1fvE1x"), True),
            (VARIABLE._replace(binding=1), False), (VARIABLE._replace(binding=UNIQUE), False),
            (VARIABLE._replace(visibility=HIDDEN), False), (VARIABLE._replace(kind=2), False),
            (VARIABLE._replace(section=UND, value=0), False), (VARIABLE._replace(name="_ZTV1x"), False),
            (VARIABLE._replace(name="_ZTT1x"), False), (VARIABLE._replace(name="_ZTC1x0_1y"), False),
            (VARIABLE._replace(name="_ZTI1x"), False), (VARIABLE._replace(name="_ZTS1x"), False),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(("bits", "byteorder"), [(64, "little"), (64, "big"), (32, "little"), (32, "big")])
    def test_which_symbols_count(self, symbol: Symbol, shared: bool, bits: int, byteorder: str) -> None:
        tables = [read(Symbol("f"), symbol, bits=bits, byteorder=byteorder) for _ in range(2)]
        assert link.shares_data(tables) == shared

    def test_the_last_of_many(self) -> None:
        own = [[self.VARIABLE._replace(name=f"{file}{number}") for number in range(9)] for file in "xy"]
        of_class = self.VARIABLE._replace(name="_ZTV1x")
        assert link.shares_data([read(of_class, *each, self.VARIABLE, buckets=1) for each in own])

    def test_each_has_its_own(self) -> None:
        assert not link.shares_data([read(self.VARIABLE._replace(name=name)) for name in ("x", "y", "z")])

    def test_two_versions_in_one_file_are_of_one_file(self) -> None:
        twice = [self.VARIABLE._replace(version=number) for number in (2, 3)]
        assert not link.shares_data([read(*twice, defines=["libx.so", "V1", "V2"])])
