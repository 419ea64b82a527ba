"""What is opened, from where, in which order: decided from headers alone."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import basename, normpath

import pytest

from findlibs2 import planning
from findlibs2.closure import Root, World
from findlibs2.findings import BadFile, MissingLibrary, OverrideMismatch, OverrideMissing, WrongMachine
from findlibs2.model import Considered, FileProblem, Loaded, Package, Plan
from findlibs2.notes import CopiesDiffer, LoadedElsewhere, NeededRing, PassedOver, TruncatedTail, UnsafeSearchPath

from ..build.world import HOST, binary, package, root, world


def no_override(wanted: str) -> None:
    return None


def draw(within: World, *roots: Root, packages: Sequence[Package] = ()) -> Plan:
    return planning.plan(within, roots, packages, no_override)


def opened(drawn: Plan) -> list[str]:
    return [step.path for step in drawn.steps]


ECKIT, ECCODES, ATLAS = package("eckitlib"), package("eccodeslib", "eckitlib"), package("atlaslib", "eckitlib")
MIR = package("mirlib", "eccodeslib", "eckitlib", "atlaslib")
STACK = [ECKIT, ECCODES, ATLAS, MIR]
LIBECKIT, LIBECCODES = "/site/eckitlib/lib64/libeckit.so", "/site/eccodeslib/lib64/libeccodes.so"
LIBATLAS, LIBMIR = "/site/atlaslib/lib64/libatlas.so", "/site/mirlib/lib64/libmir.so"


def test_dependencies_open_first_and_ties_keep_declared_order() -> None:
    within = world(
        binary(LIBMIR, "libatlas.so", "libeccodes.so", "libeckit.so"),
        binary(LIBATLAS, "libeckit.so"),
        binary(LIBECCODES, "libeckit.so"),
        binary(LIBECKIT),
    )
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == [LIBECKIT, LIBECCODES, LIBATLAS, LIBMIR]
    assert drawn.findings == ()


def test_what_no_file_needs_is_not_opened() -> None:
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT), binary(LIBECCODES), binary(LIBATLAS))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == [LIBECKIT, LIBMIR]


def test_of_copies_of_one_soname_only_the_unversioned_name_is_opened() -> None:
    there = [binary(f"/site/eckitlib/lib64/libaec.so{end}", name="libaec.so.0") for end in ("", ".0", ".0.1.6")]
    within = world(binary(LIBMIR, "libaec.so.0"), *there)
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == ["/site/eckitlib/lib64/libaec.so", LIBMIR]
    assert drawn.steps[0].copies == ("/site/eckitlib/lib64/libaec.so.0", "/site/eckitlib/lib64/libaec.so.0.1.6")
    assert drawn.findings == ()


def test_the_wanted_library_too_is_opened_once_however_many_copies_there_are() -> None:
    there = [binary(f"/site/atlaslib/lib64/libatlas.so{end}", name="libatlas.so.0.47") for end in ("", ".0.47")]
    within = world(*there)
    drawn = draw(within, root(within, "atlas", LIBATLAS, ATLAS), packages=STACK)
    assert (opened(drawn), drawn.steps[0].copies) == ([LIBATLAS], (LIBATLAS + ".0.47",))


def test_one_soname_with_different_content_is_a_finding() -> None:
    one, other = "/site/eckitlib/lib64/libaec.so", "/site/eckitlib/lib64/libaec.so.0"
    within = world(
        binary(LIBMIR, "libaec.so.0"),
        binary(one, name="libaec.so.0"),
        binary(other, name="libaec.so.0"),
        different=frozenset([other]),
    )
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert drawn.findings == (CopiesDiffer("libaec.so.0", one, (other,)),)


def test_the_asking_packages_own_library_goes_before_that_of_its_dependencies() -> None:
    own = "/site/mirlib/lib64/libaec.so"
    within = world(binary(LIBMIR, "libaec.so"), binary(own), binary("/site/eckitlib/lib64/libaec.so"))
    assert opened(draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)) == [own, LIBMIR]


def test_a_vendored_sibling_directory_supplies_too() -> None:
    eckit = package("eckitlib").replace(libraries=("/site/eckitlib/lib64", "/site/eckitlib.libs"))
    vendored = "/site/eckitlib.libs/liblz4-0414571a.so.1.10.0"
    within = world(binary(LIBECKIT, basename(vendored)), binary(vendored))
    assert opened(draw(within, root(within, "eckit", LIBECKIT, eckit), packages=[eckit])) == [vendored, LIBECKIT]


def test_a_library_under_a_foreign_file_name_is_known_by_its_soname() -> None:
    renamed = "/site/eckitlib/lib64/libfoo-dev.so"
    within = world(binary(LIBMIR, "libbar.so.1"), binary(renamed, name="libbar.so.1"))
    assert opened(draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)) == [renamed, LIBMIR]


def test_a_library_in_the_process_is_reused_and_noted_when_it_comes_from_elsewhere() -> None:
    mine = Loaded("my/libeckit.so", "libeckit.so")
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT), loaded=[mine])
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == [LIBMIR]
    assert [(each.name, each.loaded, each.expected) for each in drawn.reused] == [("libeckit.so", mine, LIBECKIT)]
    assert drawn.findings == (LoadedElsewhere("libeckit.so", "my/libeckit.so", LIBECKIT),)


def test_another_way_to_the_same_file_is_no_other_file() -> None:
    mine = Loaded("/link/libeckit.so", "libeckit.so")
    links = {mine.path: LIBECKIT}
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT), loaded=[mine], links=links)
    assert draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK).findings == ()


def test_the_wanted_library_in_the_process_is_asked_for_as_it_was_opened() -> None:
    within = world(binary(LIBMIR), loaded=[Loaded("my/libmir.so", "libmir.so")])
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert (opened(drawn), drawn.targets) == ([], ("my/libmir.so",))


def test_a_system_library_is_opened_by_its_absolute_path_before_who_needs_it() -> None:
    gomp = "/usr/lib/libgomp.so.1"
    within = world(binary(LIBMIR, "libgomp.so.1"), binary(gomp), cached={"libgomp.so.1": gomp})
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == [gomp, LIBMIR]
    assert drawn.steps[0].because[-1] == Considered("ld.so.cache", drawn.steps[0].because[-1].where, "found", gomp)


def test_what_the_loader_cannot_read_it_passes_over_and_the_trail_says_so() -> None:
    hidden, right = "/a/libz.so.1", "/b/libz.so.1"
    problem = FileProblem("unreadable", "[Errno 13] Permission denied")
    within = world(
        binary(LIBMIR, "libz.so.1"), binary(right), bad={hidden: problem}, default_directories=("/a", "/b", "/c")
    )
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert [row.answer for row in drawn.steps[0].because if row.source == "default directory"] == [
        "there, but it cannot be read: [Errno 13] Permission denied",
        "found",
    ]


def test_a_ring_of_links_ends_the_list_of_directories_in_which_it_is() -> None:
    ring, behind, right = "/a/libz.so.1", "/b/libz.so.1", "/usr/lib/libz.so.1"
    problem = FileProblem("link-ring", "[Errno 40] Too many levels of symbolic links")
    wanting = binary(LIBMIR, "libz.so.1", rpath="/a:/b")
    within = world(wanting, binary(behind), binary(right), bad={ring: problem}, default_directories=("/usr/lib",))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == [right, LIBMIR]


def test_a_search_directory_that_others_can_fill_is_left_out_and_told() -> None:
    gomp, planted = "/usr/lib/libgomp.so.1", "/tmp/build/lib64/libgomp.so.1"
    within = world(
        binary(LIBMIR, "libgomp.so.1", rpath="/tmp/build/lib64"),
        binary(gomp),
        binary(planted),
        cached={"libgomp.so.1": gomp},
        unsafe={"/tmp/build/lib64": "anyone can create it"},
    )
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert opened(drawn) == [gomp, LIBMIR]
    assert list(planning.unsafe(drawn)) == [
        UnsafeSearchPath(LIBMIR, "RPATH", "/tmp/build/lib64", "anyone can create it")
    ]


@pytest.mark.parametrize("asking", [{}, {"rpath": "/gone"}, {"runpath": "/gone"}])
def test_what_the_programs_own_rpath_leads_to_goes_before_the_cache(asking: dict[str, str]) -> None:
    """The loader leaves it out for a file with a DT_RUNPATH; Python's own modules have brought it by then."""
    system, conda = "/usr/lib/libz.so.1", "/opt/conda/lib/libz.so.1"
    program = binary("/opt/conda/bin/python", name="", rpath="$ORIGIN/../lib").replace(kind="executable")
    within = world(
        binary(LIBMIR, "libz.so.1", **asking),
        binary(system),
        binary("/opt/conda/bin/../lib/libz.so.1"),
        cached={"libz.so.1": system},
        host=HOST.replace(executable=program),
    )
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert [normpath(path) for path in opened(drawn)] == [conda, LIBMIR]


