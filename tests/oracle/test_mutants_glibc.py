"""Our model of glibc's loader, deliberately broken: each mutant is caught by the rule that it stands with."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from findlibs2.loaders import glibc, glibc_binding, glibc_finding, glibc_opening, glibc_symbols
from findlibs2.loaders.glibc import Place, Seeker, Tokens
from findlibs2.loaders.glibc_finding import Finder
from findlibs2.loaders.glibc_opening import Loading
from findlibs2.loaders.glibc_process import Object
from findlibs2.model import Binary, File, Host
from tests import need
from tests.oracle import asking_glibc, modelling_glibc
from tests.oracle.programs import Slots, slots
from tests.oracle.test_rules_glibc import RULES, holds
from tests.oracle.world import Rule

pytestmark = [need.linux(), need.glibc(), need.tool("gcc")]

__all__ = ["slots"]

_outcome, _listed, _rpath = glibc.outcome, glibc.listed, Seeker.rpath
_lists, _depth_first, _fits = glibc_binding.lists, glibc_binding.depth_first, glibc_symbols.fits


class Mutant(NamedTuple):
    """`module.name` is replaced by `broken`, and the rule does not hold any more."""

    rule: str
    module: Any
    name: str
    broken: object


def nothing(*_: object) -> None:
    """In place of something that is done."""


def goes_on(file: File, host: Host) -> str:
    return "taken" if _outcome(file, host) == "taken" else "skipped"


def ends_at_other_machines(file: File, host: Host) -> str:
    return "fatal" if file.binary is not None and _outcome(file, host) == "skipped" else _outcome(file, host)


def colons_only(path_list: str, tokens: Tokens, _separators: str = ":") -> Iterator[tuple[str, str]]:
    return _listed(path_list, tokens)


def with_semicolons(path_list: str, tokens: Tokens, _separators: str = ":") -> Iterator[tuple[str, str]]:
    return _listed(path_list, tokens, ":;")


def without_empty(path_list: str, tokens: Tokens, separators: str = ":") -> Iterator[tuple[str, str]]:
    return (each for each in _listed(path_list, tokens, separators) if each[1])


def with_its_runpath(seeker: Seeker, wanted: str, rule: str, binary: Binary) -> Iterator[Place]:
    return _rpath(seeker, wanted, rule, binary.replace(runpath=None))


def own_only(seeker: Seeker, wanted: str, by: Binary, _ancestry: object) -> Iterator[Place]:
    return _rpath(seeker, wanted, "RPATH", by)


def resolved(binary: Binary) -> str:
    return os.path.dirname(os.path.realpath(binary.path))


def own_scope_first(number: int, objects: Sequence[Object]) -> list[tuple[int, ...]]:
    return _lists(number, objects)[::-1]


def as_listed(listed: Sequence[int], *_: object) -> tuple[int, ...]:
    return tuple(listed)


def root_first(listed: Sequence[int], objects: Sequence[Object]) -> tuple[int, ...]:
    return (*_depth_first(listed, objects)[1:], listed[0])


def only_itself(loading: Loading, top: int) -> None:
    loading.change(0, search=(*loading.objects[0].search, top))


def any_version(symbols: glibc_symbols.Symbols, index: int, hidden: bool, version: bytes) -> bool:
    return True


def base_too(symbols: glibc_symbols.Symbols, index: int, hidden: bool, version: bytes) -> bool:
    return _fits(symbols, index, False, version)


MUTANTS = (
    # which file
    Mutant("an_empty_file_ends_the_search", glibc, "outcome", goes_on),
    Mutant("another_machine_is_passed_over", glibc, "outcome", ends_at_other_machines),
    Mutant("a_position_independent_program_ends_the_search", glibc, "FIRST_WITHOUT_PROGRAMS", (99,)),
    Mutant("a_ring_of_links_ends_the_list", glibc_finding, "error", lambda _file: 2),
    Mutant("a_directory_that_was_absent_is_absent_for_ever", Finder, "remember", lambda *_: True),
    Mutant("a_relative_directory_is_never_known_to_be_absent", glibc_finding, "isabs", lambda _path: True),
    # where
    Mutant("library_path_is_separated_by_semicolons_too", glibc, "listed", colons_only),
    Mutant("an_rpath_is_separated_by_colons_only", glibc, "listed", with_semicolons),
    Mutant("an_empty_element_of_library_path_is_the_current_directory", glibc, "listed", without_empty),
    Mutant("the_ancestors_rpath_is_cancelled_by_its_own_runpath", Seeker, "rpath", with_its_runpath),
    Mutant("rpath_of_who_needs_it_is_inherited", Seeker, "rpaths", own_only),
    Mutant("the_programs_rpath_is_searched_for_everything", Seeker, "rpaths", own_only),
    Mutant("library_path_before_runpath", Seeker, "library_path", lambda *_: iter(())),
    Mutant("the_best_level_of_the_processor_first", Seeker, "subdirectories", lambda *_: iter(())),
    Mutant("origin_is_the_directory_of_the_object", glibc, "expand", lambda text, _tokens: text),
    Mutant("origin_is_that_of_the_spelling_used", glibc, "origin", resolved),
    Mutant("tokens_may_stand_in_braces", glibc, "NAMES", ()),
    Mutant("a_longer_name_is_no_token", glibc, "LETTERS", frozenset()),
    # which object
    Mutant("a_hard_link_to_an_opened_file_is_that_object", glibc_opening, "is_same", lambda *_: False),
    Mutant("a_name_by_which_the_file_was_found_again_is_kept", Loading, "name", nothing),
    Mutant("a_token_in_a_bare_name_that_is_needed_is_replaced", Loading, "expanded", lambda _self, name, _binary: name),
    Mutant("origin_of_a_relative_path_is_made_absolute", Loading, "absolute", lambda _self, path: path),
    # in which order and scope
    Mutant("the_order_of_a_ring_since_2_35", glibc_binding, "depth_first", as_listed),
    Mutant("the_root_of_a_ring_is_constructed_last", glibc_binding, "depth_first", root_first),
    Mutant("an_order_as_before_2_35", glibc_binding, "by_moving", glibc_binding.depth_first),
    Mutant("the_programs_scope_comes_first", glibc_binding, "lists", own_scope_first),
    Mutant("global_is_all_that_it_needs", Loading, "promote", only_itself),
    Mutant("promotion_of_what_is_open", Loading, "promote", nothing),
    Mutant("a_dependency_binds_to_the_root_of_what_is_opened", Loading, "root", lambda _self, number: number),
    Mutant("every_opening_adds_its_scope_to_what_was_there", Loading, "widen", nothing),
    # whose symbol
    Mutant("a_protected_definition_is_its_own", glibc_binding, "STV_PROTECTED", 99),
    Mutant("a_hidden_reference_is_the_objects_own", glibc_binding, "HIDING", ()),
    Mutant("a_weak_reference_may_stay_unbound", glibc_binding, "STB_WEAK", 99),
    Mutant("with_ld_dynamic_weak_a_strong_definition_is_preferred", glibc_binding, "STB_WEAK", 99),
    Mutant("a_unique_symbol_is_one_for_the_process", glibc_binding, "STB_GNU_UNIQUE", 99),
    Mutant("without_a_version_the_oldest_is_taken", glibc_symbols, "OLDEST", 2),
    Mutant("dlsym_takes_the_default_version", glibc_symbols, "OLDEST", 4),
    Mutant("another_version_is_passed_over", glibc_symbols, "fits", any_version),
    Mutant("dlvsym_takes_no_base_version", glibc_symbols, "fits", base_too),
    Mutant("a_version_that_is_missing_is_refused_before_any_symbol", glibc_symbols, "lacks", lambda *_: False),
    Mutant("a_symbol_of_a_file_that_lost_its_versions_ends_the_process", glibc_symbols, "aborts", lambda *_: False),
)


HERE = [mutant for mutant in MUTANTS if holds(RULES[mutant.rule])]  # those of this version


@pytest.mark.parametrize("mutant", HERE, ids=lambda mutant: f"{mutant.name}-{mutant.rule}")
def test_a_broken_rule_is_caught(mutant: Mutant, tmp_path: Path, slots: Slots, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RULES[mutant.rule]
    expected = (dict(rule.start), [dict(each) for each in rule.expected])
    assert told(rule, tmp_path / "right", slots) == expected
    monkeypatch.setattr(mutant.module, mutant.name, mutant.broken)
    assert told(rule, tmp_path / "broken", slots) != expected


def told(rule: Rule, here: Path, slots: Slots) -> object:
    """What we say of what the rule is about; of another number of steps, whatever it is."""
    asking_glibc.write(rule.world, here, slots, platform.machine())
    answer = modelling_glibc.ask(rule.world, here)
    return rule.essence(answer) if len(answer.steps) == len(rule.expected) else answer


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 20
