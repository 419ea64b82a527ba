"""Published wheels as files: those of a pinned set, and some for another machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests import need
from tests.symcheck import pin
from tests.wheels.environments import CACHE, downloaded, installed, once, ready


def wheels(name: str) -> dict[str, Path]:
    """The wheel files of `tests/wheels/pins/<name>.txt` for the running Python, by distribution."""
    installed(name)
    return downloaded(name)


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
