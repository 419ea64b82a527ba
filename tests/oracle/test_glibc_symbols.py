"""The loader says which definition it takes for a reference: every rule of `loaders.glibc_symbols` under its sentence.

A library that wants one symbol needs one that has some, both written by tests/build/elf_symbols.py, where linkers refuse
what is asked here; it is opened with RTLD_NOW in a child. What gcc and GNU ld make of version scripts is asked besides.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from findlibs2 import host
from findlibs2.formats import elf_symbols
from findlibs2.formats.elf_symbols import Symbols, gnu_hash
from findlibs2.formats.window import Window
from findlibs2.loaders import glibc_symbols
from tests import need
from tests.build import elf
from tests.build.elf_symbols import (
    ABS,
    COMMON,
    DEFAULT,
    HIDDEN,
    IFUNC,
    INTERNAL,
    NOT_DEFAULT,
    NOTYPE,
    OBJECT,
    PROTECTED,
    SECTION,
    TLS,
    UND,
    UNIQUE,
    WEAK,
    Symbol,
    library,
)

pytestmark = [need.linux(), need.glibc()]

OPEN = (
    "import ctypes, os, sys\ntry:\n    ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW)\nexcept OSError as e:\n    print(e)"
)
FINE = ""
DEFINES = ("libhas.so", "V1", "V2", "V3")  # numbers 1 to 4, the first is the base
LOCAL = 0
OLDEST = {elf.X86_64: "GLIBC_2.2.5", elf.AARCH64: "GLIBC_2.17"}.get(elf.MACHINE, "")  # version of a whole C library


def said(here: Path, wants: bytes, has: bytes, **environment: str) -> str:
    """The loader's words on libwants.so, which needs libhas.so; FINE: none. A process that died: "dies: ..."."""
    (here / "libwants.so").write_bytes(wants)
    (here / "libhas.so").write_bytes(has)
    variables = {"LD_LIBRARY_PATH": str(here), "LC_ALL": "C", **environment}
    command = [sys.executable, "-I", "-S", "-c", OPEN, str(here / "libwants.so")]
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    return f"dies: {done.stderr.strip()}" if done.returncode else done.stdout.strip().replace(f"{here}/", "")


def read(content: bytes) -> Symbols:
    return elf_symbols.read(Window("x", len(content), lambda count, offset: content[offset : offset + count]))


def has(*symbols: Symbol, versions: Sequence[str] = (), hash_style: str = "gnu") -> bytes:
    return library(symbols, "libhas.so", defines=versions, hash_style=hash_style)


def wants(version: str | None = None, weak: bool = False, visibility: int = DEFAULT) -> bytes:
    symbol = Symbol("f", UND, 0, WEAK if weak else 1, NOTYPE, visibility, 2 if version else 1)
    # A version that is wanted of nobody who lacks it, or the loader would speak of that first.
    needs = {"libhas.so": [version]} if version else None
    return library([symbol], "libwants.so", ["libhas.so"], needs=needs)


def agree(here: Path, wanting: bytes, having: bytes) -> bool:
    """Whether the loader takes what is there; and we say the same."""
    words, ours = said(here, wanting, having), read(wanting).imports()
    assert words in (FINE, "libwants.so: undefined symbol: f", "libwants.so: undefined symbol: f, version V1")
    found = all(
        weak or glibc_symbols.supplies(read(having), name, version, gnu_hash(name)) for name, version, _, weak in ours
    )
    assert found == (words == FINE)
    return found


BASE, V1, V2, V3 = 1, 2, 3, 4
F = Symbol("f")


def at(*versions: int) -> list[Symbol]:
    return [F._replace(version=version) for version in versions]


