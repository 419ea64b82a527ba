"""ELF: a shared object that holds nothing but the names of others, so that one `dlopen` of it opens all of them.

One read-write PT_LOAD, which covers the file; an empty hash table, the null symbol, the dynamic section, the strings. No
code, no relocations, nothing executable: it loads from where nothing may be executed. Sources: System V gABI, chapters 4
and 5; what glibc asks of an object besides stands at the line that gives it.
"""

from __future__ import annotations

import struct
from os import fsencode

from . import elf_image as elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DT_STRSZ, DT_SYMENT = 10, 11
ET_DYN, PF_RW = 3, 6
# elf/dl-load.c: "ELF load command alignment not page-aligned". What may run with pages of 64 KiB gets that.
PAGES = {"x86_64": 0x1000, "i686": 0x1000, "s390": 0x1000, "s390x": 0x1000}
LARGEST_PAGE = 0x10000

# glibc sysdeps/mips/dl-machine.h, elf_machine_got_rel, reads DT_PLTGOT and DT_MIPS_LOCAL_GOTNO of every object, without
# looking whether they are there: the process would die of one that has none.
FATAL_MACHINES = frozenset({"mips", "mipsel", "mips64", "mips64el"})

# ld.so(8), Dynamic string tokens. What must follow one differs between versions of glibc (elf/dl-load.c, is_dst).
TOKENS = ("ORIGIN", "LIB", "PLATFORM")

# No e_flags that a loader would compare; on others (RISC-V, LoongArch) an object has to say the process's own.
FLAGLESS = frozenset({"x86_64", "i686", "aarch64", "s390x"})
E_FLAGS = {64: 48, 32: 36}  # gABI, ELF Header: the byte where e_flags is


class Layout:
    """How the records look with one word size and byte order."""

    def __init__(self, bits: int, byteorder: str) -> None:
        order = "<" if byteorder == "little" else ">"
        wide = bits == 64
        word = "Q" if wide else "I"
        self.pack: Callable[..., bytes] = lambda form, *values: struct.pack(order + form.replace("A", word), *values)
        self.wide = wide
        self.ident = bytes([0x7F, 0x45, 0x4C, 0x46, bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
        self.header, self.segment, self.symbol, self.dynamic = (64, 56, 24, 16) if wide else (52, 32, 16, 8)

    def file_header(self, machine: int, flags: int) -> bytes:
        """Of a shared object with three program headers right behind it, and no sections."""
        fields = (ET_DYN, machine, 1, 0, self.header, 0, flags, self.header, self.segment, 3, 0, 0, 0)
        return self.ident + self.pack("HHIAAAI6H", *fields)

    def empty_hash(self) -> bytes:
        # DT_GNU_HASH: nbuckets, symoffset, bloom_size, bloom_shift, bloom[1], buckets[1]. Every look-up ends at the bloom.
        # musl crashes where there is no hash table; with DT_HASH, glibc would compute a second hash for every look-up.
        return self.pack("4IA2I", 1, 1, 1, 0, 0, 0, 0)

    def program_header(self, kind: int, offset: int, size: int, align: int) -> bytes:
        """Read and write, mapped where it is in the file."""
        if self.wide:  # gABI, Program Header: p_flags has another place there
            return self.pack("II6A", kind, PF_RW, offset, offset, offset, size, size, align)
        return self.pack("8I", kind, offset, offset, offset, size, size, PF_RW, align)


def generate(
    machine: str,
    bits: int,
    byteorder: str,
    needed: Sequence[str],
    soname: str | None = None,
    runpath: str | None = None,
    rpath: str | None = None,
    flags: int = 0,
) -> bytes:
    """The bytes of a shared object that needs these libraries, in this order.

    `machine`, `bits` and `byteorder` are spelled as in `Binary`. `flags` is e_flags: where it tells one calling
    convention from another (ARM, RISC-V, LoongArch), the loader refuses an object that does not say the process's own.
    Texts become the bytes that the file system has for them. A loader may take a part of a name for a token: ask
    `has_token` first. Errors: `ValueError`, for a machine without a number and for a text that no table can hold.
    """
    layout = Layout(bits, byteorder)
    named = ((elf.DT_SONAME, soname), (elf.DT_RPATH, rpath), (elf.DT_RUNPATH, runpath))
    strings = [*((elf.DT_NEEDED, name) for name in needed), *((tag, text) for tag, text in named if text is not None)]
    table, values = string_table([text for _, text in strings])
    hashes = layout.empty_hash()
    hash_at = layout.header + 3 * layout.segment
    symbols_at = hash_at + len(hashes)
    dynamic_at = symbols_at + layout.symbol
    strings_at = dynamic_at + (dynamic_size := (len(strings) + 6) * layout.dynamic)
    tags = [(tag, value) for (tag, _), value in zip(strings, values, strict=True)]
    tags += [(elf.DT_GNU_HASH, hash_at), (elf.DT_SYMTAB, symbols_at), (DT_SYMENT, layout.symbol)]
    tags += [(elf.DT_STRTAB, strings_at), (DT_STRSZ, len(table)), (elf.DT_NULL, 0)]
    parts = (
        layout.file_header(number(machine, bits, byteorder), flags),
        layout.program_header(elf.PT_LOAD, 0, strings_at + len(table), PAGES.get(machine, LARGEST_PAGE)),
        layout.program_header(elf.PT_DYNAMIC, dynamic_at, dynamic_size, layout.dynamic // 2),
        layout.program_header(elf.PT_GNU_STACK, 0, 0, 16),  # without it glibc makes the stacks executable, or refuses
        hashes,
        bytes(layout.symbol),
        *(layout.pack("2A", tag, value) for tag, value in tags),
        table,
    )
    return b"".join(parts)


def string_table(texts: Sequence[str]) -> tuple[bytes, list[int]]:
    """The table, and where each text is in it. Errors: `ValueError` for an empty text, and for one with a NUL in it."""
    table, places = [b""], []
    end = 1
    for text in texts:
        raw = fsencode(text)
        if not raw or b"\0" in raw:
            raise ValueError(f"no name for a library, or no path list: {text!r}")
        places.append(end)
        table.append(raw)
        end += len(raw) + 1
    return b"\0".join(table) + b"\0", places


def number(machine: str, bits: int, byteorder: str) -> int:
    """e_machine. Errors: `ValueError` where no number is spelled so with this word size and byte order."""
    if machine.startswith("em-") and machine[3:].isdecimal():
        return int(machine[3:])
    for known in elf.MACHINES:
        if elf.machine(known, bits, byteorder) == machine:
            return known
    raise ValueError(f"{machine} has no number in ELF with {bits} bits, {byteorder}-endian")


def e_flags(head: bytes, byteorder: str) -> int:
    """e_flags of a file that begins like this; 0: that is no ELF file."""
    place = E_FLAGS.get(head[4] * 32, 0) if head[:4] == b"\x7fELF" and len(head) > 4 else 0
    raw = head[place : place + 4] if place else b""
    return int.from_bytes(raw, "little" if byteorder == "little" else "big") if len(raw) == 4 else 0


def has_token(name: str) -> bool:
    """Whether glibc might expand a part of the name: then it would not open the file that the name means."""
    parts = name.split("$")[1:] if "$" in name else ()
    return any(part.removeprefix("{").startswith(TOKENS) for part in parts)
