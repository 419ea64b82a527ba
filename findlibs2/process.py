"""What is in this process, as its loader and its kernel remember it. Effect: reads /proc/self, maps nothing.

The list is the one that the loader keeps for debuggers (elf/link.h of glibc, "rendezvous structure"; musl keeps the
same one), found as a debugger finds it: auxiliary vector, program headers, DT_DEBUG, r_debug, link_map. All of it is
read through /proc/self/mem, so that an address that another thread is just unmapping is an error and not a crash.
"""

from __future__ import annotations

import os
import struct

from .model import Loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1024  # bytes; divides every page size, so that no piece reaches into an unmapped page
MAX_OBJECTS = 65536
MAX_TEXT = 4096  # bytes; PATH_MAX on Linux
MAX_TAGS = 1024  # entries of one dynamic section
ATTEMPTS = 3  # another thread may be opening or closing libraries

# elf.h; getauxval(3)
AT_PHDR, AT_PHENT, AT_PHNUM = 3, 4, 5
PT_DYNAMIC, PT_PHDR = 2, 6
DT_NULL, DT_STRTAB, DT_SONAME, DT_DEBUG = 0, 5, 14, 21

WORD = struct.calcsize("P")  # bytes; of this process, whatever the kernel is
WORDS = struct.Struct("@PP")  # Elf_Dyn; also one entry of the auxiliary vector
R_DEBUG = struct.Struct("@iP")  # r_version, r_map
LINK_MAP = struct.Struct("@5P")  # l_addr, l_name, l_ld, l_next, l_prev
PROGRAM_HEADER = struct.Struct("@I4xPP32x" if WORD == 8 else "@III20x")  # p_type, p_offset, p_vaddr
ELF_HEADER = struct.Struct(f"@16s8x{WORD}xP{WORD + 8}xH")  # e_ident, e_phoff, e_phnum


class Lost(Exception):
    """What was read is not the list: it changed meanwhile, or there is none."""


