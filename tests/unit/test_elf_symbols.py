"""What is read of symbols, hash tables and versions, of every word size and byte order; and what is refused."""

from __future__ import annotations

import struct

import pytest

from findlibs2.formats import elf_hashes, elf_symbols
from findlibs2.formats.elf_symbols import Symbols, gnu_hash
from findlibs2.formats.window import BadFile, Window
from tests.build.elf_symbols import HIDDEN, NOT_DEFAULT, PROTECTED, TLS, UND, WEAK, Symbol, library

SHAPES = pytest.mark.parametrize(("bits", "byteorder"), [(64, "little"), (64, "big"), (32, "little"), (32, "big")])
STYLES = pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
F, G = Symbol("f"), Symbol("g", UND, 0)


def window(content: bytes) -> Window:
    return Window("x", len(content), lambda count, offset: content[offset : offset + count])


def read(content: bytes) -> Symbols:
    return elf_symbols.read(window(content))


def refused(content: bytes) -> str:
    with pytest.raises(BadFile) as bad:
        read(content)
    return bad.value.what


def place(symbols: Symbols, name: bytes) -> list[int]:
    return list(symbols.named(name, gnu_hash(name)))


class TestTables:
    """The same answers, however the file is written."""

    @SHAPES
    @STYLES
    def test_what_is_wanted_and_what_is_supplied(self, bits: int, byteorder: str, style: str) -> None:
        symbols = [
            F._replace(version=2),
            G._replace(version=3, binding=WEAK),
            Symbol("h", 1, 9, version=2 | NOT_DEFAULT),
        ]
        content = library(
            symbols, "libx.so", ["liby.so"], defines=["libx.so", "V1"], needs={"liby.so": ["W1"]}, bits=bits,
            byteorder=byteorder, hash_style=style,
        )  # fmt: skip
        found = read(content)
        assert found.imports() == [(b"g", b"W1", b"liby.so", True)]
        assert sorted(found.exports()) == [b"f", b"h"]
        versions = (frozenset({b"libx.so", b"V1"}), [(b"liby.so", b"W1", False)])
        assert (found.defined_versions(), found.needed_versions()) == versions
        (number,) = place(found, b"h")
        assert (found.fields(number), found.versym[number]) == ((0x12, 0, 1, 9), 2 | NOT_DEFAULT)
        assert (place(found, b"absent"), place(found, b"")) == ([], [])

    @SHAPES
    @pytest.mark.parametrize("style", ["gnu", "none"])
    def test_what_is_wanted_when_the_hash_table_leads_to_nothing(self, bits: int, byteorder: str, style: str) -> None:
        content = library([G, Symbol("k", UND, 0)], bits=bits, byteorder=byteorder, hash_style=style)
        assert [name for name, *_ in read(content).imports()] == [b"g", b"k"]

    def test_nothing_is_wanted_when_nothing_leads_there(self) -> None:
        assert read(library([G], hash_style="none", refer=False)).imports() == []

    @pytest.mark.parametrize("machine", [22, 0x9026])
    @pytest.mark.parametrize("byteorder", ["little", "big"])
    def test_entries_of_dt_hash_have_64_bits_on_s390x_and_alpha(self, machine: int, byteorder: str) -> None:
        found = read(library([F, G], machine=machine, byteorder=byteorder, hash_style="sysv", wide=True))
        assert (place(found, b"f") != [], found.count) == (True, 3)

    def test_dt_gnu_hash_is_the_one_that_counts(self) -> None:
        content = library([F], hash_style="both", tables={"DT_HASH": struct.pack("<4I", 1, 1, 0, 0)})
        assert place(read(content), b"f") == [1]

    def test_a_program_has_wanted_symbols_behind_the_first_that_it_supplies(self) -> None:
        """With DT_DEBUG, which linkers give to programs: all are looked through. G is sorted to the front, so: H."""
        late = bytearray(library([F, Symbol("h")], tables={"DT_RELA": b""}, overrides={"DT_RELAENT": 24}))
        found = read(bytes(late))
        raw = found.symbols
        (number,) = place(found, b"h")
        at = bytes(late).index(raw) + number * 24
        late[at + 6 : at + 8] = bytes(2)  # st_shndx
        assert read(bytes(late)).imports() == []
        debug = bytes(late).replace(struct.pack("<QQ", 9, 24), struct.pack("<QQ", 21, 0))  # DT_RELAENT becomes DT_DEBUG
        assert read(debug).imports() == [(b"h", None, None, False)]


