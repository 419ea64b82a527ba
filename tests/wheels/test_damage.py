"""A damaged library of the real stack is refused by name before anything is opened, and the interpreter lives.

libmir.so is cut at every 4 KiB and at random bytes. A loader maps what the PT_LOAD segments promise; where the file
ends before that, the kernel answers the first access with SIGBUS (mmap(2)). What follows the last one is not mapped.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

import findlibs2
from findlibs2.findings import BadFile
from findlibs2.notes import TruncatedTail
from tests.wheels import closure
from tests.wheels.environments import Environment
from tests.wheels.run import answer, run

PAGE = 4096  # bytes
LOAD = """
import findlibs2
try:
    findlibs2.load("mir")
    told = None
except findlibs2.RefusedError as error:
    told = [[type(finding).__name__, finding.path, finding.problem.code] for finding in error.findings]
tell([told, len([path for path in mapped() if "lib64/lib" in path or ".libs/" in path])])
"""


@pytest.fixture
def site(newest: Environment, tmp_path: Path) -> Path:
    """All wrappers by symbolic link, but `mirlib`: that one is a copy, and its library may be damaged."""
    for package in newest.site.iterdir():
        if package.name != "mirlib":
            (tmp_path / package.name).symlink_to(package)
    (tmp_path / "mirlib" / "lib64").mkdir(parents=True)
    for name in ("__init__.py", "lib64/libmir.so"):
        shutil.copyfile(newest.site / "mirlib" / name, tmp_path / "mirlib" / name)
    return tmp_path


@pytest.fixture
def libmir(site: Path) -> Path:
    return site / "mirlib" / "lib64" / "libmir.so"


def expected(libmir: Path, size: int, loaded_end: int, whole: int) -> list[tuple[object, ...]]:
    """What a plan has to say of the file when it is cut to `size` bytes."""
    if size >= whole:
        return []
    if size >= loaded_end:
        return [("truncated-tail", "warning", str(libmir), whole - size)]
    return [("bad-file", "error", str(libmir), "damaged" if size else "empty")]


def judged() -> list[tuple[object, ...]]:
    """What a plan does say of damaged files."""
    told: list[tuple[object, ...]] = []
    for finding in findlibs2.plan("mir").findings:
        if isinstance(finding, BadFile):
            told.append((finding.code, finding.severity, finding.path, finding.problem.code))
        elif isinstance(finding, TruncatedTail):
            told.append((finding.code, finding.severity, finding.path, finding.missing))
    return told


def cuts(whole: int, loaded_end: int) -> list[int]:
    """Largest first, so that one copy is enough. Down to 64 bytes, a whole file header; and nothing at all."""
    anywhere = random.Random(1).sample(range(64, whole), 200)
    behind = random.Random(2).sample(range(loaded_end, whole), 20)
    edges = [loaded_end - 1, loaded_end, loaded_end + 1, whole - 1, whole, 64, 0]
    return sorted({*range(PAGE, whole, PAGE), *anywhere, *behind, *edges}, reverse=True)


def test_every_cut_is_judged_by_the_end_of_the_last_pt_load(
    site: Path, libmir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)
    whole, loaded_end = libmir.stat().st_size, closure.read(libmir).loaded_end
    wrong = []
    for size in cuts(whole, loaded_end):
        os.truncate(libmir, size)
        if judged() != expected(libmir, size, loaded_end, whole):
            wrong.append((size, judged(), expected(libmir, size, loaded_end, whole)))
    assert wrong == []


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999])
def test_a_cut_below_the_last_pt_load_is_refused_and_nothing_is_mapped(site: Path, libmir: Path, part: float) -> None:
    os.truncate(libmir, int(closure.read(libmir).loaded_end * part))
    code = "damaged" if part else "empty"
    assert answer(LOAD, site) == [[["BadFile", str(libmir), code]], 0]


def test_a_cut_above_it_loads(site: Path, libmir: Path, newest: Environment) -> None:
    os.truncate(libmir, closure.read(libmir).loaded_end)
    assert answer(LOAD, site) == [None, len(closure.closure(newest.site, "libmir.so"))]


def test_program_headers_of_zeros_are_refused(site: Path, libmir: Path) -> None:
    with libmir.open("r+b") as file:
        # ELF gABI, ELF header: 64 bytes for ELFCLASS64; the program headers, 56 bytes each, follow in these files.
        file.seek(64)
        file.write(bytes(56 * 12))
    assert answer(LOAD, site) == [[["BadFile", str(libmir), "damaged"]], 0]


def test_the_loader_alone_does_not_survive_it(newest: Environment, tmp_path: Path) -> None:
    """Why all this: a library that needs only the C library, cut in the middle, given to the loader as it is."""
    libqhull = Path(shutil.copy(newest.site / "atlaslib_ecmwf" / "lib64" / "libqhull_r.so", tmp_path))
    os.truncate(libqhull, closure.read(libqhull).loaded_end // 2)
    done = run(f"import ctypes; ctypes.CDLL({str(libqhull)!r})")
    assert done.returncode in (-signal.SIGBUS, -signal.SIGSEGV)
