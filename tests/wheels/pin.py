"""Writes the pin files: `python -m tests.wheels.pin [set ...]`; without a name, all of them.

A maintainer names the packages in SETS, pip resolves them as it would on each Python, and every wheel that it chose is
written down with its hash. One file serves every Python of its set: pip takes the wheel that fits and checks its hash.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PINS = Path(__file__).parent / "pins"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


class Set(NamedTuple):
    """What one pin file is resolved from."""

    pythons: tuple[str, ...]
    wanted: tuple[str, ...]  # requirements; pip adds what they require
    without: str | None = None  # another set whose packages are left out here: they are installed from there


class Wheel(NamedTuple):
    """One wheel that pip chose."""

    name: str  # normalised
    version: str
    sha256: str


MODERN = ("3.11", "3.12", "3.13")
# What else was published together, since counter 17 (18, 24 and 25 never were). A loader does not ask which Python a wheel
# is for: one is enough. It is 390 MB.
RELEASED: Mapping[str, tuple[str, ...]] = {
    "31": ("eckitlib==2.5.0.31", "eccodeslib==2.50.0.31", "metkitlib==1.22.0.31", "fdb5lib==5.25.0.31",
           "gribjumplib==0.13.1.31"),
    "30": ("eckitlib==2.3.0.30", "eccodeslib==2.49.0.30", "metkitlib==1.21.0.30", "fdb5lib==5.23.5.30",
           "atlaslib-ecmwf==0.46.0.30", "mirlib==1.30.1.30", "odclib==1.6.3.30"),
    "29": ("eckitlib==2.3.0.29", "eccodeslib==2.48.3.29", "metkitlib==1.21.0.29", "fdb5lib==5.23.5.29",
           "atlaslib-ecmwf==0.46.0.29", "mirlib==1.30.1.29", "odclib==1.6.3.29"),
    "28": ("eckitlib==2.3.0.28", "eccodeslib==2.48.3.28", "metkitlib==1.21.0.28"),
    "27": ("eckitlib==2.2.0.27", "eccodeslib==2.48.2.27", "metkitlib==1.20.2.27", "fdb5lib==5.23.2.27",
           "atlaslib-ecmwf==0.46.0.27", "mirlib==1.30.0.27", "multiolib==2.11.2.27", "gribjumplib==0.13.1.27",
           "odclib==1.6.3.27"),
    "26": ("eckitlib==2.1.1.26", "eccodeslib==2.48.0.26", "metkitlib==1.19.0.26", "fdb5lib==5.22.0.26",
           "atlaslib-ecmwf==0.46.0.26", "mirlib==1.29.1.26", "multiolib==2.10.2.26", "gribjumplib==0.12.0.26"),
    "23": ("eckitlib==2.1.0.23", "eccodeslib==2.47.3.23", "metkitlib==1.18.3.23", "fdb5lib==5.21.4.23"),
    "22": ("eckitlib==2.1.0.22", "eccodeslib==2.47.3.22", "metkitlib==1.18.3.22", "fdb5lib==5.21.4.22",
           "gribjumplib==0.12.0.22"),
    "21": ("eckitlib==2.1.0.21", "eccodeslib==2.47.3.21", "metkitlib==1.18.3.21", "fdb5lib==5.21.4.21",
           "atlaslib-ecmwf==0.46.0.21", "mirlib==1.29.0.21", "odclib==1.6.3.21"),
    "20": ("eckitlib==2.0.7.20", "eccodeslib==2.47.1.20", "metkitlib==1.18.2.20", "fdb5lib==5.21.4.20"),
    "19": ("eckitlib==2.0.7.19", "eccodeslib==2.46.2.19", "metkitlib==1.17.3.19", "fdb5lib==5.21.0.19",
           "atlaslib-ecmwf==0.46.0.19", "mirlib==1.28.1.19", "multiolib==2.9.3.19", "gribjumplib==0.10.4.19",
           "odclib==1.6.3.19", "fckitlib==0.14.2.19"),
    "17": ("eckitlib==2.0.6.17", "eccodeslib==2.46.2.17", "metkitlib==1.17.2.17", "fdb5lib==5.21.0.17",
           "atlaslib-ecmwf==0.46.0.17", "mirlib==1.28.1.17", "odclib==1.6.3.17"),
}  # fmt: skip
SETS: Mapping[str, Set] = {
    "wrappers-33": Set(
        MODERN,
        ("eckitlib==2.5.0.33", "eccodeslib==2.50.0.33", "metkitlib==1.22.0.33", "fdb5lib==5.25.0.33",
         "atlaslib-ecmwf==0.47.0.33", "mirlib==1.30.2.33", "multiolib==2.12.0.33", "gribjumplib==0.13.1.33"),
    ),
    "interfaces-33": Set(
        MODERN,
        ("eckitlib==2.5.0.33", "eccodeslib==2.50.0.33", "mirlib==1.30.2.33", "eckit==2.5.0.33",
         "mir-python==1.30.2.33", "eccodes==2.50.0", "pyfdb==5.25.0.33", "pymetkit==1.22.0.33", "z3fdb==5.25.0.33",
         "pymultio==2.12.0.33", "pygribjump==0.13.1.33", "findlibs==0.1.3", "packaging"),
        without="wrappers-33",
    ),
    "wrappers-32": Set(
        MODERN,
        ("eckitlib==2.5.0.32", "eccodeslib==2.50.0.32", "metkitlib==1.22.0.32", "fdb5lib==5.25.0.32",
         "atlaslib-ecmwf==0.47.0.32", "mirlib==1.30.2.32", "odclib==1.6.3.32"),
    ),
    "interfaces-32": Set(MODERN, ("odclib==1.6.3.32", "pyodc==1.6.0", "findlibs==0.1.3"), without="wrappers-32"),
    "wrappers-27": Set(
        ("3.10",),
        ("eckitlib==2.2.0.27", "eccodeslib==2.48.2.27", "metkitlib==1.20.2.27", "fdb5lib==5.23.2.27",
         "atlaslib-ecmwf==0.46.0.27", "mirlib==1.30.0.27", "multiolib==2.11.2.27", "gribjumplib==0.13.1.27",
         "odclib==1.6.3.27"),
    ),
    "interfaces-27": Set(
        ("3.10",),
        # pyfdb starts with 3.11 (what 3.10 would get, 0.1.3, is another program)
        ("eckitlib==2.2.0.27", "mirlib==1.30.0.27", "eckit==2.2.0.27", "mir-python==1.30.0.27", "findlibs==0.1.3"),
        without="wrappers-27",
    ),
    # Wrappers of another release, to be put under the newest ones.
    # Packages that bring libraries of the same names, and whom a stack in the global scope disturbs.
    "neighbours": Set(("3.10", *MODERN), ("pycurl", "psycopg2-binary", "pyproj")),
    "older-30": Set(MODERN, ("eckitlib==2.3.0.30", "eccodeslib==2.49.0.30", "metkitlib==1.21.0.30")),
    **{f"released-{counter}": Set(("3.11",), wanted) for counter, wanted in RELEASED.items()},
    "findlibs": Set(("3.10", *MODERN), ("findlibs==0.1.3",)),
    "pyfakefs": Set(("3.10", *MODERN), ("pyfakefs==6.3.2",)),
}  # fmt: skip


def resolve(wanted: Iterable[str], python: str) -> set[Wheel]:
    """What pip would install on that Python, Linux x86_64."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), "--target", scratch, "--only-binary", ":all:", "--python-version", python]
        command += [word for platform in PLATFORMS for word in ("--platform", platform)]
        subprocess.run([*command, *wanted], check=True)
        return {_wheel(chosen) for chosen in json.loads(report.read_text())["install"]}


