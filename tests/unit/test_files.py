"""What is at a path, told and never raised. The one unit that needs a disk: it is the door to it."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from findlibs2 import files
from findlibs2.model import File, FileProblem, Identity
from tests import need
from tests.build.elf import library


def problem(path: object) -> tuple[str, str]:
    found = files.read(str(path))
    assert found.binary is None
    assert found.problem is not None
    return found.problem.code, found.problem.what


def test_a_library_is_read(tmp_path: Path) -> None:
    path = tmp_path / "libx.so"
    path.write_bytes(library("libx.so.1", ["liba.so"]))
    status = path.stat()
    found = files.read(str(path))
    assert found.binary is not None
    assert (found.binary.path, found.binary.name) == (str(path), "libx.so.1")
    assert found == File(
        str(path), Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns), found.binary, None
    )


def test_a_link_is_followed_and_the_path_stays_as_asked(tmp_path: Path) -> None:
    (tmp_path / "libx.so.1").write_bytes(library("libx.so.1"))
    (tmp_path / "libx.so").symlink_to("libx.so.1")
    link, target = files.read(str(tmp_path / "libx.so")), files.read(str(tmp_path / "libx.so.1"))
    assert (link.path, link.identity) == (str(tmp_path / "libx.so"), target.identity)


CONTENTS = {
    "nothing": (b"", "empty", "0 bytes"),
    "a script": (b"INPUT(libx.so.1)\n", "linker-script", "a script for the linker, which names the real library"),
    "a text": (b"not here\n", "not-a-library", "a text"),
    "an archive": (b"!<arch>\n", "not-a-library", "a static library (an archive of object files)"),
    "macOS": (b"\xcf\xfa\xed\xfe" + bytes(64), "not-a-library", "a Mach-O library (macOS)"),
    "Windows": (b"MZ" + bytes(64), "not-a-library", "a PE library (Windows)"),
    "zeros": (bytes(8192), "not-a-library", "of no known format"),
    "half a header": (library()[:20], "damaged", "the file header ends at byte 64 of a file of 20 bytes"),
}


@pytest.mark.parametrize(("content", "code", "what"), CONTENTS.values(), ids=CONTENTS)
def test_contents_that_cannot_be_loaded(content: bytes, code: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_bytes(content)
    assert problem(tmp_path / "libx.so") == (code, what)


def _nothing(path: Path) -> Path:
    return path


def _below_a_file(path: Path) -> Path:
    path.write_bytes(b"x")
    return path / "libx.so"


def _dangling(path: Path) -> Path:
    path.symlink_to("libx.so.9")
    return path


def _ring(path: Path) -> Path:
    path.symlink_to(path.name)
    return path


def _directory(path: Path) -> Path:
    path.mkdir()
    return path


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # the address has room for 107 bytes
    return path


PLACES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "nothing": (_nothing, "absent", "[Errno 2] No such file or directory"),
    "below a file": (_below_a_file, "absent", "[Errno 20] Not a directory"),
    "a name too long": (lambda path: path.with_name("x" * 300), "absent", "[Errno 36] File name too long"),
    "a link to nothing": (_dangling, "dangling-link", "a symbolic link to 'libx.so.9', which does not exist"),
    "a link to itself": (_ring, "link-ring", "[Errno 40] Too many levels of symbolic links"),
    "a directory": (_directory, "directory", "a directory"),
    "a fifo without a writer": (_fifo, "special-file", "a fifo"),
    "a socket": (_socket, "special-file", "[Errno 6] No such device or address"),
    "a device": (lambda _: Path(os.devnull), "special-file", "a character device"),
}


@need.linux()
@pytest.mark.parametrize(("make", "code", "what"), PLACES.values(), ids=PLACES)
def test_places_where_no_library_is(make: Callable[[Path], Path], code: str, what: str, tmp_path: Path) -> None:
    assert problem(make(tmp_path / "libx.so")) == (code, what)


@pytest.mark.parametrize("path", ["lib\0x.so", "lib\ud800.so", ""])
def test_paths_that_no_file_can_have(path: str) -> None:
    assert problem(path)[0] == "absent"


@contextmanager
def _unprivileged() -> Iterator[None]:
    """As nobody, where the test runs as the superuser, who may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@need.linux()
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_bytes(library())
    (tmp_path / "libx.so").chmod(0)
    with _unprivileged():
        assert problem(tmp_path / "libx.so") == ("unreadable", "[Errno 13] Permission denied")