def test_a_system_library_for_another_machine_is_passed_over() -> None:
    foreign, right = "/lib32/libz.so.1", "/lib64/libz.so.1"
    within = world(
        binary(LIBMIR, "libz.so.1"),
        binary(foreign, machine="i686", bits=32),
        binary(right),
        default_directories=("/lib32", "/lib64"),
    )
    assert opened(draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)) == [right, LIBMIR]


def test_a_system_library_that_carries_another_name_inside_is_opened_by_the_name_that_is_needed() -> None:
    found = "/usr/lib/libodd.so.1"
    within = world(binary(LIBMIR, "libodd.so.1"), binary(found, name="libeven.so"), cached={"libodd.so.1": found})
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert [(step.path, step.by_name, step.left) for step in drawn.steps] == [
        (found, "libodd.so.1", False),
        (LIBMIR, None, False),
    ]


def test_one_that_only_the_asking_files_search_path_leads_to_is_left_to_the_loader() -> None:
    found = "/opt/lib/libodd.so.1"
    within = world(binary(LIBMIR, "libodd.so.1", rpath="/opt/lib"), binary(found, name=""))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert [(step.path, step.by_name, step.left) for step in drawn.steps] == [
        (found, None, True),
        (LIBMIR, None, False),
    ]


def test_but_not_if_the_loader_would_look_into_an_unsafe_directory_first() -> None:
    found = "/opt/lib/libodd.so.1"
    within = world(
        binary(LIBMIR, "libodd.so.1", rpath="/tmp/build:/opt/lib"),
        binary(found, name=""),
        unsafe={"/tmp/build": "open"},
    )
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert ([finding.code for finding in drawn.findings], drawn.left_to_loader) == (["missing-library"], ())


