"""ld.so's search as candidates, without a disk. Whether the real one agrees: tests/oracle/test_glibc_search.py."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findlibs2.loaders import glibc, hwcaps
from findlibs2.loaders.glibc import Place
from findlibs2.model import Binary, CacheEntry, Candidate, File, FileProblem, Host, Identity, Loaded

SYSTEM = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib")
PROCESSOR = hwcaps.Processor("haswell", ("x86-64-v3", "x86-64-v2"), ("tls/haswell", "tls", "haswell"), 1 << 63)


def binary(path: str = "/w/lib/libtop.so", **facts: Any) -> Binary:
    bare = Binary(path=path, format="elf", machine="x86_64", bits=64, byteorder="little", kind="shared")
    return bare.replace(**facts)


def host(**facts: Any) -> Host:
    made = Host(
        os="linux", libc="glibc", libc_version=(2, 39), machine="x86_64", bits=64, byteorder="little",
        executable=binary("/opt/py/bin/python3"),
    )  # fmt: skip
    return made.replace(**facts)


def found(
    by: Binary,
    *ancestry: Binary,
    wanted: str = "libx.so",
    here: Host | None = None,
    cached: tuple[CacheEntry, ...] = (),
    system: tuple[str, ...] = (),
    held: tuple[str, ...] = (),
) -> list[Place]:
    def holds(place: Candidate, entry: str) -> bool:
        return f"{place.directory}/{entry}" in held

    return list(
        glibc.search(
            wanted, by, ancestry, here or host(), lambda _: cached, lambda: system, lambda: PROCESSOR, holds
        )
    )  # fmt: skip


def paths(*args: Any, **kwargs: Any) -> list[str]:
    return [place.path for place in found(*args, **kwargs)]


class TestOrder:
    def test_every_rule_in_its_place(self) -> None:
        here = host(executable=binary("/opt/py/bin/python3", rpath="$ORIGIN/../lib"), library_path="/llp")
        top = binary("/t/libtop.so", rpath="/top")
        middle = binary("/m/libmiddle.so", rpath="$ORIGIN:/middle")
        entry = CacheEntry("libx.so", "/etc-says/libx.so")
        assert found(middle, top, here=here, cached=(entry,), system=("/lib", "/usr/lib")) == [
            Place("/m/libx.so", "/m", "RPATH", "/m/libmiddle.so", "$ORIGIN"),
            Place("/middle/libx.so", "/middle", "RPATH", "/m/libmiddle.so", "/middle"),
            Place("/top/libx.so", "/top", "RPATH", "/t/libtop.so", "/top"),
            Place("/opt/py/bin/../lib/libx.so", "/opt/py/bin/../lib", "RPATH of the executable", "/opt/py/bin/python3",
                  "$ORIGIN/../lib"),
            Place("/llp/libx.so", "/llp", "LD_LIBRARY_PATH", "", "/llp"),
            Place("/etc-says/libx.so", "/etc-says", "ld.so.cache", "", ""),
            Place("/lib/libx.so", "/lib", "default directory", "", "/lib"),
            Place("/usr/lib/libx.so", "/usr/lib", "default directory", "", "/usr/lib"),
        ]  # fmt: skip

    def test_with_a_runpath_no_rpath_counts_not_even_the_programs(self) -> None:
        here = host(executable=binary("/opt/py/bin/python3", rpath="/program"), library_path="/llp")
        by = binary(rpath="/own", runpath="/run")
        assert paths(by, binary(rpath="/top"), here=here) == ["/llp/libx.so", "/run/libx.so"]

    def test_an_ancestor_with_a_runpath_has_no_rpath_but_its_own_ancestors_have(self) -> None:
        ancestry = (binary(rpath="/cancelled", runpath="/run"), binary(runpath="/run"), binary(rpath="/top"))
        assert paths(binary(), *ancestry) == ["/top/libx.so"]

    def test_an_empty_runpath_is_a_runpath(self) -> None:
        assert paths(binary(rpath="/own", runpath="")) == []

    def test_a_program_among_the_ancestors_is_searched_once(self) -> None:
        program = binary("/opt/py/bin/python3", rpath="/program")
        assert paths(binary(), program, here=host(executable=program)) == ["/program/libx.so"]

    def test_what_is_not_asked_for_is_not_asked(self) -> None:
        """The cache, the loader's own directories and the processor cost; a search that ends before asks for none."""

        def fail(*_: object) -> Any:
            raise AssertionError("asked")

        places = glibc.search("libx.so", binary(rpath="/a"), (), host(), fail, fail, fail, lambda *_: False)
        assert next(places).path == "/a/libx.so"


