"""Which dynamic sections and program headers kill the process that opens the file: by SIGSEGV, or because ld.so aborts.

Only addresses, sizes and flags are judged. The contents of code, relocations, symbols and versions are not looked at.
Each rule names the place in glibc that dies of it; tests/oracle/test_elf_damage.py lets the loader die.
"""

from __future__ import annotations

import struct

from . import elf_image as elf
from .window import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elf_image import Dynamic, Image, Segment, Segments
    from .window import Window

_PAGE = 4096  # bytes
_DF_TEXTREL = 4
MAX_TLS = 1 << 36  # bytes for one thread; no machine has them, and ld.so aborts when it gets none

# What ld.so looks at through an address; the tag that says how many bytes it reads there, or how many at least.
_TABLES = (
    (elf.DT_STRTAB, None, 1), (elf.DT_SYMTAB, None, 16), (elf.DT_GNU_HASH, None, 16), (elf.DT_VERSYM, None, 2),
    (elf.DT_VERNEED, None, 16), (elf.DT_VERDEF, None, 20), (elf.DT_RELA, elf.DT_RELASZ, 0),
    (elf.DT_JMPREL, elf.DT_PLTRELSZ, 0), (elf.DT_RELR, elf.DT_RELRSZ, 0), (elf.DT_INIT_ARRAY, elf.DT_INIT_ARRAYSZ, 0),
    (elf.DT_FINI_ARRAY, elf.DT_FINI_ARRAYSZ, 0), (elf.DT_REL, elf.DT_RELSZ, 0), (elf.DT_HASH, None, 8),
)  # fmt: skip
# Relocations: the table, its length in bytes, the tag of an entry's size, that size in words of the file, and the tag
# that counts how many of the first are relative.
_RELOCATIONS = (
    (elf.DT_RELA, elf.DT_RELASZ, elf.DT_RELAENT, 3, elf.DT_RELACOUNT),
    (elf.DT_REL, elf.DT_RELSZ, elf.DT_RELENT, 2, elf.DT_RELCOUNT),
    (elf.DT_RELR, elf.DT_RELRSZ, elf.DT_RELRENT, 1, None),
)


def judge_dynamic(dynamic: Dynamic, image: Image, machine: int) -> None:
    """`BadFile` where following a tag kills the process."""
    last = dynamic.last
    # elf/dl-lookup.c and elf/dl-version.c take both for granted: D_PTR of a tag that is absent is a null pointer.
    if elf.DT_STRTAB not in last or elf.DT_SYMTAB not in last:
        raise dynamic.bad(elf.DT_STRTAB if elf.DT_STRTAB not in last else elf.DT_SYMTAB, "is missing")
    start, _, end, _, flags = image.regions[-1]  # the first segment: where linkers put what is only read
    for tag, size_tag, size in _TABLES:
        if tag not in last:
            continue
        if size_tag is not None:
            if size_tag not in last:
                _judge_lengthless(dynamic, machine, tag, size_tag)
                continue
            size = last[size_tag]
        address = last[tag]
        if (address < start or address + size > end or not flags) and size and not image.holds(address, size):
            _judge_outside(dynamic, machine, tag, size)
    _judge_versions(dynamic)
    _judge_relocations(dynamic, image, machine)
    _judge_functions(dynamic, image, machine)


def _is_read(dynamic: Dynamic, machine: int, tag: int) -> bool:
    """Does the loader of this machine look at the table?"""
    # elf/dynamic-link.h, ELF_MACHINE_NO_REL; and there, _ELF_DYNAMIC_DO_RELOC: DT_JMPREL if there is a DT_PLTREL.
    # elf/dl-setup_hash.c: DT_HASH if there is no DT_GNU_HASH.
    if tag == elf.DT_REL:
        return machine not in elf.RELA_ONLY
    if tag == elf.DT_JMPREL:
        return elf.DT_PLTREL in dynamic.last
    return tag != elf.DT_HASH or elf.DT_GNU_HASH not in dynamic.last


