"""What is said of a file that demands what the host has not: the whole text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from findlibs2 import findings, host, notes, report
from findlibs2.model import Finding
from tests import need
from tests.build.elf_symbols import library
from tests.words.said import printed

CHECK = "import findlibs2; from findlibs2 import report\nprint(report.verdict(findlibs2.check('mir')))"
MIR, ECKIT, CXX = "/site/libmir.so", "/site/libeckit.so", "/usr/lib/libstdc++.so.6"


def text(finding: Finding) -> str:
    (said,) = report.findings([finding])
    return said


@need.glibc()
@pytest.mark.skipif(host.snapshot().libc_version >= (2, 99), reason="2.99 is there")
def test_a_wheel_that_was_built_for_a_newer_system(site: Path, libmir: Path) -> None:
    wanted = {"libc.so.6": ["GLIBC_2.99", "GLIBC_2.2.5", "GLIBC_2.98"]}
    libmir.write_bytes(library([], "libmir.so", ["libeckit.so", "libc.so.6"], needs=wanted))
    here = ".".join(map(str, host.snapshot().libc_version))
    told = printed(site, CHECK, None).split("\n")
    libc = told[4].split()[2]
    assert [*told[:7], told[-1]] == [
        f"libmir.so was built for glibc 2.99 or newer, and this system has {here} [missing-version]",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "    wanted   GLIBC_2.99   of libc.so.6",
        "    also missing   GLIBC_2.98",
        f"    expected in   {libc}   defines GLIBC_{here} at most",
        "    taken   in the process already",
        f"  fix: use a release of mirlib for glibc {here} or older, or a newer system",
        "mir: 2 libraries, cannot be loaded",
    ]


@need.glibc()
@need.tool("ldconfig")
def test_a_wheel_that_was_built_for_a_newer_libstdcxx(site: Path, libmir: Path) -> None:
    """The file that was taken, and by which rule, is there to see: there may be others."""
    wanted = {"libstdc++.so.6": ["GLIBCXX_3.4", "GLIBCXX_3.4.99", "CXXABI_1.3.99"]}
    libmir.write_bytes(library([], "libmir.so", ["libeckit.so", "libstdc++.so.6"], needs=wanted))
    told = printed(site, CHECK, None).split("\n")
    place, newest = told[4].split()[2], told[4].split()[4]
    assert told[:7] == [
        "libmir.so was built for a newer libstdc++.so.6 than the one that is taken [missing-version]",
        "    wanted by   SITE/mirlib/lib64/libmir.so   mirlib 1.30.2.33",
        "    wanted   GLIBCXX_3.4.99   of libstdc++.so.6",
        "    also missing   CXXABI_1.3.99",
        f"    expected in   {place}   defines {newest} at most",
        "    taken   ld.so.cache",
        "  fix: use a release of mirlib for older systems, or a newer libstdc++.so.6",
    ]


def test_a_version_that_says_no_number() -> None:
    finding = findings.BuiltForNewer(
        MIR, "GLIBC_ABI_GNU2_TLS", "libc.so.6", "/lib/libc.so.6", system="2.36", taken="in the process already"
    )
    assert text(finding) == (
        "libmir.so was built for another glibc, and this system has 2.36 [missing-version]\n"
        "    wanted by     /site/libmir.so\n"
        "    wanted        GLIBC_ABI_GNU2_TLS   of libc.so.6\n"
        "    expected in   /lib/libc.so.6       does not define it\n"
        "    taken         in the process already\n"
        "  fix: use a release of libmir.so for glibc 2.36 or older, or a newer system"
    )


@pytest.mark.parametrize(
    ("stack", "has"),
    [("rwx", "PT_GNU_STACK, executable"), (None, "no PT_GNU_STACK, which means an executable one here")],
)
def test_an_executable_stack(stack: str | None, has: str) -> None:
    assert text(findings.StackNotExecutable(MIR, stack)) == (
        "libmir.so wants an executable stack, which this loader gives to no library that is opened later "
        "[executable-stack]\n"
        "    file   /site/libmir.so\n"
        f"    has    {has}\n"
        "  fix: use a build of it that was linked with -z noexecstack"
    )


def test_a_stack_that_is_made_executable() -> None:
    assert text(notes.StackMadeExecutable(MIR, "rwx")) == (
        "libmir.so makes all stacks of this process executable, a protection less [stack-made-executable]\n"
        "    file    /site/libmir.so\n"
        "    has     PT_GNU_STACK, executable\n"
        "    later   the loader of glibc 2.41 refuses it\n"
        "  fix: use a build of it that was linked with -z noexecstack"
    )


FULL = findings.StaticTlsFull(((ECKIT, 1000, None), (MIR, 5000, None)), 6000, 1727, 7168)


def test_too_many_static_thread_local_variables() -> None:
    assert text(FULL) == (
        "the thread-local variables that every thread has to have from its start are too many for this process "
        "[static-tls-full]\n"
        "    file       /site/libeckit.so   1,000 bytes\n"
        "    file       /site/libmir.so     5,000 bytes\n"
        "    together   6,000 bytes, at least\n"
        "    room for   1,727 bytes, if nobody has taken any of it\n"
        '  fix: export GLIBC_TUNABLES="${GLIBC_TUNABLES:+$GLIBC_TUNABLES:}glibc.rtld.optional_static_tls=7168"'
        "     # then start the program again"
    )


@need.glibc()
@need.tool("gcc")
@pytest.mark.parametrize("tunable", [512, 8192])
def test_the_room_is_that_of_the_process_as_it_was_started(site: Path, libmir: Path, tunable: int) -> None:
    source = "static __thread char many[3000]; char *touch(void) { return many; }"
    command = ["gcc", "-shared", "-fPIC", "-nostdlib", "-ftls-model=initial-exec", "-x", "c", "-", "-o", libmir]
    subprocess.run([*map(str, command), "-Wl,-soname,libmir.so"], input=source, text=True, check=True)
    told = printed(site, CHECK, {"GLIBC_TUNABLES": f"glibc.rtld.optional_static_tls={tunable}"})
    assert ("[static-tls-full]" in told, "nothing that stops a load" in told) == (tunable == 512, tunable != 512)


def test_where_no_tunable_can_help_none_is_named() -> None:
    assert "fix:" not in text(FULL.replace(enough=None))


@pytest.mark.parametrize(("before", "after"), [(None, ""), ("glibc.malloc.check=1", "glibc.malloc.check=1:")])
def test_that_fix_keeps_what_is_set(before: str | None, after: str) -> None:
    command = text(FULL).rpartition("  fix: ")[2] + '\nprintf %s "$GLIBC_TUNABLES"'
    environment = {"GLIBC_TUNABLES": before} if before is not None else {}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{after}glibc.rtld.optional_static_tls=7168"


def test_an_alignment_that_the_area_has_not() -> None:
    assert text(findings.StaticTlsAlignment(MIR, 128, 64)) == (
        "libmir.so has thread-local variables that this process can give no place to [static-tls-alignment]\n"
        "    file         /site/libmir.so\n"
        "    aligned to   128 bytes\n"
        "    at most      64 bytes          for a library that is opened later, with initial-exec variables\n"
        "  fix: use a build of it without -ftls-model=initial-exec, or with a smaller alignment"
    )


def test_compressed_relocations_that_are_not_announced() -> None:
    assert text(findings.UnmarkedRelr(MIR)) == (
        "libmir.so has compressed relocations (DT_RELR) and does not want GLIBC_ABI_DT_RELR [unmarked-relr]\n"
        "    file   /site/libmir.so\n"
        "    so     the loader of this system refuses it"
    )
