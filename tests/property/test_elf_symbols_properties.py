"""Whatever symbols were written are read and found; and whatever is there, nothing but the file's own fault is raised."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from findlibs2.formats import elf_relocations, elf_symbols
from findlibs2.formats.elf_hashes import sysv_hash
from findlibs2.formats.elf_symbols import Symbols, gnu_hash
from findlibs2.formats.window import BadFile, Window
from findlibs2.loaders import glibc_symbols
from tests.build import elf_symbols as written
from tests.build.elf_symbols import UND, WEAK, Symbol, library

NAMES = st.binary(min_size=1, max_size=80).filter(lambda raw: b"\0" not in raw)
SETS = st.lists(NAMES, unique=True, max_size=30)
SHAPES = (st.sampled_from([32, 64]), st.sampled_from(["little", "big"]), st.sampled_from(["gnu", "sysv", "both"]))
NUMBERS = st.one_of(st.integers(0, 600), st.integers(0, (1 << 64) - 1), st.sampled_from([1 << 12, 1 << 31, 1 << 63]))
TAGS = st.sampled_from(
    ["DT_SYMTAB", "DT_STRTAB", "DT_STRSZ", "DT_GNU_HASH", "DT_HASH", "DT_VERSYM", "DT_VERDEF", "DT_VERNEED", "DT_RELA",
     "DT_RELASZ"]
)  # fmt: skip
TABLES = st.sampled_from(
    ["DT_SYMTAB", "DT_STRTAB", "DT_GNU_HASH", "DT_HASH", "DT_VERSYM", "DT_VERDEF", "DT_VERNEED", "DT_RELA"]
)
SYMBOLS = (Symbol("f", version=2), Symbol("g", UND, 0, version=3))
WANTED = (b"f", b"g", b"absent", b"")


def window(content: bytes) -> Window:
    def pread(count: int, offset: int) -> bytes:
        assert 0 <= offset <= offset + count <= len(content)
        return content[offset : offset + count]

    return Window("x", len(content), pread)


def read(content: bytes) -> Symbols:
    return elf_symbols.read(window(content))


def ask(content: bytes) -> BadFile | None:
    """Everything there is to ask; what is wrong."""
    try:
        elf_relocations.references(window(content))
        found = read(content)
        found.imports()
        for name in WANTED:
            assert all(found.name(number) == name for number in found.named(name, gnu_hash(name)))
            glibc_symbols.supplies(found, name, b"V1", gnu_hash(name))
    except BadFile as bad:
        return bad
    assert all(
        found.name(number) in set(found.exports()) for number in range(1, found.count) if found.is_definition(number)
    )
    return None


class TestWhatWasWrittenIsRead:
    """gABI, Hash Table: "given a symbol name", the table leads to "a symbol table index" of that name."""

    @given(SETS, SETS, *SHAPES, st.integers(1, 40))
    def test_names(
        self, supplied: list[bytes], wanted: list[bytes], bits: int, byteorder: str, style: str, buckets: int
    ) -> None:
        assume(not set(supplied) & set(wanted))
        symbols = [Symbol(name) for name in supplied]
        symbols += [Symbol(name, UND, 0, WEAK if len(name) % 2 else 1) for name in wanted]
        found = read(library(symbols, bits=bits, byteorder=byteorder, hash_style=style, buckets=buckets))
        assert found.imports() == [(name, None, None, bool(len(name) % 2)) for name in wanted]
        assert sorted(found.exports()) == sorted(supplied)
        assert [name for name in supplied if not glibc_symbols.supplies(found, name, None, gnu_hash(name))] == []
        assert [name for name in wanted if glibc_symbols.supplies(found, name, None, gnu_hash(name))] == []

    @given(NAMES)
    def test_hashes(self, name: bytes) -> None:
        assert (gnu_hash(name), sysv_hash(name)) == (written.gnu_hash(name), written.sysv_hash(name))

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=12), *SHAPES[:2])
    def test_versions(self, chosen: list[int], bits: int, byteorder: str) -> None:
        """LSB, 10.7.2: the entry of DT_VERSYM is the number of the version of the symbol at the same place."""
        names = [f"V{number}" for number in range(6)]
        symbols = [Symbol(f"g{place}", UND, 0, version=2 + version) for place, version in enumerate(chosen)]
        found = read(library(symbols, needs={"liby.so": names}, bits=bits, byteorder=byteorder))
        assert [version for _, version, _, _ in found.imports()] == [f"V{version}".encode() for version in chosen]


class TestNothingElseIsRaised:
    """Trust no count that the file supplies until it fits in the file."""

    @given(TABLES, st.binary(max_size=200), *SHAPES)
    def test_any_bytes_in_place_of_a_table(self, tag: str, table: bytes, bits: int, byteorder: str, style: str) -> None:
        ask(
            library(SYMBOLS, defines=["libx.so", "V1"], needs={"liby.so": ["W1"]}, bits=bits, byteorder=byteorder,
                    hash_style=style, tables={tag: table})
        )  # fmt: skip

    @given(st.dictionaries(TAGS, NUMBERS, max_size=4))
    def test_any_tags(self, overrides: dict[str, int | None]) -> None:
        ask(library(SYMBOLS, defines=["libx.so"], needs={"liby.so": ["W1"]}, hash_style="both", overrides=overrides))

    @given(st.integers(0, 1 << 12))
    def test_cut_anywhere(self, size: int) -> None:
        content = library(SYMBOLS, defines=["libx.so"], needs={"liby.so": ["W1"]})
        assert isinstance(ask(content[:size]), BadFile) == (size < len(content))