def _judge_lengthless(dynamic: Dynamic, machine: int, tag: int, size_tag: int) -> None:
    """glibc takes l_info[DT_RELASZ]->d_un.d_val and its like, and does not ask whether they are there."""
    if _is_read(dynamic, machine, tag):
        raise dynamic.bad(tag, f"without {elf.TAGS[size_tag]}")


def _judge_outside(dynamic: Dynamic, machine: int, tag: int, size: int) -> None:
    if _is_read(dynamic, machine, tag):
        address = dynamic.last[tag]
        where = f"from 0x{address:x} to 0x{address + size:x}"
        raise dynamic.bad(tag, f"reaches {where}, where the image has no bytes of the file")


def _judge_versions(dynamic: Dynamic) -> None:
    """The three tables of versions live by each other.

    elf/dl-version.c, _dl_check_map_versions: l_versions is filled from DT_VERNEED and DT_VERDEF, as long as the
    greatest number found there, and l_versyms is taken from DT_VERSYM. elf/dl-machine.h: every relocation looks at
    l_versions[l_versyms[symbol]], if there is a DT_VERSYM.
    """
    last = dynamic.last
    needs, defines = elf.DT_VERNEED in last, elf.DT_VERDEF in last
    if elf.DT_VERSYM not in last:
        if needs or defines:
            raise dynamic.bad(elf.DT_VERNEED if needs else elf.DT_VERDEF, "without DT_VERSYM")
    elif not (needs or defines):
        raise dynamic.bad(elf.DT_VERSYM, "without DT_VERNEED or DT_VERDEF")
    elif not needs and last.get(elf.DT_VERNEEDNUM):  # linkers give the greatest numbers to what is needed
        raise dynamic.bad(elf.DT_VERNEEDNUM, "without DT_VERNEED")


def _judge_relocations(dynamic: Dynamic, image: Image, machine: int) -> None:
    last = dynamic.last
    relocated = False
    for tag, size_tag, entry_tag, words, count_tag in _RELOCATIONS:
        size = last.get(size_tag, 0)
        if (tag in last or size) and _is_read(dynamic, machine, tag):
            _judge_entries(dynamic, tag, size_tag, entry_tag, words * (8 if dynamic.word[1] == "Q" else 4), count_tag)
            relocated = relocated or size > 0
    plt = last.get(elf.DT_PLTREL)
    # elf/get-dynamic-info.h: assert (info[DT_PLTREL]->d_un.d_val == DT_RELA), or also DT_REL where a machine has both.
    if plt is not None and plt != elf.DT_RELA and (plt != elf.DT_REL or machine in elf.RELA_ONLY):
        raise dynamic.bad(elf.DT_PLTREL, f"is {plt}")
    if plt is not None and elf.DT_JMPREL not in last:
        raise dynamic.bad(elf.DT_PLTREL, "without DT_JMPREL")
    if plt is None and last.get(elf.DT_PLTRELSZ):
        raise dynamic.bad(elf.DT_PLTRELSZ, "without DT_PLTREL")
    # Relocations are written to data that is mapped writable, or made so for as long as DT_TEXTREL asks for it.
    if (relocated or plt is not None) and not image.writable and not _text_is_relocated(dynamic):
        raise BadFile("damaged", "there are relocations, but no PT_LOAD that can be written")


def _judge_entries(
    dynamic: Dynamic, tag: int, size_tag: int, entry_tag: int, entry_size: int, count_tag: int | None
) -> None:
    last = dynamic.last
    # elf/dynamic-link.h: without its address the table is passed by, and the library is used without being relocated.
    if tag not in last:
        raise dynamic.bad(size_tag, f"without {elf.TAGS[tag]}")
    # elf/get-dynamic-info.h: assert (info[DT_RELAENT]->d_un.d_val == sizeof (ElfW(Rela))), and so for the others.
    if last.get(entry_tag) != entry_size:
        raise dynamic.bad(entry_tag, f"is {last.get(entry_tag, 'missing')}, not {entry_size}")
    # elf/dl-machine.h, elf_machine_rela_relative: assert that the first so many are relative. Never are all of them.
    if count_tag is not None and last.get(count_tag, 0) > last[size_tag] // entry_size:
        raise dynamic.bad(count_tag, f"is {last[count_tag]}, of {last[size_tag] // entry_size} relocations")


