"""A stage on which the loader and findlibs2 are asked the same question: which file is taken for a name, after which.

The loader answers in its own words (LD_DEBUG=libs), and by what it has opened. A test module takes the two fixtures
with `driver, stage = stages.driver, stages.stage`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from findlibs2 import files, host
from findlibs2.loaders import glibc
from findlibs2.model import Binary, Candidate, Host
from tests.build import elf

# Opens its first argument, then says by which path the loader knows the second one.
DRIVER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
int main(int argc, char **argv) {
    if (!dlopen(argv[1], RTLD_NOW)) { puts("refused"); fputs(dlerror(), stderr); return 0; }
    struct link_map *found = dlopen(argv[2], RTLD_NOW | RTLD_NOLOAD);
    puts(found ? found->l_name : "not loaded");
    return 0;
}
"""
WANTED = "libwanted.so"


class Answer(NamedTuple):
    """The files that were tried in directories that exist, the one that decided being the last; and what came of it."""

    tried: tuple[str, ...]
    outcome: str  # a path, or "refused"


class Stage:
    """A directory with libraries, a program that opens them, and the question put to the loader and to us."""

    def __init__(self, here: Path, program: Path) -> None:
        self.here, self.program = here, program
        self.environment: dict[str, str] = {}
        self.secure = False
        self.inside: tuple[str, ...] = ()  # command that runs the program

    def directory(self, name: str) -> str:
        (self.here / name).mkdir(parents=True, exist_ok=True)
        return str(self.here / name)

    def library(self, place: str, needed: str | None = None, **facts: object) -> str:
        """One at `place`, which needs `needed`; its SONAME is its file name. The path."""
        path = self.here / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(elf.library(path.name, [needed] if needed else [], **facts))  # type: ignore[arg-type]
        return str(path)

    def wanted_in(self, *directories: str) -> None:
        for directory in directories:
            self.library(f"{directory}/{WANTED}")

    def loader(self, opened: str, wanted: str = WANTED) -> Answer:
        environment = {**self.environment, "LD_DEBUG": "libs", "LC_ALL": "C"}
        command = [*self.inside, str(self.program), opened, wanted]
        done = subprocess.run(command, cwd=self.here, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        searches = re.split(r"find library=(\S+) \[0\]; searching\n", done.stderr)
        after = dict(zip(searches[1::2], searches[2::2], strict=True)).get(wanted, "")
        trying = re.findall(r"trying file=(.*)\n", after.partition("\n\n")[0].partition("calling init")[0])
        return Answer(tuple(filter(self.is_in_a_directory, trying)), done.stdout.strip())

    def us(self, by: str, ancestry: tuple[str, ...] = (), wanted: str = WANTED) -> Answer:
        here = self.host()
        tried = []
        places = glibc.search(
            wanted, read(by), [read(path) for path in ancestry], here, host.cached, host.default_directories,
            host.processor, self.holds,
        )  # fmt: skip
        for place in places:
            if not self.is_in_a_directory(place.path):
                continue
            tried.append(place.path)
            outcome = glibc.outcome(files.read(os.path.join(self.here, place.path)), here)
            if outcome != "skipped":
                return Answer(tuple(tried), place.path if outcome == "taken" else "refused")
        return Answer(tuple(tried), "refused")

    def host(self) -> Host:
        library_path = None if self.secure else self.environment.get("LD_LIBRARY_PATH")
        program = read(str(self.program))
        return host.snapshot().replace(executable=program, library_path=library_path, secure=self.secure)

    def holds(self, place: Candidate, entry: str) -> bool:
        return os.path.exists(os.path.join(self.here, place.directory, entry))

    def is_in_a_directory(self, path: str) -> bool:
        return os.path.isdir(os.path.join(self.here, os.path.dirname(path)))

    def agree(self, opened: str, ancestry: tuple[str, ...] = (), by: str | None = None) -> str:
        """Asks both, about what `by` needs once `opened` is opened; the file they agree on, relative to the stage."""
        loader, we = self.loader(opened), self.us(by or opened, ancestry)
        assert we == loader
        return os.path.relpath(we.outcome, self.here) if "/" in we.outcome else we.outcome


def read(path: str) -> Binary:
    binary = files.read(path).binary
    assert binary is not None, path
    return binary


def compiled(directory: Path, name: str, *options: str) -> Path:
    source, program = directory / "driver.c", directory / name
    source.write_text(DRIVER)
    subprocess.run(["gcc", "-o", str(program), str(source), *options, "-ldl"], check=True)
    return program


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("driver"), "driver")


@pytest.fixture
def stage(tmp_path: Path, driver: Path) -> Stage:
    return Stage(tmp_path, driver)