class TestImports:
    """What a loader looks for."""

    @pytest.mark.parametrize(
        ("symbol", "is_one"),
        [
            (G, True), (G._replace(binding=0), False), (G._replace(binding=10), True), (G._replace(binding=7), True),
            (G._replace(visibility=HIDDEN), False), (G._replace(visibility=1), False), (G._replace(kind=TLS), True),
            (G._replace(visibility=PROTECTED), True), (G._replace(name=""), False), (F, False),
        ],
    )  # fmt: skip
    @SHAPES
    def test_which_symbols_are_wanted(self, symbol: Symbol, is_one: bool, bits: int, byteorder: str) -> None:
        assert bool(read(library([symbol], bits=bits, byteorder=byteorder, hash_style="sysv")).imports()) == is_one

    @pytest.mark.parametrize(("index", "wanted"), [(0, None), (1, None), (2, b"V1"), (3, b"W1"), (9, None)])
    def test_a_version_is_wanted_where_it_has_a_name_that_is_not_the_base(
        self, index: int, wanted: bytes | None
    ) -> None:
        content = library([G._replace(version=index)], defines=["libx.so", "V1"], needs={"liby.so": ["W1"]})
        assert read(content).imports() == [(b"g", wanted, b"liby.so" if wanted == b"W1" else None, False)]

    def test_dt_versym_alone_means_nothing(self) -> None:
        assert list(read(library([F._replace(version=5)], tables={"DT_VERSYM": bytes(4)})).versym) == []

    def test_a_weak_version_may_be_missing(self) -> None:
        content = library([], needs={"liby.so": ["W1", "W2"], "libz.so": ["W3"]}, weak=["W2"])
        assert read(content).needed_versions() == [
            (b"liby.so", b"W1", False), (b"liby.so", b"W2", True), (b"libz.so", b"W3", False),
        ]  # fmt: skip

    def test_five_thousand_versions_are_read_through(self) -> None:
        names = [f"V{number}" for number in range(5000)]
        assert len(read(library([F], defines=names)).defined_versions()) == 5000


class TestDefinitions:
    """What others may use, and what ends a search although they may not."""

    @pytest.mark.parametrize(
        ("symbol", "usable", "ends"),
        [
            (F, True, True), (F._replace(binding=WEAK), True, True), (F._replace(binding=10), True, True),
            (F._replace(binding=0), False, True), (F._replace(binding=5), False, True), (F._replace(value=0), False, False),
            (F._replace(visibility=HIDDEN), False, True), (F._replace(visibility=1), False, True),
            (F._replace(visibility=PROTECTED), True, True), (F._replace(kind=3), False, False),
            (F._replace(kind=TLS, value=0), True, True), (F._replace(section=0xFFF1, value=0), True, True),
            (F._replace(kind=10), True, True), (F._replace(kind=5), True, True), (G._replace(value=8), False, False),
        ],
    )  # fmt: skip
    @SHAPES
    def test_each_kind(self, symbol: Symbol, usable: bool, ends: bool, bits: int, byteorder: str) -> None:
        found = read(library([symbol], bits=bits, byteorder=byteorder, hash_style="sysv"))
        assert (found.is_definition(1), found.ends_search(1), list(found.exports()) != []) == (usable, ends, usable)
        assert found.definitions([1]) == ({1} if usable else set())


class TestHashes:
    """As the specifications count."""

    @pytest.mark.parametrize("name", [b"", b"a", b"printf", bytes(range(1, 256)), b"x" * 100, b"\xff" * 5000])
    def test_gnu_hash_is_bernsteins(self, name: bytes) -> None:
        expected = 5381
        for char in name:
            expected = (expected * 33 + char) % (1 << 32)
        assert gnu_hash(name) == expected

    def test_gnu_hash_of_many_is_that_of_each(self) -> None:
        names = [bytes((7 * length + place) % 255 + 1 for place in range(length)) for length in range(300)]
        names += [b"%d" % number for number in range(3000)] + [b"\xff" * 5000]
        assert elf_hashes.gnu_hashes(names) == {name: gnu_hash(name) for name in names}

    @pytest.mark.parametrize(
        ("name", "hashed"), [(b"", 0), (b"printf", 0x77905A6), (b"exit", 0x6CF04), (b"flapenguin.me", 0x3987915)]
    )
    def test_sysv_hash(self, name: bytes, hashed: int) -> None:
        assert elf_hashes.sysv_hash(name) == hashed


