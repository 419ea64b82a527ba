"""Random worlds for musl's loader: a few libraries that need each other, as strangely as wheels and administrators can."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from tests.oracle.world import JUNK, Library, Look, Open, Step, World

NAMES = tuple(f"lib{letter}.so" for letter in "pqrstuvw")
DIRECTORIES = ("a", "b", "c", ".")
SYMBOLS = ("f", "g", "h", "v")
# Elements of search paths, and how often: those of every day first.
ELEMENTS = (
    *("{here}/a", "{here}/b", "{here}/c", "$ORIGIN", "$ORIGIN/../a", "${ORIGIN}/../b") * 6,
    "", "a", "{here}/b/", "$ORIGIN/..", "{here}//c//", "{here}/absent", "./b", "{here}/a/libp.so", "$ORIGINAL",
    "{here}/$LIB", "$UNKNOWN/a", "{here}/a\n{here}/c", "{here}/b;{here}/c",
)  # fmt: skip
WORDS = ("", "weak", "protected", "referred", "object", "object unique", "weak referred", "hidden")
FLAGS = ("NOW", "NOW GLOBAL", "LAZY", "LAZY GLOBAL", "NOW NOLOAD", "NOW NOLOAD GLOBAL")
# A file of another word size is read as if it had this one's: what comes of it is chance.
LEFT_OUT = ("another class", "another class and byte order")


def lists() -> st.SearchStrategy[str]:
    """A path list; two of three have all that there is."""
    some = st.lists(st.sampled_from(ELEMENTS), max_size=3)
    every = st.permutations(("{here}/a", "{here}/b", "{here}/c", "{here}/."))
    return st.builds(":".join, some | every | every)


def seldom(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


def needed(paths: list[str]) -> st.SearchStrategy[str]:
    """What a library may need: mostly the others by their file names."""
    others = ("$ORIGIN/libq.so", "a/libr.so", "./libs.so", "libabsent.so", "libc.so.6", "libm.so")
    known = [os.path.basename(path) for path in paths]
    return st.sampled_from((*known * 40, *(f"{{here}}/{path}" for path in paths), *others))


def symbol(name: str, version: str, word: str) -> str:
    return f"{name}{version} {word}".strip()


def bare(text: str) -> str:
    return text.split()[0].partition("@")[0]


@st.composite
def libraries(draw: st.DrawFn, path: str, paths: list[str]) -> Library:
    names, versions = st.sampled_from(SYMBOLS), st.sampled_from(("", "", "", "@V1", "@@V1", "@@V2"))
    flags = st.lists(st.sampled_from(("SYMBOLIC", "NODEFLIB", "NOW", "BIND_NOW")), max_size=1)
    offers = st.builds(symbol, names, versions, st.sampled_from(WORDS))
    wishes = st.builds(
        symbol, names, st.sampled_from(("", "", "", "@V1")), st.sampled_from(("", "weak", "weak", "weak"))
    )
    wanted = draw(st.lists(needed(paths), max_size=3, unique=True))
    files = [name for name in wanted if "/" not in name]
    defines = draw(st.lists(offers, max_size=3, unique_by=bare).filter(has_one_referred))
    defined = set(map(bare, defines))
    wants = [
        text if "@" not in text else text.replace("@V1", f"@V1 of {draw(st.sampled_from(files))}")
        for text in draw(st.lists(wishes, max_size=2, unique_by=bare))
        if bare(text) not in defined and ("@" not in text or files)
    ]
    return Library(
        path, draw(st.none() | st.none() | st.sampled_from((*NAMES, ""))), tuple(wanted), draw(seldom(lists())),
        draw(seldom(lists())), tuple(draw(flags)),
        tuple(defines), tuple(wants), hash_style=draw(st.sampled_from(("gnu", "gnu", "sysv", "both"))),
    )  # fmt: skip


def has_one_referred(defines: list[str]) -> bool:
    return sum("referred" in text for text in defines) < 2


def steps(paths: list[str]) -> st.SearchStrategy[tuple[Step, ...]]:
    names = [
        *(f"{{here}}/{path}" for path in paths * 4),
        *paths[:3],
        *NAMES[:6],
        "$ORIGIN/a/libp.so",
        "libabsent.so",
        "libc.so",
    ]
    openings = st.builds(Open, st.sampled_from(names), st.sampled_from((*FLAGS[:4] * 2, *FLAGS)))
    return st.lists(openings, min_size=1, max_size=5).map(lambda made: (*made, Look("f"), Look("v")))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    places = [f"{directory}/{name}".removeprefix("./") for directory in DIRECTORIES for name in NAMES]
    paths = draw(st.lists(st.sampled_from(places), min_size=5, max_size=12, unique=True))
    free = [place for place in places if place not in paths]
    others = draw(st.lists(st.sampled_from(free), max_size=4, unique=True))
    kinds = [draw(st.sampled_from(("link", "hard", "copy", "junk", "dangling", "ring", "directory"))) for _ in others]
    files = [draw(st.sampled_from(paths)) for _ in others]

    def of(kind: str) -> list[tuple[str, str]]:
        return [(place, file) for place, file, each in zip(others, files, kinds, strict=True) if each == kind]

    links = [(place, f"{{here}}/{file}") for place, file in of("link")]
    links += [(place, f"{{here}}/{place}") for place, _ in of("ring")] + [
        (place, "nowhere") for place, _ in of("dangling")
    ]
    preloads = (f"{{here}}/{paths[0]}", os.path.basename(paths[1]), f"{{here}}/{paths[1]}:libabsent.so")
    chosen = {
        "LD_LIBRARY_PATH": draw(seldom(lists())),
        "LD_PRELOAD": draw(st.none() | seldom(st.sampled_from(preloads))),
    }
    junk = sorted(set(JUNK) - set(LEFT_OUT))
    at_start = st.lists(
        st.sampled_from(paths).map(os.path.basename), max_size=draw(st.sampled_from((0, 0, 0, 0, 2))), unique=True
    )
    return World(
        tuple(draw(libraries(path, paths)) for path in paths), tuple(links), tuple(of("hard")), tuple(of("copy")),
        tuple(place for place, _ in of("directory")), tuple((place, draw(st.sampled_from(junk))) for place, _ in of("junk")),
        needed=tuple(draw(at_start)), rpath=draw(seldom(lists())), runpath=draw(seldom(lists())),
        environment=tuple((name, value) for name, value in chosen.items() if value is not None), steps=draw(steps(paths)),
    )  # fmt: skip
