"""ELF: which symbols the relocations of a file refer to. A loader looks up these, and no others.

Source: System V gABI, chapter 4, Relocation; the numbers of symbols are in r_info. Relative relocations (DT_RELR, and
the number 0 elsewhere) refer to none.
"""

from __future__ import annotations

import struct

from . import elf, elf_image
from .elf_hashes import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .elf_image import Dynamic, Image
    from .window import Window

DT_RELA = 7
# MIPS: what the global part of the GOT holds is looked up without a relocation, and r_info is laid out otherwise there.
OTHERWISE = frozenset({8, 10})
MAX_READ = 1 << 20  # bytes that are decoded at once
MAX_TABLE = 1 << 30  # bytes


def references(window: Window) -> frozenset[int] | None:
    """Numbers of the symbols; None: on this machine others may be referred to as well. Errors: `BadFile`."""
    shape, image, dynamic = elf.dynamic_of(window)
    (machine,) = struct.unpack_from(shape.word[0] + "H", window.first, 18)
    return None if machine in OTHERWISE else read(window, image, dynamic, shape.bits)


def read(window: Window, image: Image, dynamic: Dynamic, bits: int) -> frozenset[int]:
    found: set[int] = set()
    for tag, size, words in tables(dynamic):
        for infos in column(window, image, dynamic, tag, size, words):
            found.update(infos)
    shift = 32 if bits == 64 else 8  # ELF64_R_SYM, ELF32_R_SYM
    return frozenset({info >> shift for info in found} - {0})


def tables(dynamic: Dynamic) -> Iterator[tuple[int, int, int]]:
    """The tag of each table, how many bytes it has, of how many words an entry is: r_offset, r_info, r_addend."""
    last = dynamic.last
    with_addend = 3 if last.get(elf_image.DT_PLTREL) == DT_RELA else 2
    for tag, size_tag, words in (
        (elf_image.DT_RELA, elf_image.DT_RELASZ, 3),
        (elf_image.DT_REL, elf_image.DT_RELSZ, 2),
        (elf_image.DT_JMPREL, elf_image.DT_PLTRELSZ, with_addend),
    ):
        if tag in last and last.get(size_tag, 0):
            yield tag, last[size_tag], words


def column(window: Window, image: Image, dynamic: Dynamic, tag: int, size: int, words: int) -> Iterator[set[int]]:
    """r_info of every entry, piece by piece."""
    place = image.backed(dynamic.last[tag])
    if place is None or size > min(place[1], MAX_TABLE):
        raise dynamic.bad(tag, "lies outside of the file")
    code = dynamic.word[1]
    step = MAX_READ // (words * 8) * words * struct.calcsize("=" + code)
    for start in range(0, size, step):
        raw = window.read(place[0] + start, min(step, size - start), elf_image.TAGS[tag])
        yield set(numbers(raw, dynamic.word[0], code)[1::words])
