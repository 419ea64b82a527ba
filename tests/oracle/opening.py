"""The authority: the loader of this machine opens a file in a child process, and the child may die of it.

`outcomes(paths)` answers for each path "loads", "refuses: <the loader's words>" or "dies: <how>". The file is opened
with RTLD_NOW, `touch()` is called if there is such a function, one more name is looked for (which compares it with the
names of all that is open), and the process ends through exit(3): a library that kills it only then has killed it too.

What lies next to a library in memory is luck, and luck must not decide: the library is placed into a hole in memory
that nobody may touch, and if that is not whole afterwards, the library has mapped itself over its neighbour: it "dies".

Run as a program, this module is the runner: paths in, one line for each out.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterable

PATIENCE = 5  # seconds of a single child; a mutant may hang
_REFUSED = 3  # exit status of a child whose dlopen said no
_OVERWRITES = 4  # exit status of a child in which the library was mapped over its neighbour

_AROUND = 1 << 28  # bytes of untouchable memory on either side of the hole
_HOLE = 1 << 19  # bytes; small libraries only, and too small for what Python takes when it needs memory
_PROT_NONE, _MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_NORESERVE = 0, 2, 0x20, 0x4000


def outcomes(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    """One fresh interpreter; one forked child of it for each file."""
    asked = "".join(f"{os.fspath(path)}\n" for path in paths)
    run = subprocess.run(
        [sys.executable, "-I", "-S", __file__], input=asked, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


def _open(path: str) -> None:
    libc = ctypes.CDLL(None)
    sides = _fence(libc)
    start, end = (int(text, 16) for text in (sides[0].split()[0].split("-")[1], sides[1].split("-")[0]))
    try:
        library = ctypes.CDLL(path, mode=os.RTLD_NOW)
    except OSError as error:
        os.write(1, f"refuses: {error}".replace("\n", " ").encode("utf-8", "replace"))
        os._exit(_REFUSED)
    if _sides(start, end) != sides:
        os._exit(_OVERWRITES)
    if hasattr(library, "touch"):
        library.touch()
    with contextlib.suppress(OSError):
        ctypes.CDLL("libno-such-name.so.0")
    libc.exit(0)


def _fence(libc: ctypes.CDLL) -> list[str]:
    """A hole in untouchable memory, where the loader puts what it maps next: it is the highest that is free.

    What is returned is how the two sides of it look in /proc/self/maps.
    """
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def take(count: int) -> int:
        taken: int = libc.mmap(None, count, _PROT_NONE, _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_NORESERVE, -1, 0)
        return taken

    below = take(2 * _AROUND + _HOLE)
    for count in (1 << power for power in range(24, 11, -1)):
        while (taken := take(count)) > below:  # a gap between what was mapped before
            pass
        libc.munmap(taken, count)
    libc.munmap(below + _AROUND, _HOLE)
    return _sides(below + _AROUND, below + _AROUND + _HOLE)


def _sides(start: int, end: int) -> list[str]:
    """The lines of /proc/self/maps of untouchable memory that ends at `start` or starts at `end`."""
    with open("/proc/self/maps") as maps:
        return [line for line in maps if " ---p " in line and (f"-{start:x} " in line or line.startswith(f"{end:x}-"))]


def _outcome(path: str) -> str:
    said, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(PATIENCE)
        _open(path)
    os.close(write)
    with os.fdopen(said, errors="replace") as words:
        refusal = words.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"dies: {signal.Signals(os.WTERMSIG(status)).name}"
    code = os.WEXITSTATUS(status)
    meaning = {0: "loads", _REFUSED: refusal, _OVERWRITES: "dies: mapped over its neighbour"}
    return meaning.get(code, f"dies: exit status {code}")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        print(_outcome(line.rstrip("\n")), flush=True)
