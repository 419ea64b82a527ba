"""pyelftools, readelf and nm read the same symbols and versions from every ELF file that is here.

The files: the published wheels of every counter that the running Python has, the interpreter's own, and libraries of the
system; ELF_CORPUS=<directory> in the environment adds one. Equal files are read once. The slower two readers read the
wrappers of the newest counter alone, which have what is rare.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from findlibs2 import host
from findlibs2.formats import elf, elf_symbols
from findlibs2.formats.elf_symbols import HIDDEN, VERSION, Symbols
from findlibs2.formats.window import Window
from tests import need
from tests.wheels.environments import environment, offered

pytestmark = [need.linux()]

TYPES = {
    "NOTYPE": 0, "OBJECT": 1, "FUNC": 2, "SECTION": 3, "FILE": 4, "COMMON": 5, "TLS": 6, "IFUNC": 10,
}  # fmt: skip
# readelf knows GNU_UNIQUE only where EI_OSABI says GNU; loaders do not ask.
BINDINGS = {"LOCAL": 0, "GLOBAL": 1, "WEAK": 2, "UNIQUE": 10, "<OS specific>: 10": 10}
VISIBILITIES = {"DEFAULT": 0, "INTERNAL": 1, "HIDDEN": 2, "PROTECTED": 3}
SECTIONS = {"UND": 0, "ABS": 0xFFF1, "COM": 0xFFF2}
FLAGS = {"none": 0, "BASE": 1, "WEAK": 2}
FROM_SYSTEM = 150  # files; the wheels and the interpreter are read whole
SYMBOL = re.compile(
    r" *\d+: ([0-9a-f]+) +\S+ (\w+) +(\w+|<OS specific>: \d+) +(\w+) (?:\[[^]]*\])? *(\w+)(?: (.*?)(?: \(\d+\))?)?"
)
NEEDED = re.compile(r"  (?:0x)?[0-9a-f]+:   Name: (\S+)  Flags: (\w+)  Version: \d+|Version: 1  File: (\S+)")
DEFINED = re.compile(r"Rev: 1  Flags: (\w+) +Index: \d+  Cnt: \d+  Name: (\S+)")


class Symbol(NamedTuple):
    """One row of the table."""

    name: str  # with its version, as binutils write it: f, f@V, f@@V
    value: int
    kind: int
    binding: int
    visibility: int
    section: int


class Said(NamedTuple):
    """What one reader says of one file."""

    symbols: tuple[Symbol, ...]  # without the null symbol
    defined: tuple[tuple[str, int], ...]  # versions, and their flags
    needed: tuple[tuple[str, str, int], ...]  # file, version, flags


# ---------------------------------------------------------------------------------------------------------- the corpus


@functools.cache
def corpus(of: str) -> tuple[str, ...]:
    """Paths of the files of one kind, each content once."""
    roots: dict[str, Iterable[Path | str]] = {
        "interpreter": (sysconfig.get_path("platstdlib"), sysconfig.get_config_var("LIBDIR"), sys.executable),
        "system": [path for place in host.default_directories() for path in Path(place).glob("*.so*")][:FROM_SYSTEM],
        "given": filter(None, [os.environ.get("ELF_CORPUS")]),
    }
    if of in ("wheels", "wrappers"):
        every = [environment(counter) for counter in offered()]
        roots["wrappers"] = [every[0].site]
        roots["wheels"] = [path for each in every for path in (each.site, each.interfaces)]
    found = distinct(path for root in roots[of] for path in below(Path(root)))
    return tuple(sorted(found.values()))


def below(root: Path) -> Iterator[str]:
    if root.is_file():
        yield str(root)
    for directory, below_it, names in os.walk(root):
        below_it[:] = [name for name in below_it if name != "site-packages"]
        yield from (os.path.join(directory, name) for name in names)


def distinct(paths: Iterable[str]) -> dict[bytes, str]:
    """Those with a dynamic section, by their hash."""
    found: dict[bytes, str] = {}
    for path in paths:
        if os.path.islink(path) or not os.path.isfile(path) or not os.access(path, os.R_OK):
            continue
        with open(path, "rb") as file:
            head = file.read(18)
            # Behind debugging information (type 3 as well) there is no dynamic section in the file.
            if head[:4] == b"\x7fELF" and head[16] in (2, 3) and not path.endswith(".debug"):
                found.setdefault(hashlib.sha256(head + file.read()).digest(), path)
    return {key: path for key, path in found.items() if is_dynamic(path)}


def is_dynamic(path: str) -> bool:
    content = Path(path).read_bytes()
    return elf.read(window(content)).needed != () or b".dynsym\0" in content


def window(content: bytes) -> Window:
    return Window("x", len(content), lambda count, offset: content[offset : offset + count])


# --------------------------------------------------------------------------------------------------------- the readers


def ours(content: bytes) -> Said:
    found = elf_symbols.read(window(content))
    versions = found.versions.values()
    return Said(
        tuple(row(found, number) for number in range(1, found.count)),
        tuple((name.decode(), flags) for name, file, flags in versions if file is None),
        tuple((file.decode(), name.decode(), flags) for name, file, flags in versions if file is not None),
    )


def row(found: Symbols, number: int) -> Symbol:
    info, other, section, value = found.fields(number)
    return Symbol(named(found, number, section), value, info & 15, info >> 4, other & 3, section)


def named(found: Symbols, number: int, section: int) -> str:
    name = found.name(number).decode()
    index = found.versym[number] if found.versym else 0
    version = found.versions.get(index & VERSION)
    # binutils leave out the version of the symbol that is the version's own name.
    if version is None or version[2] & 1 or version[0].decode() == name:
        return name
    is_default = not index & HIDDEN and section and version[1] is None
    return f"{name}{'@@' if is_default else '@'}{version[0].decode()}"


def readelf(path: str) -> Said:
    text = printed("readelf", "-W", "--dyn-syms", "-V", path)
    head, _, versions = text.partition("\nVersion ")
    rows = (match.groups() for match in map(SYMBOL.fullmatch, head.split("\n")) if match)
    needed, file = [], ""
    for name, flags, of in NEEDED.findall(versions):
        file = of or file
        if name:
            needed.append((file, name, FLAGS[flags]))
    return Said(
        tuple(
            Symbol(name, int(value, 16), TYPES[kind], BINDINGS[binding], VISIBILITIES[visibility], number(section))
            for value, kind, binding, visibility, section, name in rows
        )[1:],
        tuple((name, FLAGS[flags]) for flags, name in DEFINED.findall(versions)),
        tuple(needed),
    )


def number(section: str) -> int:
    return SECTIONS[section] if section in SECTIONS else int(section)


def nm(path: str) -> list[tuple[str, bool]]:
    """Every name with its version, and whether it is undefined; sorted."""
    lines = (line.split() for line in printed("nm", "-D", "--with-symbol-versions", path).splitlines())
    return sorted((words[-1], words[-2] in "Uwv" and len(words) == 2) for words in lines)


def pyelftools(path: str) -> Said:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.enums import ENUM_ST_INFO_BIND, ENUM_ST_INFO_TYPE, ENUM_ST_SHNDX, ENUM_ST_VISIBILITY

    with open(path, "rb") as stream:
        file = ELFFile(stream)
        by_type: dict[str, Any] = {section["sh_type"]: section for section in file.iter_sections()}
        needs = by_type.get("SHT_GNU_verneed")
        defines = by_type.get("SHT_GNU_verdef")
        rows = []
        for symbol in list(by_type["SHT_DYNSYM"].iter_symbols())[1:]:
            info, section = symbol["st_info"], symbol["st_shndx"]
            kind, binding = ENUM_ST_INFO_TYPE.get(info["type"], 10), ENUM_ST_INFO_BIND.get(info["bind"], 10)
            visibility = ENUM_ST_VISIBILITY[symbol["st_other"]["visibility"]]
            place = section if isinstance(section, int) else ENUM_ST_SHNDX[section]
            rows.append(Symbol(symbol.name, symbol["st_value"], kind, binding, visibility, place))
        return Said(
            tuple(rows),
            tuple((next(aux).name, entry["vd_flags"]) for entry, aux in (defines.iter_versions() if defines else ())),
            tuple(
                (entry.name, each.name, each["vna_flags"])
                for entry, auxiliaries in (needs.iter_versions() if needs else ())
                for each in auxiliaries
            ),
        )


def printed(*command: str) -> str:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


# ------------------------------------------------------------------------------------------------------- what they say


def in_order(said: Said) -> Said:
    """Versions by name: one table may be told before the other."""
    return said._replace(defined=tuple(sorted(said.defined)), needed=tuple(sorted(said.needed)))


def unversioned(said: Said) -> Said:
    return said._replace(symbols=tuple(each._replace(name=each.name.partition("@")[0]) for each in said.symbols))


def wanted(path: str) -> list[tuple[str, bool]]:
    """`imports`, as binutils write it, and whether weak; sorted. Nothing that is undefined is hidden in real files."""
    found = elf_symbols.read(window(Path(path).read_bytes())).imports()
    return sorted(
        (f"{name.decode()}{f'@{version.decode()}' if version else ''}", weak) for name, version, _, weak in found
    )


class TestEveryFile:
    """The same number, the same rows, the same versions."""

    @pytest.mark.parametrize("of", ["wheels", "interpreter", "system", "given"])
    @need.tool("readelf")
    def test_readelf(self, of: str) -> None:
        """And nothing undefined is left out of `imports`, which looks no further than where the hash table leads to."""
        differing = []
        for path in corpus(of):
            said = in_order(readelf(path))
            undefined = sorted(
                (each.name, each.binding == 2) for each in said.symbols if not each.section and each.binding
            )
            if (in_order(ours(Path(path).read_bytes())), wanted(path)) != (said, undefined):
                differing.append(path)
        assert differing == []

    @pytest.mark.parametrize("of", ["wrappers", "given"])
    @need.tool("nm")
    def test_nm(self, of: str) -> None:
        told = ((path, ours(Path(path).read_bytes()), nm(path)) for path in corpus(of))
        assert [p for p, one, other in told if sorted((s.name, not s.section) for s in one.symbols) != other] == []

    @pytest.mark.parametrize("of", ["wrappers", "given"])
    @need.module("elftools")
    def test_pyelftools(self, of: str) -> None:
        told = ((path, unversioned(in_order(ours(Path(path).read_bytes()))), pyelftools(path)) for path in corpus(of))
        assert [path for path, one, other in told if one != in_order(other)] == []

    def test_there_are_wheels_and_what_is_rare_is_among_them(self) -> None:
        rows = [row for path in corpus("wheels") for row in ours(Path(path).read_bytes()).symbols]
        rare = ({row.binding for row in rows}, {row.kind for row in rows}, {row.visibility for row in rows})
        assert (len(corpus("wheels")) > 100, rare[0] >= {1, 2, 10}, rare[1] >= {1, 2, 6}, rare[2] >= {0, 3}) == (
            True,
        ) * 4


SOURCE = """
extern int absent(void);
int first(void) { return absent(); }
__thread int local = 1;
__attribute__((visibility("hidden"))) int unseen;
__attribute__((visibility("protected"))) int shielded = 2;
static int (*chosen(void))(void) { return 0; }
__attribute__((ifunc("chosen"))) int chooses(void);
int common;
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("symbols") / "source.c"
    path.write_text(SOURCE)
    return path


