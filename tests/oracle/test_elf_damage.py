"""What the ELF reader refuses, the loader dies of or refuses itself; what it lets pass, the loader does not die of.

Only addresses, sizes and flags are judged, not what they lead to. Where that decides, the two differ, and the fields for
which they do are named here, with the reason: nothing else may.

SWEEP=1 in the environment tries every mutant (some 4,300 of each layout, half a minute each) instead of every 29th.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from findlibs2 import files, host
from tests import need
from tests.build.elf_damage import DAMAGE, HARMLESS
from tests.oracle import opening
from tests.oracle.elf_mutants import LAYOUTS, Mutant, compiled, fields, mutants

pytestmark = [need.glibc()]

EVERY = 1 if os.environ.get("SWEEP") else 29

# The reader lets pass, and the loader may die: the field, and what would have to be looked at to know.
UNKNOWN = {
    r"DT_(INIT|FINI)\.d_val": "another place in the code",
    r"DT_(INIT|FINI)_ARRAY(SZ)?\.d_val": "words of the file that are no functions",
    r"DT_(SYMTAB|HASH|GNU_HASH|VERSYM|VERNEED|VERDEF|STRTAB)\.d_val": "bytes of the file that are no such table",
    r"DT_(RELA|JMPREL|RELR)\.d_val": "bytes of the file that are no relocations",
    r"(DT_RELASZ|DT_PLTRELSZ|DT_RELRSZ|DT_RELACOUNT)\.d_val": "fewer relocations than the code needs, or others",
    r"DT_\w+\.d_tag": "the end of the section comes early, or a later tag takes the place of an earlier one",
    r"DT_NULL\.d_tag": "one more entry, of a value that is possible",
    r"PT_LOAD\[\d\]\.(p_offset|p_filesz)": "another part of the file, or less of it, than the code needs",
    r"PT_LOAD\[\d\]\.(p_type|p_flags|p_vaddr)": "a part that the code needs is not there, or nobody may read it",
    r"PT_TLS\[\d\]\.p_(type|memsz|align)": "less thread-local memory than the code needs; or more than there is",
    r"e_phnum": "more program headers, made of the bytes behind the last one",
}
# The reader refuses, and this loader does not notice.
UNNOTICED = {
    r"DT_INIT_ARRAYSZ\.d_val": "elf/dl-init.c takes the lower 32 bits of the number of constructors; others take all",
    r"DT_RELACOUNT\.d_val": "the count times 24 overflows to the right number",
    r"PT_TLS\[\d\]\.p_filesz": "more bytes than room are copied, and malloc had given a little more than it was asked for",
    r"PT_LOAD\[\d\]\.p_filesz": "the file ends in the last page of the segment: what is missing reads as zero",
    r"DT_RELA\.d_tag": "nothing is relocated, except what DT_RELR and DT_JMPREL do: it is used with wrong addresses",
}


def outcomes(directory: Path, contents: list[bytes]) -> list[tuple[str, str | None]]:
    """Of each file what the loader does, in one word and its own, and what the reader objects; None: nothing."""
    paths = [directory / f"{number}.so" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    problems = [files.read(str(path)).problem for path in paths]
    said = opening.outcomes(paths)
    return [(one, problem.what if problem else None) for one, problem in zip(said, problems, strict=True)]


def test_the_loader_dies_of_all_damage_that_is_refused(tmp_path: Path) -> None:
    found = outcomes(tmp_path, [damage.content for damage in DAMAGE])
    loads = {damage.name: said == "loads" for damage, (said, _) in zip(DAMAGE, found, strict=True)}
    unseen = {damage.name: True for damage in DAMAGE if host.snapshot().libc_version < damage.since}
    expected = {damage.name: loads[damage.name] if damage.loads is None else damage.loads for damage in DAMAGE}
    assert loads == expected | unseen


def test_the_loader_loads_what_only_looks_wrong(tmp_path: Path) -> None:
    found = outcomes(tmp_path, list(HARMLESS.values()))
    assert dict(zip(HARMLESS, found, strict=True)) == dict.fromkeys(HARMLESS, ("loads", None))


def _explained(mutant: Mutant, reasons: dict[str, str]) -> bool:
    return any(re.fullmatch(pattern, mutant.field) for pattern in reasons)


@need.tool("gcc")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_wrong_byte(layout: str, tmp_path: Path) -> None:
    tried = list(mutants(compiled(tmp_path, layout)))[::EVERY]
    found = outcomes(tmp_path, [content for _, content in tried])
    missed, accused, agreed = [], [], 0
    for (mutant, _), (said, problem) in zip(tried, found, strict=True):
        if said.startswith("dies") and problem is None:
            missed.append((mutant, said))
        elif said == "loads" and problem is not None:
            accused.append((mutant, problem))
        else:
            agreed += 1
    print(f"{len(tried)} mutants, {agreed} alike, {len(missed)} die unseen, {len(accused)} load and are refused")
    assert [(str(mutant), said) for mutant, said in missed if not _explained(mutant, UNKNOWN)] == []
    assert [(str(mutant), problem) for mutant, problem in accused if not _explained(mutant, UNNOTICED)] == []
    assert agreed >= 0.96 * len(tried)


@need.tool("gcc")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_cut_anywhere(layout: str, tmp_path: Path) -> None:
    content = compiled(tmp_path, layout)
    binary = files.read(str(tmp_path / "mutant.so")).binary
    assert binary is not None
    sizes = sorted({*range(0, len(content), 512), binary.loaded_end, binary.loaded_end - 1})
    found = dict(zip(sizes, outcomes(tmp_path, [content[:size] for size in sizes]), strict=True))
    assert {size for size, (_, problem) in found.items() if problem is not None} == {
        size for size in sizes if size < binary.loaded_end
    }
    assert {said for size, (said, _) in found.items() if size >= binary.loaded_end} == {"loads"}


@need.tool("gcc")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_zeros_where_headers_were(layout: str, tmp_path: Path) -> None:
    content = compiled(tmp_path, layout)
    table = [field for field in fields(content) if field.name.startswith("PT_")]
    dynamic = [field for field in fields(content) if field.name.startswith("DT_")]
    regions = [(0, 16), (0, 64), (table[0].place, table[-1].place + 8), (dynamic[0].place, dynamic[-1].place + 8)]
    regions += [(0, 512), (0, 4096), (dynamic[0].place & -512, (dynamic[0].place & -512) + 512)]
    found = outcomes(tmp_path, [content[:start] + bytes(end - start) + content[end:] for start, end in regions])
    assert [(region, said) for region, (said, problem) in zip(regions, found, strict=True) if problem is None] == []
