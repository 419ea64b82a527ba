"""A library with code, as gcc makes it, and every field of its headers and of its dynamic section, to be changed.

The library has what real ones have: thread-local data, constructors and destructors, relocations of every kind, jump
slots, versions needed and defined. `touch()` uses all of it.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests import need
from tests.build.elf import DT, E_FIELDS, PT

SOURCE = """
#include <stdio.h>
#include <string.h>
__thread int start = 7;
__thread char room[64];
static int count;
int shared = 3;
int *pointer = &shared;
const char *words[] = {"a", "b"};
static void __attribute__((constructor)) up(void) { count++; }
static void __attribute__((destructor)) down(void) { count--; }
int length(const char *text) { return (int) strlen(text); }
int touch(void) {
    char text[32];
    room[3]++;
    snprintf(text, sizeof text, "%d %d", start, count);
    return length(text) + *pointer + words[1][0] + room[3];
}
"""
VERSIONS = "V1 { global: touch; length; local: *; };"
LAYOUTS = {
    "separate code": ["-Wl,-z,separate-code", "-Wl,--hash-style=gnu", "-Wl,-soname,libmutant.so.1"],
    "one page for code and tables": ["-Wl,-z,noseparate-code", "-Wl,--hash-style=sysv", "-Wl,-z,now"],
    "packed relocations, own versions": [
        "-Wl,-z,pack-relative-relocs", "-Wl,-z,norelro", "-Wl,--hash-style=gnu", "-Wl,--version-script=versions.map",
    ],
}  # fmt: skip
_SIZES = {"H": 2, "I": 4, "Q": 8}
_WORDS = ("p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_align")
_PHDR = (("p_type", "I"), ("p_flags", "I"), *((name, "Q") for name in _WORDS))
_IDENT = ("EI_MAG0", "EI_MAG1", "EI_MAG2", "EI_MAG3", "EI_CLASS", "EI_DATA", "EI_VERSION", "EI_OSABI", "EI_ABIVERSION")


class Field(NamedTuple):
    name: str
    place: int  # byte in the file
    size: int


def compiled(directory: Path, layout: str) -> bytes:
    """The library, stripped, with one of `LAYOUTS`."""
    (directory / "mutant.c").write_text(SOURCE)
    (directory / "versions.map").write_text(VERSIONS)
    command = [need.which("gcc") or "gcc", "-shared", "-fPIC", "-O1", "-s", "-o", "mutant.so", "mutant.c"]
    subprocess.run(command + LAYOUTS[layout], cwd=directory, check=True, capture_output=True)
    return (directory / "mutant.so").read_bytes()


def fields(content: bytes) -> Iterator[Field]:
    """Every field of the file header, the program headers and the dynamic section, named as in the gABI."""
    yield from (Field(name, place, 1) for place, name in enumerate(_IDENT))
    place = 16
    for name, form in zip(E_FIELDS, "HHIQQQIHHHHHH", strict=True):
        yield Field(name, place, _SIZES[form])
        place += _SIZES[form]
    yield from _segments(content)


def _segments(content: bytes) -> Iterator[Field]:
    names = {number: name for name, number in PT.items()}
    e_phoff, e_phnum = struct.unpack_from("<Q", content, 32)[0], struct.unpack_from("<H", content, 56)[0]
    for number in range(e_phnum):
        header = e_phoff + 56 * number
        p_type, _, p_offset = struct.unpack_from("<IIQ", content, header)
        place = header
        for name, form in _PHDR:
            yield Field(f"{names.get(p_type, hex(p_type))}[{number}].{name}", place, _SIZES[form])
            place += _SIZES[form]
        if p_type == PT["PT_DYNAMIC"]:
            yield from _dynamic(content, p_offset)


def _dynamic(content: bytes, offset: int) -> Iterator[Field]:
    names = {number: name for name, number in DT.items()}
    tag = None
    while tag != DT["DT_NULL"]:
        tag = struct.unpack_from("<Q", content, offset)[0]
        name = names.get(tag, hex(tag))
        yield Field(f"{name}.d_tag", offset, 8)
        yield Field(f"{name}.d_val", offset + 8, 8)
        offset += 16


class Mutant(NamedTuple):
    field: str
    byte: int  # of the field
    value: int  # what it is now

    def __str__(self) -> str:
        return f"byte {self.byte} of {self.field} is 0x{self.value:02x}"


def mutants(content: bytes) -> Iterator[tuple[Mutant, bytes]]:
    """One byte changed, in every way that is likely to matter: nothing, all, one less significant, one more, nearby."""
    for field in fields(content):
        for byte in range(field.size):
            place = field.place + byte
            was = content[place]
            for value in sorted({0, 0xFF, was ^ 1, was ^ 0x80, (was + 8) & 0xFF} - {was}):
                yield Mutant(field.name, byte, value), content[:place] + bytes([value]) + content[place + 1 :]
