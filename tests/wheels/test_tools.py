"""What the other tests in this folder rely on."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.wheels import environments
from tests.wheels.pin import Wheel, lines
from tests.wheels.strace import Call, parse

TRACE = r"""
10 openat(AT_FDCWD, "/a b/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
10 newfstatat(3, "", {st_mode=S_IFREG|0755, st_size=1922136, ...}, AT_EMPTY_PATH) = 0
10 readlink("/a", 0x7ffd, 4096)       = -1 EINVAL (Invalid argument)
11 access("/b", F_OK <unfinished ...>
10 access("/mark/end", F_OK)          = -1 ENOENT (No such file or directory)
11 <... access resumed>)              = 0
11 +++ exited with 0 +++
""".strip().splitlines()


def test_a_call_in_two_parts_stands_where_it_began() -> None:
    assert parse(TRACE).calls[3:] == (
        Call("access", "/b", '"/b", F_OK', "0"),
        Call("access", "/mark/end", '"/mark/end", F_OK', "-1 ENOENT (No such file or directory)"),
    )


def test_path_operations_are_those_that_name_a_path() -> None:
    found = parse(TRACE)
    assert (found.paths, found.failed_paths) == (["/a b/libc.so.6", "/a", "/b", "/mark/end"], ["/a", "/mark/end"])


def test_a_path_is_under_a_directory_and_not_under_one_whose_name_it_continues() -> None:
    assert parse(TRACE).under(["/a b/", "/mark/en"]) == ["/a b/libc.so.6"]


def test_a_version_that_one_python_alone_takes_gets_a_marker() -> None:
    old, new = Wheel("numpy", "2.2.6", "aa"), Wheel("numpy", "2.4.6", "bb")
    assert lines({"3.10": {old}, "3.11": {new}, "3.12": {new}}) == [
        'numpy==2.2.6 ; python_version == "3.10" \\\n    --hash=sha256:aa',
        'numpy==2.4.6 ; python_version == "3.11" or python_version == "3.12" \\\n    --hash=sha256:bb',
    ]


def test_of_two_runs_that_start_at_once_one_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    barrier, made = threading.Barrier(4), []

    def make(place: Path) -> None:
        made.append(place)
        time.sleep(0.1)  # long enough for the others to come by
        place.mkdir()

    def one() -> None:
        barrier.wait()
        environments.once(tmp_path / "sites" / "a", make)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), sorted(path.name for path in tmp_path.rglob("*"))) == (1, ["a", "lock", "sites"])


def test_what_was_not_completed_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)

    def make(place: Path) -> None:
        place.mkdir()
        raise RuntimeError("the index is gone")

    with pytest.raises(RuntimeError, match="the index is gone"):
        environments.once(tmp_path / "sites" / "a", make)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["lock", "sites"]