class TestVersioned:
    """check_match: "We can match the version information or use the default one if it is not hidden." """

    @pytest.mark.parametrize(
        ("versions", "taken"),
        [
            ([V1], True), ([V1 | NOT_DEFAULT], True), ([V2], False), ([V2 | NOT_DEFAULT], False), ([V2, V1], True),
            ([V2, V1 | NOT_DEFAULT], True), ([BASE], True), ([BASE | NOT_DEFAULT], False), ([LOCAL], True),
            ([V2, V3], False), ([V2, BASE], True),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("style", ["gnu", "sysv"])
    def test_of_a_file_with_versions(self, tmp_path: Path, versions: list[int], taken: bool, style: str) -> None:
        assert agree(tmp_path, wants("V1"), has(*at(*versions), versions=DEFINES, hash_style=style)) == taken

    def test_of_a_file_without_versions_that_the_verneed_does_not_name(self, tmp_path: Path) -> None:
        """ "Otherwise we accept the symbol." """
        needs = {"libc.so.6": [OLDEST]}
        symbol = Symbol("f", UND, 0, version=2)
        wanting = library([symbol], "libwants.so", ["libhas.so", "libc.so.6"], needs=needs)
        assert agree(tmp_path, wanting, has(F))


class TestUnversioned:
    """check_match: "We accept the oldest (base) version"; do_lookup_x: "exactly one versioned symbol": that one."""

    @pytest.mark.parametrize(
        ("versions", "taken"),
        [
            ([BASE], True), ([V1], True), ([V1 | NOT_DEFAULT], True), ([BASE | NOT_DEFAULT], True), ([LOCAL], True),
            ([V2], True), ([V2 | NOT_DEFAULT], False), ([V2, V3 | NOT_DEFAULT], True), ([V2, V3], False),
            ([V2 | NOT_DEFAULT, V3 | NOT_DEFAULT], False), ([V2, V3, V1 | NOT_DEFAULT], True),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("style", ["gnu", "sysv"])
    def test_of_a_file_with_versions(self, tmp_path: Path, versions: list[int], taken: bool, style: str) -> None:
        assert agree(tmp_path, wants(), has(*at(*versions), versions=DEFINES, hash_style=style)) == taken

    def test_of_a_file_that_wants_versions_and_defines_none(self, tmp_path: Path) -> None:
        having = library([F], "libhas.so", ["libc.so.6"], needs={"libc.so.6": [OLDEST]})
        assert agree(tmp_path, wants(), having)


class TestDefinitions:
    """do_lookup_x: "Hidden and internal symbols are local, ignore them", "Local symbols are ignored"; check_match: "No
    value", "these are no code/data definitions".
    """

    @pytest.mark.parametrize(
        ("definition", "taken"),
        [
            (F, True), (F._replace(binding=WEAK), True), (F._replace(binding=UNIQUE, kind=OBJECT), True),
            (F._replace(binding=LOCAL), False), (F._replace(binding=5), False), (F._replace(visibility=HIDDEN), False),
            (F._replace(visibility=INTERNAL), False), (F._replace(visibility=PROTECTED), True), (F._replace(value=0), False),
            (F._replace(value=0, section=ABS), True), (F._replace(value=0, kind=TLS), True), (F._replace(kind=COMMON), True),
            (F._replace(kind=SECTION), False), (F._replace(kind=4), False), (F._replace(kind=NOTYPE), True),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("versioned", [False, True])
    def test_what_counts_as_one(self, tmp_path: Path, definition: Symbol, taken: bool, versioned: bool) -> None:
        having = has(definition._replace(version=V1), versions=DEFINES if versioned else ())
        assert agree(tmp_path, wants("V1" if versioned else None), having) == taken

    @pytest.mark.parametrize("way", [{"visibility": HIDDEN}, {"binding": LOCAL}])
    @pytest.mark.parametrize("first", [True, False])
    def test_the_first_that_fits_is_the_last_that_is_looked_at(
        self, tmp_path: Path, way: dict[str, int], first: bool
    ) -> None:
        """do_lookup_x: `goto skip` and `default: break` leave the file, not the symbol."""
        unseen = F._replace(**way)  # type: ignore[arg-type]
        assert agree(tmp_path, wants(), has(*([unseen, F] if first else [F, unseen]))) == (not first)

    def test_the_weak_are_as_good_as_others_when_ld_dynamic_weak_is_set(self, tmp_path: Path) -> None:
        assert said(tmp_path, wants(), has(F._replace(binding=WEAK)), LD_DYNAMIC_WEAK="1") == FINE


class TestReferences:
    """_dl_lookup_symbol_x: "if (*ref == NULL || ELFW(ST_BIND) ((*ref)->st_info) != STB_WEAK)" there is an error."""

    def test_the_weak_may_be_missing(self, tmp_path: Path) -> None:
        assert agree(tmp_path, wants(weak=True), has())

    def test_the_strong_may_not(self, tmp_path: Path) -> None:
        assert not agree(tmp_path, wants(), has())

    @pytest.mark.parametrize("visibility", [HIDDEN, INTERNAL])
    def test_what_is_hidden_is_not_looked_for(self, tmp_path: Path, visibility: int) -> None:
        assert agree(tmp_path, wants(visibility=visibility), has())

    def test_what_is_protected_is(self, tmp_path: Path) -> None:
        assert not agree(tmp_path, wants(visibility=PROTECTED), has())

    def test_one_that_no_relocation_refers_to_is_not_looked_for(self, tmp_path: Path) -> None:
        assert said(tmp_path, library([Symbol("f", UND, 0)], "libwants.so", refer=False), has()) == FINE

    @pytest.mark.parametrize(("index", "taken"), [(V1, True), (V2, False), (BASE, True)])
    def test_the_version_may_be_one_that_the_file_itself_defines(self, tmp_path: Path, index: int, taken: bool) -> None:
        symbol = Symbol("f", UND, 0, version=index)
        wanting = library([symbol], "libwants.so", ["libhas.so"], defines=("libwants.so", "V1", "V2"))
        words = said(tmp_path, wanting, has(*at(V1), versions=("libhas.so", "V1")))
        name, version, _, _ = read(wanting).imports()[0]
        ours = glibc_symbols.supplies(read(has(*at(V1), versions=("libhas.so", "V1"))), name, version, gnu_hash(name))
        assert (words == FINE, ours) == (taken, taken)


class TestMissingVersions:
    """elf/dl-version.c, match_symbol: asked of the file that DT_VERNEED names, before any symbol is looked for."""

    def asked(self, here: Path, having: bytes, weak: bool = False, version: str = "V2") -> tuple[str, bool]:
        """The loader's words, of a library in which no symbol wants the version; and whether we say it lacks it."""
        needs = {"libhas.so": [version]}
        wanting = library([], "libwants.so", ["libhas.so"], needs=needs, weak=[version] if weak else [])
        ((_, name, may_lack),) = read(wanting).needed_versions()
        return said(here, wanting, having), glibc_symbols.lacks(read(having), name) and not may_lack

    def test_one_that_is_not_defined(self, tmp_path: Path) -> None:
        words = "libhas.so: version `V2' not found (required by libwants.so)"
        assert self.asked(tmp_path, has(*at(V1), versions=("libhas.so", "V1"))) == (words, True)

    def test_one_that_is_defined(self, tmp_path: Path) -> None:
        assert self.asked(tmp_path, has(*at(V1), versions=DEFINES)) == (FINE, False)

    def test_a_weak_one_may_be_missing(self, tmp_path: Path) -> None:
        assert self.asked(tmp_path, has(versions=("libhas.so", "V1")), weak=True) == (FINE, False)

    def test_a_file_that_defines_none_is_accepted(self, tmp_path: Path) -> None:
        assert self.asked(tmp_path, has(F)) == (FINE, False)

    def test_the_base_is_one(self, tmp_path: Path) -> None:
        assert self.asked(tmp_path, has(versions=("V2", "V1"))) == (FINE, False)


class TestAborts:
    """check_match: assert (version->filename == NULL || ! _dl_name_match_p (version->filename, map)), until 2.40."""

    @pytest.mark.parametrize("definition", [F, F._replace(visibility=HIDDEN), F._replace(value=0), Symbol("g")])
    def test_the_file_that_is_to_have_the_version_has_the_symbol_and_no_versions(
        self, tmp_path: Path, definition: Symbol
    ) -> None:
        words, expected = said(tmp_path, wants("V1"), has(definition)), definition in (F, F._replace(visibility=HIDDEN))
        assert glibc_symbols.aborts(read(has(definition)), b"f", gnu_hash(b"f")) == expected
        assert ("check_match" in words) == (expected and host.snapshot().libc_version < (2, 41))

    @pytest.mark.parametrize("weak", [False, True])
    def test_the_file_that_is_to_have_the_version_is_not_there_at_all(self, tmp_path: Path, weak: bool) -> None:
        """elf/dl-version.c: `assert (needed != NULL)`, where DT_VERNEED names what no DT_NEEDED does; weak or not."""
        needs = {"libabsent.so": ["V1"]}
        wanting = library([], "libwants.so", ["libhas.so"], needs=needs, weak=["V1"] if weak else [])
        assert "needed != NULL" in said(tmp_path, wanting, has())


@need.tool("gcc")
class TestLinked:
    """What GNU ld makes of version scripts, of common symbols, of IFUNC and of a program's own copies."""

    SCRIPT = "V1 { global: old; both; kept; local: *; }; V2 { global: both; fresh; } V1;"
    SOURCE = """
        int old(void) { return 1; } int fresh(void) { return 2; } int kept;
        __attribute__((symver("both@V1"))) int both_1(void) { return 1; }
        __attribute__((symver("both@@V2"))) int both_2(void) { return 2; }
        int unseen(void) { return 3; }
    """
    CHOOSES = "static int f(void) { return 1; } static void *chosen(void) { return f; }\n"
    CHOOSES += '__attribute__((ifunc("chosen"))) int chooses(void);'

    def built(self, here: Path, name: str, source: str, *options: str) -> bytes:
        (here / f"{name}.c").write_text(source)
        command = ["gcc", "-shared", "-fPIC", "-fcommon", "-o", str(here / name), str(here / f"{name}.c"), *options]
        subprocess.run([*command, f"-Wl,-soname,{name}"], check=True, cwd=here)
        return (here / name).read_bytes()

    @pytest.mark.parametrize("wanted", ["old", "fresh", "both", "kept", "unseen"])
    def test_a_version_script(self, tmp_path: Path, wanted: str) -> None:
        (tmp_path / "script").write_text(self.SCRIPT)
        having = self.built(tmp_path, "libhas.so", self.SOURCE, "-Wl,--version-script=script")
        source = f"extern int {wanted}(void); int call(void) {{ return {wanted}(); }}"
        wanting = self.built(tmp_path, "libwants.so", source, "-L.", "-l:libhas.so")
        unversioned = self.built(
            tmp_path, "libwants.so", source, "-Wl,--no-as-needed", "-Wl,--unresolved-symbols=ignore-all"
        )
        supplied = [
            glibc_symbols.supplies(read(having), name, version, gnu_hash(name))
            for content in (wanting, unversioned)
            for name, version, _, weak in read(content).imports()
            if name == wanted.encode()
        ]
        assert supplied == [wanted != "unseen"] * 2
        assert (said(tmp_path, wanting, having) == FINE) == supplied[0]

    def test_ifunc(self, tmp_path: Path) -> None:
        having = self.built(tmp_path, "libhas.so", self.CHOOSES)
        source = "extern int chooses(void); int call(void) { return chooses(); }"
        wanting = self.built(tmp_path, "libwants.so", source, "-L.", "-l:libhas.so")
        number = next(read(having).named(b"chooses", gnu_hash(b"chooses")))
        assert (read(having).fields(number)[0] & 15, said(tmp_path, wanting, having)) == (IFUNC, FINE)
        assert glibc_symbols.supplies(read(having), b"chooses", None, gnu_hash(b"chooses"))

    def test_a_programs_copy_of_a_variable_has_the_version_that_it_wanted(self, tmp_path: Path) -> None:
        """R_X86_64_COPY: the definition's number of a version is one of DT_VERNEED."""
        (tmp_path / "main.c").write_text("#include <stdio.h>\nint main(void) { return stdout == 0; }")
        subprocess.run(["gcc", "-no-pie", "-fno-pic", "-o", "main", "main.c"], check=True, cwd=tmp_path)
        program = read((tmp_path / "main").read_bytes())
        if not list(program.named(b"stdout", gnu_hash(b"stdout"))):
            pytest.skip("missing here: copies of variables")
        versions = [version for file, version, _ in program.needed_versions() if file == b"libc.so.6"]
        found = [glibc_symbols.supplies(program, b"stdout", version, gnu_hash(b"stdout")) for version in versions]
        assert sum(found) == 1