def _wheel(chosen: Mapping[str, Any]) -> Wheel:
    name = chosen["metadata"]["name"].lower().replace("_", "-").replace(".", "-")
    return Wheel(name, chosen["metadata"]["version"], chosen["download_info"]["archive_info"]["hashes"]["sha256"])


def lines(chosen: Mapping[str, set[Wheel]]) -> list[str]:
    """Requirements with hashes: `chosen` for each Python. A version that only some of them take gets a marker."""
    written = []
    for name, version in sorted({(wheel.name, wheel.version) for wheels in chosen.values() for wheel in wheels}):
        same = {python: [w for w in wheels if w[:2] == (name, version)] for python, wheels in chosen.items()}
        takers = [python for python, wheels in same.items() if wheels]
        marker = "" if takers == list(chosen) else " ; " + " or ".join(f'python_version == "{p}"' for p in takers)
        hashes = dict.fromkeys(wheel.sha256 for wheels in same.values() for wheel in wheels)
        written.append(" \\\n".join([f"{name}=={version}{marker}", *(f"    --hash=sha256:{one}" for one in hashes)]))
    return written


def write(name: str) -> None:
    """One pin file."""
    of = SETS[name]
    left_out = {_name(requirement) for requirement in SETS[of.without].wanted} if of.without else set()
    chosen = {python: {w for w in resolve(of.wanted, python) if w.name not in left_out} for python in of.pythons}
    head = f"# Linux x86_64, CPython {', '.join(of.pythons)}. Written by `python -m tests.wheels.pin {name}`."
    PINS.joinpath(f"{name}.txt").write_text("\n".join([head, *lines(chosen)]) + "\n")


def _name(requirement: str) -> str:
    return requirement.partition("==")[0]


if __name__ == "__main__":
    for asked in sys.argv[1:] or SETS:
        write(asked)
