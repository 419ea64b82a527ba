"""What failed once does not fail again; and some thousand new ones do not fail at all."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz.elf_symbols import CORPUS, SEEDS, attempt, mutated

ROUNDS = 3000
KEPT = sorted(CORPUS.iterdir())


def test_there_is_a_corpus() -> None:
    assert KEPT


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_what_was_kept(path: Path) -> None:
    attempt(path.read_bytes())


@pytest.mark.parametrize("content", SEEDS, ids=range(len(SEEDS)))
def test_what_is_mutated(content: bytes) -> None:
    attempt(content)


def test_new_mutants() -> None:
    random = Random(20)
    for _ in range(ROUNDS):
        attempt(mutated(random))
