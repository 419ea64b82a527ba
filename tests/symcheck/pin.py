"""Writes pins/aarch64-33.txt: `python -m tests.symcheck.pin`. Wheels for another machine, read and never installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

PINS = Path(__file__).parent / "pins" / "aarch64-33.txt"
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64")
WANTED = ("eccodeslib==2.50.0.33", "eckitlib==2.5.0.33", "fdb5lib==5.25.0.33", "metkitlib==1.22.0.33")
EXACTLY = ("--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11")


def download(place: Path, *wanted: str) -> None:
    """The wheels, by the pip of the running interpreter."""
    command = [sys.executable, "-m", "pip", "download", *EXACTLY, "--dest", str(place), *wanted]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    subprocess.run(command, check=True, capture_output=True, text=True)


def lines(place: Path) -> list[str]:
    found = {path.name.partition("-")[0]: hashlib.sha256(path.read_bytes()).hexdigest() for path in place.iterdir()}
    return [f"{each} \\\n    --hash=sha256:{found[each.partition('==')[0]]}" for each in WANTED]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        download(Path(scratch), *WANTED)
        head = "# Linux aarch64, CPython 3.11. Written by `python -m tests.symcheck.pin`."
        PINS.write_text("\n".join([head, *lines(Path(scratch))]) + "\n")
