"""The loader's own list, walked through /proc/self/mem, is what dl_iterate_phdr(3) and dlinfo(3) say."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests import need
from tests.build import elf

pytestmark = need.linux()

# What every child begins with. `iterated`: (path, load address) of each object, from the C library.
PRELUDE = """
import ctypes, os, sys
from findlibs2 import process

class Info(ctypes.Structure):
    _fields_ = [("addr", ctypes.c_void_p), ("name", ctypes.c_char_p)]

def iterated():
    found = []
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
    def note(info, size, past):
        found.append((os.fsdecode(info[0].name), info[0].addr or 0))
        return 0
    ctypes.CDLL(None).dl_iterate_phdr(kind(note), None)
    return found

def walked():
    return [(each.path, each.base) for each in process.loaded()]

def names():
    return [each.name for each in process.loaded()]
"""


def child(script: str, cwd: Path, *, argv: tuple[str, ...] = (sys.executable,)) -> str:
    """What a fresh process prints; it must end well."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*argv, "-c", PRELUDE + textwrap.dedent(script)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def build(directory: Path, name: str, content: bytes) -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


def test_a_bare_process_and_one_with_many_extension_modules(tmp_path: Path) -> None:
    script = """
        import bz2, decimal, hashlib, lzma, select, socket, sqlite3, ssl, zlib
        assert walked() == iterated()
        print(len(walked()) > 15)
    """
    assert child(script, tmp_path) == "True"


def test_after_dlopen_and_dlclose(tmp_path: Path) -> None:
    build(tmp_path, "liba.so", elf.library("liba.so.1"))
    build(tmp_path, "libb.so", elf.library("libb.so.1"))
    script = """
        import _ctypes
        first, second = _ctypes.dlopen("./liba.so", 2), _ctypes.dlopen("./libb.so", 2)
        assert walked() == iterated(), "opened"
        opened = walked()[-2:]
        _ctypes.dlclose(first)
        assert walked() == iterated(), "closed"
        print([path for path, _ in opened], walked()[-1][0])
    """
    assert child(script, tmp_path) == "['./liba.so', './libb.so'] ./libb.so"


@pytest.mark.parametrize(
    ("opened", "path", "name"),
    [
        ("{here}/libx.so", "{here}/libx.so", "libx.so.1"),
        ("./libx.so", "./libx.so", "libx.so.1"),
        ("{here}/../{folder}//libx.so", "{here}/../{folder}//libx.so", "libx.so.1"),
        ("{here}/link.so", "{here}/link.so", "libx.so.1"),
        ("{here}/bare.so", "{here}/bare.so", None),
        ("{here}/ümlaut.so", "{here}/ümlaut.so", "ü.so"),
    ],
)
def test_an_object_has_the_path_it_was_opened_by_and_its_soname(
    tmp_path: Path, opened: str, path: str, name: str | None
) -> None:
    build(tmp_path, "libx.so", elf.library("libx.so.1"))
    build(tmp_path, "bare.so", elf.library())
    build(tmp_path, "ümlaut.so", elf.library("ü.so"))
    (tmp_path / "link.so").symlink_to("libx.so")
    places = {"here": str(tmp_path), "folder": tmp_path.name}
    script = f"""
        ctypes.CDLL({opened.format(**places)!r})
        assert walked() == iterated()
        last = process.loaded()[-1]
        print(ascii((last.path, last.name)))
    """
    assert child(script, tmp_path) == ascii((path.format(**places), name))


def test_a_file_that_was_renamed_keeps_the_path_it_was_opened_by(tmp_path: Path) -> None:
    build(tmp_path, "old.so", elf.library("libx.so.1"))
    script = """
        ctypes.CDLL("./old.so")
        os.rename("old.so", "new.so")
        there = os.stat("new.so")
        assert walked() == iterated()
        print(walked()[-1][0], (there.st_dev, there.st_ino) in process.mapped()[os.path.abspath("new.so")])
    """
    assert child(script, tmp_path) == "./old.so True"


def test_a_file_that_was_replaced_is_mapped_as_what_it_was(tmp_path: Path) -> None:
    """What is mapped is not what the path leads to now; both the old identity and the path tell."""
    build(tmp_path, "libx.so", elf.library("libx.so.1"))
    build(tmp_path, "other.so", elf.library("libx.so.2"))
    script = """
        before = os.stat("libx.so")
        ctypes.CDLL("./libx.so")
        os.rename("other.so", "libx.so")
        after = os.stat("libx.so")
        places = process.mapped()[os.path.abspath("libx.so")]
        print((before.st_dev, before.st_ino) in places, (after.st_dev, after.st_ino) in places, names()[-1])
    """
    assert child(script, tmp_path) == "True False libx.so.1"


@need.glibc()
def test_another_namespace_is_not_listed(tmp_path: Path) -> None:
    """dlmopen(3): objects there satisfy nothing here, so they are not part of this list."""
    build(tmp_path, "libx.so", elf.library("libx.so.1"))
    script = """
        dlmopen = ctypes.CDLL(None).dlmopen
        dlmopen.restype = ctypes.c_void_p
        before = walked()
        assert dlmopen(ctypes.c_long(-1), b"./libx.so", 2)
        print(walked() == before, "libx.so.1" in names())
    """
    assert child(script, tmp_path) == "True False"


def test_after_the_arguments_and_the_environment_were_overwritten(tmp_path: Path) -> None:
    """As setproctitle does: these are the process's own memory; the auxiliary vector is copied by the kernel."""
    script = """
        fields = open("/proc/self/stat").read().rpartition(")")[2].split()
        arg_start, env_end = int(fields[45]), int(fields[48])  # proc(5): (48) and (51)
        before = walked()
        ctypes.memset(arg_start, ord("x"), env_end - arg_start - 1)
        assert open("/proc/self/cmdline", "rb").read().startswith(b"xxxx")
        print(walked() == before == iterated())
    """
    assert child(script, tmp_path) == "True"


@need.glibc()
def test_in_a_process_that_the_loader_itself_has_started(tmp_path: Path) -> None:
    """ld.so(8): "The program can also be run directly as a command [...] /lib/ld-linux.so.* [OPTIONS] [PROGRAM]"."""
    headers = subprocess.run(["readelf", "-lW", os.path.realpath(sys.executable)], capture_output=True, text=True)
    loader = headers.stdout.partition("interpreter: ")[2].partition("]")[0]
    if not loader:
        pytest.skip("missing here: readelf, or a loader of this interpreter")
    script = """
        assert walked() == iterated()
        print(walked()[0][0] == "", "libc.so.6" in names())
    """
    assert child(script, tmp_path, argv=(loader, os.path.realpath(sys.executable))) == "True True"


def test_while_other_threads_open_and_close_libraries(tmp_path: Path) -> None:
    """Never a crash, never an endless walk; and every answer has all that stays."""
    for number in range(4):
        build(tmp_path, f"lib{number}.so", elf.library(f"lib{number}.so.1"))
    script = """
        import _ctypes, threading
        stop = threading.Event()
        def churn(path):
            while not stop.is_set():
                _ctypes.dlclose(_ctypes.dlopen(path, 2))
        threads = [threading.Thread(target=churn, args=(f"./lib{number}.so",)) for number in range(4)]
        for thread in threads:
            thread.start()
        stays = {each.base for each in process.loaded() or () if each.path.startswith("/")}
        seen = [process.loaded() for _ in range(100)]
        stop.set()
        answers = [found for found in seen if found is not None]
        assert all(stays <= {each.base for each in found} for found in answers if len(found) > 3)
        print(len(answers) > 0)
    """
    assert child(script, tmp_path) == "True"