class TestSlash:
    def test_a_name_with_a_slash_is_a_path(self) -> None:
        assert found(binary(rpath="/a"), wanted="./libx.so", cached=(CacheEntry("./libx.so", "/no"),)) == [
            Place("./libx.so", ".", "path", "/w/lib/libtop.so", "./libx.so")
        ]

    def test_it_may_have_tokens(self) -> None:
        assert paths(binary(), wanted="$ORIGIN/../x/libx.so") == ["/w/lib/../x/libx.so"]


class TestLibraryPath:
    @pytest.mark.parametrize(
        ("path_list", "directories"),
        [
            ("/a;/b:/c", ["/a", "/b", "/c"]),
            ("/a:", ["/a", ""]),
            (":", [""]),
            ("", []),
            ("/a//:/a:/b", ["/a", "/b"]),
            ("/", ["/"]),
            ("//", ["/"]),
            ("$ORIGIN/x", ["/opt/py/bin/x"]),
        ],
    )
    def test_is_a_list(self, path_list: str, directories: list[str]) -> None:
        assert [place.directory for place in found(binary(), here=host(library_path=path_list))] == directories

    def test_a_file_is_joined_as_the_loader_joins_it(self) -> None:
        assert paths(binary(), here=host(library_path="/a/:/::b")) == ["/a/libx.so", "/libx.so", "libx.so", "b/libx.so"]

    def test_is_ignored_in_secure_execution_mode(self) -> None:
        assert paths(binary(), here=host(library_path="/llp", secure=True)) == []


class TestSubdirectories:
    BY = binary(rpath="/a")

    def test_levels_come_before_the_directory_and_only_where_there_are_any(self) -> None:
        by = binary(rpath="/a:/b")
        assert paths(by, held=("/b/glibc-hwcaps",)) == [
            "/a/libx.so",
            "/b/glibc-hwcaps/x86-64-v3/libx.so",
            "/b/glibc-hwcaps/x86-64-v2/libx.so",
            "/b/libx.so",
        ]

    def test_they_name_the_directory_that_the_file_names(self) -> None:
        first = found(self.BY, held=("/a/glibc-hwcaps",))[0]
        assert (first.directory, first.below) == ("/a", "glibc-hwcaps/x86-64-v3")

    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ((2, 32), ["tls/haswell/", "tls/", ""]),
            ((2, 33), ["glibc-hwcaps/x86-64-v3/", "glibc-hwcaps/x86-64-v2/", "tls/haswell/", "tls/", ""]),
            ((2, 36), ["glibc-hwcaps/x86-64-v3/", "glibc-hwcaps/x86-64-v2/", "tls/haswell/", "tls/", ""]),
            ((2, 37), ["glibc-hwcaps/x86-64-v3/", "glibc-hwcaps/x86-64-v2/", ""]),
        ],
    )
    def test_which_ones_depends_on_the_version(self, version: tuple[int, ...], expected: list[str]) -> None:
        places = paths(self.BY, here=host(libc_version=version), held=("/a/glibc-hwcaps", "/a/tls"))
        assert places == [f"/a/{below}libx.so" for below in expected]

    def test_where_nobody_can_tell_there_are_none(self) -> None:
        places = glibc.search("libx.so", self.BY, (), host(), lambda _: (), tuple)
        assert [place.path for place in places] == ["/a/libx.so"]