@need.linux()
def test_no_descriptors_left(tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_bytes(library())
    used = len(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, limits[1]))
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        assert problem(tmp_path / "libx.so") == ("unreadable", "[Errno 24] Too many open files")
        assert files.listing(str(tmp_path)) is None
        assert files.source(str(tmp_path / "libx.so"), 10) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for descriptor in taken:
            os.close(descriptor)


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libx.so").write_bytes(library())
    monkeypatch.setattr(os, "pread", lambda descriptor, count, offset: b"")
    assert problem(tmp_path / "libx.so") == (
        "damaged",
        f"no byte of {len(library())}: it became shorter while it was read",
    )


def test_a_disk_that_fails_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int, count: int, offset: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "libx.so").write_bytes(library())
    monkeypatch.setattr(os, "pread", fail)
    assert problem(tmp_path / "libx.so") == ("unreadable", "[Errno 5] Input/output error")


@need.linux()
def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for make, _, _ in list(PLACES.values())[:-1]:
        files.read(str(make(tmp_path / f"lib{make.__name__.strip('<>')}.so")))
    (tmp_path / "libx.so").write_bytes(library()[:100])
    files.read(str(tmp_path / "libx.so"))
    files.source(str(tmp_path / "libx.so"), 10)
    assert os.listdir("/proc/self/fd") == before


def test_damage_says_where(tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_bytes(library(overrides={"e_version": 0}))
    assert files.read(str(tmp_path / "libx.so")).problem == FileProblem("damaged", "e_version is 0, not 1", 20)


def test_a_listing_is_sorted(tmp_path: Path) -> None:
    for name in ("b.so", "a.so", "c"):
        (tmp_path / name).touch()
    assert files.listing(str(tmp_path)) == ("a.so", "b.so", "c")


def test_what_is_no_directory_has_no_listing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [files.listing(str(path)) for path in (tmp_path / "file", tmp_path / "absent", "a\0b")] == [None] * 3


def test_identity_follows_links_and_tells_files_apart(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_bytes(b"same")
    (tmp_path / "link").symlink_to("one")
    one, link, other, absent = (files.identity(str(tmp_path / name)) for name in ("one", "link", "other", "absent"))
    assert one is not None
    assert (one == link, one == other, absent, one.size) == (True, False, None, 4)
    assert files.identity("a\0b") is None


def test_what_exists(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    paths = ["file", "", "dangling", "absent", "a\0b"]
    assert [files.exists(os.path.join(tmp_path, path)) for path in paths] == [True, True, False, False, False]


def test_a_source_is_read_whole_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"0123456789")
    path = str(tmp_path / "text")
    assert [files.source(path, limit) for limit in (100, 10, 9, 0)] == [
        b"0123456789",
        b"0123456789",
        b"0123456789",
        b"0",
    ]


def test_an_empty_source_is_not_an_absent_one(tmp_path: Path) -> None:
    (tmp_path / "text").touch()
    assert (files.source(str(tmp_path / "text"), 10), files.source(str(tmp_path / "absent"), 10)) == (b"", None)


@need.linux()
def test_a_source_without_a_size_is_read_to_its_end() -> None:
    assert files.source("/proc/self/cmdline", 1 << 20) == Path("/proc/self/cmdline").read_bytes()


@need.linux()
@pytest.mark.parametrize("make", [_directory, _fifo, _dangling])
def test_only_a_regular_file_is_a_source(make: Callable[[Path], Path], tmp_path: Path) -> None:
    assert files.source(str(make(tmp_path / "x")), 10) is None


def test_same_content(tmp_path: Path) -> None:
    big = bytes(range(256)) * 10_000  # more than one chunk
    contents = {"a": big, "copy": big, "last": big[:-1] + b"x", "first": b"x" + big[1:], "short": big[:-1], "none": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "directory").mkdir()
    others = (*contents, "link", "directory", "absent")
    same = {name for name in others if files.same_content(str(tmp_path / "a"), str(tmp_path / name))}
    assert same == {"a", "copy", "link"}
    assert not files.same_content(str(tmp_path / "directory"), str(tmp_path / "directory"))
