"""A Python whose loader is musl's, made of Debian's sources: `python()` is the program. About two minutes, once.

Nothing of the kind is published where tests can get it. The sources are pinned by hash and downloaded into the cache;
modules that the tests need are built into the program, so that it has no libraries of its own but the C library.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests import need
from tests.wheels import environments

LOADER = Path("/lib/ld-musl-x86_64.so.1")
NEEDED = (need.tool("apt-get", "gcc", "make", "musl-gcc"), need.debian())
# Debian's source package -> what its archive has of the authors: the file, and its SHA-256.
SOURCES: Mapping[str, tuple[str, str]] = {
    "libffi": ("libffi_3.4.4.orig.tar.gz", "d66c56ad259a82cf2a9dfc408b32bf5da52371500b84745f7fb8b645712df676"),
    "python3.11": (
        "python3.11_3.11.2.orig.tar.gz",
        "2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849",
    ),
}
# Modules/Setup.local: what findlibs2 imports, and what that imports of the standard library.
BUILT_IN = """*static*
_csv _csv.c
_ctypes _ctypes/_ctypes.c _ctypes/callbacks.c _ctypes/callproc.c _ctypes/stgdict.c _ctypes/cfield.c -lffi
_posixsubprocess _posixsubprocess.c
_random _randommodule.c
_sha512 sha512module.c
_socket socketmodule.c
_struct _struct.c
array arraymodule.c
binascii binascii.c
fcntl fcntlmodule.c
math mathmodule.c
select selectmodule.c
"""
# Debian's headers of the kernel, behind musl's own. No multiarch name: configure knows none for musl with this compiler.
COMPILER = """#!/bin/sh
case " $* " in *-print-multiarch*) exit ;; esac
exec musl-gcc "$@" -idirafter {headers}
"""
OPTIONS = ("--without-ensurepip", "--disable-test-modules", "ac_cv_file__dev_ptmx=no", "ac_cv_file__dev_ptc=no")


def python() -> Path:
    facts = repr((SOURCES, BUILT_IN, COMPILER, OPTIONS)).encode()
    edition = hashlib.sha256(facts).hexdigest()[:12]
    return environments.once(environments.CACHE / "musl-python" / edition, build) / "bin" / "python3.11"


def build(place: Path) -> None:
    """The program and its standard library below `place`, which may be renamed afterwards."""
    work = place.with_name("work")
    work.mkdir()
    for name, (file, sha256) in SOURCES.items():
        with tarfile.open(checked(download(name, file, work), sha256)) as archive:
            archive.extractall(work)
    compiler, made = write_compiler(work), work / "ffi"
    ffi, tree = work / "libffi-3.4.4", work / "Python-3.11.2"
    run(ffi, compiler, "./configure", f"--prefix={made}", "--disable-shared", "--with-pic", "--disable-docs")
    run(ffi, compiler, "make", "-j2", "install")
    (tree / "Modules" / "Setup.local").write_text(BUILT_IN)
    run(tree, compiler, "./configure", f"CPPFLAGS=-I{made}/include", f"LDFLAGS=-L{made}/lib -s", "CFLAGS=-O1", *OPTIONS)
    run(tree, compiler, "make", "-j2", "python")
    for directory in (place / "bin", place / "lib" / "python3.11" / "lib-dynload"):
        directory.mkdir(parents=True)
    os.rename(tree / "python", place / "bin" / "python3.11")
    for found in (tree / "Lib").iterdir():
        if found.name not in ("test", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip"):
            os.rename(found, place / "lib" / "python3.11" / found.name)


def write_compiler(work: Path) -> Path:
    headers, compiler = work / "headers", work / "cc"
    headers.mkdir()
    for name, where in (("linux", "linux"), ("asm-generic", "asm-generic"), ("asm", "x86_64-linux-gnu/asm")):
        (headers / name).symlink_to(f"/usr/include/{where}")
    compiler.write_text(COMPILER.format(headers=headers))
    compiler.chmod(0o755)
    return compiler


def run(where: Path, compiler: Path, *command: str) -> None:
    # pkg-config would lead to libraries of the system, which are none of musl's.
    environment = {"PATH": os.environ["PATH"], "CC": str(compiler), "PKG_CONFIG": "false", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")


def download(name: str, file: str, place: Path) -> Path:
    """The source as its authors gave it. A machine that asks for programs alone is told to ask for sources, by us alone."""
    parts, lists = place / "parts", environments.CACHE / "apt-sources"
    parts.mkdir(exist_ok=True)
    lists.joinpath("partial").mkdir(parents=True, exist_ok=True)
    for known in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.*")):
        if known.suffix in (".list", ".sources") and known.is_file():
            (parts / known.name).write_text(as_source(known.read_text()))
    options = {"SourceList": "/dev/null", "SourceParts": str(parts)}
    command = ["apt-get", "--quiet", "-o", f"Dir::State::Lists={lists}"]
    command += [word for key, value in options.items() for word in ("-o", f"Dir::Etc::{key}={value}")]
    subprocess.run([*command, "update"], check=True, capture_output=True)
    subprocess.run(
        [*command, "source", "--download-only", "--tar-only", name], cwd=place, check=True, capture_output=True
    )
    return place / file


def as_source(text: str) -> str:
    """Lines of apt's list of archives (sources.list(5), either style), that ask for sources."""
    return re.sub(r"^(Types: )?deb(?=\s)", r"\1deb-src", text, flags=re.MULTILINE)


def checked(file: Path, sha256: str) -> Path:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha256:
        raise RuntimeError(f"{file.name} has the SHA-256 {found}, not {sha256}")
    return file