class TestCache:
    V2, V3, V4 = (CacheEntry("libx.so", f"/v{level}", f"x86-64-v{level}") for level in (2, 3, 4))
    TLS, PLAIN = CacheEntry("libx.so", "/tls", "0x8000000000000000"), CacheEntry("libx.so", "/usr/lib/libx.so")

    @pytest.mark.parametrize(
        ("entries", "version", "taken"),
        [
            ((V2, V3, V4, PLAIN), (2, 39), ["/v3"]),
            ((V4, PLAIN), (2, 39), ["/usr/lib/libx.so"]),
            ((V4,), (2, 39), []),
            ((TLS, PLAIN), (2, 36), ["/tls"]),
            ((TLS, PLAIN), (2, 37), ["/usr/lib/libx.so"]),
            ((PLAIN, CacheEntry("libx.so", "/second")), (2, 39), ["/usr/lib/libx.so"]),
        ],
    )
    def test_one_entry_is_tried_the_best_for_this_processor(
        self, entries: tuple[CacheEntry, ...], version: tuple[int, ...], taken: list[str]
    ) -> None:
        assert paths(binary(), here=host(libc_version=version), cached=entries) == taken

    def test_nodeflib_leaves_out_default_directories_and_what_the_cache_has_below_them(self) -> None:
        by = binary(flags=frozenset({"NODEFLIB"}))
        opt = CacheEntry("libx.so", "/opt/lib/libx.so")
        answers = [paths(by, cached=(entry,), system=SYSTEM) for entry in (self.PLAIN, opt)]
        assert answers == [[], ["/opt/lib/libx.so"]]


class TestTokens:
    """ld.so(8), "Dynamic string tokens"; elf/dl-load.c, is_dst and _dl_dst_substitute."""

    def tokens(self, **facts: Any) -> glibc.Tokens:
        return glibc.Tokens("/w/lib", lambda: "haswell", lambda: SYSTEM).replace(**facts)

    def expand(self, text: str, **facts: Any) -> str:
        return glibc.expand(text, self.tokens(**facts))

    @pytest.mark.parametrize(
        ("text", "expanded"),
        [
            ("$ORIGIN", "/w/lib"),
            ("${ORIGIN}x", "/w/libx"),
            ("$ORIGINx", "$ORIGINx"),
            ("$ORIGINAL", "$ORIGINAL"),
            ("$ORIGIN_", "$ORIGIN_"),
            ("$ORIGIN-x/$ORIGIN", "/w/lib-x//w/lib"),
            ("/x/$LIB/$PLATFORM", "/x/lib/x86_64-linux-gnu/haswell"),
            ("$$ORIGIN$", "$/w/lib$"),
            ("${ORIGIN", "${ORIGIN"),
            ("{ORIGIN}", "{ORIGIN}"),
            ("$origin", "$origin"),
            ("$", "$"),
        ],
    )
    def test_are_replaced(self, text: str, expanded: str) -> None:
        assert self.expand(text) == expanded

    @pytest.mark.parametrize(
        ("text", "facts"),
        [("$ORIGIN/x", {"origin": None}), ("/x/$PLATFORM", {"platform": lambda: None}), ("/x/$LIB", {"system": tuple})],
    )
    def test_that_stand_for_nothing_void_the_element(self, text: str, facts: dict[str, Any]) -> None:
        found = glibc.listed(f"/a:{text}:/b", self.tokens(**facts))
        assert list(found) == [("/a", "/a"), ("/b", "/b")]

    @pytest.mark.parametrize(
        ("first", "lib"),
        [
            ("/lib64", "lib64"),
            ("/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"),
            ("/usr/lib", "lib"),
            ("/usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu"),
            ("/gnu/store/abc-glibc-2.39/lib", "lib"),
        ],
    )
    def test_lib_is_the_last_part_of_where_the_c_library_is(self, first: str, lib: str) -> None:
        assert self.expand("$LIB", system=lambda: (first, "/other")) == lib

    @pytest.mark.parametrize(
        ("text", "program", "expanded"),
        [
            ("$ORIGIN/../lib", False, "/w/lib/../lib"),
            ("/x/$ORIGIN", False, ""),
            ("$ORIGINx", False, "$ORIGINx"),
            ("${ORIGIN}x", False, ""),
            ("$ORIGIN/../lib", True, ""),
            ("$ORIGIN/../../usr/lib/sub", True, "/w/lib/../../usr/lib/sub"),
            ("/anywhere", True, "/anywhere"),
        ],
    )
    def test_in_secure_execution_mode(self, text: str, program: bool, expanded: str) -> None:
        """Of a program, "the path is rooted in a trusted directory"; of all, $ORIGIN is the first element of it."""
        assert self.expand(text, secure=True, program=program) == expanded

    def test_of_a_program_they_are_trusted_less_than_of_a_library(self) -> None:
        here = host(executable=binary("/opt/py/bin/python3", rpath="$ORIGIN/../lib"), secure=True)
        assert paths(binary(rpath="$ORIGIN"), here=here, system=SYSTEM) == [
            "/w/lib/libx.so",
            *(f"{directory}/libx.so" for directory in SYSTEM),
        ]

    @given(st.text(alphabet="$ORIGN{}/ab", max_size=24))
    def test_a_text_without_a_token_stays(self, text: str) -> None:
        if "$ORIGIN" not in text and "${ORIGIN}" not in text:
            assert self.expand(text) == text


