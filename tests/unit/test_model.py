from __future__ import annotations

import pickle

import pytest

from findlibs2.model import Needed, Record


class Pair(Record):
    left: int
    right: str = "r"


class Triple(Pair):
    third: tuple[int, ...] = ()


def test_a_record_takes_its_fields_in_order_by_name_and_by_default() -> None:
    assert (Pair(1), Pair(1, "x"), Pair(left=1, right="x")) == (Pair(1, "r"), Pair(1, "x"), Pair(1, "x"))


def test_records_of_different_kinds_are_never_equal() -> None:
    assert Pair(1) != Triple(1)


def test_a_subclass_adds_its_fields_behind() -> None:
    assert repr(Triple(1, "a", (2,))) == "Triple(left=1, right='a', third=(2,))"


@pytest.mark.parametrize(
    ("values", "named", "complaint"),
    [
        ((), {}, "Pair needs left"),
        ((1, "a", 3), {}, "Pair takes 2 values, not 3"),
        ((1,), {"colour": 1}, "Pair has no colour"),
    ],
)
def test_a_record_is_made_whole_or_not_at_all(
    values: tuple[object, ...], named: dict[str, object], complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        Pair(*values, **named)  # type: ignore[arg-type]


def test_a_record_cannot_be_changed() -> None:
    pair = Pair(1)
    with pytest.raises(AttributeError, match="Pair is immutable"):
        pair.left = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Pair is immutable"):
        del pair.left


def test_replace_makes_another_one() -> None:
    pair = Pair(1)
    assert (pair.replace(left=2), pair) == (Pair(2), Pair(1))


def test_equal_records_hash_alike_and_travel_through_pickle() -> None:
    assert {Needed("a"), Needed("a", "normal")} == {Needed("a")}
    assert pickle.loads(pickle.dumps(Needed("a"))) == Needed("a")