@need.tool("gcc", "readelf")
class TestEveryTable:
    """What the file says does not depend on the hash table that leads to it, nor on section headers."""

    def made(self, source: Path, *options: str) -> Path:
        path = source.with_name("lib" + "".join(filter(str.isalnum, "".join(options))) + ".so")
        command = ["gcc", "-shared", "-fPIC", "-fcommon", "-nostdlib", "-o", str(path), str(source), *options]
        subprocess.run(command, check=True)
        return path

    @pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
    def test_each_hash_style(self, source: Path, style: str) -> None:
        path = self.made(source, f"-Wl,--hash-style={style}")
        assert (in_order(ours(path.read_bytes())), wanted(str(path))) == (
            in_order(readelf(str(path))),
            [("absent", False)],
        )

    @pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
    def test_a_library_that_defines_nothing_for_others_still_wants_something(self, source: Path, style: str) -> None:
        script = source.with_name("nothing.map")
        script.write_text("{ local: *; };")
        path = self.made(source, f"-Wl,--hash-style={style}", f"-Wl,--version-script={script}")
        assert wanted(str(path)) == [("absent", False)]

    @pytest.mark.parametrize("style", ["gnu", "sysv"])
    def test_without_section_headers(self, source: Path, style: str) -> None:
        content = self.made(source, f"-Wl,--hash-style={style}").read_bytes()
        e_shoff, rest = slice(40, 48), slice(58, 64)  # gABI, ELF Header, 64 bits; e_shentsize, e_shnum, e_shstrndx
        stripped = bytearray(content)
        stripped[e_shoff], stripped[rest] = bytes(8), bytes(6)
        assert ours(bytes(stripped)) == ours(content)
