"""The rules of check_match as a table, on symbols that come from no file; the loader answers the same in tests/oracle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest

from findlibs2.loaders import glibc_symbols

BASE, V1, V2, W1 = 1, 2, 3, 4
HIDDEN = 0x8000
VERSIONS: dict[int, tuple[bytes, bytes | None, int]] = {
    BASE: (b"libx.so", None, 1), V1: (b"V1", None, 0), V2: (b"V2", None, 0), W1: (b"W1", b"liby.so", 0),
}  # fmt: skip
GOOD, UNSEEN, NOTHING = "good", "unseen", "nothing"  # taken; ends the search, and is not taken; passed by


class Table(NamedTuple):
    """Definitions of one name, in the order in which the hash table leads to them."""

    kinds: tuple[str, ...]
    versym: tuple[int, ...] = ()
    versions: Mapping[int, tuple[bytes, bytes | None, int]] = MappingProxyType({})

    def named(self, name: bytes, hashed: int) -> Iterator[int]:
        yield from range(len(self.kinds)) if (name, hashed) == (b"f", 7) else ()

    def find(self, names: Iterable[bytes], hashes: Mapping[bytes, int]) -> list[tuple[bytes, int]]:
        return [(name, number) for name in names for number in self.named(name, hashes[name])]

    def definitions(self, numbers: Iterable[int]) -> set[int]:
        return set(filter(self.is_definition, numbers))

    def is_definition(self, number: int) -> bool:
        return self.kinds[number] == GOOD

    def ends_search(self, number: int) -> bool:
        return self.kinds[number] != NOTHING

    def defined_versions(self) -> frozenset[bytes]:
        return frozenset(name for name, file, _ in self.versions.values() if file is None)


def supplies(version: bytes | None, *versym: int) -> bool:
    return asked(Table((GOOD,) * len(versym), versym, VERSIONS), version)


def asked(table: Table, version: bytes | None) -> bool:
    """One name, and many at once, of which one is there: the same answer."""
    one = glibc_symbols.supplies(table, b"f", version, 7)
    many = glibc_symbols.supplied(table, [b"e", b"f", b"g"], {b"e": 7, b"f": 7, b"g": 6}, version)
    assert many == ({b"f"} if one else set())
    return one


class TestSupplies:
    """elf/dl-lookup.c, check_match."""

    @pytest.mark.parametrize(
        ("versym", "taken"),
        [
            ((V1,), True), ((V1 | HIDDEN,), True), ((V2,), False), ((V2, V1), True), ((BASE,), True),
            ((BASE | HIDDEN,), False), ((0,), True), ((W1,), False), ((99,), True), ((99 | HIDDEN,), False), ((), False),
        ],
    )  # fmt: skip
    def test_a_reference_with_a_version_takes_the_same_or_what_has_none(
        self, versym: tuple[int, ...], taken: bool
    ) -> None:
        assert supplies(b"V1", *versym) == taken

    def test_the_base_version_cannot_be_wanted_by_its_name(self) -> None:
        assert (supplies(b"libx.so", V1), supplies(b"libx.so", BASE)) == (False, True)

    def test_a_definition_may_have_a_version_that_the_file_needs(self) -> None:
        assert supplies(b"W1", W1)

    @pytest.mark.parametrize(
        ("versym", "taken"),
        [
            ((0,), True), ((BASE,), True), ((V1,), True), ((V1 | HIDDEN,), True), ((V2,), True), ((V2 | HIDDEN,), False),
            ((V2, W1), False), ((V2, W1 | HIDDEN), True), ((V2, W1, V1 | HIDDEN), True), ((), False),
        ],
    )  # fmt: skip
    def test_a_reference_without_a_version_takes_the_oldest_or_the_only_default(
        self, versym: tuple[int, ...], taken: bool
    ) -> None:
        assert supplies(None, *versym) == taken

    @pytest.mark.parametrize("version", [None, b"V1"])
    @pytest.mark.parametrize(
        ("kinds", "taken"),
        [
            ((GOOD,), True),
            ((NOTHING, GOOD), True),
            ((UNSEEN, GOOD), False),
            ((GOOD, UNSEEN), True),
            ((NOTHING,), False),
        ],
    )
    @pytest.mark.parametrize("versioned", [False, True])
    def test_the_first_that_fits_decides(
        self, version: bytes | None, kinds: tuple[str, ...], taken: bool, versioned: bool
    ) -> None:
        table = Table(kinds, (V1,) * len(kinds) if versioned else (), VERSIONS if versioned else {})
        assert asked(table, version) == taken

    @pytest.mark.parametrize(("kinds", "taken"), [((GOOD, UNSEEN), False), ((UNSEEN,), False), ((GOOD, NOTHING), True)])
    def test_what_cannot_be_taken_counts_as_a_default(self, kinds: tuple[str, ...], taken: bool) -> None:
        assert asked(Table(kinds, (V2, W1)[: len(kinds)], VERSIONS), None) == taken


class TestLacks:
    """elf/dl-version.c, match_symbol."""

    @pytest.mark.parametrize(
        ("versions", "version", "lacks"),
        [
            (VERSIONS, b"V1", False), (VERSIONS, b"V3", True), (VERSIONS, b"libx.so", False), (VERSIONS, b"W1", True),
            ({}, b"V1", False), ({W1: VERSIONS[W1]}, b"V1", False),
        ],
    )  # fmt: skip
    def test_only_who_defines_versions_can_lack_one(
        self, versions: dict[int, tuple[bytes, bytes | None, int]], version: bytes, lacks: bool
    ) -> None:
        assert glibc_symbols.lacks(Table((), (), versions), version) == lacks


class TestAborts:
    """elf/dl-lookup.c, check_match: the assertion that went with 2.41."""

    @pytest.mark.parametrize(
        ("table", "aborts"),
        [
            (Table((GOOD,)), True), (Table((UNSEEN,)), True), (Table((NOTHING,)), False), (Table(()), False),
            (Table((GOOD,), (V2,), VERSIONS), False),
        ],
    )  # fmt: skip
    def test_the_symbol_is_there_and_no_versions_are(self, table: Table, aborts: bool) -> None:
        assert glibc_symbols.aborts(table, b"f", 7) == aborts
