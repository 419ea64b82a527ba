"""Who should have had a symbol, by its name."""

from __future__ import annotations

import pytest

from findlibs2 import expecting


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("_ZNK5eckit3geo4Grid2dxEv", ["_ZNK5eckit3geo4Grid", "_ZNK5eckit3geo", "_ZNK5eckit"]),
        ("_ZTchn24_h24_N5eckit3Log3setEv", ["_ZTchn24_h24_N5eckit3Log", "_ZTchn24_h24_N5eckit"]),
        ("_ZN5atlas4GridC1Ev", ["_ZN5atlas4Grid", "_ZN5atlas"]),  # a constructor
        ("_ZNK5atlas4GrideqERKS0_", ["_ZNK5atlas4Grid", "_ZNK5atlas"]),  # an operator
        ("_ZN5atlas4GridIdE4nameEv", ["_ZN5atlas"]),  # of a template
        ("_ZTIN5atlas4GridE", ["_ZTIN5atlas"]),
        ("_ZN5atlas4Grid", ["_ZN5atlas"]),
        ("codes_get_api_version", ["codes_get_api_", "codes_get_", "codes_"]),
        ("_Z3foov", []),
        ("_ZN99999999999999x", []),
        ("_ZN", []),
        ("plain", []),
        ("", []),
    ],
)
def test_the_scopes_of_a_name(name: str, scopes: list[str]) -> None:
    assert [each.decode() for each in expecting.scopes(name.encode())] == scopes


EXPORTS = {
    "one": [b"_ZN5eckit3Log4infoEv", b"_ZN5eckit3Log4warnEv"],
    "two": [b"_ZN5eckit4Main4initEv"],
    "three": [b"_ZN5eckit4Main4stopEv"],
}


@pytest.mark.parametrize(
    ("name", "likeliest"),
    [
        ("_ZN5eckit4Main3runEv", "two"),  # of the class; of two the first
        ("_ZNK5eckit4Main3runEv", "two"),
        ("_ZN5eckit4Grid3runEv", "one"),  # of the namespace the most
        ("_ZN5atlas4Grid3runEv", None),
        ("plain", None),
    ],
)
def test_the_likeliest_has_most_of_the_class_else_of_the_namespace(name: str, likeliest: str | None) -> None:
    assert expecting.likeliest(name.encode(), list(EXPORTS), EXPORTS.__getitem__) == likeliest


@pytest.mark.parametrize(
    ("name", "likeliest"),
    [
        ("_ZN5eckit4Main3runEv", "two"),
        ("_ZN5eckit4Grid3runEv", None),  # of the namespace alone
        ("_ZN5eckit3runEv", None),
    ],
)
def test_where_another_one_is_suspected_only_the_same_class_counts(name: str, likeliest: str | None) -> None:
    assert expecting.likeliest(name.encode(), list(EXPORTS), EXPORTS.__getitem__, closely=True) == likeliest