class Memory:
    """This process's memory, read in pieces, each once."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.pieces: dict[int, bytes] = {}

    def piece(self, start: int) -> bytes:
        """The piece that starts there."""
        known = self.pieces.get(start)
        if known is not None:
            return known
        try:
            piece = os.pread(self.descriptor, PIECE, start)
        except (OSError, OverflowError) as error:  # EIO: not mapped
            raise Lost from error
        if len(piece) != PIECE:
            raise Lost
        self.pieces[start] = piece
        return piece

    def read(self, address: int, count: int) -> bytes:
        inside = address % PIECE
        found = self.piece(address - inside)[inside : inside + count]
        while len(found) < count:
            found += self.piece(address + len(found))[: count - len(found)]
        return found

    def text(self, address: int) -> str:
        """The NUL-terminated string there."""
        found = b""
        while len(found) < MAX_TEXT:
            inside = address % PIECE
            piece = self.piece(address - inside)
            end = piece.find(b"\0", inside)
            if end >= 0:
                return os.fsdecode(found + piece[inside:end])
            found += piece[inside:]
            address += PIECE - inside
        raise Lost

    def dynamic(self, address: int) -> dict[int, int]:
        """Value of each tag of a dynamic section (of the last one, where a tag is repeated)."""
        words: tuple[int, ...] = ()
        while len(words) < 2 * MAX_TAGS:
            # Not past the piece that holds the next entry: the section may end there, and the mapping too.
            count = -address % PIECE // WORDS.size or 1
            words += struct.unpack(f"@{2 * count}P", self.read(address, count * WORDS.size))
            tags = words[::2]
            if DT_NULL in tags:
                return dict(zip(tags[: tags.index(DT_NULL)], words[1::2], strict=False))
            address += count * WORDS.size
        raise Lost


def loaded() -> tuple[Loaded, ...] | None:
    """Every object of the base namespace, in load order; `Loaded.path` is link_map.l_name, byte for byte.

    None: there is no such list (static interpreter, no /proc, no permission), or it never stood still.
    """
    try:
        descriptor = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, AttributeError):  # AttributeError: not POSIX
        return None
    try:
        return next((found for _ in range(ATTEMPTS) if (found := attempt(descriptor))), None)
    finally:
        os.close(descriptor)


def attempt(descriptor: int) -> tuple[Loaded, ...] | None:
    try:
        return walked(Memory(descriptor))
    except Lost:
        return None


def walked(memory: Memory) -> tuple[Loaded, ...]:
    """The list from its head, which is the program itself."""
    found: list[Loaded] = []
    before, here = 0, head(memory)
    while here:
        base, name, dynamic, after, previous = LINK_MAP.unpack(memory.read(here, LINK_MAP.size))
        # Both links are there: an object that does not point back has been freed, or the list is no list.
        if previous != before or len(found) == MAX_OBJECTS:
            raise Lost
        found.append(Loaded(memory.text(name) if name else "", soname(memory, base, dynamic), base))
        before, here = here, after
    if not found:
        raise Lost
    return tuple(found)


def soname(memory: Memory, base: int, dynamic: int) -> str | None:
    """DT_SONAME of an object that is mapped at `base`; `dynamic` is where its dynamic section is (l_ld)."""
    tags = memory.dynamic(dynamic) if dynamic else {}
    if DT_SONAME not in tags or DT_STRTAB not in tags:
        return None
    strings = tags[DT_STRTAB]
    # glibc writes the relocated address over DT_STRTAB (elf/get-dynamic-info.h, ADJUST_DYN_INFO), unless the section is
    # read-only: vdso, and all objects on MIPS and RISC-V (elf/dl-relocate-ld.h). musl never does. Addresses in the file
    # are smaller than those at which a relocated object lies.
    return memory.text((strings if strings >= base else strings + base) + tags[DT_SONAME])


def head(memory: Memory) -> int:
    """Address of the first link_map."""
    debug = rendezvous(memory, *program_headers()) or rendezvous_of_any(memory)
    if not debug:
        raise Lost
    _version, first = R_DEBUG.unpack(memory.read(debug, R_DEBUG.size))
    return int(first)


def program_headers() -> tuple[int, int]:
    """Address and number of the program's own headers, as the kernel told the loader."""
    told = auxiliary()
    if told.get(AT_PHENT) != PROGRAM_HEADER.size:
        raise Lost
    return told.get(AT_PHDR, 0), told.get(AT_PHNUM, 0)


def segments(memory: Memory, headers: int, count: int) -> Iterator[tuple[int, int, int]]:
    """p_type, p_offset and p_vaddr of each program header."""
    for place in range(headers, headers + count * PROGRAM_HEADER.size, PROGRAM_HEADER.size):
        yield PROGRAM_HEADER.unpack(memory.read(place, PROGRAM_HEADER.size))


def rendezvous(memory: Memory, headers: int, count: int) -> int:
    """DT_DEBUG of the object whose program headers lie there: where r_debug is. 0: it has none, or does not say."""
    base = dynamic = None
    for kind, _offset, address in segments(memory, headers, count):
        # elf/rtld.c: "case PT_PHDR: main_map->l_addr = (ElfW(Addr)) phdr - ph->p_vaddr".
        if kind == PT_PHDR:
            base = headers - address
        elif kind == PT_DYNAMIC:
            dynamic = address
    if base is None or dynamic is None:
        return 0
    return memory.dynamic(base + dynamic).get(DT_DEBUG, 0)


def rendezvous_of_any(memory: Memory) -> int:
    """Where r_debug is, when the kernel started the loader and the loader the program (`ld.so ./python`).

    The kernel then knows only the headers of the loader, which has no DT_DEBUG. Programs have it, libraries do not.
    """
    found = (rendezvous_of_image(memory, start) for start in images())
    return next(filter(None, found), 0)