class TestDamage:
    """Nothing but `BadFile`, which says where; or a shorter answer."""

    @pytest.mark.parametrize(
        ("overrides", "what"),
        [
            ({"DT_SYMTAB": 1 << 40}, "DT_SYMTAB lies outside of the file"),
            ({"DT_STRTAB": 1 << 40}, "DT_STRTAB lies outside of the file"),
            ({"DT_STRSZ": 1 << 40}, "DT_STRTAB has 1099511627776 bytes"),
            ({"DT_GNU_HASH": 1 << 40}, "DT_GNU_HASH lies outside of the file"),
            ({"DT_VERSYM": 1 << 40}, "DT_VERSYM lies outside of the file"),
            ({"DT_VERDEF": 1 << 40}, "DT_VERDEF lies outside of the file"),
            ({"DT_VERNEED": 1 << 40}, "DT_VERNEED lies outside of the file"),
        ],
    )
    def test_tables_that_lie_outside(self, overrides: dict[str, int | None], what: str) -> None:
        content = library([F, G], defines=["libx.so"], needs={"liby.so": ["W1"]}, overrides=overrides)
        assert refused(content) == what

    @pytest.mark.parametrize(
        ("style", "table", "what"),
        [
            ("sysv", struct.pack("<II", 1, 1 << 23), "DT_HASH counts 1 buckets, 8388608 symbols"),
            ("sysv", struct.pack("<II", 1 << 31, 1), "DT_HASH counts 2147483648 buckets, 1 symbols"),
            (
                "gnu",
                struct.pack("<4I", 1 << 30, 1, 1, 0),
                "DT_GNU_HASH counts 1073741824 buckets, 1 words of its filter",
            ),
            (
                "gnu",
                struct.pack("<4I", 1, 1, 1 << 30, 0),
                "DT_GNU_HASH counts 1 buckets, 1073741824 words of its filter",
            ),
            ("gnu", struct.pack("<4I", 1, 1 << 30, 1, 0), "DT_GNU_HASH counts 1 buckets, 1 words of its filter"),
            ("gnu", struct.pack("<4IQI", 1, 1, 1, 0, 0, 1) + bytes(64), "DT_GNU_HASH has a chain without an end"),
        ],
    )
    def test_counts_that_do_not_fit(self, style: str, table: bytes, what: str) -> None:
        assert (
            refused(library([F], hash_style=style, tables={f"DT_{'GNU_' if style == 'gnu' else ''}HASH": table}))
            == what
        )

    def test_a_chain_that_is_a_ring_ends(self) -> None:
        ring = struct.pack("<2I1I3I", 1, 3, 1, 0, 2, 1)
        assert place(read(library([F, Symbol("h")], hash_style="sysv", tables={"DT_HASH": ring})), b"absent") == []

    def test_a_chain_that_leads_outside_ends(self) -> None:
        outside = struct.pack("<2I1I2I", 1, 2, 7, 0, 0)
        assert place(read(library([F], hash_style="sysv", tables={"DT_HASH": outside})), b"f") == []

    @pytest.mark.parametrize("tag", ["DT_VERDEF", "DT_VERNEED"])
    def test_entries_that_lead_far_away(self, tag: str) -> None:
        far = (
            struct.pack("<HHHHIII", 1, 0, 2, 1, 0, 1 << 30, 0)
            if tag == "DT_VERDEF"
            else struct.pack("<HHIII", 1, 1, 0, 1 << 30, 0)
        )
        content = library([F], defines=["libx.so"], needs={"liby.so": ["W1"]}, tables={tag: far})
        assert refused(content) == f"{tag} leaves its segment"

    @pytest.mark.parametrize("tag", ["DT_VERDEF", "DT_VERNEED"])
    def test_entries_that_overlap_come_to_an_end(self, tag: str) -> None:
        """Every step goes on by one byte."""
        step = struct.pack("<4I", 1, 1, 1, 1)
        content = library([F], defines=["libx.so"], needs={"liby.so": ["W1"]}, tables={tag: step * 64})
        assert refused(content) == f"{tag} leaves its segment"

    def test_names_that_lie_outside_are_left_out(self) -> None:
        assert read(library([G, F], hash_style="sysv", overrides={"DT_STRSZ": 1})).imports() == []

    def test_names_beyond_measure_are_left_out(self) -> None:
        """Many symbols may share one long string."""
        length = 60000
        most = elf_symbols.MAX_NAMES // length
        content = library(
            [Symbol("", UND, 0)] * (most + 5), hash_style="sysv", refer=False,
            tables={
                "DT_STRTAB": b"\0" + b"x" * length + b"\0",
                "DT_SYMTAB": bytes(24) + struct.pack("<IBBHQQ", 1, 0x10, 0, 0, 0, 0) * (most + 5),
            },
        )  # fmt: skip
        assert len(read(content).imports()) == most
