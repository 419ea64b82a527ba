"""The program and the libraries of a world for musl: what they do beside being opened is to tell.

Nothing is compiled but the program, once: its NEEDED list and search paths are tags that each world fills in.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.build import elf
from tests.oracle.world import World, placed

MACHINE = "x86_64"
SLOTS, LENGTH = 6, 400  # of the program's tags that a world chooses; bytes
UNUSED = 0x6FFFF000  # a tag that means nothing to anybody
MAGIC = 0x6C73756D  # before the words to which a library's references are bound
ROOM = 64  # bytes of the constructor
# lea rax,[rip-7]; push rax; mov eax,1; xor edi,edi; mov rsi,rsp; mov edx,8; syscall; pop rax; ret:
# writes its own address to descriptor 0.
CONSTRUCTOR = bytes.fromhex("488d05f9ffffff50b80100000031ff4889e6ba080000000f0558c3")
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void objects(void) {
    for (struct link_map *map = dlopen(0, RTLD_NOW); map; map = map->l_next) {
        printf("@map %lx %s\n", (long)map->l_addr, map->l_name);
        if (!*map->l_name) continue;  /* the kernel's own */
        for (Elf64_Dyn *entry = map->l_ld; entry->d_tag; ++entry) {
            long *words = (long *)(map->l_addr + entry->d_un.d_val + ROOM);
            if (entry->d_tag != DT_INIT || (words[0] & 0xffffffff) != MAGIC) continue;
            for (int number = 1; number <= words[0] >> 32; ++number) printf("@word %lx\n", words[number]);
        }
    }
}
int main(int argc, char **argv) {
    void *opened[64];
    puts("@step");
    objects();
    for (int number = 0, next = 1; next + 2 < argc; ++number, next += 3) {
        char *name = argv[next + 1], *second = argv[next + 2];
        puts("@step");
        long marker = 0;
        if (write(0, &marker, sizeof marker) < 0 || open("@step", O_RDONLY) >= 0) return 9;
        if (!strcmp(argv[next], "open")) {
            opened[number] = dlopen(name, atoi(second));
            if (opened[number]) printf("@is %s\n", ((struct link_map *)opened[number])->l_name);
            else printf("@no %s\n", dlerror());
        } else {
            void *found = dlsym(*second ? opened[atoi(second)] : RTLD_DEFAULT, name);
            if (found) printf("@at %lx\n", (long)found);
            else printf("@no %s\n", dlerror());
        }
        objects();
    }
    fflush(stdout);
    _exit(0);
}
"""


# --------------------------------------------------------------------------------------------------------- the program


def slot(number: int) -> str:
    return f"{number:02}".ljust(LENGTH, "_")


def compiled(directory: Path) -> bytes:
    """The program, linked with as many names as places are needed for what a world chooses."""
    for number in range(SLOTS):
        options = ["-nostdlib", f"-Wl,-soname,{slot(number)}", "-xc", os.devnull]
        subprocess.run(["musl-gcc", "-shared", "-o", f"slot{number}.so", *options], check=True, cwd=directory)
    (directory / "program.c").write_text(f"#define ROOM {ROOM}\n#define MAGIC {MAGIC}\n{SOURCE}")
    options = ["-Wl,--no-as-needed", *(f"slot{number}.so" for number in range(SLOTS))]
    subprocess.run(["musl-gcc", "-o", "program", "program.c", *options], check=True, cwd=directory)
    return (directory / "program").read_bytes()


def filled(program: bytes, tags: Sequence[tuple[str, str]]) -> bytes:
    """The program with these tags in place of its slots."""
    content, start = bytearray(program), dynamic(program)
    strings = tag_values(program)[elf.DT["DT_STRTAB"]]
    assert len(tags) <= SLOTS
    for number in range(SLOTS):
        text = content.index(slot(number).encode())
        entry = content.index(struct.pack("<QQ", elf.DT["DT_NEEDED"], text - strings), start)
        tag, value = tags[number] if number < len(tags) else ("", "")
        raw = os.fsencode(value) + b"\0"
        assert len(raw) <= LENGTH, value
        content[entry : entry + 8] = struct.pack("<Q", elf.DT.get(tag, UNUSED))
        content[text : text + len(raw)] = raw
    return bytes(content)


# ----------------------------------------------------------------------------------------------------------- libraries


def headers(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each program header is, its type and p_offset."""
    start, size, count = (struct.unpack_from(form, content, at)[0] for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
    for place in range(start, start + size * count, size):
        yield place, *struct.unpack_from("<I4xQ", content, place)


def dynamic(content: bytes) -> int:
    return next(offset for _, kind, offset in headers(content) if kind == elf.PT["PT_DYNAMIC"])


def tag_values(content: bytes) -> dict[int, int]:
    pairs = struct.iter_unpack("<QQ", content[dynamic(content) : dynamic(content) + 2048 // 16 * 16])
    found = {}
    for tag, value in pairs:
        if not tag:
            break
        found[tag] = value
    return found


def instrumented(content: bytes) -> bytes:
    """The library with a constructor, and with a word of its own for each reference. The file is mapped at 0.

    The tag of the constructor takes the place of DT_SYMENT, which no loader reads.
    """
    tags = tag_values(content)
    count = tags.get(elf.DT["DT_RELASZ"], 0) // 24
    made = bytearray(content + bytes(-len(content) % 16))
    place = len(made)
    made += CONSTRUCTOR.ljust(ROOM, b"\0") + struct.pack("<Q", count << 32 | MAGIC) + bytes(8 * count)
    for number in range(count):
        struct.pack_into("<Q", made, tags[elf.DT["DT_RELA"]] + 24 * number, place + ROOM + 8 + 8 * number)
    entry = content.index(struct.pack("<QQ", elf.DT["DT_SYMENT"], 24), dynamic(content))
    struct.pack_into("<QQ", made, entry, elf.DT["DT_INIT"], place)
    for header, kind, _ in headers(content):
        if kind == elf.PT["PT_LOAD"]:
            struct.pack_into("<I", made, header + 4, elf.PF["rwx"])
            struct.pack_into("<QQ", made, header + 32, len(made), len(made))
    return bytes(made)


def write(world: World, here: Path, program: bytes) -> None:
    """The world with its program."""
    for library in world.libraries:
        path = here / library.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(instrumented(library.content(str(here), MACHINE)))
    replace(world, libraries=()).write(here, MACHINE)
    tags = [("DT_NEEDED", name) for name in world.needed]
    tags += [("DT_RPATH", world.rpath)] if world.rpath is not None else []
    tags += [("DT_RUNPATH", world.runpath)] if world.runpath is not None else []
    path = here / world.program
    path.write_bytes(filled(program, [(tag, placed(text, str(here))) for tag, text in tags]))
    path.chmod(0o755)
