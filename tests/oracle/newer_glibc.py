"""A second loader: glibc 2.41, as Debian 13 has it, beside that of this machine. Programs of this machine run under it.

The package is pinned by version and hash, downloaded once into the cache and unpacked there; the system is not changed.
`python -m tests.oracle.newer_glibc` writes the pin: Debian's archive keeps of a release only what is newest in it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import need
from tests.wheels import environments

PIN = Path(__file__).parent / "pins" / "newer-glibc.txt"
RELEASE, PACKAGE = "trixie", "libc6"
HELPER = "/usr/lib/apt/apt-helper"  # a part of apt
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
PATIENCE = 120  # seconds


def place() -> Path:
    edition = hashlib.sha256(PIN.read_bytes()).hexdigest()[:12]
    return environments.CACHE / "debian" / f"newer-glibc-{edition}"


def marks() -> list[pytest.MarkDecorator]:
    """What a test needs to run under it."""
    fetching = [] if place().is_dir() else [need.tool("apt-get", "dpkg-deb"), need.debian()]
    other = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the package is pinned for x86_64")
    return [need.linux(), need.glibc(), other, *fetching]


def directory() -> Path:
    """Where its libraries are, the loader among them."""
    return environments.once(place(), unpack) / LIBRARIES


def command() -> list[str]:
    """What goes before a program, so that it runs under it. What else the program needs is this machine's."""
    return [str(directory() / "ld-linux-x86-64.so.2"), "--library-path", str(directory())]


def unpack(target: Path) -> None:
    name, version, sha256 = PIN.read_text().splitlines()[-1].split()
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / f"{name}.deb"
        address = f"{archive()}/pool/main/g/glibc/{quote(f'{name}_{version}_amd64.deb')}"
        subprocess.run([HELPER, "download-file", address, package, f"SHA256:{sha256}"], check=True, capture_output=True)
        subprocess.run(["dpkg-deb", "-x", package, target], check=True)


def archive() -> str:
    """Where this machine has its own release from: the same archive has the others."""
    question = ["apt-get", "download", "--print-uris", "--quiet", need.ASKED_OF_DEBIAN]
    return subprocess.run(question, capture_output=True, text=True, check=True).stdout.split("/pool/")[0].strip("'")


def newest() -> str:
    """`name version sha256` of the release's newest package, from its signed index."""
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / "sources.list"
        for needed in ("lists/partial", "cache/archives/partial"):
            Path(scratch, needed).mkdir(parents=True)
        sources.write_text(f"deb [signed-by={KEYS}] {archive()} {RELEASE} main\n")
        options = [f"-o=Dir::Etc::sourcelist={sources}", "-o=Dir::Etc::sourceparts=/dev/null"]
        options += [f"-o=Dir::State::lists={scratch}/lists", f"-o=Dir::Cache={scratch}/cache"]
        options += ["-o=APT::Sandbox::User=root"]  # nobody else may enter the directory
        subprocess.run(["apt-get", *options, "update"], check=True, capture_output=True)
        told = subprocess.run(
            ["apt-cache", *options, "show", PACKAGE], check=True, capture_output=True, text=True
        ).stdout
    record = next(each for each in told.split("\n\n") if "\nStatus:" not in each)  # the other one is what is installed
    fields = dict(re.findall(r"^(Version|SHA256): (.*)$", record, re.MULTILINE))
    return f"{PACKAGE} {fields['Version']} {fields['SHA256']}"


if __name__ == "__main__":
    PIN.write_text(f"# Debian 13, amd64. Written by `python -m tests.oracle.newer_glibc`.\n{newest()}\n")
