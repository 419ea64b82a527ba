"""What is opened where a loader goes by file names: decided from headers alone."""

from __future__ import annotations

from findlibs2.loaders import musl
from findlibs2.model import Binary, Loaded, Plan

from ..build.world import HOST, binary, package, root, world
from .test_planning import draw, opened

ECKIT, MIR = package("eckitlib"), package("mirlib", "eckitlib")
LIBMIR = "/site/mirlib/lib64/libmir.so"
LIBAEC = "/site/eckitlib/lib64/libaec.so"
LOADER = Loaded("/lib/ld-musl-x86_64.so.1", None)


def mir(*binaries: Binary, loaded: tuple[Loaded, ...] = (LOADER,), thorough: bool = True) -> Plan:
    """The plan for libmir.so, which is the first of the binaries."""
    host = HOST.replace(libc="musl", executable=binary("/opt/bin/python3", name="", rpath="/opt/lib"))
    within = world(*binaries, loaded=loaded, host=host, default_directories=("/lib",)).replace(loader=musl)
    within = within if thorough else within.replace(same_content=None)
    return draw(within, root(within, "mir", LIBMIR, MIR), packages=[ECKIT, MIR])


def test_of_copies_the_one_is_opened_whose_file_has_the_name_that_is_asked_for() -> None:
    copies = [binary(LIBAEC + end, name="libaec.so.0") for end in ("", ".0", ".0.1.6")]
    drawn = mir(binary(LIBMIR, "libaec.so.0"), *copies)
    assert (opened(drawn), drawn.steps[0].copies) == ([f"{LIBAEC}.0", LIBMIR], (LIBAEC, f"{LIBAEC}.0.1.6"))


def test_of_the_wanted_library_too_however_thorough_one_looks() -> None:
    copies = [binary(LIBMIR + end, name="libmir.so.7") for end in ("", ".7")]
    for thorough in (True, False):
        drawn = mir(*copies, thorough=thorough)
        assert (opened(drawn), drawn.targets) == ([f"{LIBMIR}.7"], (f"{LIBMIR}.7",))


def test_a_library_is_known_by_its_file_whatever_it_is_called_inside() -> None:
    drawn = mir(binary(LIBMIR, "libaec.so"), binary(LIBAEC, name="libother.so.3"))
    assert (opened(drawn), drawn.findings) == ([LIBAEC, LIBMIR], ())


def test_a_library_is_known_by_its_soname_where_no_file_is_called_so() -> None:
    drawn = mir(binary(LIBMIR, "libaec.so.0"), binary(LIBAEC, name="libaec.so.0"))
    assert (opened(drawn), drawn.findings) == ([LIBAEC, LIBMIR], ())


def test_the_c_library_is_the_loader_under_all_its_names() -> None:
    drawn = mir(binary(LIBMIR, "libm.so.6", "libc.musl-x86_64.so.1"))
    assert [(each.name, each.loaded) for each in drawn.reused] == [
        ("libm.so.6", LOADER), ("libc.musl-x86_64.so.1", LOADER),
    ]  # fmt: skip


def test_what_is_in_the_process_is_used_by_its_file_name_or_by_its_soname() -> None:
    loaded = (LOADER, Loaded("/own/libaec.so", None), Loaded("/own/libz.so.1.3", "libz.so.1"))
    drawn = mir(binary(LIBMIR, "libaec.so", "libz.so.1"), binary(LIBAEC), loaded=loaded)
    assert (opened(drawn), [each.name for each in drawn.reused]) == ([LIBMIR], ["libaec.so", "libz.so.1"])


def test_no_cache_is_told_of_where_there_is_none() -> None:
    drawn = mir(binary(LIBMIR, "libgone.so", runpath="/run"))
    rows = [row.source for finding in drawn.findings for row in finding.considered]  # type: ignore[attr-defined]
    assert rows == ["package", "package", "RUNPATH", "RPATH of the executable", "default directory"]


def test_a_librarys_own_runpath_goes_before_the_programs_paths() -> None:
    drawn = mir(binary(LIBMIR, "libx.so", runpath="/run"), binary("/run/libx.so"), binary("/opt/lib/libx.so"))
    assert opened(drawn) == ["/run/libx.so", LIBMIR]
