"""Mutated ELF headers against the reader: nothing but `BadFile` may come out, and no byte outside the file be asked for.

    python -m tests.fuzz.elf 100000 [seed]      from the root of the repository; what fails is kept in corpus/elf/

Every file of corpus/elf/ failed once, or is a shape that a reader of ELF is likely to stumble over; they are replayed by
tests/fuzz/test_elf.py and stay.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from findlibs2.formats import elf
from findlibs2.formats.window import BadFile, Window
from tests.build.elf import Segment, library
from tests.fuzz.session import session

CORPUS = Path(__file__).parent / "corpus" / "elf"
MOST_READ = 4 << 20  # bytes asked for in all; the files are below 4 KiB
_TELLING = (0, 1, 0x7F, 0x80, 0xFF)

SEEDS = tuple(
    library(
        "libx.so.1", ["liba.so", "libb.so.2"], rpath="$ORIGIN", runpath="/opt", flags=8, flags_1=1, tls=8, bits=bits,
        byteorder=byteorder, interpreter="/ld.so", hash_style="both", segments=[Segment("PT_LOAD", 4, 0, 0x2000, 64, 64)],
        tags=[("DT_RELA", 8), ("DT_RELASZ", 24), ("DT_RELAENT", 24), ("DT_INIT_ARRAY", 8), ("DT_INIT_ARRAYSZ", 8)],
    )
    for bits in (32, 64)
    for byteorder in ("little", "big")
)  # fmt: skip


def attempt(content: bytes) -> None:
    """Raises what the reader should not."""
    asked = 0

    def pread(count: int, offset: int) -> bytes:
        nonlocal asked
        asked += count
        assert 0 <= offset <= offset + count <= len(content), f"{count} bytes at {offset} of {len(content)}"
        assert asked <= MOST_READ, f"{asked} bytes read of {len(content)}"
        return content[offset : offset + count]

    try:
        elf.read(Window("fuzz", len(content), pread))
    except BadFile:
        pass


def mutated(random: Random) -> bytes:
    """A good file, with some bytes or words changed, a piece moved, or its end cut off or drawn out."""
    content = bytearray(random.choice(SEEDS))
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        place = random.randrange(len(content))
        size = random.choice((1, 1, 2, 4, 8))
        how = random.randrange(8)
        if how < 4:
            content[place : place + size] = bytes([random.choice(_TELLING)]) * size
        elif how < 6:
            content[place : place + size] = random.randbytes(size)
        elif how == 6:
            start = random.randrange(len(content))
            content[place : place + 16] = content[start : start + 16]
        else:
            content = (
                content[:place]
                if random.randrange(2)
                else content + bytes(random.randrange(4096 - len(content) % 4096))
            )
        if not content:
            break
    return bytes(content)


if __name__ == "__main__":
    sys.exit(session(CORPUS, mutated, attempt, sys.argv[1:]))
