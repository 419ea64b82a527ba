"""What files demand of the host: our verdict beside the loader's, for the loader of this machine and for glibc 2.41.

A child that runs under the one or the other judges a plan, then opens it, one file after the other, and tells both.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from findlibs2 import demands, host
from tests import need
from tests.build import elf
from tests.build.elf_symbols import library
from tests.oracle import newer_glibc
from tests.wheels.run import project, variables

pytestmark = [*newer_glibc.marks(), need.tool("gcc")]

CHILD = """
import ctypes, json, sys
sys.path.insert(0, sys.argv[1])
from findlibs2 import files, host, linked, process, verdict
from findlibs2.model import Plan, Step

def stack():
    return next(line.split()[1] for line in open("/proc/self/maps") if line.endswith("[stack]\\n"))

before, paths, refused = stack(), sys.argv[2:], None
steps = tuple(Step(path, files.read(path), None, ()) for path in paths)
here = host.snapshot().replace(tunables=host.tunables())
disk = linked.Disk(files.symbols, files.referred, files.read, files.demands)
asked = Plan(("x",), (paths[-1],), steps), here, process.loaded(), disk
told = {each.code: each.__dict__ for each in verdict.judge(*asked).findings}
for path in paths:
    try:
        ctypes.CDLL(path)
    except OSError as error:
        refused = str(error)
        break
