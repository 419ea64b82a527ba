"""Symbols in words, as the libraries of a world have them.

defines = ["f", "g@V1", "h@@V2 weak", "v object protected", "s referred"]     "referred": by a relocation of its own
wants = ["f", "g@V1 of libg.so", "h weak"]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.build import elf_symbols

BINDINGS = {"local": 0, "weak": elf_symbols.WEAK, "unique": elf_symbols.UNIQUE}
VISIBILITIES = {"internal": 1, "hidden": 2, "protected": 3}
KINDS = {"object": elf_symbols.OBJECT, "notype": elf_symbols.NOTYPE}


class Text(NamedTuple):
    """A symbol in words."""

    name: str
    version: str | None  # None: none
    default: bool  # "@@"
    of: str | None  # the file that a wanted version is wanted of
    words: frozenset[str]

    @classmethod
    def read(cls, text: str) -> Text:
        head, *rest = text.split()
        name, at, version = head.partition("@")
        of = rest[rest.index("of") + 1] if "of" in rest else None
        words = frozenset(rest) - {"of", of}
        assert words <= {*BINDINGS, *VISIBILITIES, *KINDS, "referred"}, text
        return cls(name, version.lstrip("@") if at else None, version.startswith("@"), of, words)

    def word(self, meanings: Mapping[str, int], otherwise: int) -> int:
        return next((number for word, number in meanings.items() if word in self.words), otherwise)


def versioned(text: str) -> Text:
    """ "V1 of libg.so weak": a version that no symbol wants."""
    return Text.read(f"-@{text}")


def needed_versions(wanted: Iterable[Text]) -> tuple[dict[str, list[str]], list[str]]:
    """By file, the versions that are wanted of it; and those that may be missing."""
    needs: dict[str, list[str]] = {}
    weak = []
    for each in wanted:
        if each.version is not None:
            assert each.of is not None, f"{each.name}@{each.version} of which file?"
            versions = needs.setdefault(each.of, [])
            if each.version not in versions:
                versions.append(each.version)
            if each.name == "-" and "weak" in each.words:
                weak.append(each.version)
    return needs, weak


def definition(of: Text, version: int) -> elf_symbols.Symbol:
    return elf_symbols.Symbol(
        of.name, binding=of.word(BINDINGS, elf_symbols.GLOBAL), kind=of.word(KINDS, elf_symbols.FUNC),
        visibility=of.word(VISIBILITIES, elf_symbols.DEFAULT), referred="referred" in of.words,
        version=version | (elf_symbols.NOT_DEFAULT if of.version and not of.default else 0),
    )  # fmt: skip


def reference(of: Text, version: int) -> elf_symbols.Symbol:
    return elf_symbols.Symbol(
        of.name, elf_symbols.UND, 0, of.word(BINDINGS, elf_symbols.GLOBAL), elf_symbols.NOTYPE,
        of.word(VISIBILITIES, elf_symbols.DEFAULT), version,
    )  # fmt: skip
