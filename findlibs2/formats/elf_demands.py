"""ELF: what a file demands of the process that opens it, beyond other libraries and their symbols. Cold.

Sources: System V gABI, chapter 5; Ulrich Drepper, "ELF Handling For Thread-Local Storage", for the initial-exec model;
elf/elf.h of glibc for the numbers of relocations.
"""

from __future__ import annotations

import struct

from ..model import Record
from . import elf, elf_image, elf_relocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elf_image import Dynamic, Image
    from .window import Window

DF_STATIC_TLS = 0x10

# What becomes the distance of a variable from the thread's own pointer, which is the same in all threads only for what lies
# in their static area: R_<machine>_TPOFF or _TPREL, by e_machine and word size.
INITIAL_EXEC = {
    (3, 32): frozenset({14, 37}), (20, 32): frozenset({73}), (21, 64): frozenset({73}), (22, 32): frozenset({56}),
    (22, 64): frozenset({56}), (40, 32): frozenset({19}), (42, 32): frozenset({151}), (62, 64): frozenset({18}),
    (62, 32): frozenset({18}), (183, 64): frozenset({1030}), (243, 32): frozenset({10}), (243, 64): frozenset({11}),
    (258, 32): frozenset({10}), (258, 64): frozenset({11}), (0x9026, 64): frozenset({38}),
}  # fmt: skip


class Demands(Record):
    """What one file demands."""

    stack: str | None = None  # PT_GNU_STACK: "rw" or "rwx"; None: no such header
    tls_align: int = 1  # p_align of PT_TLS; 1: no such header, or none said
    # Numbers of the symbols whose variables have to lie in the static area of every thread; 0: of the file's own block.
    # None: it has such, as DF_STATIC_TLS says, and which cannot be told on its machine.
    static_tls: frozenset[int] | None = frozenset()


def read(window: Window) -> Demands:
    """Errors: `BadFile`."""
    shape, segments = elf.segments_of(window)
    _, image, dynamic = elf.dynamic_of(window)
    stack, tls = segments.last.get(elf_image.PT_GNU_STACK), segments.last.get(elf_image.PT_TLS)
    return Demands(
        elf.stack_of(stack) if stack is not None else None,
        (tls[7] or 1) if tls is not None else 1,
        static_tls(window, image, dynamic, shape.bits),
    )


def static_tls(window: Window, image: Image, dynamic: Dynamic, bits: int) -> frozenset[int] | None:
    """As in `Demands`. Linkers set the flag with the first such relocation (bfd, gold, lld), so that only files with it
    are read: a loader maps those of others too, but there are none."""
    if not dynamic.last.get(elf_image.DT_FLAGS, 0) & DF_STATIC_TLS:
        return frozenset()
    (machine,) = struct.unpack_from(dynamic.word[0] + "H", window.first, 18)
    types = INITIAL_EXEC.get((machine, bits))
    if types is None:
        return None
    shift, mask = (32, 0xFFFFFFFF) if bits == 64 else (8, 0xFF)  # ELF64_R_SYM, ELF64_R_TYPE; ELF32_R_SYM, ELF32_R_TYPE
    tables = elf_relocations.tables(dynamic)
    columns = (infos for table in tables for infos in elf_relocations.column(window, image, dynamic, *table))
    return frozenset(info >> shift for infos in columns for info in infos if info & mask in types)