print(json.dumps([told, refused, stack() != before]))
"""


class Answer(NamedTuple):
    told: dict[str, dict[str, Any]]  # our findings, by code
    refused: str | None  # the loader's words
    stack_changed: bool


class Loader(NamedTuple):
    command: tuple[str, ...]  # goes before the program
    glibc: tuple[int, ...]

    def ask(self, *paths: Path, **environment: str) -> Answer:
        command = [*self.command, sys.executable, "-I", "-c", CHILD, str(project()), *map(str, paths)]
        env = variables({"LC_ALL": "C", **environment})
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=newer_glibc.PATIENCE)
        assert done.returncode == 0, done.stderr
        return Answer(*json.loads(done.stdout))


@pytest.fixture(params=["here", "2.41"], scope="module")
def loader(request: pytest.FixtureRequest) -> Loader:
    if request.param == "here":
        return Loader((), host.snapshot().libc_version)
    return Loader(tuple(newer_glibc.command()), (2, 41))


def tunables(**values: int) -> str:
    return ":".join(f"glibc.rtld.{name}={value}" for name, value in values.items())


def compiled(path: Path, source: str, *options: str) -> Path:
    command = ["gcc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "-", "-x", "none", "-o", str(path), *options]
    subprocess.run(command, input=source, text=True, check=True)
    return path


class TestStacks:
    REFUSAL = "cannot enable executable stack as shared object requires: Invalid argument"

    @pytest.fixture
    def files(self, tmp_path: Path) -> dict[str | None, Path]:
        """By PT_GNU_STACK."""
        found: dict[str | None, Path] = {each: tmp_path / f"lib{each}.so" for each in ("rw", "rwx", None)}
        for stack, path in found.items():
            path.write_bytes(elf.library(path.name, stack=stack))
        return found

    @pytest.mark.parametrize("tunable", [None, 0, 1, 2])
    @pytest.mark.parametrize("stack", ["rw", "rwx", None])
    def test_what_pt_gnu_stack_wants(
        self, loader: Loader, files: dict[str | None, Path], stack: str | None, tunable: int | None
    ) -> None:
        environment = {"GLIBC_TUNABLES": tunables(execstack=tunable)} if tunable is not None else {}
        answer = loader.ask(files[stack], **environment)
        refused = answer.refused is not None and answer.refused.endswith(self.REFUSAL)
        assert ("executable-stack" in answer.told) == refused == (answer.refused is not None)
        assert ("stack-made-executable" in answer.told) == answer.stack_changed
        assert (refused or answer.stack_changed) == (stack != "rw" and (tunable != 2 or loader.glibc < (2, 41)))

    def test_the_process_has_executable_stacks_if_it_was_started_with_such_a_file(
        self, loader: Loader, files: dict[str | None, Path]
    ) -> None:
        answer = loader.ask(files[None], LD_PRELOAD=str(files["rwx"]))
        assert answer == Answer({}, None, False)


VARIABLES = "static __thread char many[{size}] __attribute__((aligned({align}))); char *touch(void) {{ return many; }}"
INITIAL_EXEC = "-ftls-model=initial-exec"


def static(path: Path, size: int, align: int = 1) -> Path:
    """A library whose thread-local variables are static."""
    return compiled(path, VARIABLES.format(size=size, align=align), INITIAL_EXEC)


def resized(original: Path, path: Path, size: int) -> Path:
    """The same with another p_memsz of PT_TLS."""
    content = bytearray(original.read_bytes())
    (start,), (count,) = struct.unpack_from("<Q", content, 32), struct.unpack_from("<H", content, 56)
    tls = next(at for at in range(start, start + 56 * count, 56) if struct.unpack_from("<I", content, at) == (7,))
    struct.pack_into("<Q", content, tls + 40, size)
    path.write_bytes(content)
    return path


class TestStaticTls:
    REFUSAL = "cannot allocate memory in static TLS block"

    def refused(self, answer: Answer) -> bool:
        assert answer.refused is None or answer.refused.endswith(self.REFUSAL), answer.refused
        return answer.refused is not None

    @pytest.mark.parametrize(
        ("nns", "optional", "surplus"), [(4, 512, 1664), (1, 512, 800), (16, 512, 5120), (4, 0, 1152), (4, 4096, 5248)]
    )
    def test_room_is_the_surplus_and_less_than_one_alignment_more(
        self, loader: Loader, tmp_path: Path, nns: int, optional: int, surplus: int
    ) -> None:
        """What is told never fits; what is not more than the surplus always does, where nobody has taken any of it."""
        original = static(tmp_path / "libx.so", 8)
        environment = {"GLIBC_TUNABLES": tunables(nns=nns, optional_static_tls=optional)}
        sizes = [surplus, surplus + 63, surplus + 64]
        answers = [loader.ask(resized(original, tmp_path / f"lib{each}.so", each), **environment) for each in sizes]
        assert [bool(each.told) for each in answers] == [False, False, True]
        assert [self.refused(each) for each in (answers[0], answers[2])] == [False, True]

    def test_the_tunable_that_is_recommended_makes_room(self, loader: Loader, tmp_path: Path) -> None:
        files = [static(tmp_path / f"lib{size}.so", size, 32) for size in (1000, 5000)]
        answer = loader.ask(*files)
        assert self.refused(answer)
        enough = answer.told["static-tls-full"]["enough"]
        assert loader.ask(*files, GLIBC_TUNABLES=tunables(optional_static_tls=enough)) == Answer({}, None, False)

    @pytest.mark.parametrize(("count", "too_many"), [(26, False), (28, True)])
    def test_small_blocks_take_as_much_as_they_are_aligned(
        self, loader: Loader, tmp_path: Path, count: int, too_many: bool
    ) -> None:
        original = static(tmp_path / "libx.so", 1, 64)
        answer = loader.ask(*(resized(original, tmp_path / f"lib{number}.so", 1) for number in range(count)))
        assert (bool(answer.told), self.refused(answer)) == (too_many, too_many)

    @pytest.mark.parametrize(("align", "too_large"), [(64, False), (128, True)])
    def test_the_area_is_aligned_to_64(self, loader: Loader, tmp_path: Path, align: int, too_large: bool) -> None:
        answer = loader.ask(static(tmp_path / "libx.so", 8, align))
        assert (list(answer.told), self.refused(answer)) == (["static-tls-alignment"] * too_large, too_large)

    def test_or_to_what_the_process_was_started_with(self, loader: Loader, tmp_path: Path) -> None:
        aligned = compiled(tmp_path / "liba.so", VARIABLES.format(size=8, align=128))
        answer = loader.ask(static(tmp_path / "libx.so", 8, 128), LD_PRELOAD=str(aligned))
        assert answer == Answer({}, None, False)

    @pytest.mark.parametrize(("of_owner", "of_user", "too_large"), [(3000, 8, True), (8, 3000, False)])
    def test_the_block_where_the_variable_is_has_to_be_static_not_that_of_its_user(
        self, loader: Loader, tmp_path: Path, of_owner: int, of_user: int, too_large: bool
    ) -> None:
        owner = compiled(tmp_path / "libowner.so", f"__thread char shared[{of_owner}];", "-Wl,-soname,libowner.so")
        source = f'extern __thread char shared[] __attribute__((tls_model("initial-exec")));\
            __thread char own[{of_user}]; char *touch(int i) {{ return i ? shared : own; }}'
        user = compiled(tmp_path / "libuser.so", source, str(owner), "-Wl,-rpath,$ORIGIN")
        answer = loader.ask(owner, user)
        assert (bool(answer.told), self.refused(answer)) == (too_large, too_large)


@pytest.mark.parametrize(("marked", "needs_libc"), [(True, True), (False, True), (False, False)])
def test_compressed_relocations_have_to_be_announced(
    loader: Loader, tmp_path: Path, marked: bool, needs_libc: bool
) -> None:
    versions = ["GLIBC_2.2.5", "GLIBC_ABI_DT_RELR"] if marked else ["GLIBC_2.2.5"]
    needed = {"libc.so.6": versions} if needs_libc else {}
    path = tmp_path / "libx.so"
    tables = {"DT_RELR": bytes(8), "DT_RELRSZ": b"", "DT_RELRENT": b""}
    overrides: dict[str, int | None] = {"DT_RELRSZ": 0, "DT_RELRENT": 8}
    path.write_bytes(library([], "libx.so", [*needed], needs=needed, tables=tables, overrides=overrides))
    answer = loader.ask(path)
    refused = answer.refused is not None and "DT_RELR without GLIBC_ABI_DT_RELR dependency" in answer.refused
    assert ("unmarked-relr" in answer.told, refused) == (needs_libc and not marked,) * 2


@pytest.mark.skipif(
    host.snapshot().libc_version >= (2, 38), reason="what Debian 13 has is not too new for this machine"
)
def test_a_library_of_a_newer_system(loader: Loader) -> None:
    path = newer_glibc.directory() / "libmemusage.so"  # built for 2.38
    answer = loader.ask(path)
    if loader.glibc == (2, 41):
        assert answer == Answer({}, None, False)
    else:
        finding = answer.told["missing-version"]
        assert f"version `{finding['version']}' not found (required by {path})" in str(answer.refused)
        facts = (finding["built_for"], finding["system"], os.path.basename(finding["supplier"]))
        assert facts == ("2.38", ".".join(map(str, loader.glibc)), "libc.so.6")
        assert demands.age(finding["newest"]) <= loader.glibc


def test_the_versions_of_the_c_library_end_with_its_own(loader: Loader, tmp_path: Path) -> None:
    """`GLIBC_2.n` is there up to the version of the library, and then no more: what a file is built for can be told so."""

    def wanting(minor: int) -> Path:
        path = tmp_path / f"lib{minor}.so"
        path.write_bytes(library([], path.name, ["libc.so.6"], needs={"libc.so.6": [f"GLIBC_2.{minor}"]}))
        return path

    own = loader.glibc[1]
    answers: Sequence[Answer] = [loader.ask(wanting(minor)) for minor in (34, own + 1)]
    assert answers[0] == Answer({}, None, False)
    finding = answers[1].told["missing-version"]
    assert (finding["built_for"], answers[1].refused is not None) == (f"2.{own + 1}", True)