def test_what_nobody_has_is_missing_once_with_every_place_and_the_loader_may_be_asked() -> None:
    within = world(binary(LIBMIR, "libeckit.so", "libatlas.so"), binary(LIBATLAS, "libeckit.so"))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert drawn.findings == (
        MissingLibrary(
            "libeckit.so",
            (LIBMIR,),
            "mirlib",
            (
                Considered("package", "mirlib", "holds no libeckit.so"),
                Considered("package", "eccodeslib", "holds no libeckit.so"),
                Considered("package", "eckitlib", "holds no libeckit.so"),
                Considered("package", "atlaslib", "holds no libeckit.so"),
            ),
        ),
    )
    assert drawn.left_to_loader == ("libeckit.so",)


def test_the_loader_is_not_asked_where_it_would_search_an_unsafe_directory() -> None:
    within = world(binary(LIBMIR, "libgone.so", rpath="/tmp/build"), unsafe={"/tmp/build": "anyone can create it"})
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert drawn.left_to_loader == ()
    assert [finding.code for finding in drawn.findings] == ["missing-library"]


def test_a_damaged_dependency_is_named_with_who_needs_it() -> None:
    problem = FileProblem("damaged", "the segment ends behind the file", 64)
    within = world(binary(LIBMIR, "libeckit.so"), bad={LIBECKIT: problem})
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert drawn.findings == (BadFile(LIBECKIT, problem, (LIBMIR,), "eckitlib"),)


def test_junk_beside_a_good_file_of_the_name_is_passed_over() -> None:
    eckit = ECKIT.replace(libraries=("/site/eckitlib/lib", "/site/eckitlib/lib64"))
    junk, problem = "/site/eckitlib/lib/libeckit.so", FileProblem("linker-script", "GROUP ( ... )")
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT), bad={junk: problem})
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=[eckit, MIR])
    assert opened(drawn) == [LIBECKIT, LIBMIR]
    assert drawn.findings == (PassedOver(junk, problem, LIBECKIT),)


def test_a_dependency_for_another_machine_stops_the_load() -> None:
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT, machine="aarch64"))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    is_for, process_is = "aarch64, 64-bit, little-endian", "x86_64, 64-bit, little-endian"
    assert drawn.findings == (WrongMachine(LIBECKIT, is_for, process_is, "eckitlib", (LIBMIR,)),)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("relocatable", "an object file, which was never linked (ET_REL)"),
        ("executable", "a program (ET_EXEC)"),
        ("core", "a core dump (ET_CORE)"),
        ("other", "of no type that a loader knows"),
    ],
)
def test_what_was_never_linked_as_a_library_stops_the_load(kind: str, what: str) -> None:
    within = world(binary(LIBMIR).replace(kind=kind))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert drawn.findings == (BadFile(LIBMIR, FileProblem("not-a-library", what), (), "mirlib"),)


def test_a_file_cut_behind_its_last_segment_loads_with_a_warning() -> None:
    within = world(binary(LIBMIR, missing_tail=64))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert (opened(drawn), drawn.findings) == ([LIBMIR], (TruncatedTail(LIBMIR, 64),))


def test_a_ring_of_libraries_is_named_as_a_ring() -> None:
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT, "libatlas.so"), binary(LIBATLAS, "libeckit.so"))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    [ring] = drawn.findings
    assert isinstance(ring, NeededRing)
    assert set(ring.ring) == {LIBECKIT, LIBATLAS}


