"""Deliberately broken rules of musl's loader: each is caught by the rule directory that is named beside it.

The loader is not asked: what it does is what the rule expects (test_rules_musl.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from findlibs2.loaders import musl, musl_opening, musl_process, musl_symbols
from findlibs2.loaders.musl_opening import Loading
from findlibs2.model import Binary, Candidate
from tests.oracle import asking_musl, modelling_musl, musl_program
from tests.oracle.world import read

pytestmark = [*asking_musl.NEEDED]
RULES = Path(__file__).parent / "rules/musl"


class Mutant(NamedTuple):
    """What is put in the place of what, and the rule that notices."""

    of: Any
    name: str
    instead: Any
    rule: str


def last_first(wanted: str, chain: list[Binary], *rest: Any, places: Any = musl.places) -> list[Candidate]:
    found = list(places(wanted, chain, *rest))
    return sorted(found, key=lambda each: each.rule == "LD_LIBRARY_PATH")


def only_nearest(wanted: str, chain: list[Binary], *rest: Any, places: Any = musl.places) -> Any:
    return places(wanted, chain[:1], *rest)


def no_runpath_above(wanted: str, chain: list[Binary], *rest: Any, places: Any = musl.places) -> Any:
    return places(wanted, [*chain[:1], *(each.replace(runpath=None) for each in chain[1:])], *rest)


def without_default(*args: Any, places: Any = musl.places) -> Any:
    return (each for each in places(*args) if each.rule != "default directory")


def rpath_first(binary: Binary, *rest: Any, search_path: Any = musl.search_path) -> Any:
    return search_path(binary.replace(runpath=None) if binary.rpath is not None else binary, *rest)


def known_tokens_stay(binary: Binary, *_: Any) -> list[str]:
    written = binary.rpath if binary.runpath is None else binary.runpath
    found = [each.replace("$ORIGIN", musl.origin(binary)) for each in musl.listed(written or "")]
    return [each for each in found if "$" not in each]


def exact_tokens(binary: Binary, *rest: Any, search_path: Any = musl.search_path) -> Any:
    return [] if "$ORIGINAL" in (binary.runpath or "") else search_path(binary, *rest)


def no_braces(binary: Binary, *rest: Any, search_path: Any = musl.search_path) -> Any:
    return [] if "{" in (binary.rpath or "") else search_path(binary, *rest)


def real_origin(binary: Binary) -> str:
    return str(Path(binary.path).resolve().parent)


def by_soname(loading: Loading, name: str, by: int | None, library: Any = Loading.library) -> int | None:
    known = (number for number, each in enumerate(loading.objects) if each.binary.name == name)
    return next(known, None) or library(loading, name, by)


def named(loading: Loading, by: Any, name: str, place: Candidate, *rest: Any, found: Any = Loading.found) -> Any:
    """Whatever was opened by its path has its name."""
    number = found(loading, by, name, place, *rest)
    if number:
        loading.objects[number] = loading.objects[number].replace(shortname=place.path.rpartition("/")[2])
    return number


def never_named(loading: Loading, *rest: Any, found: Any = Loading.found) -> Any:
    before = [each.shortname for each in loading.objects]
    number = found(loading, *rest)
    loading.objects[: len(before)] = [
        each.replace(shortname=old) for each, old in zip(loading.objects, before, strict=False)
    ]
    return number


def names_are_forgotten(process: Any, *rest: Any, dlopen: Any = musl_opening.dlopen) -> Any:
    after, opened = dlopen(process, *rest)
    return (process if opened.refused else after), opened


def depth_first(loading: Loading, number: int, preloaded: Any = ()) -> None:
    loading.direct(number, preloaded)
    for each in loading.objects[number].deps or ():
        if loading.objects[each].deps is None:
            depth_first(loading, each)


def as_listed(objects: Any, number: int) -> list[int]:
    return list(reversed(musl_process.closure(objects, number)))


def with_versions(symbols: Any, name: bytes, version: bytes | None, hashed: int) -> bool:
    return any(not symbols.versym or symbols.versym[each] == 1 for each in symbols.named(name, hashed))


def unhidden(symbols: Any, numbers: Any) -> bool:
    return any(musl_symbols.is_definition(symbols, number) for number in numbers)


def strong_only(symbols: Any, number: int, is_definition: Any = musl_symbols.is_definition) -> bool:
    return bool(is_definition(symbols, number)) and symbols.fields(number)[0] >> 4 == 1


def visible_only(symbols: Any, number: int, is_definition: Any = musl_symbols.is_definition) -> bool:
    return bool(is_definition(symbols, number)) and not symbols.fields(number)[1] & 3


def own_first(loading: Loading, numbers: Any, relocate: Any = Loading.relocate) -> None:
    loading.scope.sort(key=lambda number: number not in numbers)
    relocate(loading, numbers)


def always_lazy(loading: Loading, number: int, name: bytes) -> None:
    loading.pending.append((number, name))


def stays(loading: Loading) -> None:
    """What nobody has is never looked for again."""


MUTANTS: dict[str, Mutant] = {
    "any name like libc is searched for": Mutant(
        musl, "RESERVED", (), "the_c_library_is_the_loader_whatever_it_is_called"
    ),
    "more names are the C library's": Mutant(
        musl, "RESERVED", ("c", "m", "crypt"), "a_name_that_only_resembles_the_c_librarys_is_searched_for"
    ),
    "the search path goes before LD_LIBRARY_PATH": Mutant(
        musl, "places", last_first, "the_library_path_goes_before_all_search_paths"
    ),
    "nothing is inherited": Mutant(musl, "places", only_nearest, "rpath_of_ancestors_is_inherited"),
    "RUNPATH is not inherited": Mutant(musl, "places", no_runpath_above, "runpath_of_ancestors_is_inherited_too"),
    "no default directories": Mutant(
        musl, "places", without_default, "last_come_the_directories_of_the_loaders_own_file"
    ),
    "RPATH goes before RUNPATH": Mutant(musl, "search_path", rpath_first, "of_rpath_and_runpath_the_latter_counts"),
    "an unknown token voids one element": Mutant(
        musl, "search_path", known_tokens_stay, "any_other_dollar_sign_voids_the_whole_list"
    ),
    "a token ends where its name ends": Mutant(
        musl, "search_path", exact_tokens, "what_follows_the_token_is_not_looked_at"
    ),
    "no braces": Mutant(musl, "search_path", no_braces, "origin_may_stand_in_braces"),
    "links are resolved": Mutant(musl, "origin", real_origin, "origin_is_the_directory_of_the_path_that_was_used"),
    "newlines do not separate": Mutant(
        musl,
        "listed",
        lambda text: [each for each in text.split(":") if each],
        "colons_and_newlines_separate_directories",
    ),
    "semicolons separate": Mutant(
        musl, "listed", lambda text: text.replace(";", ":").split(":"), "a_semicolon_does_not_separate"
    ),
    "an empty element is the current directory": Mutant(
        musl, "listed", lambda text: [each or "." for each in text.split(":")], "an_empty_element_is_no_directory"
    ),
    "a directory is searched once": Mutant(
        musl,
        "listed",
        lambda text: list(dict.fromkeys(text.split(":"))),
        "a_directory_that_is_named_twice_is_searched_twice_as_it_is_spelled",
    ),
    "the SONAME counts": Mutant(Loading, "library", by_soname, "the_soname_of_an_opened_object_means_nothing"),
    "what is opened by path has its name": Mutant(
        Loading, "found", named, "what_was_opened_by_path_is_not_found_by_its_name"
    ),
    "a search names nothing that is open": Mutant(
        Loading, "found", never_named, "a_search_that_finds_an_opened_file_gives_it_its_name"
    ),
    "a refusal takes names back": Mutant(
        musl_opening, "dlopen", names_are_forgotten, "a_name_that_a_refused_opening_has_given_stays"
    ),
    "a C library is a library": Mutant(
        Loading, "is_c_library", lambda *_: False, "a_library_that_is_a_c_library_is_replaced_by_the_loader"
    ),
    "needs are opened depth first": Mutant(Loading, "dependencies", depth_first, "needs_are_opened_breadth_first"),
    "constructors run against the order of opening": Mutant(
        musl_opening, "queued", as_listed, "constructors_run_depth_first_and_rings_are_cut"
    ),
    "versions are compared": Mutant(musl_symbols, "supplies", with_versions, "versions_are_not_compared"),
    "no version hides": Mutant(musl_symbols, "takes", unhidden, "what_a_version_hides_is_passed_over"),
    "weak is less": Mutant(musl_symbols, "is_definition", strong_only, "weak_definitions_are_as_good_as_others"),
    "hidden is hidden": Mutant(musl_symbols, "is_definition", visible_only, "visibility_is_not_looked_at"),
    "ones own go first": Mutant(Loading, "relocate", own_first, "what_was_opened_globally_goes_before_ones_own"),
    "every reference may wait": Mutant(
        Loading, "missing", always_lazy, "a_missing_symbol_refuses_all_before_any_constructor"
    ),
    "nothing may wait": Mutant(Loading, "retry", stays, "bound_lazily_a_missing_symbol_may_come_later"),
    "NOW in a file counts for nothing": Mutant(
        musl_opening, "BIND_NOW", frozenset(), "who_wants_all_at_once_is_not_bound_lazily"
    ),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return musl_program.compiled(tmp_path_factory.mktemp("program"))


Keeps = Callable[[str], bool]


@pytest.fixture
def keeps(tmp_path: Path, program: bytes) -> Keeps:
    def kept(name: str) -> bool:
        """Whether we answer what a rule expects."""
        rule, here = read(name, (RULES / name / "rule.toml").read_text("utf-8")), tmp_path / "world"
        if not here.exists():
            musl_program.write(rule.world, here, program)
        answer: Any = modelling_musl.ask(rule.world, here)
        return rule.essence(answer) == (dict(rule.start), [dict(each) for each in rule.expected])

    return kept


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_is_caught(mutant: Mutant, keeps: Keeps, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keeps(mutant.rule)
    monkeypatch.setattr(mutant.of, mutant.name, mutant.instead)
    assert not keeps(mutant.rule)
