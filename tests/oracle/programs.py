"""The program that asks glibc, compiled once: a test module takes the fixture `slots`.

Its NEEDED list and search paths are those of a world: it was linked with as many names as may be needed, and each becomes
a tag of the world's choice, or none (`Slots`).
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.build import elf

SLOTS, LENGTH = 12, 600  # bytes
UNUSED = 0x6FFFF000  # a tag that means nothing to anybody
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int in_program;
static void say(const char *form, ...) {
    char text[8192];
    va_list rest;
    va_start(rest, form);
    int length = vsnprintf(text, sizeof text, form, rest);
    va_end(rest);
    if (write(2, text, length) != length) _exit(9);
}
static void objects(void) {
    for (struct link_map *map = _r_debug.r_map; map; map = map->l_next) say("@map %s\n", map->l_name);
}
static void look(char *name, void *in) {
    char *version = strchr(name, '@');
    if (version) *version++ = 0;
    void *found = version ? dlvsym(in, name, version) : dlsym(in, name);
    Dl_info info;
    if (!found) say("@no %s\n", dlerror());
    else if (dladdr(found, &info)) say("@is %s\n", info.dli_fname);
    else say("@no it is nowhere\n");
}
int main(int argc, char **argv) {
    void *opened[64];
    say("@start\n");
    objects();
    for (int number = 0, next = 1; next + 2 < argc; ++number, next += 3) {
        char *first = argv[next + 1], *second = argv[next + 2];
        say("@step\n");
        if (!strcmp(argv[next], "open")) {
            opened[number] = dlopen(first, atoi(second));
            if (opened[number]) say("@is %s\n", ((struct link_map *)opened[number])->l_name);
            else say("@no %s\n", dlerror() ?: "");
            objects();
        } else if (!strcmp(argv[next], "look")) {
            look(first, *second ? opened[atoi(second)] : RTLD_DEFAULT);
        } else if (rename(first, second)) say("@no cannot rename\n");
    }
    say("@end\n");
    _exit(0);
}
"""


def compiled(directory: Path) -> Path:
    """The program, with its slots."""
    for number in range(SLOTS):
        options = ["-nostdlib", f"-Wl,-soname,{slot(number)}", "-x", "c", os.devnull]
        subprocess.run(["gcc", "-shared", "-o", f"slot{number}.so", *options], check=True, cwd=directory)
    (directory / "program.c").write_text(SOURCE)
    options = ["-Wl,--no-as-needed", "-rdynamic", *(f"slot{number}.so" for number in range(SLOTS))]
    subprocess.run(["gcc", "-o", "program", "program.c", *options, "-ldl"], check=True, cwd=directory)
    return directory / "program"


def slot(number: int) -> str:
    return f"{number:02}".ljust(LENGTH, "_")


class Slots(NamedTuple):
    """A compiled program whose tags can be chosen."""

    content: bytes
    strings: int  # where its string table is in the file, as in memory
    entries: tuple[tuple[int, int], ...]  # offset of a dynamic entry, and of its text in the table

    @classmethod
    def of(cls, program: Path) -> Slots:
        content = program.read_bytes()
        headers = struct.iter_unpack("<IIQQQQQQ", content[64 : 64 + 56 * struct.unpack_from("<H", content, 56)[0]])
        start, size = next(
            (offset, size) for kind, _, offset, _, _, size, *_ in headers if kind == elf.PT["PT_DYNAMIC"]
        )
        tags = list(struct.iter_unpack("<qQ", content[start : start + size]))
        strings = dict(tags)[elf.DT["DT_STRTAB"]]
        texts = [content.index(slot(number).encode()) - strings for number in range(SLOTS)]
        return cls(
            content, strings, tuple((start + 16 * tags.index((elf.DT["DT_NEEDED"], text)), text) for text in texts)
        )

    def filled(self, tags: Sequence[tuple[str, str]]) -> bytes:
        """The program with these tags in place of its slots."""
        content = bytearray(self.content)
        assert len(tags) <= SLOTS
        for number, (entry, text) in enumerate(self.entries):
            tag, value = tags[number] if number < len(tags) else ("", "")
            raw = os.fsencode(value) + b"\0"
            assert len(raw) <= LENGTH, value
            content[entry : entry + 8] = struct.pack("<Q", elf.DT.get(tag, UNUSED))
            content[self.strings + text : self.strings + text + len(raw)] = raw
        return bytes(content)


@pytest.fixture(scope="session")
def slots(tmp_path_factory: pytest.TempPathFactory) -> Slots:
    return Slots.of(compiled(tmp_path_factory.mktemp("program")))
