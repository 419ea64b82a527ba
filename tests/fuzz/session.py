"""A session of fuzzing: mutants, one after the other; what fails is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random


def session(
    corpus: Path, mutated: Callable[[Random], bytes], attempt: Callable[[bytes], None], arguments: Sequence[str]
) -> int:
    """1 if any failed, as an exit status. `arguments`: how many rounds; the seed, or else 0."""
    rounds, seed = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0
    random = Random(seed)
    failed = 0
    for _ in range(rounds):
        content = mutated(random)
        try:
            attempt(content)
        except Exception as error:
            failed += 1
            corpus.mkdir(parents=True, exist_ok=True)
            path = corpus / hashlib.sha256(content).hexdigest()[:16]
            path.write_bytes(content)
            print(f"{path}: {type(error).__name__}: {error}")
    return int(bool(failed))
