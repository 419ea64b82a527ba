"""pyelftools reads the same facts from every ELF file of this machine's library directories, and of the wheels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from findlibs2 import files
from findlibs2.model import Binary, Needed
from tests import need

pytestmark = [need.linux(), need.module("elftools")]

ROOTS = ("/usr/lib", "/lib", "/usr/local/lib", *filter(None, [os.environ.get("ELF_CORPUS")]))
MOST = 400  # files; ELF_CORPUS=<directory> in the environment adds one, and then all of its files are read

KINDS = {"ET_REL": "relocatable", "ET_EXEC": "executable", "ET_DYN": "shared", "ET_CORE": "core"}
MACHINES = {
    "EM_X86_64": "x86_64", "EM_386": "i686", "EM_AARCH64": "aarch64", "EM_ARM": "arm", "EM_S390": "s390x",
    "EM_PPC64": "ppc64le", "EM_RISCV": "riscv64", "EM_PPC": "ppc", "EM_LOONGARCH": "loongarch64",
}  # fmt: skip


def corpus() -> Iterator[str]:
    """Files that are ELF by their first bytes, each once; libraries and the programs that lie between them."""
    seen = set()
    for root in ROOTS:
        count = 0
        for directory, _, names in os.walk(root):
            for name in sorted(names):
                path = Path(directory, name)
                if ".so" not in name or path.is_symlink() or (count == MOST and root != os.environ.get("ELF_CORPUS")):
                    continue
                with path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    if file.read(4) == b"\x7fELF" and (status.st_dev, status.st_ino) not in seen:
                        seen.add((status.st_dev, status.st_ino))
                        count += 1
                        yield str(path)


def theirs(path: str) -> Binary:
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    with open(path, "rb") as file:
        elf = ELFFile(file)
        segments = list(elf.iter_segments())
        by_type: dict[str, Any] = {segment["p_type"]: segment for segment in segments}
        tags: list[Any] = [
            tag for segment in segments if isinstance(segment, DynamicSegment) for tag in segment.iter_tags()
        ]
        texts: dict[str, Any] = {tag.entry.d_tag: tag for tag in tags}  # a later one counts
        stack, tls, interp = (by_type.get(name) for name in ("PT_GNU_STACK", "PT_TLS", "PT_INTERP"))
        section_end = elf["e_shoff"] + max(elf["e_shnum"], 1) * elf["e_shentsize"] if elf["e_shoff"] else 0
        return Binary(
            path=path,
            format="elf",
            machine=MACHINES[elf["e_machine"]],
            bits=elf.elfclass,
            byteorder="little" if elf.little_endian else "big",
            kind=KINDS[elf["e_type"]],
            name=texts["DT_SONAME"].soname if "DT_SONAME" in texts else None,
            needed=tuple(Needed(tag.needed) for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
            rpath=texts["DT_RPATH"].rpath if "DT_RPATH" in texts else None,
            runpath=texts["DT_RUNPATH"].runpath if "DT_RUNPATH" in texts else None,
            flags=_flags({name: tag.entry.d_val for name, tag in texts.items()}),
            interpreter=interp.get_interp_name() if interp is not None else None,
            stack=None if stack is None else "rwx" if stack["p_flags"] & 1 else "rw",
            tls_size=tls["p_memsz"] if tls is not None else 0,
            loaded_end=max((s["p_offset"] + s["p_filesz"] for s in segments if s["p_type"] == "PT_LOAD"), default=0),
            missing_tail=max(0, section_end - os.path.getsize(path)),
        )


def _flags(values: dict[str, int]) -> frozenset[str]:
    from elftools.elf.enums import ENUM_DT_FLAGS, ENUM_DT_FLAGS_1

    names = {name for name in ("SYMBOLIC", "TEXTREL", "BIND_NOW") if f"DT_{name}" in values}
    for tag, enum in (("DT_FLAGS", ENUM_DT_FLAGS), ("DT_FLAGS_1", ENUM_DT_FLAGS_1)):
        bits = {name: bit for name, bit in enum.items() if isinstance(bit, int)}
        names |= {
            name.removeprefix("DF_1_").removeprefix("DF_") for name, bit in bits.items() if values.get(tag, 0) & bit
        }
    return frozenset(names)


def test_every_fact_of_every_library() -> None:
    paths = list(corpus())
    if not paths:
        pytest.skip("missing here: ELF files")
    ours = {path: files.read(path) for path in paths}
    assert {path: found.problem for path, found in ours.items() if found.problem} == {}
    assert [path for path, found in ours.items() if found.binary != theirs(path)] == []
    print(f"{len(paths)} files")
