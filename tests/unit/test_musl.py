"""musl's search as candidates, without a disk. Whether the real loader agrees: tests/oracle/test_rules_musl.py."""

from __future__ import annotations

from typing import Any

import pytest

from findlibs2.loaders import musl
from findlibs2.model import Binary, Candidate, File, FileProblem, Host, Identity, Loaded

LOADER = "/lib/ld-musl-x86_64.so.1"
SYSTEM = ("/lib", "/usr/local/lib", "/usr/lib")


def binary(path: str = "/w/lib/libtop.so", **facts: Any) -> Binary:
    bare = Binary(path=path, format="elf", machine="x86_64", bits=64, byteorder="little", kind="shared")
    return bare.replace(**facts)


def host(**facts: Any) -> Host:
    made = Host(
        os="linux", libc="musl", libc_version=(1, 2, 3), machine="x86_64", bits=64, byteorder="little",
        executable=binary("/opt/py/bin/python3", interpreter=LOADER),
    )  # fmt: skip
    return made.replace(**facts)


def found(
    by: Binary, *ancestry: Binary, wanted: str = "libx.so", here: Host | None = None, system: tuple[str, ...] = ()
) -> list[Candidate]:
    return list(musl.search(wanted, by, ancestry, here or host(), None, lambda: system))


def directories(*args: Any, **kwargs: Any) -> list[str]:
    return [each.directory for each in found(*args, **kwargs)]


class TestOrder:
    def test_every_rule_in_its_place(self) -> None:
        program = binary("/opt/py/bin/python3", runpath="/program")
        here = host(executable=program, library_path="/llp")
        by, top = binary("/m/libmiddle.so", rpath="/middle"), binary("/t/libtop.so", runpath="/top")
        assert found(by, top, here=here, system=SYSTEM[:1]) == [
            Candidate("/llp/libx.so", "/llp", "LD_LIBRARY_PATH", ""),
            Candidate("/middle/libx.so", "/middle", "RPATH", "/m/libmiddle.so"),
            Candidate("/top/libx.so", "/top", "RUNPATH", "/t/libtop.so"),
            Candidate("/program/libx.so", "/program", "RPATH of the executable", "/opt/py/bin/python3"),
            Candidate("/lib/libx.so", "/lib", "default directory", ""),
        ]

    def test_the_program_comes_once_and_last(self) -> None:
        program = binary("/opt/py/bin/python3", rpath="/program")
        assert directories(program, here=host(executable=program)) == ["/program"]
        assert directories(binary(rpath="/own"), program, here=host(executable=program)) == ["/own", "/program"]

    def test_a_runpath_goes_before_the_rpath_of_the_same_object_also_an_empty_one(self) -> None:
        assert directories(binary(rpath="/old", runpath="/new"), binary(rpath="/old", runpath="")) == ["/new"]

    def test_a_process_that_is_secure_has_no_library_path(self) -> None:
        assert directories(binary(), here=host(library_path="/llp", secure=True)) == []

    def test_no_name_that_is_longer_than_a_file_name_is_searched(self) -> None:
        by = binary(rpath="/own")
        assert directories(by, wanted="ä" * 127 + "b") == ["/own"]
        assert directories(by, wanted="ä" * 128) == directories(by, wanted="") == []

    def test_a_path_is_taken_as_it_is(self) -> None:
        by = binary(rpath="/own")
        wanted = "$ORIGIN/libx.so"
        assert found(by, wanted=wanted) == [Candidate(wanted, "$ORIGIN", "path", "/w/lib/libtop.so")]


