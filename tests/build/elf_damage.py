"""Every kind of damage for which the ELF reader refuses a file: how to write such a file, and what the refusal says.

The unit tests ask the reader, the oracle asks the loader; each kind is one file, right but for what the name says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from tests.build.elf import PAGE, Segment, library

FAR = 0x10_0000  # an address, or a length, far outside of a file of one page


class Damage(NamedTuple):
    name: str
    says: str  # the start of the reader's words
    content: bytes
    loads: bool | None = False  # True: the loader of this machine does not notice, for a reason that stands beside it
    since: tuple[int, ...] = ()  # first glibc that notices it

    def unused(self) -> Damage:
        """The same, where nothing uses what is damaged."""
        return self._replace(loads=True)


def _over(name: str, says: str, **overrides: int | None) -> Damage:
    """A good library but for some fields; "__" stands for the dot."""
    wrong = {field.replace("__", "."): value for field, value in overrides.items()}
    return Damage(name, says, library("libx.so", ["libc.so.6"], overrides=wrong))


def _tags(name: str, says: str, **tags: int) -> Damage:
    """A good library with more tags, which are not."""
    return Damage(name, says, library("libx.so", ["libc.so.6"], tags=list(tags.items())))


def _segments(name: str, says: str, *segments: Segment, **overrides: int | None) -> Damage:
    """A good library with more program headers, which are not."""
    wrong = {field.replace("__", "."): value for field, value in overrides.items()}
    return Damage(name, says, library("libx.so", flags=16, segments=segments, overrides=wrong))


def _patched(name: str, says: str, at: Callable[[bytes], int], value: bytes) -> Damage:
    content = library("libx.so")
    place = at(content)
    return Damage(name, says, content[:place] + value + content[place + len(value) :])


def _hash(content: bytes) -> int:
    """Where the head of the GNU hash table is: nbuckets 1, symoffset 1, one word of filter, shift 6."""
    return content.index(struct.pack("<4I", 1, 1, 1, 6))


def _endless() -> bytes:
    """A dynamic section that fills its page to the last byte, without DT_NULL."""
    wrong = {"DT_NULL": None}
    entries = (PAGE - len(library("libx.so", overrides=wrong))) // 16
    return library("libx.so", tags=[("DT_DEBUG", 0)] * entries, overrides=wrong)


def _out_of_order() -> bytes:
    """The segment that holds everything is the second one, and lies below the first."""
    others = (Segment("PT_LOAD", 4, 0, FAR, 16, 16, PAGE), Segment("PT_LOAD", 4, 0, FAR + PAGE, 16, 16, PAGE))
    content = library("libx.so", stack=None, segments=others)
    first, dynamic, second, third = (content[place : place + 56] for place in range(64, 64 + 4 * 56, 56))
    return content[:64] + second + dynamic + first + third + content[64 + 4 * 56 :]


FILE_HEADER = (
    _over("an unknown word size", "EI_CLASS is 9 and EI_DATA is 1", EI_CLASS=9),
    _over("an unknown byte order", "EI_CLASS is 2 and EI_DATA is 0", EI_DATA=0),
    _over("another version of ELF", "EI_VERSION is 7", EI_VERSION=7),
    _over("another version of the header", "e_version is 0", e_version=0),
    _over("program headers of another size", "e_phentsize is 32", e_phentsize=32),
    _over("program headers behind the file", "the program header table ends at byte", e_phoff=FAR),
    _over("more program headers than fit", "the program header table ends at byte", e_phnum=0xFFFF),
    _over("no program headers", "no PT_LOAD", e_phnum=0),
    _over("zeroed program headers", "no PT_LOAD", PT_LOAD__p_type=0, PT_DYNAMIC__p_type=0),
)
SEGMENTS = (
    _over("a segment behind the file", "PT_LOAD at 0x0 needs the file", PT_LOAD__p_filesz=FAR + 8,
          PT_LOAD__p_memsz=FAR + 16),
    # No page of it is missing: the bytes that are gone read as zero, and what they were is not asked here.
    Damage("a segment that ends behind the file, in its last page", "PT_LOAD at 0x0 needs the file",
           library("libx.so")[:-1], loads=True),
    _over("a segment at another place in its page", "PT_LOAD at 0x0 lies at byte 16", PT_LOAD__p_offset=16,
          PT_LOAD__p_filesz=64),
    _segments("a segment behind the last one", "PT_LOAD reaches from 0x4000 to 0x4010, outside of the image, 0x0 to",
              Segment("PT_LOAD", 4, 0, PAGE * 4, 16, 16, PAGE), Segment("PT_LOAD", 4, 0, PAGE, 16, 16, PAGE)),
    # The kernel is asked for the addresses that the file names, and page 0 is given to the superuser only.
    Damage("a segment before the first one", "PT_LOAD reaches from 0x0 to", _out_of_order(), loads=None),
    Damage("a segment with more bytes in the file than in memory", "PT_LOAD reaches from 0x0 to",
           library("n" * 2 * PAGE, overrides={"PT_LOAD.p_memsz": 16})),
    _segments("zeros in a page behind the file", "PT_LOAD at 0x100010 starts at byte",
              Segment("PT_LOAD", 6, FAR + 16, FAR + 16, 0, 16, PAGE)),
)  # fmt: skip
OTHER_SEGMENTS = (
    _over("no dynamic section", "no dynamic section", PT_DYNAMIC=None),
    _over("an empty dynamic section", "no dynamic section", PT_DYNAMIC__p_filesz=0),
    _over("a dynamic section outside", "PT_DYNAMIC at 0x100000 lies outside", PT_DYNAMIC__p_vaddr=FAR),
    _over("a dynamic section that cannot be written", "PT_DYNAMIC is to be written", PT_LOAD__p_flags=4),
    _segments("program headers outside", "PT_PHDR at 0x100000", Segment("PT_PHDR", 4, 64, FAR, 280, 280))
    ._replace(since=(2, 35)),  # elf/dl-find_object.c; before, the first exception that is thrown would have
    # Nobody uses it here. Elsewhere somebody does: tests/oracle/test_elf_damage.py, on a library with code.
    _segments("thread-local bytes outside", "PT_TLS at 0x100000", Segment("PT_TLS", 4, 0, FAR, 8, 8, 8)).unused(),
    _segments("more thread-local memory than there is", "PT_TLS has 0 bytes in the file, 35184372088832",
              Segment("PT_TLS", 4, 0, 0, 0, 1 << 45, 8)).unused(),
    _segments("more thread-local bytes than memory", "PT_TLS has 256 bytes in the file, 8 in memory",
              Segment("PT_TLS", 4, 0, 0, 256, 8, 8)).unused(),
    _segments("read-only pages outside", "PT_GNU_RELRO covers", Segment("PT_GNU_RELRO", 4, 0, FAR, 0, PAGE)),
)  # fmt: skip
TABLES = (
    Damage("a dynamic section without end", "PT_DYNAMIC has no end", _endless()),
    _over("no string table", "DT_STRTAB is missing", DT_STRTAB=None),
    _over("no symbol table", "DT_SYMTAB is missing", DT_SYMTAB=None),
    _over("strings outside", "DT_STRTAB reaches", DT_STRTAB=FAR),
    _over("symbols outside", "DT_SYMTAB reaches", DT_SYMTAB=FAR).unused(),
    _over("a GNU hash table outside", "DT_GNU_HASH reaches", DT_GNU_HASH=FAR),
    Damage("a hash table outside", "DT_HASH reaches", library(hash_style="sysv", overrides={"DT_HASH": FAR})),
    _patched("a filter of three words", "DT_GNU_HASH has a filter of 3 words", lambda raw: _hash(raw) + 8, b"\3"),
    _patched("a filter longer than the file", "DT_GNU_HASH is longer", lambda raw: _hash(raw) + 8, b"\0\0\0\x40"),
    _over("a needed name outside", "DT_NEEDED names a string at 1048576", DT_NEEDED=FAR),
    _over("a name outside", "DT_SONAME names a string at 1048576", DT_SONAME=FAR),
    _tags("versions outside", "DT_VERSYM reaches", DT_VERSYM=FAR, DT_VERNEED=0),
    _tags("needed versions outside", "DT_VERNEED reaches", DT_VERSYM=0, DT_VERNEED=FAR),
    _tags("defined versions outside", "DT_VERDEF reaches", DT_VERSYM=0, DT_VERDEF=FAR),
    _tags("needed versions without DT_VERSYM", "DT_VERNEED without DT_VERSYM", DT_VERNEED=0),
    _tags("defined versions without DT_VERSYM", "DT_VERDEF without DT_VERSYM", DT_VERDEF=0),
)  # fmt: skip
RELOCATIONS = (
    _tags("relocations outside", "DT_RELA reaches", DT_RELA=FAR, DT_RELASZ=24, DT_RELAENT=24),
    _tags("relocations longer than the file", "DT_RELA reaches", DT_RELA=8, DT_RELASZ=FAR * 24, DT_RELAENT=24),
    _tags("relocations without a length", "DT_RELA without DT_RELASZ", DT_RELA=8, DT_RELAENT=24),
    _tags("relocations of another size", "DT_RELAENT is 16, not 24", DT_RELA=0, DT_RELASZ=0, DT_RELAENT=16),
    _tags("relocations of no size", "DT_RELAENT is missing, not 24", DT_RELA=0, DT_RELASZ=0),
    _tags("packed relocations outside", "DT_RELR reaches", DT_RELR=FAR, DT_RELRSZ=8, DT_RELRENT=8)
    ._replace(since=(2, 36)),  # NEWS of 2.36: "Support for DT_RELR relative relocation format has been added"
    _tags("packed relocations of another size", "DT_RELRENT is 4, not 8", DT_RELR=0, DT_RELRSZ=0, DT_RELRENT=4)
    ._replace(since=(2, 36)),
    _tags("more relative relocations than relocations", "DT_RELACOUNT is 9, of 1 relocations", DT_RELA=8, DT_RELASZ=24,
          DT_RELAENT=24, DT_RELACOUNT=9),
    _tags("jump slots outside", "DT_JMPREL reaches", DT_PLTREL=7, DT_JMPREL=FAR, DT_PLTRELSZ=24),
    _tags("jump slots of an unknown kind", "DT_PLTREL is 5", DT_PLTREL=5, DT_JMPREL=0, DT_PLTRELSZ=0),
    _tags("jump slots without a table", "DT_PLTREL without DT_JMPREL", DT_PLTREL=7, DT_PLTRELSZ=24),
    _tags("jump slots without a length", "DT_JMPREL without DT_PLTRELSZ", DT_PLTREL=7, DT_JMPREL=0),
    Damage("relocations, and nothing that can be written", "there are relocations, but no PT_LOAD that can be written",
           library(tags=[("DT_RELA", 8), ("DT_RELASZ", 24), ("DT_RELAENT", 24)],
                   overrides={"PT_LOAD.p_flags": 4, "PT_DYNAMIC.p_flags": 4})),
    # Here nothing needs to be relocated. Elsewhere it does: tests/oracle/test_elf_damage.py, on a library with code.
    _tags("a length without relocations", "DT_RELASZ without DT_RELA", DT_RELASZ=24, DT_RELAENT=24).unused(),
    _tags("a length without jump slots", "DT_PLTRELSZ without DT_PLTREL", DT_JMPREL=0, DT_PLTRELSZ=24).unused(),
    _tags("versions of nothing", "DT_VERSYM without DT_VERNEED or DT_VERDEF", DT_VERSYM=0).unused(),
    _tags("needed versions that are gone", "DT_VERNEEDNUM without DT_VERNEED", DT_VERSYM=0, DT_VERNEEDNUM=1,
          DT_VERDEF=0),
)  # fmt: skip
FUNCTIONS = (
    _tags("a first function outside", "DT_INIT points at 0x100000, where the image has no bytes", DT_INIT=FAR),
    _tags("a last function outside", "DT_FINI points at 0x100000, where the image has no bytes", DT_FINI=FAR),
    _tags("a first function in data", "DT_INIT points at 0x40, where no code is", DT_INIT=64),
    _tags("a last function in data", "DT_FINI points at 0x40, where no code is", DT_FINI=64),
    _tags("constructors outside", "DT_INIT_ARRAY reaches", DT_INIT_ARRAY=FAR, DT_INIT_ARRAYSZ=8),
    _tags("constructors without a length", "DT_INIT_ARRAY without DT_INIT_ARRAYSZ", DT_INIT_ARRAY=0),
    _tags("destructors outside", "DT_FINI_ARRAY reaches", DT_FINI_ARRAY=FAR, DT_FINI_ARRAYSZ=8),
    _tags("destructors without a length", "DT_FINI_ARRAY without DT_FINI_ARRAYSZ", DT_FINI_ARRAY=0),
)
DAMAGE = (*FILE_HEADER, *SEGMENTS, *OTHER_SEGMENTS, *TABLES, *RELOCATIONS, *FUNCTIONS)

# What looks wrong and is not: no loader looks at it, so nothing of it may be refused.
HARMLESS = {
    "e_ehsize": library(overrides={"e_ehsize": 0}),
    "e_entry": library(overrides={"e_entry": FAR}),
    "section headers outside": library(overrides={"e_shoff": FAR, "e_shnum": 0xFFFF}),
    "DT_STRSZ too small": library("libx.so", ["libc.so.6"], overrides={"DT_STRSZ": 1}),
    "no DT_STRSZ": library("libx.so", ["libc.so.6"], overrides={"DT_STRSZ": None}),
    "DT_SYMENT": library(overrides={"DT_SYMENT": 7}),
    "the place of PT_DYNAMIC in the file": library(overrides={"PT_DYNAMIC.p_offset": FAR}),
    "the length of PT_DYNAMIC": library(overrides={"PT_DYNAMIC.p_filesz": 1, "PT_DYNAMIC.p_memsz": 1}),
    "PT_INTERP outside": library(interpreter="/ld.so", overrides={"PT_INTERP.p_offset": FAR}),
    "an unknown program header": library(segments=[Segment("PT_NOTE", 0, FAR, FAR, FAR, FAR, 3)]),
    "an unused hash table outside": library(hash_style="both", overrides={"DT_HASH": FAR}),
    "DT_REL where only DT_RELA is read": library(tags=[("DT_REL", FAR), ("DT_RELSZ", 8)]),
    "DT_JMPREL without DT_PLTREL": library(tags=[("DT_JMPREL", FAR)]),
    "empty tables anywhere": library(tags=[("DT_RELA", FAR), ("DT_RELASZ", 0), ("DT_RELAENT", 24)]),
    "empty thread-local memory anywhere": library(segments=[Segment("PT_TLS", 4, 0, FAR, 8, 0, 8)]),
    "more bytes in the file than in memory, in the same page": library(overrides={"PT_LOAD.p_memsz": 16}),
    "an empty segment behind the file": library(segments=[Segment("PT_LOAD", 6, 4 * PAGE, 4 * PAGE, 0, 16, PAGE)]),
    "segments in any order": library(segments=[Segment("PT_LOAD", 4, 0, 4 * PAGE, 16, 16, PAGE),
                                                Segment("PT_LOAD", 4, 0, PAGE, 16, 6 * PAGE, PAGE)]),
    "a hole between segments": library(segments=[Segment("PT_LOAD", 4, 0, 9 * PAGE, 16, 16, PAGE)]),
}  # fmt: skip
