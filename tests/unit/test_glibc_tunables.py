"""GLIBC_TUNABLES as elf/dl-tunables.c reads it; the loader's own answers: tests/oracle/test_glibc_tunables.py."""

from __future__ import annotations

import pytest

from findlibs2.loaders.glibc_tunables import EXECSTACK, KNOWN, NAMESPACES, OPTIONAL_TLS, value

OLD, STRICT = (2, 36), (2, 41)


@pytest.mark.parametrize("glibc", [OLD, STRICT])
@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("2048", 2048), ("0x800", 2048), ("0X8aF", 0x8AF), ("010", 8), ("0", 0), (" \t+7", 7), ("-1", (1 << 64) - 1),
        ("", 0), ("0x", 0),
    ],
)  # fmt: skip
def test_numbers_are_written_as_in_c(given: str, size: int, glibc: tuple[int, ...]) -> None:
    assert value(f"{OPTIONAL_TLS}={given}", OPTIONAL_TLS, glibc) == size


@pytest.mark.parametrize("given", ["9" * 20, "9" * 5000])
def test_a_number_that_is_too_large_is_the_largest_or_since_2_39_none(given: str) -> None:
    text = f"{OPTIONAL_TLS}={given}"
    assert (value(text, OPTIONAL_TLS, OLD), value(text, OPTIONAL_TLS, STRICT)) == ((1 << 64) - 1, 512)


@pytest.mark.parametrize(
    ("text", "old", "strict"),
    [
        (None, 4, 4),
        ("", 4, 4),
        ("glibc.rtld.nns=2", 2, 2),
        ("glibc.rtld.nns=2:glibc.rtld.nns=3", 3, 3),
        ("glibc.malloc.check=1::odd:glibc.rtld.nns=2", 2, 2),
        ("glibc.rtld.nns=2:", 2, 4),  # "if we reach the end of the string before getting a valid name-value pair"
        ("glibc.rtld.nns=2:odd", 2, 4),
        ("glibc.rtld.nns=2:a=b=c", 2, 4),
        ("glibc.rtld.nns=17", 4, 4),  # out of bounds
        ("glibc.rtld.nns=2:glibc.rtld.nns=17", 2, 4),  # where only the last one is looked at
        ("glibc.rtld.nns=2x", 2, 4),
        ("glibc.rtld.nns=x", 4, 4),
        ("xglibc.rtld.nns=2", 4, 4),
        ("glibc.rtld.nnsx=2", 4, 4),
    ],
)
def test_what_is_ill_formed_counts_for_nothing_since_2_39(text: str | None, old: int, strict: int) -> None:
    assert (value(text, NAMESPACES, OLD), value(text, NAMESPACES, STRICT)) == (old, strict)


@pytest.mark.parametrize(("name", "before"), [(NAMESPACES, (2, 31)), (OPTIONAL_TLS, (2, 31)), (EXECSTACK, (2, 40))])
def test_a_glibc_that_has_no_such_tunable_heeds_none(name: str, before: tuple[int, ...]) -> None:
    usual = KNOWN[name][0]
    assert (value(f"{name}=2", name, before), value(f"{name}=2", name, (2, 41))) == (usual, 2)
