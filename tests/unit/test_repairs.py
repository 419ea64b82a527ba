"""What is to be installed to repair a mixture, on made installations. What is said of it: tests/words/test_mixtures.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from findlibs2.repairs import Repair, repair
from tests.unit.sites import import_system, wrapper
from tests.unit.test_releases import installed
from tests.words.said import distribution

assert import_system  # for every test here

ECKIT, METKIT, FDB = "findlibs2_test_eckitlib", "findlibs2_test_metkitlib", "findlibs2_test_fdblib"
PLAIN = "findlibs2-test-numbers"  # no wrapper


def asks(version: str, *names: str) -> list[str]:
    return [f"{name}=={version}" for name in names]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    sys.path.insert(0, str(tmp_path))
    return tmp_path


def test_what_is_there_as_asked_for_needs_no_repair(site: Path) -> None:
    installed(site, ECKIT, "33")
    installed(site, FDB, "33", asks("33", ECKIT))
    assert repair([FDB]) is None


def test_all_that_is_asked_for_is_installed_at_once_also_through_what_is_there_as_asked_for(site: Path) -> None:
    installed(site, ECKIT, "30")
    installed(site, METKIT, "33", asks("33", ECKIT))
    installed(site, FDB, "33", asks("33", METKIT))
    assert repair([FDB]) == Repair((f"{ECKIT}==33",), (METKIT,))


def test_what_is_to_be_replaced_asks_for_nothing(site: Path) -> None:
    installed(site, ECKIT, "33")
    installed(site, METKIT, "30", asks("30", ECKIT))
    installed(site, FDB, "33", asks("33", METKIT))
    assert repair([FDB]) == Repair((f"{METKIT}==33",), (FDB,))


def test_the_nearest_to_what_is_wanted_decides(site: Path) -> None:
    installed(site, ECKIT, "31")
    installed(site, METKIT, "33", asks("30", ECKIT))
    installed(site, FDB, "33", [*asks("33", METKIT), *asks("33", ECKIT)])
    assert repair([FDB]) == Repair((f"{ECKIT}==33",), (FDB,))


def test_of_several_wanted_libraries_the_first_decides_and_keeps_what_it_has(site: Path) -> None:
    installed(site, ECKIT, "33")
    installed(site, METKIT, "30", asks("30", ECKIT))
    installed(site, FDB, "33", asks("33", ECKIT))
    assert repair([FDB, METKIT]) is None
    assert repair([METKIT, FDB]) == Repair((f"{ECKIT}==30",), (METKIT,), (f"{FDB} 33",))


def test_a_wanted_wrapper_is_what_all_who_ask_for_it_ask_for(site: Path) -> None:
    installed(site, ECKIT, "33")
    installed(site, METKIT, "30", asks("30", ECKIT))
    distribution(site, "pyfdb", "1.0", asks("33", METKIT))
    installed(site, FDB, "33", asks("33", METKIT))
    assert repair([METKIT]) == Repair((f"{METKIT}==33",), (FDB,))


def test_a_wanted_wrapper_that_is_there_as_asked_for_stays(site: Path) -> None:
    installed(site, ECKIT, "30")
    installed(site, FDB, "33", asks("33", ECKIT))
    distribution(site, "pyfdb", "1.0", asks("33", FDB))
    assert repair([FDB]) == Repair((f"{ECKIT}==33",), (FDB,))


def test_where_these_differ_its_own_word_counts(site: Path) -> None:
    installed(site, ECKIT, "33")
    installed(site, METKIT, "30", asks("30", ECKIT))
    distribution(site, "pyfdb", "1.0", asks("31", METKIT))
    installed(site, FDB, "33", asks("33", METKIT))
    assert repair([METKIT]) == Repair((f"{ECKIT}==30",), (METKIT,))


def test_of_what_is_only_declared_it_is_what_all_ask_for(site: Path) -> None:
    installed(site, ECKIT, "30")
    wrapper(site, f"findlibs_dependencies = ['{ECKIT}']\n__version__ = '33'\n", name=FDB)
    distribution(site, FDB, "33")
    distribution(site, "pyfdb", "1.0", asks("33", ECKIT))
    assert repair([FDB]) == Repair((f"{ECKIT}==33",), ("pyfdb",))


def test_only_wrappers_are_replaced(site: Path) -> None:
    distribution(site, PLAIN, "30")
    wrapper(site, "__version__ = '30'\n", name=PLAIN.replace("-", "_"))
    installed(site, FDB, "33", asks("33", PLAIN))
    assert repair([FDB], also_new=True) is None


@pytest.mark.parametrize(("also_new", "found"), [(True, Repair((f"{ECKIT}==33",), (FDB,))), (False, None)])
def test_what_is_not_there_is_installed_where_it_may_be_what_is_missing(
    site: Path, also_new: bool, found: Repair | None
) -> None:
    installed(site, FDB, "33", asks("33", ECKIT))
    assert repair([FDB], also_new) == found


def test_a_copy_that_hides_the_installed_one_is_not_replaced(site: Path) -> None:
    installed(site, ECKIT, "30")
    installed(site, FDB, "33", asks("33", ECKIT))
    wrapper(site, "findlibs_dependencies = []\n__version__ = '29'\n", name=ECKIT)
    assert repair([FDB]) is None


def test_a_copy_without_metadata_is_nothing_that_is_not_there(site: Path) -> None:
    wrapper(site, "findlibs_dependencies = []\n__version__ = '29'\n", name=ECKIT)
    installed(site, FDB, "33", asks("33", ECKIT))
    assert repair([FDB], also_new=True) is None


def test_who_relies_on_what_is_replaced_is_told(site: Path) -> None:
    installed(site, ECKIT, "33")
    installed(site, METKIT, "33", asks("33", ECKIT))
    distribution(site, "pyfdb", "1.0", asks("33", ECKIT, METKIT))
    installed(site, FDB, "27", asks("27", METKIT, ECKIT))
    assert repair([FDB]) == Repair((f"{METKIT}==27", f"{ECKIT}==27"), (FDB,), ("pyfdb 1.0",))


def test_what_is_wanted_from_an_address_is_not_installed_from_elsewhere(site: Path) -> None:
    installed(site, FDB, "33", [f"{ECKIT} @ file:///elsewhere.whl"])
    assert repair([FDB], also_new=True) is None
