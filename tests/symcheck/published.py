"""Published wheels as files: those of a pinned set, and some for another machine."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tests import need
from tests.symcheck import pin
from tests.wheels.environments import CACHE, PYTHON, installed, once, ready
from tests.wheels.pin import PINS

PINNED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
TAG = f"cp{PYTHON.replace('.', '')}"


def wheels(name: str) -> dict[str, Path]:
    """The wheel files of `tests/wheels/pins/<name>.txt` for the running Python, by distribution."""
    installed(name)
    pinned = PINNED.findall((PINS / f"{name}.txt").read_text())
    found = {
        distribution: path
        for distribution, version in pinned
        for path in (CACHE / "wheels").glob(f"{distribution.replace('-', '_')}-{version}-*.whl")
        if f"-{TAG}-" in path.name or "-none-any" in path.name
    }
    assert found.keys() == {distribution for distribution, _ in pinned}
    return found


def of_aarch64() -> list[Path]:
    """Every wheel of `pins/aarch64-33.txt`."""
    return sorted(once(_place(), _download).iterdir())


def needs(*names: str) -> list[pytest.MarkDecorator]:
    """Marks of a test for which these sets must be here, or else the package index."""
    here = all(map(ready, names)) and _place().is_dir()
    return [need.linux(), *([] if here else [need.index()])]


def _place() -> Path:
    return CACHE / "symcheck" / f"aarch64-{hashlib.sha256(pin.PINS.read_bytes()).hexdigest()[:12]}"


def _download(place: Path) -> None:
    place.mkdir()
    pin.download(place, "--require-hashes", "--requirement", str(pin.PINS))
