"""Which libraries of the process everybody can see. Effect: the loader is asked, memory is read, nothing is opened.

No loader tells which of its objects are in the global scope. So it is asked as anybody's library would ask: where a
function is found through the global scope, at the very address at which an object has it, the object is in that scope.
"""

from __future__ import annotations

import os
import struct

from . import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .process import Memory

LANDMARKS = 8  # symbols of a library that are asked for: another library may define some of them as well
MAX_LOOKED_AT = 256  # symbols, to find so many
DT_GNU_HASH, DT_STRTAB, DT_SYMTAB = 0x6FFFFEF5, 5, 6
STB_GLOBAL, STT_OBJECT, STT_FUNC, SHN_LORESERVE = 1, 1, 2, 0xFF00
# gABI, Symbol Table: st_name, st_info, st_other, st_shndx, st_value; with 32 bits st_value comes second
SYMBOL = struct.Struct("@IBBHQ8x" if process.WORD == 8 else "@II4xBBH")
VALUE = 4 if process.WORD == 8 else 1
HASH = struct.Struct("@4xI")  # symoffset: the first symbol that others can find; they are the last of the table


def visible(paths: Iterable[str]) -> frozenset[str] | None:
    """Those that everybody can see, of objects by the path under which the loader knows them (`Loaded.path`).

    None: cannot be told (no /proc). An object without global functions and data of its own is never among them.
    """
    from ctypes import CDLL, c_char_p, c_void_p

    everybody = CDLL(None)
    loaded = process.loaded()
    if loaded is None or not hasattr(everybody, "dlsym"):
        return None
    # Not ctypes' own look-up: it ends the process where a symbol is there and its value is 0 (CPython 3.11), as that of
    # "GLIBC_2.2.5" is.
    dlsym = everybody.dlsym
    dlsym.restype, dlsym.argtypes = c_void_p, (c_void_p, c_char_p)
    bases = {each.path: each.base for each in loaded}
    descriptor = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        memory = process.Memory(descriptor)
        here = [(path, bases[path]) for path in paths if path in bases]
        return frozenset(
            path for path, base in here if is_visible(memory, base, lambda name: dlsym(everybody._handle, name))
        )
    finally:
        os.close(descriptor)


def is_visible(memory: Memory, base: int, look_up: Callable[[bytes], int | None]) -> bool:
    """Whether a symbol of the object mapped at `base` is found, at its address."""
    try:
        return any(look_up(name) == address for name, address in landmarks(memory, base))
    except process.Lost:  # it has no such tables, or somebody unmaps it just now
        return False


def landmarks(memory: Memory, base: int) -> Iterator[tuple[bytes, int]]:
    """A few symbols that the object mapped at `base` defines, and where."""
    _ident, headers, count = process.ELF_HEADER.unpack(memory.read(base, process.ELF_HEADER.size))
    segments = process.segments(memory, base + headers, count)
    dynamic = next((address for kind, _, address in segments if kind == process.PT_DYNAMIC), None)
    tags = memory.dynamic(base + dynamic) if dynamic is not None else {}
    if not tags.keys() >= {DT_GNU_HASH, DT_STRTAB, DT_SYMTAB}:
        raise process.Lost
    # As in process.soname: relocated already, or not yet.
    hashes, strings, symbols = (tags[tag] + base * (tags[tag] < base) for tag in (DT_GNU_HASH, DT_STRTAB, DT_SYMTAB))
    (first,) = HASH.unpack(memory.read(hashes, HASH.size))
    left = LANDMARKS
    for place in range(first, first + MAX_LOOKED_AT):  # what lies behind the table names no symbol that anybody has
        fields = list(SYMBOL.unpack(memory.read(symbols + place * SYMBOL.size, SYMBOL.size)))
        value = fields.pop(VALUE)
        name, info, other, section = fields
        # A weak one (C++ inlines), a unique one, and what a version is called by: another library may have it as well.
        is_own = info >> 4 == STB_GLOBAL and info & 15 in (STT_OBJECT, STT_FUNC) and not other & 3
        if is_own and 0 < section < SHN_LORESERVE:
            yield os.fsencode(memory.text(strings + name)), base + value
            left -= 1
        if not left:
            return
