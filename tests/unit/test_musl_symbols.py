"""What musl takes for a reference, on written files; the loader itself answers the same in tests/oracle."""

from __future__ import annotations

import pytest

from findlibs2.formats import elf_symbols
from findlibs2.formats.elf_symbols import Symbols, gnu_hash
from findlibs2.formats.window import Window
from findlibs2.loaders import musl_symbols
from tests.build.elf_symbols import (
    ABS,
    COMMON,
    IFUNC,
    NOT_DEFAULT,
    NOTYPE,
    OBJECT,
    SECTION,
    TLS,
    UND,
    UNIQUE,
    WEAK,
    Symbol,
    library,
)


def read(*listed: Symbol, hash_style: str = "gnu") -> Symbols:
    content = library(listed, defines=["libx.so", "V1", "V2"], hash_style=hash_style)
    return elf_symbols.read(Window("", len(content), lambda count, offset: content[offset : offset + count]))


def takes(*listed: Symbol, version: bytes | None = None, hash_style: str = "gnu") -> bool:
    """Asked for one and for many, which has to come to the same."""
    symbols, name = read(*listed, hash_style=hash_style), b"f"
    one = musl_symbols.supplies(symbols, name, version, gnu_hash(name))
    assert musl_symbols.supplied(symbols, [name, b"g"], {name: gnu_hash(name), b"g": gnu_hash(b"g")}, version) == (
        {name} if one else set()
    )
    return one


@pytest.mark.parametrize("version", [None, b"V1", b"V9"])
@pytest.mark.parametrize("hash_style", ["gnu", "sysv"])
def test_the_wanted_version_is_not_looked_at(version: bytes | None, hash_style: str) -> None:
    assert takes(Symbol("f", version=2), version=version, hash_style=hash_style)
    assert not takes(Symbol("f", version=2 | NOT_DEFAULT), version=version, hash_style=hash_style)


def test_behind_what_a_version_hides_the_default_is_found() -> None:
    assert takes(Symbol("f", version=2 | NOT_DEFAULT), Symbol("f", version=3))


def test_the_first_that_nothing_hides_decides() -> None:
    assert not takes(Symbol("f", kind=IFUNC), Symbol("f"))


@pytest.mark.parametrize("binding", [WEAK, UNIQUE])
def test_weak_and_unique_definitions_are_like_others(binding: int) -> None:
    assert takes(Symbol("f", binding=binding))


@pytest.mark.parametrize("visibility", [1, 2, 3])
def test_visibility_is_not_looked_at(visibility: int) -> None:
    assert takes(Symbol("f", visibility=visibility))


@pytest.mark.parametrize(
    ("kind", "taken"), [(NOTYPE, True), (OBJECT, True), (COMMON, True), (TLS, True), (SECTION, False), (IFUNC, False)]
)
def test_indirect_functions_are_not_known(kind: int, taken: bool) -> None:
    assert takes(Symbol("f", kind=kind)) is taken


def test_without_a_value_only_thread_local_variables_are_definitions() -> None:
    assert not takes(Symbol("f", section=ABS, value=0))
    assert takes(Symbol("f", kind=TLS, value=0))
    assert not takes(Symbol("f", section=UND, value=0))


def test_a_local_symbol_is_nobodys() -> None:
    assert not takes(Symbol("f", binding=0))


def test_no_version_is_ever_lacking() -> None:
    assert not musl_symbols.lacks(read(Symbol("f")), b"V9")
