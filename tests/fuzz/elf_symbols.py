"""Mutated symbol tables against their readers: nothing but `BadFile` may come out, soon, and without much memory.

    python -m tests.fuzz.elf_symbols 100000 [seed]      from the root of the repository; failures go to corpus/elf_symbols/

Every file of corpus/elf_symbols/ failed once, or is a shape that is likely to; tests/fuzz/test_elf_symbols.py replays them.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from findlibs2 import link
from findlibs2.formats import elf_relocations, elf_symbols
from findlibs2.formats.window import BadFile, Window
from tests.build.elf_symbols import UND, WEAK, Symbol, library
from tests.fuzz.session import session

CORPUS = Path(__file__).parent / "corpus" / "elf_symbols"
MOST_READ = 1 << 20  # bytes asked for in all; the files are below 8 KiB
PATIENCE = 1.0  # seconds of processor time for one file
_TELLING = (0, 1, 2, 0x7F, 0x80, 0xFF)

SEEDS = tuple(
    library(
        [Symbol(f"f{number}", version=2 + number % 2) for number in range(6)]
        + [Symbol("g", UND, 0, version=4), Symbol("h", UND, 0, WEAK), Symbol("f0", UND, 0, version=4)],
        "libx.so", ["liby.so"], defines=["libx.so", "V1", "V2"], needs={"liby.so": ["W1", "W2"]}, bits=bits,
        byteorder=byteorder, hash_style=style,
    )
    for bits in (32, 64)
    for byteorder in ("little", "big")
    for style in ("gnu", "sysv", "both", "none")
)  # fmt: skip
WANTING = SEEDS[0]


def attempt(content: bytes) -> None:
    """Raises what the readers should not, and what takes too long."""
    asked = 0

    def pread(count: int, offset: int) -> bytes:
        nonlocal asked
        asked += count
        assert 0 <= offset <= offset + count <= len(content), f"{count} bytes at {offset} of {len(content)}"
        assert asked <= MOST_READ, f"{asked} bytes read of {len(content)}"
        return content[offset : offset + count]

    begun = time.process_time()
    with suppress(BadFile):
        _look_up(Window("fuzz", len(content), pread))
    with suppress(BadFile):
        elf_relocations.references(Window("fuzz", len(content), pread))
    assert time.process_time() - begun < PATIENCE, "too slow"


def _look_up(window: Window) -> None:
    """All that can be asked of one file; and what it wants of itself, and what a good one wants of it."""
    found = elf_symbols.read(window)
    good = elf_symbols.read(Window("good", len(WANTING), lambda count, offset: WANTING[offset : offset + count]))
    list(found.exports())
    found.defined_versions()
    found.needed_versions()
    link.missing({"fuzz": found, "good": good}, [found], lambda name: found)


def mutated(random: Random) -> bytes:
    """A good file, some bytes of which are changed, mostly behind the headers."""
    content = bytearray(random.choice(SEEDS))
    start = random.choice((0, 0x100, 0x250, 0x250))
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        place = random.randrange(min(start, len(content) - 1), len(content))
        size = random.choice((1, 1, 2, 4, 4))
        how = random.randrange(8)
        if how < 4:
            content[place : place + size] = bytes([random.choice(_TELLING)]) * size
        elif how < 6:
            content[place : place + size] = random.randbytes(size)
        elif how == 6:
            other = random.randrange(len(content))
            content[place : place + 16] = content[other : other + 16]
        else:
            content[place:] = content[place:].rstrip(b"\0") if random.randrange(2) else bytes(len(content) - place)
    return bytes(content)


if __name__ == "__main__":
    sys.exit(session(CORPUS, mutated, attempt, sys.argv[1:]))
