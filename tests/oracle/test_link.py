"""The loader and `link.missing` name the same missing symbols, and the same missing versions, of generated broken stacks."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from findlibs2.formats.elf_symbols import Symbols
from tests import need
from tests.build import elf
from tests.build.elf_symbols import HIDDEN, NOT_DEFAULT, UND, WEAK, Symbol, library
from tests.oracle.corpus import published
from tests.oracle.tracing import Reader, Told, trace
from tests.wheels import closure
from tests.wheels.environments import environment

pytestmark = [need.linux(), need.glibc()]

MADE = 240  # broken stacks
FAULTS = ("symbol-removed", "symbol-renamed", "symbol-hidden", "version-removed", "version-renamed", "library-removed")
VERSIONS = ("V1", "V2", "V3")
HIDE = 60  # symbols of the published stack, one after the other


def agreed(paths: list[Path], reader: Reader, versions: bool = True) -> Told:
    """What the loader misses; and we miss the same. Without `versions`, names are compared alone."""
    told, mapped = trace(paths)
    ours = reader.missing(mapped)
    assert (ours if versions else unversioned(ours)) == (told if versions else unversioned(told))
    return told


def unversioned(told: Told) -> Told:
    return told._replace(symbols=frozenset((name, None, by) for name, _, by in told.symbols))


# -------------------------------------------------------------------------------------------------------- made stacks


class Stack:
    """Three libraries that supply, one of them without versions, and two that want what there is."""

    def __init__(self, random: Random) -> None:
        self.random = random
        names = [f"s{number}" for number in range(24)]
        random.shuffle(names)
        self.supplies: dict[str, list[Symbol]] = {
            "liba.so": [self.definition(name, random.randrange(2, 5)) for name in names[:8]],
            "libb.so": [self.definition(name, random.randrange(2, 5)) for name in names[8:16]],
            "libplain.so": [self.definition(name, 1) for name in names[16:]],
        }
        self.versions = {"liba.so": list(VERSIONS), "libb.so": list(VERSIONS)}
        self.wants = {"libc.so": self.references(), "libd.so": self.references()}

    def definition(self, name: str, version: int) -> Symbol:
        return Symbol(
            name, version=version | self.random.choice((0, 0, NOT_DEFAULT)), binding=self.random.choice((1, 1, WEAK))
        )

    def references(self) -> list[tuple[str, str, str | None, bool]]:
        """File, name, version, weak: of what there is, some without their version."""
        found = []
        for file, symbols in self.supplies.items():
            for symbol in self.random.sample(symbols, 5):
                is_plain = file == "libplain.so" or self.random.random() < 0.2
                version = None if is_plain else VERSIONS[(symbol.version & 7) - 2]
                found.append((file, str(symbol.name), version, self.random.random() < 0.2))
        return found

    def break_it(self, fault: str) -> None:
        file = self.random.choice(["liba.so", "libb.so"] if "version" in fault else sorted(self.supplies))
        symbols = self.supplies[file]
        at = self.random.randrange(len(symbols))
        if fault == "symbol-removed":
            del symbols[at]
        elif fault == "symbol-renamed":
            symbols[at] = symbols[at]._replace(name="renamed")
        elif fault == "symbol-hidden":
            symbols[at] = symbols[at]._replace(visibility=HIDDEN)
        elif fault == "version-renamed":
            self.versions[file][self.random.randrange(3)] = "V9"
        elif fault == "version-removed":  # what had it gets what is left
            self.versions[file].pop()
            self.supplies[file] = [each._replace(version=min(each.version & 7, 3)) for each in symbols]
        else:
            del self.supplies[file]

    def write(self, here: Path, hash_style: str) -> list[Path]:
        contents = {
            file: library(
                symbols,
                file,
                defines=[file, *self.versions[file]] if file in self.versions else (),
                hash_style=hash_style,
            )
            for file, symbols in self.supplies.items()
        }
        contents |= {file: self.wanting(file, hash_style) for file in self.wants}
        for file, content in contents.items():
            (here / file).write_bytes(content)
        return [here / file for file in contents]

    def wanting(self, file: str, hash_style: str) -> bytes:
        needs: dict[str, list[str]] = {}
        for of, _, version, _ in self.wants[file]:
            if version is not None and version not in needs.setdefault(of, []):
                needs[of].append(version)
        numbers = {pair: number for number, pair in enumerate(((of, v) for of, vs in needs.items() for v in vs), 2)}
        symbols = [
            Symbol(name, UND, 0, WEAK if weak else 1, version=1 if version is None else numbers[of, version])
            for of, name, version, weak in self.wants[file]
        ]
        return library(symbols, file, ["liba.so", "libb.so", "libplain.so"], needs=needs, hash_style=hash_style)


class TestMade:
    """A library, a symbol, a version is removed or renamed."""

    @pytest.mark.parametrize("fault", FAULTS)
    def test_both_miss_the_same(self, tmp_path: Path, fault: str) -> None:
        told = []
        for seed in range(MADE // len(FAULTS)):
            stack = Stack(Random(f"{fault} {seed}"))
            stack.break_it(fault)
            here = tmp_path / str(seed)
            here.mkdir()
            paths = stack.write(here, ("gnu", "sysv", "both")[seed % 3])
            # elf/dl-version.c leaves out the versions that a library wants of one that is absent; while it only traces,
            # it then reads behind the end of its table, and tells no version, or any.
            told.append(agreed(paths, Reader(), versions=fault != "library-removed"))
        assert sum(bool(each.symbols or each.versions) for each in told) > len(told) // 2

    def test_neither_misses_anything_of_a_whole_one(self, tmp_path: Path) -> None:
        stack = Stack(Random(4))
        stack.wants = {file: [each for each in wants if each[2]] for file, wants in stack.wants.items()}
        assert agreed(stack.write(tmp_path, "gnu"), Reader()) == Told(frozenset(), frozenset())


# ------------------------------------------------------------------------------------------------ the published stack


@functools.cache
def stack() -> tuple[Path, ...]:
    """The closure of libmir.so, one file for each name."""
    if elf.MACHINE != elf.X86_64:
        pytest.skip("missing here: published wheels for this processor")
    by_name = closure.providers(environment(published()[0]).site)
    return tuple(by_name[name][0] for name in closure.closure(environment(published()[0]).site, "libmir.so"))


READER = Reader()


def replaced(here: Path, path: Path, content: bytes) -> list[Path]:
    (here / path.name).write_bytes(content)
    return [here / path.name if each == path else each for each in stack()]


class TestPublished:
    """The closure of libmir.so, with one library of it replaced."""

    def test_neither_misses_anything(self) -> None:
        assert agreed(list(stack()), READER) == Told(frozenset(), frozenset())

    def test_a_stub_in_the_place_of_a_library(self, tmp_path: Path) -> None:
        (spec,) = (path for path in stack() if path.name.startswith("libeckit_spec.so")) if has_spec() else (eckit(),)
        told = agreed(replaced(tmp_path, spec, library([], spec.name)), Reader())
        assert len({name for name, _, _ in told.symbols}) > 30

    def test_a_symbol_that_has_become_hidden(self, tmp_path: Path) -> None:
        told = []
        for count, (path, number) in enumerate(chosen()):
            symbols = READER.read(str(path))[1]
            here = tmp_path / str(count)
            here.mkdir()
            paths = replaced(here, path, hidden(path, symbols, number))
            told.append(agreed(paths, forgetful(here / path.name)))
            (here / path.name).unlink()
        assert (len(told), sum(bool(each.symbols) for each in told) > HIDE // 2) == (HIDE, True)


def has_spec() -> bool:
    return any(path.name.startswith("libeckit_spec.so") for path in stack())


def eckit() -> Path:
    return next(path for path in stack() if path.name == "libeckit.so")


def chosen() -> Iterator[tuple[Path, int]]:
    """Definitions that others of the stack want, at random."""
    random = Random(7)
    own = [path for path in stack() if path.parent.name == "lib64" and path.stat().st_size < 8 << 20]
    wanted = {name for path in own for name, _, _, _ in READER.read(str(path))[1].imports()}
    tables = {path: READER.read(str(path))[1] for path in own}
    pairs = [
        (path, number)
        for path, symbols in tables.items()
        for number in range(symbols.hashes.first, symbols.count)
        if symbols.name(number) in wanted and symbols.is_definition(number)
    ]
    return iter(random.sample(pairs, HIDE))


def hidden(path: Path, symbols: Symbols, number: int) -> bytes:
    """The file with st_other of one symbol changed: others do not see it any more."""
    content = bytearray(path.read_bytes())
    content[content.index(symbols.symbols) + number * symbols.entry + 5] = HIDDEN
    return bytes(content)


def forgetful(path: Path) -> Reader:
    """Knows what READER knows, but not this file."""
    reader = Reader()
    reader.known = {known: read for known, read in READER.known.items() if known != str(path)}
    return reader
