"""pyelftools and nm read the same symbols and versions from the published wheels. The quicker readelf reads all that is
here: test_readelf.py.

They read the wrappers of the newest counter alone, which have what is rare; ELF_CORPUS=<directory> in the environment
adds another directory.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import need
from tests.oracle import readelf
from tests.oracle.corpus import corpus
from tests.oracle.symbol_rows import Said, Symbol, in_order, ours, wanted

pytestmark = [need.linux()]

# --------------------------------------------------------------------------------------------------------- the readers


def nm(path: str) -> list[tuple[str, bool]]:
    """Every name with its version, and whether it is undefined; sorted.

    Which version is the default readelf tells: what a program has copied out of a library, binutils 2.35 call that.
    """
    lines = (line.split() for line in printed("nm", "-D", "--with-symbol-versions", path).splitlines())
    return sorted((words[-1].replace("@@", "@"), words[-2] in "Uwv" and len(words) == 2) for words in lines)


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


def unversioned(said: Said) -> Said:
    return said._replace(symbols=tuple(each._replace(name=each.name.partition("@")[0]) for each in said.symbols))


def names(said: Said) -> list[tuple[str, bool]]:
    return sorted((each.name.replace("@@", "@"), not each.section) for each in said.symbols)


class TestEveryFile:
    """The same number, the same rows, the same versions."""

    @pytest.mark.parametrize("of", ["wrappers", "given"])
    @need.tool("nm")
    def test_nm(self, of: str) -> None:
        told = ((path, ours(path), nm(path)) for path in corpus(of))
        assert [path for path, one, other in told if names(one) != other] == []

    @pytest.mark.parametrize("of", ["wrappers", "given"])
    @need.module("elftools")
    def test_pyelftools(self, of: str) -> None:
        told = ((path, unversioned(in_order(ours(path))), pyelftools(path)) for path in corpus(of))
        assert [path for path, one, other in told if one != in_order(other)] == []

    def test_there_are_wheels_and_what_is_rare_is_among_them(self) -> None:
        rows = [row for path in corpus("wheels") for row in ours(path).symbols]
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
        ((_, told),) = readelf.symbols([str(path)])
        assert (in_order(ours(str(path))), wanted(str(path))) == (in_order(told), [("absent", False)])

    @pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
    def test_a_library_that_defines_nothing_for_others_still_wants_something(self, source: Path, style: str) -> None:
        script = source.with_name("nothing.map")
        script.write_text("{ local: *; };")
        path = self.made(source, f"-Wl,--hash-style={style}", f"-Wl,--version-script={script}")
        assert wanted(str(path)) == [("absent", False)]

    @pytest.mark.parametrize("style", ["gnu", "sysv"])
    def test_without_section_headers(self, source: Path, style: str) -> None:
        path = self.made(source, f"-Wl,--hash-style={style}")
        before = ours(str(path))
        e_shoff, rest = slice(40, 48), slice(58, 64)  # gABI, ELF Header, 64 bits; e_shentsize, e_shnum, e_shstrndx
        stripped = bytearray(path.read_bytes())
        stripped[e_shoff], stripped[rest] = bytes(8), bytes(6)
        path.write_bytes(stripped)
        assert ours(str(path)) == before
