"""ELF: the two hash tables of a file, through which a loader finds a symbol by its name; and what they tell of its count.

Sources: System V gABI, chapter 5, Hash Table; DT_GNU_HASH as glibc reads it (elf/dl-lookup.c, do_lookup_x;
elf/dl-setup_hash.c). The filter of DT_GNU_HASH is passed by: it saves a loader time, and never says no to what is there.
"""

from __future__ import annotations

import struct

from . import elf_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from .elf_image import Dynamic, Image
    from .window import Window

    Numbers: TypeAlias = Sequence[int]

MAX_SYMBOLS = 1 << 23  # the largest known library has half a million
MAX_CHAIN = 1 << 14  # steps of one look-up; linkers make chains of some few, and ld.so would be as slow as we are
NATIVE = "<" if memoryview(b"\1\0").cast("H")[0] == 1 else ">"
MANY = 4096  # bytes of names that are hashed at once
START = b"\4\x1f\2"  # three bytes that lead from 0 to 5381: 4 * 33 * 33 + 31 * 33 + 2
# glibc bits/elfclass.h: there Elf_Symndx, an entry of DT_HASH, has 64 bits in a file of 64 bits: s390x, Alpha.
WIDE_HASH = frozenset({22, 0x9026})


class Hashes:
    """A hash table: which symbols it leads to."""

    def __init__(self, count: int, first: int, buckets: Numbers, chains: Numbers, is_gnu: bool) -> None:
        self.count = count  # of symbols, as far as the table tells
        self.first = first  # the first symbol that it leads to
        self.buckets, self.chains, self.is_gnu = buckets, chains, is_gnu

    @property
    def counts_all(self) -> bool:
        """Does `count` count what the file wants, too? DT_GNU_HASH that leads to nothing may say anything of the rest."""
        return bool(self.chains)

    def find(self, names: Iterable[bytes], hashes: Mapping[bytes, int]) -> list[tuple[bytes, int]]:
        """Numbers of the symbols that may have one of the names, as they stand in the chains; `hashes`: their `gnu_hash`."""
        if not self.buckets:
            return []
        if self.is_gnu:
            return self.by_gnu_hash(names, hashes)
        return [(name, number) for name in names for number in self.by_sysv_hash(name)]

    def by_gnu_hash(self, names: Iterable[bytes], hashes: Mapping[bytes, int]) -> list[tuple[bytes, int]]:
        buckets, chains, first, count = self.buckets, self.chains, self.first, len(self.buckets)
        found = []
        for name in names:
            hashed = hashes[name]
            head = buckets[hashed % count] - first
            if head >= 0:
                for place in range(head, head + MAX_CHAIN):  # the last chain ends with the table: `chained`
                    one = chains[place]
                    if one ^ hashed < 2:  # the lowest bit ends a chain, and is of no hash
                        found.append((name, place + first))
                    if one & 1:
                        break
        return found

    def by_sysv_hash(self, name: bytes) -> Iterator[int]:
        number = self.buckets[sysv_hash(name) % len(self.buckets)]
        for _ in range(min(len(self.chains), MAX_CHAIN)):  # a chain may be a ring
            if not 0 < number < len(self.chains):
                return
            yield number
            number = self.chains[number]


def numbers(raw: bytes | memoryview, order: str, code: str) -> Numbers:
    """The bytes as numbers, without a copy where this machine has the same byte order."""
    size = struct.calcsize("=" + code)
    whole = len(raw) - len(raw) % size
    if order == NATIVE:
        native: Numbers = memoryview(raw)[:whole].cast(code)  # type: ignore[call-overload]
        return native
    return struct.unpack(f"{order}{whole // size}{code}", raw[:whole])


def listed(some: Numbers) -> Sequence[int]:
    """The same, quicker to go through."""
    return some.tolist() if isinstance(some, memoryview) else some


def gnu_hash(name: bytes) -> int:
    """DT_GNU_HASH's hash: from 5381 on, h * 33 + c for each byte, in 32 bits (elf/dl-new-hash.h)."""
    found = 5381
    for char in name:
        found = found * 33 + char & 0xFFFFFFFF
    return found


