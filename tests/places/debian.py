"""A library that somebody installed without any wheel: Debian's own ecCodes, and what it needs of Debian.

The packages are pinned by version and hash, downloaded once into the cache and unpacked there; the system is not changed.
`install` puts the library below a prefix, as `make install` would.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests import need
from tests.places import prefixes
from tests.wheels import environments

PINS = Path(__file__).parent / "pins" / "debian.txt"
LIBRARIES = ("libaec.so.0", "libeccodes.so.0", "libopenjp2.so.7", "libpng16.so.16")
NEEDED = (need.tool("apt-get", "dpkg-deb", "patchelf"), need.debian())
ORIGIN = "$ORIGIN/../lib"  # what ecbuild writes into libraries, if nothing else is asked for


class Pin(NamedTuple):
    """One package."""

    name: str
    version: str
    sha256: str


def unpacked() -> Path:
    """The directory that holds the `usr` of all pinned packages."""
    edition = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    return environments.once(environments.CACHE / "debian" / edition, unpack)


def unpack(place: Path) -> None:
    for pin in pins():
        package = downloaded(pin.name, pin.version, place.parent)
        found = hashlib.sha256(package.read_bytes()).hexdigest()
        if found != pin.sha256:
            raise RuntimeError(f"{package.name} has the SHA-256 {found}, not {pin.sha256}")
        subprocess.run(["dpkg-deb", "-x", package, place], check=True)


def pins() -> list[Pin]:
    rows = (line for line in PINS.read_text().splitlines() if not line.startswith("#"))
    return [Pin(*row.split()) for row in rows]


def downloaded(name: str, version: str, place: Path) -> Path:
    """The package's file. A machine that has never asked knows no packages, so it is told to ask, once."""
    command = ["apt-get", "download", "--quiet", f"{name}={version}"]
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode:
        subprocess.run(["apt-get", "update", "--quiet"], check=True, capture_output=True)
        done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    return next(place.glob(f"{name}_*.deb"))


def install(prefix: Path, lib: str = "lib", rpath: str | None = ORIGIN) -> Path:
    """libeccodes.so and what it needs in `prefix/lib`, its tables in `prefix/share`; where the library is.

    `rpath` is the DT_RPATH of the libraries; None: none, as Debian ships them.
    """
    usr, libraries = unpacked() / "usr", prefix / lib
    libraries.mkdir(parents=True, exist_ok=True)
    for name in LIBRARIES:
        file = Path(shutil.copy(usr / "lib" / "x86_64-linux-gnu" / name, libraries / name))
        if rpath is not None:
            subprocess.run([str(need.which("patchelf")), "--force-rpath", "--set-rpath", rpath, file], check=True)
    shared = prefix / "share" / "eccodes"
    shutil.copytree(usr / "share" / "eccodes", shared, copy_function=prefixes.linked)
    (libraries / "libeccodes.so").symlink_to("libeccodes.so.0")
    return libraries / "libeccodes.so"


def tables(prefix: Path) -> Mapping[str, str]:
    """Where this ecCodes reads its tables; without these variables, where Debian installs them."""
    shared = prefix / "share" / "eccodes"
    return {"ECCODES_DEFINITION_PATH": f"{shared}/definitions", "ECCODES_SAMPLES_PATH": f"{shared}/samples"}
