"""What one dlopen does to a process, without a disk. Whether the real loader agrees: tests/oracle/test_rules_glibc.py."""

from __future__ import annotations

from collections.abc import Iterable

from findlibs2.formats.elf_hashes import gnu_hash
from findlibs2.loaders import glibc_opening, hwcaps
from findlibs2.loaders.glibc_process import ALREADY, NOWHERE, Installation, Opened, Process
from findlibs2.model import Binary, File, FileProblem
from tests.build.world import HOST, binary, file

PROGRAM = binary("/bin/program", name="").replace(rpath="/lib")


def installation(*binaries: Binary, links: dict[str, str] | None = None) -> Installation:
    disk = {each.path: file(each) for each in (PROGRAM, *binaries)}

    def read(path: str) -> File:
        found = disk.get((links or {}).get(path, path))
        absent = File(path, None, None, FileProblem("absent", "[Errno 2] No such file or directory"))
        return absent if found is None or found.binary is None else found.replace(path=path)

    return Installation(
        host=HOST.replace(executable=PROGRAM),
        read=read,
        symbols=lambda _path: None,
        referred=lambda _path: (),
        hashed=gnu_hash,
        is_directory=lambda path: any(each.startswith(f"{path}/") for each in disk),
        cached=lambda _name: (),
        default_directories=lambda: (),
        processor=hwcaps.Processor,
    )


def opened(here: Installation, *names: str, flags: Iterable[str] = ("NOW",)) -> tuple[Process, Opened]:
    """The process after all of them, and what the last one did."""
    process, last = glibc_opening.start(here)
    for name in names:
        process, last = glibc_opening.dlopen(process, name, tuple(flags), here)
    return process, last


def paths(process: Process, numbers: Iterable[int]) -> list[str]:
    return [process.objects[number].path for number in numbers]


class TestObjects:
    def test_what_is_needed_is_opened_in_breadth(self) -> None:
        here = installation(
            binary("/lib/libtop.so", "liba.so", "libb.so"), binary("/lib/liba.so", "libc1.so"), binary("/lib/libb.so"),
            binary("/lib/libc1.so"),
        )  # fmt: skip
        process, last = opened(here, "/lib/libtop.so")
        assert paths(process, last.added) == ["/lib/libtop.so", "/lib/liba.so", "/lib/libb.so", "/lib/libc1.so"]

    def test_what_is_open_answers_to_its_soname(self) -> None:
        here = installation(binary("/x/libother.so", name="liba.so"), binary("/lib/libtop.so", "liba.so"))
        process, last = opened(here, "/x/libother.so", "/lib/libtop.so")
        assert [(each.wanted, each.rule) for each in last.requests] == [
            ("/lib/libtop.so", "path"),
            ("liba.so", ALREADY),
        ]
        assert paths(process, process.objects[last.object or 0].search) == ["/lib/libtop.so", "/x/libother.so"]

    def test_one_file_is_one_object_under_all_its_names(self) -> None:
        here = installation(binary("/lib/liba.so"), links={"/lib/liblink.so": "/lib/liba.so"})
        process, last = opened(here, "/lib/liba.so", "/lib/liblink.so")
        assert (last.added, process.objects[last.object or 0].names) == ((), ("/lib/liba.so", "/lib/liblink.so"))

    def test_what_is_refused_leaves_nothing(self) -> None:
        here = installation(binary("/lib/libtop.so", "liba.so", "libabsent.so"), binary("/lib/liba.so"))
        process, last = opened(here, "/lib/libtop.so")
        words = "libabsent.so: cannot open shared object file: No such file or directory"
        assert (paths(process, range(len(process.objects))), last.refused) == ([""], words)
        assert last.requests[-1].rule == NOWHERE

    def test_an_absent_directory_is_remembered(self) -> None:
        top = binary("/lib/libtop.so", "liba.so").replace(runpath="/later:/lib")
        process, _ = opened(installation(top), "/lib/libtop.so")
        assert {path: known for path, known in process.directories.items() if path.count("/") == 1} == {
            "/later": False,
            "/lib": True,
        }


class TestScopes:
    def test_global_is_all_that_was_opened_so_in_that_order(self) -> None:
        here = installation(binary("/lib/liba.so", "libb.so"), binary("/lib/libb.so"), binary("/lib/libz.so"))
        process, _ = opened(here, "/lib/libz.so", "/lib/liba.so", flags=("NOW", "GLOBAL"))
        assert paths(process, process.objects[0].search) == ["", "/lib/libz.so", "/lib/liba.so", "/lib/libb.so"]

    def test_constructors_run_from_the_leaves(self) -> None:
        here = installation(
            binary("/lib/libtop.so", "liba.so"), binary("/lib/liba.so", "libb.so"), binary("/lib/libb.so")
        )
        process, last = opened(here, "/lib/libtop.so")
        assert paths(process, last.initialised) == ["/lib/libb.so", "/lib/liba.so", "/lib/libtop.so"]

    def test_what_was_needed_before_has_both_scopes(self) -> None:
        here = installation(
            binary("/lib/libtop.so", "liba.so"), binary("/lib/libtwo.so", "liba.so"), binary("/lib/liba.so")
        )
        process, _ = opened(here, "/lib/libtop.so", "/lib/libtwo.so")
        shared = next(each for each in process.objects if each.path == "/lib/liba.so")
        assert [process.objects[scope].path for scope in shared.scopes] == ["", "/lib/libtop.so", "/lib/libtwo.so"]