def rendezvous_of_image(memory: Memory, start: int) -> int:
    """The same of the file whose first byte is mapped there; 0 also: it is no ELF file."""
    try:
        ident, headers, count = ELF_HEADER.unpack(memory.read(start, ELF_HEADER.size))
        return rendezvous(memory, start + headers, count) if ident.startswith(b"\x7fELF") else 0
    except Lost:
        return 0


_auxiliary: dict[int, int] = {}  # what the kernel gave at exec, to a forked child too; empty: not read yet


def auxiliary() -> dict[int, int]:
    """The auxiliary vector as the kernel gave it at exec (proc(5), /proc/pid/auxv); empty: it cannot be read."""
    if not _auxiliary:
        raw = content("/proc/self/auxv")
        whole = len(raw) // WORDS.size * WORDS.size
        _auxiliary.update(WORDS.iter_unpack(raw[:whole]))
    return _auxiliary


def auxiliary_text(address: int) -> str | None:
    """A string that the auxiliary vector points to (AT_PLATFORM, AT_EXECFN); None: there is none."""
    try:
        descriptor = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return Memory(descriptor).text(address) if address else None
    except Lost:
        return None
    finally:
        os.close(descriptor)


def own_number() -> str:
    """This process as /proc calls it, for names that others are to follow: "self" is whoever follows it.

    A debugger opens what the loader's list names. /proc/self/fd/5 is a descriptor of gdb then, may be a pipe, and gdb waits
    for ever (tests/wheels/test_debuggers.py). Not os.getpid(): /proc may belong to another PID namespace, and has another
    number for this process. Without /proc: "self", which leads nowhere either.
    """
    try:
        return os.readlink("/proc/self")
    except OSError:
        return "self"


def content(path: str, most: int = 1 << 30) -> bytes:
    """The bytes of a file whose size nobody tells, as those of /proc; b"": it cannot be read. About `most` at most."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, AttributeError):
        return b""
    try:
        found = b""
        while len(found) < most and (piece := os.read(descriptor, min(most, 1 << 16))):
            found += piece
        return found
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def mappings() -> Iterator[tuple[bytes, bytes, bytes, bytes, bytes]]:
    """Address range, offset, device, inode and path of each file mapping, as proc(5), /proc/pid/maps, writes them."""
    for line in content("/proc/self/maps").split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) == 6 and fields[4] != b"0":
            yield fields[0], fields[2], fields[3], fields[4], fields[5]


def images() -> Iterator[int]:
    """Address of every mapping of the beginning of a file."""
    return (int(reach.partition(b"-")[0], 16) for reach, offset, *_ in mappings() if not int(offset, 16))


def mapped() -> dict[str, frozenset[tuple[int, int]]] | None:
    """Device and inode of every file that is mapped, by the path it has now; None: /proc cannot be read.

    More than one pair: the file was replaced, and the old and the new one are both mapped. Device and inode are the
    kernel's own. They are those of stat(2) on most file systems; on btrfs stat shows another device (one for each
    subvolume), and on overlayfs, until Linux 6.8, the mapping shows device and inode of the layer below. So a pair that
    is found proves that the file is mapped, and one that is not found proves nothing there.
    """
    found: dict[str, frozenset[tuple[int, int]]] = {}
    for device, inode, raw in {(device, inode, raw) for _, _, device, inode, raw in mappings()}:
        major, _, minor = device.partition(b":")
        place = (os.makedev(int(major, 16), int(minor, 16)), int(inode))
        for path in spellings(raw):
            found[path] = found.get(path, frozenset()) | {place}
    return found or None


def spellings(raw: bytes) -> set[str]:
    """The paths that a line of maps may mean: the kernel marks what it changes, and not what looks the same.

    fs/proc/task_mmu.c, show_map_vma: a newline is written as \\012 (and a backslash as itself); fs/d_path.c: a path
    that is gone ends in " (deleted)".
    """
    paths = {raw, raw.replace(b"\\012", b"\n")}
    return {os.fsdecode(path) for path in (*paths, *(path.removesuffix(b" (deleted)") for path in paths))}