class TestSatisfies:
    """elf/dl-load.c, _dl_lookup_map: byte for byte, the path it was opened by, or its DT_SONAME."""

    @pytest.mark.parametrize(
        ("opened", "wanted", "taken"),
        [
            (Loaded("/a/libx.so", "libx.so.1"), "libx.so.1", True),
            (Loaded("/a/libx.so", "libx.so.1"), "/a/libx.so", True),
            (Loaded("/a/libx.so", "libx.so.1"), "libx.so", False),
            (Loaded("/a/libx.so", "libx.so.1"), "/a/./libx.so", False),
            (Loaded("/a/libx.so", None), "libx.so", False),
            (Loaded("libx.so", None), "libx.so", True),
            (Loaded("", None), "", False),
        ],
    )
    def test_a_wish(self, opened: Loaded, wanted: str, taken: bool) -> None:
        assert glibc.satisfies(opened, wanted) is taken

    def test_a_key_is_the_soname_and_without_one_the_path(self) -> None:
        assert [glibc.key(binary("/a/x", name=name)) for name in ("libx.so.1", None)] == ["libx.so.1", "/a/x"]


class TestOutcome:
    """elf/dl-load.c, open_verify."""

    @pytest.mark.parametrize(
        ("facts", "outcome"),
        [
            ({}, "taken"),
            ({"machine": "aarch64"}, "skipped"),
            ({"bits": 32}, "skipped"),
            ({"byteorder": "big"}, "skipped"),
            ({"kind": "executable"}, "fatal"),
            ({"kind": "executable", "machine": "aarch64"}, "skipped"),
            ({"flags": frozenset({"PIE"})}, "fatal"),
        ],
    )
    def test_of_an_elf_file(self, facts: dict[str, Any], outcome: str) -> None:
        assert glibc.outcome(File("/x", Identity(0, 0, 0, 0), binary(**facts)), host()) == outcome

    def test_before_2_30_a_position_independent_program_was_taken(self) -> None:
        file = File("/x", None, binary(flags=frozenset({"PIE"})))
        outcomes = [glibc.outcome(file, host(libc_version=version)) for version in ((2, 29), (2, 30))]
        assert outcomes == ["taken", "fatal"]

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            ("absent", "skipped"),
            ("dangling-link", "skipped"),
            ("unreadable", "skipped"),
            ("link-ring", "skipped"),
            ("directory", "fatal"),
            ("empty", "fatal"),
            ("linker-script", "fatal"),
            ("not-a-library", "fatal"),
            ("damaged", "fatal"),
        ],
    )
    def test_of_what_is_none(self, code: str, outcome: str) -> None:
        assert glibc.outcome(File("/x", None, None, FileProblem(code, "")), host()) == outcome
