"""System calls of a child, one record each, in the order in which they began."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# open, stat by path and readlink, in all their spellings. fstat is not among them: glibc writes it newfstatat(fd, "").
PATH_OPERATIONS = {
    "open", "openat", "openat2", "creat", "stat", "lstat", "newfstatat", "fstatat64", "statx", "readlink", "readlinkat",
    "access", "faccessat", "faccessat2",
}  # fmt: skip
NEW_PROCESSES = {"execve", "execveat", "fork", "vfork", "clone", "clone3"}

# strace(1): "pid name(arguments) = result"; a call that another thread interrupts is written in two parts.
_WHOLE = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>.*)$")
_BEGUN = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*) <unfinished \.\.\.>$")
_ENDED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)\) += (?P<result>.*)$")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Call(NamedTuple):
    """One system call. `path` is its first string argument; None: it has none, or an empty one."""

    name: str
    path: str | None
    arguments: str
    result: str

    @property
    def on_path(self) -> bool:
        return self.name in PATH_OPERATIONS and self.path is not None

    @property
    def failed(self) -> bool:
        return self.result.startswith("-1 ")


class Trace(NamedTuple):
    """What a child asked of the kernel; `calls` in the order in which they began."""

    calls: tuple[Call, ...]

    def between(self, begin: str, end: str) -> Trace:
        """The calls between two `inside.mark`s."""
        at = {call.path: position for position, call in enumerate(self.calls)}
        return Trace(self.calls[at[f"/mark/{begin}"] + 1 : at[f"/mark/{end}"]])

    @property
    def paths(self) -> list[str]:
        """Path operations: the path of each."""
        return [call.path for call in self.calls if call.on_path and call.path is not None]

    @property
    def failed_paths(self) -> list[str]:
        return [call.path for call in self.calls if call.on_path and call.failed and call.path is not None]

    @property
    def new_processes(self) -> list[str]:
        return [f"{call.name}({call.arguments})" for call in self.calls if call.name in NEW_PROCESSES]

    def under(self, directories: Iterable[str]) -> list[str]:
        """Path operations on one of the directories or below it; relative ones as they were written."""
        inside = tuple(directory.rstrip("/") for directory in directories)
        return [path for path in self.paths if any(path == top or path.startswith(f"{top}/") for top in inside)]


def trace(command: Sequence[str], env: Mapping[str, str]) -> Trace:
    """Run a command to its good end under strace, with all its threads and children."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "trace")
        strace = ["strace", "-f", "-qq", "-s", "4096", "-o", str(out), *command]
        done = subprocess.run(strace, capture_output=True, text=True, env=dict(env), cwd="/")
        if done.returncode:
            raise RuntimeError(f"returned {done.returncode}\n{done.stdout}\n{done.stderr}")
        return parse(out.read_text(errors="surrogateescape").splitlines())


def parse(lines: Iterable[str]) -> Trace:
    calls: list[Call] = []
    begun: dict[tuple[str, str], tuple[int, str]] = {}  # (pid, name) -> where it stands, its arguments so far
    for line in lines:
        if whole := _WHOLE.match(line):
            calls.append(_call(whole["name"], whole["arguments"], whole["result"]))
        elif half := _BEGUN.match(line):
            begun[half["pid"], half["name"]] = len(calls), half["arguments"]
            calls.append(_call(half["name"], half["arguments"], "?"))
        elif rest := _ENDED.match(line):
            position, arguments = begun.pop((rest["pid"], rest["name"]))
            calls[position] = _call(rest["name"], arguments + rest["arguments"], rest["result"])
    return Trace(tuple(calls))


def _call(name: str, arguments: str, result: str) -> Call:
    string = _STRING.search(arguments)
    return Call(name, (string[1] if string else None) or None, arguments, result)
