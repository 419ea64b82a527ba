"""What glibc's loader answers: a program is started in a world, goes through the steps, and the loader tells (LD_DEBUG).

The program is compiled once. Its NEEDED list and search paths are those of the world: it was linked with as many names
as places are needed, and each becomes a tag of the world's choice, or none (`Slots`).
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.build import elf
from tests.oracle.world import (
    NOWHERE,
    REFUSED,
    SAME,
    Answer,
    Binding,
    Look,
    Move,
    Open,
    Outcome,
    Request,
    World,
    placed,
)

SLOTS, LENGTH = 12, 600  # bytes
# What every process has.
SYSTEM = frozenset({"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "linux-vdso.so.1"})
RULES = {"system search path": "default directory", "cache": "ld.so.cache"}
MISSING = re.compile("cannot open shared object file|wrong ELF class")
LATER = re.compile("undefined symbol|version `|not defined in file")  # what is only said when all files are found
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
# <bits/dlfcn.h>
FLAGS = {"LAZY": 1, "NOW": 2, "NOLOAD": 4, "DEEPBIND": 8, "GLOBAL": 0x100, "LOCAL": 0, "NODELETE": 0x1000}


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


def write(world: World, here: Path, slots: Slots, machine: str) -> None:
    """The world with its program."""
    world.write(here, machine)
    tags = [("DT_NEEDED", name) for name in world.needed]
    tags += [
        (tag, text) for tag, text in (("DT_RPATH", world.rpath), ("DT_RUNPATH", world.runpath)) if text is not None
    ]
    program = here / world.program
    program.write_bytes(slots.filled([(tag, placed(text, str(here))) for tag, text in tags]))
    program.chmod(0o755)
    if world.secure:
        os.chown(program, 0, 65534)
        program.chmod(0o2755)  # another effective group: AT_SECURE


def ask(world: World, here: Path) -> Answer:
    """The loader's answer; the world has been written."""
    command = [str(here / world.program)]
    for step in world.steps:
        command += arguments(step, str(here))
    variables = {**world.variables(here), "LC_ALL": "C", "LD_DEBUG": "files,libs,bindings,scopes"}
    done = subprocess.run(
        command, cwd=here / world.directory, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    words = os.fsdecode(done.stderr)
    parts = re.split(r"^@(?:start|step|end)\n", re.sub(r"^ +\d+:\t", "", words, flags=re.MULTILINE), flags=re.MULTILINE)
    if len(parts) == 1 or done.returncode:
        return Answer(Outcome(refused=relative(died(words, command[0]), here)), ())
    listened = Listener(here, world)
    # What is bound by and by, while the program runs, is told at the end of the step before.
    return Answer(listened.started(parts[0], parts[1]), tuple(map(listened.step, world.steps, parts[2:])))


def arguments(step: Open | Look | Move, here: str) -> list[str]:
    if isinstance(step, Open):
        return ["open", placed(step.name, here), str(sum(FLAGS[flag] for flag in step.flags.split()))]
    if isinstance(step, Look):
        return ["look", step.name, "" if step.opened is None else str(step.opened)]
    return ["move", f"{here}/{step.path}", f"{here}/{step.to}"]


def died(words: str, program: str) -> str:
    """What the loader says last when it ends a process; without the name of the program."""
    last = words.rstrip("\n").rpartition("\n")[2]
    return last.removeprefix(f"{program}: ").removeprefix("error while loading shared libraries: ")


def relative(text: str, here: Path) -> str:
    return text.replace(f"{here}/", "")


class Listener:
    """Understands what the loader tells of one world."""

    SEARCH = re.compile(
        r"^(?:file=(?P<wanted>.*) \[0\];  (?:needed by|dynamically loaded by) (?P<by>.*) \[0\]"
        r"|file=(?P<new>.*) \[0\];  generating link map"
        r"| search path=.*\t\t\((?P<rule>RPATH|RUNPATH|LD_LIBRARY_PATH|system search path)(?: from file (?P<owner>.*))?\)"
        r"| search (?P<cache>cache)=.*"
        r"|  trying file=(?P<trying>.*))$",
        re.MULTILINE,
    )
    BINDING = re.compile(r"^binding file (.*) \[0\] to (.*) \[0\]: \w+ symbol `(.*?)'(?: \[(.*)\])?$", re.MULTILINE)

    def __init__(self, here: Path, world: World) -> None:
        self.here, self.world = here, world
        self.objects: list[str] = []
        self.absent = [os.path.normpath(here / step.to) for step in world.steps if isinstance(step, Move)]

    def started(self, words: str, answer: str) -> Outcome:
        return self.outcome(words, answer, str(self.here / self.world.program))

    def step(self, step: Open | Look | Move, answer: str) -> Outcome:
        if isinstance(step, Move):
            self.absent.remove(os.path.normpath(self.here / step.to))
        # What is bound while the program itself runs stands behind its own words.
        return self.outcome(answer.partition("\n@")[0] if isinstance(step, Open) else "", answer, "")

    def outcome(self, words: str, answer: str, top: str) -> Outcome:
        opened, refused = (re.search(rf"^@{word} (.*)$", answer, re.MULTILINE) for word in ("is", "no"))
        known = re.findall(r"^@map (.*)$", answer, re.MULTILINE) or self.objects
        added, self.objects = known[len(self.objects) :], known
        said = relative(refused[1], self.here) if refused else None
        return Outcome(
            self.path(opened[1]) if opened else None, said, self.own(added), tuple(self.requests(words, said)),
            self.scope(words, top or (opened[1] if opened else "")), self.bindings(words),
            self.own(re.findall(r"^calling init: (.*)$", words, re.MULTILINE)),
        )  # fmt: skip

    def scope(self, words: str, top: str) -> tuple[str, ...]:
        """What is searched behind the global scope, or for the program that."""
        told = rf"^object={re.escape(top)} \[0\]\n scope 0: (.*)\n(?: scope 1: (.*)\n)?"
        found = re.search(told, words, re.MULTILINE)
        return self.own((found[2] or found[1]).split()) if found else ()

    def bindings(self, words: str) -> tuple[Binding, ...]:
        found = {
            Binding(self.path(by), f"{symbol}@{version}" if version else symbol, self.path(supplier))
            for by, supplier, symbol, version in self.BINDING.findall(words)
            if os.path.basename(by) not in SYSTEM
        }
        return tuple(sorted(each for each in found if each.by != self.world.program))

    def requests(self, words: str, refused: str | None) -> Iterator[Request]:
        searches: list[Search] = []
        for found in self.SEARCH.finditer(words):
            if found["wanted"] is not None:
                searches.append(Search(found["by"], found["wanted"]))
            elif searches:
                searches[-1].hear(found, str(self.here / self.world.program))
        for search in searches:
            if search.wanted not in SYSTEM:
                ends = search is searches[-1] and refused is not None and not LATER.search(refused)
                yield self.request(search, refused if ends else None)

    def request(self, search: Search, refused: str | None) -> Request:
        tried = [path for path in search.tried if self.is_there(os.path.dirname(path))]
        how = "opened" if search.is_new else SAME if refused is None else REFUSED
        rule, path = search.rule or "path", search.tried[-1] if search.tried else None
        if refused is not None and MISSING.search(refused):
            rule, path, how = NOWHERE, None, "opened"
        return Request(
            self.path(search.by), relative(search.wanted, self.here), rule, path and self.path(path), how,
            tuple(map(self.path, tried)),
        )  # fmt: skip

    def is_there(self, directory: str) -> bool:
        """Whether a directory was there when it was searched."""
        path = os.path.normpath(self.here / self.world.directory / directory)
        later = any(path == each or path.startswith(f"{each}/") for each in self.absent)
        return not later and os.path.isdir(path)

    def path(self, path: str) -> str:
        return relative(path, self.here) or self.world.program

    def own(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Without what every process has."""
        return tuple(self.path(path) for path in paths if os.path.basename(path) not in SYSTEM)


class Search:
    """What was heard of one request."""

    def __init__(self, by: str, wanted: str) -> None:
        self.by, self.wanted = by, wanted
        self.is_new = False
        self.rule = ""
        self.tried: list[str] = []

    def hear(self, found: re.Match[str], program: str) -> None:
        if found["new"] is not None:
            self.is_new = True
        elif found["trying"] is not None:
            self.tried.append(found["trying"])
        else:
            rule = found["rule"] or found["cache"]
            of_program = rule == "RPATH" and found["owner"] == program
            self.rule = "RPATH of the executable" if of_program else RULES.get(rule, rule)