def test_a_library_that_needs_itself_is_no_ring() -> None:
    within = world(binary(LIBMIR, "libmir.so"))
    drawn = draw(within, root(within, "mir", LIBMIR, MIR), packages=STACK)
    assert (opened(drawn), drawn.findings) == ([LIBMIR], ())


def test_an_override_replaces_the_library_that_others_need() -> None:
    mine = "/home/me/build/libeckit.so"
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT), binary(mine))
    override = root(within, "FINDLIBS2_LIB_ECKIT", mine, overridden=True)
    drawn = planning.plan(within, [root(within, "mir", LIBMIR, MIR)], STACK, {"libeckit.so": override}.get)
    assert (opened(drawn), drawn.findings) == ([mine, LIBMIR], ())


def test_an_override_of_what_the_process_has_already_comes_too_late_and_that_is_told() -> None:
    mine = "/home/me/build/libeckit.so"
    within = world(binary(LIBMIR, "libeckit.so"), binary(mine), loaded=[Loaded(LIBECKIT, "libeckit.so")])
    override = root(within, "FINDLIBS2_LIB_ECKIT", mine, overridden=True)
    drawn = planning.plan(within, [root(within, "mir", LIBMIR, MIR)], STACK, {"libeckit.so": override}.get)
    assert (opened(drawn), drawn.findings) == ([LIBMIR], (LoadedElsewhere("libeckit.so", LIBECKIT, mine),))


def test_each_place_is_told_once_though_a_persons_own_build_is_asked_for_its_own_paths_first() -> None:
    mir = "/home/me/mir/libmir.so"
    within = world(binary(mir, "libgone.so", rpath="/home/me/lib"))
    drawn = draw(within, root(within, "mir", mir, MIR, overridden=True), packages=[MIR])
    [finding] = drawn.findings
    assert isinstance(finding, MissingLibrary)
    assert [(row.source, row.where) for row in finding.considered] == [("RPATH", "/home/me/lib"), ("package", "mirlib")]


def test_an_override_that_carries_another_soname_stops_the_load() -> None:
    mine = "/home/me/build/libatlas.so"
    within = world(binary(LIBMIR, "libatlas.so.0.47"), binary(mine, name="libatlas.so.0.48"))
    override = root(within, "FINDLIBS2_LIB_ATLAS", mine, overridden=True)
    drawn = planning.plan(within, [root(within, "mir", LIBMIR, MIR)], STACK, {"libatlas.so.0.47": override}.get)
    assert drawn.findings == (
        OverrideMismatch("FINDLIBS2_LIB_ATLAS", mine, "libatlas.so.0.48", "libatlas.so.0.47", (LIBMIR,)),
    )


def test_an_override_of_a_needed_library_that_names_nothing_stops_the_load() -> None:
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECKIT))
    missing = OverrideMissing("FINDLIBS2_LIB_ECKIT", "/gone")
    drawn = planning.plan(within, [root(within, "mir", LIBMIR, MIR)], STACK, {"libeckit.so": missing}.get)
    assert drawn.findings == (missing,)


def test_a_persons_own_build_finds_its_own_libraries_before_the_packages() -> None:
    mir, eckit = "/home/me/mir/libmir.so", "/home/me/eckit/libeckit.so"
    within = world(binary(mir, "libeckit.so", runpath="/home/me/eckit"), binary(eckit), binary(LIBECKIT))
    drawn = draw(within, root(within, "mir", mir, MIR, overridden=True), packages=STACK)
    assert opened(drawn) == [eckit, mir]


def chain(length: int) -> tuple[World, list[Package]]:
    packages = [package(f"p{n}lib", *([f"p{n + 1}lib"] if n + 1 < length else [])) for n in range(length)]
    files = [
        binary(f"/site/p{n}lib/lib64/libp{n}.so", *([f"libp{n + 1}.so"] if n + 1 < length else []))
        for n in range(length)
    ]
    return world(*files), packages[::-1]


def test_a_chain_of_a_thousand_packages_is_planned() -> None:
    within, packages = chain(1000)
    drawn = draw(within, root(within, "p0", "/site/p0lib/lib64/libp0.so", packages[-1]), packages=packages)
    assert [basename(path) for path in opened(drawn)] == [f"libp{n}.so" for n in reversed(range(1000))]


def test_several_wanted_libraries_make_one_plan() -> None:
    within = world(binary(LIBMIR, "libeckit.so"), binary(LIBECCODES, "libeckit.so"), binary(LIBECKIT))
    roots = [root(within, "mir", LIBMIR, MIR), root(within, "eccodes", LIBECCODES, ECCODES)]
    assert opened(draw(within, *roots, packages=STACK)) == [LIBECKIT, LIBMIR, LIBECCODES]