def _text_is_relocated(dynamic: Dynamic) -> bool:
    return elf.DT_TEXTREL in dynamic.last or dynamic.last.get(elf.DT_FLAGS, 0) & _DF_TEXTREL != 0


def _judge_functions(dynamic: Dynamic, image: Image, machine: int) -> None:
    """elf/dl-init.c and elf/dl-fini.c call what DT_INIT and DT_FINI point at."""
    for tag in (elf.DT_INIT, elf.DT_FINI):
        if tag in dynamic.last:
            address = dynamic.last[tag]
            if not image.holds(address, 1):
                raise dynamic.bad(tag, f"points at 0x{address:x}, where the image has no bytes of the file")
            if not image.flags(address) & elf.PF_X and machine not in elf.DESCRIPTORS:
                raise dynamic.bad(tag, f"points at 0x{address:x}, where no code is")


def judge_hash(window: Window, image: Image, dynamic: Dynamic) -> None:
    """The head of DT_GNU_HASH, where it is among the bytes that were read anyway: `BadFile` if ld.so aborts."""
    address = dynamic.last.get(elf.DT_GNU_HASH)
    place = image.backed(address) if address is not None else None
    if address is None or place is None or place[0] + 16 > len(window.first):
        return
    buckets, _, words, _ = struct.unpack_from(dynamic.word[0] + "4I", window.first, place[0])
    # elf/dl-setup_hash.c: assert ((bitmask_nwords & (bitmask_nwords - 1)) == 0)
    if words & (words - 1):
        raise BadFile("damaged", f"DT_GNU_HASH has a filter of {words} words, not a power of 2", place[0] + 8)
    if not image.holds(address, 16 + words * struct.calcsize(dynamic.word) + buckets * 4):
        raise BadFile("damaged", "DT_GNU_HASH is longer than its segment", place[0])


def judge_headers(segments: Segments, image: Image) -> None:
    """`BadFile` where a program header other than PT_LOAD kills the process."""
    last = segments.last
    # elf/dl-load.c walks the program headers once more, through PT_PHDR if there is one.
    if elf.PT_PHDR in last and not image.holds(last[elf.PT_PHDR][3], segments.size):
        raise segments.bad(last[elf.PT_PHDR], f"PT_PHDR at 0x{last[elf.PT_PHDR][3]:x} is not in the image")
    if elf.PT_TLS in last:
        _judge_tls(segments, last[elf.PT_TLS], image)
    if elf.PT_GNU_RELRO in last:
        _, _, _, vaddr, _, _, memsz, _ = relro = last[elf.PT_GNU_RELRO]
        # elf/dl-reloc.c, _dl_protect_relro: only whole pages, rounded down at both ends.
        start, end = vaddr & -_PAGE, (vaddr + memsz) & -_PAGE
        if start < end and not image.protects(start, end):
            raise segments.bad(relro, f"PT_GNU_RELRO covers 0x{start:x} to 0x{end:x}, not only pages of data")
    # elf/get-dynamic-info.h adds the load address in place, in a dynamic section that says it can be written.
    dynamic = last[elf.PT_DYNAMIC]
    if dynamic[1] & elf.PF_W and not image.flags(dynamic[3]) & elf.PF_W:
        raise segments.bad(dynamic, "PT_DYNAMIC is to be written, and lies in a PT_LOAD that cannot be")


def _judge_tls(segments: Segments, tls: Segment, image: Image) -> None:
    """elf/dl-tls.c: memory of p_memsz bytes is taken, when the library is opened or used, and p_filesz copied there."""
    _, _, _, vaddr, _, filesz, memsz, align = tls
    if not memsz:
        return  # elf/dl-load.c: "Nothing to do for an empty segment."
    if filesz > memsz or memsz > MAX_TLS or align > MAX_TLS:
        raise segments.bad(tls, f"PT_TLS has {filesz} bytes in the file, {memsz} in memory, aligned at {align}")
    if filesz and not (image.flags(vaddr) and image.flags(vaddr + filesz - 1)):
        raise segments.bad(tls, f"PT_TLS at 0x{vaddr:x} is not in the image")