class TestPathLists:
    @pytest.mark.parametrize(
        ("written", "searched"),
        [
            ("/a:/b", ["/a", "/b"]),
            ("/a\n/b", ["/a", "/b"]),
            ("/a;/b", ["/a;/b"]),
            (":/a::/b:", ["/a", "/b"]),
            ("/a:/a", ["/a", "/a"]),
            ("/a/:.", ["/a/", "."]),
            ("", []),
        ],
    )
    def test_colons_and_newlines_separate_and_nothing_is_left_out_or_changed(
        self, written: str, searched: list[str]
    ) -> None:
        assert directories(binary(rpath=written)) == searched
        assert directories(binary(), here=host(library_path=written)) == searched

    @pytest.mark.parametrize(
        ("written", "searched"),
        [
            ("$ORIGIN/../x:${ORIGIN}", ["/w/lib/../x", "/w/lib"]),
            ("$ORIGINAL:${ORIGIN}AL", ["/w/libAL", "/w/libAL"]),
            ("/a:$ORIGIN:$LIB", []),
            ("/a:${ORIGIN:/b", []),
            ("/a:$", []),
        ],
    )
    def test_origin_is_the_only_token_and_any_other_voids_the_list(self, written: str, searched: list[str]) -> None:
        assert directories(binary(runpath=written)) == searched

    def test_the_library_path_knows_no_token(self) -> None:
        assert directories(binary(), here=host(library_path="$ORIGIN")) == ["$ORIGIN"]

    @pytest.mark.parametrize(
        ("path", "searched"), [("libtop.so", ["./x"]), ("/libtop.so", ["/x"]), ("/a:b/libtop.so", ["/a", "b/x"])]
    )
    def test_the_origin_is_what_stands_before_the_last_slash(self, path: str, searched: list[str]) -> None:
        assert directories(binary(path, rpath="$ORIGIN/x")) == searched

    def test_with_secure_execution_only_libraries_have_an_origin_and_only_an_absolute_one(self) -> None:
        program = binary("/opt/py/bin/python3", rpath="$ORIGIN")
        here = host(executable=program, secure=True)
        assert directories(binary("/w/libtop.so", rpath="$ORIGIN"), here=here) == ["/w"]
        assert directories(binary("w/libtop.so", rpath="$ORIGIN"), here=here) == []


class TestItself:
    @pytest.mark.parametrize(
        "wanted", ["libc.so", "libc.so.6", "libm.so.6", "libdl.so", "libpthread.so.0", "librt.so.1", "libutil.", "libxnet.x"]
    )  # fmt: skip
    def test_a_name_of_the_c_library_is_the_loader_whatever_follows(self, wanted: str) -> None:
        expected = [Candidate(LOADER, "/lib", "the loader itself", "")]
        assert found(binary(rpath="/own"), wanted=wanted, here=host(library_path="/llp")) == expected
        assert musl.satisfies(Loaded(LOADER, None), wanted)
        assert not musl.satisfies(Loaded("/own/libother.so", wanted), wanted)

    @pytest.mark.parametrize("wanted", ["libcrypt.so", "libc", "libm2.so", "c.so", "libresolv.so.2"])
    def test_others_are_searched_for(self, wanted: str) -> None:
        assert directories(binary(rpath="/own"), wanted=wanted) == ["/own"]


class TestSatisfies:
    def test_the_file_name_counts_and_the_soname_does_not(self) -> None:
        opened = Loaded("/w/libx.so.1.2", "libx.so.1")
        assert [musl.satisfies(opened, name) for name in ("libx.so.1.2", "libx.so.1", "/w/libx.so.1.2", "")] == [
            True, False, True, False,
        ]  # fmt: skip

    def test_a_link_can_make_an_object_known_by_its_soname_if_its_place_is_known(self) -> None:
        assert musl.can_stand_for(Loaded("/w/libx.so.1.2", "libx.so.1"), "libx.so.1")
        assert not musl.can_stand_for(Loaded("w/libx.so.1.2", "libx.so.1"), "libx.so.1")

    def test_a_library_is_known_by_its_file_and_may_be_asked_for_by_its_soname(self) -> None:
        assert musl.key(binary("/w/libx.so", name="libx.so.1")) == "libx.so"
        assert musl.names(binary("/w/libx.so", name="libx.so.1")) == ("libx.so", "libx.so.1")
        assert musl.names(binary("/w/libx.so")) == ("libx.so",)


class TestOutcome:
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("absent", "skipped"),
            ("unreadable", "skipped"),
            ("dangling-link", "skipped"),
            ("link-ring", "fatal"),
            ("directory", "fatal"),
            ("empty", "fatal"),
            ("linker-script", "fatal"),
            ("not-a-library", "fatal"),
            ("special-file", "fatal"),
        ],
    )
    def test_what_can_be_opened_ends_the_search(self, code: str, expected: str) -> None:
        assert musl.outcome(File("/x", None, None, FileProblem(code, "")), host()) == expected

    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            ({}, "taken"),
            ({"kind": "executable"}, "taken"),
            ({"flags": frozenset({"PIE"})}, "taken"),
            ({"kind": "relocatable"}, "fatal"),
            ({"machine": "aarch64"}, "fatal"),
            ({"bits": 32}, "fatal"),
            ({"byteorder": "big"}, "fatal"),
        ],
    )
    def test_of_files_for_others_none_is_passed_over(self, facts: dict[str, Any], expected: str) -> None:
        assert musl.outcome(File("/x", Identity(1, 2, 3, 4), binary(**facts)), host()) == expected