def gnu_hashes(names: Iterable[bytes]) -> dict[bytes, int]:
    """The same of many names, which takes a quarter of the time.

    Names of nearly one length stand beside each other in one long number, each filled up with zeros from the left. Then
    two neighbours become one, in all of them at once: bytes, what came of two bytes, of four ...
    """
    by_size: dict[int, list[bytes]] = {}
    for name in names:
        by_size.setdefault(1 << (len(name) + 2).bit_length(), []).append(name)
    found: dict[bytes, int] = {}
    for size, group in by_size.items():
        count = min(max(1, MANY // size), len(group))
        steps = folds(size, count)
        for start in range(0, len(group), count):
            part = group[start : start + count]
            row = int.from_bytes(b"".join([(START + name).rjust(size, b"\0") for name in part]), "little")
            for bits, mask, power in steps:
                row = (row & mask) * power + (row >> bits & mask)
            ends = numbers(row.to_bytes(size * len(part), "little"), "<", "I")[:: size // 4]
            found.update(zip(part, ends, strict=True))
    return found


def folds(size: int, count: int) -> list[tuple[int, int, int]]:
    """For each step: the bits of one, a mask for the first of each two, what that is multiplied by."""
    found = []
    width = 1
    while width < size:
        mask = int.from_bytes((b"\xff" * width + bytes(width)) * (size * count // (2 * width)), "little")
        found.append((8 * width, mask, pow(33, width, 1 << 32)))  # the sum fits where the two were
        width *= 2
    return found


def sysv_hash(name: bytes) -> int:
    """DT_HASH's hash (gABI, Hash Table)."""
    found = 0
    for char in name:
        found = (found << 4) + char
        high = found & 0xF0000000
        found = (found ^ high >> 24) & ~high & 0xFFFFFFFF
    return found


# ------------------------------------------------------------------------------------------------------------- reading


def read(window: Window, image: Image, dynamic: Dynamic, bits: int) -> Hashes:
    """The table that a loader takes. Errors: `BadFile`."""
    # elf/dl-setup_hash.c, _dl_setup_hash: where both are there DT_GNU_HASH is taken.
    if elf_image.DT_GNU_HASH in dynamic.last:
        return gnu(window, image, dynamic, bits)
    if elf_image.DT_HASH in dynamic.last:
        return sysv(window, image, dynamic, bits)
    return Hashes(1, 1, (), (), False)  # nothing can be found in it


def sysv(window: Window, image: Image, dynamic: Dynamic, bits: int) -> Hashes:
    """nbucket, nchain; the buckets; the chains, one entry for each symbol."""
    order = dynamic.word[0]
    (machine,) = struct.unpack_from(order + "H", window.first, 18)
    code, size = ("Q", 8) if bits == 64 and machine in WIDE_HASH else ("I", 4)
    place = image.backed(dynamic.last[elf_image.DT_HASH])
    if place is None or place[1] < 2 * size:
        raise dynamic.bad(elf_image.DT_HASH, "lies outside of the file")
    at, available, _ = place
    buckets, chains = struct.unpack(order + 2 * code, window.read(at, 2 * size, "DT_HASH"))
    whole = buckets + chains
    if whole > 2 * MAX_SYMBOLS or (2 + whole) * size > available:
        raise dynamic.bad(elf_image.DT_HASH, f"counts {buckets} buckets, {chains} symbols")
    entries = numbers(window.read(at + 2 * size, whole * size, "DT_HASH"), order, code)
    return Hashes(chains, 1, entries[:buckets], entries[buckets:], False)


def gnu(window: Window, image: Image, dynamic: Dynamic, bits: int) -> Hashes:
    """nbuckets, symoffset, bloom_size, bloom_shift; the filter; the buckets; the chains, each ended by its lowest bit.

    Nothing says how many symbols there are: the last chain's end does.
    """
    order = dynamic.word[0]
    place = image.backed(dynamic.last[elf_image.DT_GNU_HASH])
    if place is None or place[1] < 16:
        raise dynamic.bad(elf_image.DT_GNU_HASH, "lies outside of the file")
    at, available, _ = place
    buckets, first, bloom, _ = struct.unpack(order + "IIII", window.read(at, 16, "DT_GNU_HASH"))
    start = 16 + bloom * bits // 8
    if buckets > MAX_SYMBOLS or first > MAX_SYMBOLS or start + buckets * 4 > available:
        raise dynamic.bad(elf_image.DT_GNU_HASH, f"counts {buckets} buckets, {bloom} words of its filter")
    heads = numbers(window.read(at + start, buckets * 4, "DT_GNU_HASH"), order, "I")
    last = max(listed(heads), default=0)
    if last < first:
        return Hashes(first, first, heads, (), True)
    start += buckets * 4
    chains = chained(window, dynamic, (at + start, available - start), last - first)
    return Hashes(first + len(chains), first, heads, chains, True)


def chained(window: Window, dynamic: Dynamic, place: tuple[int, int], last: int) -> Numbers:
    """The chains up to the end of the last one, which begins at entry `last`."""
    at, available = place
    most = min(available // 4, MAX_SYMBOLS)
    count = last + 64
    while True:
        count = min(count, most)
        chains = numbers(window.read(at, count * 4, "DT_GNU_HASH"), dynamic.word[0], "I")
        end = next((number for number in range(last, count) if chains[number] & 1), None)
        if end is not None:
            return chains[: end + 1]
        if count == most:
            raise dynamic.bad(elf_image.DT_GNU_HASH, "has a chain without an end")
        count *= 2
