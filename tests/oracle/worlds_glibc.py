"""Random worlds for glibc's loader: a few libraries that need each other, as strangely as wheels and administrators can."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

from tests.oracle.world import JUNK, Library, Look, Move, Open, Step, World

NAMES = tuple(f"lib{letter}.so" for letter in "pqrstuvw")
DIRECTORIES = (*("a", "b", "c") * 4, "a/glibc-hwcaps/x86-64-v2", "b/tls", "c/x86_64", ".")
EVERYWHERE = ("{here}/a", "{here}/b", "$ORIGIN/../c", "{here}/c")
# Elements of search paths: those of every day first.
ELEMENTS = (
    *("{here}/a", "{here}/b", "{here}/c", "$ORIGIN", "$ORIGIN/../a", "$ORIGIN/../b", "${ORIGIN}/../c") * 6,
    "", "a", "{here}/b/", "$ORIGIN/..", "{here}//c//", "{here}/absent", "$ORIGIN/absent", "{here}/later", "./b",
    "{here}/a/libp.so", "$ORIGINAL", "{here}/$LIB", "{here}/${PLATFORM}", "$UNKNOWN/a", "libq.so",
)  # fmt: skip
DEFINED = ("", "", "@V1", "@@V1", "@@V2")
WANTED = ("", "", "", "@V1", "@V2")
WORDS = (
    "",
    "weak",
    "protected",
    "referred",
    "object",
    "object unique",
    "weak referred",
    "protected referred",
    "hidden",
)
FLAGS = (
    "NOW",
    "NOW",
    "LAZY",
    "NOW GLOBAL",
    "NOW GLOBAL",
    "LAZY GLOBAL",
    "NOW NOLOAD",
    "NOW NOLOAD GLOBAL",
    "NOW DEEPBIND",
)
OTHERS = ("link", "hard", "copy", "junk", "dangling", "ring", "directory")
ANY = st.integers(0, 1 << 16)

Option = TypeVar("Option")


class Chooser:
    """What hypothesis decides; the first option is the simplest. One strategy for all, because making them is dear."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def one(self, options: Sequence[Option]) -> Option:
        return options[self.draw(ANY) % len(options)]

    def some(self, options: Sequence[Option], most: int, least: int = 0) -> tuple[Option, ...]:
        """Different ones: in place of one that was chosen before, the next that was not."""
        found: list[Option] = []
        for _ in range(least + self.draw(ANY) % (most - least + 1)):
            start = self.draw(ANY)
            rest = (options[at % len(options)] for at in range(start, start + len(options)))
            found += [each for each in rest if each not in found][:1]
        return tuple(found)

    def seldom(self, times: int) -> bool:
        """Once of so many times."""
        return self.draw(ANY) % times == times - 1

    def path_list(self, separators: str = ":") -> str | None:
        """Every third is absent, every third has all that there is."""
        kind = self.one(("absent", "every", "some"))
        if kind == "absent":
            return None
        elements = self.some(EVERYWHERE, 4, 3) if kind == "every" else self.some(ELEMENTS, 3)
        return self.one(separators).join(elements)

    def library(self, path: str, paths: tuple[str, ...]) -> Library:
        needed = self.some(self.needed(paths), 3)
        files = [name for name in needed if "/" not in name and "$" not in name]
        offered = self.some("fghv", 3)
        wished = [name for name in self.some("fghv", 2) if name not in offered]
        return Library(
            path, None if not self.seldom(5) else self.one((*NAMES, "")), needed, self.path_list(), self.path_list(),
            self.some(("SYMBOLIC", "NODEFLIB", "INITFIRST"), 1) if self.seldom(3) else (),
            tuple(f"{name}{self.one(DEFINED)} {self.one(WORDS)}".strip() for name in offered),
            tuple(self.wish(name, files) for name in wished),
            hash_style=self.one(("gnu", "sysv", "both")),
        )  # fmt: skip

    def needed(self, paths: tuple[str, ...]) -> list[str]:
        """What a library may need: mostly the others by their file names."""
        strange = ("$ORIGIN/libq.so", "a/libr.so", "./libs.so", "libabsent.so", "libz.so.1", "lib$PLATFORM.so")
        return [*map(os.path.basename, paths * 20), *(f"{{here}}/{path}" for path in paths), *strange]

    def wish(self, name: str, files: Sequence[str]) -> str:
        version = self.one(WANTED) if files else ""
        of = f" of {self.one(files)}" if version else ""
        return f"{name}{version}{of} {self.one(('', 'weak', 'weak'))}".strip()

    def steps(self, paths: tuple[str, ...]) -> tuple[Step, ...]:
        names = [
            *(f"{{here}}/{path}" for path in paths * 4),
            *paths[:2],
            *NAMES[:4],
            "$ORIGIN/a/libp.so",
            "libabsent.so",
        ]
        found: list[Step] = [Open(self.one(names), self.one(FLAGS)) for _ in range(1 + self.draw(ANY) % 4)]
        if self.seldom(10) and any(path.startswith("b/") for path in paths):
            found.insert(self.draw(ANY) % len(found), Move("b", "later"))
        return (*found, Look("f"), Look("v"))

    def environment(self, paths: tuple[str, ...]) -> dict[str, str | None]:
        preloaded = (f"{{here}}/{paths[0]}", os.path.basename(paths[1]), f"{{here}}/{paths[1]}:libabsent.so")
        return {
            "LD_LIBRARY_PATH": self.path_list(":;"),
            "LD_PRELOAD": self.one(preloaded) if self.seldom(4) else None,
            "LD_DYNAMIC_WEAK": "1" if self.seldom(4) else None,
            "GLIBC_TUNABLES": "glibc.rtld.dynamic_sort=1" if self.seldom(4) else None,
        }

    def world(self) -> World:
        places = list(dict.fromkeys(f"{each}/{name}".removeprefix("./") for each in DIRECTORIES for name in NAMES))
        usual = [place for place in places if place.count("/") == 1]
        paths = self.some((*usual * 4, *places), 12, 5)
        free = [place for place in places if place not in paths]
        others = [(self.one(OTHERS), place, self.one(paths)) for place in self.some(free, 4)]
        of = {kind: tuple((place, file) for each, place, file in others if each == kind) for kind in OTHERS}
        links = [(place, f"{{here}}/{file}") for place, file in of["link"]]
        links += [
            *((place, f"{{here}}/{place}") for place, _ in of["ring"]),
            *((place, "no") for place, _ in of["dangling"]),
        ]
        environment = self.environment(paths)
        return World(
            tuple(self.library(path, paths) for path in paths), tuple(links), of["hard"], of["copy"],
            tuple(place for place, _ in of["directory"]),
            tuple((place, self.one(sorted(JUNK))) for place, _ in of["junk"]),
            needed=self.some([*map(os.path.basename, paths)], 2) if self.seldom(5) else (),
            rpath=self.path_list(), runpath=self.path_list() if self.seldom(3) else None,
            environment=tuple((name, value) for name, value in environment.items() if value is not None),
            steps=self.steps(paths),
        )  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    return Chooser(draw).world()
