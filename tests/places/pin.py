"""Writes the pin files of this folder: `python -m tests.places.pin [pyinstaller] [debian]`; without a name, both.

Wheels are resolved as in `tests.wheels.pin`. Debian's packages are named here with their versions, those of the release
itself: its archive keeps them, while those of its security updates go when the next one comes.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.places import debian
from tests.wheels.pin import MODERN, lines, resolve

PINS = Path(__file__).parent / "pins"
WHEELS = ("pyinstaller==6.22.3", "pyinstaller-hooks-contrib==2026.9")
DEBIAN: Mapping[str, str] = {
    "libaec0": "1.0.6-1+b1",
    "libeccodes-data": "2.28.0-1",
    "libeccodes0": "2.28.0-1",
    "libopenjp2-7": "2.5.0-2+deb12u3",
    "libpng16-16": "1.6.39-2+deb12u5",
}


def wheels() -> list[str]:
    head = f"# Linux x86_64, CPython {', '.join(MODERN)}. Written by `python -m tests.places.pin pyinstaller`."
    return [head, *lines({python: resolve(WHEELS, python) for python in MODERN})]


def packages() -> list[str]:
    """`name version sha256`, one a line."""
    head = "# Debian 12, amd64. Written by `python -m tests.places.pin debian`."
    with tempfile.TemporaryDirectory() as scratch:
        return [head, *(" ".join([*pin, digest(pin, Path(scratch))]) for pin in DEBIAN.items())]


def digest(pin: tuple[str, str], place: Path) -> str:
    return hashlib.sha256(debian.downloaded(*pin, place).read_bytes()).hexdigest()


WRITERS = {"pyinstaller": wheels, "debian": packages}

if __name__ == "__main__":
    for asked in sys.argv[1:] or WRITERS:
        PINS.joinpath(f"{asked}.txt").write_text("\n".join(WRITERS[asked]()) + "\n")
